"""Random arguments for the retail tools."""

# ruff: noqa: D102 (each method makes the arguments of the tool of the same name)

from __future__ import annotations

from typing import Any

from rbsuite_tau_bench.differential.arguments import ArgumentMaker, Arguments
from rbsuite_tau_bench.world import World


class RetailArguments(ArgumentMaker):
    """One method per tool; see :class:`ArgumentMaker`."""

    def cancel_pending_order(self, world: World) -> Arguments:
        reason = self.rng.choice(["no longer needed", "ordered by mistake"])
        return {"order_id": self._order(world, "pending")["order_id"], "reason": reason}

    def exchange_delivered_order_items(self, world: World) -> Arguments:
        return self._swap(world, "delivered")

    def modify_pending_order_items(self, world: World) -> Arguments:
        return self._swap(world, "pending")

    def find_user_id_by_email(self, world: World) -> Arguments:
        email = self.tables["users"][self._user_id()]["email"]
        return {"email": self.rng.choice([email, email.upper(), email.title()])}

    def find_user_id_by_name_zip(self, world: World) -> Arguments:
        user = self._record(world, "get_user_details", user_id=self._user_id())
        first, last = user["name"]["first_name"], user["name"]["last_name"]
        return {"first_name": self.rng.choice([first, first.upper()]), "last_name": last, "zip": user["address"]["zip"]}

    def get_order_details(self, world: World) -> Arguments:
        return {"order_id": self._order_id()}

    def get_product_details(self, world: World) -> Arguments:
        return {"product_id": self.rng.choice(sorted(self.tables["products"]))}

    def list_all_product_types(self, world: World) -> Arguments:
        return {}

    def modify_pending_order_address(self, world: World) -> Arguments:
        return {"order_id": self._order(world, "pending")["order_id"], **self._address()}

    def modify_user_address(self, world: World) -> Arguments:
        return {"user_id": self._user_id(), **self._address()}

    def modify_pending_order_payment(self, world: World) -> Arguments:
        order = self._order(world, "pending")
        return {"order_id": order["order_id"], "payment_method_id": self._method(world, order["user_id"])}

    def return_delivered_order_items(self, world: World) -> Arguments:
        arguments = self._swap(world, "delivered")
        del arguments["new_item_ids"]
        if self.rng.random() < 0.5:
            history = self.tables["orders"][arguments["order_id"]]["payment_history"]
            arguments["payment_method_id"] = history[0]["payment_method_id"]
        return arguments

    def _order_id(self) -> str:
        users = (self._user_id(), self._user_id())
        orders = [order for user in users for order in self.tables["users"][user]["orders"]]
        return self._one_of(orders or sorted(self.tables["orders"]))

    def _order(self, world: World, status: str) -> dict[str, Any]:
        """An order, with this status if a few tries find one."""
        for _ in range(8):
            order = self._record(world, "get_order_details", order_id=self._order_id())
            if order["status"] == status:
                break
        return order

    def _swap(self, world: World, status: str) -> Arguments:
        order = self._order(world, status)
        least = 0 if self.rng.random() < 0.1 else 1
        items = self.rng.sample(order["items"], self.rng.randint(least, len(order["items"])))
        return {
            "order_id": order["order_id"],
            "item_ids": [item["item_id"] for item in items],
            "new_item_ids": [self._variant(item["product_id"]) for item in items],
            "payment_method_id": self._method(world, order["user_id"]),
        }

    def _variant(self, product_id: str) -> str:
        variants = self.tables["products"][product_id]["variants"]
        available = [key for key, variant in variants.items() if variant["available"]]
        return self._one_of(available if available and self.rng.random() < 0.9 else list(variants))

    def _address(self) -> dict[str, Any]:
        return dict(self.tables["users"][self._user_id()]["address"])
