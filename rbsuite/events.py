"""What happens in an experiment, as it happens: one typed stream that feeds the progress display, plugins' observers and logs alike.

Events only report; nothing flows back from them. What runs ahead of its turn is reported as it happens, and taken back by
:class:`RolloutDiscarded`; :class:`TaskCommitted` is what counts.
"""

from __future__ import annotations

from rbsuite.frozen import dataclass
from rbsuite.record import RunInfo, TaskRecord
from rbsuite.trajectory import Step, Trajectory, Usage
from rbsuite.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an experiment something happened.

    Attributes:
        run: id of the run.
        position: place of the task in the run's stream, from 0.
        task_id: the task.
        rollout: index of the rollout; -1 for what all rollouts of the task share.
    """

    run: str
    position: int
    task_id: str
    rollout: int = -1


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run starts, or resumes.

    Attributes:
        run: the run.
        resumed_at: number of tasks that were committed before.
    """

    run: RunInfo
    resumed_at: int


@dataclass(frozen=True, slots=True)
class TaskOpened:
    """A task is open: the user, if one takes part, has spoken.

    Attributes:
        place: the task.
        query: what memory will be searched with.
    """

    place: Place
    query: str


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A turn of the agent or the user.

    Attributes:
        place: the rollout.
        number: index of the step within the rollout.
        step: the step, with its reward, which nobody in the rollout sees.
    """

    place: Place
    number: int
    step: Step


@dataclass(frozen=True, slots=True)
class ModelCalled:
    """A model has answered.

    Attributes:
        place: what the call was for.
        purpose: ``agent``, ``user``, ``judge``, ``memory``, ``select`` or ``grade``.
        model: its name.
        usage: what it cost.
        seconds: wall time.
    """

    place: Place
    purpose: str
    model: str
    usage: Usage
    seconds: float


@dataclass(frozen=True, slots=True)
class ModelWaiting:
    """A call has failed and will be retried.

    Attributes:
        model: its name.
        reason: what went wrong, on one line.
        failures: how often the call has failed so far.
        delay: seconds until it is retried.
    """

    model: str
    reason: str
    failures: int
    delay: float


@dataclass(frozen=True, slots=True)
class RolloutEnded:
    """A rollout is over, graded and judged.

    Attributes:
        place: the rollout.
        trajectory: the whole trajectory, with ground truth.
        verdict: the judge's; ``None`` if no judge was asked.
    """

    place: Place
    trajectory: Trajectory
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class RolloutDiscarded:
    """What a task has done so far is thrown away: it ran ahead and what it had read has changed,
    or one of its rollouts broke and is retried.

    Attributes:
        place: the task.
        rollouts: how many rollouts it had begun.
    """

    place: Place
    rollouts: int


@dataclass(frozen=True, slots=True)
class TaskCommitted:
    """A task's result and memory operations are kept for good. Comes in stream order.

    Attributes:
        run: the run.
        record: all that was committed.
    """

    run: RunInfo
    record: TaskRecord


@dataclass(frozen=True, slots=True)
class RunFinished:
    """Every task of a run is committed."""

    run: RunInfo


Event = (
    RunStarted
    | TaskOpened
    | StepTaken
    | ModelCalled
    | ModelWaiting
    | RolloutEnded
    | RolloutDiscarded
    | TaskCommitted
    | RunFinished
)
