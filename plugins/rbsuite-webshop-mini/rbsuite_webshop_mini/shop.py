"""The shop behind the pages: accounts, cart, orders, returns, reviews, and the admin side, as plain data.

:meth:`Shop.lasting` returns what lasts; goals are checked on it. The shop has rules that its pages do not announce:

- quantities are counted in packs;
- a coupon is accepted before the address is saved, but not afterwards;
- saving an address resets the delivery to standard;
- changing a quantity removes the gift wrap;
- a cancellation waits until it is confirmed under messages;
- a return is a draft until it is sent;
- a review without a headline is never shown;
- a change to the account without the current password stays pending forever;
- a new stock level is entered as a change;
- prices and coupons from the admin side take effect only once they are published;
- the sales report covers 30 days unless it is told otherwise.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rbsuite_webshop_mini.catalogue import Product, catalogue

ADMIN = "admin@shop.test"
ADDRESSES = ("Home", "Office", "Parents")
DELIVERIES = ("Standard", "Express")
REASONS = ("Changed my mind", "Arrived too late", "Broken", "Wrong item")


class Refused(Exception):
    """What the shop refuses to do; the message appears on the page."""


@dataclass
class Line:
    """A line of a cart.

    Attributes:
        code: code of the product.
        packs: how many.
        wrapped: whether it is wrapped as a gift.
    """

    code: str
    packs: int
    wrapped: bool = False


@dataclass
class Cart:
    """A cart on its way to an order."""

    lines: list[Line] = field(default_factory=list)
    coupon: str = ""
    address: str = ""
    delivery: str = "Standard"


@dataclass(frozen=True, slots=True)
class Sale:
    """A single sale.

    Attributes:
        code: code of the product.
        packs: how many.
        days: how many days ago.
    """

    code: str
    packs: int
    days: int


class Shop:
    """One instance of the shop, with one visitor.

    Args:
        accounts: by e-mail address: ``password``, ``name``, ``phone``.
        orders: by number: ``account``, ``lines`` (code and packs), ``status``.
        coupons: by code, the discount in per cent.
        sales: what the report counts.
    """

    def __init__(
        self,
        accounts: Mapping[str, Mapping[str, str]],
        orders: Mapping[str, Mapping[str, Any]],
        coupons: Mapping[str, int],
        sales: tuple[Sale, ...] = (),
    ) -> None:
        self.products: Mapping[str, Product] = {product.code: product for product in catalogue()}
        self.accounts = {email: dict(account) for email, account in accounts.items()}
        self.orders = {number: copy.deepcopy(dict(order)) for number, order in orders.items()}
        self.coupons = dict(coupons)
        self.sales = sales
        self.prices = {code: product.price for code, product in self.products.items()}
        self.stock = {code: product.stock for code, product in self.products.items()}
        self.returns: list[dict[str, Any]] = []
        self.reviews: list[dict[str, Any]] = []
        self.cart = Cart()
        self.user = ""
        self.messages: list[dict[str, str]] = []
        self.staged: list[tuple[str, str, int]] = []

    def lasting(self) -> dict[str, Any]:
        """What goals are checked on: everything except carts, drafts, and what is pending."""
        return {
            "accounts": self.accounts,
            "orders": self.orders,
            "coupons": self.coupons,
            "prices": self.prices,
            "stock": self.stock,
            "returns": [one for one in self.returns if one["sent"]],
            "reviews": [
                {name: value for name, value in one.items() if name != "headline"}
                for one in self.reviews
                if one["headline"]
            ],
        }

    def sign_in(self, email: str, password: str) -> None:
        """Sign in."""
        account = self.accounts.get(email.strip())
        if account is None or account["password"] != password:
            raise Refused("We do not know this e-mail address and password.")
        self.user = email.strip()

    @property
    def account(self) -> dict[str, str]:
        """The account that is signed in."""
        if not self.user:
            raise Refused("Please sign in first.")
        return self.accounts[self.user]

    def search(self, words: str = "", category: str = "") -> list[Product]:
        """Products whose names contain all of the words, by price."""
        wanted = words.lower().split()
        found = [
            product
            for product in self.products.values()
            if category in ("", product.category) and all(word in product.name.lower().split() for word in wanted)
        ]
        return sorted(found, key=lambda product: (self.prices[product.code], product.code))

    def add(self, code: str, packs: int, wrapped: bool) -> None:
        """Put packs into the cart."""
        if not 1 <= packs <= self.stock[code]:
            raise Refused(f"We have {self.stock[code]} packs of it.")
        self.cart.lines = [line for line in self.cart.lines if line.code != code] + [Line(code, packs, wrapped)]

    def change(self, code: str, packs: int) -> None:
        """Change how many packs are in the cart, removing the gift wrap; zero: remove the line."""
        if packs and not 1 <= packs <= self.stock[code]:
            raise Refused(f"We have {self.stock[code]} packs of it.")
        self.cart.lines = [
            Line(line.code, packs) if line.code == code else line
            for line in self.cart.lines
            if packs or line.code != code
        ]

    def use_coupon(self, code: str) -> None:
        """Apply a coupon."""
        if self.cart.address:
            raise Refused("Coupons are closed for this order.")
        if code.strip().upper() not in self.coupons:
            raise Refused("We do not know this coupon.")
        self.cart.coupon = code.strip().upper()

    def send_to(self, address: str) -> None:
        """Save the address."""
        if address not in ADDRESSES:
            raise Refused("Please choose an address.")
        self.cart.address, self.cart.delivery = address, "Standard"

    def deliver(self, delivery: str) -> None:
        """Choose the delivery method."""
        if delivery not in DELIVERIES:
            raise Refused("Please choose a delivery.")
        self.cart.delivery = delivery

    def total(self) -> int:
        """The total of the cart, in cents."""
        goods = sum(self.prices[line.code] * line.packs + 200 * line.wrapped for line in self.cart.lines)
        goods -= goods * self.coupons.get(self.cart.coupon, 0) // 100
        return goods + (900 if self.cart.delivery == "Express" else 400)

    def place(self) -> str:
        """Place the order; returns its number."""
        _ = self.account
        if not self.cart.lines or not self.cart.address:
            raise Refused("The cart is empty, or has no address yet.")
        number = f"W{1001 + len(self.orders)}"
        cart = self.cart
        self.orders[number] = {
            "account": self.user,
            "lines": [[line.code, line.packs, line.wrapped] for line in cart.lines],
            "status": "Processing",
            "coupon": cart.coupon,
            "address": cart.address,
            "delivery": cart.delivery,
            "total": self.total(),
        }
        for line in cart.lines:
            self.stock[line.code] -= line.packs
        self.cart = Cart()
        return number

    def own_order(self, number: str) -> dict[str, Any]:
        """An order of the account."""
        order = self.orders.get(number)
        if order is None or order["account"] != self.user:
            raise Refused("There is no such order.")
        return order

    def ask_to_cancel(self, number: str, reason: str) -> None:
        """Request that an order be cancelled, which is carried out once it is confirmed."""
        if self.own_order(number)["status"] != "Processing":
            raise Refused("This order cannot be cancelled any more.")
        if not any(message["order"] == number for message in self.messages):
            self.messages.append({"order": number, "reason": reason})

    def confirm_cancelling(self, number: str) -> None:
        """Cancel an order."""
        self.own_order(number)["status"] = "Cancelled"
        self.messages = [message for message in self.messages if message["order"] != number]

    def draft_return(self, number: str, code: str, reason: str) -> None:
        """Draft a return of items."""
        order = self.own_order(number)
        if order["status"] != "Delivered" or code not in [line[0] for line in order["lines"]]:
            raise Refused("This cannot be returned.")
        if reason not in REASONS:
            raise Refused("Please choose a reason.")
        self.returns.append({"order": number, "code": code, "reason": reason, "sent": False})

    def send_return(self, at: int) -> None:
        """Send a draft."""
        self.returns[at]["sent"] = True

    def write_review(self, code: str, stars: int, headline: str, text: str) -> None:
        """Review a product."""
        _ = self.account
        if not text.strip():
            raise Refused("Please write something.")
        self.reviews.append(
            {"code": code, "account": self.user, "stars": stars, "headline": headline.strip(), "text": text.strip()}
        )

    def change_phone(self, phone: str, password: str) -> None:
        """Change the telephone number; without the password the change stays pending."""
        if password and password != self.account["password"]:
            raise Refused("This is not your current password.")
        if password:
            self.account["phone"] = phone.strip()

    def as_admin(self) -> None:
        """Only for the admin side.

        Raises:
            Refused: somebody else is signed in, or nobody.
        """
        if self.user != ADMIN:
            raise Refused("Only staff may see this page.")

    def stage(self, what: str, key: str, value: int) -> None:
        """Record a ``price`` or ``coupon`` to be published."""
        self.staged.append((what, key, value))

    def publish(self) -> None:
        """Make everything that is staged take effect."""
        for what, key, value in self.staged:
            (self.prices if what == "price" else self.coupons)[key] = value
        self.staged = []

    def adjust(self, code: str, by: int) -> None:
        """Add to the stock."""
        if self.stock[code] + by < 0:
            raise Refused("There would be less than nothing.")
        self.stock[code] += by

    def sold(self, code: str, days: int) -> int:
        """Packs sold in the last days; 0: of all time."""
        return sum(sale.packs for sale in self.sales if sale.code == code and (not days or sale.days <= days))
