"""What the experiment store costs: CPU per commit, bytes per rollout, and how fast it reads back.

Commits a stream of tasks with one 12-step rollout each: a policy and 14 tool schemas at the first observation, then tool results of about
1.5 KB. The store is made in a temporary directory, which is removed.

    python benchmarks/store.py [--tasks 2000]
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rbsuite.experience import MemoryItem, MemoryOp, Provenance, Recall, Recalled
from rbsuite.oplog import GENESIS, chain
from rbsuite.record import Condition, Manifest, RecallEvent, RolloutRecord, RunInfo, TaskRecord, commit_id_of
from rbsuite.store import ExperimentStore, experiment_digest, export_jsonl
from rbsuite.trajectory import Action, Grade, Message, Observation, Step, ToolSpec, Trajectory, Usage
from rbsuite.verdict import Verdict

STEPS = 12
_VOCABULARY = """
    account address amount approved balance blue cancel card carrier charge city color confirm country customer date delivered
    delivery discount email exchange first gift green item large last lamp material medium model name number option order paid
    pending phone place policy price product quantity refund return reward shipping size small state status street tracking user
"""
WORDS = _VOCABULARY.split()


def sentence(rng: random.Random, words: int) -> str:
    """Words in a row."""
    return " ".join(rng.choices(WORDS, k=words))


def tool_result(rng: random.Random) -> str:
    """A tool's answer of about 1.5 KB: an order with its items."""
    items = [
        {
            "item_id": str(rng.randrange(10**9, 10**10)),
            "name": sentence(rng, 2),
            "price": round(rng.uniform(5, 900), 2),
            "options": {name: rng.choice(WORDS) for name in ("color", "material", "size")},
        }
        for _ in range(8)
    ]
    order = {"order_id": f"#W{rng.randrange(10**7)}", "user_id": f"{rng.choice(WORDS)}_{rng.randrange(10**4)}"}
    return json.dumps({**order, "status": rng.choice(WORDS), "address": sentence(rng, 8), "items": items})


def opening(rng: random.Random) -> Observation:
    """A first observation, whose policy and tools are the same for all tasks."""
    tools = tuple(
        ToolSpec(
            f"{first}_{second}",
            sentence(rng, 25),
            {
                "type": "object",
                "properties": {w: {"type": "string", "description": sentence(rng, 9)} for w in WORDS[:4]},
            },
        )
        for first, second in zip(WORDS[:14], WORDS[14:28], strict=True)
    )
    return Observation(sentence(rng, 40), messages=(Message("system", sentence(rng, 900)),), tools=tools)


def trajectory(rng: random.Random, task_id: str, first: Observation) -> Trajectory:
    """A rollout of :data:`STEPS` turns."""
    steps = [Step("agent", first, Action(sentence(rng, 30)), 0.0)]
    for _ in range(STEPS - 1):
        seen = Observation(tool_result(rng), role="tool")
        order = {"order_id": f"#W{rng.randrange(10**7)}"}
        call = Action.call(rng.choice(WORDS), order, thought=sentence(rng, 20))
        steps.append(Step("agent", seen, call, 0.0))
    truth = {"outputs": [sentence(rng, 3)], "actions": rng.randrange(9)}
    query = sentence(rng, 40)
    return Trajectory(
        task_id, 0, rng.getrandbits(63), query, tuple(steps), None, "finished", "", Grade(1.0, truth=truth)
    )


def operation(rng: random.Random, task_id: str, position: int) -> MemoryOp:
    """A lesson being added."""
    made = Provenance(task_id, position, (0,), "success", "self")
    item = MemoryItem(
        f"{task_id}/{rng.getrandbits(40)}",
        sentence(rng, 5),
        sentence(rng, 15),
        sentence(rng, 60),
        "",
        task_id,
        "strategy",
        "d",
        made,
    )
    return MemoryOp("add", made, item)


def records(tasks: tuple[str, ...]) -> Iterator[TaskRecord]:
    """The records of a run, each with one recall and two operations."""
    rng = random.Random(7)
    first, state = opening(rng), GENESIS
    for position, task_id in enumerate(tasks):
        ops = tuple(operation(rng, task_id, position) for _ in range(2))
        state = chain(state, position + 1, ops)
        found = tuple(Recalled(f"{rank}", 1, rng.random(), rank) for rank in range(3))
        recall = RecallEvent(-1, "task", 0, position, Recall(found, sentence(rng, 150), "", "exact"))
        rollout = RolloutRecord(
            trajectory(rng, task_id, first),
            Verdict("success", 1.0, sentence(rng, 40), "self"),
            {"agent": Usage(12, 40000, 900, 0.1), "judge": Usage(1, 5000, 80, 0.01)},
            seconds=rng.random(),
        )
        yield TaskRecord(
            task_id, position, commit_id_of(RUN, position, task_id), position, position + 1, (rollout,), 0, (recall,), ops, state,
            {"memory": Usage(1, 6000, 300, 0.02)},
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall seconds of something done ``count`` times."""

    cpu: float
    wall: float
    count: int

    def line(self, name: str) -> str:
        """A line of the table."""
        return f"{name:<34}{1000 * self.cpu / self.count:>9.3f} ms CPU{self.count / self.wall:>12.0f} / s"


def measure(work: Callable[[], int]) -> Cost:
    """Run it once; it returns the count."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    count = work()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall, count)


def commit_all(store: ExperimentStore, run: RunInfo) -> Cost:
    """Commit the run; only the commits are measured."""
    cpu = wall = 0.0
    for record in records(run.tasks):
        start_cpu, start_wall = time.process_time(), time.perf_counter()
        store.commit(run.id, record)
        cpu, wall = cpu + time.process_time() - start_cpu, wall + time.perf_counter() - start_wall
    return Cost(cpu, wall, len(run.tasks))


RUN = "reasoningbank/single/order-0"
CONFIG = {"env": "shop", "split": "test", "domain": "", "seed": 0, "orders": 1}
NAMED = {"name": "shop", "version": "1"}
FACTS = {"environment": NAMED, "rbsuite": "1", "simulated": True, "task_set": {"hash": "ab" * 32}}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What the experiment store costs.")
    parser.add_argument("--tasks", type=int, default=2000)
    count = parser.parse_args().tasks
    condition = Condition("reasoningbank", "single", "tools", "sim/learner", "self")
    run = RunInfo(RUN, condition, 0, "seeded", 1, tuple(f"t{i}" for i in range(count)))
    with tempfile.TemporaryDirectory() as place:
        with ExperimentStore.create(Path(place) / "e", Manifest(CONFIG, FACTS, (run,))) as store:
            sys.stdout.write(commit_all(store, run).line("commit of a task") + "\n")
        size = store.path.stat().st_size
        sys.stdout.write(f"{'on disk':<34}{size / count:>9.0f} bytes per task\n")
        with ExperimentStore.open(Path(place) / "e", readonly=True) as store:
            jobs: dict[str, Callable[[], int]] = {
                "read, whole": lambda: sum(1 for _ in store.records(run.id)),
                "read, without trajectories": lambda: sum(1 for _ in store.records(run.id, trajectories=False)),
                "result rows": lambda: sum(1 for _ in store.results(run.id)),
                "operations": lambda: sum(1 for _ in store.ops(run.id)),
                "chain verified, tasks": lambda: len(store.verify_chain(run.id)) and count,
                "digest, tasks": lambda: len(experiment_digest(store)) and count,
                "export, lines": lambda: export_jsonl(store, Path(place) / "e.jsonl"),
            }
            for name, job in jobs.items():
                sys.stdout.write(measure(job).line(name) + "\n")


if __name__ == "__main__":
    main()
