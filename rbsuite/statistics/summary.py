"""Experiments in figures: one summary a condition, one comparison with the baseline for each condition that has another memory.

Values are means over tasks of each task's mean over orders. A rollout that broke (environment or model error) scores 0 in them, is counted,
and is shown; nothing leaves the denominator.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rbsuite.judges.truth import is_success
from rbsuite.record import FACTORS, Condition, RunInfo
from rbsuite.statistics.about import About, about
from rbsuite.statistics.exact import holm
from rbsuite.statistics.failures import FailureBounds, broken_cells, failure_bounds
from rbsuite.statistics.intervals import Estimate, average, p_value
from rbsuite.statistics.memory_use import MemoryUse, memory_use
from rbsuite.statistics.pairing import Paired, StreamScores, difference, pair, stream_tasks, success
from rbsuite.statistics.parts import DomainResult, DomainTasks, domain_results, main_tasks, measures_of, parts_apart
from rbsuite.statistics.power import detectable_by
from rbsuite.statistics.reading import (
    INVALID,
    UNREADABLE,
    WARM,
    Keep,
    Rollouts,
    RunRows,
    Runs,
    averaged,
    broken_share,
    counted,
    read_runs,
)
from rbsuite.statistics.rollouts import RolloutFigures, pass_at_k, pass_hat_k, rollout_figures
from rbsuite.statistics.shares import over_tasks, proportion
from rbsuite.store import ExperimentStore, ResultRow
from rbsuite.trajectory import BROKEN_ENDS, Usage

UNPARSED = "parse_errors"

REASONS_KEPT = 5
"""How many different reasons of one end are kept of a condition."""

_TURNS = "the turns of a rollout are used up, or the environment cut it off."

_UNKNOWN = Estimate(math.nan, None)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rollouts ended.

    Attributes:
        text: in words.
        count: of how many rollouts.
        task: the first of them.
    """

    text: str
    count: int
    task: str


@dataclass(frozen=True, slots=True)
class ConditionSummary:
    """What one condition came to on the tasks that are looked at.

    Attributes:
        condition: what was run.
        n_tasks: tasks in the denominator.
        orders: runs of the condition.
        committed: tasks committed over all runs; below ``n_tasks * orders`` the experiment is not finished.
        success: share of tasks solved, by the environment's own score.
        measures: the further figures that the environment keeps, by name, of the rollouts that count.
        scores: mean score of each task over the orders, by task id.
        streams: the scores of each run.
        sources: of each run, the place of its experiment among those that are summarised.
        steps: agent turns a rollout, mean.
        usage: cost of these tasks over all runs, by purpose.
        ends: rollouts by why they ended.
        reasons: by end, but for ``finished``, its most frequent reasons.
        judged: verdicts against the truth: ``(label, solved)`` to count.
        recalled: share of tasks for which something was recalled: text was put before the agent.
        notes: counts the memory reported.
        unread: rollouts that ended because replies could not be read as actions, or that answered nothing that could be read.
        invalid: rollouts of which the environment says that actions of them were invalid.
        broken: the cells whose score is 0 because the rollout that counts broke, by run (as ``streams``), with how much of the answer that
            is: 1, or less where it is a mean.
        averaged: whether a task's score is the mean of its rollouts'.
        solved_steps: agent turns of the rollouts that solved their task, mean; not a number where none did.
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
        """Whether nothing was recalled in its runs, so that no order could matter to them."""
        return self.committed > 0 and self.recalled == 0

    @property
    def undeclared(self) -> int:
        """Its runs that were added once those that the experiment declared were finished."""
        return sum(not stream.info.declared for stream in self.streams)

    @property
    def rollouts(self) -> int:
        """Rollouts over all runs."""
        return sum(self.ends.values())

    @property
    def failures(self) -> int:
        """Rollouts that broke."""
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
        """:attr:`judge_accuracy` with its interval, which takes verdicts as independent; unknown without verdicts."""
        decided = {key: count for key, count in self.judged.items() if key[0] in ("success", "failure")}
        right = sum(count for (label, solved), count in decided.items() if (label == "success") == solved)
        return proportion(right, sum(decided.values()))

    @property
    def rollouts_a_task(self) -> int:
        """The fewest rollouts any task has; 0 before the first task."""
        return min((len(scores) for stream in self.streams for scores in stream.rollouts.values()), default=0)

    def passes(self, k: int) -> tuple[Estimate, Estimate] | None:
        """pass@k and pass^k of the rollouts of a task in one run, means over tasks; ``None`` where a task has fewer than k rollouts.

        The rollouts of a task share a bank: of a memory, both are conditional on one bank (see :meth:`passes_over_orders`).
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
        """pass^k of the answers of a task in its runs: all of k runs solve it, mean over tasks.

        For a condition that recalled nothing this is pass^k of the agent; for a memory it is that of k banks, each made in another order.
        ``None`` where a task has fewer than k runs, or its score is a mean over rollouts, which is no answer.
        """
        if self.averaged:
            return None
        solved = [[is_success(run.scores[task]) for run in self.streams if task in run.scores] for task in self.scores]
        if not solved or not 1 <= k <= min(map(len, solved)):
            return None
        values = [pass_hat_k(len(found), sum(found), k) or 0.0 for found in solved]
        return over_tasks([(f"{number}", value) for number, value in enumerate(values)])


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition against the baseline on the same tasks in the same streams.

    Attributes:
        a: the condition.
        b: the baseline.
        difference: mean over tasks of the difference of the task's means, a minus b, with the reported interval.
        p_value: two-sided, of the same error and degrees of freedom as the interval; ``None`` where they are unknown.
        p_holm: the p value adjusted for the number of declared comparisons.
        n_tasks: tasks compared.
        orders: orders behind each task's mean; with one, the interval is conditional on that order.
        same_scaling: whether both spend rollouts alike; else the difference mixes memory and budget.
        detectable: the smallest true difference that would be found with 80 % power; ``None`` where the error is unknown.
        paired: the scores themselves.
        failures: what broken rollouts could change; ``None`` where there are none.
        of_means: the difference where the mean score of all rollouts of a task counts instead of the selected one's; ``None`` where
            tasks have one rollout, several that build on each other, or that mean as their score.
    """

    a: Condition
    b: Condition
    difference: Estimate
    p_value: float | None
    p_holm: float | None
    n_tasks: int
    orders: int
    same_scaling: bool
    detectable: float | None
    paired: Paired
    failures: FailureBounds | None
    of_means: Estimate | None = None


@dataclass(frozen=True, slots=True)
class ApartSummary:
    """The figures of a domain that is reported separately, as :class:`Summary` has those of the others.

    Attributes:
        part: the domain and its tasks.
        conditions, comparisons: as in a summary; p values are adjusted within the part.
    """

    part: DomainTasks
    conditions: Sequence[ConditionSummary]
    comparisons: Sequence[Comparison]


@dataclass(frozen=True, slots=True)
class Summary:
    """Experiments in figures.

    Attributes:
        conditions: in the order they were asked for; over the tasks that are not reported separately, unless all are.
        comparisons: the declared ones, see :func:`declared`; over the same tasks.
        about: what is known of the tasks.
        domains: the figures by domain of each condition, see :func:`rbsuite.statistics.parts.domain_results`.
        rollouts: the figures over all rollouts of each condition, over the same tasks as ``conditions``; ``None`` where nothing is done.
        memory: what the memory of each condition did, over all tasks.
        repeated: runs that a later experiment holds once more (same condition, same stream) and that were left out, by their condition.
        apart: the domains that are reported separately.
        all_apart: whether all tasks are reported separately, so that the figures are over them.
        first_failure: where the first broken rollout was and why it broke, whatever its task; empty where there is none.
    """

    conditions: Sequence[ConditionSummary]
    comparisons: Sequence[Comparison]
    about: About
    domains: Mapping[Condition, Sequence[DomainResult]]
    rollouts: Mapping[Condition, RolloutFigures | None]
    memory: Mapping[Condition, MemoryUse]
    repeated: Sequence[Condition] = ()
    apart: Sequence[ApartSummary] = ()
    all_apart: bool = False
    first_failure: str = ""

    def mean_of_domains(self, condition: Condition) -> float | None:
        """The mean of the domains' success: each domain weighs the same, however many tasks it has. ``None`` where there is one."""
        done = [
            one for one in self.domains[condition] if one.tasks and (self.all_apart or one.name not in self.about.apart)
        ]
        return average([one.success.mean for one in done]) if len(done) > 1 else None

    @property
    def shown_apart(self) -> Sequence[ApartSummary]:
        """The parts whose figures are not already the summary's own."""
        return () if self.all_apart and len(self.apart) == 1 else self.apart


@dataclass
class _Tally:
    scores: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    rollouts: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    probes: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    steps: int = 0
    solved_steps: list[int] = field(default_factory=list)
    unread: int = 0
    invalid: int = 0
    broken: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    averaged: bool = False
    recalled: int = 0
    usage: dict[str, Usage] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, dict[str, Reason]] = field(default_factory=lambda: defaultdict(dict))
    judged: Counter[tuple[str, bool]] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, run: str, row: ResultRow) -> None:
        self.steps += row.steps
        self.ends[row.end] += 1
        if row.end != "finished":
            text = row.error or (_TURNS if row.end == "max_steps" else "")
            known = self.reasons[row.end].get(text, Reason(text, 0, row.task_id))
            self.reasons[row.end][text] = replace(known, count=known.count + 1)
        if is_success(row.score):
            self.solved_steps.append(row.steps)
        self.unread += row.end == UNPARSED or bool(row.truth.get(UNREADABLE))
        self.invalid += any(bool(row.truth.get(name)) for name in INVALID)
        self.rollouts[run][row.task_id].append(row.score or 0.0)
        if row.label:
            self.judged[row.label, is_success(row.score)] += 1
        self.spend(row.usage)
        if row.whole is not None:
            self.spend(row.whole.usage)
            self.recalled += row.whole.recalled
            self.notes.update(row.whole.notes)

    def answer(self, run: str, rollouts: Rollouts) -> None:
        task = rollouts[0].task_id
        self.scores[run][task] = counted(rollouts).score or 0.0
        self.averaged = self.averaged or averaged(rollouts)
        if (share := broken_share(rollouts)) > 0:
            self.broken[run][task] = share

    def spend(self, usage: Mapping[str, Usage]) -> None:
        for purpose, spent in usage.items():
            self.usage[purpose] = self.usage.get(purpose, Usage()) + spent

    def stream(self, key: str, info: RunInfo) -> StreamScores:
        rollouts = {task: tuple(scores) for task, scores in self.rollouts[key].items()}
        return StreamScores(info, dict(self.scores[key]), rollouts, dict(self.probes[key]))


def summarise(*stores: ExperimentStore, baseline: str | None = None) -> Summary:
    """The figures of an experiment, or of several together; each store is read once.

    Args:
        stores: experiments on the same tasks; whether they may be put together is for the caller to say.
        baseline: the memory to compare with, by default the one of the first condition.

    Raises:
        StoreError: a store cannot be read.
    """
    runs, repeated = read_runs(stores)
    memory = next(iter(runs)).memory if baseline is None else baseline
    # The factors beside memory and scaling for which one of the experiments has several levels.
    configs = [store.manifest.config for store in stores]
    factors = [name for name in FACTORS[2:] if any(isinstance(c.get(name), list) and len(c[name]) > 1 for c in configs)]
    at_once = frozenset().union(*(about(store).at_once for store in stores))
    known = replace(about(stores[0]), at_once=at_once)
    parts = parts_apart(known)
    main = main_tasks({task for found in runs.values() for run in found for task in run.info.tasks}, parts)
    keep = main or (lambda task: True)
    conditions, comparisons = _figures(runs, memory, factors, known, keep)
    domains = {condition: domain_results(found, known) for condition, found in runs.items()}
    return Summary(
        conditions=conditions,
        comparisons=comparisons,
        about=known,
        domains=domains,
        rollouts={made: rollout_figures(found, keep) for made, found in runs.items()},
        memory={condition: memory_use(found) for condition, found in runs.items()},
        repeated=repeated,
        apart=[ApartSummary(part, *_figures(runs, memory, factors, known, part.tasks.__contains__)) for part in parts],
        all_apart=main is None,
        first_failure=next(_failures(runs), ""),
    )


def _failures(runs: Runs) -> Iterator[str]:
    for condition, found in runs.items():
        for rollouts in (rollouts for run in found for rollouts in (*run.tasks, *run.probes)):
            for row in rollouts:
                if row.end in BROKEN_ENDS:
                    yield f"{condition.label} on task {row.task_id}: {row.error}"


def _figures(
    runs: Runs, baseline: str, factors: Sequence[str], known: About, keep: Keep
) -> tuple[Sequence[ConditionSummary], Sequence[Comparison]]:
    conditions = [_condition(condition, found, known, keep) for condition, found in runs.items()]
    compared = [compare(a, b, known.at_once) for a, b in declared(conditions, baseline, factors)]
    adjusted = holm([comparison.p_value for comparison in compared])
    return conditions, [replace(one, p_holm=p) for one, p in zip(compared, adjusted, strict=True)]


def declared(
    conditions: Sequence[ConditionSummary], baseline: str, factors: Sequence[str] = ()
) -> list[tuple[ConditionSummary, ConditionSummary]]:
    """The comparisons that the choice of conditions declares, fixed before any result is seen.

    Each condition with another memory is compared with the baseline memory at the same levels of all else; where there is no such
    condition, under the first scaling, judge or embedder of the baseline with that model, agent, temperature and prompts. A memory that
    began with the bank of another experiment is compared with itself begun empty as well (transfer). Besides, each level of a declared
    factor is compared with the first level, all else being the same. Where all conditions have one memory and no factor is declared, each
    is compared with the first.

    Args:
        conditions: the conditions, the baseline first.
        baseline: the memory to compare with.
        factors: the factors beside memory and scaling for which an experiment declares several levels.
    """
    base = [one for one in conditions if one.condition.memory == baseline]
    if len(base) == len(conditions):
        alone = [(other, conditions[0]) for other in conditions[1:]]
        return _levels(conditions, ("scaling", *factors)) if factors else alone
    pairs = []
    for one in conditions:
        made = one.condition
        fitting = [b for b in base if _setting(b.condition) == _setting(made)]
        if made.memory == baseline or not fitting:
            continue
        alike = [
            (
                b.condition.scaling == made.scaling,
                b.condition.judge == made.judge,
                b.condition.embedder == made.embedder,
            )
            for b in fitting
        ]
        pairs.append((one, fitting[alike.index(max(alike))]))
    return pairs + _transfers(conditions, baseline) + _levels(conditions, factors)


def _levels(
    conditions: Sequence[ConditionSummary], factors: Sequence[str]
) -> list[tuple[ConditionSummary, ConditionSummary]]:
    """Each condition with the one that differs from it in one factor alone and has the first level of that."""
    by_condition = {one.condition: one for one in conditions}
    first = conditions[0].condition
    pairs = []
    for name in factors:
        for one in conditions:
            other = by_condition.get(replace(one.condition, **{name: getattr(first, name)}))
            if other is not None and other is not one:
                pairs.append((one, other))
    return pairs


def _setting(condition: Condition) -> tuple[str, ...]:
    return condition.model, condition.agent, condition.temperature, condition.prompts


def _transfers(
    conditions: Sequence[ConditionSummary], baseline: str
) -> list[tuple[ConditionSummary, ConditionSummary]]:
    """Each memory that began with another experiment's bank, with itself begun empty, unless that is the baseline."""
    begun_empty = {one.condition: one for one in conditions if one.condition.memory != baseline}
    pairs = []
    for one in conditions:
        memory, warm, _ = one.condition.memory.partition(WARM)
        cold = begun_empty.get(replace(one.condition, memory=memory))
        if warm and cold is not None:
            pairs.append((one, cold))
    return pairs


def compare(a: ConditionSummary, b: ConditionSummary, at_once: Collection[str] = ()) -> Comparison:
    """The paired difference of two conditions over what both have done; its p value is not adjusted.

    Args:
        a: the condition.
        b: the baseline.
        at_once: the scalings whose rollouts of a task are made side by side.
    """
    paired = pair(a.streams, b.streams, (a.exchangeable, b.exchangeable))
    estimate = difference(paired) or _UNKNOWN
    p = p_value(estimate)
    return Comparison(
        a=a.condition,
        b=b.condition,
        difference=estimate,
        p_value=p,
        p_holm=p,
        n_tasks=len(paired.tasks),
        orders=paired.orders,
        same_scaling=a.condition.scaling == b.condition.scaling,
        detectable=detectable_by(estimate),
        paired=paired,
        failures=failure_bounds(paired, broken_cells(a.streams, a.broken), broken_cells(b.streams, b.broken)),
        of_means=_of_means(a, b, at_once),
    )


def _of_means(a: ConditionSummary, b: ConditionSummary, at_once: Collection[str]) -> Estimate | None:
    """The difference of the mean scores of all rollouts, where that says more than the selected ones do."""
    several = [one for one in (a, b) if one.rollouts_a_task > 1]
    if all(one.averaged for one in several) or any(one.condition.scaling not in at_once for one in several):
        return None

    def means(streams: Sequence[StreamScores]) -> list[StreamScores]:
        return [replace(one, scores={task: average(one.rollouts[task]) for task in one.scores}) for one in streams]

    return difference(pair(means(a.streams), means(b.streams), (a.exchangeable, b.exchangeable)))


def _condition(condition: Condition, runs: Sequence[RunRows], known: About, keep: Keep) -> ConditionSummary:
    tally = _Tally()
    streams = []
    for number, run in enumerate(runs):
        key = f"{number}"
        for rollouts in _kept(run.tasks, keep):
            tally.answer(key, rollouts)
            for row in rollouts:
                tally.add(key, row)
        for rollouts in _kept(run.probes, keep):  # their score is kept apart, and their cost is left out
            tally.probes[key][rollouts[0].task_id] = counted(rollouts).score or 0.0
        streams.append(tally.stream(key, _narrowed(run.info, keep)))
    by_task: defaultdict[str, list[float]] = defaultdict(list)
    for stream in streams:
        for task, score in stream.scores.items():
            by_task[task].append(score)
    committed = sum(len(stream.scores) for stream in streams)
    ended = sum(tally.ends.values())
    return ConditionSummary(
        condition=condition,
        n_tasks=len(streams[0].tasks),
        orders=len(runs),
        committed=committed,
        success=success(streams, ordered=not committed or tally.recalled > 0) or _UNKNOWN,
        measures=measures_of([counted(one) for run in runs for one in _kept(run.tasks, keep)], known.measures),
        scores={task: average(values) for task, values in by_task.items()},
        streams=streams,
        sources=[run.source for run in runs],
        steps=tally.steps / ended if ended else math.nan,
        usage=dict(sorted(tally.usage.items())),
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
    """The run as if its stream had held no other tasks."""
    stream, probes = stream_tasks(info), info.tasks[len(info.tasks) - info.probes :]
    kept = [task for task in probes if keep(task)]
    return replace(info, tasks=(*(task for task in stream if keep(task)), *kept), probes=len(kept))
