"""Rules of the airline that tau-bench and tau2-bench share: prices, new ids, bookable flights, payments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rbsuite_dialogue.database import Database
from rbsuite_dialogue.overlay import Overlay
from rbsuite_dialogue.refusal import Refuse
from rbsuite_dialogue.values import Record, Value

NOW = "2024-05-15T15:00:00"
NEW_RESERVATION_IDS = ("HATHAT", "HATHAU", "HATHAV")
NEW_CERTIFICATE_IDS = ("certificate_3221322", "certificate_3221323", "certificate_3221324")
BAG_PRICE = 50
INSURANCE_PRICE = 30
AIRPORTS: Mapping[str, str] = {
    "SFO": "San Francisco",
    "JFK": "New York",
    "LAX": "Los Angeles",
    "ORD": "Chicago",
    "DFW": "Dallas",
    "DEN": "Denver",
    "SEA": "Seattle",
    "ATL": "Atlanta",
    "MIA": "Miami",
    "BOS": "Boston",
    "PHX": "Phoenix",
    "IAH": "Houston",
    "LAS": "Las Vegas",
    "MCO": "Orlando",
    "EWR": "Newark",
    "CLT": "Charlotte",
    "MSP": "Minneapolis",
    "DTW": "Detroit",
    "PHL": "Philadelphia",
    "LGA": "LaGuardia",
}
"""The city of each airport."""


class Routes:
    """The flights of a database by origin and destination, in its order; flights never change in a world, except for their seats."""

    def __init__(self, database: Database) -> None:
        self.flights = database.tables["flights"]
        self.between: dict[tuple[str, str], list[str]] = {}
        self.leaving: dict[str, list[str]] = {}
        self.legs: dict[tuple[str, str, str | None], str] = {}
        """JSON texts of flights, by key, date and the date they are shown with."""
        for key, flight in self.flights.items():
            self.between.setdefault((flight["origin"], flight["destination"]), []).append(key)
            self.leaving.setdefault(flight["origin"], []).append(key)

    def bookable(self, key: str, date: Value) -> bool:
        """Whether a flight can be booked on a date."""
        dates = self.flights[key]["dates"]
        return date in dates and dates[date]["status"] == "available"


def day_after(date: Value) -> str:
    """The day after a date, without a leading zero, as both upstreams write it; fails on invalid dates."""
    return f"2024-05-{int(date[-2:]) + 1}"


def find_flight(data: Overlay, number: Value, refuse: Refuse) -> Record:
    """A flight, which must exist."""
    if not data.has("flights", number):
        raise refuse(f"flight {number} not found")
    return data.read("flights", number)


def find_day(flight: Record, number: Value, date: Value, refuse: Refuse) -> Record:
    """A flight's day, which must exist."""
    if date not in flight["dates"]:
        raise refuse(f"flight {number} not found on date {date}")
    day: Record = flight["dates"][date]
    return day


def check_bookable(day: Record, number: Value, date: Value, cabin: Value, passengers: Value, refuse: Refuse) -> None:
    """Check that a flight can be booked on a day, and has a seat for every passenger."""
    if day["status"] != "available":
        raise refuse(f"flight {number} not available on date {date}")
    if day["available_seats"][cabin] < len(passengers):
        raise refuse(f"not enough seats on flight {number}")


def check_payments(methods: Record, payments: Iterable[tuple[Value, Value]], price: Value, refuse: Refuse) -> None:
    """Check that a user has every payment method, that balances suffice and that the amounts add up to the price.

    Args:
        methods: the user's.
        payments: id of the method and amount of each payment.
        price: what has to be paid.
        refuse: see :data:`Refuse`.
    """
    amounts = []
    for method_id, amount in payments:
        if method_id not in methods:
            raise refuse(f"payment method {method_id} not found")
        method = methods[method_id]
        if method["source"] in ("gift_card", "certificate") and method["amount"] < amount:
            raise refuse(f"not enough balance in payment method {method_id}")
        amounts.append(amount)
    paid = sum(amounts)
    if paid != price:
        raise refuse(f"payment amount does not add up, total price is {price}, but paid {paid}")


def deduct(methods: Record, payments: Iterable[Record]) -> None:
    """Take the amounts from gift cards; a certificate is used up entirely."""
    for payment in payments:
        method_id, amount = payment["payment_id"], payment["amount"]
        source = methods[method_id]["source"]
        if source == "gift_card":
            methods[method_id]["amount"] -= amount
        elif source == "certificate":
            del methods[method_id]


def source_for_update(methods: Record, payment_id: Value, price: Value, refuse: Refuse) -> str:
    """The source of a payment method, after checking that it can pay for an update."""
    if payment_id not in methods:
        raise refuse("payment method not found")
    source: str = methods[payment_id]["source"]
    if source == "certificate":
        raise refuse("certificate cannot be used to update reservation")
    if source == "gift_card" and methods[payment_id]["amount"] < price:
        raise refuse("gift card balance is not enough")
    return source
