"""A food delivery platform."""

from __future__ import annotations

from collections.abc import Mapping
from operator import ge, gt
from typing import Any

from rbsuite_acebench.worlds.base import BaseApi


class FoodPlatform(BaseApi):
    """Merchants with menus, and users with a balance, who must log in over Wi-Fi before they order."""

    SAVED = ("users", "logged_in_users", "orders")
    users: dict[str, dict[str, Any]]
    merchant_list: dict[str, dict[str, Any]]
    logged_in_users: list[str]
    orders: list[dict[str, Any]]

    def _configure(self, config: Mapping[str, Any]) -> None:
        super()._configure(config)
        self.logged_in_users = list(config.get("logged_in_users", []))

    def login_food_platform(self, username: str, password: str) -> Any:
        """Log a user in."""
        if not self.wifi:
            return self._no("food_no_wifi")
        if username not in self.users:
            return self._no("food_no_user")
        if self.users[username]["password"] != password:
            return self._no("food_password")
        if username in self.logged_in_users:
            return self._no("food_again", user=username)
        self.logged_in_users.append(username)
        return self._yes("food_logged_in", user=username)

    def view_logged_in_users(self) -> Any:
        """Who is logged in."""
        if not self.logged_in_users:
            return self._no("food_nobody")
        return {"status": True, "logged_in_users": self.logged_in_users}

    def check_balance(self, user_name: str) -> Any:
        """A user's balance; 0 for an unknown user."""
        return self.users[user_name]["balance"] if user_name in self.users else 0.0

    def add_food_delivery_order(self, username: str, merchant_name: str, items: list[dict[str, Any]]) -> Any:
        """Place an order. In Chinese the balance must exceed the total; in English it may equal it."""
        if username not in self.logged_in_users:
            return self._no("order_logged_out", user=username)
        if merchant_name not in self.merchant_list:
            return self._no("order_no_merchant")
        total, ordered = 0.0, []
        for item in items:
            name, quantity = item.get("product"), item.get("quantity", 1)
            if not isinstance(quantity, int) or quantity <= 0:
                return self._no("order_quantity", quantity=quantity, product=name)
            menu = self.merchant_list[merchant_name]["menu"]
            product = next((one for one in menu if one["product"] == name), None)
            if product is None:
                return self._no("order_no_product", product=name, merchant=merchant_name)
            total += product["price"] * quantity
            ordered.append({"product": name, "quantity": quantity, "price_per_unit": product["price"]})
        exceeds = ge if self._language == "zh" else gt
        if exceeds(total, self.users[username]["balance"]):
            return self._no("order_balance")
        self.users[username]["balance"] -= total
        self.orders.append(
            {"user_name": username, "merchant_name": merchant_name, "items": ordered, "total_price": total}
        )
        return self._yes("ordered", merchant=merchant_name, total=total)

    def get_products(self, merchant_name: str) -> Any:
        """A merchant's menu."""
        merchant = self.merchant_list.get(merchant_name)
        return merchant["menu"] if merchant else self._no("no_merchant", merchant=merchant_name)

    def view_orders(self, user_name: str) -> Any:
        """A user's orders."""
        found = [order for order in self.orders if order["user_name"] == user_name]
        return {"status": True, "orders": found} if found else self._no("no_orders")

    def search_orders(self, keyword: str) -> Any:
        """The orders containing a word. In Chinese upstream lower-cases a dict if the merchant does not match, which is an error."""
        found = [
            order
            for order in self.orders
            if keyword.lower() in order["merchant_name"].lower()
            or any(keyword.lower() in self._searched(item).lower() for item in order["items"])
        ]
        return {"status": True, "orders": found} if found else self._no("no_orders_with")

    def _searched(self, item: Any) -> Any:
        return item if self._language == "zh" else item["product"]
