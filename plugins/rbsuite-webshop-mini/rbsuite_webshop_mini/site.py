"""The shop's pages: a Flask application on one :class:`~rbsuite_webshop_mini.shop.Shop`."""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect, render_template, request
from werkzeug.wrappers import Response

from rbsuite_webshop_mini.catalogue import categories
from rbsuite_webshop_mini.shop import ADDRESSES, ADMIN, DELIVERIES, REASONS, Refused, Shop

SHOWN = 20
"""Products per page of results."""
PERIODS = {"Last 30 days": 30, "Last 90 days": 90, "All time": 0}

Page = str | Response


def make_site(shop: Shop) -> Flask:
    """The pages of a shop.

    Args:
        shop: the shop behind them.
    """
    site = Flask(__name__)
    site.jinja_env.trim_blocks = site.jinja_env.lstrip_blocks = True
    site.jinja_env.filters["money"] = lambda cents: f"{cents / 100:.2f}"
    said: list[str] = []

    def page(name: str, **variables: Any) -> str:
        notes, said[:] = list(said), []
        common = {"shop": shop, "admin": shop.user == ADMIN, "categories": categories(), "notes": notes}
        return render_template(f"{name}.html", **common, **variables)

    def go(where: str, note: str = "") -> Response:
        said.extend([note] if note else [])
        return redirect(where)

    def number(name: str) -> int:
        try:
            return int(request.form[name])
        except (KeyError, ValueError):
            raise Refused("Please enter a whole number.") from None

    def cents(name: str) -> int:
        try:
            return round(float(request.form[name]) * 100)
        except (KeyError, ValueError, OverflowError):
            raise Refused("Please enter a price such as 4.50.") from None

    @site.errorhandler(Refused)
    def refused(error: Refused) -> Page:
        back = request.referrer if request.method == "POST" and request.referrer else ""
        return go(back, str(error)) if back else page("note", title="Sorry", text=str(error))

    @site.errorhandler(KeyError)
    @site.errorhandler(404)
    def lost(error: Exception) -> Page:
        return page("note", title="Sorry", text="There is no such page.")

    @site.get("/favicon.ico")
    def icon() -> Response:
        return Response(status=204)

    @site.get("/")
    def home() -> Page:
        return page("home")

    @site.get("/search")
    def search() -> Page:
        words, category = request.args.get("q", ""), request.args.get("category", "")
        stars = float(request.args.get("stars") or 0)
        found = [one for one in shop.search(words, category) if one.rating >= stars]
        return page("results", found=found[:SHOWN], count=len(found), words=words, category=category, stars=stars)

    @site.get("/product/<code>")
    def product(code: str) -> Page:
        shown = [one for one in shop.reviews if one["code"] == code and one["headline"]]
        return page("product", product=shop.products[code], reviews=shown)

    @site.route("/product/<code>/review", methods=["GET", "POST"])
    def review(code: str) -> Page:
        _ = shop.account, shop.products[code]
        if request.method == "GET":
            return page("review", product=shop.products[code])
        shop.write_review(code, number("stars"), request.form.get("headline", ""), request.form.get("text", ""))
        return go(f"/product/{code}", "Thank you for your review.")

    @site.route("/sign-in", methods=["GET", "POST"])
    def sign_in() -> Page:
        if request.method == "GET":
            return page("sign_in")
        shop.sign_in(request.form.get("email", ""), request.form.get("password", ""))
        return go("/", "You are signed in.")

    @site.post("/cart/add/<code>")
    def add(code: str) -> Page:
        _ = shop.products[code]
        shop.add(code, number("quantity"), "wrapped" in request.form)
        return go("/cart", "It is in your cart.")

    @site.get("/cart")
    def cart() -> Page:
        return page("cart", cart=shop.cart, deliveries=DELIVERIES)

    @site.post("/cart/change/<code>")
    def change(code: str) -> Page:
        shop.change(code, number("quantity"))
        return go("/cart", "Your cart is up to date.")

    @site.post("/coupon")
    def coupon() -> Page:
        shop.use_coupon(request.form.get("code", ""))
        return go(request.referrer or "/cart", "The coupon is in your cart.")

    @site.post("/delivery")
    def delivery() -> Page:
        shop.deliver(request.form.get("delivery", ""))
        return go(request.referrer or "/cart", "Your choice is saved.")

    @site.route("/address", methods=["GET", "POST"])
    def address() -> Page:
        _ = shop.account
        if request.method == "GET":
            return page("address", addresses=ADDRESSES)
        shop.send_to(request.form.get("address", ""))
        return go("/check", "Your address is saved.")

    @site.route("/check", methods=["GET", "POST"])
    def check() -> Page:
        _ = shop.account
        if request.method == "GET":
            return page("check", cart=shop.cart, deliveries=DELIVERIES)
        placed = shop.place()
        return go(f"/order/{placed}", "Thank you for your order.")

    @site.get("/account")
    def account() -> Page:
        own = {number: order for number, order in shop.orders.items() if order["account"] == shop.user}
        return page("account", account=shop.account, orders=own)

    @site.post("/account")
    def phone() -> Page:
        shop.change_phone(request.form.get("phone", ""), request.form.get("password", ""))
        return go("/account", "We have your change.")

    @site.get("/order/<order>")
    def order(order: str) -> Page:
        return page("order", number=order, order=shop.own_order(order))

    @site.route("/order/<order>/cancel", methods=["GET", "POST"])
    def cancel(order: str) -> Page:
        shop.own_order(order)
        if request.method == "GET":
            return page("cancel", number=order, reasons=REASONS)
        shop.ask_to_cancel(order, request.form.get("reason", ""))
        return go(f"/order/{order}", "We have your cancellation.")

    @site.route("/order/<order>/return", methods=["GET", "POST"])
    def send_back(order: str) -> Page:
        if request.method == "GET":
            return page("return", number=order, order=shop.own_order(order), reasons=REASONS)
        shop.draft_return(order, request.form.get("code", ""), request.form.get("reason", ""))
        return go("/returns", "Your return is saved.")

    @site.get("/returns")
    def returns() -> Page:
        _ = shop.account
        return page("returns")

    @site.post("/returns/<int:at>")
    def send_return(at: int) -> Page:
        if at >= len(shop.returns):
            raise Refused("There is no such return.")
        shop.send_return(at)
        return go("/returns", "Your return is on its way to us.")

    @site.get("/messages")
    def messages() -> Page:
        _ = shop.account
        return page("messages")

    @site.post("/messages/<order>")
    def confirm(order: str) -> Page:
        shop.confirm_cancelling(order)
        return go("/messages", f"Order {order} is cancelled.")

    @site.get("/admin")
    def admin() -> Page:
        shop.as_admin()
        words = request.args.get("q", "")
        return page("admin", found=shop.search(words)[:SHOWN] if words else [], words=words)

    @site.get("/admin/product/<code>")
    def admin_product(code: str) -> Page:
        shop.as_admin()
        return page("admin_product", product=shop.products[code])

    @site.post("/admin/product/<code>/price")
    def price(code: str) -> Page:
        shop.as_admin()
        _ = shop.products[code]
        shop.stage("price", code, cents("price"))
        return go(f"/admin/product/{code}", "The price is saved.")

    @site.post("/admin/product/<code>/stock")
    def stock(code: str) -> Page:
        shop.as_admin()
        _ = shop.products[code]
        shop.adjust(code, number("stock"))
        return go(f"/admin/product/{code}", "The stock is saved.")

    @site.route("/admin/coupons", methods=["GET", "POST"])
    def coupons() -> Page:
        shop.as_admin()
        if request.method == "GET":
            return page("admin_coupons")
        code = request.form.get("code", "").strip().upper()
        if not code:
            raise Refused("Please enter a code.")
        shop.stage("coupon", code, number("percent"))
        return go("/admin/coupons", "The coupon is saved.")

    @site.route("/admin/publish", methods=["GET", "POST"])
    def publish() -> Page:
        shop.as_admin()
        if request.method == "GET":
            return page("admin_publish")
        shop.publish()
        return go("/admin/publish", "All changes are public.")

    @site.get("/admin/report")
    def report() -> Page:
        shop.as_admin()
        period = request.args.get("period", "")
        period = period if period in PERIODS else next(iter(PERIODS))
        words = request.args.get("q", "")
        rows = [(one, shop.sold(one.code, PERIODS[period])) for one in shop.search(words)[:SHOWN]] if words else []
        return page("admin_report", rows=rows, words=words, period=period, periods=PERIODS)

    return site
