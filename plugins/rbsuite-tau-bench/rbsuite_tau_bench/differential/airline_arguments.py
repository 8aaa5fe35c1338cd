"""Random arguments for the airline tools."""

# ruff: noqa: D102 (each method makes the arguments of the tool of the same name)

from __future__ import annotations

from typing import Any

from rbsuite_tau_bench.differential.arguments import ArgumentMaker, Arguments
from rbsuite_tau_bench.world import World

_CABINS = ("basic_economy", "economy", "business")
_NEW = ("HATHAT", "HATHAU", "HATHAV")
_DATES = (*(f"2024-05-{day:02}" for day in range(1, 32)), "2024-05-9", "2024-05", "tomorrow", "2024-06-01")


class AirlineArguments(ArgumentMaker):
    """One method per tool; see :class:`ArgumentMaker`."""

    def book_reservation(self, world: World) -> Arguments:
        user_id, cabin = self._user_id(), self.rng.choice(_CABINS)
        passengers = self._passengers(self.rng.randint(0 if self.rng.random() < 0.1 else 1, 3))
        flights = [self._flight() for _ in range(self.rng.randint(0 if self.rng.random() < 0.2 else 1, 3))]
        bags, insurance = self.rng.choice([0, 0, 0, 1, 2]), self.rng.choice(["yes", "no"])
        price = 50 * bags + (30 * len(passengers) if insurance == "yes" else 0)
        price += sum(self._price(flight, cabin) for flight in flights) * len(passengers)
        return {
            "user_id": user_id,
            "origin": self._airport(),
            "destination": self._airport(),
            "flight_type": self.rng.choice(["one_way", "round_trip"]),
            "cabin": cabin,
            "flights": flights,
            "passengers": passengers,
            "payment_methods": self._payments(world, user_id, price + self.rng.choice([0] * 9 + [1])),
            "total_baggages": bags + self.rng.randint(0, 2),
            "nonfree_baggages": bags,
            "insurance": insurance,
        }

    def cancel_reservation(self, world: World) -> Arguments:
        return {"reservation_id": self._reservation_id()}

    def get_reservation_details(self, world: World) -> Arguments:
        return {"reservation_id": self._reservation_id()}

    def list_all_airports(self, world: World) -> Arguments:
        return {}

    def search_direct_flight(self, world: World) -> Arguments:
        return {"origin": self._airport(), "destination": self._airport(), "date": self.rng.choice(_DATES)}

    def search_onestop_flight(self, world: World) -> Arguments:
        return self.search_direct_flight(world)

    def send_certificate(self, world: World) -> Arguments:
        return {"user_id": self._user_id(), "amount": self.rng.choice([50, 100, 50.0, 0])}

    def update_reservation_baggages(self, world: World) -> Arguments:
        reservation = self._reservation(world)
        return {
            "reservation_id": reservation["reservation_id"],
            "total_baggages": self.rng.randint(0, 6),
            "nonfree_baggages": self.rng.randint(0, 4),
            "payment_id": self._method(world, reservation["user_id"]),
        }

    def update_reservation_flights(self, world: World) -> Arguments:
        reservation = self._reservation(world)
        booked = reservation["flights"] if isinstance(reservation["flights"], list) else []
        kept = [{field: flight[field] for field in ("flight_number", "date")} for flight in booked]
        return {
            "reservation_id": reservation["reservation_id"],
            "cabin": reservation["cabin"] if self.rng.random() < 0.6 else self.rng.choice(_CABINS),
            "flights": [flight for flight in kept if self.rng.random() < 0.7]
            + [self._flight() for _ in range(self.rng.randint(0, 2))],
            "payment_id": self._method(world, reservation["user_id"]),
        }

    def update_reservation_passengers(self, world: World) -> Arguments:
        reservation = self._reservation(world)
        count = len(reservation["passengers"]) if isinstance(reservation["passengers"], list) else 1
        return {"reservation_id": reservation["reservation_id"], "passengers": self._passengers(count)}

    def _airport(self) -> str:
        return self._one_of(sorted({flight["origin"] for flight in self.tables["flights"].values()}))

    def _reservation_id(self) -> str:
        if self.rng.random() < 0.3:
            return self._one_of(_NEW)
        return self._one_of(self.tables["users"][self._user_id()]["reservations"] or _NEW)

    def _reservation(self, world: World) -> dict[str, Any]:
        found = self._record(world, "get_reservation_details", reservation_id=self._reservation_id())
        return found or dict(self.tables["reservations"][self.rng.choice(sorted(self.tables["reservations"]))])

    def _flight(self) -> dict[str, Any]:
        """A flight and a date, mostly one on which it can be booked."""
        number = self.rng.choice(sorted(self.tables["flights"]))
        dates = self.tables["flights"][number]["dates"]
        bookable = [date for date, entry in dates.items() if entry["status"] == "available"]
        date = self.rng.choice(bookable if bookable and self.rng.random() < 0.95 else list(dates))
        return {"flight_number": number, "date": date}

    def _price(self, flight: dict[str, Any], cabin: str) -> int:
        day = self.tables["flights"][flight["flight_number"]]["dates"][flight["date"]]
        return int(day.get("prices", {}).get(cabin, 0))

    def _passengers(self, count: int) -> list[dict[str, Any]]:
        return [{"first_name": self.rng.choice("AB"), "last_name": "C", "dob": "1980-02-02"} for _ in range(count)]

    def _payments(self, world: World, user_id: str, price: float) -> list[dict[str, Any]]:
        """Payments that add up to the price, if the user's methods can."""
        methods = self._record(world, "get_user_details", user_id=user_id)["payment_methods"]
        payments: list[dict[str, Any]] = []
        for key in self.rng.sample(sorted(methods), len(methods)):
            limit = methods[key].get("amount", price)
            if price > 0 and isinstance(limit, int | float) and limit > 0:
                amount = min(limit, price)
                payments.append({"payment_id": key, "amount": amount})
                price -= amount
        return payments
