"""Three small sites by this project on 127.0.0.1: a shop, its administration and a forum, with logins like the real ones.

They serve the sample's tasks and the tests. Each episode has its own server, so nothing is shared. :class:`Faults` lets a test make them
misbehave.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rbsuite_web.pool import Lease
from rbsuite_webarena.episode import WebArenaEpisode
from rbsuite_webarena.sites import Sites

SHOWN = "http://sites.example"
"""Stands for the address of a server in texts, since its port differs every time."""
ACCOUNTS: Mapping[str, tuple[str, str]] = {
    "shopping": ("ada@example.com", "shop-pass"),
    "shopping_admin": ("keeper", "admin-pass"),
    "reddit": ("ada", "forum-pass"),
}


@dataclass(slots=True)
class Product:
    """Something to buy: its price in cents, how many were sold, and reviews as (name, percent, text)."""

    name: str
    sku: str
    price: int
    sold: int
    reviews: list[tuple[str, int, str]]

    @property
    def path(self) -> str:
        """Its page in the shop."""
        return f"{self.sku.lower()}.html"


@dataclass(slots=True)
class Order:
    """An order: what, how many, in cents, and its status."""

    number: int
    items: list[tuple[str, int]]
    total: int
    status: str


@dataclass(slots=True)
class Post:
    """A post in a forum."""

    number: int
    forum: str
    title: str
    text: str
    comments: list[tuple[str, str]]


@dataclass(slots=True)
class Faults:
    """What goes wrong, for tests.

    Attributes:
        failing: paths that are answered with status 500.
        hanging: paths that are never answered.
        refused: how many logins are refused.
    """

    failing: set[str] = field(default_factory=set)
    hanging: set[str] = field(default_factory=set)
    refused: int = 0


@dataclass(slots=True)
class State:
    """The state of the sites."""

    products: list[Product]
    orders: list[Order]
    posts: list[Post]
    cart: dict[str, int] = field(default_factory=dict)


def fresh() -> State:
    """The sites at the start of every task."""
    return State(
        [
            Product(
                "Blue mug", "MUG-BLUE", 1250, 41, [("Noor", 80, "Keeps tea hot."), ("Felix", 40, "The ear is small.")]
            ),
            Product("Green mug", "MUG-GREEN", 1190, 12, [("Tilda", 100, "Lovely green.")]),
            Product(
                "Desk lamp",
                "LAMP-DESK",
                3400,
                77,
                [("Omar", 60, "A bit dim."), ("Greta", 100, "Bright enough for me.")],
            ),
            Product("Floor lamp", "LAMP-FLOOR", 8900, 5, []),
        ],
        [
            Order(1, [("Desk lamp", 1)], 3900, "Complete"),
            Order(2, [("Green mug", 2)], 2880, "Canceled"),
            Order(3, [("Blue mug", 1), ("Floor lamp", 1)], 10650, "Pending"),
        ],
        [
            Post(1, "books", "What are you reading", "Tell us.", [("noor", "A travel diary.")]),
            Post(2, "deals", "Cheap kettles", "Seen today.", []),
        ],
    )


class StubSite:
    """The sites, served until :meth:`close`.

    Args:
        faults: what goes wrong.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self.state = fresh()
        self.faults = faults or Faults()
        self.released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.site = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="stub of WebArena", daemon=True
        )
        self._thread.start()
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        paths = {"shopping": "/shop", "shopping_admin": "/admin", "reddit": "/forum"}
        self.sites = Sites({name: f"{self.base}{path}" for name, path in paths.items()}, ACCOUNTS)
        self.shown = {self.base: SHOWN}

    def close(self) -> None:
        """Stop serving."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class OwnEpisode:
    """Makes an episode that closes its own server when it ends.

    Args:
        site: the server.
    """

    def __init__(self, site: StubSite) -> None:
        self._site = site

    def __call__(self, lease: Lease, row: Mapping[str, Any], **others: Any) -> WebArenaEpisode:
        """The episode."""
        made = _Served(lease, row, **others)
        made.site = self._site
        return made


class _Served(WebArenaEpisode):
    site: StubSite

    def close(self) -> None:
        super().close()
        self.site.close()


class _Server(ThreadingHTTPServer):
    site: StubSite
    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        """Show a page."""
        self._serve({})

    def do_POST(self) -> None:
        """Handle a form, or a call to the shop's own interface."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if "json" in (self.headers.get("Content-Type") or ""):
            self._serve(json.loads(body or "{}"))
        else:
            self._serve({name: values[0] for name, values in parse_qs(body).items()})

    def _serve(self, form: Mapping[str, str]) -> None:
        site, parts = self.server.site, urlsplit(self.path)
        if parts.path in site.faults.hanging:
            site.released.wait(60)
            return
        if parts.path in site.faults.failing:
            self._answer(500, _page("Whoops", "Something went wrong."))
            return
        where, _, rest = parts.path.strip("/").partition("/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        show = {"shop": self._shop, "admin": self._admin, "forum": self._forum}.get(where)
        if show is None:
            self._answer(404, _page("Not found", "There is nothing here."))
            return
        try:
            show(rest.rstrip("/"), query, form)
        except (StopIteration, KeyError, ValueError, IndexError):
            self._answer(404, _page("Not found", "There is nothing here."))

    def _shop(self, path: str, query: Mapping[str, str], form: Mapping[str, str]) -> None:
        state = self.server.site.state
        if path.startswith("rest/"):
            self._interface(path.removeprefix("rest/"))
        elif path == "customer/account/login":
            self._login(
                "shopping",
                "/shop/",
                form,
                (("Email", "email", "login[username]"), ("Password", "pass", "login[password]"), "Sign In"),
            )
        elif not self._known("shopping"):
            self._go("/shop/customer/account/login/")
        elif path == "":
            self._answer(200, _shop_page("Home", _list([(f"/shop/{one.path}", one.name) for one in state.products])))
        elif path == "catalogsearch/result":
            words = query.get("q", "").lower().split()
            found = [one for one in state.products if any(word.rstrip("s") in one.name.lower() for word in words)]
            self._answer(
                200, _shop_page("Search results", _list([(f"/shop/{one.path}", f"{one.name}") for one in found]))
            )
        elif path == "checkout/cart/add":
            product = next(one for one in state.products if one.sku == form["sku"])
            state.cart[product.name] = state.cart.get(product.name, 0) + max(1, int(form["qty"]))
            self._go("/shop/checkout/cart/")
        elif path == "checkout/cart":
            rows = [(name, str(number)) for name, number in state.cart.items()]
            place = _form("/shop/checkout/place/", "", "Place Order") if rows else "<p>Your cart is empty.</p>"
            self._answer(200, _shop_page("Shopping cart", _table(("Product", "Quantity"), rows) + place))
        elif path == "checkout/place" and state.cart:
            prices = {one.name: one.price for one in state.products}
            total = sum(prices[name] * number for name, number in state.cart.items()) + 500
            order = Order(len(state.orders) + 1, list(state.cart.items()), total, "Pending")
            state.orders.append(order)
            state.cart.clear()
            self._go(f"/shop/sales/order/view/order_id/{order.number}/")
        elif path == "sales/order/history":
            orders = [(_order_link(one), one.status, _money(one.total)) for one in state.orders]
            self._answer(200, _shop_page("My orders", _table(("Order", "Status", "Total"), orders, raw=True)))
        elif path.startswith("sales/order/view/order_id/"):
            order = state.orders[int(path.rpartition("/")[2]) - 1]
            rows = [(name, str(number)) for name, number in order.items]
            told = f"<p>Status: {order.status}</p><p>Shipping: $5.00</p><p>Total: {_money(order.total)}</p>"
            self._answer(200, _shop_page(f"Order {order.number}", _table(("Product", "Quantity"), rows) + told))
        else:
            product = next(one for one in state.products if one.path == path)
            said = "".join(
                f"<li>{escape(name)} gives {share}%: {escape(text)}</li>" for name, share, text in product.reviews
            )
            add = _form(
                "/shop/checkout/cart/add/",
                f'<input type="hidden" name="sku" value="{product.sku}">'
                '<label>Quantity <input name="qty" type="number" value="1"></label>',
                "Add to Cart",
            )
            told = f"<p>SKU: {product.sku}</p><p>Price: {_money(product.price)}</p>{add}<h2>Reviews</h2><ul>{said}</ul>"
            self._answer(200, _shop_page(product.name, told))

    def _interface(self, path: str) -> None:
        """The part of the shop's own interface that graders use."""
        state = self.server.site.state
        if path == "default/V1/integration/admin/token":
            self._answer(200, json.dumps("token"), "application/json")
        elif self.headers.get("Authorization") != "Bearer token":
            self._answer(401, "{}", "application/json")
        elif path == "V1/orders":
            self._answer(
                200, json.dumps({"items": [{"increment_id": f"{state.orders[-1].number:09}"}]}), "application/json"
            )
        else:
            product = next(one for one in state.products if path == f"V1/products/{one.sku}/reviews")
            told = [
                {"nickname": name, "ratings": [{"rating_name": "Rating", "percent": share}]}
                for name, share, _ in product.reviews
            ]
            self._answer(200, json.dumps(told), "application/json")

    def _admin(self, path: str, query: Mapping[str, str], form: Mapping[str, str]) -> None:
        state = self.server.site.state
        if not self._known("shopping_admin"):
            fields = (("Username", "username", "login[username]"), ("Password", "login", "login[password]"), "Sign in")
            self._login("shopping_admin", "/admin/", form, fields)
        elif path == "":
            rows = [(one.name, str(one.sold)) for one in state.products]
            self._answer(
                200, _admin_page("Dashboard", "<h2>Sold this year</h2>" + _table(("Product", "Quantity"), rows))
            )
        elif path == "catalog/product":
            links = [(f"/admin/catalog/product/edit/id/{at}/", one.name) for at, one in enumerate(state.products, 1)]
            self._answer(200, _admin_page("Products", _list(links)))
        elif path.startswith("catalog/product/edit/id/"):
            product = state.products[int(path.rpartition("/")[2]) - 1]
            if form:
                product.price = round(float(form["price"]) * 100)
            field_ = f'<label>Price <input name="price" value="{product.price / 100:.2f}"></label>'
            self._answer(200, _admin_page(product.name, _form(f"/admin/{path}/", field_, "Save")))
        elif path == "review/product":
            if form:
                product = next(one for one in state.products if one.sku == form["sku"])
                product.reviews = [one for one in product.reviews if one[0] != form["name"]]
                self._go("/admin/review/product/")
                return
            reviews = [
                (one.sku, name, f"{share}%", _remove(one.sku, name))
                for one in state.products
                for name, share, _ in one.reviews
            ]
            self._answer(200, _admin_page("Reviews", _table(("SKU", "Name", "Rating", ""), reviews, raw=True)))
        else:
            raise KeyError(path)

    def _forum(self, path: str, query: Mapping[str, str], form: Mapping[str, str]) -> None:
        state = self.server.site.state
        steps = path.split("/")
        if path == "login":
            fields = (
                ("Username", "login-username", "_username"),
                ("Password", "login-password", "_password"),
                "Log in",
            )
            self._login("reddit", "/forum/", form, fields)
        elif not self._known("reddit"):
            self._go("/forum/login")
        elif path == "":
            self._answer(
                200, _forum_page("Forums", _list([(f"/forum/f/{name}", name) for name in ("books", "deals", "garden")]))
            )
        elif steps[0] == "submit" and form:
            state.posts.append(Post(len(state.posts) + 1, steps[1], form["title"], form.get("text", ""), []))
            self._go(f"/forum/f/{steps[1]}/{len(state.posts)}/-/")
        elif steps[0] == "submit":
            fields_ = '<label>Title <input name="title"></label><label>Text <textarea name="text"></textarea></label>'
            self._answer(200, _forum_page(f"New post in {steps[1]}", _form(f"/forum/{path}", fields_, "Create")))
        elif len(steps) == 2:
            posts = [
                (f"/forum/f/{one.forum}/{one.number}/-/", one.title) for one in state.posts if one.forum == steps[1]
            ]
            self._answer(200, _forum_page(steps[1], _list([*posts, (f"/forum/submit/{steps[1]}", "Submit")])))
        else:
            post = state.posts[int(steps[2]) - 1]
            if form:
                post.comments.append((ACCOUNTS["reddit"][0], form.get("comment", "")))
                self._go(f"/forum/f/{post.forum}/{post.number}/-/comment/{len(post.comments)}/")
                return
            said = "".join(f"<li>{escape(name)}: {escape(text)}</li>" for name, text in post.comments)
            reply = _form(
                f"/forum/f/{post.forum}/{post.number}/-/", '<label>Comment <input name="comment"></label>', "Post"
            )
            told = f'<p id="text">{escape(post.text)}</p><ul id="comments">{said}</ul>{reply}'
            self._answer(200, _forum_page(post.title, told))

    def _login(self, site: str, then: str, form: Mapping[str, str], fields: tuple[Any, ...]) -> None:
        faults = self.server.site.faults
        (name_label, name_id, name), (word_label, word_id, word), button = fields
        if form and (form.get(name), form.get(word)) == ACCOUNTS[site] and not faults.refused:
            self._go(then, f"{site}=in; Path=/")
            return
        faults.refused = max(0, faults.refused - bool(form))
        inside = (
            f'<label for="{name_id}">{name_label}</label><input id="{name_id}" name="{name}">'
            f'<label for="{word_id}">{word_label}</label><input id="{word_id}" name="{word}" type="password">'
        )
        self._answer(200, _page("Log in", _form(self.path, inside, button)))

    def _known(self, site: str) -> bool:
        return site in SimpleCookie(self.headers.get("Cookie", ""))

    def _go(self, place: str, cookie: str = "") -> None:
        self.send_response(302)
        self.send_header("Location", place)
        if cookie:
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: int, text: str, kind: str = "text/html; charset=utf-8") -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _page(title: str, inside: str, head: str = "") -> str:
    return f"<!doctype html><html><head><title>{escape(title)}</title></head><body>{head}<h1>{escape(title)}</h1>{inside}</body></html>"


def _shop_page(title: str, inside: str) -> str:
    search = (
        '<form action="/shop/catalogsearch/result/"><input name="q" aria-label="Search"><button>Search</button></form>'
    )
    links = [("/shop/", "Home"), ("/shop/checkout/cart/", "My Cart"), ("/shop/sales/order/history/", "My Orders")]
    elsewhere = '<a href="http://elsewhere.example/offers">Offers of our partners</a>'
    return _page(title, inside, f"<nav>{_links(links)}{elsewhere}</nav>{search}")


def _admin_page(title: str, inside: str) -> str:
    links = [("/admin/", "Dashboard"), ("/admin/catalog/product/", "Products"), ("/admin/review/product/", "Reviews")]
    return _page(title, inside, f"<nav>{_links(links)}</nav>")


def _forum_page(title: str, inside: str) -> str:
    return _page(title, inside, f"<nav>{_links([('/forum/', 'Forums')])}</nav>")


def _links(links: list[tuple[str, str]]) -> str:
    return " ".join(f'<a href="{place}">{escape(words)}</a>' for place, words in links)


def _list(links: list[tuple[str, str]]) -> str:
    return "<ul>" + "".join(f"<li>{_links([one])}</li>" for one in links) + "</ul>"


def _table(heads: tuple[str, ...], rows: list[Any], *, raw: bool = False) -> str:
    shown: Callable[[str], str] = str if raw else escape
    body = "".join(f"<tr>{''.join(f'<td>{shown(one)}</td>' for one in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{body}</table>"


def _form(place: str, inside: str, button: str) -> str:
    return f'<form method="post" action="{place}">{inside}<button type="submit">{button}</button></form>'


def _order_link(order: Order) -> str:
    return f'<a href="/shop/sales/order/view/order_id/{order.number}/">Order {order.number}</a>'


def _remove(sku: str, name: str) -> str:
    inside = f'<input type="hidden" name="sku" value="{sku}"><input type="hidden" name="name" value="{escape(name)}">'
    return _form("/admin/review/product/", inside, f"Delete {escape(name)}")


def _money(cents: int) -> str:
    return f"${cents / 100:.2f}"
