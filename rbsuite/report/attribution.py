"""The effects of items, as text and as plain data. For ``rbsuite attribute``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rbsuite.report.figures import p_text
from rbsuite.report.items import change, estimate_json, title
from rbsuite.report.text import fold, table

if TYPE_CHECKING:
    from rbsuite.record import Condition
    from rbsuite.run.attributed import Effect

ABOUT = (
    "With - without, in points: the score of the tasks for which it was recalled, minus what they score with it left out of the bank (same "
    "place, seeds and opening; above 0 it helped). Intervals are over tasks, given these banks; p is adjusted (Holm) for the items and for "
    "the clusters. Where another item took its place, the difference is from that one: an item with a near-duplicate in the bank "
    "causes nothing by itself; its cluster shows what they cause together."
)
FROM_STORE = "With it: as stored. What changed at the provider since then counts as caused by the items; --again also reruns that side."


def text(effects: Sequence[Effect], condition: Condition, *, simulated: bool, again: bool) -> str:
    """The tables."""
    mark = " (simulated)" if simulated else ""
    parts = [f"{condition.label}{mark}"]
    for kind, plural in (("item", "items"), ("cluster", "clusters")):
        mine = [one for one in effects if one.left_out.kind == kind]
        if mine:
            rows: list[Sequence[str]] = [(plural, "", *_HEADS)]
            rows += [(_name(one), title(one.left_out.title), *_cells(one)) for one in mine]
            parts.append(table(rows, 2, right_from=2))
    missing, broken = sum(one.missing for one in effects), sum(one.broken for one in effects)
    notes = [ABOUT, "" if again or simulated else FROM_STORE]
    notes += [f"Not run yet: {missing} pairs. The same command continues." if missing else ""]
    notes += [f"Left out because a rollout broke: {broken} pairs. The same command runs them again." if broken else ""]
    return "\n\n".join([*parts, fold(" ".join(filter(None, notes)))])


_HEADS = ("tasks", "with - without", "Holm p", "better", "worse", "other recalled")


def _name(one: Effect) -> str:
    ids = [name for names in one.left_out.items.values() for name in names]
    if one.left_out.kind == "cluster":
        return f"{len(ids)} in {len(one.left_out.items)} bank{'s' if len(one.left_out.items) > 1 else ''}"
    [run] = one.left_out.items
    return f"{ids[0]} {run.rpartition('/')[2]}"


def _cells(one: Effect) -> Sequence[str]:
    p = "-" if one.p_holm is None else p_text(one.p_holm).removeprefix("= ")
    return str(one.pairs), change(one.change), p, str(one.better), str(one.worse), str(one.replaced)


def as_json(effects: Sequence[Effect]) -> Sequence[Mapping[str, Any]]:
    """The same as plain data; differences are between -1 and 1."""
    return [
        {
            "kind": one.left_out.kind,
            "title": one.left_out.title,
            "items": one.left_out.items,
            "pairs": one.pairs,
            "with_minus_without": estimate_json(one.change),
            "p": one.p,
            "p_holm": one.p_holm,
            "better": one.better,
            "worse": one.worse,
            "other_recalled": one.replaced,
            "missing": one.missing,
            "broken": one.broken,
            "tasks": [{"run": trial.run, "task": trial.task} for trial in one.left_out.trials],
        }
        for one in effects
    ]
