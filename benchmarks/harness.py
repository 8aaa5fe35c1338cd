"""What the harness itself costs: CPU per rollout, over the whole pipeline with the store, everything in process.

    python benchmarks/harness.py [--tasks 300] [--memory none] [--calls 10] [--model mock/scripted]

The environment and the model do next to nothing, so what is measured is rbsuite: prompts, metering, judging, recall, absorption, commit.
``--calls 0`` measures samples of a single turn. With ``--model sim/oracle`` the simulated model's own work is included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Solution
from rbsuite.hookspecs import hookimpl
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.plugins import load_plugins
from rbsuite.run.config import Execution, make_config
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import make_plan
from rbsuite.specs import EnvironmentSpec, ModelSpec, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, ToolCall, ToolSpec, Usage

PEER_MS = {10: 123, 0: 19}
"""inspect_ai with its mock model, CPU ms for a sample of ten tool calls and of none, measured once on a comparable machine."""

RECORD = json.dumps({f"field_{number}": f"value {number} of a record" for number in range(40)})
TOOLS = tuple(ToolSpec(f"tool_{n}", f"Does thing {n} to a record.", {"type": "object"}) for n in range(16))
POLICY = Message("system", "Handle the record with the tools. " * 180)


class TenCalls(SyncEnvironment):
    """Ends after some tool calls, usually ten, and a closing text; every observation is a record of about 1.4 KB."""

    count: ClassVar[int] = 300
    calls: ClassVar[int] = 10

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """As many tasks as were asked for."""
        return TaskSet(
            "ten-calls", split, tuple(Task(f"{n}", f"{n}", "", f"Handle record {n}.") for n in range(self.count))
        )

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        """The question, the policy and the tools."""
        return TenCallsEpisode(task)

    def solution(self, task: Task) -> Solution:
        """The calls and a closing text."""
        calls = (Action.call(f"tool_{n % len(TOOLS)}", {"record": task.id, "step": n}) for n in range(self.calls))
        return Solution((*calls, Action("It is done.")))


class TenCallsEpisode(SyncEpisode):
    """A record for each tool call; a text ends the episode."""

    def __init__(self, task: Task) -> None:
        self.observation = Observation(task.query, messages=(POLICY,), tools=TOOLS)

    def act(self, action: Action) -> Observation:
        """See the class."""
        return Observation("Thank you.", turn="over") if action.speaks else Observation(RECORD, role="tool")

    def grade(self, end: EndReason) -> Grade:
        """A finished rollout is right."""
        return Grade(float(end == "finished"))


class Scripted:
    """Makes the tool calls and closes; calls every rollout a success, and always writes the same item."""

    name = "mock/scripted"

    async def complete(self, request: ModelRequest) -> Completion:
        """The next reply."""
        if request.purpose == "agent":
            made = (len(request.messages) - 2) // 2  # besides the system prompt and the query: calls and their results
            if made < TenCalls.calls:
                call = ToolCall(f"call_{made}", f"tool_{made % len(TOOLS)}", {"record": "1", "step": made})
                return Completion("", (call,), USAGE, "tool_calls")
            return Completion("It is done.", usage=USAGE)
        return Completion(VERDICT if request.purpose == "judge" else ITEM, usage=USAGE)

    async def aclose(self) -> None:
        """Nothing to release."""


USAGE = Usage(1, 1000, 50, 0.0)
VERDICT = "Reasoning: All of it was carried out as asked.\nVerdict: success"
ITEM = (
    "# Memory Item 1\n## Title\nKeep the order\n## Description\nApplies to records that are handled step by step.\n"
    "## Content\nMake the calls in the order of their numbers, and close when the last of them has been answered."
)


class Plugin:
    """Declares the environment and the model."""

    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        """The environment of this benchmark."""
        return [
            EnvironmentSpec(
                "ten-calls",
                "ten tool calls",
                f"{__name__}:TenCalls",
                splits=(Split("all", "all", bundled=True),),
                action_mode="tools",
                agent="tools",
            )
        ]

    @hookimpl
    def rbsuite_models(self) -> Sequence[ModelSpec]:
        """The model of this benchmark."""
        return [ModelSpec(Scripted.name, "does next to nothing", f"{__name__}:Scripted")]


def measure(memory: str, tasks: int, directory: Path, model: str = Scripted.name) -> float:
    """CPU milliseconds per rollout; checks that each of them made its calls and was right."""
    TenCalls.count = tasks
    config = make_config({"env": "ten-calls", "memory": (memory,), "orders": 1, "model": model})
    plan = make_plan(config, load_plugins([("ten-calls", Plugin())]))
    with open_experiment(plan, directory) as store:
        started = time.process_time()
        asyncio.run(run_experiment(plan, store, Execution()))
        spent = time.process_time() - started
        for row in store.results(plan.runs()[0].id):
            assert (row.steps, row.score, row.label) == (TenCalls.calls + 1, 1.0, "success"), row
        return 1000 * spent / tasks


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="CPU per rollout, whole pipeline with store.")
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--memory", action="append", help="memory to measure; may be repeated")
    parser.add_argument("--calls", type=int, action="append", help="tool calls of a rollout; may be repeated")
    parser.add_argument("--model", default=Scripted.name, help=f"{Scripted.name} or sim/oracle")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        measure("none", 20, Path(root) / "warm-up", arguments.model)
        for calls in arguments.calls or [10, 0]:
            TenCalls.calls = calls
            peer = PEER_MS.get(calls)
            for memory in arguments.memory or ["none", "reasoningbank"]:
                # The least of three: a machine that does other work as well makes it more, never less.
                directories = (Path(root) / f"{memory}-{calls}-{number}" for number in range(3))
                cost = min(measure(memory, arguments.tasks, one, arguments.model) for one in directories)
                ratio = "" if peer is None else f"; peer {peer} ms, ratio {peer / cost:.0f}"
                print(f"{memory}: {cost:.2f} ms CPU per rollout of {calls} tool calls with {arguments.model}{ratio}")


if __name__ == "__main__":
    main()
