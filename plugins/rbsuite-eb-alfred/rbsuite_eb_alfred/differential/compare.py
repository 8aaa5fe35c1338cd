"""Carries out the same actions in a world and in upstream, and reports where they diverge."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rbsuite.environments.base import PlainServices
from rbsuite.task import Task
from rbsuite.trajectory import Action
from rbsuite_eb_alfred.differential.room import Room
from rbsuite_eb_alfred.differential.upstream import Upstream, quiet
from rbsuite_eb_alfred.differential.walks import Walk, noisy
from rbsuite_eb_alfred.environment import EbAlfred
from rbsuite_eb_alfred.scene import ABSENT
from rbsuite_eb_alfred.vocabulary import OBJECTS, SLICES, spoken
from rbsuite_eb_alfred.world import AlfredWorld
from rbsuite_embodied.environment import EmbodiedEpisode

_KINDS = {*OBJECTS, "Sink", "Bathtub", "SinkBasin", "BathtubBasin", *(f"{kind}Sliced" for kind in SLICES)}
_NAMES = re.compile(rf"\b({'|'.join(sorted(_KINDS | {spoken(kind) for kind in _KINDS}))})(_\d+)?\b")


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the engine and upstream diverge.

    Attributes:
        task: id of the task.
        actions: the names of the actions from the start to the one after which they differ.
        what: what differs.
        ours, theirs: its values.
    """

    task: str
    actions: tuple[str, ...]
    what: str
    ours: Any
    theirs: Any


@dataclass(slots=True)
class Report:
    """What a comparison found.

    Attributes:
        actions: actions that went through both.
        solved: walks or episodes that reached the goal.
        said: how often each feedback was given, without names.
        differences: the first one of each walk or episode.
    """

    actions: int = 0
    solved: int = 0
    said: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)


def compare_walks(
    upstream: Upstream, environment: EbAlfred, tasks: Iterable[Task], *, actions: int, seed: int
) -> Report:
    """Walk through each task's world without regard to limits, until the two differ.

    Compared after every action: feedback, validity, success, progress, what is in view, what was heated, cooled and cleaned, and the whole
    state of the room; at the start, the names of the actions.

    Args:
        upstream: upstream.
        environment: makes the worlds and the plans.
        tasks: the tasks.
        actions: how many actions in each.
        seed: seed of all choices.
    """
    report = Report()
    for task in tasks:
        world = environment.open_world(task)
        walk = Walk(world, _plan(environment, task), seed)
        theirs = _begin(upstream, task, world, limits=False)
        done: list[str] = []
        solved = False
        found = _first_difference({"names": world.names}, {"names": tuple(theirs.language_skill_set)})
        while found is None and len(done) < actions:
            index = walk.next()
            done.append(world.names[index])
            outcome = world.do(index)
            ours = {"feedback": outcome.feedback, "valid": outcome.valid, **_state(world)}
            info, _ = _step(theirs, index)
            found = _first_difference(ours, {**info, **_room(upstream.room)})
            solved |= world.achieved.success
            _note(report, outcome.feedback)
        report.solved += solved
        _file(report, task, done, found)
    return report


def compare_episodes(
    upstream: Upstream, environment: EbAlfred, tasks: Iterable[Task], *, noise: float, seed: int
) -> Report:
    """Play an episode of each task by its plan, within the limits, on the environment itself.

    Compared after every action: feedback, validity, success, progress, the numbers of steps and of invalid actions, and whether the episode
    is over.

    Args:
        upstream: upstream.
        environment: the environment; half of the actions are given to it, and to upstream, by name.
        tasks: the tasks.
        noise: share of the plan's steps that are replaced by random ones or preceded by one.
        seed: seed of all choices.
    """
    report = Report()
    for task in tasks:
        rng = random.Random(f"{seed} {task.id}")
        episode = environment.begin(task, seed=0, services=PlainServices(environment))
        first = episode.observation
        names = first.choices
        theirs = _begin(upstream, task, environment.open_world(task), limits=True)
        found = _first_difference({"text": first.text}, {"text": theirs.episode_language_instruction})
        done: list[str] = []
        for index in noisy(_plan(environment, task), len(names), noise, rng):
            if episode.observation.turn == "over" or found:
                break
            done.append(names[index])
            by_name = rng.random() < 0.5
            found = _compare_step(episode, theirs, names[index] if by_name else index, report)
        report.solved += episode.grade("max_steps").score == 1.0
        _file(report, task, done, found)
    return report


def _compare_step(
    episode: EmbodiedEpisode, theirs: Any, action: int | str, report: Report
) -> tuple[str, Any, Any] | None:
    chosen = Action(action) if isinstance(action, str) else Action.choose(action)
    episode.observation = seen = episode.act(chosen)
    info, done = _step(theirs, action)
    grade = episode.grade("max_steps")
    ours = {
        "feedback": seen.text,
        "valid": seen.data["valid"],
        "success": grade.score == 1.0,
        "progress": grade.measures["progress"],
        "over": seen.turn == "over",
        "steps": grade.truth["steps"],
        "invalid": grade.truth["invalid_actions"],
    }
    _note(report, seen.text)
    counts = {"over": done, "steps": theirs._current_step, "invalid": theirs._cur_invalid_actions}
    return _first_difference(ours, {**info, **counts})


def _begin(upstream: Upstream, task: Task, world: AlfredWorld, *, limits: bool) -> Any:
    return upstream.begin(task.domain, int(task.id.rpartition("/")[2]), world.household, limits=limits)


def _plan(environment: EbAlfred, task: Task) -> Sequence[int]:
    solution = environment.solution(task)
    return [action.index for action in solution.actions if action.index is not None] if solution else []


def _step(theirs: Any, action: int | str) -> tuple[dict[str, Any], bool]:
    with quiet():
        _, _, done, info = theirs.step(action)
    states = info["object_states"]
    return {
        "feedback": info["env_feedback"],
        "valid": bool(info["last_action_success"]),
        "success": bool(info["task_success"]),
        "progress": float(info["task_progress"]),
        "view": list(states["visible_objs"]),
        **{name: set(states[f"{name}_objects"]) for name in ("heated", "cooled", "cleaned")},
    }, bool(done)


def _state(world: AlfredWorld) -> dict[str, Any]:
    """The state of a world, in the terms of the room."""
    state, things = world.state, world.household.things
    return {
        "success": world.achieved.success,
        "progress": world.achieved.progress,
        "view": [things[index].type for index in state.in_view()],
        "heated": {things[index].id for index in state.heated},
        "cooled": {things[index].id for index in state.cooled},
        "cleaned": {things[index].id for index in state.cleaned},
        "held": things[state.held].id if state.held >= 0 else "",
        "places": {
            thing.id: things[place].id if place >= 0 else ""
            for thing, place in zip(things, state.places, strict=True)
            if place != ABSENT
        },
        "open": {things[index].id for index in state.open},
        "on": {things[index].id for index in state.on},
        "stand": state.stand,
        "facing": state.facing,
    }


def _room(room: Room) -> dict[str, Any]:
    return {
        "held": room.held,
        "places": room.holds,
        "open": room.opened,
        "on": room.running,
        "stand": room.stand,
        "facing": room.heading,
    }


def _first_difference(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    return next(((what, ours[what], theirs[what]) for what in ours if ours[what] != theirs[what]), None)


def _note(report: Report, feedback: str) -> None:
    report.actions += 1
    report.said[_NAMES.sub("*", feedback)] += 1


def _file(report: Report, task: Task, done: Sequence[str], found: tuple[str, Any, Any] | None) -> None:
    if found is not None:
        report.differences.append(Difference(task.id, tuple(done), *found))
