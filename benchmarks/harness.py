"""What the harness itself costs: CPU per rollout of ten tool calls, over the whole pipeline with the store and models in process.

    python benchmarks/harness.py [--tasks 300] [--memory none]

The model and the environment do next to nothing, so what is measured is rbsuite: prompts, metering, judging, recall, absorption, commit.
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
from rbsuite.plugins import load_plugins
from rbsuite.run.config import Execution, make_config
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import make_plan
from rbsuite.specs import EnvironmentSpec, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, ToolSpec

CALLS = 10
PEER_MS = 123
"""inspect_ai with its mock model, CPU ms for such a sample, measured once on a comparable machine."""

RECORD = json.dumps({f"field_{number}": f"value {number} of a record" for number in range(40)})
TOOLS = tuple(ToolSpec(f"tool_{n}", f"Does thing {n} to a record.", {"type": "object"}) for n in range(16))
POLICY = Message("system", "Handle the record with the tools. " * 180)


class TenCalls(SyncEnvironment):
    """Ends after ten tool calls and a closing text; every observation is a record of about 1.4 KB."""

    count: ClassVar[int] = 300

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """As many tasks as were asked for."""
        return TaskSet(
            "ten-calls", split, tuple(Task(f"{n}", f"{n}", "", f"Handle record {n}.") for n in range(self.count))
        )

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        """The question, the policy and the tools."""
        return TenCallsEpisode(task)

    def solution(self, task: Task) -> Solution:
        """Ten calls and a closing text."""
        calls = (Action.call(f"tool_{n}", {"record": task.id, "step": n}) for n in range(CALLS))
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


class Plugin:
    """Declares the environment."""

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


def measure(memory: str, tasks: int, directory: Path) -> float:
    """CPU milliseconds per rollout."""
    TenCalls.count = tasks
    config = make_config({"env": "ten-calls", "memory": (memory,), "orders": 1, "model": "sim/oracle"})
    plan = make_plan(config, load_plugins([("ten-calls", Plugin())]))
    with open_experiment(plan, directory) as store:
        started = time.process_time()
        asyncio.run(run_experiment(plan, store, Execution()))
        return 1000 * (time.process_time() - started) / tasks


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="CPU per rollout of ten tool calls, whole pipeline with store.")
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--memory", action="append", help="memory to measure; may be repeated")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        measure("none", 20, Path(root) / "warm-up")
        for number, memory in enumerate(arguments.memory or ["none", "reasoningbank"]):
            cost = measure(memory, arguments.tasks, Path(root) / str(number))
            print(
                f"{memory}: {cost:.2f} ms CPU per rollout of {CALLS} tool calls; peer {PEER_MS} ms, ratio {PEER_MS / cost:.0f}"
            )


if __name__ == "__main__":
    main()
