"""What agents, users, judges and memories are handed: prompts, a metered model, and for memories the bank as of one version."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rbsuite.experience import MemoryItem
from rbsuite.memories.base import SearchResult
from rbsuite.models.base import Completion
from rbsuite.models.client import ModelHandle
from rbsuite.prompts import Prompts
from rbsuite.seeds import rng
from rbsuite.trajectory import Message, ToolSpec

if TYPE_CHECKING:
    from rbsuite.memories.bank import Bank


class Services:
    """Prompts and one metered model. It fits what agents, users and judges may use.

    Args:
        prompts: the experiment's prompts.
        model: a handle for one purpose.
        seed: what :attr:`rng` is derived from.
    """

    def __init__(self, prompts: Prompts, model: ModelHandle, seed: int) -> None:
        self._prompts = prompts
        self._model = model
        self._rng = rng(seed, "services")

    @property
    def rng(self) -> random.Random:
        """A seeded generator."""
        return self._rng

    def render(self, template: str, **variables: Any) -> str:
        """Render a prompt template."""
        return self._prompts.render(template, **variables)

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), *, temperature: float | None = None
    ) -> Completion:
        """Ask the model."""
        return await self._model.complete(messages, tools, temperature=temperature)


class View(Services):
    """The bank as of one version, without what stems from the task at hand. See :class:`rbsuite.memories.base.BankView`.

    Args:
        bank: the run's bank.
        version: the version that is read.
        task_id: the task at hand.
        counts: where events are counted.
    """

    def __init__(
        self,
        bank: Bank,
        version: int,
        task_id: str,
        counts: Counter[str],
        prompts: Prompts,
        model: ModelHandle,
        seed: int,
    ) -> None:
        super().__init__(prompts, model, seed)
        self._bank = bank
        self._version = version
        self._exclude = frozenset((task_id,))
        self._counts = counts

    @property
    def version(self) -> int:
        """The version that is read."""
        return self._version

    async def search(self, query: str, k: int, *, kind: str = "", domain: str = "") -> SearchResult:
        """The experiences whose key is most like the query."""
        return await self._bank.search(query, k, self._version, kind=kind, domain=domain, exclude_tasks=self._exclude)

    def get(self, item_id: str) -> MemoryItem | None:
        """An item by id."""
        item = self._bank.get(item_id, self._version)
        return None if item is None or item.provenance.task_id in self._exclude else item

    def list(self, *, kind: str = "", domain: str = "") -> Sequence[MemoryItem]:
        """All items."""
        return self._bank.items(self._version, kind=kind, domain=domain, exclude_tasks=self._exclude)

    def document(self, name: str) -> str:
        """A document's text."""
        return self._bank.document(name, self._version)

    def count(self, event: str) -> None:
        """Count an event."""
        self._counts[event] += 1
