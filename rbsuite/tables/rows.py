"""The kinds of rows in the tables of an experiment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rbsuite.experience import MemoryItem
from rbsuite.statistics.comparisons import Comparison
from rbsuite.statistics.conditions import ConditionSummary
from rbsuite.statistics.items import ItemUse
from rbsuite.trajectory import Trajectory

if TYPE_CHECKING:
    pass

_NO_COLUMN = {"column": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the rows of all tables have.

    Attributes:
        condition: the label of the condition.
        memory, scaling: what it runs.
        simulated: whether a model is a simulation, so that the figures say nothing about a real one.
    """

    condition: str
    memory: str
    scaling: str
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Row):
    """The results of a condition.

    Attributes:
        agent, model, judge, embedder: the rest of the condition.
        success: mean score of the tasks; ``low`` and ``high`` are its 95 % interval.
        tasks, orders: tasks in the denominator, and runs.
        committed: tasks committed over all runs.
        recalled: share of tasks for which something was recalled.
        judge_accuracy: share of verdicts that agree with the environment's score; ``None`` without verdicts.
        steps: agent turns per rollout.
        tokens, calls: per task, all purposes together.
        cost: US dollars of all runs; ``None``: a price is unknown.
        memory_seconds: wall time per task that memory spent in a service or a library of its own.
        failed: rollouts that broke.
        summary: the full summary; not a column.
    """

    agent: str
    model: str
    judge: str
    embedder: str
    success: float
    low: float
    high: float
    tasks: int
    orders: int
    committed: int
    recalled: float
    judge_accuracy: float | None
    steps: float
    tokens: float
    calls: float
    cost: float | None
    memory_seconds: float
    failed: int
    summary: ConditionSummary = field(metadata=_NO_COLUMN, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Row):
    """A condition against the baseline on the same tasks, in the same streams.

    Attributes:
        baseline: the label of the baseline.
        difference: of the mean scores, condition minus baseline; ``low`` and ``high`` are its 95 % interval.
        p, p_holm: its p value, as it is and adjusted for the number of comparisons; ``None`` if unknown.
        tasks, orders: how many of each it is based on.
        comparison: the full comparison; not a column.
    """

    baseline: str
    difference: float
    low: float
    high: float
    p: float | None
    p_holm: float | None
    tasks: int
    orders: int
    comparison: Comparison = field(metadata=_NO_COLUMN, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult(Row):
    """A committed task.

    Attributes:
        run: id of the run.
        order: index of the order.
        position: the task's place in the stream, from 0.
        task_id, group, domain: the task.
        score: of the answer that counts; ``solved``: whether that is a success.
        rollouts: how many it took.
        recalled: items recalled before the first rollout; ``reason``: why none were.
        learnt: number of memory operations.
        tokens, calls: what it cost, all purposes together; ``cost`` in US dollars, ``None``: a price is unknown.
        memory_seconds: wall time that memory spent in a service or a library of its own.
    """

    run: str
    order: int
    position: int
    task_id: str
    group: str
    domain: str
    score: float
    solved: bool
    rollouts: int
    recalled: int
    reason: str
    learnt: int
    tokens: int
    calls: int
    cost: float | None
    memory_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutResult(Row):
    """A rollout.

    Attributes:
        run, order, position, task_id: see :class:`TaskResult`.
        rollout: its index within the task.
        selected: whether it counts as the answer.
        score: the environment's; ``None`` if it broke. ``solved``: whether it is a success.
        end: why it ended; ``error``: in words, if it broke.
        steps: turns of the agent.
        verdict, rationale: the judge's; empty if there is none.
        tokens, calls, cost: see :class:`TaskResult`.
        seconds: wall time.
        trajectory: its steps; not a column.
    """

    run: str
    order: int
    position: int
    task_id: str
    rollout: int
    selected: bool
    score: float | None
    solved: bool
    end: str
    error: str
    steps: int
    verdict: str
    rationale: str
    tokens: int
    calls: int
    cost: float | None
    seconds: float
    trajectory: Trajectory = field(metadata=_NO_COLUMN, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult(Row):
    """A memory item, as it is in a run's bank.

    Attributes:
        run, order: see :class:`TaskResult`.
        id, kind, title, description, content, domain, revision: see :class:`rbsuite.experience.MemoryItem`.
        task_id, position, verdict: where it was learned, and under which verdict.
        item: the item itself; not a column.
    """

    run: str
    order: int
    id: str
    kind: str
    title: str
    description: str
    content: str
    domain: str
    revision: int
    task_id: str
    position: int
    verdict: str
    item: MemoryItem = field(metadata=_NO_COLUMN, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallResult(Row):
    """An item that was recalled for a task.

    Attributes:
        run, order, position, task_id: see :class:`TaskResult`.
        rollout: the rollout that it was recalled for; -1: for all of the task.
        phase, step: when: ``task``, ``retry`` or ``step``, and the agent's turn.
        version: the version of the bank that was read.
        rank, similarity: its place from 0, and the score that put it there.
        item_id, revision, title: the item.
        task_score: what the task scored.
    """

    run: str
    order: int
    position: int
    task_id: str
    rollout: int
    phase: str
    step: int
    version: int
    rank: int
    similarity: float
    item_id: str
    revision: int
    title: str
    task_score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpedResult(Row):
    """A memory item that was recalled, and how tasks went with it and without it; not causal.

    Attributes:
        baseline: the label of the baseline.
        run, order: see :class:`TaskResult`.
        item_id, title: the item; ``cluster``: the title of the first item in its cluster, which items that say the same share.
        recalled: tasks for which it was recalled; ``passed``: those for which it was not, though the bank contained it.
        score, baseline_score: mean scores on the tasks for which it was recalled.
        with_it, without_it: difference from the baseline on those tasks, and on the others; not a number if there are none.
        contrast: the first minus the second; ``low`` and ``high`` are its 95 % interval.
        use: all there is; not a column.
    """

    baseline: str
    run: str
    order: int
    item_id: str
    title: str
    cluster: str
    recalled: int
    passed: int
    score: float
    baseline_score: float
    with_it: float
    without_it: float
    contrast: float
    low: float
    high: float
    use: ItemUse = field(metadata=_NO_COLUMN, repr=False)
