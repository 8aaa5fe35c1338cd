"""ToolSandbox as an environment: a user and an agent who talk about a phone, which the agent operates with tools."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Lesson, Solution
from rbsuite.environments.users import STOP
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, ToolCall, ToolResult, Turn
from rbsuite_toolsandbox.briefing import briefing
from rbsuite_toolsandbox.conversation import AGENT, USER, Call, Conversation
from rbsuite_toolsandbox.evaluation import Evaluation, evaluate
from rbsuite_toolsandbox.offering import agent_tools, user_tools
from rbsuite_toolsandbox.resources import Resources, load_tasks
from rbsuite_toolsandbox.tools.catalogue import END_CONVERSATION

FIXTURE = "fixture"
"""The tag of a score that involves tools answered from fixtures."""

_NO_TOOL = "Error: you have no such tool."


class ToolSandbox(SyncEnvironment):
    """Scenarios on a phone with 34 tools.

    Args:
        fixtures: a JSON file of recorded answers of web services, each ``{url, params, response}``; ``""``: the project's own.
    """

    prompt_directory: ClassVar[Path | None] = Path(__file__).with_name("prompts")

    def __init__(self, *, fixtures: str = "") -> None:
        self._fixtures = fixtures
        self._resources: Resources | None = None

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`."""
        tasks, self._resources = load_tasks(split, domain, data, self._fixtures)
        return tasks

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> ToolSandboxEpisode:
        """An episode at the scenario's start. Nothing in it is random."""
        return ToolSandboxEpisode(self._data.opened(task).fork(), self._data)

    def solution(self, task: Task) -> Solution:
        """Actions derived from the milestones."""
        from rbsuite_toolsandbox.solution import build_solution

        return build_solution(self._data.opened(task), task.payload.get("dialogue") or ())

    def lessons(self) -> Mapping[str, Lesson]:
        """Wording for mistakes that a tool's name does not explain."""
        from rbsuite_toolsandbox.lessons import LESSONS

        return LESSONS

    def prompt_variables(self, task: Task) -> Mapping[str, Any]:
        """The variables of the simulated user's template."""
        brief, examples = briefing(self._data.opened(task).scenario)
        return {"brief": brief, "examples": examples, "tool": END_CONVERSATION}

    @property
    def _data(self) -> Resources:
        assert self._resources is not None, "call tasks() first"
        return self._resources


class ToolSandboxEpisode(SyncEpisode):
    """A conversation that the user has opened before the start.

    An agent action with tool calls goes only to the tools, as with upstream's agents. The episode ends when the user calls
    ``end_conversation`` (or says what stands for it), at the limit on messages, and at a call to an unknown tool.

    Args:
        conversation: the scenario at its start; the episode takes it over.
        resources: the data.
    """

    def __init__(self, conversation: Conversation, resources: Resources) -> None:
        self._conversation = conversation
        self._resources = resources
        self._briefed = False
        scenario = conversation.scenario
        self.observation = Observation(
            scenario.messages[-1].content,
            messages=tuple(
                Message("system", entry.content)
                for entry in scenario.messages
                if (entry.sender, entry.recipient) == ("SYSTEM", AGENT)
            ),
            tools=agent_tools(scenario, resources.pack.schemas),
        )

    def act(self, action: Action) -> Observation:
        """Carry out what the agent or the user says, or its tool calls."""
        observation = self._heard(action) if self.observation.turn == "user" else self._carried_out(action)
        if self._conversation.over:
            self.truncated = self._conversation.active and not self._conversation.crash
        return observation

    def grade(self, end: EndReason) -> Grade:
        """The similarity to the milestones, 0 if a minefield was touched or the scenario crashed."""
        conversation = self._conversation
        most = conversation.scenario.max_messages
        found = self._evaluated()
        turns = most if found is None else found.turn_count
        tags = [FIXTURE] if conversation.used_network else []
        truth = {
            "categories": list(conversation.scenario.categories),
            "turn_count": turns,
            "evaluation": None if found is None else found.record,
            "crash": conversation.crash,
            "tags": tags,
            "deviations": sorted(conversation.deviations),
        }
        measures = {
            "milestone_similarity": 0.0 if found is None else min(found.milestone_similarity, 1.0),
            "minefield_similarity": 0.0 if found is None else min(found.minefield_similarity, 1.0),
            "turns_used": min(turns / most, 1.0),
        }
        return Grade(0.0 if found is None else min(found.similarity, 1.0), measures, truth)

    def fork(self) -> Self:
        """An independent copy in the same state."""
        twin = copy.copy(self)
        twin._conversation = self._conversation.fork()
        return twin

    def _evaluated(self) -> Evaluation | None:
        conversation = self._conversation
        if conversation.crash:
            return None
        scenario, tables = conversation.scenario, conversation.phone.tables
        return evaluate(
            scenario.milestones, scenario.minefields, conversation.entries, tables, scenario.first_user_message
        )

    def _carried_out(self, action: Action) -> Observation:
        """What the agent does."""
        conversation = self._conversation
        if not action.calls:
            conversation.say(AGENT, action.text)
            return self._to_user(action.text)
        return self._called(AGENT, action.calls)

    def _to_user(self, text: str) -> Observation:
        if self._conversation.over:
            return Observation("", "over")
        if self._briefed:
            return Observation(text, "user")
        self._briefed = True
        scenario = self._conversation.scenario
        brief, examples = briefing(scenario)
        opening = Message("assistant", scenario.messages[-1].content)
        return Observation(
            text,
            "user",
            messages=(Message("system", brief), opening),
            tools=user_tools(self._resources.pack.schemas),
            data={"examples": list(examples)},
        )

    def _heard(self, action: Action) -> Observation:
        """What the user does."""
        if STOP in action.text and not action.calls:
            action = Action.call(END_CONVERSATION)
        if not action.calls:
            self._conversation.say(USER, action.text)
            return Observation("" if self._conversation.over else action.text, self._turn)
        if unknown := [call for call in action.calls if call.name != END_CONVERSATION]:
            # Upstream crashes here. What the user's model gets wrong says nothing about the agent.
            return Observation.of_results([ToolResult(call.id, call.name, _NO_TOOL) for call in unknown], "user")
        return self._called(USER, action.calls)

    def _called(self, sender: str, calls: Sequence[ToolCall]) -> Observation:
        given = self._conversation.call(sender, [Call(call.name, call.arguments) for call in calls])
        results = [ToolResult(calls[place].id, calls[place].name, text) for place, text in given]
        if not results:
            return Observation(self._conversation.crash, "over", "tool")
        turn: Turn = self._turn if sender == AGENT or self._conversation.over else "user"
        return Observation.of_results(results, turn)

    @property
    def _turn(self) -> Turn:
        return "over" if self._conversation.over else "agent"
