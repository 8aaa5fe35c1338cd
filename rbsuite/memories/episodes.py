"""Tasks as short texts: what was asked, what was done, whether it was right. No model is called."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.experience import Experience, MemoryOp, Outcome
from rbsuite.memories.base import BankView
from rbsuite.memories.extraction import additions
from rbsuite.memories.markdown import Draft
from rbsuite.transcript import render_transcript

KIND = "episode"
INJECTION = "memory/inject_episodes.j2"
TITLE_LENGTH = 80


class EpisodeMemory:
    """What memories of episodes share: every task is stored as text.

    Args:
        k: experiences recalled.
        budget: tokens of a stored trajectory; 0: no limit.
    """

    def __init__(self, k: int, budget: int) -> None:
        self._k = k
        self._budget = budget

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """The task as text."""
        return episodes(experience, budget=self._budget)


def episodes(experience: Experience, *, budget: int) -> Sequence[MemoryOp]:
    """Operations that store a task as text: the function S(x, y, f) of Evo-Memory (arXiv 2511.20857).

    x is the query, y the trajectory in condensed form, f the verdict. Of several rollouts, the first success and the first failure are
    stored, so that one task cannot fill the prompt of the next.

    Args:
        experience: the task.
        budget: tokens of a trajectory; 0: no limit.
    """
    firsts: dict[str, Outcome] = {}
    for outcome in experience.outcomes:
        firsts.setdefault(outcome.verdict.label, outcome)
    title = " ".join(experience.query.split())[:TITLE_LENGTH]
    return additions(
        KIND,
        experience,
        [
            (
                (outcome,),
                Draft(title, label, render_transcript(outcome.trajectory, budget=budget)),
            )
            for label, outcome in firsts.items()
        ],
    )
