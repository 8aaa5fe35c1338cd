"""Each airline tool on a small database of its own: checks in their order, effects, quirks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rbsuite_tau_bench import World

CABINS = ("basic_economy", "economy", "business")


def day(price: int, seats: int = 5, status: str = "available") -> dict[str, Any]:
    if status != "available":
        return {"status": status}
    prices = {cabin: price * (place + 1) for place, cabin in enumerate(CABINS)}
    return {"status": status, "available_seats": dict.fromkeys(CABINS, seats), "prices": prices}


def flight(number: str, origin: str, destination: str, leaves: str, lands: str, **dates: Any) -> dict[str, Any]:
    return {
        "flight_number": number,
        "origin": origin,
        "destination": destination,
        "scheduled_departure_time_est": leaves,
        "scheduled_arrival_time_est": lands,
        "dates": {f"2024-05-{date[1:]}": entry for date, entry in dates.items()},
    }


def booked(reservation_id: str, flights: list[dict[str, Any]], **extra: Any) -> dict[str, Any]:
    return {
        "reservation_id": reservation_id,
        "user_id": "rui_1",
        "origin": "JFK",
        "destination": "SEA",
        "flight_type": "one_way",
        "cabin": "economy",
        "flights": flights,
        "passengers": [{"first_name": "Rui", "last_name": "Sol", "dob": "1980-01-01"}] * 2,
        "payment_history": [{"payment_id": "credit_card_1", "amount": 400}],
        "created_at": "2024-05-01T10:00:00",
        "total_baggages": 1,
        "nonfree_baggages": 1,
        "insurance": "no",
        **extra,
    }


def leg(number: str, date: int, price: int | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"flight_number": number, "date": f"2024-05-{date:02}"}
    return found if price is None else {"origin": "JFK", "destination": "SEA", **found, "price": price}


TABLES = {
    "flights": {
        "F1": flight(
            "F1", "JFK", "SEA", "08:00:00", "11:00:00", d20=day(100), d21=day(110, seats=1), d22=day(0, 0, "landed")
        ),
        "F2": flight("F2", "JFK", "ORD", "06:00:00", "07:00:00", d20=day(10), d09=day(10)),
        "F3": flight("F3", "JFK", "ORD", "20:00:00", "02:00:00+1", d20=day(20), d08=day(20), d09=day(20)),
        "F4": flight(
            "F4", "ORD", "SEA", "07:00:00", "09:00:00", d20=day(30), d21=day(31), d08=day(38), d09=day(39), d10=day(40)
        ),
        "F5": flight("F5", "ORD", "SEA", "01:00:00", "03:00:00", d21=day(50)),
        "F6": flight("F6", "JFK", "SEA", "09:00:00", "12:00:00", d20=day(0, 0, "cancelled")),
    },
    "reservations": {
        "AAA111": booked("AAA111", [leg("F1", 20, 150)]),
        "BBB222": booked("BBB222", [leg("F1", 20, 150)], user_id="eva_2"),
    },
    "users": {
        key: {
            "name": {"first_name": "Rui", "last_name": "Sol"},
            "payment_methods": {
                "credit_card_1": {"source": "credit_card", "id": "credit_card_1"},
                "gift_card_1": {"source": "gift_card", "amount": 120, "id": "gift_card_1"},
                "certificate_1": {"source": "certificate", "amount": 300, "id": "certificate_1"},
            },
            "reservations": ["AAA111"],
        }
        for key in ("rui_1", "eva_2")
    },
}
PERSON = {"first_name": "Rui", "last_name": "Sol", "dob": "1980-01-01"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "airline_db").mkdir()
    for name, records in TABLES.items():
        (tmp_path / "airline_db" / f"{name}.json").write_text(json.dumps(records))
    return World("airline", tmp_path)


def user(world: World) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(world.call("get_user_details", {"user_id": "rui_1"}))
    return found


def booking(**changed: Any) -> dict[str, Any]:
    """Two people on F1 in basic economy, insured, one paid bag: 200 + 60 + 50."""
    return {
        "user_id": "rui_1",
        "origin": "JFK",
        "destination": "SEA",
        "flight_type": "one_way",
        "cabin": "basic_economy",
        "flights": [leg("F1", 20)],
        "passengers": [PERSON, PERSON],
        "payment_methods": [{"payment_id": "credit_card_1", "amount": 310}],
        "total_baggages": 2,
        "nonfree_baggages": 1,
        "insurance": "yes",
        **changed,
    }


def pay(**amounts: Any) -> list[dict[str, Any]]:
    return [{"payment_id": method, "amount": amount} for method, amount in amounts.items()]


def update(reservation_id: Any = "AAA111", **changed: Any) -> dict[str, Any]:
    flights = {"cabin": "economy", "flights": [leg("F1", 20)], "payment_id": "credit_card_1"}
    return {"reservation_id": reservation_id, **flights, **changed}


def bags(paid: Any, method: Any = "credit_card_1") -> dict[str, Any]:
    return {"reservation_id": "AAA111", "total_baggages": 4, "nonfree_baggages": paid, "payment_id": method}


REFUSALS = [
    ("get_user_details", {"user_id": "x"}, "user not found"),
    ("get_reservation_details", {"reservation_id": "x"}, "user not found"),
    ("get_reservation_details", {"reservation_id": {}}, "unhashable type: 'dict'"),
    ("book_reservation", booking(user_id="x", flights=None), "user not found"),
    ("book_reservation", booking(flights=None), "'NoneType' object is not iterable"),
    ("book_reservation", booking(flights=[{}]), "'flight_number'"),
    ("book_reservation", booking(flights=["F1"]), "string indices must be integers, not 'str'"),
    ("book_reservation", booking(flights=[leg("F9", 20)]), "flight F9 not found"),
    ("book_reservation", booking(flights=[leg("F1", 25)]), "flight F1 not found on date 2024-05-25"),
    ("book_reservation", booking(flights=[leg("F1", 22)]), "flight F1 not available on date 2024-05-22"),
    ("book_reservation", booking(flights=[leg("F1", 21)]), "not enough seats on flight F1"),
    ("book_reservation", booking(cabin="first"), "'first'"),
    ("book_reservation", booking(passengers=2), "object of type 'int' has no len()"),
    ("book_reservation", booking(nonfree_baggages="1"), "unsupported operand type(s) for +=: 'int' and 'str'"),
    ("book_reservation", booking(payment_methods=pay(paypal_1=1)), "payment method paypal_1 not found"),
    (
        "book_reservation",
        booking(payment_methods=pay(gift_card_1=121)),
        "not enough balance in payment method gift_card_1",
    ),
    (
        "book_reservation",
        booking(payment_methods=pay(certificate_1=300.5)),
        "not enough balance in payment method certificate_1",
    ),
    (
        "book_reservation",
        booking(payment_methods=pay(gift_card_1=100, credit_card_1=5)),
        "payment amount does not add up, total price is 310, but paid 105",
    ),
    (
        "book_reservation",
        booking(payment_methods=pay(credit_card_1="310")),
        "unsupported operand type(s) for +: 'int' and 'str'",
    ),
    ("cancel_reservation", {"reservation_id": "x"}, "reservation not found"),
    ("update_reservation_baggages", {**bags(1), "reservation_id": "x"}, "reservation not found"),
    ("update_reservation_baggages", bags("2"), "unsupported operand type(s) for -: 'str' and 'int'"),
    ("update_reservation_baggages", bags(1, "paypal_1"), "payment method not found"),
    ("update_reservation_baggages", bags(1, "certificate_1"), "certificate cannot be used to update reservation"),
    ("update_reservation_baggages", bags(4, "gift_card_1"), "gift card balance is not enough"),
    ("update_reservation_flights", update("x"), "reservation not found"),
    ("update_reservation_flights", update(flights=[leg("F9", 20)]), "flight F9 not found"),
    ("update_reservation_flights", update(flights=[leg("F6", 20)]), "flight F6 not available on date 2024-05-20"),
    ("update_reservation_flights", update(flights=[leg("F1", 21)]), "not enough seats on flight F1"),
    ("update_reservation_flights", update(payment_id="x"), "payment method not found"),
    (
        "update_reservation_flights",
        update(payment_id="certificate_1"),
        "certificate cannot be used to update reservation",
    ),
    (
        "update_reservation_flights",
        update(cabin="business", payment_id="gift_card_1"),
        "gift card balance is not enough",
    ),
    ("update_reservation_passengers", {"reservation_id": "x", "passengers": []}, "reservation not found"),
    (
        "update_reservation_passengers",
        {"reservation_id": "AAA111", "passengers": [PERSON]},
        "number of passengers does not match",
    ),
    ("send_certificate", {"user_id": "x", "amount": 1}, "user not found"),
    (
        "search_onestop_flight",
        {"origin": "JFK", "destination": "SEA", "date": "soon"},
        "invalid literal for int() with base 10: 'on'",
    ),
    (
        "search_onestop_flight",
        {"origin": "JFK", "destination": "SEA", "date": 5},
        "'int' object is not subscriptable",
    ),
    ("search_direct_flight", {"origin": "JFK", "destination": "SEA", "date": []}, "unhashable type: 'list'"),
]


@pytest.mark.parametrize(("tool", "arguments", "text"), REFUSALS)
def test_a_failed_check_is_its_text_and_changes_nothing(
    world: World, tool: str, arguments: dict[str, Any], text: str
) -> None:
    assert world.call(tool, arguments) == f"Error: {text}"
    assert world.changes() == ()


# --- searching ------------------------------------------------------------------------------------------------------------


def search(world: World, kind: str, date: Any, origin: Any = "JFK", destination: Any = "SEA") -> Any:
    arguments = {"origin": origin, "destination": destination, "date": date}
    return json.loads(world.call(f"search_{kind}_flight", arguments))


def test_direct_flights_that_can_be_booked(world: World) -> None:
    record = {key: value for key, value in TABLES["flights"]["F1"].items() if key != "dates"}
    assert search(world, "direct", "2024-05-20") == [{**record, **day(100)}]
    assert search(world, "direct", "2024-05-22") == []
    assert search(world, "direct", None) == []


@pytest.mark.parametrize("place", [None, 1, [], {}, ["JFK"], "jfk"])
@pytest.mark.parametrize("kind", ["direct", "onestop"])
def test_a_place_that_is_none_finds_nothing(world: World, kind: str, place: Any) -> None:
    assert search(world, kind, "2024-05-20", origin=place) == []
    assert search(world, kind, "2024-05-20", destination=place) == []
    assert search(world, kind, [], origin=place) == []


def pairs(found: Any) -> list[tuple[str, str, str, int]]:
    return [
        (first["flight_number"], second["flight_number"], second["date"], second["prices"]["basic_economy"])
        for first, second in found
    ]


def test_connections_compare_times_as_text_and_price_the_second_leg_by_the_first_day(world: World) -> None:
    # F2 lands at 07:00 as F4 leaves; F3 lands at 02:00+1, after F5's 01:00 but before F4's 07:00.
    assert pairs(search(world, "onestop", "2024-05-20")) == [
        ("F2", "F4", "2024-05-20", 30),
        ("F3", "F4", "2024-05-21", 30),
    ]


def test_the_next_day_is_written_without_a_leading_zero(world: World) -> None:
    assert pairs(search(world, "onestop", "2024-05-08")) == []
    assert pairs(search(world, "onestop", "2024-05-09")) == [
        ("F2", "F4", "2024-05-09", 39),
        ("F3", "F4", "2024-05-10", 39),
    ]


def test_searches_give_the_same_text_again_and_in_other_worlds(world: World) -> None:
    arguments = {"origin": "JFK", "destination": "SEA", "date": "2024-05-20"}
    first = world.call("search_onestop_flight", arguments)
    assert (
        world.call("search_onestop_flight", arguments) == world.fork().call("search_onestop_flight", arguments) == first
    )


def test_airports_are_listed_in_a_fixed_order(world: World) -> None:
    airports = json.loads(world.call("list_all_airports", {}))
    assert list(airports)[:3] == ["SFO", "JFK", "LAX"]
    assert airports["LGA"] == "LaGuardia"
    assert len(airports) == 20


# --- booking --------------------------------------------------------------------------------------------------------------


def test_a_booking_is_completed_priced_and_paid(world: World) -> None:
    payments = pay(certificate_1=200, gift_card_1=100, credit_card_1=10)
    shown = json.loads(world.call("book_reservation", booking(payment_methods=payments)))
    assert shown["reservation_id"] == "HATHAT"
    assert shown["created_at"] == "2024-05-15T15:00:00"
    assert shown["flights"] == [{**leg("F1", 20), "price": 100, "origin": "JFK", "destination": "SEA"}]
    assert "status" not in shown
    after = user(world)
    assert after["reservations"] == ["AAA111", "HATHAT"]
    assert set(after["payment_methods"]) == {"credit_card_1", "gift_card_1"}  # the certificate went whole
    assert after["payment_methods"]["gift_card_1"]["amount"] == 20
    assert [(table, key) for table, key, _ in world.changes()] == [("reservations", "HATHAT"), ("users", "rui_1")]


def test_the_fourth_booking_overwrites_the_third(world: World) -> None:
    ids = [json.loads(world.call("book_reservation", booking()))["reservation_id"] for _ in range(4)]
    assert ids == ["HATHAT", "HATHAU", "HATHAV", "HATHAV"]
    assert user(world)["reservations"] == ["AAA111", *ids]
    assert len([key for table, key, _ in world.changes() if table == "reservations"]) == 3


def test_seats_are_never_taken(world: World) -> None:
    single = booking(flights=[leg("F1", 21)], passengers=[PERSON], payment_methods=pay(credit_card_1=190))
    for _ in range(2):
        assert not world.call("book_reservation", single).startswith("Error")


def test_what_was_paid_before_an_error_stays_paid(world: World) -> None:
    twice = [*pay(gift_card_1=60, certificate_1=100), *pay(certificate_1=100, credit_card_1=50)]
    assert world.call("book_reservation", booking(payment_methods=twice)) == "Error: 'certificate_1'"
    methods = user(world)["payment_methods"]
    assert methods["gift_card_1"]["amount"] == 60
    assert "certificate_1" not in methods
    assert user(world)["reservations"] == ["AAA111"]


# --- changing -------------------------------------------------------------------------------------------------------------


def test_cancelling_reverses_every_entry_and_moves_no_balance(world: World) -> None:
    shown = json.loads(world.call("cancel_reservation", {"reservation_id": "AAA111"}))
    assert [entry["amount"] for entry in shown["payment_history"]] == [400, -400]
    again = json.loads(world.call("cancel_reservation", {"reservation_id": "AAA111"}))
    assert [entry["amount"] for entry in again["payment_history"]] == [400, -400, -400, 400]
    assert again["status"] == "cancelled"
    assert [table for table, _, _ in world.changes()] == ["reservations"]


def test_only_more_paid_bags_cost(world: World) -> None:
    shown = json.loads(world.call("update_reservation_baggages", bags(3, "gift_card_1")))
    assert shown["payment_history"][-1] == {"payment_id": "gift_card_1", "amount": 100}
    assert user(world)["payment_methods"]["gift_card_1"]["amount"] == 20
    fewer = json.loads(world.call("update_reservation_baggages", bags(-2, "gift_card_1")))
    assert (fewer["total_baggages"], fewer["nonfree_baggages"]) == (4, -2)
    assert len(fewer["payment_history"]) == 2


def test_a_kept_flight_keeps_its_price_in_an_unchanged_cabin_only(world: World) -> None:
    kept = json.loads(world.call("update_reservation_flights", update()))
    assert kept["flights"][0]["price"] == 150
    assert len(kept["payment_history"]) == 1
    moved = json.loads(
        world.call("update_reservation_flights", update(cabin="basic_economy", payment_id="gift_card_1"))
    )
    assert moved["flights"][0]["price"] == 100
    assert moved["cabin"] == "economy"  # stays, though the flight is now booked in another
    assert moved["payment_history"][-1] == {"payment_id": "gift_card_1", "amount": -100}
    assert user(world)["payment_methods"]["gift_card_1"]["amount"] == 220


def test_passengers_are_replaced_by_as_many(world: World) -> None:
    arguments = {"reservation_id": "AAA111", "passengers": [{"first_name": "Lia"}, "somebody"]}
    shown = json.loads(world.call("update_reservation_passengers", arguments))
    assert shown["passengers"] == [{"first_name": "Lia"}, "somebody"]


def test_certificates_take_three_ids(world: World) -> None:
    for last in "234":
        observation = world.call("send_certificate", {"user_id": "rui_1", "amount": 50.0})
        assert observation == f"Certificate certificate_322132{last} added to user rui_1 with amount 50.0."
    assert user(world)["payment_methods"]["certificate_3221324"] == {
        "source": "certificate",
        "amount": 50.0,
        "id": "certificate_3221324",
    }
    assert world.call("send_certificate", {"user_id": "rui_1", "amount": 50}).startswith("Error: ")
    assert world.call("send_certificate", {"user_id": "eva_2", "amount": 50}).startswith(
        "Certificate certificate_3221322 "
    )


def test_amounts_differ_by_type_in_states(world: World) -> None:
    twin = world.fork()
    world.call("send_certificate", {"user_id": "rui_1", "amount": 50})
    twin.call("send_certificate", {"user_id": "rui_1", "amount": 50.0})
    assert world.changes() != twin.changes()
    assert world.state_hash() != twin.state_hash()
