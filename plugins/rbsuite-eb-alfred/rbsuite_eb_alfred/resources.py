"""What all episodes over one task set share: the pack, and what is computed from it once."""

from __future__ import annotations

from pathlib import Path

from rbsuite.data.reading import find_pack
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.jsonable import canonical
from rbsuite.task import Task, TaskSet, once
from rbsuite_eb_alfred.goals import Goal, build_goal
from rbsuite_eb_alfred.pack import FOLDER, SETS, Pack
from rbsuite_eb_alfred.scene import Household, build_household
from rbsuite_eb_alfred.world import AlfredWorld

PACK = "eb-alfred"
SAMPLE_SPLIT = "sample"
SPLITS = (SAMPLE_SPLIT, "test")

_FETCH = "Run `rbsuite data import eb-alfred --from EMBODIEDBENCH --from ALFRED`."


class Resources:
    """The data behind a task set. All of it is a function of the pack, so episodes in several threads may share it.

    Args:
        pack: the data.
    """

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._households: dict[str, Household] = {}
        self._goals: dict[tuple[str, str], Goal] = {}

    def world(self, task: Task) -> AlfredWorld:
        """A fresh world for a task."""
        trial = str(task.payload["trial"])
        return AlfredWorld(self.household(trial), self.goal(task))

    def household(self, trial: str) -> Household:
        """The household at the start of a trial's episodes."""
        pack = self.pack
        return once(self._households, trial, lambda: build_household(pack.trials[trial], pack.scenes))

    def goal(self, task: Task) -> Goal:
        """What a task asks for."""
        trial, goal = str(task.payload["trial"]), task.payload["goal"]
        return once(self._goals, (trial, canonical(goal)), lambda: build_goal(goal, self.household(trial)))


def load_tasks(environment: str, split: str, domain: str, data: str) -> tuple[TaskSet, Resources]:
    """The task set of a split, and the data behind it; see :meth:`rbsuite.Environment.tasks`.

    Args:
        environment: the name of the task set.
        split: ``sample`` or ``test``.
        domain: one of the sets; ``""``: all.
        data: directory of a pack; ``""``: the bundled sample or the imported pack.

    Raises:
        DataError: the data is missing or malformed.
        UnknownNameError: no such split or set.
    """
    if split not in SPLITS:
        raise UnknownNameError(f"split of {environment}", split, SPLITS)
    if domain and domain not in SETS:
        raise UnknownNameError(f"domain of {environment}", domain, SETS)
    sample = sample_directory() if split == SAMPLE_SPLIT else None
    path, source = find_pack(PACK, "EB-ALFRED", data=data, sample=sample, remedy=_FETCH, folder=FOLDER)
    pack = Pack(path)
    names = [domain] if domain else [name for name in SETS if name in pack.splits]
    by_set = {name: _tasks(pack, name, split) for name in names}
    if empty := [name for name, found in by_set.items() if not found]:
        raise DataError(f"EB-ALFRED: {str(pack.path)!r} has no tasks of {empty[0]}.", _FETCH)
    tasks = tuple(task for found in by_set.values() for task in found)
    if not tasks:
        raise DataError(f"EB-ALFRED: {str(pack.path)!r} has no tasks.", _FETCH)
    resources = Resources(pack)
    for task in tasks:
        resources.goal(task)  # a trial that does not fit its scene is the data's fault, not a failed rollout
    content = pack.content_hash
    return TaskSet(environment, split, tasks, {**source, "sha256": content}, content), resources


def sample_directory() -> Path:
    """The bundled sample, laid out like a pack."""
    return Path(__file__).with_name("sample")


def _tasks(pack: Pack, name: str, split: str) -> list[Task]:
    tasks = []
    for index, entry in enumerate(pack.splits.get(name, ())):
        trial = pack.trials.get(entry["task"])
        if trial is None:
            raise DataError(
                f"EB-ALFRED: {name}/{split}/{index} refers to a trial that does not exist: {entry['task']}.", _FETCH
            )
        tasks.append(
            Task(
                id=f"{name}/{split}/{index}",
                group=f"FloorPlan{trial['scene_num']}",
                domain=name,
                query=str(entry["instruction"]),
                payload={
                    "trial": entry["task"],
                    "repeat_idx": entry["repeat_idx"],
                    "goal": {key: trial[key] for key in ("task_type", "pddl_params")},
                },
                difficulty=float(len(trial["high_pddl"])),
            )
        )
    return tasks
