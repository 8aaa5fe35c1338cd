"""What all episodes over one task set share: the pack, and what is computed from it once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from rbsuite.data.reading import find_pack
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.jsonable import canonical
from rbsuite.task import Task, TaskSet, once
from rbsuite_eb_habitat.household import Household, build_household
from rbsuite_eb_habitat.nearness import Reach, reach
from rbsuite_eb_habitat.pack import FOLDER, Episode, Pack
from rbsuite_eb_habitat.vocab import SETS

PACK = "eb-habitat"
SAMPLE_SPLIT, TEST_SPLIT = "sample", "test"
SPLITS: tuple[str, ...] = (SAMPLE_SPLIT, TEST_SPLIT)

_IMPORT = "Run `rbsuite data fetch eb-habitat` or `rbsuite data import eb-habitat --from CHECKOUT`."


class Resources:
    """The data behind a task set. All of it is a function of the pack, so episodes in several threads may share it.

    Args:
        pack: the data.
    """

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._reaches: dict[str, Reach] = {}
        self._households: dict[tuple[str, str], Household] = {}

    @cached_property
    def pickles(self) -> Mapping[str, str]:
        """The sha256 of the file behind each set, if the pack says: upstream has replaced one set over time."""
        from rbsuite_eb_habitat.importer import pickle_hashes

        return pickle_hashes(self.pack.path)

    def episode(self, task: Task) -> Episode:
        """The episode of a task, with the goal that the task has."""
        index: int = task.payload["index"]
        return replace(self.pack.episodes(task.domain)[index], goal=task.payload["goal"])

    def household(self, task: Task) -> Household:
        """The episode of a task, compiled.

        Raises:
            DataError: its goal, its start or its subgoals are malformed.
        """
        goal = canonical(task.payload["goal"])
        return once(self._households, (task.id, goal), lambda: self._build(self.episode(task)))

    def _build(self, episode: Episode) -> Household:
        within = once(self._reaches, episode.scene, lambda: reach(self.pack.standpoints(episode.scene)))
        return build_household(episode, within)


def load_tasks(environment: str, split: str, domain: str, data: str) -> tuple[TaskSet, Resources]:
    """The task set of a split, and the data behind it; see :meth:`rbsuite.Environment.tasks`.

    Args:
        environment: the name used in results.
        split: ``sample`` or ``test``.
        domain: one of the sets; ``""``: all of them.
        data: directory of a pack; ``""``: the bundled sample or the imported pack.

    Raises:
        DataError: the data is missing or malformed.
        UnknownNameError: no such split or domain.
    """
    if split not in SPLITS:
        raise UnknownNameError(f"split of {PACK}", split, SPLITS)
    if domain and domain not in SETS:
        raise UnknownNameError(f"domain of {PACK}", domain, SETS)
    sample = sample_directory() if split == SAMPLE_SPLIT else None
    path, source = find_pack(PACK, "EB-Habitat", data=data, sample=sample, remedy=_IMPORT, folder=FOLDER)
    pack = Pack(path)
    sets = (domain,) if domain else SETS
    tasks = tuple(_task(name, split, episode) for name in sets for episode in pack.episodes(name))
    if empty := [name for name in sets if not pack.episodes(name)]:
        raise DataError(f"{PACK}: {str(pack.path)!r} has no episodes of {empty[0]}.", _IMPORT)
    resources = Resources(pack)
    for task in tasks:
        resources.household(task)  # a malformed goal is the data's fault, not a failed rollout
    content = pack.content_hash(sets)
    return TaskSet(environment, split, tasks, {**source, "sha256": content}, content), resources


def sample_directory() -> Path:
    """The bundled sample, laid out like a pack."""
    return Path(__file__).with_name("sample")


def _task(name: str, split: str, episode: Episode) -> Task:
    return Task(
        id=f"{name}/{split}/{episode.index}",
        group=episode.scene,
        domain=name,
        query=episode.instruction,
        payload={"index": episode.index, "goal": episode.goal},
        difficulty=float(len(episode.subgoals)),
    )
