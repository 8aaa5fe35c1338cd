"""One condition in figures: what its runs scored, what that cost, how rollouts ended, and what the judge and the memory did.

Values are means over tasks of each task's mean over orders. A rollout that broke (environment or model error) scores 0 in them, is counted,
and is shown; nothing is dropped from the denominator.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rbsuite.judges.truth import is_success
from rbsuite.record import Condition, RunInfo
from rbsuite.statistics.about import About
from rbsuite.statistics.intervals import UNKNOWN, Estimate, average
from rbsuite.statistics.pairing import StreamScores, stream_tasks, success
from rbsuite.statistics.parts import measures_of
from rbsuite.statistics.reading import INVALID, UNREADABLE, Keep, Rollouts, RunRows, averaged, broken_share, counted
from rbsuite.statistics.rollouts import pass_at_k, pass_hat_k
from rbsuite.statistics.shares import ByTask, over_tasks, proportion
from rbsuite.store import ResultRow
from rbsuite.trajectory import BROKEN_ENDS, Usage

UNPARSED = "parse_errors"

REASONS_KEPT = 5
"""How many different reasons are kept per condition for one kind of end."""

_TURNS = "the turns of a rollout are used up, or the environment cut it off."


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rollouts ended in a certain way.

    Attributes:
        text: the reason in words.
        count: how many rollouts it applies to.
        task: the task of the first of them.
    """

    text: str
    count: int
    task: str


@dataclass(frozen=True, slots=True)
class ConditionSummary:
    """The results of one condition on the tasks that are considered.

    Attributes:
        condition: what was run.
        n_tasks: tasks in the denominator.
        orders: number of runs of the condition.
        committed: tasks committed over all runs; below ``n_tasks * orders`` the experiment is not finished.
        success: share of tasks solved, by the environment's own score.
        measures: the other figures that the environment keeps, by name, over the rollouts that count.
        scores: mean score of each task over the orders, by task id.
        streams: the scores of each run.
        sources: for each run, the position of its experiment among those that are summarised.
        steps: mean agent turns per rollout.
        usage: cost of these tasks over all runs, by purpose.
        memory_seconds: wall time that the memory spent on them in its own service or library, over all runs.
        ends: number of rollouts by how they ended.
        reasons: the most frequent reasons for each end except ``finished``.
        judged: verdicts against the truth: maps ``(label, solved)`` to a count.
        recalled: share of tasks for which something was recalled, that is, text was shown to the agent.
        notes: counts the memory reported.
        unread: rollouts that ended because replies could not be parsed as actions, or whose answer could not be parsed.
        invalid: rollouts in which the environment reported invalid actions.
        broken: the cells that score 0 because the rollout that counts broke, by run (as in ``streams``), with the share of the answer that
            broke: 1, or less if the answer is a mean.
        averaged: whether a task's score is the mean of its rollouts'.
        solved_steps: mean agent turns of the rollouts that solved their task; NaN if none did.
    """

    condition: Condition
    n_tasks: int
    orders: int
    committed: int
    success: Estimate
    measures: Mapping[str, Estimate]
    scores: Mapping[str, float]
    streams: Sequence[StreamScores]
    sources: Sequence[int]
    steps: float
    usage: Mapping[str, Usage]
    memory_seconds: float
    ends: Mapping[str, int]
    reasons: Mapping[str, Sequence[Reason]]
    judged: Mapping[tuple[str, bool], int]
    recalled: float
    notes: Mapping[str, int]
    unread: int
    invalid: int
    broken: Sequence[Mapping[str, float]]
    averaged: bool
    solved_steps: float

    @property
    def exchangeable(self) -> bool:
        """Whether nothing was recalled in its runs, so that their order could not matter."""
        return self.committed > 0 and self.recalled == 0

    @property
    def undeclared(self) -> int:
        """Number of runs added after the runs that the experiment declared were finished."""
        return sum(not stream.info.declared for stream in self.streams)

    @property
    def rollouts(self) -> int:
        """Number of rollouts over all runs."""
        return sum(self.ends.values())

    @property
    def failures(self) -> int:
        """Number of rollouts that broke."""
        return sum(count for end, count in self.ends.items() if end in BROKEN_ENDS)

    @property
    def total(self) -> Usage:
        """Cost over all runs and purposes."""
        return sum(self.usage.values(), Usage())

    @property
    def judge_accuracy(self) -> float | None:
        """Share of verdicts that agree with the truth, of those that say success or failure."""
        accuracy = self.judge
        return None if math.isnan(accuracy.mean) else accuracy.mean

    @property
    def judge(self) -> Estimate:
        """:attr:`judge_accuracy` with its interval, which treats verdicts as independent; unknown without verdicts."""
        decided = {key: count for key, count in self.judged.items() if key[0] in ("success", "failure")}
        right = sum(count for (label, solved), count in decided.items() if (label == "success") == solved)
        return proportion(right, sum(decided.values()))

    def verdicts(self, solved: bool) -> tuple[Sequence[int], Estimate]:
        """How many rollouts that solved their task (or did not) were judged success, failure and unknown; and the share of right verdicts
        among those that say success or failure.
        """
        counts = [self.judged.get((label, solved), 0) for label in ("success", "failure", "unknown")]
        return counts, proportion(counts[0] if solved else counts[1], counts[0] + counts[1])

    @property
    def rollouts_a_task(self) -> int:
        """The fewest rollouts any task has; 0 before the first task."""
        return min((len(scores) for stream in self.streams for scores in stream.rollouts.values()), default=0)

    def passes(self, k: int) -> tuple[Estimate, Estimate] | None:
        """pass@k and pass^k of the rollouts of a task in one run, as means over tasks; ``None`` if a task has fewer than k rollouts.

        The rollouts of a task share a bank: for a memory, both figures are conditional on one bank (see :meth:`passes_over_orders`).
        """
        if not 1 <= k <= self.rollouts_a_task:
            return None
        counts = [
            (task, len(scores), sum(map(is_success, scores)))
            for stream in self.streams
            for task, scores in stream.rollouts.items()
        ]
        any_of = [(task, value) for task, n, solved in counts if (value := pass_at_k(n, solved, k)) is not None]
        all_of = [(task, value) for task, n, solved in counts if (value := pass_hat_k(n, solved, k)) is not None]
        return over_tasks(any_of), over_tasks(all_of)

    def passes_over_orders(self, k: int) -> Estimate | None:
        """pass^k over the runs: the probability that the answers of k runs all solve a task, as a mean over tasks.

        For a condition that recalled nothing this is pass^k of the agent; for a memory it is pass^k over k banks, each built in a different
        order. ``None`` if a task has fewer than k runs, or if its score is a mean over rollouts, which is not an answer.
        """
        if self.averaged:
            return None
        solved = [[is_success(run.scores[task]) for run in self.streams if task in run.scores] for task in self.scores]
        if not solved or not 1 <= k <= min(map(len, solved)):
            return None
        values = [pass_hat_k(len(found), sum(found), k) or 0.0 for found in solved]
        return over_tasks([(f"{number}", value) for number, value in enumerate(values)])


@dataclass
class _Tally:
    scores: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    rollouts: dict[str, dict[str, tuple[float, ...]]] = field(default_factory=lambda: defaultdict(dict))
    probes: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    steps: int = 0
    solved_steps: list[int] = field(default_factory=list)
    unread: int = 0
    invalid: int = 0
    broken: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    averaged: bool = False
    recalled: int = 0
    usage: dict[str, list[Usage]] = field(default_factory=lambda: defaultdict(list))
    memory_seconds: float = 0.0
    ends: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, dict[str, Reason]] = field(default_factory=lambda: defaultdict(dict))
    judged: Counter[tuple[str, bool]] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, run: str, rollouts: Rollouts) -> None:
        task = rollouts[0].task_id
        self.scores[run][task] = counted(rollouts).score or 0.0
        self.rollouts[run][task] = tuple(row.score or 0.0 for row in rollouts)
        self.averaged = self.averaged or averaged(rollouts)
        if (share := broken_share(rollouts)) > 0:
            self.broken[run][task] = share
        for row in rollouts:
            self._rollout(row)

    def _rollout(self, row: ResultRow) -> None:
        solved, truth = is_success(row.score), row.truth
        self.steps += row.steps
        self.ends[row.end] += 1
        if row.end != "finished":
            text = row.error or (_TURNS if row.end == "max_steps" else "")
            known = self.reasons[row.end].get(text, Reason(text, 0, row.task_id))
            self.reasons[row.end][text] = replace(known, count=known.count + 1)
        if solved:
            self.solved_steps.append(row.steps)
        if row.end == UNPARSED or truth.get(UNREADABLE):
            self.unread += 1
        if any(truth.get(name) for name in INVALID):
            self.invalid += 1
        if row.label:
            self.judged[row.label, solved] += 1
        self._spend(row.usage)
        if row.whole is not None:
            self._spend(row.whole.usage)
            self.memory_seconds += row.whole.memory_seconds
            self.recalled += row.whole.recalled
            if row.whole.notes:
                self.notes.update(row.whole.notes)

    def _spend(self, usage: Mapping[str, Usage]) -> None:
        for purpose, spent in usage.items():
            self.usage[purpose].append(spent)

    def stream(self, key: str, info: RunInfo) -> StreamScores:
        return StreamScores(info, self.scores[key], self.rollouts[key], self.probes[key])


def summarise_condition(condition: Condition, runs: Sequence[RunRows], known: About, keep: Keep) -> ConditionSummary:
    """The results of the runs of a condition.

    Args:
        condition: what was run.
        runs: its runs.
        known: what is known of the tasks.
        keep: selects the tasks that are considered.
    """
    tally = _Tally()
    streams = []
    for number, run in enumerate(runs):
        key = f"{number}"
        for rollouts in _kept(run.tasks, keep):
            tally.add(key, rollouts)
        for rollouts in _kept(run.probes, keep):  # their scores are kept apart, and their cost is left out
            tally.probes[key][rollouts[0].task_id] = counted(rollouts).score or 0.0
        streams.append(tally.stream(key, _narrowed(run.info, keep)))
    by_task: defaultdict[str, list[float]] = defaultdict(list)
    for stream in streams:
        for task, score in stream.scores.items():
            by_task[task].append(score)
    answers = [counted(rollouts) for run in runs for rollouts in _kept(run.tasks, keep)]
    committed = sum(len(stream.scores) for stream in streams)
    ended = sum(tally.ends.values())
    return ConditionSummary(
        condition=condition,
        n_tasks=len(streams[0].tasks),
        orders=len(runs),
        committed=committed,
        success=success(streams, ordered=not committed or tally.recalled > 0) or UNKNOWN,
        measures=measures_of(answers, ByTask([row.task_id for row in answers]), known.measures),
        scores={task: average(values) for task, values in by_task.items()},
        streams=streams,
        sources=[run.source for run in runs],
        steps=tally.steps / ended if ended else math.nan,
        usage={purpose: Usage.total(spent) for purpose, spent in sorted(tally.usage.items())},
        memory_seconds=tally.memory_seconds,
        ends=dict(sorted(tally.ends.items())),
        reasons={
            end: sorted(found.values(), key=lambda one: -one.count)[:REASONS_KEPT]
            for end, found in sorted(tally.reasons.items())
        },
        judged=dict(sorted(tally.judged.items())),
        recalled=tally.recalled / committed if committed else math.nan,
        notes=dict(sorted(tally.notes.items())),
        unread=tally.unread,
        invalid=tally.invalid,
        broken=[dict(tally.broken[f"{number}"]) for number in range(len(runs))],
        averaged=tally.averaged,
        solved_steps=average([float(steps) for steps in tally.solved_steps]) if tally.solved_steps else math.nan,
    )


def _kept(tasks: Collection[Rollouts], keep: Keep) -> Iterator[Rollouts]:
    return (rollouts for rollouts in tasks if keep(rollouts[0].task_id))


def _narrowed(info: RunInfo, keep: Keep) -> RunInfo:
    """The run as if its stream had contained only the kept tasks."""
    stream, probes = stream_tasks(info), info.tasks[len(info.tasks) - info.probes :]
    kept = [task for task in probes if keep(task)]
    return replace(info, tasks=(*(task for task in stream if keep(task)), *kept), probes=len(kept))
