"""``history``: the most recent tasks, a control.

It answers whether a memory does more than remind the agent of what it has just done: no similarity, no model, only the last k tasks in
condensed form with how they were judged, the latest last. It is the ExpRecent of Evo-Memory (arXiv 2511.20857, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.experience import Experience, MemoryItem, MemoryOp, Recall, RecallRequest
from rbsuite.memories.base import BankView
from rbsuite.memories.episodes import INJECTION, KIND, episodes
from rbsuite.memories.extraction import recall_items


class RecentHistory:
    """The most recent experiences.

    Args:
        k: experiences recalled.
        characters: length above which a stored observation is cut; 0: never.
        length: length above which a stored trajectory's middle is left out; 0: never.
    """

    def __init__(self, k: int, characters: int, length: int) -> None:
        self._k = k
        self._characters = characters
        self._length = length

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """The last tasks, with what was done and how it was judged."""
        by_experience: dict[str, list[MemoryItem]] = {}
        for item in view.list(kind=KIND):
            by_experience.setdefault(item.experience, []).append(item)
        recent = list(by_experience.values())[-self._k :]
        items = [(item, 0.0) for group in recent for item in group]
        return recall_items(items, view, template=INJECTION, reason="empty bank")

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """The task as text."""
        return episodes(experience, characters=self._characters, length=self._length)
