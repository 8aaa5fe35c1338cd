"""Any Gymnasium environment as ours: its episodes. :mod:`rbsuite.adapters` declares it, and imports this module when one is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from rbsuite.adapters import Source
from rbsuite.environments.base import SyncEpisode
from rbsuite.environments.solution import Solution
from rbsuite.errors import EnvironmentFailure, UsageError, told
from rbsuite.gym.values import describe_space, describe_value, png, read_value, write_value
from rbsuite.seeds import derive_seed
from rbsuite.task import Task
from rbsuite.trajectory import Action, EndReason, Grade, Image, Message, Observation, ToolResult

GymEnv = gymnasium.Env[Any, Any]
STOPPED = "The episode was ended by the agent."
MOST_NAMED = 1_000
"""Actions that can be named; an agent reads the whole list."""


def open_episode(source: Source, options: Mapping[str, Any], task: Task, seed: int) -> SyncEpisode:
    """An episode of a task, in an environment of its own.

    Raises:
        EnvironmentFailure: the environment cannot be made or reset.
        UsageError: what was said about it does not fit it.
    """
    world = _made(source, options, task)
    try:
        return _GymnasiumEpisode(source, world, task, seed)
    except UsageError:
        world.close()
        raise
    except Exception as error:
        world.close()
        raise _failure(source, error) from error


def solution(source: Source, options: Mapping[str, Any], task: Task) -> Solution:
    """The actions that ``solve`` returns for a task, as an agent takes them.

    Raises:
        EnvironmentFailure: the environment cannot be made or reset.
        UsageError: it gives an action that the environment does not have.
    """
    assert source.solve is not None
    world = _made(source, options, task)
    try:
        names = _action_names(source, world)
        world.reset(seed=_seed(task, 0), options=task.payload.get("options"))
        taken = []
        for chosen in source.solve(world):
            if not world.action_space.contains(chosen):
                raise UsageError(f"{source.name}: solve gives {chosen!r}, which is not an action.", "Fix solve.")
            index = _index(world.action_space, chosen) if names else 0
            taken.append(Action.choose(index, names[index]) if names else Action(write_value(chosen)))
        return Solution(tuple(taken))
    finally:
        world.close()


def _made(source: Source, options: Mapping[str, Any], task: Task) -> GymEnv:
    make = task.payload.get("id", source.make)
    try:
        if callable(make):
            return make(**options)  # type: ignore[no-any-return]
        return gymnasium.make(make, disable_env_checker=True, **options)
    except Exception as error:
        raise _failure(source, error) from error


def _failure(source: Source, error: Exception) -> EnvironmentFailure:
    return EnvironmentFailure(f"{source.name} cannot be opened: {told(error)}")


def _seed(task: Task, seed: int) -> int:
    return int(task.payload.get("seed", derive_seed("gymnasium", seed)))


class _GymnasiumEpisode(SyncEpisode):
    """One run of a Gymnasium environment."""

    def __init__(self, source: Source, world: GymEnv, task: Task, seed: int) -> None:
        self._source = source
        self._world = world
        self._names = _action_names(source, world)
        self._total = 0.0
        self._terminated = self._stopped = False
        self._steps = self._invalid = 0
        self._describe = source.describe or (lambda observation, _: describe_value(observation))
        shown, self._info = world.reset(seed=_seed(task, seed), options=task.payload.get("options"))
        world.unwrapped.np_random = np.random.default_rng(derive_seed("gymnasium", "world", seed))
        told = [source.instructions]
        if not self._names and source.parse is None:
            form = "" if isinstance(world.action_space, spaces.Text) else " as JSON"
            told.append(f"Write your action{form}: {describe_space(world.action_space)}.")
        text = "\n\n".join(filter(None, told))
        self.observation = Observation(
            self._describe(shown, world),
            messages=(Message("system", text),) if text else (),
            choices=self._names,
            images=self._images(),
        )

    def act(self, action: Action) -> Observation:
        """Step the environment, or say what is wrong with the action."""
        self.reward = None
        if self.closes(action):
            self._stopped = True
            return Observation(STOPPED, turn="over")
        try:
            chosen = self._read(action)
        except ValueError as error:
            self._invalid += 1
            return _answer(action, f"Invalid action: {error}.", valid=False)
        try:
            shown, reward, self._terminated, self.truncated, self._info = self._world.step(chosen)
            text, images = self._describe(shown, self._world), self._images()
        except Exception as error:
            raise EnvironmentFailure(f"{self._source.name} raised {told(error)}") from error
        self._steps += 1
        self.reward = float(reward)
        self._total += self.reward
        self._terminated, self.truncated = bool(self._terminated), bool(self.truncated and not self._terminated)
        return _answer(action, text, valid=True, images=images, over=self._terminated or self.truncated)

    def grade(self, end: EndReason) -> Grade:
        """What ``success`` makes of the run."""
        score = self._source.success(self._total, self._terminated, self.truncated, self._info)
        truth = {"total_reward": self._total, "steps": self._steps, "invalid": self._invalid, "stopped": self._stopped}
        return Grade(float(score), truth=truth)

    def closes(self, action: Action) -> bool:
        """Where actions are named, the empty text ends the episode."""
        return bool(self._names) and action.speaks and not action.text.strip()

    def close(self) -> None:
        """Close the environment."""
        self._world.close()

    def _read(self, action: Action) -> Any:
        space = self._world.action_space
        if self._source.parse is not None:
            chosen = self._source.parse(action)
        elif action.calls:
            raise ValueError("there are no tools here, write the action as text")
        elif self._names:
            chosen = _at(space, _named(self._names, action))
        else:
            chosen = read_value(space, action.text)
        if not space.contains(chosen):
            raise ValueError(f"{chosen!r} is not in the space of actions")
        return chosen

    def _images(self) -> tuple[Image, ...]:
        if not self._source.images:
            return ()
        frame = self._world.render()
        if not (isinstance(frame, np.ndarray) and frame.dtype == np.uint8 and frame.ndim == 3 and frame.shape[2] == 3):
            raise UsageError(f"{self._source.name} does not render pictures.", "Leave out images=True.")
        return (Image.of(png(frame), description="picture of the environment"),)


def _action_names(source: Source, world: GymEnv) -> tuple[str, ...]:
    """The names of all actions, in the order of the space; none if actions are texts."""
    space = world.action_space
    parts: Sequence[Sequence[str]]
    if source.parse is not None:
        return ()
    if isinstance(space, spaces.Discrete):
        numbers = [str(number) for number in range(int(space.start), int(space.start + space.n))]
        parts, sizes = [[str(name) for name in source.actions] or numbers], [int(space.n)]
    elif not source.actions:
        return ()
    elif isinstance(space, spaces.MultiDiscrete):
        parts, sizes = source.actions, space.nvec.ravel().tolist()
    else:
        raise UsageError(
            f"{source.name} names actions, and those of the space {type(space).__name__} have no names.",
            "Leave out actions.",
        )
    if [len(part) for part in parts] != sizes:
        named = " x ".join(str(len(part)) for part in parts)
        raise UsageError(
            f"{source.name} has {' x '.join(map(str, sizes))} actions, and {named} are named.", "Name each of them."
        )
    if prod(sizes) > MOST_NAMED:
        raise UsageError(
            f"{source.name} has {prod(sizes):,} actions, and at most {MOST_NAMED:,} can be named.",
            "Leave out actions: they are written as JSON then.",
        )
    return tuple(", ".join(names) for names in product(*parts))


def _at(space: spaces.Space[Any], index: int) -> Any:
    """The action at a place in the order of its space."""
    if isinstance(space, spaces.MultiDiscrete):
        places = np.unravel_index(index, space.nvec.ravel())
        return (np.reshape(places, space.shape) + space.start).astype(space.dtype)
    assert isinstance(space, spaces.Discrete)
    return int(space.start) + index


def _index(space: spaces.Space[Any], chosen: Any) -> int:
    """The place of an action in the order of its space."""
    if isinstance(space, spaces.MultiDiscrete):
        return int(np.ravel_multi_index(tuple((chosen - space.start).ravel()), space.nvec.ravel()))
    assert isinstance(space, spaces.Discrete)
    return int(chosen - space.start)


def _named(names: Sequence[str], action: Action) -> int:
    """The index that an action chooses, or that of the name in its text."""
    index = action.index
    if index is None:
        wanted = action.text.strip().strip(".\"'`").casefold()
        index = next((place for place, name in enumerate(names) if name.casefold() == wanted), -1)
    if not 0 <= index < len(names):
        raise ValueError(f"the reply names none of the actions ({', '.join(names)})")
    return index


def _answer(
    action: Action, text: str, *, valid: bool, images: tuple[Image, ...] = (), over: bool = False
) -> Observation:
    """The observation after an action; if it made calls, each gets the text as its result."""
    return Observation(
        text,
        turn="over" if over else "agent",
        role="tool" if action.calls else "user",
        images=images,
        results=tuple(ToolResult(call.id, call.name, text) for call in action.calls),
        data={"valid": valid},
    )
