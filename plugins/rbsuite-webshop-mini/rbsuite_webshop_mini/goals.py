"""Goals by template: what the agent is asked, what state the shop must then have, how it is done, and how it goes wrong.

A :class:`Template` draws its variables; everything else follows from them, so that a task contains only its template's name and the
variables. The hidden rules of the shop, those in :data:`rbsuite_webshop_mini.lessons.LESSONS`, recur across templates.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from rbsuite.environments.solution import Mistake
from rbsuite.trajectory import Action, ToolCall
from rbsuite_web.page import reference
from rbsuite_webshop_mini.catalogue import Product, catalogue, categories
from rbsuite_webshop_mini.shop import ADDRESSES, ADMIN, REASONS, Sale, Shop

PEOPLE = ("Ada Bright", "Ben Cole", "Cleo Dunn", "Dina Ebb", "Eli Frost", "Fay Grove")
COUPONS = {"SPRING10": 10, "HOME15": 15, "THANKS20": 20}
SHOP, STAFF = "shop", "staff"
"""The domains."""

Variables = Mapping[str, Any]
Steps = Sequence[Action]
Edits = Mapping[int, tuple[Action, ...]]


def product(code: str) -> Product:
    """A product by its code."""
    return catalogue()[int(code[1:]) - 1]


def email(person: str) -> str:
    """Somebody's e-mail address."""
    return f"{person.split()[0].lower()}@shop.test"


def password(person: str) -> str:
    """Somebody's password."""
    return f"{person.split()[1].lower()}-{len(person)}"


def act(*calls: ToolCall) -> Action:
    """Calls in one action."""
    return Action(calls=calls)


def click(role: str, name: str) -> ToolCall:
    """A click."""
    return ToolCall("", "click", {"ref": reference(role, name)})


def fill(name: str, text: str, role: str = "textbox") -> ToolCall:
    """Filling in a field."""
    return ToolCall("", "type", {"ref": reference(role, name), "text": text})


def choose(name: str, option: str) -> ToolCall:
    """Choosing from a list."""
    return ToolCall("", "select", {"ref": reference("combobox", name), "option": option})


def sign_in(who: str, word: str) -> Steps:
    """Signing in, from any page."""
    form = act(fill("E-mail", who), fill("Password", word), click("button", "Sign in"))
    return act(click("link", "Sign in")), form


def look_up(one: Product) -> Steps:
    """Going to a product's page."""
    search = act(fill("Search the shop", one.name, "searchbox"), click("button", "Search"))
    return search, act(click("link", one.name))


ANSWERED = Action.call("answer", {"text": ""})
CHECK_OUT = act(click("link", "Check out"))
PLACE = act(click("button", "Place order"))
EXPRESS = act(choose("Delivery", "Express"), click("button", "Choose delivery"))
PUBLISH = (act(click("link", "Publish")), act(click("button", "Publish changes")))


class Template(ABC):
    """A kind of goal."""

    name: ClassVar[str]
    domain: ClassVar[str] = SHOP
    difficulty: ClassVar[float] = 1.0

    @abstractmethod
    def draw(self, chance: random.Random) -> Variables:
        """The variables of a goal; plain data."""

    @abstractmethod
    def text(self, v: Variables) -> str:
        """What the agent is asked."""

    @abstractmethod
    def reach(self, shop: Shop, v: Variables) -> None:
        """Bring a fresh shop to the wanted state."""

    @abstractmethod
    def steps(self, v: Variables) -> Steps:
        """How it is done, from the shop's first page."""

    @abstractmethod
    def mistakes(self, v: Variables) -> Iterator[tuple[str, Edits]]:
        """How it goes wrong: the rule that was not known, and what is then done instead of steps."""

    def answer(self, v: Variables) -> str:
        """The answer asked for; empty: none."""
        return ""

    def world(self, v: Variables) -> Shop:
        """The shop at the start."""
        people = {
            email(one): {"password": password(one), "name": one, "phone": f"555-01{at:02}"}
            for at, one in enumerate(PEOPLE)
        }
        people[ADMIN] = {"password": "counter", "name": "Counter", "phone": ""}
        sales = tuple(Sale(code, packs, days) for code, packs, days in v.get("sales", ()))
        return Shop(people, v.get("orders", {}), COUPONS, sales)


def find_steps(steps: Steps, wanted: Action) -> int:
    """The index of a step."""
    return list(steps).index(wanted)


def _you(v: Variables) -> str:
    return f"You are {v['person']} ({email(v['person'])}, password {password(v['person'])})."


class Buy(Template):
    """An order.

    Args:
        name: name of the template.
        coupon: whether a coupon is asked for in addition to the product; ``express`` and ``gift``: likewise.
        cheapest: whether the product has to be found as the cheapest of its category.
    """

    def __init__(
        self, name: str, *, coupon: bool = False, express: bool = False, gift: bool = False, cheapest: bool = False
    ) -> None:
        self.name = name  # type: ignore[misc]
        self.difficulty = 2.0 + coupon + express + gift  # type: ignore[misc]
        self._coupon, self._express, self._gift, self._cheapest = coupon, express, gift, cheapest

    def draw(self, chance: random.Random) -> Variables:
        """See :class:`Template`."""
        code = chance.choice(catalogue()).code
        category = chance.choice(categories())
        if self._cheapest:
            fitting = [one for one in catalogue() if one.category == category and one.rating >= 4]
            code = min(fitting, key=lambda one: (one.price, one.code)).code
        return {
            "person": chance.choice(PEOPLE),
            "product": code,
            "category": category,
            "packs": chance.randrange(2, 4),
            "address": chance.choice(ADDRESSES),
            "coupon": chance.choice(sorted(COUPONS)),
        }

    def text(self, v: Variables) -> str:
        """See :class:`Template`."""
        one = product(v["product"])
        what = (
            f"the cheapest product of the category {v['category']} that is rated at least 4 stars"
            if self._cheapest
            else one.name
        )
        extras = [f"use the coupon {v['coupon']}"] * self._coupon + ["have it delivered by express"] * self._express
        extras += ["have it gift wrapped"] * self._gift
        also = f" Please {' and '.join(extras)}." if extras else ""
        return f"{_you(v)} Order {v['packs'] * one.pack} pieces of {what}, to the address {v['address']}.{also}"

    def reach(self, shop: Shop, v: Variables) -> None:
        """See :class:`Template`."""
        shop.sign_in(email(v["person"]), password(v["person"]))
        shop.add(v["product"], v["packs"], self._gift)
        if self._coupon:
            shop.use_coupon(v["coupon"])
        shop.send_to(v["address"])
        if self._express:
            shop.deliver("Express")
        shop.place()

    def steps(self, v: Variables) -> Steps:
        """See :class:`Template`."""
        one = product(v["product"])
        found = look_up(one)
        if self._cheapest:
            among = act(choose("Rated at least", "4 stars"), click("button", "Filter"))
            found = act(click("link", v["category"])), among, act(click("link", one.name))
        return (
            *sign_in(email(v["person"]), password(v["person"])),
            *found,
            self._adding(v["packs"], self._gift),
            *([self._using(v)] if self._coupon else []),
            CHECK_OUT,
            act(choose("Address", v["address"]), click("button", "Save address")),
            *([EXPRESS] if self._express else []),
            PLACE,
            ANSWERED,
        )

    def mistakes(self, v: Variables) -> Iterator[tuple[str, Edits]]:
        """See :class:`Template`."""
        steps = self.steps(v)
        adding = find_steps(steps, self._adding(v["packs"], self._gift))
        placing, leaving = find_steps(steps, PLACE), find_steps(steps, CHECK_OUT)
        if self._coupon:
            using = self._using(v)
            yield "cart/coupon", {find_steps(steps, using): (), placing: (using, PLACE)}
        if self._express:
            yield "cart/delivery", {find_steps(steps, EXPRESS): (), leaving: (EXPRESS, CHECK_OUT)}
        if self._gift:
            first = act(click("checkbox", "Gift wrap"), click("button", "Add to cart"))
            then = act(fill("Quantity", str(v["packs"]), "spinbutton"), click("button", "Change"))
            yield "cart/wrap", {adding: (first, then)}
        yield "cart/packs", {adding: (self._adding(v["packs"] * product(v["product"]).pack, self._gift),)}

    @staticmethod
    def _adding(quantity: int, gift: bool) -> Action:
        wrap = (click("checkbox", "Gift wrap"),) if gift else ()
        return act(fill("Quantity", str(quantity), "spinbutton"), *wrap, click("button", "Add to cart"))

    @staticmethod
    def _using(v: Variables) -> Action:
        return act(fill("Coupon", v["coupon"]), click("button", "Use coupon"))


def _order(chance: random.Random, person: str, status: str) -> dict[str, Any]:
    lines = [[one.code, chance.randrange(1, 4), False] for one in chance.sample(catalogue(), 3)]
    return {"account": email(person), "lines": lines, "status": status}


class OfOrder(Template):
    """A goal about one of somebody's orders."""

    status: ClassVar[str]

    def draw(self, chance: random.Random) -> Variables:
        """See :class:`Template`."""
        person = chance.choice(PEOPLE)
        orders = {f"W{1001 + at}": _order(chance, person, self.status) for at in range(3)}
        number = chance.choice(sorted(orders))
        line = chance.choice(orders[number]["lines"])
        return {
            "person": person,
            "orders": orders,
            "order": number,
            "product": line[0],
            "reason": chance.choice(REASONS),
        }

    def there(self, v: Variables) -> Steps:
        """Going to the order."""
        signed = sign_in(email(v["person"]), password(v["person"]))
        return *signed, act(click("link", "Account")), act(click("link", v["order"]))


class Cancel(OfOrder):
    """An order is cancelled."""

    name = "cancel"
    status = "Processing"

    def text(self, v: Variables) -> str:
        """See :class:`Template`."""
        return f"{_you(v)} Cancel your order {v['order']}. The reason: {v['reason']}."

    def reach(self, shop: Shop, v: Variables) -> None:
        """See :class:`Template`."""
        shop.sign_in(email(v["person"]), password(v["person"]))
        shop.confirm_cancelling(v["order"])

    def steps(self, v: Variables) -> Steps:
        """See :class:`Template`."""
        asked = act(choose("Reason", v["reason"]), click("button", "Cancel order"))
        confirmed = act(click("link", "Messages")), act(click("button", "Confirm"))
        return *self.there(v), act(click("link", "Cancel this order")), asked, *confirmed, ANSWERED

    def mistakes(self, v: Variables) -> Iterator[tuple[str, Edits]]:
        """See :class:`Template`."""
        last = len(self.steps(v)) - 1
        yield "account/confirm", {last - 2: (), last - 1: ()}


class Return(OfOrder):
    """Something from an order goes back."""

    name = "return"
    status = "Delivered"

    def text(self, v: Variables) -> str:
        """See :class:`Template`."""
        one = product(v["product"])
        return f"{_you(v)} Return the {one.name} of your order {v['order']}. The reason: {v['reason']}."

    def reach(self, shop: Shop, v: Variables) -> None:
        """See :class:`Template`."""
        shop.sign_in(email(v["person"]), password(v["person"]))
        shop.draft_return(v["order"], v["product"], v["reason"])
        shop.send_return(0)

    def steps(self, v: Variables) -> Steps:
        """See :class:`Template`."""
        what = choose("Product", product(v["product"]).name), choose("Reason", v["reason"])
        saved = act(*what, click("button", "Save return"))
        return *self.there(v), act(click("link", "Return something")), saved, act(click("button", "Send")), ANSWERED

    def mistakes(self, v: Variables) -> Iterator[tuple[str, Edits]]:
        """See :class:`Template`."""
        yield "account/send", {len(self.steps(v)) - 2: ()}


class Review(Template):
    """A product is reviewed."""

    name = "review"

    def draw(self, chance: random.Random) -> Variables:
        """See :class:`Template`."""
        words = ["light", "heavy", "sturdy", "handy", "bright", "plain"]
        said = f"It is {' and '.join(chance.sample(words, 2))}."
        code = chance.choice(catalogue()).code
        return {"person": chance.choice(PEOPLE), "product": code, "stars": chance.randrange(1, 6), "said": said}

    def text(self, v: Variables) -> str:
        """See :class:`Template`."""
        one = product(v["product"])
        return f'{_you(v)} Review the {one.name}: give it {v["stars"]} stars and write "{v["said"]}"'

    def reach(self, shop: Shop, v: Variables) -> None:
        """See :class:`Template`."""
        shop.sign_in(email(v["person"]), password(v["person"]))
        shop.write_review(v["product"], v["stars"], "A word", v["said"])

    def steps(self, v: Variables) -> Steps:
        """See :class:`Template`."""
        signed = sign_in(email(v["person"]), password(v["person"]))
        opened = act(click("link", "Write a review"))
        return *signed, *look_up(product(v["product"])), opened, self._writing(v, "A word"), ANSWERED

    def mistakes(self, v: Variables) -> Iterator[tuple[str, Edits]]:
        """See :class:`Template`."""
        yield "account/headline", {len(self.steps(v)) - 2: (self._writing(v, ""),)}

    @staticmethod
    def _writing(v: Variables, headline: str) -> Action:
        head = (fill("Headline", headline),) if headline else ()
        return act(choose("Stars", str(v["stars"])), *head, fill("Review", v["said"]), click("button", "Send review"))


class Phone(Template):
    """A telephone number changes."""

    name = "phone"

    def draw(self, chance: random.Random) -> Variables:
        """See :class:`Template`."""
        return {"person": chance.choice(PEOPLE), "phone": f"555-{chance.randrange(2000, 10000)}"}

    def text(self, v: Variables) -> str:
        """See :class:`Template`."""
        return f"{_you(v)} Your new telephone number is {v['phone']}: change it in your account."

    def reach(self, shop: Shop, v: Variables) -> None:
        """See :class:`Template`."""
        shop.sign_in(email(v["person"]), password(v["person"]))
        shop.change_phone(v["phone"], password(v["person"]))

    def steps(self, v: Variables) -> Steps:
        """See :class:`Template`."""
        signed = sign_in(email(v["person"]), password(v["person"]))
        return *signed, act(click("link", "Account")), self._saving(v, password(v["person"])), ANSWERED

    def mistakes(self, v: Variables) -> Iterator[tuple[str, Edits]]:
        """See :class:`Template`."""
        yield "account/password", {len(self.steps(v)) - 2: (self._saving(v, ""),)}

    @staticmethod
    def _saving(v: Variables, word: str) -> Action:
        known = (fill("Current password", word),) if word else ()
        return act(fill("Telephone", v["phone"]), *known, click("button", "Save"))


STAFF_TEXT = f"You work at the shop ({ADMIN}, password counter)."
ENTER = sign_in(ADMIN, "counter")


class Staff(Template):
    """A goal on the admin side, about a product."""

    domain = STAFF

    def draw(self, chance: random.Random) -> Variables:
        """See :class:`Template`."""
        code = chance.choice(catalogue()).code
        recent, ever = chance.randrange(1, 5), chance.randrange(2, 9)
        return {
            "product": code,
            "price": chance.randrange(200, 5000, 10),
            "stock": chance.choice((10, 15, 90, 120)),
            "code": f"{chance.choice(('WINTER', 'FRIEND', 'EARLY'))}{chance.randrange(21, 100)}",
            "percent": chance.randrange(5, 50, 5),
            "sales": [[code, recent, 12], [code, ever, 61], [code, 3, 200]],
        }

    def there(self, v: Variables) -> Steps:
        """Going to the product."""
        one = product(v["product"])
        found = act(fill("Name", one.name), click("button", "Find"))
        return *ENTER, act(click("link", "Products")), found, act(click("link", one.name))


class Price(Staff):
    """A price changes."""

    name = "staff-price"

    def text(self, v: Variables) -> str:
        """See :class:`Template`."""
        return f"{STAFF_TEXT} Customers should pay {v['price'] / 100:.2f} for a pack of {product(v['product']).name}."

    def reach(self, shop: Shop, v: Variables) -> None:
        """See :class:`Template`."""
        shop.stage("price", v["product"], v["price"])
        shop.publish()

    def steps(self, v: Variables) -> Steps:
        """See :class:`Template`."""
        saved = act(fill("Price", f"{v['price'] / 100:.2f}"), click("button", "Save price"))
        return *self.there(v), saved, *PUBLISH, ANSWERED

    def mistakes(self, v: Variables) -> Iterator[tuple[str, Edits]]:
        """See :class:`Template`."""
        last = len(self.steps(v)) - 1
        yield "staff/publish", {last - 2: (), last - 1: ()}


class Stock(Staff):
    """Packs are counted."""

    name = "staff-stock"

    def text(self, v: Variables) -> str:
        """See :class:`Template`."""
        return f"{STAFF_TEXT} We counted {v['stock']} packs of {product(v['product']).name}: correct the stock."

    def reach(self, shop: Shop, v: Variables) -> None:
        """See :class:`Template`."""
        shop.adjust(v["product"], v["stock"] - shop.stock[v["product"]])

    def steps(self, v: Variables) -> Steps:
        """See :class:`Template`."""
        return *self.there(v), self._saving(v["stock"] - product(v["product"]).stock), ANSWERED

    def mistakes(self, v: Variables) -> Iterator[tuple[str, Edits]]:
        """See :class:`Template`."""
        yield "staff/stock", {len(self.steps(v)) - 2: (self._saving(v["stock"]),)}

    @staticmethod
    def _saving(number: int) -> Action:
        return act(fill("Stock", str(number)), click("button", "Save stock"))


class Coupon(Staff):
    """There is a new coupon."""

    name = "staff-coupon"

    def text(self, v: Variables) -> str:
        """See :class:`Template`."""
        return f"{STAFF_TEXT} From now on the coupon {v['code']} should take {v['percent']} per cent off."

    def reach(self, shop: Shop, v: Variables) -> None:
        """See :class:`Template`."""
        shop.stage("coupon", v["code"], v["percent"])
        shop.publish()

    def steps(self, v: Variables) -> Steps:
        """See :class:`Template`."""
        form = fill("Code", v["code"]), fill("Per cent", str(v["percent"]), "spinbutton")
        saved = act(*form, click("button", "Save coupon"))
        return *ENTER, act(click("link", "Coupons")), saved, *PUBLISH, ANSWERED

    def mistakes(self, v: Variables) -> Iterator[tuple[str, Edits]]:
        """See :class:`Template`."""
        last = len(self.steps(v)) - 1
        yield "staff/publish", {last - 2: (), last - 1: ()}


class Report(Staff):
    """A figure is asked for."""

    name = "staff-report"

    def text(self, v: Variables) -> str:
        """See :class:`Template`."""
        return f"{STAFF_TEXT} How many packs of {product(v['product']).name} have we sold? Answer with the number."

    def reach(self, shop: Shop, v: Variables) -> None:
        """Nothing changes."""

    def answer(self, v: Variables) -> str:
        """See :class:`Template`."""
        return str(sum(packs for _, packs, _ in v["sales"]))

    def steps(self, v: Variables) -> Steps:
        """See :class:`Template`."""
        return (
            *ENTER,
            act(click("link", "Sales")),
            self._showing(v, True),
            Action.call("answer", {"text": self.answer(v)}),
        )

    def mistakes(self, v: Variables) -> Iterator[tuple[str, Edits]]:
        """See :class:`Template`."""
        last = len(self.steps(v)) - 1
        recent = str(sum(packs for _, packs, days in v["sales"] if days <= 30))
        yield "staff/period", {last - 1: (self._showing(v, False),), last: (Action.call("answer", {"text": recent}),)}

    @staticmethod
    def _showing(v: Variables, ever: bool) -> Action:
        period = (choose("Period", "All time"),) if ever else ()
        return act(fill("Name", product(v["product"]).name), *period, click("button", "Show"))


_ALL: Sequence[Callable[[], Template]] = (
    lambda: Buy("buy"),
    lambda: Buy("buy-coupon", coupon=True),
    lambda: Buy("buy-express", express=True),
    lambda: Buy("buy-gift", gift=True),
    lambda: Buy("buy-coupon-express", coupon=True, express=True),
    lambda: Buy("buy-gift-express", gift=True, express=True),
    lambda: Buy("buy-cheapest", cheapest=True),
    Cancel,
    Return,
    Review,
    Phone,
    Price,
    Stock,
    Coupon,
    Report,
)
TEMPLATES: Mapping[str, Template] = {template.name: template for template in (make() for make in _ALL)}
"""The templates by name."""


def mistakes_of(template: Template, v: Variables) -> Iterator[Mistake]:
    """The mistakes of a goal, as the simulated learner takes them."""
    for skill, edits in template.mistakes(v):
        yield Mistake(skill, edits)
