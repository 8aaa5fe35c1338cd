"""Household tasks by named actions: the limits, texts and scores that EB-ALFRED and EB-Habitat have in common.

Follows ``EBAlfEnv``, ``EBHabEnv`` and their evaluators (EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04): 30 steps,
10 invalid actions, an unreadable reply counts as invalid but not as a step, an empty plan ends the episode.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.task import Task
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, Turn
from rbsuite_embodied.world import Achieved, World

MAX_STEPS = 30
MAX_INVALID = 10
FEEDBACK, VISIBLE = "feedback", "visible"
UNREADABLE = "No action was carried out: the reply named none of the action ids."
STOPPED = "The episode was ended by the agent."

Ended = Literal["", "success", "steps", "invalid_actions", "empty_plan", "world"]


class EmbodiedEpisode(SyncEpisode):
    """A household in which an agent acts by named actions.

    The first observation is the instruction, with the named actions; later ones are what the world says about the last action. An action is
    a choice by index, or a text: the exact name of an action; the empty text, which ends the episode; anything else is a reply that could
    not be read. The reward is the change of progress.

    Args:
        world: the world at the start of the task; the episode closes it.
        instruction: what is to be done.
        prompt: what the agent is told about the world before the task.
        obs_mode: see :class:`EmbodiedEnvironment`.
    """

    def __init__(self, world: World, instruction: str, prompt: str, obs_mode: str = FEEDBACK) -> None:
        self._world = world
        self._tells_view = obs_mode == VISIBLE
        self._steps = self._invalid = self._unreadable = 0
        self._achieved = world.achieved
        self._ended: Ended = ""
        self._after_reading = True
        self.observation = Observation(
            self._with_view(instruction),
            messages=(Message("system", prompt),),
            choices=world.names,
            images=world.images,
            data={"instruction": instruction},
        )

    def act(self, action: Action) -> Observation:
        """Carry out a named action, count an unreadable reply, or end the episode."""
        index = self._index(action)
        if index is not None:
            return self._carry_out(index)
        self.reward, self._after_reading = 0.0, False
        if self.closes(action):
            self._ended = "empty_plan"
            return self._seen(STOPPED, valid=False)
        self._unreadable += 1
        self._invalid += 1
        self._world.refuse()
        return self._seen(UNREADABLE, valid=False)

    def grade(self, end: EndReason) -> Grade:
        """1 if the goal held after an action, else 0: upstream checks only after actions, and then ends the episode.

        Whatever cut the rollout, the record is that of the last action. Upstream takes progress from an empty record if the last reply
        contained no action; both figures are reported.
        """
        progress = self._achieved.progress
        measures = {"progress": progress, "progress_upstream": progress if self._after_reading else 0.0}
        truth = {
            "steps": self._steps,
            "invalid_actions": self._invalid,
            "unreadable": self._unreadable,
            "ended": self._ended or end,
        }
        return Grade(float(self._ended == "success"), measures, truth)

    def closes(self, action: Action) -> bool:
        """The empty text ends the episode."""
        return action.speaks and not action.text.strip()

    def fork(self) -> Self:
        """An independent copy in the same state.

        Raises:
            NotImplementedError: the world cannot be copied.
        """
        twin = copy.copy(self)
        twin._world = self._world.fork()
        return twin

    def close(self) -> None:
        """Release the world."""
        self._world.close()

    def _index(self, action: Action) -> int | None:
        index = action.index
        if index is not None:
            return index if type(index) is int and 0 <= index < len(self._world.names) else None
        return None if action.calls else self._world.indices.get(action.text.strip())

    def _carry_out(self, index: int) -> Observation:
        before = self._achieved.progress
        outcome = self._world.do(index)
        self._steps += 1
        self._invalid += not outcome.valid
        self._after_reading = True
        achieved: Achieved = self._world.achieved
        self._achieved = achieved
        self.reward = achieved.progress - before
        if achieved.success:
            self._ended = "success"
        elif outcome.done:
            self._ended = "world"
        return self._seen(outcome.feedback, valid=outcome.valid)

    def _seen(self, text: str, *, valid: bool) -> Observation:
        """What is seen after a turn, once the limits have been checked."""
        if not self._ended:
            if self._invalid >= MAX_INVALID:
                self._ended = "invalid_actions"
            elif self._steps >= MAX_STEPS:
                self._ended, self.truncated = "steps", True
        turn: Turn = "over" if self._ended else "agent"
        return Observation(self._with_view(text), turn, images=self._world.images, data={"valid": valid})

    def _with_view(self, text: str) -> str:
        return f"{text}\nIn view: {', '.join(self._world.visible()) or 'nothing'}" if self._tells_view else text


class EmbodiedEnvironment(SyncEnvironment):
    """Household tasks in our own state machine.

    Args:
        obs_mode: ``feedback`` shows what upstream's agents get without images: the world's feedback alone. ``visible`` adds what is in
            view, which upstream knows (``info['object_states']``) but does not show.
    """

    template: ClassVar[str]
    """The template of what the agent is told about the world before the task."""

    def __init__(self, *, obs_mode: str = FEEDBACK) -> None:
        self._obs_mode = obs_mode

    @abstractmethod
    def open_world(self, task: Task) -> World:
        """The world at the start of a task."""

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> EmbodiedEpisode:
        """The task's episode; nothing in it is random."""
        prompt = services.render(self.template, **self.prompt_variables(task))
        return EmbodiedEpisode(self.open_world(task), task.query, prompt, self._obs_mode)

    def prompt_variables(self, task: Task) -> Mapping[str, Any]:
        """Whether the agent is told what is in view, and whether it gets images."""
        return {"visible": self._obs_mode == VISIBLE, "images": False}
