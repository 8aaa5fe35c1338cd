"""``exprag``: the most similar earlier tasks as text.

Source: ExpRAG of Evo-Memory (arXiv 2511.20857): each task becomes a text of request, trajectory and correctness; the k = 4
most similar ones are shown to the agent, most similar first. Followed: that text, k, the order, failures kept along with successes. The
correctness is what the suite's judge says (ground truth in the source: ``--judge ground-truth``). Left out: the source's static examples.
"""

from __future__ import annotations

from rbsuite.experience import Recall, RecallRequest
from rbsuite.memories.base import BankView
from rbsuite.memories.episodes import INJECTION, KIND, EpisodeMemory
from rbsuite.memories.extraction import recall_similar


class ExperienceRetrieval(EpisodeMemory):
    """The most similar experiences."""

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """The most similar tasks, with what was done and how it was judged."""
        return await recall_similar(request, view, kind=KIND, k=self._k, template=INJECTION)
