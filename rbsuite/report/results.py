"""The results of an experiment: tables for people, one JSON document for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rbsuite.errors import LONGEST_TOLD, shortened
from rbsuite.models.limits import money
from rbsuite.record import varied_factors
from rbsuite.report.domains import domains_json, domains_text
from rbsuite.report.figures import interval, p_text, percent, point_bounds, points
from rbsuite.report.looking import going_on, look_json, look_text, looked_at, looks_json, orders_text
from rbsuite.report.plain import (
    apart_json,
    comparison_json,
    condition_json,
    is_conditional,
    rollouts_json,
)
from rbsuite.report.text import one_line, table, told_text
from rbsuite.statistics.intervals import p_value
from rbsuite.statistics.reading import WARM
from rbsuite.store import ExperimentStore, experiment_digest

if TYPE_CHECKING:
    from rbsuite.record import Condition
    from rbsuite.report.looking import Looked
    from rbsuite.statistics.comparisons import Comparison
    from rbsuite.statistics.conditions import ConditionSummary, Reason
    from rbsuite.statistics.intervals import Estimate
    from rbsuite.statistics.summary import Summary
    from rbsuite.trajectory import Usage

FAILURES_MATTER = "Warning: broken rollouts could change this conclusion; rbsuite compare shows how."

MEANS = "mean of all rollouts"
"""The name of a difference in which every rollout of a task counts, beside the one of the selected rollouts."""

AVERAGED = "Scores: the mean of all rollouts of a task (--selector mean)."

EXTERNAL = (
    "its state is outside the bank. What it recalls has no provenance; that it leaves out a task and its twins is only its own claim; "
    "and a second run may give different results."
)

SIMULATED = "Simulated: the model is a simulation (sim/...); these figures say nothing about a real model."

COLUMNS = ("memory", "scaling", "success %", "95 %", "pass^1", "steps", "solved", "tokens", "calls", "failed", "unread")
"""Steps are agent turns per rollout, over all and over those that solved their task; tokens and calls are per task, over all purposes;
failed are broken rollouts, unread those with replies that could not be parsed or were invalid.
"""


def as_json(store: ExperimentStore, summary: Summary) -> Mapping[str, Any]:
    """The document that ``--json`` prints."""
    config, facts = store.manifest.config, store.manifest.facts
    return {
        "experiment": str(store.directory),
        "env": config["env"],
        "split": config["split"],
        "domain": config["domain"],
        "simulated": facts["simulated"],
        "environment": {**summary.about.told},
        "conditions": [
            {
                **condition_json(one),
                "control": is_control(one.condition, summary),
                "external": is_external(one.condition, summary),
                "all_rollouts": rollouts_json(summary, one.condition),
                "domains": domains_json(summary, one.condition),
            }
            for one in summary.conditions
        ],
        "comparisons": [
            {**comparison_json(comparison), "look": look_json(looked_at(comparison, summary, [store]))}
            for comparison in summary.comparisons
        ],
        "apart": apart_json(summary),
        "looks": looks_json(store),
        "spent": None if facts["simulated"] else store.spent(),
        "digest": experiment_digest(store),
    }


def render(store: ExperimentStore, summary: Summary) -> str:
    """The tables, the experiment's path, and whether the model is simulated."""
    simulated = bool(store.manifest.facts["simulated"])
    mark = " (simulated)" if simulated else ""
    told = f", {text}" if (text := told_text(summary.about.told)) else ""
    compared = [_sentence(one, mark, looked_at(one, summary, [store])) for one in summary.comparisons]
    compared += [
        f"{part.part.domain}: {_sentence(one, mark, looked_at(one, summary, [store]))}"
        for part in summary.shown_apart
        for one in part.comparisons
    ]
    lines = [_details(condition, summary) for condition in summary.conditions]
    if summary.first_failure:
        lines.append(f"first failure: {shortened(summary.first_failure, LONGEST_TOLD)}")
    lines += [f"{one.condition.label}: {line}" for one in summary.conditions if (line := _further(one, summary))]
    lines += [line for one in summary.conditions for line in _endings(one, summary.first_failure)]
    lines += [AVERAGED] if any(one.averaged for one in summary.conditions) else []
    lines += [text for text in (external_text(summary),) if text]
    lines += [text for text in (going_on(store),) if text]
    lines += [] if simulated else [spent_text(store)]
    lines += [f"Experiment: {store.directory}", *([SIMULATED] if simulated else [])]
    title = f"{_title(store, summary)}{mark}{told}"
    domains = domains_text(summary, condition_names(summary))
    sections = [f"{title}\n{_conditions(summary)}", "\n".join(compared), domains, "\n".join(lines)]
    return "\n\n".join(filter(None, sections))


def _conditions(summary: Summary) -> str:
    factors, measures = other_factors(summary), list(summary.about.measures)
    rows = [[*COLUMNS[:2], *factors, *COLUMNS[2:], *(f"{name.replace('_', ' ')} %" for name in measures)]]
    for one in summary.conditions:
        cells = _row(one)
        levels = [getattr(one.condition, name) or "-" for name in factors]
        rows.append([*cells[:2], *levels, *cells[2:], *(percent(one.measures[name].mean) for name in measures)])
    return table(rows, right_from=2 + len(factors))


def other_factors(summary: Summary) -> Sequence[str]:
    """The factors besides memory and scaling in which the conditions differ."""
    return [name for name in varied_factors(one.condition for one in summary.conditions) if name not in COLUMNS[:2]]


def is_external(condition: Condition, summary: Summary) -> bool:
    """Whether the memory of a condition keeps its state outside the bank."""
    return condition.memory.partition(WARM)[0] in summary.about.external


def external_text(summary: Summary) -> str:
    """The note on memories whose state is outside the bank; empty if there are none."""
    found = [one.condition.memory for one in summary.conditions if is_external(one.condition, summary)]
    return f"{', '.join(dict.fromkeys(found))}: {EXTERNAL}" if found else ""


def is_control(condition: Condition, summary: Summary) -> bool:
    """Whether the memory of a condition is a control (placebo, random, ...)."""
    return condition.memory.partition(WARM)[0] in summary.about.controls


def control_mark(condition: Condition, summary: Summary) -> str:
    """The mark after the name of a control condition; empty for others."""
    return " (control)" if is_control(condition, summary) else ""


def _further(condition: ConditionSummary, summary: Summary) -> str:
    """A condition's other figures in one line, including those over all rollouts if there are several."""
    parts = [
        f"{name.replace('_', ' ')} {percent(one.mean)} {interval(one)}" for name, one in condition.measures.items()
    ]
    found = summary.rollouts[condition.condition]
    if found is not None and found.k > 1:
        named = (("avg", found.average), ("maj", found.voted), ("pass", found.passed))
        parts += [f"{name}@{found.k} {percent(one.mean)} {interval(one)}" for name, one in named if one is not None]
    mean = summary.mean_of_domains(condition.condition)
    return ", ".join([*parts, *([] if mean is None else [f"mean of domains {percent(mean)}"])])


def condition_names(summary: Summary) -> list[str]:
    """The names of the conditions: their memory, and anything else in which they differ."""
    several = set(varied_factors(one.condition for one in summary.conditions)) - {"memory"}
    return [one.condition.label if several else one.condition.memory for one in summary.conditions]


def tasks_text(summary: Summary) -> str:
    """How many tasks there are, with those that are reported separately counted separately."""
    n = summary.conditions[0].n_tasks
    aside = 0 if summary.all_apart else sum(len(one.part.tasks) for one in summary.apart)
    text = f"{n} task{'' if n == 1 else 's'}" + (f" and {aside} reported separately" if aside else "")
    return f"{text}, all reported separately" if summary.all_apart else text


def _title(store: ExperimentStore, summary: Summary) -> str:
    config = store.manifest.config
    place = f"{config['env']} {config['split']}" + (f" {config['domain']}" if config["domain"] else "")
    return f"{place}: {tasks_text(summary)}, {orders_text(store)}, {', '.join(config['model'])}"


def _row(condition: ConditionSummary) -> Sequence[str]:
    tasks = max(1, condition.committed)
    return (
        condition.condition.memory,
        condition.condition.scaling,
        percent(condition.success.mean),
        interval(condition.success),
        "-" if (passed := condition.passes(1)) is None else _number(passed[1].mean, 3),
        _number(condition.steps, 1),
        _number(condition.solved_steps, 1),
        f"{condition.total.tokens / tasks:.0f}",
        _number(condition.total.calls / tasks, 1),
        str(condition.failures),
        str(max(condition.unread, condition.invalid)),
    )


def difference_text(estimate: Estimate) -> str:
    """A difference with its interval and p value."""
    p = p_value(estimate)
    return f"{points(estimate.mean)} points{point_bounds(estimate.interval)}" + (
        "" if p is None else f", p {p_text(p)}"
    )


def _sentence(comparison: Comparison, mark: str, looked: Looked | None) -> str:
    bounds = point_bounds(comparison.difference.interval)
    tested = "" if comparison.p_value is None else f", p {p_text(comparison.p_value)}"
    if comparison.p_holm is not None and comparison.p_holm != comparison.p_value:
        tested += f", Holm {p_text(comparison.p_holm)}"
    caveat = conditional_text(comparison)
    caveat += "" if comparison.same_scaling else "; not the same rollouts per task"
    return (
        f"{comparison.a.label} - {comparison.b.label}{mark}: {points(comparison.difference.mean)} points{bounds}{tested} "
        f"(paired over {comparison.n_tasks} tasks, {comparison.orders} order{'s' if comparison.orders > 1 else ''}{caveat})"
        + ("" if comparison.of_means is None else f"\n  {MEANS}: {difference_text(comparison.of_means)}")
        + ("" if looked is None else f"\n  {looked.title}: {look_text(looked)}")
        + ("" if comparison.failures is None or not comparison.failures.matters else f"\n  {FAILURES_MATTER}")
    )


def conditional_text(comparison: Comparison) -> str:
    """The text after the number of orders if the interval holds only for them; otherwise empty."""
    if not is_conditional(comparison):
        return ""
    return (
        "; conditional on this order"
        if comparison.orders == 1
        else f"; conditional on these {comparison.orders} orders"
    )


def _details(condition: ConditionSummary, summary: Summary) -> str:
    accuracy = condition.judge_accuracy
    parts = [f"recall for {condition.recalled:.0%} of tasks" if not math.isnan(condition.recalled) else "no tasks yet"]
    parts.append(
        "no verdicts"
        if accuracy is None
        else f"judge right in {accuracy:.0%} {interval(condition.judge)} of {sum(condition.judged.values())}"
    )
    memory = condition.usage.get("memory")
    if memory is not None and memory.calls:
        parts.append(f"{memory.calls} memory calls")
    if condition.memory_seconds:
        parts.append(f"{condition.memory_seconds:.1f} s in memory")
    parts += [f"{name.replace('_', ' ')} {count}" for name, count in condition.notes.items()]
    parts += [f"{end} {count}" for end, count in condition.ends.items() if end != "finished"]
    if condition.total.cost != 0:
        by_purpose = ", ".join(f"{purpose} {dollars(usage)}" for purpose, usage in condition.usage.items())
        parts.append(f"cost {dollars(condition.total)} ({by_purpose})")
    return f"{condition.condition.label}{control_mark(condition.condition, summary)}: {', '.join(parts)}"


def _endings(condition: ConditionSummary, shown: str) -> list[str]:
    """Why rollouts ended early, one line for each kind of end; running out of turns needs no reason.

    Args:
        condition: the condition of the rollouts.
        shown: the failure that is already shown.
    """
    return [
        f"{condition.condition.label}: {end} {condition.ends[end]}: {ending_text(found)}"
        for end, found in condition.reasons.items()
        if end != "max_steps" and not (shown and shown.endswith(f": {found[0].text}"))
    ]


def ending_text(reasons: Sequence[Reason]) -> str:
    """The most frequent reason for an end, where it first occurred, and whether there are others."""
    first = reasons[0]
    others = "; there are other reasons, see --json" if len(reasons) > 1 else ""
    return f"{one_line(first.text)} (first on task {first.task}{others})"


def dollars(usage: Usage) -> str:
    """What something cost, as far as it is known."""
    return "unknown" if usage.cost is None else f"${usage.cost:.4f}"


def spent_text(store: ExperimentStore) -> str:
    """What the experiment has cost in all its sessions, including discarded work."""
    spent = store.spent()
    return f"Spent in all sessions: {spent.calls:,} calls, {spent.tokens:,} tokens, {money(spent)}"


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
