"""Subgoals: upstream's record of an expert's path, reduced to what a world without geometry can tell.

Upstream's subgoals are all the predicates that held at the standpoints of an expert, incidental ones among them (every place and object
that happened to be within 2 metres), and count as achieved once all of them hold at the same step (``TaskProgressMonitor`` in
``measures.py``, EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04, embodiedbench/envs/eb_habitat). What is kept: what
is held, what lies where, which doors are open or closed, and that the robot is at the place that the expert had gone to. What is dropped:
all other ``robot_at`` and ``robot_at_obj``, and where an object lies that is held at the same time (it is above the place that the robot is
at). So the number of subgoals is upstream's, and progress approximates upstream's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rbsuite_eb_habitat.goals import Logic
from rbsuite_eb_habitat.pack import Predicate
from rbsuite_eb_habitat.vocab import FRIDGE

_STATE = frozenset(
    ("on_top", "in", "at", "holding", "not_holding", "opened_fridge", "closed_fridge", "opened_cab", "closed_cab")
)
_LIES = frozenset(("on_top", "in", "at"))
_DOOR = frozenset(("opened_fridge", "closed_fridge", "opened_cab", "closed_cab"))


@dataclass(frozen=True, slots=True)
class _Stage:
    """A subgoal, sorted into parts: what is held (``""``: nothing), what lies where, the doors, and where the robot is said to be."""

    held: str
    lies: Mapping[str, str]
    doors: tuple[Predicate, ...]
    others: tuple[Predicate, ...]
    within: tuple[str, ...]


def reduce_subgoals(
    subgoals: Sequence[Sequence[Predicate]], initial: Mapping[str, str], goal_place: str = ""
) -> tuple[Logic, ...]:
    """The subgoals as conjunctions of what is kept; empty ones are left out, as upstream does.

    Args:
        subgoals: for each subgoal, its predicates.
        initial: the receptacle that each object lies on at the start.
        goal_place: where the goal wants the robot to be; ``""``: nowhere.
    """
    stages = [_stage(subgoal) for subgoal in subgoals if subgoal]
    expert = _Expert(stages, dict(initial), goal_place)
    return tuple(Logic("AND", tuple(_kept(stage, place))) for stage, place in zip(stages, expert.places(), strict=True))


def expert_picks(subgoals: Sequence[Sequence[Predicate]]) -> tuple[str, ...]:
    """The objects that the expert took into its hand, in order, without repetitions."""
    return tuple(dict.fromkeys(args[0] for subgoal in subgoals for name, args in subgoal if name == "holding" and args))


def _kept(stage: _Stage, place: str) -> Iterator[Predicate]:
    if stage.held:
        yield "holding", (stage.held,)
    yield from (("on_top", (item, on)) for item, on in stage.lies.items())
    yield from stage.doors
    yield from stage.others
    if place and (place in stage.within or not (stage.held or stage.lies or stage.doors or stage.others)):
        yield "robot_at", (place,)


def _stage(subgoal: Sequence[Predicate]) -> _Stage:
    held = next((args[0] for name, args in subgoal if name == "holding" and args), "")
    return _Stage(
        held=held,
        lies={args[0]: args[1] for name, args in subgoal if name in _LIES and len(args) == 2 and args[0] != held},
        doors=tuple(predicate for predicate in subgoal if predicate[0] in _DOOR),
        others=tuple(predicate for predicate in subgoal if predicate[0] == "not_holding"),
        within=tuple(args[0] for name, args in subgoal if name == "robot_at" and args),
    )


@dataclass(slots=True)
class _Expert:
    """Infers where the expert had gone to at each stage, from what it picks and places there or next."""

    stages: Sequence[_Stage]
    lies: dict[str, str]
    goal_place: str
    _now: str = field(default="")

    def places(self) -> Iterator[str]:
        """The place at each stage; ``""`` if nothing tells."""
        before = ""
        for number, stage in enumerate(self.stages):
            if stage.held and stage.held != before:
                self._now = self.lies.get(stage.held, "")
            elif before and not stage.held:
                place = stage.lies.get(before, "")
                if place:
                    self.lies[before] = place
                self._now = place
            else:
                self._now = self._next_place(number, stage.held) or self._now
            before = stage.held
            yield self._now

    def _next_place(self, number: int, held: str) -> str:
        """Where the next object is picked up or put down, where the next door is, or where the goal wants the robot."""
        doors = self.stages[number].doors
        for stage in self.stages[number + 1 :]:
            if held and stage.held != held:
                return stage.lies.get(held, "")
            if stage.held and stage.held != held:
                return self.lies.get(stage.held, "")
            if set(stage.doors) - set(doors):
                return next((args[0] for name, args in stage.doors if args and name.endswith("fridge")), FRIDGE)
        return self.goal_place
