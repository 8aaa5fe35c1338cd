"""Each retail tool on a small database of its own: checks in their order, effects, quirks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rbsuite_tau_bench import World

ADDRESS = {"address1": "1 Quay", "address2": "", "city": "Porto", "country": "USA", "state": "TX", "zip": "70001"}
NEW_ADDRESS = {"address1": "2 Hill", "address2": "B", "city": "Faro", "state": "OR", "country": "USA", "zip": "70002"}


def variant(item_id: str, price: float, available: bool = True) -> dict[str, Any]:
    return {"item_id": item_id, "options": {"size": item_id}, "available": available, "price": price}


def item(item_id: str, price: float, product_id: str = "p1") -> dict[str, Any]:
    return {"name": "Mug", "product_id": product_id, "item_id": item_id, "price": price, "options": {"size": item_id}}


def order(order_id: str, status: str, items: list[dict[str, Any]], method: str, **extra: Any) -> dict[str, Any]:
    amount = round(sum(entry["price"] for entry in items), 2)
    payment = {"transaction_type": "payment", "amount": amount, "payment_method_id": method}
    return {
        "order_id": order_id,
        "user_id": "ana_1",
        "address": ADDRESS,
        "items": items,
        "fulfillments": [],
        "status": status,
        "payment_history": [payment],
        **extra,
    }


def user(first: str, last: str, email: str) -> dict[str, Any]:
    return {
        "name": {"first_name": first, "last_name": last},
        "address": ADDRESS,
        "email": email,
        "payment_methods": {
            "credit_card_1": {"source": "credit_card", "brand": "visa", "last_four": "0001", "id": "credit_card_1"},
            "paypal_1": {"source": "paypal", "id": "paypal_1"},
            "gift_card_1": {"source": "gift_card", "balance": 10.1, "id": "gift_card_1"},
            "gift_card_2": {"source": "gift_card", "balance": 100, "id": "gift_card_2"},
        },
        "orders": [],
    }


TABLES = {
    "users": {"ana_1": user("Ana", "Reis", "Ana.Reis@mail.test"), "ana_2": user("ANA", "reis", "ana.reis@mail.test")},
    "products": {
        "p1": {
            "name": "Mug",
            "product_id": "p1",
            "variants": {
                "a": variant("a", 5.05),
                "b": variant("b", 7.3),
                "c": variant("c", 1.0),
                "gone": variant("gone", 2.0, available=False),
                "dear": variant("dear", 500.0),
            },
        },
        "p0": {"name": "Cup", "product_id": "p0", "variants": {"z": variant("z", 4.0)}},
    },
    "orders": {
        "#P": order("#P", "pending", [item("a", 5.05), item("a", 5.05), item("b", 7.3)], "gift_card_1"),
        "#Q": order("#Q", "pending", [item("a", 5.05)], "credit_card_1"),
        "#D": order("#D", "delivered", [item("a", 5.05), item("b", 7.3)], "credit_card_1"),
        "#X": order("#X", "processed", [item("a", 5.05)], "credit_card_1"),
    },
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "retail_db").mkdir()
    for name, records in TABLES.items():
        (tmp_path / "retail_db" / f"{name}.json").write_text(json.dumps(records))
    return World("retail", tmp_path)


def balance(world: World, method: str) -> float:
    amount: float = json.loads(world.call("get_user_details", {"user_id": "ana_1"}))["payment_methods"][method][
        "balance"
    ]
    return amount


def swap(order_id: str, old: Any, new: Any, method: Any = "credit_card_1") -> dict[str, Any]:
    return {"order_id": order_id, "item_ids": old, "new_item_ids": new, "payment_method_id": method}


REFUSALS = [
    ("find_user_id_by_email", {"email": "x@mail.test"}, "user not found"),
    ("find_user_id_by_email", {"email": None}, "'NoneType' object has no attribute 'lower'"),
    ("find_user_id_by_name_zip", {"first_name": "ana", "last_name": "reis", "zip": "1"}, "user not found"),
    ("find_user_id_by_name_zip", {"first_name": "eva", "last_name": 1, "zip": "1"}, "user not found"),
    (
        "find_user_id_by_name_zip",
        {"first_name": "ana", "last_name": 1, "zip": "1"},
        "'int' object has no attribute 'lower'",
    ),
    ("get_order_details", {"order_id": "P"}, "order not found"),
    ("get_order_details", {"order_id": True}, "order not found"),
    ("get_order_details", {"order_id": ["#P"]}, "unhashable type: 'list'"),
    ("get_product_details", {"product_id": "a"}, "product not found"),
    ("get_user_details", {"user_id": "Ana"}, "user not found"),
    ("cancel_pending_order", {"order_id": "#N", "reason": "why"}, "order not found"),
    ("cancel_pending_order", {"order_id": "#X", "reason": "why"}, "non-pending order cannot be cancelled"),
    ("cancel_pending_order", {"order_id": "#P", "reason": "why"}, "invalid reason"),
    ("modify_pending_order_address", {"order_id": "#N", **NEW_ADDRESS}, "order not found"),
    ("modify_pending_order_address", {"order_id": "#D", **NEW_ADDRESS}, "non-pending order cannot be modified"),
    ("modify_user_address", {"user_id": "#P", **NEW_ADDRESS}, "user not found"),
    ("modify_pending_order_items", swap("#N", [], []), "order not found"),
    ("modify_pending_order_items", swap("#D", [], []), "non-pending order cannot be modified"),
    ("modify_pending_order_items", swap("#P", ["a", "a", "a"], []), "a not found"),
    ("modify_pending_order_items", swap("#P", ["a"], []), "the number of items to be exchanged should match"),
    ("modify_pending_order_items", swap("#P", ["a"], ["z"]), "new item z not found or available"),
    ("modify_pending_order_items", swap("#P", ["a"], ["gone"], "none"), "new item gone not found or available"),
    ("modify_pending_order_items", swap("#P", ["a"], ["b"], "none"), "payment method not found"),
    (
        "modify_pending_order_items",
        swap("#P", ["a"], ["dear"], "gift_card_1"),
        "insufficient gift card balance to pay for the new item",
    ),
    ("modify_pending_order_items", swap("#P", None, []), "'NoneType' object is not iterable"),
    ("modify_pending_order_items", swap("#P", ["a"], None), "object of type 'NoneType' has no len()"),
    ("modify_pending_order_items", swap("#P", {"a": 1}, ["b"]), "'dict' object has no attribute 'count'"),
    ("exchange_delivered_order_items", swap("#P", [], []), "non-delivered order cannot be exchanged"),
    ("exchange_delivered_order_items", swap("#D", ["c"], ["a"]), "c not found"),
    (
        "exchange_delivered_order_items",
        swap("#D", ["a"], ["a", "b"]),
        "the number of items to be exchanged should match",
    ),
    ("exchange_delivered_order_items", swap("#D", ["a"], ["gone"]), "new item gone not found or available"),
    ("exchange_delivered_order_items", swap("#D", ["a"], ["b"], []), "unhashable type: 'list'"),
    (
        "exchange_delivered_order_items",
        swap("#D", ["a"], ["dear"], "gift_card_2"),
        "insufficient gift card balance to pay for the price difference",
    ),
    (
        "return_delivered_order_items",
        {"order_id": "#P", "item_ids": ["a"], "payment_method_id": "none"},
        "non-delivered order cannot be returned",
    ),
    (
        "return_delivered_order_items",
        {"order_id": "#D", "item_ids": ["c"], "payment_method_id": "none"},
        "payment method not found",
    ),
    (
        "return_delivered_order_items",
        {"order_id": "#D", "item_ids": ["c"], "payment_method_id": "paypal_1"},
        "payment method should be either the original payment method or a gift card",
    ),
    (
        "return_delivered_order_items",
        {"order_id": "#D", "item_ids": ["a", "a"], "payment_method_id": "gift_card_1"},
        "some item not found",
    ),
    (
        "modify_pending_order_payment",
        {"order_id": "#D", "payment_method_id": 1},
        "non-pending order cannot be modified",
    ),
    ("modify_pending_order_payment", {"order_id": "#P", "payment_method_id": "none"}, "payment method not found"),
    (
        "modify_pending_order_payment",
        {"order_id": "#P", "payment_method_id": "gift_card_1"},
        "the new payment method should be different from the current one",
    ),
]


@pytest.mark.parametrize(("tool", "arguments", "text"), REFUSALS)
def test_a_failed_check_is_its_text_and_changes_nothing(
    world: World, tool: str, arguments: dict[str, Any], text: str
) -> None:
    assert world.call(tool, arguments) == f"Error: {text}"
    assert world.changes() == ()


def test_users_are_found_in_the_order_of_the_data(world: World) -> None:
    assert world.call("find_user_id_by_email", {"email": "ANA.REIS@MAIL.TEST"}) == "ana_1"
    name = {"first_name": "aNa", "last_name": "ReiS", "zip": "70001"}
    assert world.call("find_user_id_by_name_zip", name) == "ana_1"
    world.call("modify_user_address", {"user_id": "ana_1", **NEW_ADDRESS})
    assert world.call("find_user_id_by_name_zip", name) == "ana_2"
    assert world.call("find_user_id_by_name_zip", {**name, "zip": "70002"}) == "ana_1"


def test_look_ups_show_records_as_they_are(world: World) -> None:
    assert world.call("get_order_details", {"order_id": "#X"}) == json.dumps(TABLES["orders"]["#X"])
    assert world.call("get_product_details", {"product_id": "p1"}) == json.dumps(TABLES["products"]["p1"])
    assert world.call("list_all_product_types", {}) == '{"Cup": "p0", "Mug": "p1"}'
    assert world.call("think", {"thought": "hm"}) == ""
    assert world.call("transfer_to_human_agents", {"summary": "bye"}) == "Transfer successful"
    assert world.call("calculate", {"expression": "(5.05 + 7.3) * 2"}) == "24.7"


def test_cancelling_refunds_and_credits_gift_cards(world: World) -> None:
    cancelled = json.loads(world.call("cancel_pending_order", {"order_id": "#P", "reason": "ordered by mistake"}))
    assert (cancelled["status"], cancelled["cancel_reason"]) == ("cancelled", "ordered by mistake")
    refund = {"transaction_type": "refund", "amount": 17.4, "payment_method_id": "gift_card_1"}
    assert cancelled["payment_history"][1:] == [refund]
    assert balance(world, "gift_card_1") == 27.5
    world.call("cancel_pending_order", {"order_id": "#Q", "reason": "no longer needed"})
    assert [key for _, key, _ in world.changes()] == ["#P", "#Q", "ana_1"]


def test_new_addresses_are_shown_in_the_order_of_the_tool(world: World) -> None:
    shown = json.loads(world.call("modify_pending_order_address", {"order_id": "#P", **NEW_ADDRESS}))
    assert json.dumps(shown["address"]) == json.dumps(NEW_ADDRESS)
    assert json.loads(world.call("modify_user_address", {"user_id": "ana_2", **NEW_ADDRESS}))["address"] == NEW_ADDRESS


def test_modified_items_are_settled_unrounded_and_lock_the_order(world: World) -> None:
    shown = json.loads(world.call("modify_pending_order_items", swap("#P", ["a", "b"], ["b", "c"], "gift_card_1")))
    assert [entry["item_id"] for entry in shown["items"]] == [
        "c",
        "a",
        "b",
    ]  # the second swap finds the first one's item
    difference = (7.3 - 5.05) + (1.0 - 7.3)
    assert shown["payment_history"][-1] == {
        "transaction_type": "refund",
        "amount": abs(difference),
        "payment_method_id": "gift_card_1",
    }
    assert balance(world, "gift_card_1") == round(10.1 - difference, 2)
    assert shown["status"] == "pending (item modified)"
    assert world.call("modify_pending_order_items", swap("#P", [], [])) == "Error: non-pending order cannot be modified"
    assert world.call("cancel_pending_order", {"order_id": "#P", "reason": "no longer needed"}).startswith(
        "Error: non-"
    )


def test_empty_item_lists_are_accepted(world: World) -> None:
    shown = json.loads(world.call("exchange_delivered_order_items", swap("#D", [], [])))
    assert (shown["status"], shown["exchange_items"], shown["exchange_price_difference"]) == (
        "exchange requested",
        [],
        0,
    )


def test_an_exchange_is_noted_sorted_and_rounded_and_moves_no_money(world: World) -> None:
    shown = json.loads(world.call("exchange_delivered_order_items", swap("#D", ["b", "a"], ["a", "c"], "gift_card_2")))
    assert shown["exchange_items"] == ["a", "b"]
    assert shown["exchange_new_items"] == ["a", "c"]
    assert shown["exchange_price_difference"] == -6.3
    assert shown["exchange_payment_method_id"] == "gift_card_2"
    assert balance(world, "gift_card_2") == 100
    assert len(shown["payment_history"]) == 1


@pytest.mark.parametrize("method", ["credit_card_1", "gift_card_2"])
def test_a_return_is_noted(world: World, method: str) -> None:
    arguments = {"order_id": "#D", "item_ids": ["b", "a"], "payment_method_id": method}
    shown = json.loads(world.call("return_delivered_order_items", arguments))
    assert (shown["status"], shown["return_items"]) == ("return requested", ["a", "b"])
    assert shown["return_payment_method_id"] == method


def test_a_payment_moves_between_gift_cards_once(world: World) -> None:
    arguments = {"order_id": "#P", "payment_method_id": "gift_card_2"}
    shown = json.loads(world.call("modify_pending_order_payment", arguments))
    kinds = [(entry["transaction_type"], entry["payment_method_id"]) for entry in shown["payment_history"][1:]]
    assert kinds == [("payment", "gift_card_2"), ("refund", "gift_card_1")]
    assert (balance(world, "gift_card_1"), balance(world, "gift_card_2")) == (27.5, 82.6)
    assert world.call("modify_pending_order_payment", {**arguments, "payment_method_id": "paypal_1"}) == (
        "Error: there should be exactly one payment for a pending order"
    )


def test_a_gift_card_too_small_for_the_order_is_refused(world: World) -> None:
    world.call("modify_pending_order_items", swap("#Q", ["a"], ["b"], "gift_card_1"))
    world.call("modify_pending_order_payment", {"order_id": "#P", "payment_method_id": "gift_card_2"})
    fresh = world.fork()
    assert balance(fresh, "gift_card_1") == 25.25
    cancelled = fresh.call("cancel_pending_order", {"order_id": "#P", "reason": "no longer needed"})
    # Every entry is refunded, refunds too.
    assert [entry["amount"] for entry in json.loads(cancelled)["payment_history"]] == [17.4] * 6
    assert (balance(fresh, "gift_card_1"), balance(fresh, "gift_card_2")) == (60.05, 100.0)
