"""``synapse``: raw successful trajectories as exemplars.

Source: Synapse (arXiv 2306.07863) in the form that ReasoningBank (arXiv 2509.25140) compares with: run online, retrieval and
consolidation shared with the other memories, one exemplar recalled. It calls no model.

If a task has several rollouts, each success is an exemplar of its own, whether they are aggregated or not; at most ``per_task`` are kept
and duplicates are left out, so that one task cannot fill the prompt of the next.
"""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.experience import Experience, MemoryOp, Recall, RecallRequest
from rbsuite.memories.base import BankView
from rbsuite.memories.extraction import additions, recall_similar
from rbsuite.memories.markdown import Draft
from rbsuite.transcript import render_transcript

KIND = "trajectory"
TITLE_LENGTH = 80


class TrajectoryMemory:
    """Successful trajectories as they were.

    Args:
        k: trajectories recalled.
        budget: tokens of a stored trajectory; 0: no limit.
        per_task: successes kept per task, at most.
    """

    def __init__(self, k: int, budget: int, per_task: int = 3) -> None:
        self._k = k
        self._per_task = per_task
        self._budget = budget

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """The most similar tasks' trajectories."""
        return await recall_similar(request, view, kind=KIND, k=self._k, template="memory/inject_trajectories.j2")

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """Every successful trajectory; nothing from failures."""
        title = " ".join(experience.query.split())[:TITLE_LENGTH]
        successes = [outcome for outcome in experience.outcomes if outcome.verdict.label == "success"]
        drafts = [
            ((one,), Draft(title, "A task that was solved.", render_transcript(one.trajectory, budget=self._budget)))
            for one in successes[: self._per_task]
        ]
        return additions(KIND, experience, drafts)
