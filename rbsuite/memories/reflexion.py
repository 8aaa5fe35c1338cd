"""``reflexion``: what went wrong, put into words, from failures only.

Source: Reflexion (arXiv 2303.11366): after a failed rollout the model reflects on it, and the last 1 to 3 reflections are shown
before the next rollout of the same task.

Followed: reflections on failures, a sliding window of the last n = 3, no retrieval. In a stream, where every task comes once, the window
covers the reflections on earlier tasks. Before a further rollout of the same task (``sequential:k`` when an episode has ended), the
model reflects on the rollouts so far; no verdict is shown in between, so it reflects on rollouts that nobody has judged. Those
reflections come after the stored ones in the window and are not stored: what is stored comes from the judged outcome.

Left out: heuristics and unit tests, which the source takes as a signal to stop or to reflect; here the suite's judge says what failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from rbsuite.experience import Experience, MemoryOp, Outcome, Recall, Recalled, RecallRequest
from rbsuite.fencing import FencedItem, fence
from rbsuite.memories.base import BankView
from rbsuite.memories.extraction import Extraction, additions, extract_items, extract_together, recall_items
from rbsuite.memories.markdown import Draft
from rbsuite.reading.fitting import Room
from rbsuite.transcript import BUDGET

KIND = "reflection"
HEADING = "Reflection"
INJECTION = "memory/inject_reflections.j2"


class Reflexion:
    """The last reflections on failures.

    Args:
        reflections: how many are shown before a rollout.
        temperature: of the model that reflects.
        budget: tokens of the transcripts that it sees; 0: no limit.
    """

    def __init__(self, reflections: int, temperature: float, budget: int = BUDGET) -> None:
        self._window = reflections
        self._reflect = Extraction("memory/reflect.j2", HEADING, 1, temperature, budget)
        self._reconsider = Extraction("memory/reflect_rollouts.j2", HEADING, reflections, temperature, budget)

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """The last reflections; before a further rollout, these include reflections on the rollouts so far."""
        stored = view.list(kind=KIND)[-self._window :]
        fresh: Sequence[Draft] = ()
        if request.phase == "retry" and request.history:
            fresh = await extract_items(self._reconsider, view, partial(_attempts, request))
        kept = stored[max(0, len(stored) + len(fresh) - self._window) :]
        if not fresh:
            reason = "no reflection yet"
            return recall_items([(item, 0.0) for item in kept], view, template=INJECTION, reason=reason)
        recalled = tuple(Recalled(item.id, item.revision, 0.0, rank) for rank, item in enumerate(kept))
        return Recall(recalled, view.render(INJECTION, items=[*kept, *map(FencedItem, fresh)]))

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """One reflection on all failures of the task together, or one on each if the aggregation is ``independent``."""
        failures = [outcome for outcome in experience.outcomes if outcome.verdict.label == "failure"]
        together = experience.aggregation == "joint"
        groups: Sequence[Sequence[Outcome]] = [failures] if together else [[failure] for failure in failures]
        drafts: list[tuple[Sequence[Outcome], Draft]] = []
        for group in filter(None, groups):
            drafts += [(group, draft) for draft in await extract_together(self._reflect, experience, group, view)]
        return additions(KIND, experience, drafts)


def _attempts(request: RecallRequest, room: Room) -> Mapping[str, Any]:
    """The rollouts so far, as shown in the prompt for reflections on them."""
    rules = room.text(request.rules)
    return {
        "query": fence(request.query, "request"),
        "history": fence(room.text(request.history), "attempts"),
        "rules": fence(rules, "rules") if rules else "",
    }
