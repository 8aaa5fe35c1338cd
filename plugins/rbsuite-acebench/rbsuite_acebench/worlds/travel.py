"""Flights: users, reservations and a clock that stands still."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from rbsuite_acebench.worlds.base import World

NOW = datetime(2024, 7, 14, 6)
"""The current time in this world."""

_PIECE_FEE = 50
_FREE_PIECES = {"regular": (1, 2), "silver": (2, 3), "gold": (3, 3)}
"""Pieces that fly free, by membership, in economy and in business."""


class Travel(World):
    """Flights that can be booked, changed and cancelled. Upstream's helpers are public, so they can be called too."""

    SAVED = ("users", "reservations")
    users: dict[str, dict[str, Any]]
    flights: list[dict[str, Any]]
    reservations: list[dict[str, Any]]

    def get_flight_details(self, origin: str | None = None, destination: str | None = None) -> Any:
        """The flights between two cities."""
        flights = self.flights
        if origin:
            flights = [flight for flight in flights if flight["origin"] == origin]
        if destination:
            flights = [flight for flight in flights if flight["destination"] == destination]
        return [dict(flight) for flight in flights] or self._say("no_flights")

    def get_user_details(self, user_id: str, password: str) -> Any:
        """A user, without the password."""
        user = self.users.get(user_id)
        if user and user["password"] == password:
            return {key: value for key, value in user.items() if key != "password"}
        return {"status": "error", "message": self._say("bad_login")}

    def get_reservation_details(self, reservation_id: str | None = None, user_id: str | None = None) -> Any:
        """Reservations, each with its flight."""
        if reservation_id:
            key, wanted = "reservation_id", reservation_id
        elif user_id:
            key, wanted = "user_id", user_id
        else:
            return {"status": "error", "message": self._say("no_reservation_key")}
        return [
            {**one, "flight_info": self._flight(one["flight_no"])} for one in self.reservations if one[key] == wanted
        ]

    def authenticate_user(self, user_id: str, password: str) -> Any:
        """A user, or a dict describing an error, which upstream takes for a user."""
        user = self.users.get(user_id)
        if user and user["password"] == password:
            return user
        return {"status": "error", "message": self._say("bad_login")}

    def get_baggage_allowance(self, membership_level: str, cabin_class: str) -> Any:
        """Pieces that fly free; 0 for unknown ones."""
        return self._allowances().get(membership_level, {}).get(cabin_class, 0)

    def find_transfer_flights(self, origin_city: str, transfer_city: str, destination_city: str) -> Any:
        """Pairs of flights where the first arrives before the second leaves."""
        pairs = [
            {"first_leg": first, "second_leg": second}
            for first in self._between(origin_city, transfer_city)
            for second in self._between(transfer_city, destination_city)
            if _time(first["arrival_time"]) < _time(second["depart_time"])
        ]
        return pairs or self._say("no_transfer")

    def calculate_baggage_fee(self, membership_level: str, cabin_class: str, baggage_count: int) -> Any:
        """The fee for the pieces beyond those that fly free."""
        free = self._allowances()[membership_level][cabin_class]
        return max(baggage_count - free, 0) * _PIECE_FEE

    def update_balance(self, user: dict[str, Any], payment_method: str, amount: float) -> Any:
        """Add to a balance, unless it would fall below zero; any other payment method changes nothing."""
        if payment_method in ("cash", "bank"):
            balance = f"{payment_method}_balance"
            if user[balance] + amount < 0:
                return False
            user[balance] += amount
        return True

    def reserve_flight(
        self, user_id: str, password: str, flight_no: str, cabin: str, payment_method: str, baggage_count: int
    ) -> Any:
        """Book a flight. An unknown flight, a wrong password and an unknown cabin are errors before anything changes."""
        user: Any = self.authenticate_user(user_id, password)
        flight: Any = next(
            (one for one in self.flights if one["flight_no"] == flight_no and one["status"] == "available"), None
        )
        price = flight["economy_price"] if cabin == self._texts["economy"] else flight["business_price"]
        cost = price + self.calculate_baggage_fee(user["membership_level"], cabin, baggage_count)
        if payment_method not in ["cash", "bank"]:
            return self._say("bad_payment")
        balance = f"{payment_method}_balance"
        if cost > self.users[user_id][balance]:
            return self._say(balance)
        self.users[user_id][balance] -= cost
        flight["seats_available"] -= 1
        name = f"res_{len(self.reservations) + 1}"
        self.reservations.append(
            {
                "reservation_id": name,
                "user_id": user_id,
                "flight_no": flight_no,
                "payment_method": payment_method,
                "cabin": cabin,
                "baggage": baggage_count,
            }
        )
        return self._say("booked", id=name, cost=cost)

    def modify_flight(
        self,
        user_id: str,
        reservation_id: str,
        new_flight_no: str | None = None,
        new_cabin: str | None = None,
        add_baggage: int = 0,
        new_payment_method: str | None = None,
    ) -> Any:
        """Change flight, cabin and baggage. Cabin and baggage change even if the balance is insufficient, as in upstream."""
        reservation = self._reservation(user_id, reservation_id)
        if not reservation:
            return self._say("modify_unknown")
        flight = self._flight(reservation["flight_no"])
        if not flight:
            return self._say("modify_no_flight")
        method = new_payment_method if new_payment_method else reservation["payment_method"]
        user = self.users[user_id]
        said: list[str] = []
        if new_flight_no and new_flight_no != reservation["flight_no"]:
            other = self._flight(new_flight_no)
            if not other or any(other[end] != flight[end] for end in ("origin", "destination")):
                return self._say("modify_bad_flight")
            reservation["flight_no"] = new_flight_no
            said.append(self._say("flight_changed"))
        if new_cabin and new_cabin != reservation.get("cabin"):
            said += self._change_cabin(user, method, reservation, flight, new_cabin)
        if add_baggage > 0:
            said += self._add_baggage(user, method, reservation, add_baggage)
        return " ".join(said) or self._say("modified")

    def cancel_reservation(self, user_id: str, reservation_id: str, reason: str) -> Any:
        """Refund a reservation, to cash; it stays in the list, as in upstream."""
        user = self.users.get(user_id, None)
        if not user:
            return self._say("cancel_no_user")
        reservation = self._reservation(user_id, reservation_id)
        if not reservation:
            return self._say("cancel_unknown")
        flight = self._flight(reservation["flight_no"])
        if not flight:
            return self._say("cancel_no_flight")
        departure = _time(flight["depart_time"])
        if departure < NOW:
            return self._say("cancel_flown")
        economy = reservation["cabin"] == self._texts["economy"]
        price = flight["economy_price"] if economy else flight["business_price"]
        if reason == self._texts["airline_cancelled"]:
            said = self._say("cancel_by_airline", refund=price)
        elif departure - NOW > timedelta(days=1):
            said = self._say("cancel_free", refund=price)
        else:
            fee = price * 0.1
            price = price - fee
            said = self._say("cancel_fee", fee=fee, refund=price)
        self.process_refund(user, price)
        return said

    def process_refund(self, user: dict[str, Any], amount: float) -> Any:
        """Add to a user's cash."""
        user["cash_balance"] += amount
        # Upstream prints the name, which is an error if there is none.
        user["user_name"]

    def calculate_price_difference(self, flight: dict[str, Any], old_cabin: str, new_cabin: str) -> Any:
        """How much more a new cabin costs than the old one; an unknown cabin costs nothing."""
        prices = {
            self._texts["economy"]: flight["economy_price"],
            self._texts["business"]: flight["business_price"],
        }
        return prices.get(new_cabin, 0) - prices.get(old_cabin, 0)

    def _change_cabin(
        self, user: dict[str, Any], method: str, reservation: dict[str, Any], flight: dict[str, Any], cabin: str
    ) -> list[str]:
        difference = self.calculate_price_difference(flight, reservation["cabin"], cabin)
        reservation["cabin"] = cabin
        if difference > 0:
            paid = self.update_balance(user, method, -difference)
            return [self._say("cabin_paid", difference=difference) if paid else self._say("cabin_balance")]
        if difference < 0:
            self.update_balance(user, method, -difference)
            return [self._say("cabin_refunded", difference=-difference)]
        return []

    def _add_baggage(self, user: dict[str, Any], method: str, reservation: dict[str, Any], pieces: int) -> list[str]:
        total = reservation.get("baggage", 0) + pieces
        free = self.get_baggage_allowance(user["membership_level"], reservation["cabin"])
        cost = max(0, total - free) * _PIECE_FEE
        said = []
        if cost > 0:
            paid = self.update_balance(user, method, -cost)
            said = [self._say("bags_paid", cost=cost) if paid else self._say("bags_balance")]
        reservation["baggage"] = total
        return said

    def _allowances(self) -> dict[str, dict[str, int]]:
        cabins = (self._texts["economy"], self._texts["business"])
        return {level: dict(zip(cabins, pieces, strict=True)) for level, pieces in _FREE_PIECES.items()}

    def _between(self, origin: str, destination: str) -> list[dict[str, Any]]:
        return [
            flight
            for flight in self.flights
            if flight["origin"] == origin and flight["destination"] == destination and flight["status"] == "available"
        ]

    def _flight(self, number: str) -> dict[str, Any] | None:
        return next((flight for flight in self.flights if flight["flight_no"] == number), None)

    def _reservation(self, user: str, name: str) -> dict[str, Any] | None:
        return next((one for one in self.reservations if (one["reservation_id"], one["user_id"]) == (name, user)), None)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
