"""Tasks as short texts: what was asked, what was done, whether it was right. No model is asked."""

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
        characters: length above which a stored observation is cut; 0: never.
        length: length above which a stored trajectory's middle is left out; 0: never.
    """

    def __init__(self, k: int, characters: int, length: int) -> None:
        self._k = k
        self._characters = characters
        self._length = length

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """The task as text."""
        return episodes(experience, characters=self._characters, length=self._length)


def episodes(experience: Experience, *, characters: int, length: int) -> Sequence[MemoryOp]:
    """Operations that store a task as text: the function S(x, y, f) of Evo-Memory (arXiv 2511.20857).

    x is the query, y the trajectory in condensed form, f the verdict. Of several rollouts the first success and the first failure are
    stored, so that one task cannot fill the prompt of the next.

    Args:
        experience: the task.
        characters: length above which an observation is cut; 0: never.
        length: length above which a trajectory's middle is left out; 0: never.
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
                Draft(title, label, condense(render_transcript(outcome.trajectory, limit=characters), length)),
            )
            for label, outcome in firsts.items()
        ],
    )


def condense(text: str, length: int) -> str:
    """A text whose middle is left out, and marked, where it has more than ``length`` characters; 0: no limit."""
    if not length or len(text) <= length:
        return text
    head, tail = length - length // 2, length // 2
    return f"{text[:head]}\n[{len(text) - head - tail} characters left out]\n{text[len(text) - tail :]}"
