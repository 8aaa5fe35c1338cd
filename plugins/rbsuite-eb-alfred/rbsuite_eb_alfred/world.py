"""One episode of EB-ALFRED as a state machine.

Follows ``ThorConnector.llm_skill_interact`` and ``EBAlfEnv.get_env_feedback`` (EmbodiedBench/EmbodiedBench,
b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04, thor_connector.py, EBAlfEnv.py). Upstream carries its record of slicing and of put attempts over
from one episode to the next; here every episode starts without one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Self

from rbsuite.trajectory import Image
from rbsuite_eb_alfred.actions import Command, Verb
from rbsuite_eb_alfred.choice import nearest
from rbsuite_eb_alfred.devices import close, cut, open_up, turn_off, turn_on
from rbsuite_eb_alfred.goals import Goal
from rbsuite_eb_alfred.hand import drop, pick, put_down
from rbsuite_eb_alfred.scene import Household
from rbsuite_eb_alfred.state import State
from rbsuite_embodied.world import Achieved, Outcome

SUCCESS = "Last action executed successfully."
INVALID = "Last action is invalid. {}"


class AlfredWorld:
    """A household in an episode, and its goal.

    Attributes:
        household: what it was at the start.
        goal: what is asked for.
        state: what it is now; read it, but change it only through :meth:`do`.

    Args:
        household: the start, shared.
        goal: the goal, shared.
    """

    __slots__ = ("goal", "household", "state")

    images: tuple[Image, ...] = ()

    def __init__(self, household: Household, goal: Goal) -> None:
        self.household = household
        self.goal = goal
        self.state = State(household)

    @property
    def names(self) -> tuple[str, ...]:
        """The named actions."""
        return self.household.names

    @property
    def indices(self) -> Mapping[str, int]:
        """The index of each name."""
        return self.household.indices

    @property
    def achieved(self) -> Achieved:
        """Whether the goal holds, and the share of its conditions that do."""
        met, total = self.goal.met(self.state), self.goal.total
        return Achieved(met == total, met / total)

    def do(self, index: int) -> Outcome:
        """Carry out a named action."""
        command = self.household.commands[index]
        if command.verb not in _KEEP_TARGET:
            self.state.target = None
        message = _SKILLS[command.verb](self.state, command)
        return Outcome(INVALID.format(message) if message else SUCCESS, not message)

    def visible(self) -> tuple[str, ...]:
        """What is in view, by the names that actions use if there are any; slices by their type."""
        labels = self.household.labels
        return tuple(dict.fromkeys(labels[index] for index in self.state.in_view()))

    def refuse(self) -> None:
        """A reply without an action changes nothing."""

    def fork(self) -> Self:
        """An independent copy."""
        twin = object.__new__(type(self))
        twin.household, twin.goal, twin.state = self.household, self.goal, self.state.fork()
        return twin

    def close(self) -> None:
        """There is nothing to release."""


def _find(state: State, command: Command) -> str:
    """Go to an instance: the one that the name is bound to, otherwise the nearest. If it was sliced, to a slice."""
    # Even if the search fails, what was searched for is where things are put from now on.
    state.target = command
    if command.thing is not None and state.present(command.thing):
        chosen = command.thing
    else:
        chosen = nearest(state, command.kind, seen_first=True, slices_first=state.sliced)
        if command.thing is not None and chosen >= 0 and state.thing(chosen).whole != command.thing:
            chosen = -1
    if chosen < 0:
        return (
            f"Cannot find {command.shown}. This object may not exist in this scene. "
            "Try to explore other instances instead."
        )
    return "" if state.go_to(chosen) else f"Cannot move to {command.shown}"


_KEEP_TARGET: frozenset[Verb] = frozenset({"put", "open"})
_SKILLS: Mapping[Verb, Callable[[State, Command], str]] = {
    "find": _find,
    "pick": pick,
    "put": lambda state, command: put_down(state),
    "drop": lambda state, command: drop(state),
    "open": open_up,
    "close": close,
    "on": turn_on,
    "off": turn_off,
    "slice": cut,
}
