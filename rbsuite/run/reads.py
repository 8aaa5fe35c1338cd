"""Reads of a bank, logged: what a memory has seen, and whether it would see the same in a later version.

A memory keeps no state and is a function of its request, its reads and its model's replies. So if all its reads return the same in another
version, its result there would have been the same. That is what allows a task to run before its predecessors are committed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from rbsuite.errors import RbsuiteError
from rbsuite.experience import MemoryItem
from rbsuite.memories.bank import Bank
from rbsuite.memories.base import SearchResult
from rbsuite.memories.standing import StandingSearch
from rbsuite.task import Task, TaskSet
from rbsuite.twins import find_twins

if TYPE_CHECKING:
    from rbsuite.retrieval.base import Vectors

_T = TypeVar("_T")

DOMAIN_SCOPE = "domain"

_FAILED = object()
"""The result of a read that failed: no repeated read can equal it."""


@dataclass(frozen=True, slots=True)
class _Read:
    again: Callable[[int], Awaitable[Any]]
    gave: Any
    standing: StandingSearch | None = None


class RunTwins:
    """The twins of a run's tasks: those that their task set knows and, after a warm start, the tasks of the source that asked the same.

    The bank contains what a source's tasks asked, as the keys of what was learned on them; these are compared with the queries that
    tasks state. If a simulated user opens a task it states none, and only the very same task of the source is recognized.

    Args:
        tasks: all tasks.
        bank: the run's bank.
    """

    def __init__(self, tasks: TaskSet, bank: Bank) -> None:
        self._tasks = tasks
        self._bank = bank

    def of(self, task: Task) -> Sequence[str]:
        """The ids of a task's twins."""
        return (*self._tasks.twins.get(task.id, ()), *self._of_source.get(task.id, ()))

    @cached_property
    def _of_source(self) -> Mapping[str, Sequence[str]]:
        asked = {(item.provenance.task_id, "source"): item.key for item in self._bank.items(0)}
        if not asked:
            return {}
        asked.update({(task.id, ""): task.query for task in self._tasks if task.query})
        found = find_twins(asked).of
        return {name: [twin for twin, kind in found[name, kind] if kind] for name, kind in found if not kind}


class Reads:
    """Reads a bank as of one version, without what stems from the task at hand or its twins, and remembers what each read returned.

    Args:
        bank: the run's bank.
        version: the version to read.
        task: the task at hand.
        twins: the twins of all tasks.
        scope: ``shared``: one bank for all; ``domain``: only what was learned in the task's domain.
        exclude: whether nothing learned on the task's twins is read; if not, they are tasks like any other.
        without: ids of items that are left out, as if the bank had never held them.
    """

    def __init__(
        self,
        bank: Bank,
        version: int,
        task: Task,
        twins: RunTwins,
        scope: str,
        exclude: bool = True,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self._bank = bank
        self._version = version
        self._task = task
        self._twins = twins
        self._apart = exclude
        self._without = without
        self._domain = task.domain if scope == DOMAIN_SCOPE else ""
        self._log: list[_Read] = []

    @property
    def any(self) -> bool:
        """Whether anything was read."""
        return bool(self._log)

    @cached_property
    def excluded(self) -> frozenset[str]:
        """See :attr:`rbsuite.memories.base.BankView.excluded`."""
        return frozenset((self._task.id, *(self._twins.of(self._task) if self._apart else ())))

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See :meth:`rbsuite.memories.base.BankView.embed`. It reads nothing from the bank."""
        return await self._bank.embed(texts)

    def is_of_twin(self, item_id: str) -> bool:
        """Whether an item was learned on a twin of the task, so that recalling it means recalling the answer."""
        item = self._bank.get(item_id, self._version)
        return item is not None and item.provenance.task_id in self._twins.of(self._task)

    @property
    def count(self) -> int:
        """How many reads there were."""
        return len(self._log)

    @property
    def searches(self) -> Sequence[StandingSearch] | None:
        """The searches so far, if nothing else was read; ``None`` otherwise."""
        found = [read.standing for read in self._log if read.standing is not None]
        return found if len(found) == len(self._log) else None

    async def hold(self, version: int) -> bool:
        """Whether every read so far would return the same in another version."""
        if version == self._version:
            return True
        try:
            for read in tuple(self._log):
                known = read.standing.holds(version) if read.standing is not None else None
                if known is False or (known is None and await read.again(version) != read.gave):
                    return False
        except RbsuiteError:
            # What fails there (an embedder, say) fails again, and is reported, if that version is read.
            return False
        return True

    async def search(self, query: str, k: int, kind: str, domain: str) -> SearchResult:
        """See :meth:`rbsuite.memories.base.BankView.search`."""

        async def search(version: int) -> StandingSearch:
            where = self._domain or domain
            return await self._bank.standing_search(query, k, version, kind, where, self.excluded, self._without)

        async def again(version: int) -> SearchResult:
            return (await search(version)).gave

        try:
            standing = await search(self._version)
        except RbsuiteError:
            self._log.append(_Read(again, _FAILED))
            raise
        self._log.append(_Read(again, standing.gave, standing))
        return standing.gave

    def get(self, item_id: str) -> MemoryItem | None:
        """See :meth:`rbsuite.memories.base.BankView.get`."""
        return self._read(lambda version: self._get(item_id, version))

    def list(self, kind: str, domain: str) -> Sequence[MemoryItem]:
        """See :meth:`rbsuite.memories.base.BankView.list`."""
        where = self._domain or domain
        return self._read(
            lambda version: self._bank.items(
                version, kind=kind, domain=where, exclude_tasks=self.excluded, exclude_items=self._without
            )
        )

    def document(self, name: str) -> str:
        """See :meth:`rbsuite.memories.base.BankView.document`."""
        return self._read(lambda version: self._bank.document(scoped(name, self._domain), version))

    def _get(self, item_id: str, version: int) -> MemoryItem | None:
        item = None if item_id in self._without else self._bank.get(item_id, version)
        if item is None or item.provenance.task_id in self.excluded or (self._domain and item.domain != self._domain):
            return None
        return item

    def _read(self, read: Callable[[int], _T]) -> _T:
        gave = read(self._version)

        async def again(version: int) -> _T:
            return read(version)

        self._log.append(_Read(again, gave))
        return gave


class ReadsBank:
    """What a memory's view reads, passed on to its :class:`Reads`. See :class:`rbsuite.memories.base.BankView`."""

    _reads: Reads

    @property
    def excluded(self) -> frozenset[str]:
        """The tasks from which nothing may be recalled."""
        return self._reads.excluded

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts."""
        return await self._reads.embed(texts)

    async def search(self, query: str, k: int, *, kind: str = "", domain: str = "") -> SearchResult:
        """The experiences whose keys are most similar to the query."""
        return await self._reads.search(query, k, kind, domain)

    def get(self, item_id: str) -> MemoryItem | None:
        """An item by id."""
        return self._reads.get(item_id)

    def list(self, *, kind: str = "", domain: str = "") -> Sequence[MemoryItem]:
        """All items."""
        return self._reads.list(kind, domain)

    def document(self, name: str) -> str:
        """A document's text."""
        return self._reads.document(name)


def scoped(document: str, domain: str) -> str:
    """The name under which the bank keeps a document of a domain; ``domain=""``: of all domains."""
    return f"{domain}/{document}" if domain else document
