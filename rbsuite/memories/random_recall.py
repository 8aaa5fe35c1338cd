"""``random``: ReasoningBank with retrieval left to chance, a control.

It learns as :mod:`rbsuite.memories.reasoningbank` does, at the same cost, and recalls as many experiences, drawn without regard to the
query. The difference from ReasoningBank is what similarity is worth; the difference from ``placebo`` is what any lesson from the same
stream is worth.
"""

from __future__ import annotations

from rbsuite.experience import MemoryItem, Recall, RecallRequest
from rbsuite.memories.base import BankView
from rbsuite.memories.extraction import recall_items
from rbsuite.memories.reasoningbank import INJECTION, KIND, ReasoningBank


class RandomRecall(ReasoningBank):
    """Strategies from experiences drawn at random; the arguments are those of ReasoningBank."""

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """All strategies of experiences drawn with the seed of the task and phase, in the order they were drawn."""
        by_experience: dict[str, list[MemoryItem]] = {}
        for item in view.list(kind=KIND):
            by_experience.setdefault(item.experience, []).append(item)
        drawn = view.rng.sample(list(by_experience), min(self._k, len(by_experience)))
        items = [(item, 0.0) for experience in drawn for item in by_experience[experience]]
        return recall_items(items, view, template=INJECTION, reason="empty bank")
