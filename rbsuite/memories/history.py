"""``history``: the most recent tasks, a control.

It tests whether a memory does more than remind the agent of what it has just done: no similarity, no model, only the last k tasks in
condensed form with their verdicts, the latest last. It is the ExpRecent of Evo-Memory (arXiv 2511.20857).
"""

from __future__ import annotations

from rbsuite.experience import MemoryItem, Recall, RecallRequest
from rbsuite.memories.base import BankView
from rbsuite.memories.episodes import INJECTION, KIND, EpisodeMemory
from rbsuite.memories.extraction import recall_items


class RecentHistory(EpisodeMemory):
    """The most recent experiences."""

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """The last tasks, with what was done and how it was judged."""
        by_experience: dict[str, list[MemoryItem]] = {}
        for item in view.list(kind=KIND):
            by_experience.setdefault(item.experience, []).append(item)
        recent = list(by_experience.values())[-self._k :]
        items = [(item, 0.0) for group in recent for item in group]
        return recall_items(items, view, template=INJECTION, reason="empty bank")
