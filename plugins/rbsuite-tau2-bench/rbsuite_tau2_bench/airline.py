"""The airline domain: fourteen tools over flights, reservations and users.

Checks, their order and their texts follow ``src/tau2/domains/airline`` (sierra-research/tau2-bench, a2c0247), quirks included:
cancelling frees no seats, updating flights takes none.
"""

# ruff: noqa: D102 (a tool is its name; the text that a model reads about it comes with the data)

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rbsuite_dialogue.airline import (
    AIRPORTS,
    BAG_PRICE,
    INSURANCE_PRICE,
    NEW_CERTIFICATE_IDS,
    NEW_RESERVATION_IDS,
    NOW,
    Routes,
    check_bookable,
    check_payments,
    day_after,
    deduct,
    find_day,
    find_flight,
    source_for_update,
)
from rbsuite_dialogue.refusal import Refusal, capitalised
from rbsuite_dialogue.values import Record, Value
from rbsuite_tau2_bench import schema
from rbsuite_tau2_bench.schema import INTEGER, NUMBER, TEXT, By, Choice, Keyed, Many, Maybe, Model, texts
from rbsuite_tau2_bench.toolkit import BOUNDED_HISTORY, Toolkit, evaluated, listed, tool

_MOST_PAYMENTS = 4096
"""Every cancellation doubles the payments of a reservation, and nothing keeps an agent from cancelling repeatedly."""
# --- records --------------------------------------------------------------------------------------------------------------

_CABIN = Choice(("business", "economy", "basic_economy"))
_NAME = schema.Record("Name", texts("first_name", "last_name"))
_ADDRESS = schema.Record(
    "Address",
    {**texts("address1"), "address2": Maybe(TEXT), **texts("city", "country", "state", "zip")},
    {"address2": None},
)
_PAYMENT = schema.Record("Payment", {"payment_id": TEXT, "amount": INTEGER})
_CERTIFICATE = schema.Record("Certificate", {"source": Choice(("certificate",)), "id": TEXT, "amount": NUMBER})
_METHOD = By(
    "source",
    {
        "credit_card": schema.Record("CreditCard", texts("source", "id", "brand", "last_four")),
        "gift_card": schema.Record("GiftCard", {**texts("source", "id"), "amount": NUMBER}),
        "certificate": _CERTIFICATE,
    },
)
_PASSENGER = schema.Record("Passenger", texts("first_name", "last_name", "dob"))
_FLIGHT_INFO = schema.Record("FlightInfo", texts("flight_number", "date"))
_RESERVED_FLIGHT = schema.Record(
    "ReservationFlight", {**texts("flight_number", "origin", "destination", "date"), "price": INTEGER}
)
_RESERVATION = schema.Record(
    "Reservation",
    {
        **texts("reservation_id", "user_id", "origin", "destination"),
        "flight_type": Choice(("round_trip", "one_way")),
        "cabin": _CABIN,
        "flights": Many(_RESERVED_FLIGHT),
        "passengers": Many(_PASSENGER),
        "payment_history": Many(_PAYMENT),
        "created_at": TEXT,
        "total_baggages": INTEGER,
        "nonfree_baggages": INTEGER,
        "insurance": Choice(("yes", "no")),
        "status": Maybe(Choice(("cancelled",))),
    },
    {"status": None},
)
_USER = schema.Record(
    "User",
    {
        "user_id": TEXT,
        "name": _NAME,
        "address": _ADDRESS,
        **texts("email", "dob"),
        "payment_methods": Keyed(_METHOD),
        "saved_passengers": Many(_PASSENGER),
        "membership": Choice(("gold", "silver", "regular")),
        "reservations": Many(TEXT),
    },
)
_DELAYS = ("estimated_departure_time_est", "estimated_arrival_time_est")
_DAY = By(
    "status",
    {
        "available": schema.Record(
            "FlightDateStatusAvailable",
            {"status": TEXT, "available_seats": Keyed(INTEGER), "prices": Keyed(INTEGER)},
        ),
        "on time": schema.Record("FlightDataStatusOnTime", texts("status", *_DELAYS)),
        "delayed": schema.Record("FlightDateStatusDelayed", texts("status", *_DELAYS)),
        "flying": schema.Record(
            "FlightDataStatusFlying", texts("status", "actual_departure_time_est", "estimated_arrival_time_est")
        ),
        "landed": schema.Record(
            "FlightDateStatusLanded", texts("status", "actual_departure_time_est", "actual_arrival_time_est")
        ),
        "cancelled": schema.Record("FlightDateStatusCancelled", texts("status")),
    },
)
_FLIGHT = schema.Record(
    "Flight",
    {
        **texts("flight_number", "origin", "destination"),
        **texts("scheduled_departure_time_est", "scheduled_arrival_time_est"),
        "dates": Keyed(_DAY),
    },
)
TABLES = {"flights": _FLIGHT, "users": _USER, "reservations": _RESERVATION}


class AirlineTools(Toolkit):
    """The tools of the airline's agent."""

    @tool("write")
    def book_reservation(
        self,
        user_id: Value,
        origin: Value,
        destination: Value,
        flight_type: Value,
        cabin: Value,
        flights: Value,
        passengers: Value,
        payment_methods: Value,
        total_baggages: Value,
        nonfree_baggages: Value,
        insurance: Value,
    ) -> str:
        flights = _made(_FLIGHT_INFO, flights)
        passengers = _made(_PASSENGER, passengers)
        payment_methods = _made(_PAYMENT, payment_methods)
        self._get_user(user_id)
        new_id = next((one for one in NEW_RESERVATION_IDS if not self.db.has("reservations", one)), None)
        if new_id is None:
            raise Refusal("Too many reservations")
        reservation = _RESERVATION.make(
            {
                "reservation_id": new_id,
                "user_id": user_id,
                "origin": origin,
                "destination": destination,
                "flight_type": flight_type,
                "cabin": cabin,
                "flights": [],
                "passengers": passengers,
                "payment_history": payment_methods,
                "created_at": NOW,
                "total_baggages": total_baggages,
                "nonfree_baggages": nonfree_baggages,
                "insurance": insurance,
            }
        )
        price = 0
        for info in flights:
            reserved = self._reserved(_of(info, "flight_number"), _of(info, "date"), cabin, passengers)
            reservation["flights"].append(reserved)
            price += reserved["price"] * len(passengers)
        if insurance == "yes":
            price += INSURANCE_PRICE * len(passengers)
        price += BAG_PRICE * nonfree_baggages
        payments = ((_of(one, "payment_id"), _of(one, "amount")) for one in payment_methods)
        check_payments(self.db.read("users", user_id)["payment_methods"], payments, price, capitalised)

        user = self.db.write("users", user_id)
        deduct(user["payment_methods"], payment_methods)
        for info in flights:
            day = self.db.write("flights", info["flight_number"])["dates"][info["date"]]
            day["available_seats"][cabin] -= len(passengers)
        self.db.put("reservations", new_id, reservation)
        user["reservations"].append(new_id)
        return json.dumps(reservation)

    @tool("generic")
    def calculate(self, expression: Value) -> str:
        return evaluated(self.db, expression)

    @tool("write")
    def cancel_reservation(self, reservation_id: Value) -> str:
        self._get_reservation(reservation_id)
        reservation = self.db.write("reservations", reservation_id)
        history = reservation["payment_history"]
        if len(history) > _MOST_PAYMENTS:
            self.db.note(BOUNDED_HISTORY)
            raise Refusal("the reservation has too many payments")
        history += [{"payment_id": paid["payment_id"], "amount": -paid["amount"]} for paid in history]
        reservation["status"] = "cancelled"
        return json.dumps(reservation)

    @tool("read")
    def get_reservation_details(self, reservation_id: Value) -> str:
        self._get_reservation(reservation_id)
        return self.db.json_text("reservations", reservation_id)

    @tool("read")
    def get_user_details(self, user_id: Value) -> str:
        self._get_user(user_id)
        return self.db.json_text("users", user_id)

    @tool("read")
    def list_all_airports(self) -> str:
        return json.dumps([{"iata": code, "city": city} for code, city in AIRPORTS.items()])

    @tool("read")
    def search_direct_flight(self, origin: Value, destination: Value, date: Value) -> str:
        return listed([self._leg(key, date, None) for key in self._found(origin, destination, date)])

    @tool("read")
    def search_onestop_flight(self, origin: Value, destination: Value, date: Value) -> str:
        pairs = []
        for first in self._found(origin, None, date):
            flight = self._flights[first]
            arrival = flight["scheduled_arrival_time_est"]
            second_date = day_after(date) if "+1" in arrival else date
            for second in self._found(flight["destination"], destination, second_date):
                if self._flights[second]["scheduled_departure_time_est"] >= arrival:
                    pairs.append(listed([self._leg(first, date, date), self._leg(second, second_date, second_date)]))
        return listed(pairs)

    @tool("write")
    def send_certificate(self, user_id: Value, amount: Value) -> str:
        held = self._get_user(user_id)["payment_methods"]
        new_id = next((one for one in NEW_CERTIFICATE_IDS if one not in held), None)
        if new_id is None:
            raise Refusal("Too many certificates")
        certificate = _CERTIFICATE.make({"id": new_id, "amount": amount, "source": "certificate"})
        self.db.write("users", user_id)["payment_methods"][new_id] = certificate
        return f"Certificate {new_id} added to user {user_id} with amount {amount}."

    @tool("generic")
    def transfer_to_human_agents(self, summary: Value) -> str:
        return "Transfer successful"

    @tool("write")
    def update_reservation_baggages(
        self, reservation_id: Value, total_baggages: Value, nonfree_baggages: Value, payment_id: Value
    ) -> str:
        reservation = self._get_reservation(reservation_id)
        user_id = reservation["user_id"]
        self._get_user(user_id)
        price = BAG_PRICE * max(0, nonfree_baggages - reservation["nonfree_baggages"])
        payment = self._payment_for_update(user_id, payment_id, price)
        reservation = self.db.write("reservations", reservation_id)
        reservation["payment_history"] += payment
        reservation["total_baggages"] = total_baggages
        reservation["nonfree_baggages"] = nonfree_baggages
        return json.dumps(reservation)

    @tool("write")
    def update_reservation_flights(self, reservation_id: Value, cabin: Value, flights: Value, payment_id: Value) -> str:
        flights = _made(_FLIGHT_INFO, flights)
        reservation = self._get_reservation(reservation_id)
        user_id = reservation["user_id"]
        self._get_user(user_id)
        passengers = reservation["passengers"]
        price = 0
        reserved = []
        for info in flights:
            number, date = _of(info, "flight_number"), _of(info, "date")
            kept = [
                one
                for one in reservation["flights"]
                if (one["flight_number"], one["date"], reservation["cabin"]) == (number, date, cabin)
            ]
            flight = kept[0] if kept else self._reserved(number, date, cabin, passengers)
            price += flight["price"] * len(passengers)
            reserved.append(dict(flight))
        price -= sum(flight["price"] for flight in reservation["flights"]) * len(passengers)
        payment = self._payment_for_update(user_id, payment_id, price)
        reservation = self.db.write("reservations", reservation_id)
        reservation["payment_history"] += payment
        reservation["flights"] = reserved
        reservation["cabin"] = cabin
        return json.dumps(reservation)

    @tool("write")
    def update_reservation_passengers(self, reservation_id: Value, passengers: Value) -> str:
        passengers = _made(_PASSENGER, passengers)
        if len(passengers) != len(self._get_reservation(reservation_id)["passengers"]):
            raise Refusal("Number of passengers does not match")
        reservation = self.db.write("reservations", reservation_id)
        reservation["passengers"] = passengers
        return json.dumps(reservation)

    @tool("read")
    def get_flight_status(self, flight_number: Value, date: Value) -> str:
        flight = find_flight(self.db, flight_number, capitalised)
        status: str = find_day(flight, flight_number, date, capitalised)["status"]
        return status

    @property
    def _flights(self) -> Any:
        """The schedule, which no tool changes; only seats do."""
        return self.db.database.records("flights")

    def _get_user(self, user_id: Value) -> Record:
        if not self.db.has("users", user_id):
            raise Refusal(f"User {user_id} not found")
        return self.db.read("users", user_id)

    def _get_reservation(self, reservation_id: Value) -> Record:
        if not self.db.has("reservations", reservation_id):
            raise Refusal(f"Reservation {reservation_id} not found")
        return self.db.read("reservations", reservation_id)

    def _reserved(self, number: Value, date: Value, cabin: Value, passengers: Value) -> Model:
        """A flight in the form a reservation has, checked to be bookable."""
        flight = find_flight(self.db, number, capitalised)
        day = find_day(flight, number, date, capitalised)
        check_bookable(day, number, date, cabin, passengers, capitalised)
        return _RESERVED_FLIGHT.make(
            {
                "flight_number": number,
                "origin": flight["origin"],
                "destination": flight["destination"],
                "date": date,
                "price": day["prices"][cabin],
            }
        )

    def _payment_for_update(self, user_id: str, payment_id: Value, price: Value) -> list[Model]:
        """The entry that an update adds to the payment history; a gift card is charged here, before anything else changes."""
        methods = self.db.read("users", user_id)["payment_methods"]
        if source_for_update(methods, payment_id, price, capitalised) == "gift_card":
            self.db.write("users", user_id)["payment_methods"][payment_id]["amount"] -= price
        return [_PAYMENT.make({"payment_id": payment_id, "amount": price})] if price != 0 else []

    def _found(self, origin: Value, destination: Value, date: Value) -> Iterator[str]:
        """The keys of the flights that can be booked on a date, in the order of the data; ``None`` is any airport."""
        routes = self.db.database.view(Routes)
        keys: Any = self._flights
        if isinstance(origin, str) and isinstance(destination, str):
            keys = routes.between.get((origin, destination), ())
        elif isinstance(origin, str):
            keys = routes.leaving.get(origin, ())
        for key in keys:
            flight = self._flights[key]
            if origin is not None and flight["origin"] != origin:
                continue
            if destination is not None and flight["destination"] != destination:
                continue
            if routes.bookable(key, date):
                yield key

    def _leg(self, key: str, date: str, label: str | None) -> str:
        """The JSON text of a flight on a date, with ``label`` as its date."""
        if self.db.touched("flights", key):
            return _leg_text(self.db.read("flights", key), date, label)
        known = self.db.database.view(Routes).legs
        if (key, date, label) not in known:
            known[key, date, label] = _leg_text(self._flights[key], date, label)
        return known[key, date, label]


def _leg_text(flight: Record, date: str, label: str | None) -> str:
    day = flight["dates"][date]
    return json.dumps(
        {
            "flight_number": flight["flight_number"],
            "origin": flight["origin"],
            "destination": flight["destination"],
            "status": "available",
            "scheduled_departure_time_est": flight["scheduled_departure_time_est"],
            "scheduled_arrival_time_est": flight["scheduled_arrival_time_est"],
            "date": label,
            "available_seats": day["available_seats"],
            "prices": day["prices"],
        }
    )


def _made(kind: schema.Record, values: Value) -> Value:
    """Records of the values, if all of them are objects; otherwise the values, which fail when they are used."""
    return [kind.make(value) for value in values] if all(isinstance(value, dict) for value in values) else values


def _of(value: Value, name: str) -> Value:
    """A field of a record; other values have no fields."""
    return value[name] if isinstance(value, Model) else getattr(value, name)
