"""Household tasks by named actions: the limits, texts and scores that EB-ALFRED and EB-Habitat have in common.

Follows ``EBAlfEnv``, ``EBHabEnv`` and their evaluators (EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04): 30 steps,
10 invalid actions, an unreadable reply counts as invalid but not as a step, an empty plan ends the episode.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from rbsuite.environments.base import Environment, StepResult
from rbsuite.environments.spaces import ActionSpace
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, Message, Observation
from rbsuite_embodied.world import Achieved, World

MAX_STEPS = 30
MAX_INVALID = 10
FEEDBACK, VISIBLE = "feedback", "visible"
UNREADABLE = "No action was carried out: the reply named none of the action ids."
STOPPED = "The episode was ended by the agent."

Ended = Literal["", "success", "steps", "invalid_actions", "empty_plan", "world"]


class EmbodiedEnvironment(Environment):
    """A household in which an agent acts by named actions.

    The first observation is the instruction, with the named actions; those after it are what the world says of the last action. An action
    is a choice by index, or a text: the exact name of an action; the empty text, by which the agent ends the episode; any other text is a
    reply that could not be read. The reward is the change of progress; the score is 1 once the goal holds after an action, which ends the
    episode.

    Args:
        tasks: the task set; default: the sample.
        obs_mode: ``feedback`` gives what upstream's agents get without images: the world's feedback alone. ``visible`` adds what is in
            view, which upstream knows (``info['object_states']``) and does not show.
    """

    most_actions: ClassVar[int]
    """No episode has more named actions than this; the action space is fixed at it."""
    template: ClassVar[str]
    """The template of what the agent is told of the world before the task."""

    def __init__(self, tasks: TaskSet | None = None, *, obs_mode: str = FEEDBACK) -> None:
        super().__init__(tasks)
        self._obs_mode = obs_mode
        self._world: World | None = None
        self._indices: Mapping[str, int] = {}
        self._steps = self._invalid = self._unreadable = 0
        self._achieved = Achieved(False, 0.0)
        self._ended: Ended = ""
        self._after_reading = True

    @abstractmethod
    def open_world(self, task: Task) -> World:
        """The world at the start of a task.

        Raises:
            EnvironmentFailure: it cannot be had.
        """

    @abstractmethod
    def indices(self, names: Sequence[str]) -> Mapping[str, int]:
        """The index of each name; a plugin may keep it beside the names."""

    def begin(self, task: Task) -> Observation:
        """The instruction, the named actions, and what the agent is told of the world."""
        if self._world is not None:
            self._world.close()
        world = self._world = self.open_world(task)
        self._indices = self.indices(world.names)
        self._steps = self._invalid = self._unreadable = 0
        self._achieved, self._ended, self._after_reading = world.achieved, "", True
        messages = (Message("system", self.prompt(self.template, **self.prompt_variables(task))),)
        text = self._with_view(task.query)
        return Observation(text, messages=messages, choices=world.names, data={"instruction": task.query})

    def act(self, action: Action) -> StepResult:
        """Carry out a named action, count an unreadable reply, or end the episode."""
        index = self._index(action)
        if index is not None:
            return self._carry_out(index)
        if action.kind == "text" and not action.text.strip():
            self._ended = "empty_plan"
            self._after_reading = False
            return self._result(STOPPED, 0.0, valid=False)
        self._unreadable += 1
        self._invalid += 1
        self._after_reading = False
        self._open.refuse()
        self._limit()
        return self._result(UNREADABLE, 0.0, valid=False)

    @property
    def score(self) -> float:
        """1 if the goal held after an action, else 0: upstream looks after actions only, and then ends the episode."""
        return float(self._ended == "success")

    @property
    def action_space(self) -> ActionSpace:  # type: ignore[override]
        """All choices there can be; the names, and how many there are, vary by episode."""
        return ActionSpace(choices=self.most_actions)

    def closes(self, action: Action) -> bool:
        """The empty text ends the episode."""
        return action.kind == "text" and not action.text.strip()

    def fork(self) -> Self:
        """An independent copy in the same state."""
        twin = copy.copy(self)
        twin._world = None if self._world is None else self._world.fork()
        twin._np_random = copy.deepcopy(self._np_random)
        return twin

    def close(self) -> None:
        """Give back the world."""
        if self._world is not None:
            self._world.close()
            self._world = None

    @property
    def _open(self) -> World:
        assert self._world is not None
        return self._world

    def _index(self, action: Action) -> int | None:
        if action.kind == "choice":
            known = type(action.index) is int and 0 <= action.index < len(self._open.names)
            return action.index if known else None
        return self._indices.get(action.text.strip()) if action.kind == "text" else None

    def _carry_out(self, index: int) -> StepResult:
        before = self._achieved.progress
        outcome = self._open.do(index)
        self._steps += 1
        self._invalid += not outcome.valid
        self._after_reading = True
        self._achieved = self._open.achieved
        if self._achieved.success:
            self._ended = "success"
        elif outcome.done:
            self._ended = "world"
        self._limit()
        return self._result(outcome.feedback, self._achieved.progress - before, valid=outcome.valid)

    def _limit(self) -> None:
        if not self._ended and self._invalid >= MAX_INVALID:
            self._ended = "invalid_actions"
        if not self._ended and self._steps >= MAX_STEPS:
            self._ended = "steps"

    def _result(self, feedback: str, reward: float, *, valid: bool) -> StepResult:
        cut = self._ended == "steps"
        observation = Observation(self._with_view(feedback), data={"valid": valid})
        return StepResult(observation, reward, bool(self._ended) and not cut, self._truth(), truncated=cut)

    def _with_view(self, text: str) -> str:
        if self._obs_mode != VISIBLE:
            return text
        return f"{text}\nIn view: {', '.join(self._open.visible()) or 'nothing'}"

    def _truth(self) -> Mapping[str, Any]:
        """Upstream takes progress from an empty record after a reply without an action; both figures are given."""
        return {
            "domain": self.task.domain,
            "progress": self._achieved.progress,
            "progress_upstream": self._achieved.progress if self._after_reading else 0.0,
            "steps": self._steps,
            "invalid_actions": self._invalid,
            "unreadable": self._unreadable,
            "ended": self._ended,
        }
