"""Task sets, and what the episodes over one share: the pack, and what is computed from it once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rbsuite.data.reading import find_pack
from rbsuite.errors import DataError
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import ToolSpec
from rbsuite_dialogue.tasks import domains_of, joint_hash
from rbsuite_tau2_bench.domains import DOMAINS
from rbsuite_tau2_bench.pack import Pack
from rbsuite_tau2_bench.scenario import Scenario, read_scenario
from rbsuite_tau2_bench.toolkit import Side
from rbsuite_tau2_bench.world import World

NAME = "tau2-bench"
SAMPLE_SPLIT = "sample"
SPLITS: Mapping[str, tuple[str, ...]] = {
    SAMPLE_SPLIT: ("retail", "airline", "telecom", "mock"),
    "base": ("retail", "airline", "telecom", "mock"),
    "train": ("retail", "airline", "telecom"),
    "test": ("retail", "airline", "telecom"),
    "small": ("telecom",),
    "full": ("telecom",),
}
"""The domains of each split, in native order."""
SOLO_DOMAINS = ("telecom", "mock")

FETCH = "Run `rbsuite data import tau2-bench --from CHECKOUT`."


class Resources:
    """The data behind a task set, and what is derived from it.

    Args:
        pack: the data.
        fidelity: fidelity of the worlds.
    """

    def __init__(self, pack: Pack, fidelity: str) -> None:
        self.pack = pack
        self._fidelity = fidelity
        self._references: dict[tuple[str, str], World] = {}
        self.tools = cache(self._read_tools)

    def world(self, domain: str, scenario: Scenario, *, solo: bool = False) -> World:
        """A fresh world at the start of a task."""
        world = self.pack.initial(domain, scenario.id, self._fidelity).fork()
        world.solo = solo
        return world

    def reference(self, domain: str, scenario: Scenario) -> World:
        """The world to which a task's reference actions lead; must not be changed."""
        key = (domain, scenario.id)
        if key not in self._references:
            world = self.world(domain, scenario)
            for action in scenario.actions or ():
                world.replay(action)
            self._references[key] = world
        return self._references[key]

    def _read_tools(self, domain: str, side: Side) -> tuple[ToolSpec, ...]:
        """The tools of a side, in upstream's order; empty if it has none."""
        return tuple(_tool(entry["function"]) for entry in self.pack.tools(domain).get(side, ()))


def load_tasks(split: str, domain: str, data: str, *, solo: bool, fidelity: str) -> tuple[TaskSet, Resources]:
    """The task set of a split, and the data behind it; see :meth:`rbsuite.Environment.tasks`."""
    domains = domains_of(NAME, split, domain, SPLITS)
    if solo:
        domains = [name for name in domains if name in SOLO_DOMAINS]
        if not domains:
            raise DataError(f"{NAME}: solo mode is for {' and '.join(SOLO_DOMAINS)}.", "Choose one with --domain.")
    sample = sample_directory() if split == SAMPLE_SPLIT else None
    path, source = find_pack(NAME, NAME, data=data, sample=sample, remedy=FETCH)
    pack = Pack(path)
    content = joint_hash([pack.content_hash(name, split) for name in domains])
    tasks = []
    for name in domains:
        for one in pack.task_ids(name, split):
            scenario = pack.task(name, one)
            if scenario.ticket or not solo:
                tasks.append(_task(name, split, scenario, pack.entry(name, one), solo))
    databases = {
        f"{name} database": f"{file.rpartition('/')[2]} {pack.file_hash(file)[:16]}"
        for name in domains
        for file in [pack.database_file(name)]
    }
    made = TaskSet(NAME, split, tuple(tasks), {**source, "sha256": content, **databases}, content, asked)
    return made, Resources(pack, fidelity)


def asked(task: Task) -> str:
    """What a task asks, which identifies its twins."""
    scenario = read_scenario(task.payload)
    # Telecom's tasks differ in what is wrong with the phone, not in what is said about it.
    broken = " ".join(f"{one.name} {sorted(one.arguments.items())}" for one in scenario.functions)
    return f"{task.domain} {' '.join(scenario.wishes.values())} {broken}"


def sample_directory() -> Path:
    """The bundled sample, laid out like a pack."""
    return Path(__file__).with_name("sample")


def _task(domain: str, split: str, scenario: Scenario, entry: Mapping[str, Any], solo: bool) -> Task:
    kinds = DOMAINS[domain].kinds
    writes = sum(kinds.get(action.name) == "write" for action in scenario.actions or ())
    return Task(
        id=f"{domain}/{split}/{scenario.id}",
        group=f"{domain}/{scenario.group}",
        domain=domain,
        query=scenario.ticket if solo else "",
        payload=entry,
        difficulty=float(writes + len(scenario.communicate)),
    )


def _tool(function: Mapping[str, Any]) -> ToolSpec:
    return ToolSpec(str(function["name"]), str(function.get("description", "")), function.get("parameters") or {})
