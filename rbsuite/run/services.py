"""What agents, users, judges and memories are handed: prompts, a metered model, and for memories the bank as of one version."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rbsuite.experience import MemoryItem
from rbsuite.memories.base import SearchResult
from rbsuite.models.base import Completion
from rbsuite.models.client import ModelHandle
from rbsuite.prompts import Prompts
from rbsuite.run.reads import Reads
from rbsuite.seeds import rng
from rbsuite.trajectory import Message, ToolSpec


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


class CountingServices(Services):
    """Services that also count events for the report."""

    def __init__(self, prompts: Prompts, model: ModelHandle, seed: int, counts: Counter[str]) -> None:
        super().__init__(prompts, model, seed)
        self._counts = counts

    def count(self, event: str) -> None:
        """Count an event."""
        self._counts[event] += 1


class View(CountingServices):
    """The bank as a memory sees it. See :class:`rbsuite.memories.base.BankView`.

    Args:
        reads: the bank as of one version; logs what is read.
        version: the version of the stream's position, which the memory is told.
    """

    def __init__(
        self, reads: Reads, version: int, prompts: Prompts, model: ModelHandle, seed: int, counts: Counter[str]
    ) -> None:
        super().__init__(prompts, model, seed, counts)
        self._reads = reads
        self._version = version

    @property
    def version(self) -> int:
        """The number of tasks committed before."""
        return self._version

    async def search(self, query: str, k: int, *, kind: str = "", domain: str = "") -> SearchResult:
        """The experiences whose key is most like the query."""
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
