"""Environments of other libraries as rbsuite's. Importing this module imports none of them; that happens when an episode is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Solution
from rbsuite.errors import UnknownNameError
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action

GymEnv = Any
"""A ``gymnasium.Env``, which this module does not import."""
Describe = Callable[[Any, GymEnv], str]
Parse = Callable[[Action], Any]
Success = Callable[[float, bool, bool, Mapping[str, Any]], float]
Solve = Callable[[GymEnv], Iterable[Any]]
"""Actions that solve an environment that was just reset; it may be stepped to find them."""

DEFAULT_SPLIT = "sample"
DEFAULT_SEEDS = range(20)


def reached(total_reward: float, terminated: bool, truncated: bool, info: Mapping[str, Any]) -> float:
    """The default score: 1 if the environment itself ended the episode and the rewards add up to more than 0, else 0."""
    return float(terminated and total_reward > 0)


def from_gymnasium(
    source: str | Callable[..., GymEnv],
    *,
    tasks: Iterable[int] | Iterable[Task] | Mapping[str, Iterable[int] | Iterable[Task]] = DEFAULT_SEEDS,
    name: str = "",
    instructions: str = "",
    actions: Sequence[str] | Sequence[Sequence[str]] = (),
    describe: Describe | None = None,
    parse: Parse | None = None,
    solve: Solve | None = None,
    success: Success = reached,
    images: bool = False,
    **options: Any,
) -> type[GymnasiumEnvironment]:
    """A class of environments, for use as the factory of an :class:`rbsuite.specs.EnvironmentSpec`; a subclass may add ``solution``.

    The actions of a ``Discrete`` space, and the named actions of a ``MultiDiscrete`` one, are choices (``action_mode="choice"``). Other
    actions are texts that contain a value of the space as JSON, or verbatim for a ``Text`` space (``action_mode="text"``). What cannot be
    read, or is outside the space, is answered with an observation that says so, and the environment is not stepped.

    Args:
        source: an id in Gymnasium's registry, or a callable that makes the environment from the options.
        tasks: seeds, each of which is a task (the state that ``reset`` returns for it); or tasks, whose payload may contain ``seed`` and
            ``options`` for ``reset``, and an ``id`` in the registry that replaces the source; or either by split. Without a mapping, the
            only split is ``sample``.
        name: name of the environment in task sets; default: the id in lower case.
        instructions: what the agent is told before the first observation: rules, goal, what observations mean.
        actions: names of the actions of a ``Discrete`` space, in order; default: their numbers. For a ``MultiDiscrete`` space, the names
            for each of its parts: ``(("left", "right"), ("wait", "jump"))`` makes four choices, the first of them ``left, wait``.
        describe: makes the text of an observation from the observation and the environment (for ``render``); default:
            :func:`rbsuite.gym.values.describe_value`.
        parse: makes the environment's action from the agent's, in place of choices and JSON; raises a ``ValueError`` that says what is
            wrong with it.
        solve: the environment's actions that solve a task, for the reference solution.
        success: score in [0, 1] from the sum of rewards, terminated, truncated, and the last info.
        images: whether each observation comes with the picture that the render mode ``rgb_array`` produces.
        options: keyword arguments for making the environment; those that the spec declares as options take precedence.
    """
    split_tasks = tasks if isinstance(tasks, Mapping) else {DEFAULT_SPLIT: tasks}
    shown = source if isinstance(source, str) else getattr(source, "__name__", "environment")
    described = Source(
        source,
        name or shown.lower(),
        {split: tuple(_task(given, instructions) for given in listed) for split, listed in split_tasks.items()},
        instructions,
        tuple(actions),
        describe,
        parse,
        solve,
        success,
        images,
        {**({"render_mode": "rgb_array"} if images else {}), **options},
    )
    return type("GymnasiumEnvironment", (GymnasiumEnvironment,), {"source": described, "__doc__": f"{shown} as ours."})


@dataclass(frozen=True, slots=True)
class Source:
    """The arguments of :func:`from_gymnasium`."""

    make: str | Callable[..., GymEnv]
    name: str
    tasks: Mapping[str, tuple[Task, ...]]
    instructions: str
    actions: Sequence[Any]
    describe: Describe | None
    parse: Parse | None
    solve: Solve | None
    success: Success
    images: bool
    options: Mapping[str, Any] = field(default_factory=dict)


def _task(given: int | Task, query: str) -> Task:
    if isinstance(given, Task):
        return given
    return Task(str(given), str(given), "", query, {"seed": int(given)})


class GymnasiumEnvironment(SyncEnvironment):
    """A Gymnasium environment; :func:`from_gymnasium` makes the subclass that knows which one. Every episode has its own.

    The task's seed determines the state after ``reset``. If the environment draws from its ``np_random`` afterwards, e.g. for slippery ice,
    the rollout's seed decides, so rollouts of the same task may differ by chance.

    Args:
        options: keyword arguments for making the environment.
    """

    source: ClassVar[Source]

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
        from importlib.metadata import version

        return {"gymnasium": version("gymnasium")}

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        """See :meth:`rbsuite.environments.base.SyncEnvironment.begin`."""
        from rbsuite.gym.theirs import open_episode

        return open_episode(self.source, self._options, task, seed)

    def solution(self, task: Task) -> Solution | None:
        """What ``solve`` does, if it is given."""
        if self.source.solve is None:
            return None
        from rbsuite.gym.theirs import solution

        return solution(self.source, self._options, task)
