"""An experiment: its directory is found or made, its runs are spread over the event loop, and whatever stops it leaves it resumable."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rbsuite.errors import StoreError
from rbsuite.jsonable import digest
from rbsuite.models.client import Gate
from rbsuite.record import Manifest, RunInfo
from rbsuite.run.config import differences, from_plain
from rbsuite.run.run import run_one
from rbsuite.run.setup import Setup
from rbsuite.run.warm import read_seeds
from rbsuite.run.window import make_window
from rbsuite.specs import plain_name
from rbsuite.store import ExperimentStore
from rbsuite.store.experiment import FILE_NAME


@dataclass(frozen=True, slots=True)
class Execution:
    """How an experiment is carried out. It changes time and cost, never the result.

    Attributes:
        concurrency: model calls under way at once, and so runs at once.
        speculate: how far each run runs ahead of what is committed: ``off``, ``auto`` or a number of tasks.
    """

    concurrency: int = 8
    speculate: str = "off"


DEFAULT_ROOT = Path("experiments")


def default_directory(setup: Setup, root: Path = DEFAULT_ROOT) -> Path:
    """Where an experiment goes when the user names no place: named by what it is, so the same command finds the same experiment."""
    manifest = setup.manifest()
    name = digest([manifest.config, manifest.facts])[:10]
    return root / f"{plain_name(setup.environment.name)}-{setup.config.split}-{name}"


def open_experiment(setup: Setup, directory: Path, *, join: bool = False) -> ExperimentStore:
    """The experiment in a directory: made if it is not there, opened to go on if it is the same.

    Args:
        setup: the experiment's parts.
        directory: where it is kept.
        join: work on it beside other processes.

    Raises:
        StoreError: there is another experiment, another process works on this one and ``join`` is not set, or the directory cannot be used.
    """
    manifest = setup.manifest()
    store = _created(setup, manifest, directory, join=join) or ExperimentStore.open(directory, join=join)
    changes = _changes(store.manifest, manifest)
    if changes:
        store.close()
        raise StoreError(
            f"{directory} holds another experiment: {'; '.join(changes)}.", "Name another directory with --out."
        )
    return store


def _created(setup: Setup, manifest: Manifest, directory: Path, *, join: bool) -> ExperimentStore | None:
    """A new store, or ``None`` if there is one already."""
    file = directory / FILE_NAME
    try:
        if file.exists():
            return None
        setup.check_parts()
        seeds = read_seeds(str(manifest.config["warm_start"]), manifest.runs)
        return ExperimentStore.create(directory, manifest, seeds, join=join)
    except StoreError:
        if join and file.exists():
            return None  # another process that joins was quicker
        raise


def held_by_others(store: ExperimentStore) -> Mapping[str, str]:
    """The runs that are not finished and that other processes have taken, with the ids of those processes.

    After :func:`run_experiment` these are all that is left to be done.
    """
    return {info.id: store.holder(info.id) for info in store.manifest.runs if not store.run_finished(info.id)}


async def run_experiment(setup: Setup, store: ExperimentStore, execution: Execution) -> None:
    """Run all runs that are not finished, several at a time, except those that other processes work on.

    A run is taken when its turn comes. What was left to another process is looked at again at the end, since that may have died; so this
    returns when every run is finished or under way elsewhere.

    Args:
        setup: the experiment's parts.
        store: where it is kept.
        execution: how fast.

    Raises:
        RbsuiteError: the first failure of a run; the others are stopped at once, and what they committed stays.
    """
    gate = Gate(execution.concurrency)
    slots = asyncio.Semaphore(1 if setup.one_at_a_time else execution.concurrency)

    async def run(info: RunInfo) -> bool:
        async with slots:
            if store.run_finished(info.id) or not store.claim(info.id):
                return False
            try:
                await run_one(setup, info, store, gate, make_window(execution.speculate))
            finally:
                store.release(info.id)
            return True

    try:
        while await _any([run(info) for info in store.manifest.runs]):
            pass
    except BaseExceptionGroup as failures:
        first = _first(failures)
        raise first from first.__cause__
    finally:
        for model in {id(model): model for model in setup.models.values()}.values():
            await model.aclose()


async def _any(runs: Sequence[Coroutine[None, None, bool]]) -> bool:
    """Whether any of them did something, when all are done."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run) for run in runs]
    return any(task.result() for task in tasks)


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _changes(stored: Manifest, wanted: Manifest) -> list[str]:
    changes = differences(from_plain(stored.config), from_plain(wanted.config))
    for name in sorted({*stored.facts, *wanted.facts}):
        there, here = stored.facts.get(name), wanted.facts.get(name)
        if there != here:
            changes.append(f"{name}: {_short(there, here)}")
    return changes


def _short(there: object, here: object) -> str:
    """The part of two facts that differs."""
    if isinstance(there, dict) and isinstance(here, dict):
        keys = sorted(key for key in {*there, *here} if there.get(key) != here.get(key))
        return ", ".join(f"{key} {there.get(key)!r} there, {here.get(key)!r} here" for key in keys[:3])
    return f"{there!r} there, {here!r} here"
