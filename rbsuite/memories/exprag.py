"""``exprag``: the most similar earlier tasks as text.

Source: ExpRAG of Evo-Memory (arXiv 2511.20857, section 3): each task becomes a text of request, trajectory and correctness; the k = 4
most similar ones stand before the agent, most similar first. Followed: that text, k, the order, failures kept beside successes. The
correctness is what the suite's judge says (ground truth in the source: ``--judge ground-truth``). Left out: the source's static examples.
"""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.experience import Experience, MemoryOp, Recall, RecallRequest
from rbsuite.memories.base import BankView
from rbsuite.memories.episodes import INJECTION, KIND, episodes
from rbsuite.memories.extraction import recall_similar


class ExperienceRetrieval:
    """The most similar experiences.

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
        """The most similar tasks, with what was done and how it was judged."""
        return await recall_similar(request, view, kind=KIND, k=self._k, template=INJECTION)

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """The task as text."""
        return episodes(experience, characters=self._characters, length=self._length)
