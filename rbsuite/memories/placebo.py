"""``placebo``: ReasoningBank whose lessons are swapped for unrelated ones of equal length, a control.

It learns, stores and retrieves as :mod:`rbsuite.memories.reasoningbank` does, at the same cost. What the agent then reads has the same
header and instruction to weigh the lessons, the same number of items and the same number of characters in each field, but speaks of
crafts that no benchmark is about (:mod:`rbsuite.memories.unrelated`). So the difference to memory-off is what the header and the longer
prompt do, and the difference to ReasoningBank is what the lessons themselves do.

The log names the items whose place was taken: they say how long the text had to be.
"""

from __future__ import annotations

from dataclasses import replace

from rbsuite.experience import Recall, RecallRequest
from rbsuite.memories.base import BankView
from rbsuite.memories.reasoningbank import INJECTION, ReasoningBank
from rbsuite.memories.unrelated import stand_ins


class Placebo(ReasoningBank):
    """Unrelated items in the place of strategies; the arguments are those of ReasoningBank."""

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """What ReasoningBank would recall, every text swapped for an unrelated one of its length."""
        recall = await super().recall(request, view)
        items = [item for found in recall.items if (item := view.get(found.item_id)) is not None]
        return replace(recall, text=view.render(INJECTION, items=stand_ins(items))) if items else recall
