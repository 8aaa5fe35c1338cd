"""What broken rollouts (environment or model errors), which score 0, could change about a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rbsuite.statistics.intervals import Estimate
from rbsuite.statistics.pairing import Paired, StreamKey, StreamScores, difference, pair

Broken = Mapping[StreamKey, Mapping[str, float]]
"""The tasks whose answer broke, by stream, with the share that broke: 1 for a single rollout, less if the mean of several counts."""


@dataclass(frozen=True, slots=True)
class FailureBounds:
    """A difference under other views of the broken rollouts.

    Attributes:
        a, b: number of broken answers of the condition and of the baseline.
        excluded: the difference without them: a broken answer is treated as missing, on the other side of its pair too; if the answer is a
            mean, only its broken rollouts are left out.
        against: the difference with every broken answer counted against the condition: its own as failed, the baseline's as solved.
        in_favour: the difference with every broken answer counted in favour of the condition.
        matters: whether one of these tells a different story: its interval excludes 0 and the reported one does not, or the reverse, or it
            is on the other side of 0.
    """

    a: int
    b: int
    excluded: Estimate | None
    against: Estimate
    in_favour: Estimate
    matters: bool


def broken_cells(streams: Sequence[StreamScores], broken: Sequence[Mapping[str, float]]) -> Broken:
    """The tasks whose answer broke, by stream.

    Args:
        streams: the runs of a condition.
        broken: for each run, the tasks whose answer broke, with the share that broke.
    """
    return {stream.key: tasks for stream, tasks in zip(streams, broken, strict=True) if tasks}


def failure_bounds(paired: Paired, a: Broken, b: Broken) -> FailureBounds | None:
    """What the broken answers could change; ``None`` if there are none in the compared cells.

    Args:
        paired: the scores.
        a: the tasks whose answer broke under the condition, by stream.
        b: those whose answer broke under the baseline.
    """
    counts = [
        sum(len(run.scores.keys() & of.get(run.key, {}).keys()) for run in runs)
        for runs, of in ((paired.a, a), (paired.b, b))
    ]
    reported = difference(paired)
    if reported is None or not any(counts):
        return None
    excluded = difference(_without(paired, a, b))
    # In the reported figures a broken rollout scores 0.
    against = difference(_with(paired, {}, b))
    in_favour = difference(_with(paired, a, {}))
    assert against is not None, "the same cells are compared"
    assert in_favour is not None, "the same cells are compared"
    found = {_verdict(one) for one in (reported, excluded, against, in_favour) if one is not None}
    return FailureBounds(counts[0], counts[1], excluded, against, in_favour, len(found) > 1)


def _verdict(estimate: Estimate) -> int:
    """1 or -1 if the interval is on one side of 0, else 0."""
    if estimate.interval is None:
        return 0
    return (estimate.interval[0] > 0) - (estimate.interval[1] < 0)


def _without(paired: Paired, a: Broken, b: Broken) -> Paired:
    def kept(run: StreamScores, own: Broken) -> StreamScores:
        gone = {task for broken in (a, b) for task, share in broken.get(run.key, {}).items() if share >= 1}
        lost = own.get(run.key, {})
        scores = {task: score / (1 - lost.get(task, 0.0)) for task, score in run.scores.items() if task not in gone}
        return replace(run, scores=scores)

    return pair([kept(run, a) for run in paired.a], [kept(run, b) for run in paired.b], paired.exchangeable)


def _with(paired: Paired, a: Broken, b: Broken) -> Paired:
    """With these broken rollouts counted as solved."""

    def counted(run: StreamScores, broken: Broken) -> StreamScores:
        lost = broken.get(run.key, {})
        return replace(run, scores={task: score + lost.get(task, 0.0) for task, score in run.scores.items()})

    return pair([counted(run, a) for run in paired.a], [counted(run, b) for run in paired.b], paired.exchangeable)
