"""``awm``: workflows from successes.

Source: Agent Workflow Memory (arXiv 2409.07429) in the form that ReasoningBank (arXiv 2509.25140) compares with: one workflow a successful
trajectory, appended, extractor temperature 0.7, the most similar experience's workflow recalled.
"""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.experience import Experience, MemoryOp, Outcome, Recall, RecallRequest
from rbsuite.memories.base import BankView
from rbsuite.memories.extraction import Extraction, additions, extract, recall_similar
from rbsuite.memories.markdown import Draft

KIND = "workflow"
HEADING = "Workflow"


class WorkflowMemory:
    """Workflows induced from successful trajectories.

    Args:
        k: experiences recalled.
        temperature: of the model that induces workflows.
    """

    def __init__(self, k: int, temperature: float) -> None:
        self._k = k
        self._extraction = Extraction("memory/induce_workflow.j2", HEADING, 1, temperature)

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """The most similar experiences' workflows."""
        return await recall_similar(request, view, kind=KIND, k=self._k, template="memory/inject_workflows.j2")

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """A workflow of every success; nothing of a failure."""
        drafts: list[tuple[Outcome, Draft]] = []
        for outcome in experience.outcomes:
            if outcome.verdict.label == "success":
                drafts += [(outcome, draft) for draft in await extract(self._extraction, experience, outcome, view)]
        return additions(KIND, experience, drafts)
