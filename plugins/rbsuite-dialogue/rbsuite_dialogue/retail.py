"""Rules of the shop that tau-bench and tau2-bench share: lookups, items of an order, gift cards, exchange and return requests."""

from __future__ import annotations

import json

from rbsuite_dialogue.database import Database
from rbsuite_dialogue.overlay import Overlay
from rbsuite_dialogue.refusal import Refuse
from rbsuite_dialogue.values import Record, Value

CANCEL_REASONS = ("no longer needed", "ordered by mistake")


class Lookup:
    """Indexes over a database. Users' names and emails and all products never change in a world."""

    def __init__(self, database: Database) -> None:
        self.by_email: dict[str, str] = {}
        self.by_first_name: dict[str, list[tuple[str, str]]] = {}
        """First name to (user id, last name), both names in lower case, in the order of the users."""
        for user_id, user in database.tables["users"].items():
            self.by_email.setdefault(user["email"].lower(), user_id)
            name = user["name"]
            self.by_first_name.setdefault(name["first_name"].lower(), []).append((user_id, name["last_name"].lower()))
        products = database.tables["products"]
        types = {product["name"]: product["product_id"] for product in products.values()}
        self.product_types = json.dumps(dict(sorted(types.items())))
        """Every product's name and id, by name, as JSON."""
        self.by_item: dict[str, str] = {}
        for key, product in products.items():
            for item in product["variants"]:
                self.by_item.setdefault(item, key)


def user_id_by_email(data: Overlay, email: Value, refuse: Refuse) -> str:
    """The id of the first user with this email address, whatever its case."""
    by_email = data.database.view(Lookup).by_email
    found = by_email.get(email.lower()) if by_email else None
    if found is None:
        raise refuse("user not found")
    return found


def user_id_by_name_zip(data: Overlay, first_name: Value, last_name: Value, zip: Value, refuse: Refuse) -> str:
    """The id of the first user with this name, whatever its case, and exactly this postal code."""
    by_first_name = data.database.view(Lookup).by_first_name
    for user_id, known in by_first_name.get(first_name.lower(), ()) if by_first_name else ():
        # The address may have been changed in this world.
        if known == last_name.lower() and data.read("users", user_id)["address"]["zip"] == zip:
            return user_id
    raise refuse("user not found")


def missing_item(order: Record, item_ids: Value) -> list[Value]:
    """The first item id requested more often than the order has it, as a list of zero or one."""
    held = [item["item_id"] for item in order["items"]]
    for item_id in item_ids:
        if item_ids.count(item_id) > held.count(item_id):
            return [item_id]
    return []


def check_balance(method: Record, amount: float, problem: str, refuse: Refuse) -> None:
    """Check that a payment method, if it is a gift card, can pay an amount; otherwise raise the ``problem``."""
    if method["source"] == "gift_card" and method["balance"] < amount:
        raise refuse(problem)


def credit(data: Overlay, user_id: str, method_id: str, amount: float) -> None:
    """Add to a gift card's balance (a negative amount is a charge), in cents."""
    method = data.write("users", user_id)["payment_methods"][method_id]
    method["balance"] = round(method["balance"] + amount, 2)


def request_exchange(
    data: Overlay, order_id: str, item_ids: Value, new_item_ids: Value, method_id: Value, difference: float
) -> str:
    """Record that items of an order are to be exchanged; returns the order as JSON. No money moves yet."""
    order = data.write("orders", order_id)
    order["status"] = "exchange requested"
    order["exchange_items"] = sorted(item_ids)
    order["exchange_new_items"] = sorted(new_item_ids)
    order["exchange_payment_method_id"] = method_id
    order["exchange_price_difference"] = difference
    return json.dumps(order)


def request_return(data: Overlay, order_id: str, item_ids: Value, method_id: Value) -> str:
    """Record that items of an order are to be returned; returns the order as JSON."""
    order = data.write("orders", order_id)
    order["status"] = "return requested"
    order["return_items"] = sorted(item_ids)
    order["return_payment_method_id"] = method_id
    return json.dumps(order)
