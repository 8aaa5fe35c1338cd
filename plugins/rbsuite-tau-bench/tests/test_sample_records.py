"""The sample split's records: each table is consistent in itself and with the others, and the gold actions keep to the policy."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import rbsuite_tau_bench

Record: TypeAlias = dict[str, Any]

SAMPLE = Path(rbsuite_tau_bench.__file__).parent / "sample"
DOMAINS = ("retail", "airline")
NOW = datetime(2024, 5, 15, 15)
FREE_BAGS = {"regular": (0, 1, 2), "silver": (1, 2, 3), "gold": (2, 3, 3)}
CABINS = ("basic_economy", "economy", "business")
ITEM_TOOLS = ("exchange_delivered_order_items", "modify_pending_order_items")


def table(domain: str, name: str) -> dict[str, Record]:
    """A table of a domain's database."""
    records: dict[str, Record] = json.loads((SAMPLE / f"{domain}_db" / f"{name}.json").read_text(encoding="utf-8"))
    return records


def cases(domain: str) -> list[Any]:
    """The tasks of a domain as parameters with readable ids."""
    listed: list[Record] = json.loads((SAMPLE / f"{domain}_sample_tasks.json").read_text(encoding="utf-8"))
    return [pytest.param(task, id=f"{domain}-{number}") for number, task in enumerate(listed)]


def calls(task: Record, *names: str) -> list[Record]:
    """The arguments of a task's gold actions with one of these names."""
    return [action["kwargs"] for action in task["actions"] if action["name"] in names]


# --- the databases are consistent -------------------------------------------------------------------------------------


def test_retail_products() -> None:
    products = table("retail", "products")
    items = [item for product in products.values() for item in product["variants"]]
    assert len(set(items)) == len(items)
    assert not set(items) & set(products)
    for product_id, product in products.items():
        assert product["product_id"] == product_id
        assert re.fullmatch(r"\d{10}", product_id)
        assert all(
            item_id == item["item_id"] and re.fullmatch(r"\d{10}", item_id)
            for item_id, item in product["variants"].items()
        )
        options = [tuple(item["options"].items()) for item in product["variants"].values()]
        assert len(set(options)) == len(options)
        assert len({tuple(item["options"]) for item in product["variants"].values()}) == 1


@pytest.mark.parametrize("domain", DOMAINS)
def test_users(domain: str) -> None:
    users = table(domain, "users")
    owned, listed = ("orders", "orders") if domain == "retail" else ("reservations", "reservations")
    assert len({user["email"].lower() for user in users.values()}) == len(users)
    for user_id, user in users.items():
        assert re.fullmatch(rf"{user['name']['first_name']}_{user['name']['last_name']}_\d{{4}}".lower(), user_id)
        assert set(user["address"]) == {"address1", "address2", "city", "country", "state", "zip"}
        assert all(key == method["id"] for key, method in user["payment_methods"].items())
        assert all(key.startswith(method["source"]) for key, method in user["payment_methods"].items())
        of_user = [key for key, record in table(domain, owned).items() if record["user_id"] == user_id]
        assert user[listed] == of_user


def test_retail_orders() -> None:
    users, products = table("retail", "users"), table("retail", "products")
    for order_id, order in table("retail", "orders").items():
        assert order["order_id"] == order_id
        assert re.fullmatch(r"#W\d{7}", order_id)
        assert order_id in users[order["user_id"]]["orders"]
        for item in order["items"]:
            product = products[item["product_id"]]
            variant = product["variants"][item["item_id"]]
            assert (item["name"], item["price"], item["options"]) == (
                product["name"],
                variant["price"],
                variant["options"],
            )
        total = round(sum(item["price"] for item in order["items"]), 2)
        method = order["payment_history"][0]["payment_method_id"]
        assert method in users[order["user_id"]]["payment_methods"]
        kinds = ["payment", "refund"] if order["status"] == "cancelled" else ["payment"]
        assert order["payment_history"] == [
            {"transaction_type": kind, "amount": total, "payment_method_id": method} for kind in kinds
        ]
        sent = [item_id for parcel in order["fulfillments"] for item_id in parcel["item_ids"]]
        ordered = [item["item_id"] for item in order["items"]]
        assert sent == (ordered if order["status"] in ("processed", "delivered") else [])


def test_airline_flights() -> None:
    for number, flight in table("airline", "flights").items():
        assert flight["flight_number"] == number
        assert re.fullmatch(r"HAT\d{3}", number)
        assert len(flight["dates"]) >= 10
        for date, entry in flight["dates"].items():
            assert "2024-05-01" <= date <= "2024-05-30"
            today = {"landed", "cancelled", "on time", "flying", "delayed"}
            past = {"landed", "cancelled"}
            assert entry["status"] in (
                past if date < "2024-05-15" else today if date == "2024-05-15" else {"available"}
            )
            if entry["status"] == "available":
                assert tuple(entry["available_seats"]) == tuple(entry["prices"]) == CABINS
                prices = list(entry["prices"].values())
                assert prices == sorted(prices)
                assert all(isinstance(price, int) for price in prices)


def test_airline_states_of_today_fit_the_hour() -> None:
    for flight in table("airline", "flights").values():
        entry = flight["dates"]["2024-05-15"]
        times = {key.split("_")[0] + "_" + key.split("_")[1]: value for key, value in entry.items() if key != "status"}
        done = {key for key, value in times.items() if datetime.fromisoformat(value) <= NOW}
        expected = {
            "landed": {"actual_departure", "actual_arrival"},
            "flying": {"actual_departure"},
            "on time": set(),
            "delayed": set(),
            "cancelled": set(),
        }
        assert done == expected[entry["status"]], flight["flight_number"]


def test_airline_reservations() -> None:
    users, flights = table("airline", "users"), table("airline", "flights")
    for reservation_id, trip in table("airline", "reservations").items():
        assert trip["reservation_id"] == reservation_id
        assert re.fullmatch(r"[A-Z0-9]{6}", reservation_id)
        owner = users[trip["user_id"]]
        assert datetime.fromisoformat(trip["created_at"]) < NOW
        for leg in trip["flights"]:
            flight = flights[leg["flight_number"]]
            entry = flight["dates"][leg["date"]]
            assert (leg["origin"], leg["destination"]) == (flight["origin"], flight["destination"])
            assert leg["price"] == entry.get("prices", {trip["cabin"]: leg["price"]})[trip["cabin"]]
        assert_route(trip, trip["flights"])
        known = {(person["first_name"], person["dob"]) for person in owner["saved_passengers"]}
        known.add((owner["name"]["first_name"], owner["dob"]))
        assert all((person["first_name"], person["dob"]) in known for person in trip["passengers"])
        assert trip["nonfree_baggages"] == nonfree(owner, trip, trip["total_baggages"])
        people = len(trip["passengers"])
        price = people * sum(leg["price"] for leg in trip["flights"]) + 50 * trip["nonfree_baggages"]
        price += 30 * people * (trip["insurance"] == "yes")
        assert [payment["amount"] for payment in trip["payment_history"]] == [price]
        assert trip["payment_history"][0]["payment_id"] in owner["payment_methods"]


def nonfree(owner: Record, trip: Record, bags: int) -> int:
    """How many of the bags the policy charges for."""
    free = FREE_BAGS[owner["membership"]][CABINS.index(trip["cabin"])] * len(trip["passengers"])
    return max(0, bags - free)


def assert_route(trip: Record, legs: list[Record]) -> None:
    """Assert that the legs join up from the trip's origin over its destination and, for a round trip, back."""
    stops = [legs[0]["origin"], *(leg["destination"] for leg in legs)]
    assert stops[0] == trip["origin"]
    assert trip["destination"] in stops
    assert stops[-1] == (trip["origin"] if trip["flight_type"] == "round_trip" else trip["destination"])
    assert [leg["origin"] for leg in legs[1:]] == stops[1:-1]
    assert [leg["date"] for leg in legs] == sorted(leg["date"] for leg in legs)


# --- the gold actions keep to the policy -------------------------------------------------------------------------------


@pytest.mark.parametrize("task", cases("retail"))
def test_retail_gold_keeps_to_the_policy(task: Record) -> None:
    user, orders = table("retail", "users")[task["user_id"]], table("retail", "orders")
    assert task["actions"][0]["name"].startswith("find_user_id_by_")
    touched = [kwargs["order_id"] for kwargs in calls(task, *ITEM_TOOLS, "return_delivered_order_items")]
    assert len(set(touched)) == len(touched)
    assert all(
        kwargs["order_id"] in user["orders"] for action in task["actions"] if "order_id" in (kwargs := action["kwargs"])
    )
    stored = [user["address"], *(orders[order_id]["address"] for order_id in user["orders"])]
    for kwargs in calls(task, "modify_pending_order_address", "modify_user_address"):
        address = {key: value for key, value in kwargs.items() if key not in ("order_id", "user_id")}
        spoken = all(part in " ".join(task["dialogue"]) for part in address.values())
        assert address in stored or spoken


@pytest.mark.parametrize("task", cases("airline"))
def test_airline_gold_keeps_to_the_policy(task: Record) -> None:
    users, trips = table("airline", "users"), table("airline", "reservations")
    user = users[task["user_id"]]
    for kwargs in calls(task, "update_reservation_baggages"):
        trip = trips[kwargs["reservation_id"]]
        assert kwargs["total_baggages"] > trip["total_baggages"]
        assert kwargs["nonfree_baggages"] == nonfree(user, trip, kwargs["total_baggages"])
    for kwargs in calls(task, "update_reservation_flights"):
        assert_flights_may_change(trips[kwargs["reservation_id"]], kwargs)
    for kwargs in calls(task, "cancel_reservation"):
        assert_cancellable(trips[kwargs["reservation_id"]])
    for kwargs in calls(task, "book_reservation"):
        sources = Counter(
            user["payment_methods"][payment["payment_id"]]["source"] for payment in kwargs["payment_methods"]
        )
        assert sources["certificate"] <= 1
        assert sources["credit_card"] <= 1
        assert sources["gift_card"] <= 3
        assert kwargs["nonfree_baggages"] == nonfree(user, kwargs, kwargs["total_baggages"])
        assert_route(kwargs, legs_of(kwargs["flights"]))
    for kwargs in calls(task, "send_certificate"):
        (trip,) = (trips[shown["reservation_id"]] for shown in calls(task, "get_reservation_details"))
        states = {
            table("airline", "flights")[leg["flight_number"]]["dates"][leg["date"]]["status"] for leg in trip["flights"]
        }
        assert user["membership"] != "regular" or trip["insurance"] == "yes" or trip["cabin"] == "business"
        assert kwargs["amount"] == (100 if "cancelled" in states else 50) * len(trip["passengers"])
        assert "cancelled" in states or ("delayed" in states and calls(task, "cancel_reservation"))


def legs_of(flights: list[Record]) -> list[Record]:
    """The flights of a call with their origin and destination."""
    known = table("airline", "flights")
    return [
        flight | {key: known[flight["flight_number"]][key] for key in ("origin", "destination")} for flight in flights
    ]


def assert_flights_may_change(trip: Record, kwargs: Record) -> None:
    """Assert that new flights keep the trip's route, and that basic economy keeps its flights."""
    assert_route(trip, legs_of(kwargs["flights"]))
    before = [(leg["flight_number"], leg["date"]) for leg in trip["flights"]]
    after = [(leg["flight_number"], leg["date"]) for leg in kwargs["flights"]]
    assert len(before) == len(after)
    assert trip["cabin"] != "basic_economy" or (after == before and kwargs["cabin"] != "basic_economy")


def assert_cancellable(trip: Record) -> None:
    """Assert that one of the policy's grounds can hold and that no flight has been used."""
    flights = table("airline", "flights")
    states = {flights[leg["flight_number"]]["dates"][leg["date"]]["status"] for leg in trip["flights"]}
    recent = NOW - datetime.fromisoformat(trip["created_at"]) <= timedelta(days=1)
    assert not states & {"landed", "flying"}
    assert recent or "cancelled" in states or trip["cabin"] == "business" or trip["insurance"] == "yes"
