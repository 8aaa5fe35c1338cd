"""The rules for what an environment declares: its spec and its tasks."""

from __future__ import annotations

import asyncio
from typing import Any

from rbsuite.errors import DataError, UnknownNameError
from rbsuite.task import TaskSet
from rbsuite.testing.elsewhere import Elsewhere, elsewhere
from rbsuite.testing.environments.subject import KIND, EnvironmentSubject
from rbsuite.testing.plain import unplain
from rbsuite.testing.rules import Broken, NotTried, Rule, require, rule
from rbsuite.testing.subjects import require_importable


@rule(
    KIND,
    "complete",
    "Fill in the fields of EnvironmentSpec; a small sample split of your own makes everything run with no download.",
)
async def complete(subject: EnvironmentSubject) -> None:
    """The spec names version, splits (one of them bundled), an agent that fits, users that exist, and the licence of imported data."""
    spec, plugins = subject.spec, subject.plugins
    require(spec.version.strip("0 "), f"its version is {spec.version!r}, so results of two versions look alike")
    names = [split.name for split in spec.splits]
    require(names and len(set(names)) == len(names), f"its splits are {names}")
    require(
        spec.needs or any(split.bundled for split in spec.splits), "no split is bundled, so nothing runs without data"
    )
    require(spec.agent in plugins.agents, f"its agent {spec.agent!r} is not known")
    modes = plugins.agents[spec.agent].action_modes
    require(
        spec.action_mode in modes, f"its agent {spec.agent!r} is for {modes}, but its turns are {spec.action_mode!r}"
    )
    unknown = [name for name in spec.users if name not in plugins.users]
    require(not unknown, f"its users {unknown} are not known")
    require(spec.data_licence or not spec.pack, f"it imports the pack {spec.pack!r} but names no licence of the data")
    require(spec.max_steps > 0, f"max_steps is {spec.max_steps}")


@rule(
    KIND,
    "tasks",
    "Give every task a unique id, and TaskSet the names of environment and split.",
    after=("factory",),
)
async def tasks(subject: EnvironmentSubject) -> None:
    """A split has tasks, each with an id of its own, and is called what the spec calls it."""
    found = subject.tasks
    require(isinstance(found, TaskSet), f"tasks gave {type(found).__name__}, not a TaskSet")
    require(found.tasks, f"split {subject.split!r} has no tasks")
    require(found.split == subject.split, f"the tasks of {subject.split!r} say they are of {found.split!r}")
    require(all(task.id and isinstance(task.id, str) for task in found), "a task has no id")


@rule(
    KIND,
    "task-fields",
    "Set Task.group to what tasks share (template, user, scene: the cluster of the statistics), and list all domains in the spec.",
    after=("tasks",),
)
async def task_fields(subject: EnvironmentSubject) -> None:
    """Every task has a group, and one of the domains that the spec declares."""
    for task in subject.tasks:
        require(task.group, f"task {task.id!r} has no group")
        if subject.spec.domains or task.domain:
            require(
                task.domain in subject.spec.domains, f"task {task.id!r} is of the undeclared domain {task.domain!r}"
            )


@rule(
    KIND,
    "domains",
    "Let `tasks` leave out the tasks of other domains when `domain` is given.",
    after=("tasks", "task-fields"),
)
async def domains(subject: EnvironmentSubject) -> None:
    """Asked for one domain, it gives that domain's tasks and no others."""
    if not subject.spec.domains:
        raise NotTried("it declares no domains")
    for domain in subject.spec.domains:
        wanted = {task.id for task in subject.tasks if task.domain == domain}
        try:
            given = {task.id for task in subject.environment.tasks(subject.split, domain=domain)}
        except (DataError, UnknownNameError):
            given = set()
        require(given == wanted, f"domain {domain!r} has {len(wanted)} tasks, but {len(given)} were given")


@rule(
    KIND,
    "task-data",
    "Keep objects, sets and functions out of Task.payload; what is computed from it belongs to the environment.",
    after=("tasks",),
)
async def task_data(subject: EnvironmentSubject) -> None:
    """Tasks are plain data: texts, numbers, lists and mappings, in JSON and back."""
    for task in subject.tasks:
        fault = unplain(task.payload)
        require(not fault, f"the payload of task {task.id!r} holds {fault}")


@rule(
    KIND,
    "task-hash",
    "Sort what comes from sets and directories, and use no clock, no `hash()` and no unseeded randomness when reading tasks.",
    after=("tasks", "task-data"),
)
async def task_hash(subject: EnvironmentSubject) -> None:
    """The tasks are the same when they are read again, and in other processes, however those hash texts."""
    own = subject.tasks.content_hash
    require(subject.another().tasks(subject.split).content_hash == own, "read a second time, the tasks differ")
    require_importable(subject.spec.factory.partition(":")[0])
    recipe = subject.recipe
    jobs = (
        elsewhere(
            "tasks",
            hash_seed=seed,
            factory=recipe.factory,
            options=dict(recipe.options),
            split=recipe.split,
            domain="",
            data="",
        )
        for seed in (1, 2)
    )
    try:
        for found in await asyncio.gather(*jobs):
            require(found == own, "in another process the tasks differ")
    except Elsewhere as error:
        raise Broken(str(error)) from error


RULES: tuple[Rule[Any], ...] = (complete, tasks, task_fields, domains, task_data, task_hash)
"""The rules, in the order in which they are checked."""
