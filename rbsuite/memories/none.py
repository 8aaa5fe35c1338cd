"""``none``: no memory. An ordinary plugin, so that memory-off runs the same code as memory-on."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.experience import Experience, MemoryOp, Recall, RecallRequest
from rbsuite.memories.base import BankView


class NoMemory:
    """Recalls nothing and learns nothing."""

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """Nothing."""
        return Recall(reason="no memory")

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """Nothing."""
        return ()
