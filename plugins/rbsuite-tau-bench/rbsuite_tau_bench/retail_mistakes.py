"""The mistakes that retail tasks invite. Each is tried out before it is used, so those here may be harmless for a task."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rbsuite_tau_bench import skills
from rbsuite_tau_bench.mistakes import Draft, Edits, Mistake, handed_over, unfinished, unsaid

_SWAPS = ("exchange_delivered_order_items", "modify_pending_order_items")
_LISTS = (*_SWAPS, "return_delivered_order_items")
_PAID = (*_LISTS, "modify_pending_order_payment")
_ADDRESSES = ("modify_pending_order_address", "modify_user_address")
_REASONS = ("no longer needed", "ordered by mistake")
_ORDER_ID = re.compile(r"#?W\d{7}")


def retail_mistakes(draft: Draft) -> Iterator[Mistake]:
    """Candidates in the order of the skills."""
    yield from _first_item_only(draft)
    yield from _other_variant(draft)
    yield from _other_method(draft)
    yield from _other_reason(draft)
    yield from _cut_address(draft)
    if not draft.writes:
        yield from _forbidden(draft)
    yield from unfinished(draft, skills.RETAIL_FINISH)
    yield from unsaid(draft, skills.RETAIL_FIGURE)
    yield from handed_over(draft, skills.RETAIL_TRANSFER)


def _first_item_only(draft: Draft) -> Iterator[Mistake]:
    for index, call in draft.calls(*_LISTS):
        items = call.arguments.get("item_ids", [])
        if len(items) >= 2:
            shorter = {
                name: call.arguments[name][:1] for name in ("item_ids", "new_item_ids") if name in call.arguments
            }
            yield skills.EVERY_ITEM, draft.changed(index, **shorter)


def _other_variant(draft: Draft) -> Iterator[Mistake]:
    for index, call in draft.calls(*_SWAPS):
        old, new = call.arguments.get("item_ids", []), call.arguments.get("new_item_ids", [])
        for product in draft.tables["products"].values():
            variants = product["variants"]
            if not new or new[-1] not in variants:
                continue
            for item_id, variant in variants.items():
                if variant["available"] and item_id not in (*old, *new):
                    yield skills.VARIANT, draft.changed(index, new_item_ids=[*new[:-1], item_id])
                    break


def _other_method(draft: Draft) -> Iterator[Mistake]:
    for index, call in draft.calls(*_PAID):
        order = draft.tables["orders"].get(str(call.arguments.get("order_id")), {})
        for method in draft.methods(str(order.get("user_id")), without=str(call.arguments.get("payment_method_id"))):
            yield skills.PAYMENT, draft.changed(index, payment_method_id=method)


def _other_reason(draft: Draft) -> Iterator[Mistake]:
    for index, call in draft.calls("cancel_pending_order"):
        other = _REASONS[call.arguments.get("reason") == _REASONS[0]]
        yield skills.REASON, draft.changed(index, reason=other)


def _cut_address(draft: Draft) -> Iterator[Mistake]:
    for index, call in draft.calls(*_ADDRESSES):
        if call.arguments.get("address2"):
            yield skills.ADDRESS, draft.changed(index, address2="")


def _forbidden(draft: Draft) -> Iterator[Mistake]:
    """Changes a user asks for who must be refused, or who does not want them in the end."""
    for order_id, order in _orders(draft):
        if order["status"] == "pending" and draft.says("cancel"):
            edits = draft.extra("cancel_pending_order", order_id=order_id, reason=_REASONS[0])
            yield from ((skill, edits) for skill in (skills.REASON, skills.DECLINE))
        if order["status"] == "delivered" and draft.says("return", "refund", "exchange"):
            edits = _return(draft, order_id, order)
            yield from ((skill, edits) for skill in (skills.PAYMENT, skills.DECLINE))
        if draft.says("address"):
            fields = {
                name: order["address"].get(name, "")
                for name in ("address1", "address2", "city", "state", "country", "zip")
            }
            edits = draft.extra("modify_user_address", user_id=order["user_id"], **fields)
            yield from ((skill, edits) for skill in (skills.ADDRESS, skills.DECLINE))
        if order["status"] == "pending":
            yield skills.DECLINE, draft.extra("cancel_pending_order", order_id=order_id, reason=_REASONS[0])


def _return(draft: Draft, order_id: str, order: Mapping[str, Any]) -> Edits:
    return draft.extra(
        "return_delivered_order_items",
        order_id=order_id,
        item_ids=[order["items"][0]["item_id"]],
        payment_method_id=order["payment_history"][0]["payment_method_id"],
    )


def _orders(draft: Draft) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The orders in question: those that the instruction names or the solution looks at, else all of the user's."""
    orders = draft.tables["orders"]
    named = [match if match.startswith("#") else f"#{match}" for match in _ORDER_ID.findall(draft.instruction)]
    named += [str(call.arguments.get("order_id")) for _, call in draft.calls("get_order_details")]
    for order_id in dict.fromkeys(named or draft.tables["users"].get(draft.user_id, {}).get("orders", [])):
        if order_id in orders:
            yield order_id, orders[order_id]
