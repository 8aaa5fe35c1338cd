"""WebArena's tasks as its task file has them, and which task file they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rbsuite.jsonable import digest

SITES = ("shopping", "shopping_admin", "reddit", "gitlab", "map", "wikipedia")
MULTI = "multi"
"""The domain of tasks on several sites."""
DOMAINS = ("gitlab", "map", MULTI, "reddit", "shopping", "shopping_admin")
EVALUATORS = ("string_match", "url_match", "program_html")

# Digests of the tasks in which two published files differ (first 16 digits); for all others the digest is the same.
_OTHERS = "861535bd7c9ff17d1e8be4dc4835794cceac6ec404ff22c5b98f9c739828cd25"
_STOCK: Mapping[int, str] = {
    **{96: "e6aa9853d59994d5", 141: "d2ac01cb7d368f13", 143: "d9ab65f04ea90f4a", 144: "12694080193615eb"},
    **{146: "fd5d876531c5e376", 165: "6d650e2218ab9054", 277: "a24a0f79f07e8d57", 325: "b26c328e3c1bf6f6"},
    **{327: "7686b9283467f58c", 328: "37825d3b4d9a493e", 329: "1a45f08ad8918e35", 333: "0269e6872b2a32c1"},
    385: "22a5599d6776ff40",
}
_REASONINGBANK: Mapping[int, str] = {
    **{96: "44a268e2f8b28f64", 141: "60c2e349e7f80fe8", 143: "e9ed2f1f24a235bb", 144: "77f182401a90e7b2"},
    **{146: "628de74e03a8de35", 165: "5ae58d36efadd155", 277: "42b5e3df5efa9ad2", 325: "e8cf4033e76438c3"},
    **{327: "e92ba35ea37c9af0", 328: "0250084f4ad3915b", 329: "7155caba79520bec", 333: "302f976ae1129fd0"},
    385: "984912ec1c3cbcce",
}
CHANGED = tuple(_STOCK)
"""The tasks that ReasoningBank's task file answers differently from libwebarena's."""


def checked(row: Any) -> Mapping[str, Any]:
    """A task, if it has everything a task needs.

    Raises:
        KeyError, TypeError, ValueError: it does not.
    """
    evaluation = row["eval"]
    if not isinstance(row["task_id"], int) or not isinstance(row["intent"], str) or not row["intent"].strip():
        raise TypeError("task_id or intent is missing")
    if not row["sites"] or not set(row["sites"]) <= set(SITES):
        raise ValueError(f"its sites are not among {', '.join(SITES)}")
    if not evaluation["eval_types"] or not set(evaluation["eval_types"]) <= set(EVALUATORS):
        raise ValueError(f"its evaluators are not among {', '.join(EVALUATORS)}")
    for target in evaluation["program_html"] or ():
        if (
            not isinstance(target["url"], str)
            or not isinstance(target["locator"], str)
            or not target["required_contents"]
        ):
            raise TypeError("a target of program_html is malformed")
    return dict(row)


def domain_of(row: Mapping[str, Any]) -> str:
    """The site of a task, or :data:`MULTI`."""
    sites: Sequence[str] = row["sites"]
    return str(sites[0]) if len(sites) == 1 else MULTI


def asks_model(row: Mapping[str, Any]) -> bool:
    """Whether the stock grader needs a language model, because the answer has to match the reference in meaning.

    If the reference is just ``"N/A"``, the answer N/A needs no model.
    """
    return isinstance((row["eval"].get("reference_answers") or {}).get("fuzzy_match"), list)


def variant(rows: Iterable[Mapping[str, Any]]) -> str:
    """Which published task file these tasks come from: ``libwebarena``, ``reasoningbank``, or what differs, in words."""
    known = {int(row["task_id"]): row for row in rows}
    found = {number: digest(known[number])[:16] for number in CHANGED if number in known}
    others = digest([known[number] for number in sorted(known) if number not in _STOCK])
    if others == _OTHERS:
        for name, table in (("libwebarena", _STOCK), ("reasoningbank", _REASONINGBANK)):
            if found == table:
                return name
    ours = sum(found.get(number) == mark for number, mark in _REASONINGBANK.items())
    return f"neither libwebarena's nor ReasoningBank's ({ours} of {len(CHANGED)} changed tasks as ReasoningBank's)"
