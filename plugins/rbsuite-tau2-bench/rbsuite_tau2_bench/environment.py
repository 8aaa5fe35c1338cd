"""tau2-bench as an environment: a user and an agent who talk, and a world that both change with their own tools.

Follows ``src/tau2/orchestrator`` (sierra-research/tau2-bench, a2c0247), half duplex.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from rbsuite.environments.base import Episode, EpisodeServices, InlineEpisode, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Ceiling, Lesson, Solution
from rbsuite.environments.users import STOP
from rbsuite.errors import UnknownNameError
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, ToolCall, ToolResult, ToolSpec
from rbsuite_tau2_bench import grading
from rbsuite_tau2_bench.resources import Resources, load_tasks
from rbsuite_tau2_bench.scenario import Call, Said, Scenario, read_scenario
from rbsuite_tau2_bench.toolkit import Side
from rbsuite_tau2_bench.world import FIDELITIES

GREETING = "Hi! How can I help you today?"
"""What upstream's agent says first; the user's first words answer it."""
STOPS = (STOP, "###TRANSFER###", "###OUT-OF-SCOPE###")
"""What a user says to end the conversation."""
DONE = ToolSpec(
    "done", "Ends the work on the ticket. Use it when nothing is left to do.", {"type": "object", "properties": {}}
)
"""The tool by which a solo agent ends the episode."""
NL = ("unscored", "judged")
POLICIES = ("manual", "workflow")

_HEADINGS = {
    "": "",
    "reason_for_call": "Why you get in touch",
    "known_info": "What you know",
    "unknown_info": "What you do not know",
    "task_instructions": "How you behave",
}
_BEYOND = {
    "update_task_with_history_and_env_assertions": "it has no reference actions, but a check that requires one",
    "update_task_with_user_tools": "its reference leaves out what the user does",
}
_MUTE = "it checks what is said, and an agent without a user says nothing"
_SPEAKERS = {"user": "User", "assistant": "Agent", "tool": "Result"}


class Tau2Bench(SyncEnvironment):
    """Customer service in four domains, in two of which the user acts too.

    Args:
        fidelity: ``upstream`` keeps upstream's quirks, ``fixed`` repairs some of them.
        nl: whether a judge model checks natural-language assertions (``judged``), or they are left out of the reward (``unscored``).
        solo: whether the agent works on a ticket, with the tools of both sides and without a user.
        policy: which of telecom's two technical policies the agent gets.
        steps: messages from all sides after which an episode is cut.
        errors: failed tool calls of both sides together after which it ends.

    Raises:
        UnknownNameError: no such fidelity, policy or treatment of assertions.
    """

    prompt_directory: ClassVar[Path | None] = Path(__file__).with_name("prompts")

    def __init__(
        self,
        *,
        fidelity: str = "upstream",
        nl: str = "unscored",
        solo: bool = False,
        policy: str = "manual",
        steps: int = 200,
        errors: int = 10,
    ) -> None:
        for name, value, known in (("fidelity", fidelity, FIDELITIES), ("nl", nl, NL), ("policy", policy, POLICIES)):
            if value not in known:
                raise UnknownNameError(name, value, known)
        self._fidelity = fidelity
        self._judged = nl == "judged"
        self._solo = solo
        self._policy = policy
        self._limits = (steps, errors)
        self._resources: dict[str, Resources] = {}

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`; the domains come one after the other."""
        tasks, self._resources[split] = load_tasks(split, domain, data, solo=self._solo, fidelity=self._fidelity)
        return tasks

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> Tau2Episode:
        """An episode at the start of the task. Nothing in it is random."""
        split = task.id.split("/")[1]
        return Tau2Episode(task, self._resources[split], self._policy, self._limits, solo=self._solo)

    async def open(self, task: Task, *, seed: int, services: EpisodeServices) -> Episode:
        """See :meth:`rbsuite.Environment.open`."""
        world = self.begin(task, seed=seed, services=services)
        return JudgedEpisode(world, services) if self._judged else InlineEpisode(world)

    def solution(self, task: Task) -> Solution:
        """The reference actions of both sides with a dialogue around them."""
        from rbsuite_tau2_bench.solution import build_solution, solo_solution

        scenario = read_scenario(task.payload)
        return solo_solution(scenario) if self._solo else build_solution(task.domain, scenario)

    def ceiling(self, tasks: TaskSet) -> Ceiling:
        """Two of mock's references do not solve their tasks, in upstream either; and a solo agent cannot say what a task asks it to say."""
        beyond = {task.id: _BEYOND[name] for task in tasks if (name := task.payload["id"]) in _BEYOND}
        if self._solo:
            scenarios = {task.id: read_scenario(task.payload) for task in tasks}
            beyond |= {id: _MUTE for id, one in scenarios.items() if one.communicate and "COMMUNICATE" in one.basis}
        return Ceiling(beyond=beyond)

    def lessons(self) -> Mapping[str, Lesson]:
        """Wording for mistakes that a tool's name and its parameters do not explain."""
        from rbsuite_dialogue.lessons import LESSONS

        return LESSONS

    def facts(self) -> Mapping[str, Any]:
        """Whether natural-language assertions are part of the reward: results with and without them are graded differently."""
        return {"nl_assertions": "judged" if self._judged else "not scored"}

    def prompt_variables(self, task: Task) -> Mapping[str, Any]:
        """An example for the template of the judge of assertions."""
        scenario = read_scenario(task.payload)
        return {"transcript": "", "assertion": next(iter(scenario.nl_assertions), "The agent was polite.")}


class Tau2Episode(SyncEpisode):
    """A conversation of a user and an agent, each with their own tools.

    A message is a text, which goes to the other side, or tool calls, which are carried out in order and whose results go back only to the
    caller; text alongside calls is not heard. The user opens, and ends it with one of the :data:`STOPS`. A solo agent has the tools of both
    sides and ends it with :data:`DONE`.

    Args:
        task: the task.
        resources: the data.
        policy: which of telecom's technical policies.
        limits: messages after which it is cut, and failed calls after which it ends.
        solo: whether the agent is alone.
    """

    def __init__(
        self, task: Task, resources: Resources, policy: str, limits: tuple[int, int], *, solo: bool = False
    ) -> None:
        self._domain = task.domain
        self._scenario = read_scenario(task.payload)
        self._resources = resources
        self._policy = policy
        self._most_steps, self._most_errors = limits
        self._solo = solo
        self._world = resources.world(task.domain, self._scenario, solo=solo)
        self._opened = solo
        self._steps = self._errors = 0
        self._termination = ""
        earlier = self._scenario.history
        self._calls: tuple[Call, ...] = tuple(call for said in earlier for _, call in said.calls)
        self._said: tuple[str, ...] = tuple(said.text for said in earlier if said.role == "assistant" and said.text)
        self.observation = self._ticket() if solo else self._greeting()

    @property
    def scenario(self) -> Scenario:
        """The task."""
        return self._scenario

    def act(self, action: Action) -> Observation:
        """Carry out the words or calls of the side whose turn it is."""
        by_user = self.observation.turn == "user"
        self._steps += 1
        if self._solo and any(call.name == DONE.name for call in action.calls):
            seen = self._end("agent_stop")
        elif action.calls:
            seen = self._carry_out(action.calls, "user" if by_user else "assistant")
        elif by_user:
            seen = self._hear_user(action.text)
        elif self._solo or not action.text.strip():
            seen = self._end("agent_error")
        else:
            self._said += (action.text,)
            seen = Observation(action.text, "user")
        return self._checked(seen)

    def grade(self, end: EndReason) -> Grade:
        """The product of the components that the task's basis names; 0 if the episode was not brought to its end."""
        return grading.grade(self._scenario, self.played())

    def played(self) -> grading.Played:
        """The results of the episode."""
        reference = self._resources.reference(self._domain, self._scenario)
        termination = self._termination or "unfinished"
        return grading.Played(self._world, reference, self._calls, self._said, termination, self._errors)

    def fork(self) -> Self:
        """An independent copy in the same state."""
        twin = copy.copy(self)
        twin._world = self._world.fork()
        return twin

    def _carry_out(self, calls: Sequence[ToolCall], side: Side) -> Observation:
        results = []
        for call in calls:
            self._calls += (Call(call.name, call.arguments, side),)
            text, failed = self._world.call(call.name, call.arguments, side)
            self._errors += failed
            results.append(ToolResult(call.id, call.name, text))
        self._steps += 1
        return Observation.of_results(results, "user" if side == "user" else "agent")

    def _hear_user(self, words: str) -> Observation:
        if any(stop in words for stop in STOPS):
            return self._end("user_stop", words)
        if self._opened:
            return Observation(words)
        self._opened = True
        messages = [Message("system", self._resources.pack.policy(self._domain, variant=self._policy))]
        if self._scenario.history:
            messages.append(
                Message("system", f"The conversation so far:\n{_told(self._scenario.history, 'assistant')}")
            )
        tools = self._resources.tools(self._domain, "assistant")
        return Observation(words, messages=tuple(messages), tools=tools, data={"domain": self._domain})

    def _checked(self, seen: Observation) -> Observation:
        """What was seen, unless a limit is reached; upstream checks its limits even after the end."""
        if self._steps >= self._most_steps:
            self.truncated = True
            return self._end("max_steps", seen.text)
        if self._errors >= self._most_errors:
            return self._end("too_many_errors", seen.text)
        return seen

    def _end(self, termination: str, text: str = "") -> Observation:
        self._termination = termination
        return Observation(text, "over")

    def _greeting(self) -> Observation:
        earlier = self._scenario.history
        parts = [_instruction(self._scenario)]
        if earlier:
            parts.append(f"The conversation so far:\n{_told(earlier[:-1], 'user')}")
        offered = self._scenario.user_tools
        tools = self._resources.tools(self._domain, "user")
        return Observation(
            earlier[-1].text if earlier else GREETING,
            turn="user",
            messages=(Message("system", "\n\n".join(parts)),),
            tools=tuple(tool for tool in tools if offered is None or tool.name in offered),
        )

    def _ticket(self) -> Observation:
        policy = self._resources.pack.policy(self._domain, solo=True, variant=self._policy)
        tools = (*self._resources.tools(self._domain, "assistant"), *self._resources.tools(self._domain, "user"), DONE)
        rule = f"Nobody answers you: use tools alone, and {DONE.name} when the ticket is settled."
        return Observation(
            self._scenario.ticket,
            messages=(Message("system", f"{policy}\n\n{rule}"),),
            tools=tools,
            data={"domain": self._domain},
        )


class JudgedEpisode(InlineEpisode):
    """An episode whose natural-language assertions are checked by a judge model.

    Args:
        world: the episode.
        services: prompts, and the judge.
    """

    def __init__(self, world: Tau2Episode, services: EpisodeServices) -> None:
        super().__init__(world)
        self._episode = world
        self._services = services
        self._heard: tuple[str, ...] = ()

    async def act(self, action: Action) -> Observation:
        """See :class:`rbsuite.environments.base.Episode`; what is said and done is kept for the judge."""
        who = "User" if self.observation.turn == "user" else "Agent"
        made = [f"{who} calls {call.name}({dict(call.arguments)})" for call in action.calls]
        seen = await super().act(action)
        results = [f"Result: {result.text}" for result in seen.results]
        self._heard += tuple(made + results) if action.calls else (f"{who}: {action.text}",)
        return seen

    async def grade(self, end: EndReason) -> Grade:
        """See :class:`Tau2Episode`; asks the judge once per assertion if these are part of the basis."""
        from rbsuite_tau2_bench.assertions import judge

        scenario, played = self._episode.scenario, self._episode.played()
        if "NL_ASSERTION" not in scenario.basis or not scenario.nl_assertions:
            return grading.grade(scenario, played)
        said = [await judge(self._services, self._heard, one) for one in scenario.nl_assertions]
        return grading.grade(scenario, played, said)

    def fork(self) -> JudgedEpisode:
        """See :class:`rbsuite.environments.base.Episode`."""
        twin = JudgedEpisode(self._episode.fork(), self._services)
        twin.reward, twin.truncated, twin._heard = self.reward, self.truncated, self._heard
        return twin


def _instruction(scenario: Scenario) -> str:
    """What the user is told: who the user is, and what the user wants."""
    parts = [f"Your manner: {scenario.persona}"] if scenario.persona else []
    for name, text in scenario.wishes.items():
        parts.append(f"{_HEADINGS[name]}: {text}" if _HEADINGS[name] else text)
    transferred, stuck = STOPS[1:]
    parts.append(
        f"Once you were handed over to another person, say {transferred}. If you cannot go on because nothing here tells "
        f"you what you would answer, say {stuck}. Use a tool of yours only where you are asked to or have to look "
        "something up, and say nothing about your device that no tool has shown you."
    )
    return "\n\n".join(parts)


def _told(history: Sequence[Said], side: str) -> str:
    """An earlier conversation as text, as one side saw it."""
    lines: list[str] = []
    own = {id for said in history if said.role == side for id, _ in said.calls}
    for said in history:
        if said.role == side:
            lines += [f"{_SPEAKERS[side]} calls {call.name}({dict(call.arguments)})" for _, call in said.calls]
        if said.text and (said.role != "tool" or said.id in own):
            lines.append(f"{_SPEAKERS[said.role]}: {said.text}")
    return "\n".join(lines)
