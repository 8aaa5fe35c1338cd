"""What a memory stored, what it gave, and what that took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rbsuite.experience import MemoryOp
from rbsuite.record import RunInfo, TaskRecord
from rbsuite.statistics.pairing import stream_tasks
from rbsuite.store import ExperimentStore
from rbsuite.trajectory import Usage

CHARACTERS_PER_TOKEN = 4
"""By which the tokens of injected text are estimated: providers count tokens of whole requests only."""

ACTING = ("agent", "user")
MEMORY = ("memory",)


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Sums over the committed tasks of a condition.

    Attributes:
        tasks: how many tasks.
        recalls: tasks for which something was recalled.
        items: different items recalled, summed over tasks.
        characters: characters put before the agent, summed over tasks.
        added, deleted: items over all runs.
        runs: how many banks.
    """

    tasks: int
    recalls: int
    items: int
    characters: int
    added: int
    deleted: int
    runs: int

    @property
    def tokens_a_task(self) -> float:
        """Tokens of memory in a task's prompt, estimated."""
        return self.characters / CHARACTERS_PER_TOKEN / max(1, self.tasks)

    @property
    def items_a_task(self) -> float:
        """Items recalled for a task, mean."""
        return self.items / max(1, self.tasks)

    @property
    def items_kept(self) -> float:
        """Items in a bank at the end of its run, mean."""
        return (self.added - self.deleted) / max(1, self.runs)


def memory_use(runs: Iterable[tuple[ExperimentStore, RunInfo]]) -> MemoryUse:
    """Read what the memory of a condition did.

    Args:
        runs: the condition's runs with the stores they are in.

    Raises:
        StoreError: a store cannot be read.
    """
    tasks = recalls = items = characters = banks = 0
    added = deleted = 0
    for store, info in runs:
        banks += 1
        for record in store.records(info.id, trajectories=False, stop=len(stream_tasks(info))):
            found, text = _given(record)
            tasks += 1
            recalls += found > 0 or text > 0
            items += found
            characters += text
            added += _count(record.ops, "add")
            deleted += _count(record.ops, "delete")
    return MemoryUse(tasks, recalls, items, characters, added, deleted, banks)


def _given(record: TaskRecord) -> tuple[int, int]:
    """Different items recalled for a task, and characters of all its recalls (rollouts that share one count it once)."""
    items = {item.item_id for event in record.recalls for item in event.recall.items}
    return len(items), sum(len(event.recall.text) for event in record.recalls)


def _count(ops: Iterable[MemoryOp], kind: str) -> int:
    return sum(op.op == kind for op in ops)


def cost_split(usage: Mapping[str, Usage]) -> tuple[Usage, Usage, Usage]:
    """Cost of acting (agent and simulated user), of memory, and of the rest (judging, selecting)."""
    acting = sum((usage[name] for name in ACTING if name in usage), Usage())
    memory = sum((usage[name] for name in MEMORY if name in usage), Usage())
    rest = sum((one for name, one in usage.items() if name not in (*ACTING, *MEMORY)), Usage())
    return acting, memory, rest
