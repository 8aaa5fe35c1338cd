"""Any Gymnasium environment as ours: its episodes. :mod:`rbsuite.adapters` declares it, and imports this when one is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from rbsuite.adapters import Source
from rbsuite.environments.base import SyncEpisode
from rbsuite.environments.solution import Solution
from rbsuite.errors import EnvironmentFailure, UsageError
from rbsuite.gym.values import describe_space, describe_value, png, read_value, write_value
from rbsuite.seeds import derive_seed
from rbsuite.task import Task
from rbsuite.trajectory import Action, EndReason, Grade, Image, Message, Observation, ToolResult

GymEnv = gymnasium.Env[Any, Any]
STOPPED = "The episode was ended by the agent."


def open_episode(source: Source, options: Mapping[str, Any], task: Task, seed: int) -> SyncEpisode:
    """An episode of a task, in an environment of its own.

    Raises:
        EnvironmentFailure: the environment cannot be made or reset.
        UsageError: what was said of it does not fit it.
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
    """The actions that ``solve`` gives for a task, as an agent takes them.

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
                raise UsageError(f"{source.name}: solve gives {chosen!r}, which is no action.", "Fix solve.")
            index = int(chosen) - int(getattr(world.action_space, "start", 0)) if names else 0
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
    return EnvironmentFailure(f"{source.name} cannot be opened: {type(error).__name__}: {error}")


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
            told.append(f"Write your action as JSON: {describe_space(world.action_space)}.")
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
            raise EnvironmentFailure(f"{self._source.name} raised {type(error).__name__}: {error}") from error
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
        elif isinstance(space, spaces.Discrete):
            chosen = int(space.start) + _named(self._names, action)
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
    space = world.action_space
    if source.parse is not None or not isinstance(space, spaces.Discrete):
        return ()
    names = source.actions or tuple(str(number) for number in range(int(space.start), int(space.start + space.n)))
    if len(names) != space.n:
        raise UsageError(f"{source.name} has {space.n} actions, and {len(names)} are named.", "Name each of them.")
    return names


def _named(names: Sequence[str], action: Action) -> int:
    """The index of a choice, or of the name that a text is."""
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
    """The observation after an action; where it made calls, each gets the text as its result."""
    return Observation(
        text,
        turn="over" if over else "agent",
        role="tool" if action.calls else "user",
        images=images,
        results=tuple(ToolResult(call.id, call.name, text) for call in action.calls),
        data={"valid": valid},
    )
