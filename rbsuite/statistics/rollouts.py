"""Figures over all rollouts of a task, whichever of them counts: avg@k, pass@k, pass^k, and a vote over the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

from rbsuite.judges.truth import is_success
from rbsuite.statistics.intervals import Estimate, average
from rbsuite.statistics.reading import ANSWER, Keep, Rollouts, RunRows
from rbsuite.statistics.shares import ByTask
from rbsuite.trajectory import BROKEN_ENDS


@dataclass(frozen=True, slots=True)
class RolloutFigures:
    """The results over all rollouts of one condition. Intervals are over tasks, given the orders that were run.

    Attributes:
        k: the number of rollouts that every task has.
        average: avg@k, the mean over tasks of the mean over their rollouts.
        passed: pass@k, unbiased.
        voted: maj@k, the score of the answer given by most rollouts of a task (the first one in a tie); ``None`` if the environment does
            not report answers. An answer that could not be parsed has no vote.
    """

    k: int
    average: Estimate
    passed: Estimate
    voted: Estimate | None


def rollout_figures(runs: Sequence[RunRows], keep: Keep) -> RolloutFigures | None:
    """The figures of one condition's runs, without probes; ``None`` if nothing is committed.

    Args:
        runs: the runs.
        keep: selects the tasks that are considered.
    """
    tasks = [rollouts for run in runs for rollouts in run.tasks if keep(rollouts[0].task_id)]
    if not tasks:
        return None
    k = min(map(len, tasks))
    told = any(ANSWER in row.truth for rollouts in tasks for row in rollouts)
    by_task = ByTask([rollouts[0].task_id for rollouts in tasks])
    scored = [_scores(rollouts) for rollouts in tasks]
    return RolloutFigures(
        k=k,
        average=by_task.mean([average(scores) for scores in scored]),
        passed=by_task.mean([pass_at_k(len(scores), sum(map(is_success, scores)), k) or 0.0 for scores in scored]),
        voted=by_task.mean([voted(rollouts) for rollouts in tasks]) if told else None,
    )


def voted(rollouts: Rollouts) -> float:
    """The score of the answer with the most votes, the first one seen in a tie; 0 if there is no answer."""
    if len(rollouts) == 1 and rollouts[0].end not in BROKEN_ENDS:
        return 0.0 if rollouts[0].truth.get(ANSWER) is None else rollouts[0].score or 0.0
    answers = [None if row.end in BROKEN_ENDS else row.truth.get(ANSWER) for row in rollouts]
    votes = Counter(answer for answer in answers if answer is not None)
    if not votes:
        return 0.0
    most = max(votes.values())
    winner = next(place for place, answer in enumerate(answers) if answer is not None and votes[answer] == most)
    return _scores(rollouts)[winner]


def pass_at_k(n: int, solved: int, k: int) -> float | None:
    """Probability that at least one of k rollouts succeeds, unbiased (Chen et al. 2021, arXiv 2107.03374); ``None`` for fewer than k.

    Args:
        n: number of rollouts of the task.
        solved: how many of them succeeded.
        k: at least 1.

    Raises:
        ValueError: the counts make no sense.
    """
    _check(n, solved, k)
    return None if n < k else 1.0 - comb(n - solved, k) / comb(n, k)


def pass_hat_k(n: int, solved: int, k: int) -> float | None:
    """Probability that all of k rollouts succeed (pass^k of tau-bench, arXiv 2406.12045); arguments as for :func:`pass_at_k`."""
    _check(n, solved, k)
    return None if n < k else comb(solved, k) / comb(n, k)


def _scores(rollouts: Rollouts) -> Sequence[float]:
    return [row.score or 0.0 for row in rollouts]


def _check(n: int, solved: int, k: int) -> None:
    if not 0 <= solved <= n or k < 1:
        raise ValueError(f"no {solved} successes of {n} rollouts at k = {k}")
