"""Any Gymnasium environment as ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.errors import EnvironmentFailure, UnknownNameError, UsageError
from rbsuite.gym.values import describe_space, describe_value, png, read_value
from rbsuite.seeds import derive_seed
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Image, Message, Observation, ToolResult

GymEnv = gymnasium.Env[Any, Any]
Describe = Callable[[Any, GymEnv], str]
Parse = Callable[[Action], Any]
Success = Callable[[float, bool, bool, Mapping[str, Any]], float]
STOPPED = "The episode was ended by the agent."


def reached(total_reward: float, terminated: bool, truncated: bool, info: Mapping[str, Any]) -> float:
    """The default score: 1 where the environment itself ended the episode and the rewards add up to more than 0, else 0."""
    return float(terminated and total_reward > 0)


def from_gymnasium(
    source: str | Callable[..., GymEnv],
    *,
    tasks: Iterable[int] | Iterable[Task] | Mapping[str, Iterable[int] | Iterable[Task]],
    name: str = "",
    instructions: str = "",
    actions: Sequence[str] = (),
    describe: Describe | None = None,
    parse: Parse | None = None,
    success: Success = reached,
    images: bool = False,
    **options: Any,
) -> type[GymnasiumEnvironment]:
    """A class of environments, for the factory of an :class:`rbsuite.specs.EnvironmentSpec`; a subclass may add ``solution``.

    The named actions of a ``Discrete`` space are choices (``action_mode="choice"``). Other actions are texts that hold a value of the
    space as JSON (``action_mode="text"``). What cannot be read, or is outside the space, is answered by an observation that says so, and
    the environment is not stepped.

    Args:
        source: an id of Gymnasium's registry, or what makes the environment when called with the options.
        tasks: seeds, each of which is a task (the state that ``reset`` gives with it); or tasks, whose payload may hold ``seed`` and
            ``options`` for ``reset``; or either by split. Without a mapping the one split is ``all``.
        name: of the environment in task sets; default: the id in lower case.
        instructions: what the agent is told before the first observation: rules, goal, what observations mean.
        actions: names of the actions of a ``Discrete`` space, in order; default: their numbers.
        describe: text of an observation, from the observation and the environment (for ``render``); default:
            :func:`rbsuite.gym.values.describe_value`.
        parse: the environment's action from the agent's, in place of choices and JSON; a ``ValueError`` says what is wrong with it.
        success: score in [0, 1] from the sum of rewards, terminated, truncated, and the last info.
        images: whether each observation comes with the picture that the render mode ``rgb_array`` gives.
        options: keyword arguments for making the environment; those that the spec declares as options take precedence.
    """
    split_tasks = tasks if isinstance(tasks, Mapping) else {"all": tasks}
    shown = source if isinstance(source, str) else getattr(source, "__name__", "environment")
    described = _Source(
        source,
        name or shown.lower(),
        {split: tuple(_task(given, instructions) for given in listed) for split, listed in split_tasks.items()},
        instructions,
        tuple(actions),
        describe or (lambda observation, _: describe_value(observation)),
        parse,
        success,
        images,
        {**({"render_mode": "rgb_array"} if images else {}), **options},
    )
    return type("GymnasiumEnvironment", (GymnasiumEnvironment,), {"source": described, "__doc__": f"{shown} as ours."})


@dataclass(frozen=True, slots=True)
class _Source:
    """What :func:`from_gymnasium` was told."""

    make: str | Callable[..., GymEnv]
    name: str
    tasks: Mapping[str, tuple[Task, ...]]
    instructions: str
    actions: tuple[str, ...]
    describe: Describe
    parse: Parse | None
    success: Success
    images: bool
    options: Mapping[str, Any] = field(default_factory=dict)


def _task(given: int | Task, query: str) -> Task:
    if isinstance(given, Task):
        return given
    return Task(str(given), str(given), "", query, {"seed": int(given)})


class GymnasiumEnvironment(SyncEnvironment):
    """A Gymnasium environment; :func:`from_gymnasium` makes the subclass that knows which. Every episode has one of its own.

    The task's seed gives the state after ``reset``. Where the environment draws from its ``np_random`` afterwards, as for slippery ice, the
    rollout's seed decides, so that rollouts of a task differ in their luck.

    Args:
        options: keyword arguments for making the environment.
    """

    source: ClassVar[_Source]

    def __init__(self, **options: Any) -> None:
        self._options = {**self.source.options, **options}

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """The tasks of a split. See :meth:`rbsuite.Environment.tasks`."""
        name, splits = self.source.name, self.source.tasks
        if split not in splits:
            raise UnknownNameError(f"split of {name}", split, splits)
        tasks = tuple(task for task in splits[split] if domain in ("", task.domain))
        if not tasks:
            raise UnknownNameError(f"domain of {name}", domain, {task.domain for task in splits[split]} - {""})
        return TaskSet(name, split, tasks)

    def facts(self) -> Mapping[str, Any]:
        """Gymnasium's version."""
        return {"gymnasium": gymnasium.__version__}

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        """See :meth:`rbsuite.environments.base.SyncEnvironment.begin`."""
        source, options = self.source.make, self._options
        try:
            world = (
                source(**options) if callable(source) else gymnasium.make(source, disable_env_checker=True, **options)
            )
        except Exception as error:
            raise self._failure(error) from error
        try:
            return _GymnasiumEpisode(self.source, world, task, seed)
        except UsageError:
            world.close()
            raise
        except Exception as error:
            world.close()
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> EnvironmentFailure:
        return EnvironmentFailure(f"{self.source.name} cannot be opened: {type(error).__name__}: {error}")


class _GymnasiumEpisode(SyncEpisode):
    """One run of a Gymnasium environment."""

    def __init__(self, source: _Source, world: GymEnv, task: Task, seed: int) -> None:
        self._source = source
        self._world = world
        self._names = _action_names(source, world)
        self._total = 0.0
        self._terminated = self._stopped = False
        self._steps = self._invalid = 0
        chosen = task.payload.get("seed", derive_seed("gymnasium", seed))
        shown, self._info = world.reset(seed=int(chosen), options=task.payload.get("options"))
        world.unwrapped.np_random = np.random.default_rng(derive_seed("gymnasium", "world", seed))
        told = [source.instructions]
        if not self._names and source.parse is None:
            told.append(f"Write your action as JSON: {describe_space(world.action_space)}.")
        text = "\n\n".join(filter(None, told))
        self.observation = Observation(
            source.describe(shown, world),
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
            text, images = self._source.describe(shown, self._world), self._images()
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


def _action_names(source: _Source, world: GymEnv) -> tuple[str, ...]:
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
