"""How two experiments differ, and with what results. For ``rbsuite diff``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rbsuite.errors import UsageError
from rbsuite.jsonable import canonical
from rbsuite.record import ABOUT, FACTORS
from rbsuite.report.comparison import check_alike
from rbsuite.report.figures import bounded, p_text, point_bounds, points
from rbsuite.report.items import change, estimate_json
from rbsuite.report.plain import comparison_json
from rbsuite.report.results import SIMULATED
from rbsuite.report.text import fold, one_line, table
from rbsuite.statistics.comparisons import Comparison, compare
from rbsuite.statistics.conditions import ConditionSummary
from rbsuite.statistics.intervals import UNKNOWN, Estimate, mean_estimate, p_value
from rbsuite.statistics.items import contrast
from rbsuite.statistics.pairing import difference
from rbsuite.statistics.reading import WARM
from rbsuite.statistics.summary import Summary, summarise
from rbsuite.store import experiment_digest

if TYPE_CHECKING:
    from rbsuite.store import ExperimentStore

NOTHING: tuple[Any, ...] = (None, "", [], {})
LONGEST = 60
"""Number of characters of a value that are shown."""


@dataclass(frozen=True, slots=True)
class Differing:
    """Two experiments and how they differ.

    Attributes:
        stores: the experiments.
        options: options, facts and templates in which they differ, each with its two values; ``None``: no value.
        matched: conditions of the first with the most similar ones of the second, and their paired difference, second minus first
            (``None``: they cannot be paired).
        alone: conditions of the first and of the second without a counterpart.
        apart: if streams cannot be paired, for each matched pair of conditions the difference over tasks, second minus first, and how many
            shared tasks it is over; 0: none, the two are independent.
        gains: comparisons with the baseline that both made, and how much greater the second's gain is; over tasks, given the orders that
            were run. Empty if streams are paired.
        tasks: how many tasks the first has, the second has, and both have.
        unpaired: why scores cannot be paired; empty if they can.
        same: whether both have exactly the same results, word for word.
    """

    stores: tuple[ExperimentStore, ExperimentStore]
    options: Mapping[str, tuple[Any, Any]]
    matched: Sequence[tuple[ConditionSummary, ConditionSummary, Comparison | None]]
    alone: tuple[Sequence[ConditionSummary], Sequence[ConditionSummary]]
    apart: Sequence[tuple[Estimate, int]]
    gains: Sequence[tuple[Comparison, Comparison, Estimate]]
    tasks: tuple[int, int, int]
    unpaired: str
    same: bool


def differing(a: ExperimentStore, b: ExperimentStore) -> Differing:
    """Find how two experiments differ.

    Raises:
        StoreError: one cannot be read.
        UsageError: they are the same file.
    """
    if a.path.resolve() == b.path.resolve():
        raise UsageError(f"{b.directory} is named twice.", "Name two experiments.")
    try:
        check_alike([a, b])
        unpaired = ""
    except UsageError as error:
        unpaired = error.message.partition("cannot be compared: ")[2] or error.message
    ours, theirs = summarise(a), summarise(b)
    left = list(theirs.conditions)
    matched, alone = [], []
    for one in ours.conditions:
        other = max(left, key=lambda other: _likeness(one, other), default=None)
        if other is None or (_memory(one) != _memory(other) and len(ours.conditions) > 1):
            alone.append(one)
            continue
        left.remove(other)
        at_once = ours.about.at_once | theirs.about.at_once
        matched.append((one, other, None if unpaired else compare(other, one, at_once)))
    # An empty text or list is the same as no value.
    options = {name: values for name, *values in _options(a, b) if not all(value in NOTHING for value in values)}
    known = [dict.fromkeys(task for run in store.manifest.runs for task in run.tasks) for store in (a, b)]
    both = known[0].keys() & known[1].keys() if _same_world(a, b) else frozenset()
    return Differing(
        (a, b),
        {name: (values[0], values[1]) for name, values in options.items()},
        matched,
        (alone, left),
        [_apart(one, other, both) for one, other, _ in matched] if unpaired else [],
        _gains(ours, theirs, matched) if unpaired else [],
        (len(known[0]), len(known[1]), len(both)),
        unpaired,
        experiment_digest(a) == experiment_digest(b) != "",
    )


def _same_world(a: ExperimentStore, b: ExperimentStore) -> bool:
    """Whether tasks with the same name are the same task: the environment, its version and the origin of the data are the same."""
    facts = [store.manifest.facts for store in (a, b)]
    told = [(one["environment"], {name: one["task_set"].get(name) for name in ("pack", "commit")}) for one in facts]
    return bool(told[0] == told[1])


def _apart(one: ConditionSummary, other: ConditionSummary, both: Set[str]) -> tuple[Estimate, int]:
    """The difference of two conditions whose streams are not the same: by task if they share some, else of independent means."""
    shared = sorted(both & one.scores.keys() & other.scores.keys())
    if len(shared) > 1:
        return mean_estimate([other.scores[task] - one.scores[task] for task in shared]), len(shared)
    if not one.scores or not other.scores:
        return UNKNOWN, 0
    return contrast(*(mean_estimate(list(side.scores.values())) for side in (other, one))), 0


def _gains(
    ours: Summary, theirs: Summary, matched: Sequence[tuple[ConditionSummary, ConditionSummary, Comparison | None]]
) -> Sequence[tuple[Comparison, Comparison, Estimate]]:
    """The gains from memory in both, for comparisons between corresponding conditions; the two are independent."""
    counterpart = {one.condition: other.condition for one, other, _ in matched}
    found = []
    for one in ours.comparisons:
        wanted = counterpart.get(one.a), counterpart.get(one.b)
        for other in theirs.comparisons:
            if (other.a, other.b) == wanted:
                found.append((one, other, contrast(_over_tasks(other), _over_tasks(one))))
    return found


def _over_tasks(comparison: Comparison) -> Estimate:
    return difference(comparison.paired, ordered=False) or UNKNOWN


def _likeness(one: ConditionSummary, other: ConditionSummary) -> tuple[bool, int]:
    mine, theirs = one.condition, other.condition
    same = sum(getattr(mine, name) == getattr(theirs, name) for name in FACTORS)
    return _memory(one) == _memory(other), same


def _memory(one: ConditionSummary) -> str:
    """The memory without its options and the bank it started with."""
    return one.condition.memory.partition(WARM)[0].partition(":")[0]


def _options(a: ExperimentStore, b: ExperimentStore) -> Iterator[tuple[str, Any, Any]]:
    ours, theirs = a.manifest, b.manifest
    yield from _pairs("", ours.config, theirs.config)
    facts = [{name: value for name, value in one.facts.items() if name != ABOUT} for one in (ours, theirs)]
    yield from _pairs("fact: ", facts[0], facts[1])
    used = [
        {f"{source}{'/' if source else ''}{name}": sha for (source, name), sha in one.templates().items()}
        for one in (a, b)
    ]
    shared = [{name: sha for name, sha in side.items() if name in used[0] and name in used[1]} for side in used]
    yield from _pairs("template: ", shared[0], shared[1])


def _pairs(prefix: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in dict.fromkeys([*a, *b]):
        mine, theirs = a.get(name), b.get(name)
        if canonical(mine) == canonical(theirs):
            continue
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
            yield from _pairs(f"{prefix}{name}.", mine, theirs)
        else:
            yield f"{prefix}{name}", mine, theirs


def render(found: Differing) -> str:
    """The differences as text."""
    a, b = found.stores
    parts = [f"A  {a.directory}\nB  {b.directory}"]
    if found.options:
        rows = [
            ("", "A", "B"),
            *((name.replace("_", "-"), *map(_value, values)) for name, values in found.options.items()),
        ]
        parts.append(f"They differ in\n{table(rows, 2)}")
    else:
        parts.append("They have the same options, facts and templates.")
    if found.same:
        parts.append("Both had the same results, word for word.")
    parts.append(_outcome_apart(found) if found.unpaired else _outcome(found))
    for name, left in zip("AB", found.alone, strict=True):
        if left:
            parts.append(
                f"Only in {name}: {', '.join(f'{one.condition.label} {bounded(one.success)}' for one in left)}"
            )
    if any(store.manifest.facts["simulated"] for store in found.stores):
        parts.append(SIMULATED)
    return "\n\n".join(parts)


def _value(value: Any) -> str:
    text = "-" if value is None or value == "" else value if isinstance(value, str) else canonical(value)
    text = one_line(text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _outcome(found: Differing) -> str:
    rows: list[Sequence[str]] = [("condition", "A % [95 %]", "B % [95 %]", "B - A, paired", "p", "tasks")]
    for one, other, paired in found.matched:
        label = one.condition.label
        if other.condition.label != label:
            label += f" / {other.condition.label}"
        cells = ("-", "-", "-") if paired is None or not paired.n_tasks else _cells(paired)
        rows.append((label, bounded(one.success), bounded(other.success), *cells))
    return f"What came of it\n{table(rows, 2)}"


def _outcome_apart(found: Differing) -> str:
    """The same, if the two have different tasks or grade them differently."""
    a, b, both = found.tasks
    rows: list[Sequence[str]] = [("condition", "A % [95 %]", "B % [95 %]", "B - A", "p", "how")]
    for (one, other, _), (estimate, shared) in zip(found.matched, found.apart, strict=True):
        label = one.condition.label
        if other.condition.label != label:
            label += f" / {other.condition.label}"
        how = f"{shared} tasks of both" if shared else "unpaired"
        rows.append((label, bounded(one.success), bounded(other.success), change(estimate), _p(p_value(estimate)), how))
    parts = [f"What came of it\n{table(rows, 2)}"]
    if found.gains:
        rows = [("comparison", "in A, points", "in B, points", "B - A", "p")]
        for mine, theirs, estimate in found.gains:
            sides = (f"{points(one.difference.mean)}{point_bounds(one.difference.interval)}" for one in (mine, theirs))
            rows.append((f"{mine.a.label} - {mine.b.label}", *sides, change(estimate), _p(p_value(estimate))))
        parts.append(f"Gain from memory\n{table(rows, 2)}")
    why = found.unpaired.rstrip(".")
    about = f"Streams are not paired, since they do not mean the same in both experiments: {why}. A has {a} tasks, B {b}, both {both}."
    parts.append(fold(f"{about} B - A is over tasks, given the orders that were run."))
    return "\n\n".join(parts)


def _p(value: float | None) -> str:
    return "-" if value is None else p_text(value).removeprefix("= ")


def _cells(one: Comparison) -> tuple[str, str, str]:
    return f"{points(one.difference.mean)}{point_bounds(one.difference.interval)}", _p(one.p_value), str(one.n_tasks)


def as_json(found: Differing) -> Mapping[str, Any]:
    """The same as plain data."""
    return {
        "experiments": [str(store.directory) for store in found.stores],
        "simulated": [store.manifest.facts["simulated"] for store in found.stores],
        "same_outcomes": found.same,
        "differences": {name: {"a": a, "b": b} for name, (a, b) in found.options.items()},
        "not_paired_because": found.unpaired,
        "conditions": [
            {
                "a": one.condition,
                "b": other.condition,
                "a_mean": one.success.mean,
                "b_mean": other.success.mean,
                "paired": None if paired is None else comparison_json(paired),
            }
            for one, other, paired in found.matched
        ],
        "over_tasks": [
            {"difference": estimate_json(estimate), "p_value": p_value(estimate), "tasks_of_both": shared}
            for estimate, shared in found.apart
        ],
        "gains": [
            {
                "condition": mine.a.label,
                "baseline": mine.b.label,
                "a": comparison_json(mine),
                "b": comparison_json(theirs),
                "difference": estimate_json(estimate),
                "p_value": p_value(estimate),
            }
            for mine, theirs, estimate in found.gains
        ],
        "tasks": dict(zip(("a", "b", "both"), found.tasks, strict=True)),
        "only_in_a": [one.condition for one in found.alone[0]],
        "only_in_b": [one.condition for one in found.alone[1]],
    }
