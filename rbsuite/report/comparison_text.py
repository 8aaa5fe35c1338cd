"""What ``rbsuite compare`` prints: sections of plain text, 80 columns wide if names allow."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

from rbsuite.models.base import Purpose
from rbsuite.report.comparison import Compared, details
from rbsuite.report.domains import domains_text
from rbsuite.report.figures import bounded, interval, p_text, percent, point_bounds, points
from rbsuite.report.looking import look_text, looked_at
from rbsuite.report.results import (
    AVERAGED,
    MEANS,
    SIMULATED,
    conditional_text,
    control_mark,
    difference_text,
    dollars,
    ending_text,
    external_text,
    other_factors,
    tasks_text,
)
from rbsuite.report.text import NARROW, fields, fold, numbers, table, told_text
from rbsuite.statistics.memory_use import cost_split
from rbsuite.trajectory import Usage

if TYPE_CHECKING:
    from rbsuite.record import Condition
    from rbsuite.statistics.comparisons import Comparison
    from rbsuite.statistics.conditions import ConditionSummary
    from rbsuite.statistics.curves import OrderSpread, Slice
    from rbsuite.statistics.intervals import Estimate
    from rbsuite.statistics.summary import Summary

GROUPS_SHOWN = 12
ABOUT = (
    "Differences are in points (percent of the score), paired by task and stream. The 95 % interval and p value beside a difference are "
    "for its expectation over orders of tasks like these; with one or two orders they are conditional on them. The runs of a condition "
    "that recalled nothing are exchangeable: a task is compared with its mean over all of them."
)


def render(compared: Compared) -> str:
    """All sections."""
    summary = compared.summary
    names = _letters(summary.conditions)
    parts = [_head(compared, names), *(_comparison(one, compared, names) for one in summary.comparisons)]
    if not summary.comparisons:
        parts.append("There is only one condition; there is nothing to compare.")
    parts += [
        _conditions(summary.conditions),
        further_text(compared),
        _domains(compared, names),
        _rollouts(summary.conditions),
        _runs(summary.conditions),
        _judge(summary.conditions),
    ]
    parts += [_memory(compared), _cost(summary.conditions), _counts(summary.conditions), _notes(compared)]
    return "\n\n".join(part for part in parts if part)


def _letters(conditions: Sequence[ConditionSummary]) -> list[str]:
    """Short names for the conditions in tables."""
    return [chr(ord("A") + index) if index < 26 else f"A{index}" for index in range(len(conditions))]


def _label(one: ConditionSummary, summary: Summary) -> str:
    """Memory and scaling, plus anything else that tells the conditions apart."""
    made = one.condition
    extra = [value for name in other_factors(summary) if (value := getattr(made, name)) and value not in made.label]
    return made.label + (f" ({', '.join(extra)})" if extra else "") + control_mark(made, summary)


def _head(compared: Compared, names: Sequence[str]) -> str:
    config, conditions = compared.stores[0].manifest.config, compared.summary.conditions
    mark = " (simulated)" if compared.simulated else ""
    place = f"{config['env']} {config['split']}" + (f" {config['domain']}" if config["domain"] else "")
    models = ", ".join(dict.fromkeys(one.condition.model for one in conditions))
    legend = fields(
        [(name, _label(one, compared.summary)) for name, one in zip(names, conditions, strict=True)], NARROW
    )
    told = f", {text}" if (text := told_text(compared.summary.about.told)) else ""
    return f"{fold(f'{place}: {tasks_text(compared.summary)}, {models}{mark}{told}')}\n{legend}\n\n{fold(ABOUT)}"


def _comparison(one: Comparison, compared: Compared, names: Sequence[str]) -> str:
    a, b = (names[_place(made, compared)] for made in (one.a, one.b))
    mark = " (simulated)" if compared.simulated else ""
    found = details(one, compared.summary.about)
    rows = [("difference", _difference(one, len(compared.summary.comparisons))), ("paired over", _paired_over(one))]
    if (looked := looked_at(one, compared.summary, compared.stores)) is not None:
        rows.append((looked.title, look_text(looked)))
    if one.of_means is not None:
        rows.append((MEANS, difference_text(one.of_means)))
    if one.detectable is not None:
        rows.append(("detectable", f"{100 * one.detectable:.1f} points and more, with 80 % power"))
    if not one.same_scaling:
        rows.append(
            (
                "budget",
                "the two do not spend the same number of rollouts per task: the difference mixes memory and budget",
            )
        )
    if found["mcnemar"] is not None:
        test = found["mcnemar"]
        rows.append(
            ("McNemar", f"{test.only_a} tasks only {a} solves, {test.only_b} only {b}: exact p {p_text(test.p_value)}")
        )
    rows += _failures(one)
    rows += _spread(found["orders"], found["half_gain"])
    if (again := found["final_bank_gain"]) is not None:
        change = f"{points(again.mean)} points relative to the first time{point_bounds(again.interval)}"
        rows.append(("early tasks", f"run again on the final bank: {change}"))
    title = f"{a} - {b}{mark}: {one.a.label} - {one.b.label}"
    parts = [title, _indented(fields(rows, NARROW - 2)), _beside(found["intervals"])]
    parts += [_slices("along the stream", found["curve"], "tasks", (a, b))]
    parts += [_slices("cumulative", found["cumulative"], "tasks", (a, b))]
    if len(found["groups"]) > 1:
        parts.append(_slices("by group", found["groups"], "group", (a, b)))
    return "\n".join(part for part in parts if part)


def _difference(one: Comparison, declared: int) -> str:
    text = f"{points(one.difference.mean)} points{point_bounds(one.difference.interval)}"
    if one.p_value is not None:
        text += f", p {p_text(one.p_value)}"
    if declared > 1 and one.p_holm is not None:
        text += f", Holm over {declared} comparisons {p_text(one.p_holm)}"
    return text


def _paired_over(one: Comparison) -> str:
    orders = f"{one.orders} order{'s' if one.orders != 1 else ''}"
    caveat = conditional_text(one)
    if one.orders == 2 and caveat:
        caveat += " (two do not say how orders differ)"
    runs = (len(one.paired.a), len(one.paired.b))
    caveat += f"; {runs[0]} and {runs[1]} runs" if runs[0] != runs[1] else ""
    unfinished = f"; {one.paired.unfinished} runs not finished" if one.paired.unfinished else ""
    if one.n_tasks and not one.paired.complete:
        unfinished += "; the interval allows for the missing scores"
    return f"{one.n_tasks} tasks, {orders}{caveat}{unfinished}"


def _failures(one: Comparison) -> list[tuple[str, str]]:
    found = one.failures
    if found is None:
        return []

    def told(estimate: Estimate | None) -> str:
        return "nothing left" if estimate is None else f"{points(estimate.mean)}{point_bounds(estimate.interval)}"

    text = (
        f"{found.a} and {found.b} broken answers, counted as 0 above. Without them {told(found.excluded)}; all counted against "
        f"{told(found.against)}; all counted for {told(found.in_favour)}"
    )
    return [
        ("failures", text),
        *([("WARNING", "the conclusion depends on the broken rollouts")] if found.matters else []),
    ]


def _spread(spread: OrderSpread, gain: Any) -> list[tuple[str, str]]:
    rows = []
    if spread.deviation is not None:
        each = ", ".join(points(value) for value in spread.differences)
        rows.append(("by order", f"{each}; SD {100 * spread.deviation:.1f}"))
    if spread.order_deviation is not None and spread.p_value is not None:
        own = f"SD {100 * spread.order_deviation:.1f} beyond chance, F test p {p_text(spread.p_value)}"
        rows.append(("order effect", own))
    if gain is not None:
        rows.append(
            ("second half", f"{points(gain.mean)} points relative to the first half{point_bounds(gain.interval)}")
        )
    return rows


def _beside(found: Sequence[Any]) -> str:
    rows = [(one.name, f"{point_bounds(one.interval).strip()}", one.about) for one in found]
    return "" if not rows else "  other intervals\n" + table(rows, 4)


def _slices(title: str, slices: Sequence[Slice], what: str, names: tuple[str, str]) -> str:
    if not slices:
        return ""
    shown = slices[:GROUPS_SHOWN]
    rows = [(what, "cells", *names, "difference")]
    rows += [
        (
            one.name,
            str(one.n),
            bounded(one.a),
            bounded(one.b),
            f"{points(one.difference)}{point_bounds(one.change.interval)}",
        )
        for one in shown
    ]
    more = len(slices) - len(shown)
    tail = f"\n    and {more} more (--json has all)" if more else ""
    return f"  {title} (intervals over tasks, given these orders)\n{numbers(rows, 4)}{tail}"


def _conditions(conditions: Sequence[ConditionSummary]) -> str:
    rows: list[Sequence[str]] = [
        ("", "score %", "95 %", "tasks", "orders", "steps", "solved", "broke", "unread", "invalid")
    ]
    for name, one in zip(_letters(conditions), conditions, strict=True):
        turns = ("-" if math.isnan(steps) else f"{steps:.1f}" for steps in (one.steps, one.solved_steps))
        orders = f"{one.orders}" + (f" ({one.undeclared} undeclared)" if one.undeclared else "")
        counts = (str(one.n_tasks), orders, *turns)
        broken = [_share(count, one.rollouts) for count in (one.failures, one.unread, one.invalid)]
        rows.append((name, percent(one.success.mean), interval(one.success), *counts, *broken))
    about = (
        "Conditions (steps: agent turns of all rollouts, and of those that solved their task; broke: rollouts that broke; unread: with "
        "replies that could not be read; invalid: with actions that the environment rejected as invalid)"
    )
    return f"{fold(about)}\n{numbers(rows, 2)}"


def further_text(compared: Compared) -> str:
    """The figures that the environment keeps besides success, and, if tasks have several rollouts, those over all of them."""
    summary = compared.summary
    found = [summary.rollouts[one.condition] for one in summary.conditions]
    several = any(one is not None and one.k > 1 for one in found)
    voted = several and any(one is not None and one.voted is not None for one in found)
    by_domain = any(summary.mean_of_domains(one.condition) is not None for one in summary.conditions)
    if not (summary.about.measures or several or by_domain):
        return ""
    named = [cell for name in summary.about.measures for cell in (name.replace("_", " "), "95 %")]
    columns = [*named, *(["k", "avg@k", "95 %"] if several else []), *(["maj@k"] if voted else [])]
    rows: list[Sequence[str]] = [("", *columns, *(["of domains"] if by_domain else []))]
    for name, one, figures in zip(_letters(summary.conditions), summary.conditions, found, strict=True):
        row = [cell for value in one.measures.values() for cell in _cells(value)]
        if several:
            row += ["-"] * 3 if figures is None else [str(figures.k), *_cells(figures.average)]
        if voted:
            row.append("-" if figures is None or figures.voted is None else percent(figures.voted.mean))
        if by_domain:
            mean = summary.mean_of_domains(one.condition)
            row.append("-" if mean is None else percent(mean))
        rows.append((name, *row))
    notes = [f"{name.replace('_', ' ')}: {what}" for name, what in summary.about.measures.items()]
    if several:
        notes.append(
            "avg: the mean of all rollouts of a task" + ("; maj: the answer that most of them give" if voted else "")
        )
    if by_domain:
        notes.append("of domains: the mean of their success")
    about = f"Further figures (percent; intervals over tasks). {'; '.join(notes)}."
    return f"{fold(about)}\n{numbers(rows, 2)}"


def _cells(estimate: Estimate) -> tuple[str, str]:
    return percent(estimate.mean), interval(estimate)


def _domains(compared: Compared, names: Sequence[str]) -> str:
    text = domains_text(compared.summary, names, NARROW - 2)
    if not text:
        return ""
    rows = [
        (
            f"{part.part.domain}, {names[_place(one.a, compared)]} - {names[_place(one.b, compared)]}",
            _difference(one, 1),
        )
        for part in compared.summary.apart
        for one in part.comparisons
    ]
    return "\n".join(filter(None, ["By domain", _indented(text), _indented(fields(rows, NARROW - 2))]))


def _place(condition: Condition, compared: Compared) -> int:
    return [one.condition for one in compared.summary.conditions].index(condition)


def _rollouts(conditions: Sequence[ConditionSummary]) -> str:
    most = max(one.rollouts_a_task for one in conditions)
    if most < 2:
        return ""
    rows: list[Sequence[str]] = [("", "k", "pass@k [95 %]", "pass^k [95 %]")]
    for name, one in zip(_letters(conditions), conditions, strict=True):
        for k in _few(most):
            if (found := one.passes(k)) is not None:
                rows.append((name, str(k), *map(bounded, found)))
    about = "Rollouts of a task in one run: pass@k (any of k), pass^k (all of k), percent; of a memory conditional on one bank"
    return f"{fold(about)}\n{numbers(rows, 2)}"


def _few(most: int) -> list[int]:
    return [k for k in (1, 2, 3, 4, 8, 16, 32) if k < most] + [most]


def _runs(conditions: Sequence[ConditionSummary]) -> str:
    most = max(one.orders for one in conditions)
    rows: list[Sequence[str]] = [("", "k", "pass^k [95 %]", "runs")]
    for name, one in zip(_letters(conditions), conditions, strict=True):
        for k in _few(most):
            if (found := one.passes_over_orders(k)) is not None and k > 1:
                what = "exchangeable" if one.exchangeable else "each with a bank of its own"
                rows.append((name, str(k), bounded(found), what))
    if len(rows) == 1:
        return ""
    return "The answers to a task in k runs: pass^k (all of them right), percent\n" + table(rows, 2)


def _judge(conditions: Sequence[ConditionSummary]) -> str:
    rows: list[Sequence[str]] = [("", "verdict success", "failure", "unknown", "right % [95 %]")]
    for name, one in zip(_letters(conditions), conditions, strict=True):
        for solved in (True, False):
            counts, right = one.verdicts(solved)
            share = "-" if math.isnan(right.mean) else bounded(right)
            rows.append((f"{name} {'solved' if solved else 'not solved'}", *map(str, counts), share))
    return "Judge against the environment's score (rollouts)\n" + numbers(rows, 2)


def _memory(compared: Compared) -> str:
    rows: list[Sequence[str]] = [("", "tasks with recall", "items/task", "tokens/task", "kept/run", "deleted")]
    for name, one in zip(_letters(compared.summary.conditions), compared.summary.conditions, strict=True):
        used = compared.summary.memory[one.condition]
        if not used.added and not used.characters:
            continue
        sizes = (f"{used.items_a_task:.1f}", f"{used.tokens_a_task:.0f}", f"{used.items_kept:.1f}", str(used.deleted))
        rows.append((name, _share(used.recalls, used.tasks), *sizes))
    if len(rows) == 1:
        return ""
    scope = "all tasks; " if compared.summary.apart else ""
    return f"Memory ({scope}tokens of recalled text, estimated at 4 characters each)\n" + numbers(rows, 2)


def _cost(conditions: Sequence[ConditionSummary]) -> str:
    timed = any(one.memory_seconds for one in conditions)
    rows: list[Sequence[str]] = [
        ("", "acting", "memory", "judging", "memory/acting", "calls", "dollars", *(["memory s"] if timed else []))
    ]
    for name, one in zip(_letters(conditions), conditions, strict=True):
        split = cost_split(one.usage)
        tasks = max(1, one.committed)
        ratio = f"{split[1].tokens / split[0].tokens:.0%}" if split[0].tokens else "-"
        spent = [f"{usage.tokens / tasks:.0f}" for usage in split]
        seconds = [f"{one.memory_seconds / tasks:.2f}"] if timed else []
        rows.append((name, *spent, ratio, f"{one.total.calls / tasks:.1f}", dollars(one.total).lstrip("$"), *seconds))
    also = "; memory s: seconds per task in the memory's own service or library" if timed else ""
    text = f"Cost (tokens and calls per task, total dollars; acting: agent and user{also})\n" + numbers(rows, 2)
    if all(one.total.cost == 0 for one in conditions):
        return text
    purposes = [purpose for purpose in get_args(Purpose) if any(purpose in one.usage for one in conditions)]
    rows = [("", *purposes)]
    for name, one in zip(_letters(conditions), conditions, strict=True):
        rows.append((name, *(dollars(one.usage.get(purpose, Usage())) for purpose in purposes)))
    return f"{text}\nBy purpose, total\n{numbers(rows, 2)}"


def _counts(conditions: Sequence[ConditionSummary]) -> str:
    rows = []
    for name, one in zip(_letters(conditions), conditions, strict=True):
        said = [f"{end} {count}" for end, count in one.ends.items()]
        said += [f"{what.replace('_', ' ')} {count}" for what, count in one.notes.items()]
        rows.append((name, ", ".join(said)))
        rows += [(f"{name} {end}", ending_text(found)) for end, found in one.reasons.items()]
    return "Ends of rollouts, and what else was counted\n" + _indented(fields(rows, NARROW - 2))


def _notes(compared: Compared) -> str:
    lines = [f"Note: {note}" for note in compared.notes]
    lines += [AVERAGED] if any(one.averaged for one in compared.summary.conditions) else []
    lines += [text for text in (external_text(compared.summary),) if text]
    lines += [f"Experiment: {store.directory}" for store in compared.stores]
    if compared.simulated:
        lines.append(SIMULATED)
    return "\n".join(fold(line) if not line.startswith("Experiment") else line for line in lines)


def _share(count: int, of: int) -> str:
    return f"{count / of:.1%}" if of else "-"


def _indented(text: str) -> str:
    return textwrap.indent(text, "  ")
