"""A small environment with a customer and tools for tests of the core: parcels are sent on, and what they weigh is told."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Solution
from rbsuite.environments.users import STOP
from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, ToolCall, ToolResult, ToolSpec

TOWNS = ("Bern", "Lyon", "Oslo")
COUNT = 24


def _tool(name: str, **properties: object) -> ToolSpec:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return ToolSpec(name, f"{name.replace('_', ' ')}.", parameters)


NUMBER = {"type": "string"}
TOOLS = (
    _tool("find_parcel", number=NUMBER),
    _tool("send_parcel", number=NUMBER, town={"type": "string", "enum": list(TOWNS)}),
    _tool("insure_parcel", number=NUMBER, amount={"type": "integer"}),
    _tool("destroy_parcel", number=NUMBER),
)


class Post(SyncEnvironment):
    """A customer has a parcel sent to a town, some have it insured as well, and some ask what it weighs."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        tasks = []
        for number in range(COUNT):
            parcel, weight = f"P-{101 + number}", f"{number + 2} kg"
            payload = {"parcel": parcel, "town": TOWNS[number % 3], "weight": weight if number % 2 else ""}
            payload["amount"] = str(10 * number) if number % 3 else ""
            tasks.append(Task(f"desk/{number}", f"customer {number % 4}", "desk", "", payload))
        return TaskSet("post", split, tuple(tasks), {"pack": "made here"})

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> Counter:
        return Counter(task)

    def solution(self, task: Task) -> Solution:
        parcel = {"number": task.payload["parcel"]}
        calls = [ToolCall("", "send_parcel", {**parcel, "town": task.payload["town"]})]
        if task.payload["amount"]:
            calls.append(ToolCall("", "insure_parcel", {**parcel, "amount": int(task.payload["amount"])}))
        told = f"It weighs {task.payload['weight']}." if task.payload["weight"] else "It is on its way."
        actions = (
            Action("Which parcel is it?"),
            Action.call("find_parcel", parcel),
            Action(calls=tuple(calls)),
            Action(told),
        )
        return Solution(actions, (Action(wish(task)), Action(f"It is {task.payload['parcel']}.")))


def wish(task: Task) -> str:
    """What the customer says first."""
    insured = f" and insure it for {task.payload['amount']}" if task.payload["amount"] else ""
    asked = " What does it weigh?" if task.payload["weight"] else ""
    return f"Please send my parcel to {task.payload['town']}{insured}.{asked}"


class Counter(SyncEpisode):
    """One customer."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._opened = False
        self._said = ""
        self._done: list[str] = []
        self.observation = Observation("Good morning.", turn="user", messages=(Message("system", wish(task)),))

    def act(self, action: Action) -> Observation:
        if self.observation.turn == "user":
            if self._opened:
                return Observation(action.text, turn="over" if STOP in action.text else "agent")
            self._opened = True
            rules = (Message("system", "You serve at a post office."),)
            return Observation(action.text, messages=rules, tools=TOOLS)
        if not action.calls:
            self._said += action.text
            return Observation(action.text, turn="user")
        results = [ToolResult(call.id, call.name, self._call(call)) for call in action.calls]
        return Observation.of_results(results)

    def _call(self, call: ToolCall) -> str:
        if call.name != "find_parcel":
            self._done.append(f"{call.name} {sorted(map(str, call.arguments.values()))}")
            return "Done."
        parcel, weight = self._task.payload["parcel"], self._task.payload["weight"]
        return (
            f"{parcel}, {weight or '1 kg'}; beside it lies P-900."
            if call.arguments["number"] == parcel
            else "No such parcel."
        )

    def grade(self, end: EndReason) -> Grade:
        parcel, town, amount, weight = (str(self._task.payload[key]) for key in ("parcel", "town", "amount", "weight"))
        wanted = [f"send_parcel {sorted([parcel, town])}"]
        wanted += [f"insure_parcel {sorted([parcel, amount])}"] if amount else []
        told = weight in self._said
        return Grade(float(self._done == wanted and told and self.observation.turn == "over"))


POST = EnvironmentSpec(
    "post",
    "sends parcels",
    f"{__name__}:Post",
    splits=(Split("all", "all of them", bundled=True),),
    action_mode="tools",
    agent="tools",
    users=("llm",),
    refine="retry",
    max_steps=12,
)


class PostPlugin:
    """Declares :class:`Post`."""

    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        return [POST]
