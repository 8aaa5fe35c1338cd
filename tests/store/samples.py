"""Records to store: a stream whose every value follows from its position. Used by the tests and by the process that they kill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rbsuite.experience import MemoryItem, MemoryOp, Provenance, Recall, Recalled
from rbsuite.oplog import GENESIS, chain
from rbsuite.record import Condition, Manifest, RecallEvent, RolloutRecord, RunInfo, TaskRecord, commit_id_of
from rbsuite.seeds import rng
from rbsuite.trajectory import Action, Grade, Message, Observation, Step, ToolCall, ToolSpec, Trajectory, Usage
from rbsuite.verdict import Verdict

RUN = "reasoningbank/single/order-0"
OFF = "none/single/order-0"
POLICY = Message("system", "Be polite and follow the rules of the shop. " * 20)
TOOL = ToolSpec(
    "look_up",
    "Looks up an order.",
    {"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "integer"}}},
)


def manifest(tasks: int) -> Manifest:
    """Two runs over the same tasks: with a memory and without."""
    ids = tuple(f"retail/test/{index}" for index in range(tasks))
    runs = tuple(
        RunInfo(
            name,
            Condition(name.split("/", maxsplit=1)[0], "single", "tools", "sim/learner", "self"),
            0,
            "seeded",
            11,
            ids,
        )
        for name in (OFF, RUN)
    )
    return made_of(runs, {"max_tokens": 100, "none": None}, {"task_set": {"hash": "ab" * 32, "count": tasks}})


def made_of(runs: Sequence[RunInfo], config: Mapping[str, Any] | None = None, facts: Any = None) -> Manifest:
    """A manifest with what every manifest says, and more."""
    named = {"name": "shop", "version": "1"}
    said = {"environment": named, "rbsuite": "1", "simulated": True, "task_set": {"hash": "ab" * 32}}
    asked = {"env": "shop", "split": "test", "domain": "", "seed": 0, "orders": 1}
    return Manifest({**asked, **(config or {})}, {**said, **(facts or {})}, tuple(runs))


def trajectory(task_id: str, rollout: int, turns: int = 3) -> Trajectory:
    """A rollout in which a user opens and the agent calls tools."""
    chance = rng("trajectory", task_id, rollout)
    steps = [
        Step(
            "user",
            Observation("", turn="user", messages=(Message("system", f"You want {task_id}."),)),
            Action(text="Hello"),
            None,
        )
    ]
    first = Observation("Hello", messages=(POLICY,), tools=(TOOL,), data={"n": [1, 2.5, None, True]})
    steps.append(Step("agent", first, Action("What can I do for you?"), 0.0))
    for turn in range(turns):
        seen = Observation(f"Order {chance.random()}: délivré \u4e2d\u6587" * 5, role="tool", choices=("a", "b"))
        steps.append(Step("agent", seen, Action.call("look_up", {"id": turn}, thought="Hm."), 0.5))
    calls = (ToolCall("c1", "look_up", {"id": 1}), ToolCall("c2", "look_up", raw="{broken"))
    final = Observation("Bye", messages=(Message("assistant", "", calls), Message("tool", "ok", (), "c1", "look_up")))
    grade = Grade(1.0, {"progress": 0.5}, {"checks": {"db": True}})
    return Trajectory(
        task_id, rollout, chance.getrandbits(63), "Hello", tuple(steps), final, "finished", "", grade
    )  # fmt: skip


def record(position: int, previous: str, *, rollouts: int = 2, run: str = RUN) -> TaskRecord:
    """The record of the task at a position."""
    task_id = f"retail/test/{position}"
    made = Provenance(task_id, position, tuple(range(rollouts)), "success", "self")
    item = MemoryItem(
        f"item-{position}", "Check first", "Look before acting.", f"Lesson {position}", "Hello", task_id, "strategy", "retail", made,
        links=("item-0",), counters={"helpful": 1.0},
    )  # fmt: skip
    ops = (
        MemoryOp("add", made, item),
        MemoryOp("score", made, item_id="item-0", counters={"helpful": 1.0}, reason="used"),
    )
    found = tuple(Recalled(f"item-{rank}", 1, 0.9 - rank / 10, rank) for rank in range(min(position, 2)))
    recall = Recall(found, "Lessons" if found else "", "" if found else "empty bank", "exact")
    return TaskRecord(
        task_id=task_id,
        position=position,
        commit_id=commit_id_of(run, position, task_id),
        read_version=position,
        version=position + 1,
        rollouts=tuple(
            RolloutRecord(
                trajectory(task_id, index),
                Verdict("success", 0.75, "It was delivered.", "self"),
                {"agent": Usage(4, 1000, 50, 0.25), "judge": Usage(1, 500, 5, None)},
                ("checked once",),
                1.5 + index,
            )
            for index in range(rollouts)
        ),
        selected=rollouts - 1,
        recalls=(RecallEvent(-1, "task", 0, position, recall),),
        ops=ops,
        state_hash=chain(previous, position + 1, ops),
        usage={"memory": Usage(1, 300, 30, 0.125)},
        notes={"extraction_malformed": position},
    )


def records(count: int, *, start: int = 0, previous: str = GENESIS, run: str = RUN) -> Iterator[TaskRecord]:
    """The records of a run from a position on, given the hash chain before it."""
    for position in range(start, count):
        made = record(position, previous, run=run)
        previous = made.state_hash
        yield made
