"""What carries out the runs of an experiment: the contract that every executor keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rbsuite.errors import PluginError, RbsuiteError, told
from rbsuite.record import RunInfo
from rbsuite.run.config import Execution, one_at_a_time
from rbsuite.run.plan import Plan
from rbsuite.run.sink import Sink
from rbsuite.run.spending import Spending
from rbsuite.run.worker import Job, Worker


class Executor(Protocol):
    """Carries out runs, wherever that is; their results go to the one sink of this process."""

    at_once: int
    """How many runs it takes at the same time."""

    async def carry_out(self, job: Job) -> None:
        """Carry out a run, from its current position to its end.

        Raises:
            RbsuiteError: the run cannot continue; what was committed stays.
        """

    async def aclose(self) -> None:
        """Stop whatever is under way, and release what was taken."""


@dataclass(frozen=True, slots=True)
class WorkSetting:
    """What an executor works on.

    Attributes:
        plan: the experiment.
        execution: how fast.
        sink: where records and events go.
        spending: what is spent.
        hides: whether logs leave out what was said.
        job: makes the job of a run, as far as the run has come.
    """

    plan: Plan
    execution: Execution
    sink: Sink
    spending: Spending
    hides: bool
    job: Callable[[RunInfo], Job]


class LocalExecutor:
    """Carries out runs on the event loop of this process.

    Args:
        setting: what is carried out.
    """

    def __init__(self, setting: WorkSetting) -> None:
        plan, execution = setting.plan, setting.execution
        alone = one_at_a_time(plan.spec, plan.config)
        self.at_once = 1 if alone else execution.concurrency
        environment, meter = (plan.environment, plan.tasks), setting.spending.meter()
        self._worker = Worker(plan.config, plan.recipe, plan.plugins, setting.sink, execution, meter, environment)

    async def carry_out(self, job: Job) -> None:
        """See :class:`Executor`."""
        await self._worker.run(job)

    async def aclose(self) -> None:
        """See :class:`Executor`."""
        await self._worker.__aexit__()


def sendable(error: BaseException, where: str = "") -> RbsuiteError:
    """An error that can be sent to another process.

    Args:
        error: what was raised.
        where: where it happened, if that is to be said.
    """
    before = f"{where}: " if where else ""
    if isinstance(error, RbsuiteError):
        plain = RbsuiteError.__new__(type(error))
        RbsuiteError.__init__(plain, before + error.message, error.remedy)
        return plain
    return PluginError(f"{before}{told(error)}")
