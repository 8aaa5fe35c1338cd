"""The retail domain: sixteen tools over orders, products and users.

Checks, their order and their texts follow ``src/tau2/domains/retail`` (sierra-research/tau2-bench, a2c0247), quirks included: when several
items of a pending order are modified, all get the price and options of the last one. ``fixed`` gives each its own.
"""

# ruff: noqa: D102 (a tool is its name; the text that a model reads about it comes with the data)

from __future__ import annotations

import json

from rbsuite_dialogue.refusal import Refusal, capitalised
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
from rbsuite_dialogue.values import Record, Value, copy_record
from rbsuite_tau2_bench import schema
from rbsuite_tau2_bench.schema import FLAG, NUMBER, TEXT, By, Choice, Keyed, Many, Maybe, texts
from rbsuite_tau2_bench.toolkit import Toolkit, evaluated, tool

# --- records --------------------------------------------------------------------------------------------------------------

_ADDRESS = schema.Record("UserAddress", texts("address1", "address2", "city", "country", "state", "zip"))
_PAYMENT = schema.Record(
    "OrderPayment",
    {"transaction_type": Choice(("payment", "refund")), "amount": NUMBER, "payment_method_id": TEXT},
)
_VARIANT = schema.Record("Variant", {"item_id": TEXT, "options": Keyed(TEXT), "available": FLAG, "price": NUMBER})
_PRODUCT = schema.Record("Product", {**texts("name", "product_id"), "variants": Keyed(_VARIANT)})
_METHOD = By(
    "source",
    {
        "credit_card": schema.Record("CreditCard", texts("source", "id", "brand", "last_four")),
        "gift_card": schema.Record("GiftCard", {**texts("source", "id"), "balance": NUMBER}),
        "paypal": schema.Record("Paypal", texts("source", "id")),
    },
)
_USER = schema.Record(
    "User",
    {
        "user_id": TEXT,
        "name": schema.Record("UserName", texts("first_name", "last_name")),
        "address": _ADDRESS,
        "email": TEXT,
        "payment_methods": Keyed(_METHOD),
        "orders": Many(TEXT),
    },
)
_ITEM = schema.Record("OrderItem", {**texts("name", "product_id", "item_id"), "price": NUMBER, "options": Keyed(TEXT)})
_LATER = {
    "cancel_reason": Maybe(Choice(CANCEL_REASONS)),
    "exchange_items": Maybe(Many(TEXT)),
    "exchange_new_items": Maybe(Many(TEXT)),
    "exchange_payment_method_id": Maybe(TEXT),
    "exchange_price_difference": Maybe(NUMBER),
    "return_items": Maybe(Many(TEXT)),
    "return_payment_method_id": Maybe(TEXT),
}
_ORDER = schema.Record(
    "Order",
    {
        **texts("order_id", "user_id"),
        "address": _ADDRESS,
        "items": Many(_ITEM),
        "status": Choice(
            (
                "processed",
                "pending",
                "pending (item modified)",
                "delivered",
                "cancelled",
                "exchange requested",
                "return requested",
            )
        ),
        "fulfillments": Many(schema.Record("OrderFullfilment", {"tracking_id": Many(TEXT), "item_ids": Many(TEXT)})),
        "payment_history": Many(_PAYMENT),
        **_LATER,
    },
    dict.fromkeys(_LATER),
)
TABLES = {"products": _PRODUCT, "users": _USER, "orders": _ORDER}


class RetailTools(Toolkit):
    """The tools of the shop's agent."""

    @tool("generic")
    def calculate(self, expression: Value) -> str:
        return evaluated(self.db, expression)

    @tool("write")
    def cancel_pending_order(self, order_id: Value, reason: Value) -> str:
        order = self._get_order(order_id)
        if order["status"] != "pending":
            raise Refusal("Non-pending order cannot be cancelled")
        if reason not in set(CANCEL_REASONS):
            raise Refusal("Invalid reason")
        refunds = []
        for payment in order["payment_history"]:
            method_id, amount = payment["payment_method_id"], payment["amount"]
            refunds.append(_payment("refund", amount, method_id))
            self._get_user(order["user_id"])
            self._pay_in(order["user_id"], method_id, amount)
        order = self.db.write("orders", order_id)
        order["status"] = "cancelled"
        order["cancel_reason"] = reason
        order["payment_history"] += refunds
        return json.dumps(order)

    @tool("write")
    def exchange_delivered_order_items(
        self, order_id: Value, item_ids: Value, new_item_ids: Value, payment_method_id: Value
    ) -> str:
        order = self._get_order(order_id)
        if order["status"] != "delivered":
            raise Refusal("Non-delivered order cannot be exchanged")
        for missing in missing_item(order, item_ids):
            raise Refusal(f"Number of {missing} not found.")
        if len(item_ids) != len(new_item_ids):
            raise Refusal("The number of items to be exchanged should match.")
        difference: float = 0
        for item_id, new_item_id in zip(item_ids, new_item_ids, strict=True):
            item, variant = self._swap(order, item_id, new_item_id)
            difference += variant["price"] - item["price"]
        difference = round(difference, 2)
        method = self._get_payment_method(order["user_id"], payment_method_id)
        check_balance(method, difference, "Insufficient gift card balance to pay for the price difference", Refusal)
        return request_exchange(self.db, order_id, item_ids, new_item_ids, payment_method_id, difference)

    @tool("read")
    def find_user_id_by_name_zip(self, first_name: Value, last_name: Value, zip: Value) -> str:
        return user_id_by_name_zip(self.db, first_name, last_name, zip, capitalised)

    @tool("read")
    def find_user_id_by_email(self, email: Value) -> str:
        return user_id_by_email(self.db, email, capitalised)

    @tool("read")
    def get_order_details(self, order_id: Value) -> str:
        self._get_order(order_id)
        return self.db.json_text("orders", order_id)

    @tool("read")
    def get_product_details(self, product_id: Value) -> str:
        self._get_product(product_id)
        return self.db.json_text("products", product_id)

    @tool("read")
    def get_item_details(self, item_id: Value) -> str:
        product_id = self._lookup.by_item.get(item_id)
        if product_id is None:
            raise Refusal("Item not found")
        return json.dumps(self._get_product(product_id)["variants"][item_id])

    @tool("read")
    def get_user_details(self, user_id: Value) -> str:
        self._get_user(user_id)
        return self.db.json_text("users", user_id)

    @tool("read")
    def list_all_product_types(self) -> str:
        return self._lookup.product_types

    @tool("write")
    def modify_pending_order_address(
        self,
        order_id: Value,
        address1: Value,
        address2: Value,
        city: Value,
        state: Value,
        country: Value,
        zip: Value,
    ) -> str:
        if "pending" not in self._get_order(order_id)["status"]:
            raise Refusal("Non-pending order cannot be modified")
        address = _address(address1, address2, city, state, country, zip)
        order = self.db.write("orders", order_id)
        order["address"] = address
        return json.dumps(order)

    @tool("write")
    def modify_pending_order_items(
        self, order_id: Value, item_ids: Value, new_item_ids: Value, payment_method_id: Value
    ) -> str:
        order = self._get_order(order_id)
        if order["status"] != "pending":
            raise Refusal("Non-pending order cannot be modified")
        for missing in missing_item(order, item_ids):
            raise Refusal(f"{missing} not found")
        if len(item_ids) != len(new_item_ids):
            raise Refusal("The number of items to be exchanged should match")
        difference: float = 0
        variants = []
        for item_id, new_item_id in zip(item_ids, new_item_ids, strict=True):
            if item_id == new_item_id:
                raise Refusal("The new item id should be different from the old item id")
            item, variant = self._swap(order, item_id, new_item_id)
            variants.append(variant)
            difference += variant["price"] - item["price"]
        method = self._get_payment_method(order["user_id"], payment_method_id)
        check_balance(method, difference, "Insufficient gift card balance to pay for the new item", Refusal)
        order = self.db.write("orders", order_id)
        paid = "payment" if difference > 0 else "refund"
        order["payment_history"].append(_payment(paid, abs(difference), payment_method_id))
        self._pay_in(order["user_id"], payment_method_id, -difference)
        if not self.fixed:
            variants = variants[-1:] * len(variants)
        for item_id, new_item_id, variant in zip(item_ids, new_item_ids, variants, strict=True):
            item = _item(order, item_id)
            item["item_id"] = new_item_id
            item["price"] = variant["price"]
            item["options"] = copy_record(variant["options"])
        order["status"] = "pending (item modified)"
        return json.dumps(order)

    @tool("write")
    def modify_pending_order_payment(self, order_id: Value, payment_method_id: Value) -> str:
        order = self._get_order(order_id)
        if "pending" not in order["status"]:
            raise Refusal("Non-pending order cannot be modified")
        method = self._get_payment_method(order["user_id"], payment_method_id)
        history = order["payment_history"]
        if len(history) != 1 or history[0]["transaction_type"] != "payment":
            raise Refusal("There should be exactly one payment for a pending order")
        before, amount = history[0]["payment_method_id"], history[0]["amount"]
        if before == payment_method_id:
            raise Refusal("The new payment method should be different from the current one")
        check_balance(method, amount, "Insufficient gift card balance to pay for the order", Refusal)
        order = self.db.write("orders", order_id)
        order["payment_history"] += [
            _payment("payment", amount, payment_method_id),
            _payment("refund", amount, before),
        ]
        self._pay_in(order["user_id"], payment_method_id, -amount)
        self._pay_in(order["user_id"], before, amount)
        return json.dumps(order)

    @tool("write")
    def modify_user_address(
        self,
        user_id: Value,
        address1: Value,
        address2: Value,
        city: Value,
        state: Value,
        country: Value,
        zip: Value,
    ) -> str:
        self._get_user(user_id)
        address = _address(address1, address2, city, state, country, zip)
        user = self.db.write("users", user_id)
        user["address"] = address
        return json.dumps(user)

    @tool("write")
    def return_delivered_order_items(self, order_id: Value, item_ids: Value, payment_method_id: Value) -> str:
        order = self._get_order(order_id)
        if order["status"] != "delivered":
            raise Refusal("Non-delivered order cannot be returned")
        method = self._get_payment_method(order["user_id"], payment_method_id)
        if method["source"] != "gift_card" and payment_method_id != order["payment_history"][0]["payment_method_id"]:
            raise Refusal("Payment method should be the original payment method")
        if missing_item(order, item_ids):
            raise Refusal("Some item not found")
        return request_return(self.db, order_id, item_ids, payment_method_id)

    @tool("generic")
    def transfer_to_human_agents(self, summary: Value) -> str:
        return "Transfer successful"

    @property
    def _lookup(self) -> Lookup:
        return self.db.database.view(Lookup)

    def _get_order(self, order_id: Value) -> Record:
        return self._get("orders", order_id, "Order")

    def _get_user(self, user_id: Value) -> Record:
        return self._get("users", user_id, "User")

    def _get_product(self, product_id: Value) -> Record:
        return self._get("products", product_id, "Product")

    def _get(self, table: str, key: Value, name: str) -> Record:
        if not self.db.has(table, key):
            raise Refusal(f"{name} not found")
        return self.db.read(table, key)

    def _get_payment_method(self, user_id: Value, method_id: Value) -> Record:
        methods = self._get_user(user_id)["payment_methods"]
        if method_id not in methods:
            raise Refusal("Payment method not found")
        method: Record = methods[method_id]
        return method

    def _pay_in(self, user_id: str, method_id: str, amount: float) -> None:
        """Add an amount to a gift card, which must exist; other methods are settled elsewhere."""
        if self._get_payment_method(user_id, method_id)["source"] == "gift_card":
            credit(self.db, user_id, method_id, amount)

    def _swap(self, order: Record, item_id: Value, new_item_id: Value) -> tuple[Record, Record]:
        """An item of an order and the variant that replaces it, which must be in stock."""
        item = _item(order, item_id)
        variants = self._get_product(item["product_id"])["variants"]
        if new_item_id not in variants:
            raise Refusal("Variant not found")
        if not variants[new_item_id]["available"]:
            raise Refusal(f"New item {new_item_id} not found or available")
        return item, variants[new_item_id]


def _item(order: Record, item_id: Value) -> Record:
    """The first item of an order with an id."""
    for item in order["items"]:
        if item["item_id"] == item_id:
            found: Record = item
            return found
    raise Refusal(f"Item {item_id} not found")


def _payment(kind: str, amount: float, method_id: Value) -> Record:
    return _PAYMENT.make({"transaction_type": kind, "amount": amount, "payment_method_id": method_id})


def _address(address1: Value, address2: Value, city: Value, state: Value, country: Value, zip: Value) -> Record:
    values = {"address1": address1, "address2": address2, "city": city}
    return _ADDRESS.make({**values, "state": state, "country": country, "zip": zip})
