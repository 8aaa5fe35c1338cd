"""The base of every environment: a deterministic state machine behind gymnasium's interface that never calls a model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self

import gymnasium
import numpy as np

from rbsuite.environments.solution import Skill, Solution
from rbsuite.environments.spaces import ActionSpace, RecordSpace
from rbsuite.errors import EnvironmentFailure
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, Observation


@dataclass(frozen=True, slots=True)
class StepResult:
    """What an action led to.

    Attributes:
        observation: what is shown next, and to whom.
        reward: the environment's reward for the action.
        terminated: whether the episode has ended.
        truth: details of the check, for reports; never shown to agent, memory or self-judge.
        truncated: whether the episode was cut by a step limit of the benchmark's own, where the environment keeps one. Its reward is the
            score then too, unless the environment says otherwise.
    """

    observation: Observation
    reward: float = 0.0
    terminated: bool = False
    truth: Mapping[str, Any] = field(default_factory=dict)
    truncated: bool = False


@cache
def _templates(directory: Path | None) -> Callable[..., str]:
    from rbsuite.prompts import Prompts

    return Prompts([] if directory is None else [directory]).render


class Environment(gymnasium.Env[Observation, Action]):
    """A world that tasks are solved in.

    A subclass implements :meth:`load`, :meth:`begin` and :meth:`act`, and where upstream has reference solutions :meth:`solution`.
    Same seed and same actions give the same trajectory. An invalid action becomes an observation, never an exception.

    Where a simulated user takes part, an observation with ``turn="user"`` is answered by the user's words (an action of kind ``text``)
    and one with ``turn="agent"`` by the agent.

    Args:
        tasks: the task set to draw from; default: all tasks of the default split.
        options: the environment's declared options.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - declared so by gymnasium
    default_split: ClassVar[str] = "sample"
    prompt_directory: ClassVar[Path | None] = None
    """Where the templates of the environment's own plugin are, for use outside an experiment."""
    _generator: np.random.Generator | None = None
    load_options: ClassVar[tuple[str, ...]] = ()
    """Names of those options that shape the tasks: :meth:`load` takes them too."""

    def __init__(self, tasks: TaskSet | None = None, **options: Any) -> None:
        if options:
            raise TypeError(f"{type(self).__name__} takes no option {next(iter(options))!r}")
        self.tasks = tasks if tasks is not None else type(self).load(self.default_split)
        self._task: Task | None = None
        self._last_reward = 0.0
        self._terminated = False
        self._render: Callable[..., str] | None = None

    @classmethod
    @abstractmethod
    def load(cls, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """The tasks of a split, in native order.

        Args:
            split: one of the spec's splits.
            domain: only this domain's tasks; ``""``: all.
            data: directory of a pack to read in place of the imported one; ``""``: the imported one, or what is bundled.

        Raises:
            DataError: the data is not there or malformed; the message says how to get it.
            UnknownNameError: no such split or domain.
        """

    @classmethod
    def at_hand(cls, split: str, *, data: str = "") -> bool:
        """Whether :meth:`load` needs no network for a split. Where it does, lists and plans leave the split alone."""
        return True

    def use_prompts(self, render: Callable[..., str]) -> None:
        """Use these templates where the environment has prompts of its own: ``render(name, **variables)``."""
        self._render = render

    def prompt(self, template: str, **variables: Any) -> str:
        """Render a prompt template: the experiment's, or outside one the plugin's or the core's."""
        render = self._render or _templates(self.prompt_directory)
        return render(template, **variables)

    def prompt_variables(self, task: Task) -> Mapping[str, Any]:
        """What the environment's own templates take for a task; none where it has no templates."""
        return {}

    def facts(self) -> Mapping[str, Any]:
        """What the manifest says of the environment beside its name, version and options, e.g. the id of what reads answers."""
        return {}

    @abstractmethod
    def begin(self, task: Task) -> Observation:
        """Set the world up for a task and give the first observation."""

    @abstractmethod
    def act(self, action: Action) -> StepResult:
        """Carry out an action."""

    def solution(self, task: Task) -> Solution | None:
        """A way to solve the task, or ``None`` where there is no reference. Must not depend on the current episode."""
        return None

    def skills(self) -> Sequence[Skill]:
        """The skills that the pitfalls of solutions refer to."""
        return ()

    def script(self, task: Task) -> Sequence[str]:
        """What a scripted user says, opening first; empty where no user takes part."""
        solution = self.solution(task)
        return solution.user_lines if solution is not None else ()

    def closes(self, action: Action) -> bool:
        """Whether an action would end the episode by the agent's own decision, as an answer does.

        Sequential scaling holds such an action back and has the agent check it first, where the spec says ``refine="continue"``.
        """
        return False

    def fork(self) -> Self:
        """An independent copy in the same state, for rollouts that branch.

        Raises:
            NotImplementedError: the environment cannot be copied.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be forked")

    @property
    def task(self) -> Task:
        """The current task.

        Raises:
            EnvironmentFailure: before the first reset.
        """
        if self._task is None:
            raise EnvironmentFailure("the environment was used before reset.", "Call reset first.")
        return self._task

    @property
    def score(self) -> float:
        """The ground truth in [0, 1]: the reward of the step that ended the episode; 0 while it has not ended."""
        return self._last_reward if self._terminated else 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: seeds ``np_random``, which draws the task where none is named.
            options: ``{"task": id}`` names the task.

        Raises:
            EnvironmentFailure: the task set has no such task.
        """
        if seed is not None:
            self._seed_later(seed)
        wanted = (options or {}).get("task")
        if wanted is None:
            wanted = self.tasks.tasks[int(self.np_random.integers(len(self.tasks)))].id
        if wanted not in self.tasks.by_id:
            raise EnvironmentFailure(f"the task set has no task {wanted!r}.")
        self._task = self.tasks.by_id[wanted]
        self._last_reward, self._terminated = 0.0, False
        return self.begin(self._task), {"task": wanted}

    def _seed_later(self, seed: int) -> None:
        """As ``gymnasium.Env.reset`` seeds, but the generator is made when it is used: few environments draw anything."""
        if seed < 0:
            raise gymnasium.error.Error(f"Seed must be greater or equal to zero, actual value: {seed}")
        self._np_random_seed, self._generator = seed, None

    @property
    def _np_random(self) -> np.random.Generator | None:
        if self._generator is None and self._np_random_seed is not None:
            self._generator = gymnasium.utils.seeding.np_random(self._np_random_seed)[0]
        return self._generator

    @_np_random.setter
    def _np_random(self, generator: np.random.Generator | None) -> None:
        self._generator = generator

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Carry out an action.

        The runner keeps the limit of turns; the fourth value is true only where the benchmark itself limits steps.

        Raises:
            EnvironmentFailure: before reset, or after the episode has ended.
        """
        if self._task is None or self._terminated:
            raise EnvironmentFailure("step was called outside an episode.", "Call reset first.")
        result = self.act(action)
        self._last_reward, self._terminated = result.reward, result.terminated or result.truncated
        return result.observation, result.reward, result.terminated, result.truncated, {"truth": dict(result.truth)}

    @property
    def observation_space(self) -> RecordSpace:  # type: ignore[override]
        """All observations."""
        return RecordSpace(Observation)

    @property
    def action_space(self) -> ActionSpace:  # type: ignore[override]
        """All actions; samples are texts and calls of made-up tools, which every environment must bear."""
        return ActionSpace()
