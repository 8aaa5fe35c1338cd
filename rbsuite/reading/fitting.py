"""Prompts that contain transcripts: within a budget of tokens, and within what the model takes if that is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rbsuite.models.services import FittingServices
from rbsuite.tokens import fit, tokens_of
from rbsuite.trajectory import Trajectory
from rbsuite.transcript import RULES_BUDGET, cut_text, render_transcript, rules_of, share_of

_TRIES = 6
"""How often a prompt is made smaller; each time it gets closer, since labels and gap marks change with what is left out."""


class Room:
    """How much of transcripts and rules a prompt may contain.

    Args:
        budget: tokens of all transcripts; 0: no limit.
        shrunk: whether the model takes no more, so that rules have to share the budget.

    Attributes:
        cut: the event that is counted, for each transcript and for the rules if they had to be cut.
    """

    def __init__(self, budget: int, *, shrunk: bool = False) -> None:
        self.budget = budget
        self.cut: list[str] = []
        self._shrunk = shrunk
        self._taken: list[str] = []
        self._rules = ""

    def transcript(self, trajectory: Trajectory, *, of: int = 1) -> str:
        """One of several transcripts; see :func:`rbsuite.transcript.render_transcript`."""
        budget = share_of(self.budget, of)
        told = partial(self.cut.append, "transcripts_cut")
        return self._given(render_transcript(trajectory, budget=budget, told=told))

    def text(self, text: str, *, of: int = 1) -> str:
        """One of several texts that contain transcripts within a budget of their own; cut if the model takes no more."""
        shown = cut_text(text, share_of(self.budget, of)) if self._shrunk else text
        self.cut += [] if shown == text else ["transcripts_cut"]
        return self._given(shown)

    def rules(self, trajectory: Trajectory, *, most: int = RULES_BUDGET) -> str:
        """The rules that the agent was given, at most ``most`` tokens of them; see :func:`rbsuite.transcript.rules_of`."""
        half = share_of(self.budget, 2)
        budget = min(most or half, half) if self._shrunk else most
        self._rules = rules_of(trajectory, budget=budget, told=partial(self.cut.append, "rules_cut"))
        return self._rules

    def smaller(self, by: int) -> Room:
        """A room with ``by`` tokens less: rules give way to transcripts, down to a third of it."""
        rules = tokens_of(self._rules)
        whole = rules + sum(map(tokens_of, self._taken)) - by
        budget = max(whole - rules, 2 * whole // 3)
        return Room(max(1, min(budget, self.budget - by) if self._shrunk else budget), shrunk=True)

    def _given(self, text: str) -> str:
        self._taken.append(text)
        return text


def fitted(services: FittingServices, prompt: Callable[[Room], str], budget: int) -> str:
    """A prompt within a budget, and within the model's context as far as what is in its room can be made smaller.

    Counts ``transcripts_cut`` and ``rules_cut``, those that the prompt does not contain in full.

    Args:
        services: provide the model.
        prompt: makes the prompt, with what fits into a room.
        budget: tokens of all transcripts; 0: no limit.
    """
    room = Room(budget)
    text = prompt(room)
    for _ in range(_TRIES):
        if not services.window or room.budget == 1 or fit([text], services.window):
            break
        room = room.smaller(tokens_of(text) - services.window)
        text = prompt(room)
    for event in room.cut:
        services.count(event)
    return text
