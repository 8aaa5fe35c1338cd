"""``reasoningbank``: titled strategies from self-judged successes and failures.

Source: ReasoningBank, arXiv 2509.25140; the paper, not the released code. At most 3 items per trajectory, from
separate prompts for success and failure, extractor temperature 1.0; the task's query is embedded, one vector per experience; the top
k = 1 experience is recalled with all its items into the system prompt; the bank only ever grows.

With several rollouts (MaTTS), ``joint`` contrasts them all in one extraction of at most 5 items, each trajectory
with its label; ``independent`` learns from each separately. The notes of refinement rounds go into the extraction.
"""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.experience import Experience, MemoryOp, Outcome, Recall, RecallRequest
from rbsuite.memories.base import BankView
from rbsuite.memories.extraction import Extraction, additions, extract, extract_together, recall_similar
from rbsuite.memories.markdown import Draft
from rbsuite.transcript import BUDGET

KIND = "strategy"
HEADING = "Memory Item"
INJECTION = "memory/inject.j2"


class ReasoningBank:
    """Strategies from successes and failures.

    Args:
        k: experiences recalled.
        items: items kept per trajectory, at most.
        temperature: of the extractor.
        failures: whether to learn from failed trajectories (the paper's ablation switches it off).
        contrast_items: items kept from the contrast of several trajectories, at most.
        budget: tokens of the transcripts that the extractor sees; 0: no limit.
        similarity: minimum cosine similarity of a recalled experience.
    """

    def __init__(
        self,
        k: int,
        items: int,
        temperature: float,
        failures: bool,
        contrast_items: int = 5,
        budget: int = BUDGET,
        similarity: float = -1.0,
    ) -> None:
        self._k = k
        self._items = items
        self._temperature = temperature
        self._failures = failures
        self._budget = budget
        self._similarity = similarity
        self._contrast = Extraction("memory/extract_contrast.j2", HEADING, contrast_items, temperature, budget)

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """The most similar experiences' strategies, with the instruction to weigh them."""
        return await recall_similar(
            request, view, kind=KIND, k=self._k, template=INJECTION, similarity=self._similarity
        )

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """Strategies from the contrast of several outcomes, or from each outcome separately."""
        outcomes = [outcome for outcome in experience.outcomes if outcome.verdict.label == "success" or self._failures]
        if experience.aggregation == "joint" and len(outcomes) > 1:
            together = await extract_together(self._contrast, experience, outcomes, view)
            return additions(KIND, experience, [(outcomes, draft) for draft in together])
        drafts: list[tuple[Sequence[Outcome], Draft]] = []
        for outcome in outcomes:
            template = f"memory/extract_{outcome.verdict.label}.j2"
            extraction = Extraction(template, HEADING, self._items, self._temperature, self._budget)
            drafts += [((outcome,), draft) for draft in await extract(extraction, experience, outcome, view)]
        return additions(KIND, experience, drafts)
