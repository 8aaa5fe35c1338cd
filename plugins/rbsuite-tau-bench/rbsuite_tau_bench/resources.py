"""Task sets, and what the episodes over one share: the pack, and what is computed from it once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rbsuite.data.reading import find_pack
from rbsuite.errors import DataError
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Message, ToolSpec
from rbsuite_dialogue.tasks import domains_of, joint_hash
from rbsuite_tau_bench.domains import DOMAINS
from rbsuite_tau_bench.pack import Pack
from rbsuite_tau_bench.world import Changes, World

NAME = "tau-bench"
SAMPLE_SPLIT = "sample"
SPLITS: Mapping[str, tuple[str, ...]] = {
    SAMPLE_SPLIT: ("retail", "airline"),
    "test": ("retail", "airline"),
    "dev": ("retail",),
    "train": ("retail",),
}
"""The domains of each split, in native order."""

_FETCH = "Run `rbsuite data fetch tau-bench` or `rbsuite data import tau-bench --from CHECKOUT`."


class Resources:
    """The data behind a task set, and what is derived from it.

    Args:
        pack: the data.
    """

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._gold: dict[str, Changes] = {}
        self.tools = cache(self._read_tools)
        self.policy = cache(self._read_policy)

    def gold(self, task: Task) -> Changes:
        """What the task's reference actions change in the database, without terminating ones.

        Follows ``Env.calculate_reward`` in ``tau_bench/envs/base.py`` (sierra-research/tau-bench, 59a200c6).
        """
        if task.id not in self._gold:
            world = World(task.domain, self.pack)
            for action in task.payload["actions"]:
                if action["name"] not in world.terminating:
                    world.call(action["name"], action["kwargs"])
            self._gold[task.id] = world.changes()
        return self._gold[task.id]

    def _read_tools(self, domain: str) -> tuple[ToolSpec, ...]:
        """The tools of a domain, in upstream's order."""
        return tuple(_tool(self.pack, entry) for entry in self.pack.tools(domain))

    def _read_policy(self, domain: str) -> tuple[Message, ...]:
        """The policy of a domain as the agent's system message."""
        return (Message("system", self.pack.wiki(domain)),)


def load_tasks(split: str, domain: str, data: str) -> tuple[TaskSet, Resources]:
    """The task set of a split, and the data behind it; see :meth:`rbsuite.Environment.tasks`."""
    domains = domains_of(NAME, split, domain, SPLITS)
    sample = sample_directory() if split == SAMPLE_SPLIT else None
    path, source = find_pack(NAME, NAME, data=data, sample=sample, remedy=_FETCH)
    pack = Pack(path)
    content = joint_hash([pack.content_hash(name, split) for name in domains])
    tasks = tuple(
        _task(pack, name, split, index, entry)
        for name in domains
        for index, entry in enumerate(pack.tasks(name, split))
    )
    return TaskSet(NAME, split, tasks, {**source, "sha256": content}, content, _asks), Resources(pack)


def _asks(task: Task) -> str:
    return asked(task.payload)


def asked(entry: Mapping[str, object]) -> str:
    """What a task asks, which identifies its twins: who the user is, and what the user wants."""
    return f"{entry['user_id']} {entry['instruction']}"


def sample_directory() -> Path:
    """The bundled sample, laid out like a pack."""
    return Path(__file__).with_name("sample")


def _task(pack: Pack, domain: str, split: str, index: int, entry: Mapping[str, object]) -> Task:
    identifier, writes = f"{domain}/{split}/{index}", DOMAINS[domain].writes
    actions = entry["actions"]
    assert isinstance(actions, list)
    for action in actions:
        if not (
            isinstance(action, dict) and isinstance(action.get("name"), str) and isinstance(action.get("kwargs"), dict)
        ):
            raise DataError(f"{NAME}: an action of {identifier} has no name or kwargs ({pack.path}).", _FETCH)
    outputs = entry["outputs"]
    assert isinstance(outputs, list)
    if not all(isinstance(output, str) for output in outputs):
        raise DataError(f"{NAME}: an output of {identifier} is not text ({pack.path}).", _FETCH)
    return Task(
        id=identifier,
        group=str(entry.get("group") or entry["user_id"]),
        domain=domain,
        payload=entry,
        difficulty=float(sum(action["name"] in writes for action in actions) + len(outputs)),
    )


def _tool(pack: Pack, entry: Mapping[str, object]) -> ToolSpec:
    function = entry.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise DataError(f"{NAME}: a tool schema in {str(pack.path)!r} has no function name.", _FETCH)
    return ToolSpec(function["name"], str(function.get("description", "")), function.get("parameters") or {})
