"""All figures of a submission, from its logs: used both when a submission is made and when the keeper of a board recomputes it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rbsuite.jsonable import plain
from rbsuite.judges.truth import is_success
from rbsuite.leaderboard.boards import SUCCESS, Board
from rbsuite.leaderboard.submission import BoardRow, DomainScore, Gain, Interval, Measured, PassHat, Point, Run
from rbsuite.report.comparison import gather
from rbsuite.report.plain import is_conditional
from rbsuite.report.results import is_control
from rbsuite.statistics.comparisons import Comparison
from rbsuite.statistics.conditions import ConditionSummary
from rbsuite.statistics.curves import half_gain, learning_curve
from rbsuite.statistics.intervals import UNKNOWN, Estimate, average, p_value
from rbsuite.statistics.pairing import StreamScores, difference, pair, success
from rbsuite.statistics.power import detectable_by
from rbsuite.statistics.reading import counted, read_runs
from rbsuite.statistics.rollouts import pass_hat_k
from rbsuite.trajectory import BROKEN_ENDS

if TYPE_CHECKING:
    from rbsuite.record import Condition
    from rbsuite.statistics.summary import Summary
    from rbsuite.store import ExperimentStore

MOST_K = 8
"""pass^k is shown up to this k."""
_LEFT_OUT = frozenset({"data"})
"""Options that name a path on the submitter's machine; its contents are covered by the hash of the task set."""


def measure(stores: Sequence[ExperimentStore], board: Board, *, redacted: bool = False) -> Measured:
    """All figures of experiments that make up one submission.

    Args:
        stores: the experiments.
        board: the board, which defines the headline and the baseline.
        redacted: whether texts were left out of the logs.

    Raises:
        RbsuiteError: they do not belong together, or lack the baseline or the headline.
    """
    summary = gather(stores, board.baseline).summary
    manifest = stores[0].manifest
    known = summary.about
    streams = _headline_streams(stores, summary, board.headline)
    planned = {task for one in summary.conditions for stream in one.streams for task in stream.tasks}
    tasks = [task for task in known.domain if task in planned] or sorted(planned)
    places = {task: place for place, task in enumerate(tasks)}
    models = manifest.facts["models"]
    return Measured(
        rbsuite=str(manifest.facts["rbsuite"]),
        environment=dict(plain(manifest.facts["environment"])),
        task_set=manifest.facts["task_set"]["hash"],
        simulated=bool(manifest.facts["simulated"]),
        judge_sees_ground_truth=bool(manifest.facts.get("judge_sees_ground_truth")),
        redacted=redacted,
        options={name: plain(value) for name, value in manifest.config.items() if name not in _LEFT_OUT},
        models=dict(models[0] if isinstance(models, list) else models),
        task_ids=tasks,
        groups=[known.group.get(task, "") for task in tasks],
        domains=[known.domain.get(task, "") for task in tasks],
        rows=[_row(one, summary, streams, places, board, stores) for one in summary.conditions],
    )


def _headline_streams(
    stores: Sequence[ExperimentStore], summary: Summary, headline: str
) -> Mapping[Condition, Sequence[StreamScores]]:
    """What each run scored by the headline, over the tasks that the summary is about."""
    found = {one.condition: one.streams for one in summary.conditions}
    if headline == SUCCESS:
        return found
    if headline not in summary.about.measures:
        from rbsuite.errors import UnknownNameError

        raise UnknownNameError("headline of the board", headline, [SUCCESS, *summary.about.measures])
    runs, _ = read_runs(stores)
    cells = {
        condition: [
            {
                (row := counted(rollouts)).task_id: 0.0 if row.end in BROKEN_ENDS else row.measures.get(headline, 0.0)
                for rollouts in run.tasks
            }
            for run in of_condition
        ]
        for condition, of_condition in runs.items()
    }
    return {
        condition: [
            replace(stream, scores={task: scores[task] for task in stream.scores})
            for stream, scores in zip(streams, cells[condition], strict=True)
        ]
        for condition, streams in found.items()
    }


def _row(
    one: ConditionSummary,
    summary: Summary,
    streams: Mapping[Condition, Sequence[StreamScores]],
    places: Mapping[str, int],
    board: Board,
    stores: Sequence[ExperimentStore],
) -> BoardRow:
    made, committed = one.condition, max(1, one.committed)
    own = streams[made]
    headline = success(own, ordered=not one.exchangeable) or UNKNOWN
    total = one.total
    return BoardRow(
        label=made.label,
        memory=made.memory,
        scaling=made.scaling,
        agent=made.agent,
        model=made.model,
        judge=made.judge,
        embedder=made.embedder,
        prompts=made.prompts,
        temperature=made.temperature,
        baseline=made.memory == board.baseline,
        control=is_control(made, summary),
        exchangeable=one.exchangeable,
        tasks=one.n_tasks,
        orders=one.orders,
        undeclared_orders=one.undeclared,
        headline=_interval(headline),
        success=_interval(one.success),
        measures={name: _interval(value) for name, value in one.measures.items()},
        passes=[
            PassHat(k, _interval(value))
            for k in range(1, min(MOST_K, one.orders) + 1)
            if (value := one.passes_over_orders(k)) is not None
        ],
        rollouts=one.rollouts,
        failures=one.failures,
        unread=one.unread,
        invalid=one.invalid,
        steps=_number(one.steps),
        steps_solved=_number(one.solved_steps),
        tokens=total.tokens / committed,
        calls=total.calls / committed,
        dollars=None if total.cost is None else total.cost / committed,
        judge_accuracy=_interval(one.judge),
        recalled=_number(one.recalled),
        gain=_gain(one, summary, streams, board),
        runs=[
            Run(
                seed=stream.info.seed,
                order_name=stream.info.order_name,
                declared=stream.info.declared,
                order=[places[task] for task in stream.tasks if task in stream.scores],
                scores=[stream.scores[task] for task in stream.tasks if task in stream.scores],
                broken=[place for place, task in enumerate(stream.tasks) if task in broken],
                chain=stores[source].last_link(stream.info.id),
            )
            for stream, broken, source in zip(own, one.broken, one.sources, strict=True)
        ],
    )


def _gain(
    one: ConditionSummary, summary: Summary, streams: Mapping[Condition, Sequence[StreamScores]], board: Board
) -> Gain | None:
    found = [c for c in summary.comparisons if c.a == one.condition and c.b.memory == board.baseline]
    if not found or one.condition.memory == board.baseline:
        return None
    comparison: Comparison = found[0]
    if board.headline != SUCCESS:
        exchangeable = comparison.paired.exchangeable
        paired = pair(streams[comparison.a], streams[comparison.b], exchangeable)
        estimate = difference(paired) or UNKNOWN
        p = p_value(estimate)
        comparison = replace(
            comparison, paired=paired, difference=estimate, p_value=p, p_holm=None, detectable=detectable_by(estimate)
        )
    return Gain(
        against=comparison.b.label,
        difference=_interval(comparison.difference),
        p_value=comparison.p_value,
        p_holm=comparison.p_holm,
        detectable=comparison.detectable,
        conditional=is_conditional(comparison),
        same_scaling=comparison.same_scaling,
        second_half=_interval(half_gain(comparison.paired) or UNKNOWN),
        curve=[
            Point(window.name, window.n, _interval(window.a), _interval(window.b), _interval(window.change))
            for window in learning_curve(comparison.paired)
        ],
    )


def _interval(value: Estimate) -> Interval:
    low, high = value.interval or (None, None)
    return Interval(_number(value.mean), low, high)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def leading(measured: Measured) -> BoardRow:
    """The condition that represents the system if only one can: the first that is neither baseline nor control."""
    return next((row for row in measured.rows if not row.baseline and not row.control), measured.rows[0])


def domain_results(measured: Measured) -> dict[str, DomainScore]:
    """pass^k of the leading condition by domain, over its runs, in percent as in tau2-bench."""
    row = leading(measured)
    of_task: dict[int, list[bool]] = {}
    for run in row.runs:
        for place, score in zip(run.order, run.scores, strict=True):
            of_task.setdefault(place, []).append(is_success(score))
    domains: dict[str, list[list[bool]]] = {}
    for place, solved in sorted(of_task.items()):
        domains.setdefault(measured.domains[place] or "all", []).append(solved)
    cost = row.dollars if len(domains) == 1 else None
    return {
        name: DomainScore(**{f"pass_{k}": _pass_percent(tasks, k) for k in (1, 2, 3, 4)}, cost=cost)
        for name, tasks in domains.items()
    }


def _pass_percent(tasks: Sequence[Sequence[bool]], k: int) -> float | None:
    if min(map(len, tasks)) < k:
        return None
    return 100 * average([pass_hat_k(len(solved), sum(solved), k) or 0.0 for solved in tasks])


def differences(given: Any, found: Any, where: str = "") -> list[str]:
    """Where two documents of plain data differ, one line each; numbers that differ only by rounding errors count as equal.

    Args:
        given: the submitted data.
        found: the data computed from the logs.
        where: the path so far.
    """
    if isinstance(given, dict) and isinstance(found, dict):
        names = [*found, *(name for name in given if name not in found)]
        return [
            line
            for name in names
            for line in differences(given.get(name), found.get(name), f"{where}.{name}" if where else str(name))
        ]
    if isinstance(given, list) and isinstance(found, list) and len(given) == len(found):
        return [
            line
            for place, (one, other) in enumerate(zip(given, found, strict=True))
            for line in differences(one, other, f"{where}[{place}]")
        ]
    if _same(given, found):
        return []
    return [f"{where} is {_shown(given)}, but the logs give {_shown(found)}"]


def _same(given: Any, found: Any) -> bool:
    numbers = (int, float)
    if type(given) in numbers and type(found) in numbers:
        return math.isclose(given, found, rel_tol=1e-6, abs_tol=1e-9)
    return type(given) is type(found) and bool(given == found)


def _shown(value: Any) -> str:
    if isinstance(value, list | dict):
        return f"{len(value)} entries"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
