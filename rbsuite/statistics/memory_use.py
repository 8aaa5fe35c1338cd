"""What a memory stored, what it recalled, and what that cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from rbsuite.statistics.intervals import average
from rbsuite.statistics.reading import RunRows, counted
from rbsuite.trajectory import Usage

CHARACTERS_PER_TOKEN = 4
"""Used to estimate the tokens of injected text: providers only count the tokens of whole requests."""

GROWTH_POINTS = 10
"""Number of positions in the stream at which the size of banks is reported."""

ACTING = ("agent", "user")
MEMORY = ("memory", "embed")


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Sums over the committed tasks of a condition.

    Attributes:
        tasks: number of tasks.
        recalls: tasks for which something was recalled, that is, text was shown to the agent.
        items: distinct items recalled, summed over tasks.
        characters: characters shown to the agent, summed over tasks.
        added, deleted: items added and deleted, over all runs.
        documents: how many times a document was written, over all runs.
        runs: how many banks.
        growth: number of tasks and the mean items in a bank after them, over the runs that got that far.
    """

    tasks: int
    recalls: int
    items: int
    characters: int
    added: int
    deleted: int
    documents: int
    runs: int
    growth: Sequence[tuple[int, float]] = ()

    @property
    def tokens_a_task(self) -> float:
        """Estimated tokens of memory in a task's prompt."""
        return self.characters / CHARACTERS_PER_TOKEN / max(1, self.tasks)

    @property
    def items_a_task(self) -> float:
        """Mean items recalled per task."""
        return self.items / max(1, self.tasks)

    @property
    def items_kept(self) -> float:
        """Mean items in a bank at the end of its run."""
        return (self.added - self.deleted) / max(1, self.runs)


def memory_use(runs: Sequence[RunRows]) -> MemoryUse:
    """What the memory of a condition did in its runs, without probes."""
    rows = [counted(rollouts).whole for run in runs for rollouts in run.tasks]
    tasks = [whole for whole in rows if whole is not None]
    return MemoryUse(
        tasks=len(tasks),
        recalls=sum(task.recalled for task in tasks),
        items=sum(task.items for task in tasks),
        characters=sum(task.characters for task in tasks),
        added=sum(task.ops.get("add", 0) for task in tasks),
        deleted=sum(task.ops.get("delete", 0) for task in tasks),
        documents=sum(task.ops.get("put_document", 0) for task in tasks),
        runs=len(runs),
        growth=_growth(runs),
    )


def _growth(runs: Sequence[RunRows]) -> Sequence[tuple[int, float]]:
    """The growth at about :data:`GROWTH_POINTS` positions in the stream, including the last."""
    kept = []
    for run in runs:
        ops = [whole.ops for whole in (counted(rollouts).whole for rollouts in run.tasks) if whole is not None]
        kept.append(list(accumulate(op.get("add", 0) - op.get("delete", 0) for op in ops)))
    length = max(map(len, kept), default=0)
    ends = dict.fromkeys(length * number // GROWTH_POINTS for number in range(1, GROWTH_POINTS + 1))
    return [(end, average([float(run[end - 1]) for run in kept if len(run) >= end])) for end in ends if end]


def cost_split(usage: Mapping[str, Usage]) -> tuple[Usage, Usage, Usage]:
    """Cost of acting (agent and simulated user), of memory, and of the rest (judging, selecting)."""
    acting = sum((usage[name] for name in ACTING if name in usage), Usage())
    memory = sum((usage[name] for name in MEMORY if name in usage), Usage())
    rest = sum((one for name, one in usage.items() if name not in (*ACTING, *MEMORY)), Usage())
    return acting, memory, rest
