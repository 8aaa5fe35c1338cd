"""The retail domain: sixteen tools over orders, products and users.

Checks, their order and their texts follow ``tau_bench/envs/retail/tools`` (commit 59a200c).
"""

# ruff: noqa: D102 (a tool is its class, whose docstring says what its one method does)

from __future__ import annotations

import json

from rbsuite_dialogue.overlay import Overlay
from rbsuite_dialogue.refusal import Refusal
from rbsuite_dialogue.retail import (
    CANCEL_REASONS,
    Lookup,
    check_balance,
    credit,
    missing_item,
    request_exchange,
    request_return,
    user_id_by_email,
    user_id_by_name_zip,
)
from rbsuite_dialogue.values import Record, Value
from rbsuite_tau_bench.tools import (
    Calculate,
    GetUserDetails,
    Think,
    Tool,
    TransferToHumanAgents,
    require,
    show,
)

TABLES = ("orders", "products", "users")

# --- looking up -----------------------------------------------------------------------------------------------------------


class FindUserIdByEmail:
    """The id of the first user with this email address, whatever its case."""

    @staticmethod
    def invoke(data: Overlay, email: Value) -> str:
        return user_id_by_email(data, email, Refusal)


class FindUserIdByNameZip:
    """The id of the first user with this name, whatever its case, and exactly this postal code."""

    @staticmethod
    def invoke(data: Overlay, first_name: Value, last_name: Value, zip: Value) -> str:
        return user_id_by_name_zip(data, first_name, last_name, zip, Refusal)


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
        return data.database.view(Lookup).product_types


# --- changing pending orders and users ------------------------------------------------------------------------------------


class CancelPendingOrder:
    """Cancels an order and refunds what was paid; gift cards are credited at once."""

    @staticmethod
    def invoke(data: Overlay, order_id: Value, reason: Value) -> str:
        order = _order(data, order_id, "pending", "non-pending order cannot be cancelled")
        if reason not in CANCEL_REASONS:
            raise Refusal("invalid reason")
        refunds = []
        for payment in order["payment_history"]:
            method_id = payment["payment_method_id"]
            refunds.append(_transaction("refund", payment["amount"], method_id))
            if "gift_card" in method_id:
                credit(data, order["user_id"], method_id, payment["amount"])
        order = data.write("orders", order_id)
        order["status"] = "cancelled"
        order["cancel_reason"] = reason
        order["payment_history"].extend(refunds)
        return json.dumps(order)


class ModifyPendingOrderAddress:
    """Replaces the address that an order is shipped to."""

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
        check_balance(method, difference, "insufficient gift card balance to pay for the new item", Refusal)

        order = data.write("orders", order_id)
        kind = "payment" if difference > 0 else "refund"
        order["payment_history"].append(_transaction(kind, abs(difference), payment_method_id))
        if method["source"] == "gift_card":
            credit(data, order["user_id"], payment_method_id, -difference)
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
        check_balance(method, amount, "insufficient gift card balance to pay for the order", Refusal)

        order = data.write("orders", order_id)
        order["payment_history"] += [
            _transaction("payment", amount, payment_method_id),
            _transaction("refund", amount, old_method_id),
        ]
        # Upstream recognises a new gift card by its source, an old one by its id.
        if method["source"] == "gift_card":
            credit(data, order["user_id"], payment_method_id, -amount)
        if "gift_card" in old_method_id:
            credit(data, order["user_id"], old_method_id, amount)
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
    """Requests an exchange of items for other variants of their products; no money moves yet."""

    @staticmethod
    def invoke(data: Overlay, order_id: Value, item_ids: Value, new_item_ids: Value, payment_method_id: Value) -> str:
        order = _order(data, order_id, "delivered", "non-delivered order cannot be exchanged")
        difference = round(_price_difference(data, order, item_ids, new_item_ids), 2)
        method = _payment_method(data, order, payment_method_id)
        insufficient = "insufficient gift card balance to pay for the price difference"
        check_balance(method, difference, insufficient, Refusal)
        return request_exchange(data, order_id, item_ids, new_item_ids, payment_method_id, difference)


class ReturnDeliveredOrderItems:
    """Requests a return of items, to be refunded to the original payment method or a gift card."""

    @staticmethod
    def invoke(data: Overlay, order_id: Value, item_ids: Value, payment_method_id: Value) -> str:
        order = _order(data, order_id, "delivered", "non-delivered order cannot be returned")
        _payment_method(data, order, payment_method_id)
        if (
            "gift_card" not in payment_method_id
            and payment_method_id != order["payment_history"][0]["payment_method_id"]
        ):
            raise Refusal("payment method should be either the original payment method or a gift card")
        if missing_item(order, item_ids):
            raise Refusal("some item not found")
        return request_return(data, order_id, item_ids, payment_method_id)


# --- shared checks and effects --------------------------------------------------------------------------------------------


def _order(data: Overlay, order_id: Value, status: str, wrong_status: str) -> Record:
    """The order, for reading, checked to exist and to have exactly this status."""
    require(data, "orders", order_id, "order not found")
    order = data.read("orders", order_id)
    if order["status"] != status:
        raise Refusal(wrong_status)
    return order


def _price_difference(data: Overlay, order: Record, item_ids: Value, new_item_ids: Value) -> float:
    """How much more the new items cost than the old ones, not rounded, after the checks that both item tools share."""
    for item_id in missing_item(order, item_ids):
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
