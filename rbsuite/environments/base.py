"""What an environment is: a family of tasks, and the worlds they are tried in.

An :class:`Environment` is made once for an experiment and owns what its episodes share (data, a pool of browsers, a server). It opens an
:class:`Episode` for every rollout. Both may wait, e.g. for a browser or a sandbox. Worlds that only compute are simpler to write as a
:class:`SyncEnvironment` with a :class:`SyncEpisode`; the core runs these on the event loop, or in a thread or process of their own if
the spec says so.

Same seed and same actions give the same trajectory. An invalid action becomes an observation, never an exception. An environment never
calls a model to act; a grader that needs one gets it from its services, where it is metered like any other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeGuard

from rbsuite.environments.solution import Ceiling, Lesson, Mistake, Solution
from rbsuite.models.services import ModelServices
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import EVERYONE, Action, Actor, EndReason, Grade, Message, Observation

if TYPE_CHECKING:
    from rbsuite.models.base import ChatModel, Completion


class EpisodeServices(ModelServices, Protocol):
    """What an episode may use. The model is the grader's, only for :meth:`Episode.grade`: outside an experiment there is none, and
    asking it raises a ``ModelError``. The cost counts as ``grade``.
    """


class Opener(Protocol):
    """What opens episodes: an environment, or the host that runs its episodes elsewhere."""

    async def open(self, task: Task, *, seed: int, services: EpisodeServices) -> Episode:
        """See :meth:`Environment.open`."""


class Environment(ABC):
    """A family of tasks and the world they act in. One object serves one experiment.

    A subclass implements :meth:`tasks` and :meth:`open`, and :meth:`solution` if there are reference solutions. Its ``__init__``
    takes the options that its spec declares, as keyword arguments, and does no work: listing tasks makes one too.
    """

    prompt_directory: ClassVar[Path | None] = None
    """Where the templates of the environment's plugin are, for use outside an experiment."""

    @abstractmethod
    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """The tasks of a split, in native order. Called before :meth:`open`; the environment may keep what it has read.

        Args:
            split: one of the spec's splits.
            domain: only this domain's tasks; ``""``: all.
            data: directory of a pack to read in place of the imported one; ``""``: the imported one, or what is bundled.

        Raises:
            DataError: the data is missing or malformed; the message says how to get it.
            UnknownNameError: no such split or domain.
        """

    @abstractmethod
    async def open(self, task: Task, *, seed: int, services: EpisodeServices) -> Episode:
        """A fresh world for one rollout of a task.

        Args:
            task: one of the tasks that :meth:`tasks` returned.
            seed: what the world's own random choices are derived from.
            services: prompts, and the grader's model.

        Raises:
            EnvironmentFailure: the world cannot be created.
        """

    def solution(self, task: Task) -> Solution | None:
        """A way to solve a task, or ``None`` if there is no reference."""
        return None

    def majority(self, tasks: TaskSet) -> Mapping[str, Action]:
        """By domain, the answer that is right most often, given without looking at the task: a floor that ``rbsuite verify`` plays. Domains
        for which that is meaningless are left out.
        """
        return {}

    def mistakes(self, task: Task) -> Sequence[Mistake]:
        """Hand-written mistakes for the simulated learner; if there are any, :mod:`rbsuite.learner` looks for no others on the task."""
        return ()

    def lessons(self) -> Mapping[str, Lesson]:
        """Hand-written wording for mistakes that :mod:`rbsuite.learner` finds, by the id of the skill; usually none."""
        return {}

    def at_hand(self, split: str, *, data: str = "") -> bool:
        """Whether :meth:`tasks` needs no network for a split. If it does, lists and plans leave the split alone."""
        return True

    def prompt_variables(self, task: Task) -> Mapping[str, Any]:
        """The variables of the environment's own templates for a task; none if it has no templates."""
        return {}

    def ceiling(self, tasks: TaskSet) -> Ceiling | None:
        """How far the benchmark's own answers get by its own grading; ``None`` if they solve every task.

        ``rbsuite verify`` and ``rbsuite env`` show it. The reference of a task that it lists as beyond need not score 1.

        Args:
            tasks: what :meth:`tasks` returned.
        """
        return None

    def facts(self) -> Mapping[str, Any]:
        """What the manifest says about the environment besides its name, version and options, e.g. the id of what reads answers."""
        return {}

    async def aclose(self) -> None:  # noqa: B027 - most have nothing to release
        """Release what the episodes shared. Called once, after the last episode was closed, whatever happened before."""


class _World:
    """What both kinds of episodes have.

    Attributes:
        observation: what is currently seen. An episode sets the first one; after that the core sets it to what ``act`` returned.
        reward: the environment's reward for the last action, if it has any; recorded, and shown to nobody.
        truncated: whether the episode was cut off by the benchmark's own step limit.
    """

    observation: Observation
    reward: float | None = None
    truncated: bool = False

    def closes(self, action: Action) -> bool:
        """Whether an action would end the episode by the agent's own decision, as an answer does.

        Sequential scaling holds such an action back and has the agent check it first, if the spec says ``refine="continue"``.
        """
        return False

    @property
    def has_closing_actions(self) -> bool:
        """Whether :meth:`closes` can be true for any action: whether it was implemented."""
        return type(self).closes is not _World.closes

    def audience(self, actor: Actor, action: Action) -> tuple[Actor, ...]:
        """Who saw an action; asked right after it was carried out.

        Speech is heard by both sides, a tool call is seen only by its caller.
        """
        return (actor,) if action.calls else EVERYONE

    def fork(self) -> Self:
        """An independent copy in the same state, for rollouts that branch.

        Raises:
            NotImplementedError: the episode cannot be copied.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be forked")


class Episode(_World, ABC):
    """The world of one rollout. ``observation.turn`` says whose turn it is."""

    @abstractmethod
    async def act(self, action: Action) -> Observation:
        """Carry out an action of the actor whose turn it is; returns the observation that it led to.

        Raises:
            EnvironmentFailure: the world cannot go on. An action that is merely wrong leads to an observation.
        """

    @abstractmethod
    async def grade(self, end: EndReason) -> Grade:
        """The ground truth. Called once, however the rollout ended, unless it broke.

        Args:
            end: why it ended: ``finished`` if the episode is over, else what cut it off (a limit on steps, time or cost).
        """

    async def aclose(self) -> None:
        """Release what the episode holds. Called once, whatever happened before."""


class SyncEpisode(_World, ABC):
    """The world of one rollout that only computes; see :class:`Episode`."""

    @abstractmethod
    def act(self, action: Action) -> Observation:
        """See :meth:`Episode.act`."""

    @abstractmethod
    def grade(self, end: EndReason) -> Grade:
        """See :meth:`Episode.grade`."""

    def close(self) -> None:
        """See :meth:`Episode.aclose`."""


class SyncEnvironment(Environment):
    """An environment whose worlds only compute. A subclass implements :meth:`begin` in place of :meth:`open`."""

    @abstractmethod
    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        """See :meth:`Environment.open`. ``services.complete`` cannot be used: there is nothing to await it."""

    async def open(self, task: Task, *, seed: int, services: EpisodeServices) -> Episode:
        """The world, run on the event loop."""
        return InlineEpisode(self.begun(task, seed=seed, services=services))

    def begun(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        """What :meth:`begin` returns.

        Raises:
            PluginError: it is not a :class:`SyncEpisode` with a first observation.
        """
        from rbsuite.errors import PLUGIN_REMEDY, PluginError, in_words

        world: object = self.begin(task, seed=seed, services=services)
        if isinstance(world, SyncEpisode) and isinstance(getattr(world, "observation", None), Observation):
            return world
        given = in_words(world) if not isinstance(world, SyncEpisode) else f"{in_words(world)} without one"
        raise PluginError(
            f"begin must return a SyncEpisode whose observation is an Observation, not {given}.",
            PLUGIN_REMEDY,
            owner=f"environment {type(self).__name__}",
        )


class InlineEpisode(Episode):
    """A :class:`SyncEpisode` on the event loop.

    Args:
        world: the episode.
    """

    def __init__(self, world: SyncEpisode) -> None:
        self._world = world
        self.observation = world.observation

    async def act(self, action: Action) -> Observation:
        """See :class:`Episode`."""
        world = self._world
        world.observation = observation = world.act(action)
        self.reward, self.truncated = world.reward, world.truncated
        return observation

    async def grade(self, end: EndReason) -> Grade:
        """See :class:`Episode`."""
        return self._world.grade(end)

    def closes(self, action: Action) -> bool:
        """See :class:`Episode`."""
        return self._world.closes(action)

    @property
    def has_closing_actions(self) -> bool:
        """See :class:`Episode`."""
        return self._world.has_closing_actions

    def audience(self, actor: Actor, action: Action) -> tuple[Actor, ...]:
        """See :class:`Episode`."""
        return self._world.audience(actor, action)

    def fork(self) -> InlineEpisode:
        """See :class:`Episode`."""
        twin = InlineEpisode(self._world.fork())
        twin.reward, twin.truncated = self.reward, self.truncated
        return twin

    async def aclose(self) -> None:
        """See :class:`Episode`."""
        self._world.close()


class PlainServices:
    """The services of an episode outside an experiment: the plugin's own templates, and no model.

    Args:
        environment: the environment whose templates are used.
    """

    def __init__(self, environment: Environment) -> None:
        self._directory = environment.prompt_directory

    @cached_property
    def render(self) -> Callable[..., str]:
        """See :class:`EpisodeServices`."""
        from rbsuite.prompts import shared_prompts

        return shared_prompts(self._directory).render

    async def complete(self, messages: Sequence[Message], *, temperature: float | None = None) -> Completion:
        """Always raises."""
        from rbsuite.errors import ModelError

        raise ModelError(
            "grading this episode calls a model, and there is none outside an experiment.", "Use rbsuite eval."
        )


class TaskAwareModel(Protocol):
    """A simulated model, which also sees the reference solution of the task at hand.

    The run binds it to each task. Only the returned model holds the solution: agents, memories and judges get a handle that
    can only complete requests.
    """

    async def for_task(self, task: Task, environment: Environment, opener: Opener) -> ChatModel:
        """The model as it acts on one task.

        Args:
            task: the task.
            environment: provides its solution.
            opener: opens episodes, to try out what goes wrong.

        Raises:
            UsageError: the task has no reference solution.
        """


def is_task_aware(model: object) -> TypeGuard[TaskAwareModel]:
    """Whether a model must be bound to each task."""
    return hasattr(model, "for_task")
