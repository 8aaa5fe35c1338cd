"""tau-bench as an environment: a customer and an agent who talk, and a database that the agent changes with tools.

Follows ``Env`` in ``tau_bench/envs/base.py`` (sierra-research/tau-bench, 59a200c6d575d595120f1cb70fea53cef0632f6b).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from rbsuite.environments.base import Environment, StepResult
from rbsuite.environments.solution import Skill, Solution
from rbsuite.environments.users import STOP
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, Message, Observation
from rbsuite_tau_bench.resources import Resources, load_tasks
from rbsuite_tau_bench.world import World

GREETING = "Hi! How can I help you today?"
"""What upstream's agent side says first; the user's first words answer it."""

RESPOND = "respond"
RESPOND_WITHOUT_CONTENT = "respond-without-content"
"""Deviation: a call of ``respond`` without a text gave an error observation; upstream's episode crashes."""


class TauBench(Environment):
    """Customer service in two domains, retail and airline.

    The user opens the conversation. The agent answers with a text, which goes to the user, or with a tool call. The
    episode ends when the user says ``###STOP###`` (later than in its opening, which upstream does not check) or the agent
    transfers to a human. The reward is 1 if the database is then in the state that the reference actions lead to and
    every required output was said to the user, else 0.

    Args:
        tasks: the task set; default: the sample.
        fidelity: ``upstream`` keeps upstream's quirks.

    Raises:
        UnknownNameError: no such fidelity.
    """

    prompt_directory: ClassVar[Path | None] = Path(__file__).with_name("prompts")

    def __init__(self, tasks: TaskSet | None = None, *, fidelity: str = "upstream") -> None:
        super().__init__(tasks)
        assert isinstance(self.tasks.resources, Resources)
        self._resources = self.tasks.resources
        self._fidelity = fidelity
        self._turn = "user"
        self._opened = False
        self._said: list[str] = []
        self._deviations: frozenset[str] = frozenset()
        self._world = World(self.tasks.tasks[0].domain, self._resources.pack, fidelity=fidelity)

    @classmethod
    def load(cls, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.load`; with both domains retail comes first."""
        return load_tasks(split, domain, data)

    def prompt_variables(self, task: Task) -> Mapping[str, Any]:
        """An example for the template of the few-shot agent, which is the plugin's own: a display of the task's domain."""
        from rbsuite_tau_bench.few_shot import default_displays, read_displays

        displays = read_displays(default_displays(self.tasks.split))
        return {"displays": [text for domain, text in displays if domain in ("", task.domain)][:1]}

    def begin(self, task: Task) -> Observation:
        """The user's turn, with its instruction."""
        self._world = World(task.domain, self._resources.pack, fidelity=self._fidelity)
        self._turn, self._opened = "user", False
        self._said, self._deviations = [], frozenset()
        instruction = Message("system", str(task.payload["instruction"]))
        return Observation(GREETING, turn="user", messages=(instruction,))

    def act(self, action: Action) -> StepResult:
        """Carry out the words of the user, or the text or tool call of the agent."""
        if self._turn == "user":
            return self._hear_user(action.text)
        if action.kind == "text":
            return self._respond(action.text)
        if action.name == RESPOND:
            content = action.arguments.get("content") if isinstance(action.arguments, Mapping) else None
            if isinstance(content, str):
                return self._respond(content)
            self._deviations |= {RESPOND_WITHOUT_CONTENT}
            return StepResult(Observation("Error: 'content'", role="tool"))
        observation = Observation(self._world.call(action.name, action.arguments), role="tool")
        if action.name in self._world.terminating:
            return self._finish(observation)
        return StepResult(observation)

    def solution(self, task: Task) -> Solution:
        """The reference actions with a dialogue around them, and the mistakes that the task invites."""
        from rbsuite_tau_bench.simulation import build_solution

        return self._resources.solution(task, lambda: build_solution(task, type(self)(self.tasks)))

    def database(self, domain: str) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """The shipped database of a domain: table, key, record. It is shared; do not change it."""
        return self._resources.pack.database(domain).tables

    def skills(self) -> Sequence[Skill]:
        """The skills of both domains."""
        from rbsuite_tau_bench.skills import SKILLS

        return SKILLS

    def fork(self) -> Self:
        """An independent copy in the same state; both sides draw the same random numbers from here on."""
        twin = copy.copy(self)
        twin._world = self._world.fork()
        twin._said = list(self._said)
        twin._np_random = copy.deepcopy(self._np_random)
        return twin

    def _hear_user(self, words: str) -> StepResult:
        self._turn = "agent"
        if self._opened:
            observation = Observation(words)
            return self._finish(observation) if STOP in words else StepResult(observation)
        self._opened = True
        task = self.task
        return StepResult(
            Observation(
                words,
                messages=self._resources.policy(task.domain),
                tools=self._resources.tools(task.domain),
                data={"domain": task.domain, "split": self.tasks.split},
            )
        )

    def _respond(self, content: str) -> StepResult:
        self._said.append(content)
        self._turn = "user"
        return StepResult(Observation(content, turn="user"))

    def _finish(self, observation: Observation) -> StepResult:
        reward, truth = self._grade()
        return StepResult(observation, reward, True, truth)

    def _grade(self) -> tuple[float, Mapping[str, Any]]:
        """Upstream's reward; where outputs are required upstream reports those alone, here ``r_actions`` stays visible."""
        task = self.task
        same = self._world.changes() == self._resources.gold(task)
        # Upstream takes commas out of what was said, but not out of what is looked for.
        said = [content.lower().replace(",", "") for content in self._said]
        outputs = {output: any(output.lower() in text for text in said) for output in task.payload["outputs"]}
        truth = {
            "r_actions": float(same),
            "r_outputs": float(all(outputs.values())) if outputs else None,
            "outputs": outputs,
            "deviations": sorted(self._deviations | self._world.deviations),
        }
        return float(same and all(outputs.values())), truth
