"""Figures of experiments whose environment reads answers: what could be read, votes over what was read, chance.

An environment reads answers if its rollouts' truth holds a ``reading`` (see :class:`rbsuite_questions.environment.QuestionEnvironment`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rbsuite.judges.truth import is_success
from rbsuite.statistics.about import About
from rbsuite.statistics.attempts import pass_at_k
from rbsuite.statistics.intervals import Estimate, average, over_tasks
from rbsuite.statistics.parts import DomainResult, Keep
from rbsuite.statistics.reading import N_CHOICES, READING, Rollouts, RunRows
from rbsuite.trajectory import BROKEN_ENDS

INTEGER_CHANCE = 1 / 1000
"""Chance to hit an integer from 0 to 999."""


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
        domains: the figures by domain, of the rollout that counts; empty where there is one domain.
    """

    reader: str
    rollouts: int
    unparsed: int
    k: int
    average: Estimate
    majority: Estimate
    passed: Estimate
    chance: float
    domains: Sequence[DomainResult]

    @property
    def unparsed_share(self) -> float:
        """Share of rollouts without an answer that could be read."""
        return self.unparsed / self.rollouts if self.rollouts else 0.0

    @property
    def domain_mean(self) -> float:
        """The mean of the domains' success: each domain weighs the same, however many tasks it has."""
        done = [domain.success.mean for domain in self.domains if domain.tasks]
        return average(done) if done else self.average.mean


@dataclass(frozen=True, slots=True)
class Answered:
    """The rollouts of a task in one run.

    Attributes:
        task: its id.
        scores: the score of each rollout; 0 for a broken one.
        readings: what was read from each; ``None`` for nothing.
        broken: how many rollouts broke.
        chance: what guessing scores.
    """

    task: str
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


def answer_figures(
    runs: Sequence[RunRows], about: About, domains: Sequence[DomainResult], keep: Keep | None = None
) -> AnswerFigures | None:
    """The figures of one condition's runs, probes left out; ``None`` where nothing is read, or nothing is committed.

    Args:
        runs: the runs.
        about: what is known of the tasks.
        domains: the condition's figures by domain.
        keep: the tasks that are looked at; ``None``: all.
    """
    if not about.reader:
        return None
    cells = [_answered(rollouts) for run in runs for rollouts in run.tasks if keep is None or keep(rollouts[0].task_id)]
    if not cells:
        return None
    k = min(len(cell.scores) for cell in cells)
    return AnswerFigures(
        reader=about.reader,
        rollouts=sum(len(cell.scores) - cell.broken for cell in cells),
        unparsed=sum(cell.readings.count(None) - cell.broken for cell in cells),
        k=k,
        average=over_tasks([(cell.task, average(cell.scores)) for cell in cells]),
        majority=over_tasks([(cell.task, cell.majority) for cell in cells]),
        passed=over_tasks([(cell.task, _passed(cell, k)) for cell in cells]),
        chance=average([cell.chance for cell in cells]),
        domains=[one for one in domains if keep is None or one.name not in about.apart],
    )


def _answered(rollouts: Rollouts) -> Answered:
    truths = [row.truth for row in rollouts]
    known = next((truth for truth in truths if READING in truth), {})
    return Answered(
        rollouts[0].task_id,
        tuple(row.score or 0.0 for row in rollouts),
        tuple(truth.get(READING) for truth in truths),
        sum(row.end in BROKEN_ENDS for row in rollouts),
        _chance(known),
    )


def _passed(cell: Answered, k: int) -> float:
    return pass_at_k(len(cell.scores), sum(map(is_success, cell.scores)), k) or 0.0


def _chance(truth: Mapping[str, object]) -> float:
    n = truth.get(N_CHOICES, 0)
    return 1 / n if isinstance(n, int) and n else INTEGER_CHANCE
