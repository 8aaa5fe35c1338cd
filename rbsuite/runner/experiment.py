"""An experiment: its directory is found or made, its runs are spread over the event loop, and whatever stops it leaves it resumable."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from rbsuite.errors import StoreError
from rbsuite.jsonable import digest
from rbsuite.models.client import Gate
from rbsuite.record import Manifest
from rbsuite.runner.config import differences, from_plain
from rbsuite.runner.run import run_one
from rbsuite.runner.setup import Setup
from rbsuite.runner.window import make_window
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
    return root / f"{setup.config.env}-{setup.config.split}-{name}"


def open_experiment(setup: Setup, directory: Path) -> ExperimentStore:
    """The experiment in a directory: made if it is not there, opened to go on if it is the same.

    Raises:
        StoreError: there is another experiment, or the directory cannot be used.
    """
    manifest = setup.manifest()
    if not (directory / FILE_NAME).exists():
        return ExperimentStore.create(directory, manifest)
    store = ExperimentStore.open(directory)
    changes = _changes(store.manifest, manifest)
    if changes:
        store.close()
        raise StoreError(
            f"{directory} holds another experiment: {'; '.join(changes)}.", "Name another directory with --out."
        )
    return store


async def run_experiment(setup: Setup, store: ExperimentStore, execution: Execution) -> None:
    """Run all runs that are not finished, several at a time.

    Args:
        setup: the experiment's parts.
        store: where it is kept.
        execution: how fast.

    Raises:
        RbsuiteError: the first failure of a run; the others are stopped at once, and what they committed stays.
    """
    gate = Gate(execution.concurrency)
    slots = asyncio.Semaphore(execution.concurrency)

    async def run(info_index: int) -> None:
        async with slots:
            await run_one(setup, store.manifest.runs[info_index], store, gate, make_window(execution.speculate))

    try:
        async with asyncio.TaskGroup() as group:
            for index in range(len(store.manifest.runs)):
                group.create_task(run(index))
    except BaseExceptionGroup as failures:
        first = _first(failures)
        raise first from first.__cause__
    finally:
        for model in {id(model): model for model in setup.models.values()}.values():
            await model.aclose()


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
