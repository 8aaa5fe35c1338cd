"""``awm``: workflows from successes.

Source: Agent Workflow Memory (arXiv 2409.07429) in the form that ReasoningBank (arXiv 2509.25140) compares with: workflows of each
successful trajectory, appended, extractor temperature 0.7, the most similar experience's workflows recalled.

How many workflows a trajectory yields is not fixed, as in both releases, which ask for as many as cover the work; ``workflows`` only keeps
an endless reply from filling the bank.

If a task has several rollouts, each success yields its own workflows, whether they are aggregated or not, since the mechanism compares
nothing; at most ``per_task`` successes are used and duplicates are left out, so that one task cannot fill the prompt of the next.
"""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.experience import Experience, MemoryOp, Outcome, Recall, RecallRequest
from rbsuite.memories.base import BankView
from rbsuite.memories.extraction import Extraction, additions, extract, recall_similar
from rbsuite.memories.markdown import Draft
from rbsuite.transcript import BUDGET

KIND = "workflow"
HEADING = "Workflow"
WORKFLOWS = 20
"""Workflows in one reply, at most: more than fit into a reply of the length that AWM's release allows (2,048 tokens)."""


class WorkflowMemory:
    """Workflows induced from successful trajectories.

    Args:
        k: experiences recalled.
        temperature: of the model that induces workflows.
        per_task: successes learned from per task, at most.
        budget: tokens of the transcript that the model sees; 0: no limit.
        workflows: workflows from one trajectory, at most.
    """

    def __init__(
        self, k: int, temperature: float, per_task: int = 3, budget: int = BUDGET, workflows: int = WORKFLOWS
    ) -> None:
        self._k = k
        self._per_task = per_task
        self._extraction = Extraction("memory/induce_workflow.j2", HEADING, workflows, temperature, budget)

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """The most similar experiences' workflows."""
        return await recall_similar(request, view, kind=KIND, k=self._k, template="memory/inject_workflows.j2")

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """The workflows of every success; nothing from failures."""
        drafts: list[tuple[Sequence[Outcome], Draft]] = []
        successes = [outcome for outcome in experience.outcomes if outcome.verdict.label == "success"]
        for outcome in successes[: self._per_task]:
            drafts += [((outcome,), draft) for draft in await extract(self._extraction, experience, outcome, view)]
        return additions(KIND, experience, drafts)
