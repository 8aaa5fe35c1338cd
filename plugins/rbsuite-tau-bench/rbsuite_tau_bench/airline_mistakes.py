"""The mistakes that airline tasks invite. Each is tried out before it is used, so those here may be harmless for a task."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rbsuite_tau_bench import skills
from rbsuite_tau_bench.mistakes import Draft, Mistake, handed_over, unfinished, unsaid

_CHANGE = "update_reservation_flights"
_BOOK = "book_reservation"
_CODE = re.compile(r"\b(?=[A-Z0-9]*[A-Z])[A-Z0-9]{6}\b")
_COMPENSATION = ("compensat", "voucher", "certificate for", "complain")


def airline_mistakes(draft: Draft) -> Iterator[Mistake]:
    """Candidates in the order of the skills."""
    yield from _charged_bags(draft)
    yield from _first_segment_only(draft)
    yield from _basic_economy(draft)
    yield from _one_payment(draft)
    yield from _cancellation(draft)
    yield from _certificate(draft)
    yield from unfinished(draft, skills.AIRLINE_FINISH)
    yield from unsaid(draft, skills.AIRLINE_FIGURE)
    yield from handed_over(draft, skills.AIRLINE_TRANSFER)


def _charged_bags(draft: Draft) -> Iterator[Mistake]:
    for index, call in draft.calls("update_reservation_baggages", _BOOK):
        total, nonfree = call.arguments.get("total_baggages"), call.arguments.get("nonfree_baggages")
        yield skills.BAGS, draft.changed(index, nonfree_baggages=total if total != nonfree else 0)


def _first_segment_only(draft: Draft) -> Iterator[Mistake]:
    for index, call in draft.calls(_CHANGE, _BOOK):
        if len(call.arguments.get("flights", [])) >= 2:
            yield skills.SEGMENTS, draft.changed(index, flights=call.arguments["flights"][:1])


def _basic_economy(draft: Draft) -> Iterator[Mistake]:
    """A cabin upgrade is refused, or flights are moved that must stay."""
    for reservation_id, reservation in _reservations(draft):
        if reservation["cabin"] != "basic_economy":
            continue
        for index, call in draft.calls(_CHANGE):
            if call.arguments.get("reservation_id") == reservation_id:
                yield skills.BASIC_ECONOMY, {index: ()}
        moved = _moved(draft, reservation)
        method = next(iter(draft.methods(reservation["user_id"])), "")
        if moved is not None and draft.says("change", "move", "push", "date", "later", "earlier", "nonstop"):
            arguments = {
                "reservation_id": reservation_id,
                "cabin": "basic_economy",
                "flights": moved,
                "payment_id": method,
            }
            yield skills.BASIC_ECONOMY, draft.extra(_CHANGE, **arguments)


def _moved(draft: Draft, reservation: Mapping[str, Any]) -> list[dict[str, str]] | None:
    """The reservation's flights with the first that can be moved on the next date that has seats, or ``None``."""
    flights = [{"flight_number": flight["flight_number"], "date": flight["date"]} for flight in reservation["flights"]]
    needed = len(reservation["passengers"])
    for flight in flights:
        dates = draft.tables["flights"].get(flight["flight_number"], {}).get("dates", {})
        for date in sorted(dates):
            seats = dates[date].get("available_seats", {}).get("basic_economy", 0)
            if date > flight["date"] and dates[date]["status"] == "available" and seats >= needed:
                flight["date"] = date
                return flights
    return None


def _one_payment(draft: Draft) -> Iterator[Mistake]:
    for index, call in draft.calls(_BOOK):
        payments = call.arguments.get("payment_methods", [])
        total = sum(payment["amount"] for payment in payments)
        own = [payment["payment_id"] for payment in payments]
        if len(payments) >= 2:
            yield skills.SPLIT, draft.changed(index, payment_methods=[{"payment_id": own[-1], "amount": total}])
        for method in draft.methods(str(call.arguments.get("user_id"))):
            if method not in own:
                yield skills.SPLIT, draft.changed(index, payment_methods=[{"payment_id": method, "amount": total}])
    for index, call in draft.calls(_CHANGE, "update_reservation_baggages"):
        reservation = draft.tables["reservations"].get(str(call.arguments.get("reservation_id")), {})
        for method in draft.methods(str(reservation.get("user_id")), without=str(call.arguments.get("payment_id"))):
            yield skills.SPLIT, draft.changed(index, payment_id=method)


def _cancellation(draft: Draft) -> Iterator[Mistake]:
    """A trip is cancelled that must not be, or kept that may be cancelled."""
    cancelled = {call.arguments.get("reservation_id"): index for index, call in draft.calls("cancel_reservation")}
    if draft.says("cancel"):
        for reservation_id, _ in _reservations(draft):
            if reservation_id not in cancelled:
                yield skills.CANCEL, draft.extra("cancel_reservation", reservation_id=reservation_id)
    for index in cancelled.values():
        yield skills.CANCEL, {index: ()}


def _certificate(draft: Draft) -> Iterator[Mistake]:
    given = list(draft.calls("send_certificate"))
    for index, call in given:
        yield skills.CERTIFICATE, draft.changed(index, amount=50 if call.arguments.get("amount") != 50 else 100)
    if not given and draft.says(*_COMPENSATION):
        yield skills.CERTIFICATE, draft.extra("send_certificate", user_id=draft.user_id, amount=100)


def _reservations(draft: Draft) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The reservations in question: those that the instruction names or the solution looks at, else all of the user's."""
    known = draft.tables["reservations"]
    named = [code for code in _CODE.findall(draft.instruction) if code in known]
    named += [str(call.arguments["reservation_id"]) for _, call in draft.calls("get_reservation_details", _CHANGE)]
    for reservation_id in dict.fromkeys(named or draft.tables["users"].get(draft.user_id, {}).get("reservations", [])):
        if reservation_id in known:
            yield reservation_id, known[reservation_id]
