"""Figures of experiments whose environment reads answers: what could be read, votes over what was read, scores by domain, chance.

An environment reads answers if its rollouts' truth holds a ``reading`` (see :class:`rbsuite_questions.environment.QuestionEnvironment`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rbsuite.judges.truth import is_success
from rbsuite.record import RolloutRecord, RunInfo
from rbsuite.statistics.attempts import pass_at_k
from rbsuite.statistics.intervals import Estimate, average, over_tasks
from rbsuite.store import ExperimentStore

INTEGER_CHANCE = 1 / 1000
"""Chance to hit an integer from 0 to 999."""


@dataclass(frozen=True, slots=True)
class DomainFigures:
    """A domain (a category, a year): its tasks, and the mean of their means with an interval over tasks."""

    name: str
    tasks: int
    average: Estimate


@dataclass(frozen=True, slots=True)
class AnswerFigures:
    """What the answers of one condition came to. Intervals are over tasks, given the orders that were run.

    Attributes:
        reader: id of what read the answers.
        rollouts: rollouts that were not broken.
        unparsed: how many of them gave no answer that could be read; they count as wrong.
        k: rollouts that every task has.
        average: avg@k, the mean over tasks of the mean over their rollouts; so domains weigh as many tasks as they have.
        majority: maj@k: the score of the answer that most rollouts of a task give (the first of equals); no vote for what was not read.
        passed: pass@k, unbiased.
        chance: what guessing scores on these tasks.
        domains: by domain, in order of their names.
    """

    reader: str
    rollouts: int
    unparsed: int
    k: int
    average: Estimate
    majority: Estimate
    passed: Estimate
    chance: float
    domains: Sequence[DomainFigures]

    @property
    def unparsed_share(self) -> float:
        """Share of rollouts without an answer that could be read."""
        return self.unparsed / self.rollouts if self.rollouts else 0.0

    @property
    def domain_mean(self) -> float:
        """The mean of the domains' means: each domain weighs the same, however many tasks it has."""
        return average([domain.average.mean for domain in self.domains])


@dataclass(frozen=True, slots=True)
class Answered:
    """The rollouts of a task in one run.

    Attributes:
        task: its id.
        domain: its domain.
        scores: the score of each rollout; 0 for a broken one.
        readings: what was read from each; ``None`` for nothing.
        broken: how many rollouts broke.
        chance: what guessing scores.
    """

    task: str
    domain: str
    scores: tuple[float, ...]
    readings: tuple[str | None, ...]
    broken: int
    chance: float

    @property
    def majority(self) -> float:
        """The score of the answer with the most votes, the first seen of equals; 0 where nothing was read."""
        votes = Counter(reading for reading in self.readings if reading is not None)
        if not votes:
            return 0.0
        most = max(votes.values())
        winner = next(reading for reading in self.readings if reading is not None and votes[reading] == most)
        return self.scores[self.readings.index(winner)]


def reader_of(store: ExperimentStore) -> str:
    """The id of what read an experiment's answers; empty where nothing did."""
    return str(store.manifest.facts["environment"].get("reader", ""))


def answer_figures(runs: Sequence[tuple[ExperimentStore, RunInfo]]) -> AnswerFigures | None:
    """The figures of one condition's runs; ``None`` where nothing is read, or nothing is committed.

    Args:
        runs: the runs, each with the store it is in.

    Raises:
        StoreError: a store cannot be read.
    """
    reader = reader_of(runs[0][0])
    cells = [cell for store, info in runs for cell in answered(store, info)] if reader else []
    if not cells:
        return None
    k = min(len(cell.scores) for cell in cells)
    by_domain: defaultdict[str, list[Answered]] = defaultdict(list)
    for cell in cells:
        by_domain[cell.domain].append(cell)
    return AnswerFigures(
        reader=reader,
        rollouts=sum(len(cell.scores) - cell.broken for cell in cells),
        unparsed=sum(cell.readings.count(None) - cell.broken for cell in cells),
        k=k,
        average=over_tasks([(cell.task, average(cell.scores)) for cell in cells]),
        majority=over_tasks([(cell.task, cell.majority) for cell in cells]),
        passed=over_tasks([(cell.task, _passed(cell, k)) for cell in cells]),
        chance=average([cell.chance for cell in cells]),
        domains=[_domain(name, by_domain[name]) for name in sorted(by_domain)],
    )


def answered(store: ExperimentStore, info: RunInfo) -> Iterator[Answered]:
    """The tasks of a run, probes left out."""
    for record in store.records(info.id, trajectories=False, stop=len(info.tasks) - info.probes):
        truths = [rollout.trajectory.truth for rollout in record.rollouts]
        known = next((truth for truth in truths if "reading" in truth), {})
        yield Answered(
            record.task_id,
            str(known.get("domain", "")),
            tuple(rollout.trajectory.score or 0.0 for rollout in record.rollouts),
            tuple(truth.get("reading") for truth in truths),
            sum(_broken(rollout) for rollout in record.rollouts),
            _chance(known),
        )


def _domain(name: str, cells: Sequence[Answered]) -> DomainFigures:
    tasks = len({cell.task for cell in cells})
    return DomainFigures(name, tasks, over_tasks([(cell.task, average(cell.scores)) for cell in cells]))


def _passed(cell: Answered, k: int) -> float:
    return pass_at_k(len(cell.scores), sum(map(is_success, cell.scores)), k) or 0.0


def _broken(rollout: RolloutRecord) -> bool:
    return rollout.trajectory.broken


def _chance(truth: Mapping[str, object]) -> float:
    n = truth.get("n_choices", 0)
    return 1 / n if isinstance(n, int) and n else INTEGER_CHANCE
