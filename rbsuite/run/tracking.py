"""The common part of plugins that report runs to an experiment tracker: figures and names, and no text of a task.

A subclass is an observer through the public hooks. It says how its service begins a run, takes figures and ends a run::

    class ToService(RunTracker):
        switch = "MY_SERVICE_PROJECT"

        def begin(self, project, name, facts): ...
        def note(self, handle, figures, position): ...
        def end(self, handle, finished): ...
"""

from __future__ import annotations

import atexit
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from rbsuite.hookspecs import hookimpl
from rbsuite.judges.truth import is_success
from rbsuite.record import FACTORS, RunInfo, TaskRecord
from rbsuite.trajectory import Usage

Figures = Mapping[str, float]


@dataclass(slots=True)
class _Open:
    """A run that is being reported: the service's handle, and its sums so far."""

    handle: Any
    tasks: int = 0
    score: float = 0.0
    usage: Usage = field(default_factory=Usage)


class RunTracker(ABC):
    """Reports each run (one condition on one order) as one run of a tracker, with one step per committed task.

    Nothing happens unless the environment variable :attr:`switch` names a project. A run that is resumed is a new run of the tracker, which
    says where it resumed; figures "so far" are of that session.
    """

    switch: ClassVar[str]
    """The environment variable that names the project, or whatever the service calls it."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}
        self._waits = False

    @abstractmethod
    def begin(self, project: str, name: str, facts: Mapping[str, str | int]) -> Any:
        """Begin a run.

        Args:
            project: the value of the variable that :attr:`switch` names.
            name: id of the run.
            facts: its condition, order, seed, number of tasks, and where it resumes.

        Returns:
            The handle that :meth:`note` and :meth:`end` are given.
        """

    @abstractmethod
    def note(self, handle: Any, figures: Figures, position: int) -> None:
        """Take the figures of a committed task."""

    @abstractmethod
    def end(self, handle: Any, finished: bool) -> None:
        """End a run, whether finished or not."""

    @hookimpl
    def rbsuite_run_started(self, run: RunInfo, resumed_at: int) -> None:
        """A run starts, or resumes."""
        project = os.environ.get(self.switch, "").strip()
        if not project:
            return
        if not self._waits:
            self._waits = True
            atexit.register(self._end_all)
        facts: dict[str, str | int] = {"condition": run.condition.label}
        facts |= {name: str(value) for name in FACTORS if (value := getattr(run.condition, name))}
        facts |= {"order": run.order, "order_name": run.order_name, "seed": str(run.seed)}
        facts |= {"tasks": len(run.tasks), "resumed_at": resumed_at}
        self._open[run.id] = _Open(self.begin(project, run.id, facts))

    @hookimpl
    def rbsuite_task_committed(self, run: RunInfo, record: TaskRecord) -> None:
        """A task is committed."""
        if (found := self._open.get(run.id)) is not None:
            usage = [*record.usage.values(), *(one for rollout in record.rollouts for one in rollout.usage.values())]
            found.tasks += 1
            found.score += record.score
            found.usage += Usage.total(usage)
            self.note(found.handle, _figures(record, usage, found), record.position)

    @hookimpl
    def rbsuite_run_finished(self, run: RunInfo) -> None:
        """A run is complete."""
        if (found := self._open.pop(run.id, None)) is not None:
            self.end(found.handle, True)

    def _end_all(self) -> None:
        """End the runs that were stopped."""
        while self._open:
            self.end(self._open.popitem()[1].handle, False)


def _figures(record: TaskRecord, usage: list[Usage], so_far: _Open) -> Figures:
    total = Usage.total(usage)
    first = next((event.recall for event in record.recalls if event.phase == "task"), None)
    figures = {
        "score": record.score,
        "solved": float(is_success(record.score)),
        "score_so_far": so_far.score / so_far.tasks,
        "rollouts": float(len(record.rollouts)),
        "broken": float(sum(rollout.trajectory.broken for rollout in record.rollouts)),
        "recalled": float(0 if first is None else len(first.items)),
        "learnt": float(len(record.ops)),
        "calls": float(total.calls),
        "tokens": float(total.tokens),
        "tokens_so_far": float(so_far.usage.tokens),
    }
    if total.cost is not None and so_far.usage.cost is not None:
        figures |= {"cost": total.cost, "cost_so_far": so_far.usage.cost}
    return figures
