"""``placebo``: ReasoningBank with its lessons swapped for unrelated ones of equal length, a control.

It learns, stores and retrieves as :mod:`rbsuite.memories.reasoningbank` does, at the same cost. What the agent then reads has the same
header and instruction to weigh the lessons, the same number of items and the same number of characters in each field, but is about
crafts that no benchmark covers (:mod:`rbsuite.memories.unrelated`). So the difference from memory-off is the effect of the header and
the longer prompt, and the difference from ReasoningBank is the effect of the lessons themselves.

The log names the items that were replaced: they determine how long the text had to be.
"""

from __future__ import annotations

from dataclasses import replace

from rbsuite.experience import Recall, RecallRequest
from rbsuite.memories.base import BankView
from rbsuite.memories.reasoningbank import INJECTION, ReasoningBank
from rbsuite.memories.unrelated import stand_ins


class Placebo(ReasoningBank):
    """Unrelated items in place of strategies; the arguments are those of ReasoningBank."""

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """What ReasoningBank would recall, with every text swapped for an unrelated one of the same length."""
        recall = await super().recall(request, view)
        items = [item for found in recall.items if (item := view.get(found.item_id)) is not None]
        return replace(recall, text=view.render(INJECTION, items=stand_ins(items))) if items else recall
