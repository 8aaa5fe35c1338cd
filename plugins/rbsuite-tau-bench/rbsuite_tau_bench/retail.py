"""The retail domain: sixteen tools over orders, products and users.

Checks, their order and their texts follow ``tau_bench/envs/retail/tools`` (commit 59a200c). Names and emails of users and
all products never change in a world, so indexes over them are built once per database.
"""

# ruff: noqa: D102 (a tool is its class, whose docstring says what its one method does)

from __future__ import annotations

import json

from rbsuite_dialogue.database import Database
from rbsuite_dialogue.overlay import Overlay
from rbsuite_dialogue.values import Record, Value
from rbsuite_tau_bench.tools import (
    Calculate,
    GetUserDetails,
    Refusal,
    Think,
    Tool,
    TransferToHumanAgents,
    require,
    show,
)

TABLES = ("orders", "products", "users")

_CANCEL_REASONS = ["no longer needed", "ordered by mistake"]

# --- looking up -----------------------------------------------------------------------------------------------------------


class FindUserIdByEmail:
    """The id of the first user with this email address, whatever its case."""

    @staticmethod
    def invoke(data: Overlay, email: Value) -> str:
        by_email = data.database.view(_users_by_email)
        found = by_email.get(email.lower()) if by_email else None
        if found is None:
            raise Refusal("user not found")
        return found


class FindUserIdByNameZip:
    """The id of the first user with this name, whatever its case, and exactly this postal code."""

    @staticmethod
    def invoke(data: Overlay, first_name: Value, last_name: Value, zip: Value) -> str:
        by_first_name = data.database.view(_users_by_first_name)
        namesakes = by_first_name.get(first_name.lower(), ()) if by_first_name else ()
        for user_id, known_last_name in namesakes:
            # The address may have been changed in this world.
            if known_last_name == last_name.lower() and data.read("users", user_id)["address"]["zip"] == zip:
                return user_id
        raise Refusal("user not found")


class GetOrderDetails:
    """The record of an order."""

    @staticmethod
    def invoke(data: Overlay, order_id: Value) -> str:
        return show(data, "orders", order_id, "order not found")


class GetProductDetails:
    """The record of a product with its variants."""

    @staticmethod
    def invoke(data: Overlay, product_id: Value) -> str:
        return show(data, "products", product_id, "product not found")


class ListAllProductTypes:
    """Every product's name and id, by name."""

    @staticmethod
    def invoke(data: Overlay) -> str:
        return data.database.view(_product_types)


def _users_by_email(database: Database) -> dict[str, str]:
    index: dict[str, str] = {}
    for user_id, user in database.tables["users"].items():
        index.setdefault(user["email"].lower(), user_id)
    return index


def _users_by_first_name(database: Database) -> dict[str, list[tuple[str, str]]]:
    """First name to (user id, last name), both names in lower case, in the order of the users."""
    index: dict[str, list[tuple[str, str]]] = {}
    for user_id, user in database.tables["users"].items():
        name = user["name"]
        index.setdefault(name["first_name"].lower(), []).append((user_id, name["last_name"].lower()))
    return index


def _product_types(database: Database) -> str:
    ids = {product["name"]: product["product_id"] for product in database.tables["products"].values()}
    return json.dumps(dict(sorted(ids.items())))


# --- changing pending orders and users ------------------------------------------------------------------------------------


class CancelPendingOrder:
    """Cancels an order and refunds what was paid; gift cards are credited at once."""

    @staticmethod
    def invoke(data: Overlay, order_id: Value, reason: Value) -> str:
        order = _order(data, order_id, "pending", "non-pending order cannot be cancelled")
        if reason not in _CANCEL_REASONS:
            raise Refusal("invalid reason")
        refunds = []
        for payment in order["payment_history"]:
            method_id = payment["payment_method_id"]
            refunds.append(_transaction("refund", payment["amount"], method_id))
            if "gift_card" in method_id:
                _credit(data, order["user_id"], method_id, payment["amount"])
        order = data.write("orders", order_id)
        order["status"] = "cancelled"
        order["cancel_reason"] = reason
        order["payment_history"].extend(refunds)
        return json.dumps(order)


class ModifyPendingOrderAddress:
    """Replaces the address that an order goes to."""

    @staticmethod
    def invoke(
        data: Overlay,
        order_id: Value,
        address1: Value,
        address2: Value,
        city: Value,
        state: Value,
        country: Value,
        zip: Value,
    ) -> str:
        _order(data, order_id, "pending", "non-pending order cannot be modified")
        order = data.write("orders", order_id)
        order["address"] = _address(address1, address2, city, state, country, zip)
        return json.dumps(order)


class ModifyPendingOrderItems:
    """Swaps items for other variants of their products, once per order, and settles the difference."""

    @staticmethod
    def invoke(data: Overlay, order_id: Value, item_ids: Value, new_item_ids: Value, payment_method_id: Value) -> str:
        order = _order(data, order_id, "pending", "non-pending order cannot be modified")
        difference = _price_difference(data, order, item_ids, new_item_ids)
        method = _payment_method(data, order, payment_method_id)
        _require_balance(method, difference, "insufficient gift card balance to pay for the new item")

        order = data.write("orders", order_id)
        kind = "payment" if difference > 0 else "refund"
        order["payment_history"].append(_transaction(kind, abs(difference), payment_method_id))
        if method["source"] == "gift_card":
            _credit(data, order["user_id"], payment_method_id, -difference)
        for item_id, new_item_id in zip(item_ids, new_item_ids, strict=False):
            item = _item(order, item_id)
            variant = _variants(data, item)[new_item_id]
            item["item_id"] = new_item_id
            item["price"] = variant["price"]
            item["options"] = variant["options"]
        order["status"] = "pending (item modified)"
        return json.dumps(order)


class ModifyPendingOrderPayment:
    """Moves an order's one payment to another method."""

    @staticmethod
    def invoke(data: Overlay, order_id: Value, payment_method_id: Value) -> str:
        order = _order(data, order_id, "pending", "non-pending order cannot be modified")
        method = _payment_method(data, order, payment_method_id)
        history = order["payment_history"]
        if len(history) > 1 or history[0]["transaction_type"] != "payment":
            raise Refusal("there should be exactly one payment for a pending order")
        old_method_id = history[0]["payment_method_id"]
        if old_method_id == payment_method_id:
            raise Refusal("the new payment method should be different from the current one")
        amount = history[0]["amount"]
        _require_balance(method, amount, "insufficient gift card balance to pay for the order")

        order = data.write("orders", order_id)
        order["payment_history"] += [
            _transaction("payment", amount, payment_method_id),
            _transaction("refund", amount, old_method_id),
        ]
        # Upstream knows a new gift card by its source, an old one by its id.
        if method["source"] == "gift_card":
            _credit(data, order["user_id"], payment_method_id, -amount)
        if "gift_card" in old_method_id:
            _credit(data, order["user_id"], old_method_id, amount)
        return json.dumps(order)


class ModifyUserAddress:
    """Replaces a user's own address."""

    @staticmethod
    def invoke(
        data: Overlay,
        user_id: Value,
        address1: Value,
        address2: Value,
        city: Value,
        state: Value,
        country: Value,
        zip: Value,
    ) -> str:
        require(data, "users", user_id, "user not found")
        user = data.write("users", user_id)
        user["address"] = _address(address1, address2, city, state, country, zip)
        return json.dumps(user)


# --- changing delivered orders --------------------------------------------------------------------------------------------


class ExchangeDeliveredOrderItems:
    """Asks for items to be exchanged for other variants of their products; no money moves yet."""

    @staticmethod
    def invoke(data: Overlay, order_id: Value, item_ids: Value, new_item_ids: Value, payment_method_id: Value) -> str:
        order = _order(data, order_id, "delivered", "non-delivered order cannot be exchanged")
        difference = round(_price_difference(data, order, item_ids, new_item_ids), 2)
        method = _payment_method(data, order, payment_method_id)
        _require_balance(method, difference, "insufficient gift card balance to pay for the price difference")

        order = data.write("orders", order_id)
        order["status"] = "exchange requested"
        order["exchange_items"] = sorted(item_ids)
        order["exchange_new_items"] = sorted(new_item_ids)
        order["exchange_payment_method_id"] = payment_method_id
        order["exchange_price_difference"] = difference
        return json.dumps(order)


class ReturnDeliveredOrderItems:
    """Asks for items to be returned, refunded to the original payment method or a gift card."""

    @staticmethod
    def invoke(data: Overlay, order_id: Value, item_ids: Value, payment_method_id: Value) -> str:
        order = _order(data, order_id, "delivered", "non-delivered order cannot be returned")
        _payment_method(data, order, payment_method_id)
        if (
            "gift_card" not in payment_method_id
            and payment_method_id != order["payment_history"][0]["payment_method_id"]
        ):
            raise Refusal("payment method should be either the original payment method or a gift card")
        if _missing(order, item_ids):
            raise Refusal("some item not found")

        order = data.write("orders", order_id)
        order["status"] = "return requested"
        order["return_items"] = sorted(item_ids)
        order["return_payment_method_id"] = payment_method_id
        return json.dumps(order)


# --- shared checks and effects --------------------------------------------------------------------------------------------


def _order(data: Overlay, order_id: Value, status: str, wrong_status: str) -> Record:
    """The order, for reading, checked to exist and to have exactly this status."""
    require(data, "orders", order_id, "order not found")
    order = data.read("orders", order_id)
    if order["status"] != status:
        raise Refusal(wrong_status)
    return order


def _missing(order: Record, item_ids: Value) -> list[Value]:
    """The first item id asked for more often than the order has it, as a list of none or one."""
    held = [item["item_id"] for item in order["items"]]
    for item_id in item_ids:
        if item_ids.count(item_id) > held.count(item_id):
            return [item_id]
    return []


def _price_difference(data: Overlay, order: Record, item_ids: Value, new_item_ids: Value) -> float:
    """What the new items cost more than the old ones, not rounded, after the checks that both item tools share."""
    for item_id in _missing(order, item_ids):
        raise Refusal(f"{item_id} not found")
    if len(item_ids) != len(new_item_ids):
        raise Refusal("the number of items to be exchanged should match")
    difference: float = 0
    for item_id, new_item_id in zip(item_ids, new_item_ids, strict=False):
        item = _item(order, item_id)
        variants = _variants(data, item)
        if not (new_item_id in variants and variants[new_item_id]["available"]):
            raise Refusal(f"new item {new_item_id} not found or available")
        difference += variants[new_item_id]["price"] - item["price"]
    return difference


def _item(order: Record, item_id: Value) -> Record:
    """The first item of the order with this id."""
    items: list[Record] = [item for item in order["items"] if item["item_id"] == item_id]
    return items[0]


def _variants(data: Overlay, item: Record) -> Record:
    variants: Record = data.read("products", item["product_id"])["variants"]
    return variants


def _payment_method(data: Overlay, order: Record, method_id: Value) -> Record:
    """The payment method of the order's user, for reading."""
    methods = data.read("users", order["user_id"])["payment_methods"]
    if method_id not in methods:
        raise Refusal("payment method not found")
    method: Record = methods[method_id]
    return method


def _require_balance(method: Record, amount: float, insufficient: str) -> None:
    if method["source"] == "gift_card" and method["balance"] < amount:
        raise Refusal(insufficient)


def _credit(data: Overlay, user_id: str, method_id: str, amount: float) -> None:
    """Add to a gift card's balance (a negative amount is a charge), in cents."""
    method = data.write("users", user_id)["payment_methods"][method_id]
    method["balance"] = round(method["balance"] + amount, 2)


def _transaction(kind: str, amount: float, method_id: str) -> Record:
    return {"transaction_type": kind, "amount": amount, "payment_method_id": method_id}


def _address(*parts: Value) -> Record:
    """An address in the key order of upstream's tools, which differs from that of the data."""
    return dict(zip(("address1", "address2", "city", "state", "country", "zip"), parts, strict=True))


TOOLS = (
    Tool("calculate", "none", Calculate.invoke),
    Tool("cancel_pending_order", "write", CancelPendingOrder.invoke),
    Tool("exchange_delivered_order_items", "write", ExchangeDeliveredOrderItems.invoke),
    Tool("find_user_id_by_email", "read", FindUserIdByEmail.invoke),
    Tool("find_user_id_by_name_zip", "read", FindUserIdByNameZip.invoke),
    Tool("get_order_details", "read", GetOrderDetails.invoke),
    Tool("get_product_details", "read", GetProductDetails.invoke),
    Tool("get_user_details", "read", GetUserDetails.invoke),
    Tool("list_all_product_types", "read", ListAllProductTypes.invoke),
    Tool("modify_pending_order_address", "write", ModifyPendingOrderAddress.invoke),
    Tool("modify_pending_order_items", "write", ModifyPendingOrderItems.invoke),
    Tool("modify_pending_order_payment", "write", ModifyPendingOrderPayment.invoke),
    Tool("modify_user_address", "write", ModifyUserAddress.invoke),
    Tool("return_delivered_order_items", "write", ReturnDeliveredOrderItems.invoke),
    Tool("think", "none", Think.invoke),
    Tool("transfer_to_human_agents", "terminating", TransferToHumanAgents.invoke),
)
