"""A stream of practice tasks for memories: what the kit has a memory recall and absorb."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from secrets import token_hex
from typing import Any, cast

from rbsuite.experience import Experience, MemoryOp, Phase, Recall, RecallRequest
from rbsuite.jsonable import canonical
from rbsuite.memories.bank import Bank
from rbsuite.memories.base import ExternalMemory, Memory
from rbsuite.retrieval.hashing import HashEmbedder
from rbsuite.run.checks import check_ops, check_recall
from rbsuite.seeds import derive_seed
from rbsuite.specs import MemorySpec
from rbsuite.testing.practice import Answer, PracticeView, experience, practised, tasks
from rbsuite.testing.rules import NotTried
from rbsuite.testing.subjects import Subject

LENGTH = 6
"""Number of tasks in the stream."""

Made = Callable[[], Memory]


class MemorySubject(Subject[MemorySpec]):
    """A memory."""

    def stream(self, made: Made, answer: Answer = practised) -> PracticeStream:
        """A new stream.

        Args:
            made: returns the memory for each call.
            answer: returns the model's replies.
        """
        return PracticeStream(self, made, answer)

    def one(self) -> Made:
        """Always the same object."""
        memory: Memory = self.make()
        return lambda: memory

    @cached_property
    def opened(self) -> list[ExternalMemory]:
        """Memories that were opened because their state is outside the bank."""
        return []

    async def restored(self, snapshot: str) -> PracticeStream:
        """A new stream, with a new memory opened at a snapshot."""
        memory: ExternalMemory = self.make()
        await memory.open(f"kit-{token_hex(6)}", snapshot)
        self.opened.append(memory)
        stream = self.stream(lambda: memory)
        stream.opened.append(memory)
        return stream

    async def aclose(self) -> None:
        """Close what was opened."""
        for memory in self.opened:
            await memory.aclose()

    async def use(self) -> str:
        """Everything that a new object returns on the stream."""
        return (await self.stream(self.one()).run()).told()


@dataclass
class PracticeStream:
    """A stream of practice tasks, one at a time, and what the memory learned from it.

    Attributes:
        subject, made, answer: see :meth:`MemorySubject.stream`.
        twice: whether every call is made a second time, with the results kept separately.
    """

    subject: MemorySubject
    made: Made
    answer: Answer = practised
    twice: bool = False

    def __post_init__(self) -> None:
        """Start with an empty bank."""
        self.bank = Bank(HashEmbedder(512))
        self.opened: list[Memory] = []
        self.recalls: list[tuple[Recall, Recall]] = []
        self.ops: list[tuple[tuple[MemoryOp, ...], tuple[MemoryOp, ...]]] = []

    async def recall(self, number: int, phase: Phase = "task", **more: Any) -> Recall:
        """Recall for a task, at the bank's current version."""
        task = tasks().tasks[number]
        request = RecallRequest(task.id, task.domain, task.query, phase, **more)
        view = self._view(number, "recall")
        return check_recall(await (await self._memory()).recall(request, view))

    async def absorb(self, one: Experience, number: int) -> tuple[MemoryOp, ...]:
        """Have a task absorbed; nothing is applied."""
        return check_ops(await (await self._memory()).absorb(one, self._view(number, "absorb")))

    async def _memory(self) -> Memory:
        """The memory for a call; one with its state outside the bank starts empty in every stream."""
        memory = self.made()
        if self.subject.spec.external and not any(memory is one for one in self.opened):
            external = cast(ExternalMemory, memory)
            await external.open(f"kit-{token_hex(6)}", None)
            self.opened.append(memory)
            self.subject.opened.append(external)
        return memory

    def _view(self, number: int, what: str) -> PracticeView:
        task = tasks().tasks[number]
        return PracticeView(
            self.bank, task, self.subject.prompts, derive_seed("kit", task.id, self.bank.version, what), self.answer
        )

    async def step(self, *, padding: int = 0) -> None:
        """One task: recall, absorb, apply."""
        position = self.bank.version
        number = position % len(tasks().tasks)
        recalls = [await self.recall(number) for _ in range(1 + self.twice)]
        one = experience(number, position=position, recalled=recalls[0], padding=padding)
        ops = [await self.absorb(one, number) for _ in range(1 + self.twice)]
        self.recalls.append((recalls[0], recalls[-1]))
        self.ops.append((ops[0], ops[-1]))
        await self.bank.apply(position + 1, ops[0])

    async def run(self, length: int = LENGTH, *, padding: int = 0) -> PracticeStream:
        """Run ``length`` tasks."""
        for _ in range(length):
            await self.step(padding=padding)
        return self

    @property
    def learnt(self) -> Sequence[tuple[int, MemoryOp]]:
        """The operations, each with the position of its task.

        Raises:
            NotTried: there are none.
        """
        found = [(position, op) for position, (ops, _) in enumerate(self.ops) for op in ops]
        if not found:
            require_bank(self.subject)
            raise NotTried("it learned nothing from the practice tasks")
        return found

    def told(self) -> str:
        """Everything that the memory returned, as text, so that streams can be compared."""
        return canonical([[first for first, _ in self.recalls], [first for first, _ in self.ops]])


def require_bank(subject: MemorySubject) -> None:
    """Check that a memory keeps what it knows in the bank.

    Raises:
        NotTried: it does not.
    """
    if subject.spec.external:
        raise NotTried("its state is outside the bank, and a run gives it one task at a time")
