"""Task sets, and what the episodes over one share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from rbsuite.data.reading import PackFiles, find_pack
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.jsonable import digest
from rbsuite.task import Task, TaskSet
from rbsuite_toolsandbox.briefing import briefing
from rbsuite_toolsandbox.conversation import Conversation
from rbsuite_toolsandbox.network import Network, atlas
from rbsuite_toolsandbox.pack import Pack, read_fixtures
from rbsuite_toolsandbox.scenario import read_scenario

NAME = "toolsandbox"
SAMPLE, BASE, AUGMENTED = "sample", "base", "augmented"
SPLITS = (SAMPLE, BASE, AUGMENTED)

MILESTONES, MINEFIELDS = "milestones", "minefields"
DOMAINS = (MILESTONES, MINEFIELDS)
"""Scenarios with milestones, and those with only minefields, in which an agent that does nothing scores 1."""

FETCH = f"Run `rbsuite data import {NAME} --from PACK`, or `--from CHECKOUT --python PATH`."

_VARIANTS = re.compile(
    r"_(alt|multiple_user_turn|low_battery_mode|wifi_off|cellular_off|location_off|insufficient_information|implicit"
    r"|(3|10)_distraction_tools|all_tools|tool_name_scrambled|tool_description_scrambled|arg_type_scrambled"
    r"|arg_description_scrambled)$"
)


class Resources:
    """The data behind a task set.

    Args:
        pack: the scenarios and their worlds.
        recorded: a file of recorded answers of web services; ``""``: only those of the pack.
    """

    def __init__(self, pack: Pack, recorded: str) -> None:
        self.pack = pack
        self._recorded = recorded
        self._opened = dict[int, tuple[Mapping[str, Any], Conversation]]()

    @cached_property
    def network(self) -> Network:
        """Answers of web services: recorded ones first."""
        recorded = read_recorded(self._recorded) if self._recorded else ()
        return Network((*recorded, *self.pack.fixtures), atlas())

    def opened(self, task: Task) -> Conversation:
        """A task's scenario at its start, according to its payload; fork it."""
        key = id(task.payload)
        if key not in self._opened:
            scenario = read_scenario(task.payload)
            conversation = Conversation(scenario, self.pack.state(scenario), self.network)
            self._opened[key] = task.payload, conversation  # including the payload, so that no other task gets its id
        return self._opened[key][1]


def load_tasks(split: str, domain: str, data: str, recorded: str) -> tuple[TaskSet, Resources]:
    """The task set of a split, and the data behind it; see :meth:`rbsuite.Environment.tasks`."""
    if split not in SPLITS:
        raise UnknownNameError(f"split of {NAME}", split, SPLITS)
    if domain and domain not in DOMAINS:
        raise UnknownNameError(f"domain of {NAME}", domain, DOMAINS)
    sample = sample_directory() if split == SAMPLE else None
    path, source = find_pack(NAME, NAME, data=data, sample=sample, remedy=FETCH)
    pack = Pack(path)
    found = pack.augmented if split == AUGMENTED else pack.base
    if not found:
        raise DataError(f"{NAME}: there are no {split} scenarios in {str(path)!r}.", FETCH)
    tasks = tuple(_task(pack, entry) for entry in found.values())
    chosen = tuple(task for task in tasks if not domain or task.domain == domain)
    content = pack.content_hash()
    if recorded:
        content = digest([content, list(read_recorded(recorded))])

    def asked(task: Task) -> str:
        """What a scenario asks, which identifies its twins: the user's task and first words."""
        return f"{briefing(pack.scenario(task.id))[0]} {task.query}"

    return TaskSet(NAME, split, chosen, {**source, "sha256": content}, content, asked), Resources(pack, recorded)


def read_recorded(name: str) -> tuple[Mapping[str, Any], ...]:
    """The recorded answers in a file that the user names.

    Raises:
        DataError: it cannot be read, or is not a list of fixtures.
    """
    path = Path(name)
    return read_fixtures(PackFiles(path.parent, NAME, "Name a file with fixtures=FILE."), path.name)


def sample_directory() -> Path:
    """The bundled sample, laid out like a pack."""
    return Path(__file__).with_name("sample")


def _task(pack: Pack, data: Mapping[str, Any]) -> Task:
    scenario = pack.scenario(str(data["name"]))
    reached = len(scenario.milestones.milestones)
    return Task(
        id=scenario.name,
        group=str(data.get("group") or _family(str(data.get("base", scenario.name)))),
        domain=MILESTONES if reached else MINEFIELDS,
        query=scenario.messages[-1].content,
        payload=data,
        difficulty=float(reached),
    )


def _family(name: str) -> str:
    """What a scenario's variants have in common: its name without what they add."""
    while (shorter := _VARIANTS.sub("", name)) != name:
        name = shorter
    return name
