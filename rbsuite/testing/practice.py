"""What the kit tries plugins on: small environments in every action mode, a stream of experiences, and services without a model.

All of it is made only from task numbers, so that it is the same every time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Solution
from rbsuite.experience import Experience, Outcome, Recall
from rbsuite.fencing import outside
from rbsuite.hookspecs import hookimpl
from rbsuite.jsonable import text_digest
from rbsuite.memories.bank import Bank
from rbsuite.memories.base import SearchResult
from rbsuite.models.base import Completion, ModelRequest, Purpose
from rbsuite.prompts import Prompts
from rbsuite.run.reads import Reads, ReadsBank, RunTwins
from rbsuite.seeds import derive_seed, rng
from rbsuite.specs import ActionMode, EnvironmentSpec, Split
from rbsuite.task import Task, TaskSet
from rbsuite.testing.replies import item_reply, memory_reply
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, Step, ToolSpec, Trajectory, Usage
from rbsuite.verdict import Verdict

DEPOTS = ("north", "south")
SHELVES = ("left shelf", "middle shelf", "right shelf")
RULES = "You help in a depot. Say on which shelf the parcel lies."
TASKS = 12
"""Number of tasks."""

Answer = Callable[[ModelRequest], Awaitable[Completion]]


def marker(number: int) -> str:
    """A word that occurs only in what happened on a task."""
    return f"trace{text_digest(str(number))[:8]}"


def tasks(split: str = "practice") -> TaskSet:
    """The tasks."""
    made = (
        Task(
            f"parcel-{number}",
            f"group-{number % 3}",
            DEPOTS[number % 2],
            f"Where does parcel P{number} of the {DEPOTS[number % 2]} depot lie?",
            {"shelf": number % 3},
        )
        for number in range(TASKS)
    )
    return TaskSet("practice", split, tuple(made))


class Practice(SyncEnvironment):
    """Parcels on shelves. The tool returns the shelf; if there is no tool, the shelf is in the question's label."""

    mode: ClassVar[ActionMode] = "text"

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :class:`rbsuite.Environment`."""
        return tasks(split)

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        """See :class:`rbsuite.SyncEnvironment`."""
        return _PracticeEpisode(task, self.mode)

    def solution(self, task: Task) -> Solution:
        """The tool if there is one, then the shelf."""
        shelf = int(task.payload["shelf"])
        if self.mode == "choice":
            return Solution((Action.choose(shelf, SHELVES[shelf]),))
        look = (Action.call("look", {"parcel": task.id}),) if self.mode == "tools" else ()
        return Solution((*look, Action(SHELVES[shelf])))


class ToolPractice(Practice):
    """The same with a tool."""

    mode = "tools"


class ChoicePractice(Practice):
    """The same with named actions."""

    mode = "choice"


class _PracticeEpisode(SyncEpisode):
    def __init__(self, task: Task, mode: ActionMode) -> None:
        self._task = task
        self._right = False
        self._shelf = SHELVES[int(task.payload["shelf"])]
        schema = {"type": "object", "properties": {"parcel": {"type": "string"}}, "required": ["parcel"]}
        tools = (ToolSpec("look", "Looks a parcel up.", schema),) if mode == "tools" else ()
        choices = SHELVES if mode == "choice" else ()
        listed = "\n".join(f"action id {number}: {name}" for number, name in enumerate(choices))
        rules = Message("system", f"{RULES}\n{listed}".strip())
        self.observation = Observation(task.query, messages=(rules,), tools=tools, choices=choices)

    def act(self, action: Action) -> Observation:
        if action.calls:
            return Observation(f"{self._task.id}: {self._shelf}", role="tool")
        index = action.index
        said = SHELVES[index] if index is not None and 0 <= index < len(SHELVES) else action.text
        self._right = self._shelf in said
        return Observation("Thank you.", turn="over")

    def grade(self, end: EndReason) -> Grade:
        return Grade(float(self._right))

    def closes(self, action: Action) -> bool:
        return not action.calls


MODES: dict[ActionMode, type[Practice]] = {"text": Practice, "tools": ToolPractice, "choice": ChoicePractice}


class PracticePlugin:
    """Declares the practice environments: ``practice-text`` and so on.

    Args:
        agent: the default agent of the environments.
    """

    def __init__(self, agent: str) -> None:
        self._agent = agent

    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        """One for each action mode."""
        return [
            EnvironmentSpec(
                f"practice-{mode}",
                "parcels on shelves, for practice",
                f"{__name__}:{kind.__name__}",
                version="1",
                splits=(Split("practice", f"{TASKS} parcels", bundled=True),),
                domains=DEPOTS,
                action_mode=mode,
                agent=self._agent,
                max_steps=6,
            )
            for mode, kind in MODES.items()
        ]


def trajectory(number: int, *, right: bool = True, rollout: int = 0, padding: int = 0) -> Trajectory:
    """A rollout of a task, as the agent saw it.

    Args:
        number: the number of the task.
        right: whether it succeeded.
        rollout: index of the rollout.
        padding: number of characters of a long observation in it.
    """
    task = tasks().tasks[number % TASKS]
    first = Observation(task.query, messages=(Message("system", RULES),))
    log = f"The log of {marker(number)} says: {SHELVES[number % 3]}. " + "boxes " * (padding // 6)
    shelf = SHELVES[number % 3 if right else (number + 1) % 3]
    steps = (
        Step("agent", first, Action.call("look", {"parcel": task.id}, thought="I look it up.")),
        Step("agent", Observation(log, role="tool"), Action(f"On the {shelf}.")),
    )
    return Trajectory(task.id, rollout, number, task.query, steps, Observation("Thank you.", turn="over"), "finished")


def experience(
    number: int, *, position: int | None = None, recalled: Recall | None = None, origin: str = "", padding: int = 0
) -> Experience:
    """What a memory learns from: two rollouts of a task, alternately judged a success and a failure."""
    task = tasks().tasks[number % TASKS]
    right = number % 3 != 2
    outcomes = (
        Outcome(
            trajectory(number, right=right, padding=padding),
            Verdict("success" if right else "failure", None, "The log says so.", "practice"),
        ),
        Outcome(
            trajectory(number, right=not right, rollout=1, padding=padding),
            Verdict("failure" if right else "success", None, "The log says so.", "practice"),
        ),
    )
    place = number if position is None else position
    return Experience(
        task.id, task.domain, task.query, place, outcomes, recalled or Recall(reason="practice"), origin=origin
    )


async def practised(request: ModelRequest) -> Completion:
    """A model that replies in the forms that the suite's prompts ask for, and always gives the same reply to the same prompt."""
    await asyncio.sleep(0)
    prompt = outside("\n".join(message.text for message in request.messages if message.role != "assistant"))
    mark = text_digest(prompt)
    if request.purpose == "judge":
        return Completion(f"Reasoning: the log says so.\nVerdict: {'success' if int(mark, 16) % 2 else 'failure'}")
    line = f"Look into log {mark[:4]} before you answer"
    reply = memory_reply(prompt, line, f"{line}; then say which shelf it is.", int(mark[:6], 16))
    return Completion(reply or item_reply("Item", line, line))


class Fixed:
    """A model that always does the same thing.

    Args:
        does: what it replies or raises.
    """

    def __init__(self, does: str | Completion | Exception) -> None:
        self._does = Completion(does) if isinstance(does, str) else does
        self.asked = 0
        """How often it was called."""

    async def __call__(self, request: ModelRequest) -> Completion:
        """Do it."""
        self.asked += 1
        if isinstance(self._does, Exception):
            raise self._does
        return self._does


class PracticeServices:
    """The services for agents, judges and memories, with an answer in place of a model.

    Args:
        prompts: the templates.
        purpose: the purpose of the calls.
        seed: the seed of the random numbers.
        answer: returns the replies.
    """

    def __init__(self, prompts: Prompts, purpose: Purpose, seed: int, answer: Answer = practised) -> None:
        self.window = 0
        self.rng: random.Random = rng(seed, "services")
        self.requests: list[ModelRequest] = []
        self._prompts = prompts
        self._purpose: Purpose = purpose
        self._seed = seed
        self._answer = answer

    def render(self, template: str, **variables: Any) -> str:
        """See :class:`rbsuite.models.services.ModelServices`."""
        return self._prompts.render(template, **variables)

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        temperature: float | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        """Record the request, and answer it."""
        session = derive_seed(self._seed, self._purpose)
        seed = derive_seed(session, len(self.requests))
        request = ModelRequest(
            tuple(messages), self._purpose, tuple(tools), temperature, seed, session, self._seed, schema=schema
        )
        self.requests.append(request)
        return await self._answer(request)

    def count(self, event: str) -> None:
        """See :class:`rbsuite.memories.base.BankView`."""


class PracticeView(ReadsBank, PracticeServices):
    """A bank as a memory sees it while working on a task. See :class:`rbsuite.memories.base.BankView`.

    Args:
        bank: the bank; its latest version is read.
        task: the task at hand.
        prompts: the templates.
        seed: the seed of the random numbers.
        answer: returns the model's replies.
    """

    def __init__(self, bank: Bank, task: Task, prompts: Prompts, seed: int, answer: Answer = practised) -> None:
        super().__init__(prompts, "memory", seed, answer)
        self._reads = Reads(bank, bank.version, task, RunTwins(tasks(), bank), "shared")
        self.version = bank.version

    def spend(self, model: str, usage: Usage, seconds: float) -> None:
        """See :class:`rbsuite.memories.base.BankView`."""

    async def search(self, query: str, k: int, *, kind: str = "", domain: str = "") -> SearchResult:
        """The experiences with the keys most similar to the query; yields to other tasks first, as an embedder would."""
        await asyncio.sleep(0)
        return await super().search(query, k, kind=kind, domain=domain)
