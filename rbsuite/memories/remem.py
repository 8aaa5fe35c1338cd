"""``remem``: ExpRAG whose recalled experiences are pruned at every step.

Source: ReMem of Evo-Memory (arXiv 2511.20857): at each step the agent thinks, refines its memory or acts; the form for
refining is a list of experiences to prune, and the step ends when it acts.

Followed: recall as in ExpRAG, and before each turn of the agent one request to the memory's model, which names by number the experiences
to take out, or keeps them all; what is taken out stays out for the rest of the rollout and stays in the bank. Left out: more than one
refinement a turn, fetching other experiences in the middle of a task, and thinking as a move of its own, since the agent's model thinks
when it acts.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from rbsuite.experience import Recall, RecallRequest
from rbsuite.fencing import fence
from rbsuite.memories.asking import Unreadable, ask
from rbsuite.memories.base import BankView
from rbsuite.memories.episodes import INJECTION
from rbsuite.memories.exprag import ExperienceRetrieval
from rbsuite.memories.extraction import ShownEpisode, recall_items

_REPLY = re.compile(r"^(?:Think-)?Prune:[ \t]*(\d+(?:[ \t]*,[ \t]*\d+)*)[ \t.]*$|^Keep[ \t.]*$", re.MULTILINE)


class RefinedRetrieval(ExperienceRetrieval):
    """The most similar experiences, pruned step by step.

    Args:
        k: experiences recalled.
        budget: characters of a stored trajectory; 0: no limit.
        temperature: of the model that prunes.
    """

    def __init__(self, k: int, budget: int, temperature: float) -> None:
        super().__init__(k, budget)
        self._temperature = temperature

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """Before the task the most similar ones; before a turn those of the last recall that are still of use."""
        if request.phase != "step" or request.previous is None:
            return await super().recall(request, view)
        return await self._prune(request, request.previous, view)

    async def _prune(self, request: RecallRequest, previous: Recall, view: BankView) -> Recall:
        shown = [(item, found.score) for found in previous.items if (item := view.get(found.item_id)) is not None]
        if not shown:
            return previous
        prompt = view.render(
            "memory/prune.j2",
            query=fence(request.query, "request"),
            history=fence(request.history, "history") if request.history else "",
            episodes=[ShownEpisode.of(item) for item, _ in shown],
        )
        pruned = await ask(
            prompt, view, temperature=self._temperature, read=lambda reply: read_pruned(reply, len(shown))
        )
        if not pruned:
            return previous
        kept = [pair for number, pair in enumerate(shown, start=1) if number not in pruned]
        return recall_items(kept, view, template=INJECTION, reason="all was pruned", index=previous.index)


def read_pruned(reply: str, count: int) -> Collection[int]:
    """Read a reply ``Prune: 1,3`` or ``Keep``: the numbers, from 1, of the experiences to take out.

    Args:
        reply: the model's text; the last line of that form counts.
        count: how many experiences there are.

    Raises:
        Unreadable: there is no such line, or it names a number that no experience has.
    """
    lines = list(_REPLY.finditer(reply))
    if not lines:
        raise Unreadable("there is no line 'Prune: NUMBERS' and no line 'Keep'")
    numbers = {int(number) for number in (lines[-1].group(1) or "").split(",") if number.strip()}
    strange = sorted(number for number in numbers if not 1 <= number <= count)
    if strange:
        raise Unreadable(f"there is no experience {strange[0]}")
    return numbers
