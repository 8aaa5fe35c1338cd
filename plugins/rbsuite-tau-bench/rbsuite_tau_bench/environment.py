"""tau-bench as an environment: a customer and an agent who talk, and a database that the agent changes with tools.

Follows ``Env`` in ``tau_bench/envs/base.py`` (sierra-research/tau-bench, 59a200c6d575d595120f1cb70fea53cef0632f6b).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Lesson, Solution
from rbsuite.environments.users import STOP
from rbsuite.errors import UnknownNameError
from rbsuite.models.reasoning import thought_and_said
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import EVERYONE, Action, Actor, EndReason, Grade, Message, Observation, ToolCall, Turn
from rbsuite_tau_bench.resources import Resources, load_tasks
from rbsuite_tau_bench.world import FIDELITIES, World

GREETING = "Hi! How can I help you today?"
"""What upstream's agent side says first; the user's first words answer it."""

RESPOND = "respond"
RESPOND_WITHOUT_CONTENT = "respond-without-content"
"""Deviation: a call to ``respond`` without a text gave an error observation; upstream's episode crashes."""


class TauBench(SyncEnvironment):
    """Customer service in two domains, retail and airline.

    Args:
        fidelity: ``upstream`` keeps upstream's quirks.

    Raises:
        UnknownNameError: no such fidelity.
    """

    prompt_directory: ClassVar[Path | None] = Path(__file__).with_name("prompts")

    def __init__(self, *, fidelity: str = "upstream") -> None:
        if fidelity not in FIDELITIES:
            raise UnknownNameError("fidelity", fidelity, FIDELITIES)
        self._fidelity = fidelity
        self._resources: dict[str, Resources] = {}

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`; with both domains, retail comes first."""
        tasks, self._resources[split] = load_tasks(split, domain, data)
        return tasks

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> TauBenchEpisode:
        """An episode on the shipped database. Nothing in it is random."""
        split = task.id.split("/")[1]
        resources = self._resources[split]
        return TauBenchEpisode(task, split, resources, World(task.domain, resources.pack, fidelity=self._fidelity))

    def prompt_variables(self, task: Task) -> Mapping[str, Any]:
        """An example for the template of the few-shot agent, which belongs to the plugin: a display from the task's domain."""
        from rbsuite_tau_bench.few_shot import default_displays, read_displays

        displays = read_displays(default_displays(task.id.split("/")[1]))
        return {"displays": [text for domain, text in displays if domain in ("", task.domain)][:1]}

    def solution(self, task: Task) -> Solution:
        """The reference actions with a dialogue around them."""
        from rbsuite_tau_bench.solution import build_solution

        return build_solution(task)

    def lessons(self) -> Mapping[str, Lesson]:
        """Wording for mistakes that a tool's name and its parameters do not explain."""
        from rbsuite_dialogue.lessons import LESSONS

        return LESSONS


class TauBenchEpisode(SyncEpisode):
    """A conversation of a customer and an agent.

    The user opens it. The agent answers with a text, which goes to the user, or with tool calls, of which only the first is carried out;
    text alongside calls is not heard, as in upstream's tool-calling agent. The episode ends when the user says ``###STOP###`` (later than
    in its opening, which upstream does not check) or the agent transfers to a human.

    Args:
        task: the task.
        split: the split it belongs to.
        resources: the data.
        world: a fresh world over the same data.
    """

    def __init__(self, task: Task, split: str, resources: Resources, world: World) -> None:
        self._task = task
        self._split = split
        self._resources = resources
        self._world = world
        self._opened = False
        self._said: tuple[str, ...] = ()
        self._deviations: frozenset[str] = frozenset()
        instruction = Message("system", str(task.payload["instruction"]))
        self.observation = Observation(GREETING, turn="user", messages=(instruction,))

    def act(self, action: Action) -> Observation:
        """Carry out the user's words, or the agent's text or first tool call."""
        if self.observation.turn == "user":
            return self._hear_user(action.text)
        if not action.calls:
            return self._respond(action.text)
        call = action.calls[0]
        if call.name != RESPOND:
            turn: Turn = "over" if call.name in self._world.terminating else "agent"
            return Observation(self._world.call(call.name, call.arguments), turn, "tool")
        content = _content(call)
        if content is not None:
            return self._respond(content)
        self._deviations |= {RESPOND_WITHOUT_CONTENT}
        return Observation("Error: 'content'", role="tool")

    def grade(self, end: EndReason) -> Grade:
        """1 if the database is in the state that the reference actions lead to and every required output was said to the user.

        Upstream rewards only finished episodes. If outputs are required it reports only those; here ``r_actions`` stays visible.
        """
        same = self._world.changes() == self._resources.gold(self._task)
        # Upstream removes commas from what was said, but not from what it looks for.
        said = [content.lower().replace(",", "") for content in self._said]
        outputs = {output: any(output.lower() in text for text in said) for output in self._task.payload["outputs"]}
        truth = {
            "r_actions": float(same),
            "r_outputs": float(all(outputs.values())) if outputs else None,
            "outputs": outputs,
            "deviations": sorted(self._deviations | self._world.deviations),
        }
        return Grade(float(self.observation.turn == "over" and same and all(outputs.values())), truth=truth)

    def audience(self, actor: Actor, action: Action) -> tuple[Actor, ...]:
        """Speech is heard by both sides, whatever call it is made with; a tool call is seen by the agent alone."""
        speaks = not action.calls or (action.calls[0].name == RESPOND and _content(action.calls[0]) is not None)
        return EVERYONE if speaks else (actor,)

    def fork(self) -> Self:
        """An independent copy in the same state."""
        twin = copy.copy(self)
        twin._world = self._world.fork()
        return twin

    def _hear_user(self, words: str) -> Observation:
        if self._opened:
            return Observation(words, "over" if STOP in words else "agent")
        self._opened = True
        domain = self._task.domain
        return Observation(
            words,
            messages=self._resources.policy(domain),
            tools=self._resources.tools(domain),
            data={"domain": domain, "split": self._split},
        )

    def _respond(self, content: str) -> Observation:
        self._said += (content,)
        return Observation(content, turn="user")


def _content(call: ToolCall) -> str | None:
    """What a call to ``respond`` says, if it says anything; what a model thought before that is not said."""
    content = call.arguments.get("content") if isinstance(call.arguments, Mapping) else None
    return thought_and_said(content)[1] if isinstance(content, str) else None
