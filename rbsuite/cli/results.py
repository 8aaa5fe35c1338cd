"""Shows an experiment's figures: tables for people, one JSON document for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from rbsuite.cli.domains import domains_json, domains_text, results_by_domain, warnings_of
from rbsuite.cli.figures import finite, interval, p_text, percent, point_bounds, points
from rbsuite.statistics.answers import AnswerFigures, answer_figures
from rbsuite.statistics.intervals import Estimate
from rbsuite.statistics.summary import Comparison, ConditionSummary, Summary, runs_by_condition
from rbsuite.store import ExperimentStore, experiment_digest

if TYPE_CHECKING:
    from rich.console import Console

    from rbsuite.record import Condition

SIMULATED = "Simulated: the model is a simulation (sim/...); these figures say nothing about a real model."

COLUMNS = ("memory", "scaling", "success %", "95 %", "pass^1", "steps", "tokens", "calls", "failed")
"""Steps are agent turns a rollout; tokens and calls are a task's, all purposes together; failed are broken rollouts."""

UNPARSED_COLUMN = "unparsed"
"""Where answers are read: the share of rollouts from which none could be."""


def as_json(store: ExperimentStore, summary: Summary) -> Mapping[str, Any]:
    """The document that ``--json`` prints."""
    config, facts = store.manifest.config, store.manifest.facts
    answers, domains = figures_by_condition([store]), results_by_domain([store])
    return {
        "experiment": str(store.directory),
        "env": config["env"],
        "split": config["split"],
        "domain": config["domain"],
        "simulated": facts["simulated"],
        "conditions": [
            {
                **condition_json(condition),
                **_with_answers(answers[condition.condition]),
                "domains": domains_json(domains.get(condition.condition, ()), summary),
            }
            for condition in summary.conditions
        ],
        "comparisons": [comparison_json(comparison) for comparison in summary.comparisons],
        "apart": apart_json(summary, warnings_of(store)),
        "digest": experiment_digest(store),
    }


def show(console: Console, store: ExperimentStore, summary: Summary) -> None:
    """Print the tables, the experiment's path, and whether the model is simulated."""
    from rich.table import Table

    say = partial(console.print, soft_wrap=True, highlight=False, markup=False)
    simulated = bool(store.manifest.facts["simulated"])
    mark = " (simulated)" if simulated else ""
    answers = figures_by_condition([store])
    readers = {found.reader: None for found in answers.values() if found is not None}
    read_by = f", read by {', '.join(readers)}" if readers else ""
    say(f"{_title(store, summary)}{mark}{read_by}", style="bold")
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for name in (*COLUMNS, UNPARSED_COLUMN) if readers else COLUMNS:
        table.add_column(
            name, justify="left" if name in COLUMNS[:2] else "right", no_wrap=name != "memory", overflow="fold"
        )
    for condition in summary.conditions:
        known = answers[condition.condition]
        share = [] if not readers else ["-" if known is None else f"{known.unparsed_share:.1%}"]
        table.add_row(*_row(condition), *share)
    console.print(table)
    console.print()
    for comparison in summary.comparisons:
        say(_sentence(comparison, mark))
    for part in summary.shown_apart:
        for comparison in part.comparisons:
            say(f"{part.part.domain}: {_sentence(comparison, mark)}")
    if domains := domains_text([store], summary, condition_names(summary)):
        say(f"\n{domains}\n")
    for condition in summary.conditions:
        say(_details(condition))
    whole = [*summary.conditions, *(condition for part in summary.apart for condition in part.conditions)]
    if any(condition.failures for condition in whole):
        say(f"first failure: {first_failure(store)}")
    for made, found in answers.items():
        if found is not None:
            say(f"{made.label}: {answers_line(found)}")
    for line in data_lines(store):
        say(line)
    say(f"Experiment: {store.directory}")
    if simulated:
        say(SIMULATED)


def first_failure(store: ExperimentStore) -> str:
    """Where the first broken rollout was, and why it broke, whether its task stands apart or not; there must be one."""
    return next(
        f"{info.condition.label} on task {record.task_id}: {rollout.trajectory.error}"
        for info in store.manifest.runs
        for record in store.records(info.id, trajectories=False)
        for rollout in record.rollouts
        if rollout.trajectory.broken
    )


def figures_by_condition(stores: Sequence[ExperimentStore]) -> Mapping[Condition, AnswerFigures | None]:
    """The figures on answers of each condition; ``None`` where the environment reads none."""
    return {condition: answer_figures(runs) for condition, runs in runs_by_condition(stores)[0].items()}


def answers_line(found: AnswerFigures) -> str:
    """What was read, in one line."""
    parts = [f"read by {found.reader}", f"unparsed {found.unparsed_share:.1%}", f"chance {percent(found.chance)} %"]
    if found.k > 1:
        named = (("avg", found.average), ("maj", found.majority), ("pass", found.passed))
        parts += [f"{name}@{found.k} {percent(value.mean)} {interval(value)}" for name, value in named]
    if len(found.domains) > 1:
        parts.append(f"mean of {len(found.domains)} domains {percent(found.domain_mean)}")
    return ", ".join(parts)


def data_lines(store: ExperimentStore) -> Sequence[str]:
    """What must be known of prompts and data where answers are read: worked examples, rows of another release."""
    facts = store.manifest.facts
    lines = []
    if facts["environment"].get("shots"):
        lines.append(f"Prompts: {facts['environment']['shots']} worked examples.")
    elif "reader" in facts["environment"]:
        lines.append("Prompts: zero-shot.")
    if "changed_rows" in facts["task_set"]:
        lines.append(f"Data: of the rows that upstream changed, {facts['task_set']['changed_rows']}.")
    return lines


def answers_json(found: AnswerFigures) -> Mapping[str, Any]:
    """Figures on answers as plain data."""

    def estimate(value: Estimate) -> Mapping[str, Any]:
        return {"mean": finite(value.mean), "ci95": value.interval}

    return {
        "reader": found.reader,
        "rollouts": found.rollouts,
        "unparsed": found.unparsed,
        "unparsed_share": found.unparsed_share,
        "k": found.k,
        "avg@k": estimate(found.average),
        "maj@k": estimate(found.majority),
        "pass@k": estimate(found.passed),
        "chance": found.chance,
        "size_weighted_mean": found.average.mean,
        "mean_of_domains": found.domain_mean,
        "domains": [{"domain": one.name, "tasks": one.tasks, **estimate(one.average)} for one in found.domains],
    }


def _with_answers(found: AnswerFigures | None) -> Mapping[str, Any]:
    return {} if found is None else {"answers": answers_json(found)}


def condition_names(summary: Summary) -> list[str]:
    """What to call the conditions: by their memory, and where they differ in scaling by that too."""
    several = len({one.condition.scaling for one in summary.conditions}) > 1
    return [one.condition.label if several else one.condition.memory for one in summary.conditions]


def apart_json(summary: Summary, warnings: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """The figures of the domains that stand apart, as plain data."""
    return [
        {
            "domain": one.part.domain,
            "warning": warnings[one.part.domain],
            "tasks": len(one.part.tasks),
            "conditions": [condition_json(condition) for condition in one.conditions],
            "comparisons": [comparison_json(comparison) for comparison in one.comparisons],
        }
        for one in summary.apart
    ]


def tasks_text(summary: Summary) -> str:
    """How many tasks there are, those that stand apart by themselves."""
    n = summary.conditions[0].n_tasks
    aside = 0 if summary.all_apart else sum(len(one.part.tasks) for one in summary.apart)
    text = f"{n} task{'' if n == 1 else 's'}" + (f" and {aside} apart" if aside else "")
    return f"{text}, all apart" if summary.all_apart else text


def _title(store: ExperimentStore, summary: Summary) -> str:
    config = store.manifest.config
    place = f"{config['env']} {config['split']}" + (f" {config['domain']}" if config["domain"] else "")
    orders = config["orders"]
    return f"{place}: {tasks_text(summary)}, {orders} order{'s' if orders > 1 else ''}, {config['model']}"


def _row(condition: ConditionSummary) -> Sequence[str]:
    tasks = max(1, condition.committed)
    return (
        condition.condition.memory,
        condition.condition.scaling,
        percent(condition.success.mean),
        interval(condition.success),
        "-" if (passed := condition.passes(1)) is None else _number(passed[1], 3),
        _number(condition.steps, 1),
        f"{condition.total.tokens / tasks:.0f}",
        _number(condition.total.calls / tasks, 1),
        str(condition.failures),
    )


def _sentence(comparison: Comparison, mark: str) -> str:
    bounds = point_bounds(comparison.difference.interval)
    p_value = "" if comparison.p_value is None else f", p {p_text(comparison.p_value)}"
    if comparison.p_holm is not None and comparison.p_holm != comparison.p_value:
        p_value += f", Holm {p_text(comparison.p_holm)}"
    caveat = "; conditional on this order" if comparison.orders == 1 else ""
    caveat += "" if comparison.same_scaling else "; not the same rollouts a task"
    return (
        f"{comparison.a.label} - {comparison.b.label}{mark}: {points(comparison.difference.mean)} points{bounds}{p_value} "
        f"(paired over {comparison.n_tasks} tasks, {comparison.orders} order{'s' if comparison.orders > 1 else ''}{caveat})"
    )


def _details(condition: ConditionSummary) -> str:
    accuracy = condition.judge_accuracy
    parts = [f"recall for {condition.recalled:.0%} of tasks" if not math.isnan(condition.recalled) else "no tasks yet"]
    parts.append(
        "no verdicts" if accuracy is None else f"judge right in {accuracy:.0%} of {sum(condition.judged.values())}"
    )
    memory = condition.usage.get("memory")
    if memory is not None and memory.calls:
        parts.append(f"{memory.calls} memory calls")
    parts += [f"{name.replace('_', ' ')} {count}" for name, count in condition.notes.items()]
    parts += [f"{end} {count}" for end, count in condition.ends.items() if end != "finished"]
    if condition.total.cost is None:
        parts.append("cost unknown")
    elif condition.total.cost:
        parts.append(f"cost ${condition.total.cost:.4f}")
    return f"{condition.condition.label}: {', '.join(parts)}"


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def condition_json(condition: ConditionSummary) -> Mapping[str, Any]:
    """A condition's figures as plain data."""
    tasks = max(1, condition.committed)
    return {
        "memory": condition.condition.memory,
        "scaling": condition.condition.scaling,
        "model": condition.condition.model,
        "judge": condition.condition.judge,
        "n_tasks": condition.n_tasks,
        "orders": condition.orders,
        "committed": condition.committed,
        "mean": finite(condition.success.mean),
        "ci95": condition.success.interval,
        "pass^1": None if (passed := condition.passes(1)) is None else passed[1],
        "rollouts_a_task": condition.rollouts_a_task,
        "rollouts": condition.rollouts,
        "steps": finite(condition.steps),
        "tokens_per_task": condition.total.tokens / tasks,
        "calls_per_task": condition.total.calls / tasks,
        "cost": condition.total.cost,
        "usage": {
            purpose: {
                "calls": usage.calls,
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "cost": usage.cost,
            }
            for purpose, usage in condition.usage.items()
        },
        "failures": condition.failures,
        "unparsed": condition.unparsed,
        "ends": condition.ends,
        "judge_accuracy": condition.judge_accuracy,
        "judged": [
            {"verdict": label, "solved": solved, "count": count} for (label, solved), count in condition.judged.items()
        ],
        "recalled_share": finite(condition.recalled),
        "notes": condition.notes,
    }


def comparison_json(comparison: Comparison) -> Mapping[str, Any]:
    """A comparison's figures as plain data."""
    return {
        "a": comparison.a.label,
        "b": comparison.b.label,
        "difference": finite(comparison.difference.mean),
        "ci95": comparison.difference.interval,
        "p_value": comparison.p_value,
        "p_holm": comparison.p_holm,
        "standard_error": comparison.difference.error,
        "degrees_of_freedom": comparison.difference.degrees,
        "detectable": comparison.detectable,
        "n_tasks": comparison.n_tasks,
        "orders": comparison.orders,
        "conditional_on_order": comparison.orders == 1,
        "same_scaling": comparison.same_scaling,
        "finished": comparison.paired.unfinished == 0,
    }
