"""The sample: this project's own tasks on the sites of :mod:`rbsuite_webarena.stub`, in WebArena's form, with solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rbsuite.environments.solution import Solution
from rbsuite.trajectory import Action
from rbsuite_web.page import reference

SHOP, ADMIN, FORUM = "__SHOPPING__", "__SHOPPING_ADMIN__", "__REDDIT__"


def rows() -> Sequence[Mapping[str, Any]]:
    """The tasks."""
    return [
        _row(0, "shopping", SHOP, 1, "What is the total of my order 3? Answer with the amount.", exact_match="$106.50"),
        _row(1, "shopping", SHOP, 1, "What is the total of my order 1? Answer with the amount.", exact_match="$39.00"),
        _row(2, "shopping", SHOP, 2, "Who reviewed the desk lamp? Give all names.", must_include=["Omar", "Greta"]),
        _row(3, "shopping", SHOP, 2, "Who reviewed the blue mug? Give all names.", must_include=["Noor", "Felix"]),
        _row(4, "shopping", SHOP, 3, "Open the page of the green mug.", url=f"{SHOP}/mug-green.html"),
        _row(5, "shopping", SHOP, 4, "Order 2 pieces of the blue mug.", shows=[_ordered("Blue mug", "2")]),
        _row(6, "shopping", SHOP, 4, "Order 3 pieces of the desk lamp.", shows=[_ordered("Desk lamp", "3")]),
        _row(7, "shopping", SHOP, 5, "Have my order of 1999 sent again. If there is none, say so.", fuzzy_match="N/A"),
        _row(8, "shopping_admin", ADMIN, 6, "Which product was sold most often this year?", exact_match="Desk lamp"),
        _row(9, "shopping_admin", ADMIN, 7, "Set the price of the floor lamp to 75.00.", shows=[_priced(4, "75.00")]),
        _row(10, "shopping_admin", ADMIN, 7, "Set the price of the green mug to 9.90.", shows=[_priced(2, "9.90")]),
        _row(
            11,
            "shopping_admin",
            ADMIN,
            8,
            "Delete Greta's review of the desk lamp.",
            shows=[_reviewed("LAMP-DESK", "Omar", 60)],
        ),
        _row(
            12,
            "reddit",
            FORUM,
            9,
            'Comment "A cookbook" on the post "What are you reading" in books.',
            shows=[_said("A cookbook")],
        ),
        _row(13, "reddit", FORUM, 10, "Open the forum garden.", url=f"{FORUM}/f/garden"),
        _row(
            14,
            ("shopping", "reddit"),
            SHOP,
            11,
            'Write a post in the forum deals with the title "Blue mug" and its price in the shop as the text.',
            shows=[
                {
                    "url": "last",
                    "locator": "document.querySelector('#text').outerText",
                    "required_contents": {"exact_match": "$12.50"},
                }
            ],
            matched=f"{FORUM}/f/deals",
        ),
    ]


def solution(number: int) -> Solution:
    """The actions that solve a task."""
    return Solution(tuple(_SOLUTIONS[number]()))


def _row(
    number: int,
    sites: str | Sequence[str],
    start: str,
    template: int,
    intent: str,
    *,
    url: str = "",
    shows: Sequence[Mapping[str, Any]] = (),
    matched: str = "",
    **answers: Any,
) -> Mapping[str, Any]:
    kinds = [
        *(["string_match"] if answers else []),
        *(["url_match"] if url or matched else []),
        *(["program_html"] if shows else []),
    ]
    return {
        "sites": [sites] if isinstance(sites, str) else list(sites),
        "task_id": number,
        "start_url": start,
        "intent_template_id": template,
        "intent": intent,
        "eval": {
            "eval_types": kinds,
            "reference_answers": answers,
            "reference_url": url or matched,
            "url_note": "GOLD in PRED",
            "program_html": list(shows),
            "string_note": "There is no order of 1999." if "fuzzy_match" in answers else "",
        },
    }


def _ordered(name: str, number: str) -> Mapping[str, Any]:
    locator = "document.querySelector('table').outerText"
    return {
        "url": "func:shopping_get_latest_order_url()",
        "locator": locator,
        "required_contents": {"must_include": [f"{name}\t{number}"]},
    }


def _priced(id: int, price: str) -> Mapping[str, Any]:
    locator = "document.querySelector('[name=\"price\"]').value"
    return {
        "url": f"{ADMIN}/catalog/product/edit/id/{id}/",
        "locator": locator,
        "required_contents": {"exact_match": price},
    }


def _reviewed(sku: str, name: str, percent: int) -> Mapping[str, Any]:
    locator = f"func:shopping_get_sku_latest_review_author('{sku}')"
    return {"url": "last", "locator": locator, "required_contents": {"exact_match": name}}


def _said(text: str) -> Mapping[str, Any]:
    locator = "document.querySelector('#comments').outerText"
    return {
        "url": "func:reddit_get_post_url('__last_url__')",
        "locator": locator,
        "required_contents": {"must_include": [text]},
    }


def _link(name: str, nth: int = 0) -> Action:
    return Action.call("click", {"ref": reference("link", name, nth)})


def _press(name: str) -> Action:
    return Action.call("click", {"ref": reference("button", name)})


def _type(role: str, name: str, text: str) -> Action:
    return Action.call("type", {"ref": reference(role, name), "text": text})


def _answer(text: str = "") -> Action:
    return Action.call("answer", {"text": text})


def _order(name: str, number: str) -> list[Action]:
    return [
        _link(name),
        _type("spinbutton", "Quantity", number),
        _press("Add to Cart"),
        _press("Place Order"),
        _answer(),
    ]


def _price(name: str, price: str) -> list[Action]:
    return [_link("Products"), _link(name), _type("textbox", "Price", price), _press("Save"), _answer()]


_SOLUTIONS: Mapping[int, Any] = {
    0: lambda: [_link("My Orders"), _link("Order 3"), _answer("$106.50")],
    1: lambda: [_link("My Orders"), _link("Order 1"), _answer("$39.00")],
    2: lambda: [_link("Desk lamp"), _answer("Omar, Greta")],
    3: lambda: [_link("Blue mug"), _answer("Noor, Felix")],
    4: lambda: [_link("Green mug"), _answer()],
    5: lambda: _order("Blue mug", "2"),
    6: lambda: _order("Desk lamp", "3"),
    7: lambda: [_link("My Orders"), Action.call("infeasible", {"reason": "There is no such order."})],
    8: lambda: [_answer("Desk lamp")],
    9: lambda: _price("Floor lamp", "75.00"),
    10: lambda: _price("Green mug", "9.90"),
    11: lambda: [_link("Reviews"), _press("Delete Greta"), _answer()],
    12: lambda: [
        _link("books"),
        _link("What are you reading"),
        _type("textbox", "Comment", "A cookbook"),
        _press("Post"),
        _answer(),
    ],
    13: lambda: [_link("garden"), _answer()],
    14: lambda: [
        _link("Blue mug"),
        Action.call("goto", {"url": "/forum/submit/deals"}),
        _type("textbox", "Title", "Blue mug"),
        _type("textbox", "Text", "$12.50"),
        _press("Create"),
        _answer(),
    ],
}
