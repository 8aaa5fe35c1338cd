"""Where an experiment is kept: its directory is found or created, and an experiment already in it must be the same one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from rbsuite.errors import RbsuiteError, StoreError
from rbsuite.jsonable import digest, text_digest
from rbsuite.prompts import Prompts
from rbsuite.run.config import differences, from_plain
from rbsuite.run.plan import Plan
from rbsuite.run.warm import read_seeds
from rbsuite.store import ExperimentStore
from rbsuite.store.experiment import FILE_NAME
from rbsuite.store.looks import stage

DEFAULT_ROOT = Path("experiments")


def default_directory(plan: Plan, root: Path = DEFAULT_ROOT) -> Path:
    """Where an experiment goes if the user names no directory: named after what it is, so the same command finds the same experiment.

    If a template that it used has changed since, the new experiment goes next to it, with a number added to the name.
    """
    manifest = plan.manifest
    options = {**manifest.config, "data": ""}  # the hash of the task set says what was read from there
    first = root / f"{plan.name}-{digest([options, manifest.identity])[:10]}"
    for number in range(1, 1000):
        directory = first if number == 1 else first.with_name(f"{first.name}-{number}")
        if not (directory / FILE_NAME).exists():
            return directory
        with ExperimentStore.open(directory, readonly=True) as store:
            if not any(_changed_templates(plan, store)):
                return directory
    return first


def open_experiment(plan: Plan, directory: Path, *, join: bool = False, add_orders: bool = False) -> ExperimentStore:
    """The experiment in a directory: created if there is none, opened to continue if it is the same.

    Args:
        plan: the experiment.
        directory: where it is kept.
        join: work on it alongside other processes.
        add_orders: it already exists, finished, with fewer orders: the missing ones are added, permanently marked as undeclared.

    Raises:
        StoreError: there is another experiment, another process is working on this one and ``join`` is not set, orders are to be added to
            one that is not finished, or the directory cannot be used.
    """
    made = None if add_orders else _created(plan, directory, join=join)
    store = made or ExperimentStore.open(directory, join=join)
    try:
        check_same(plan, store, add_orders=add_orders)
        if add_orders:
            known = {run.id for run in store.manifest.runs}
            if new := [run for run in plan.manifest.runs if run.id not in known]:
                store.add_runs(new, read_seeds(plan.config.warm_start, new))
    except BaseException:
        store.close()
        raise
    return store


def check_same(plan: Plan, store: ExperimentStore, *, add_orders: bool = False) -> None:
    """Refuse a store that contains an experiment other than the plan's.

    Raises:
        StoreError: it does, or a template that it used has changed.
    """
    # Where the data is read from does not matter: what it contains is in the hash of the task set.
    stored = from_plain(store.manifest.config)
    wanted = replace(from_plain(plan.manifest.config), data=stored.data)
    if add_orders:
        wanted = replace(wanted, orders=stored.orders, baseline_orders=stored.baseline_orders, looks=stored.looks)
    changes = differences(stored, wanted)
    there, here = store.manifest.identity, plan.manifest.identity
    for name in sorted({*there, *here}):
        if there.get(name) != here.get(name):
            changes.append(f"{name}: {_short(there.get(name), here.get(name))}")
    changes.extend(_changed_templates(plan, store))
    if changes:
        raise StoreError(
            f"{store.directory} contains another experiment: {'; '.join(changes)}.",
            "Choose another directory with --out.",
        )


def held_by_others(store: ExperimentStore) -> Mapping[str, str]:
    """The unfinished runs that other processes have claimed, with the ids of those processes.

    After :func:`rbsuite.run.executors.run_experiment` these are all that is left to be done, up to the current look.
    """
    return {info.id: store.holder(info.id) for info in stage(store).runs if not store.run_finished(info.id)}


def _created(plan: Plan, directory: Path, *, join: bool) -> ExperimentStore | None:
    """A new store, or ``None`` if one already exists."""
    file = directory / FILE_NAME
    try:
        if file.exists():
            return None
        for part in plan.parts[1:]:
            if part.kind != "model":
                part.make()  # one that cannot be made is found before anything is written
        manifest = plan.manifest
        seeds = read_seeds(plan.config.warm_start, manifest.runs)
        return ExperimentStore.create(directory, manifest, seeds, join=join)
    except StoreError:
        if join and file.exists():
            return None  # another process that joins was quicker
        raise


def _changed_templates(plan: Plan, store: ExperimentStore) -> Iterator[str]:
    """Templates that the experiment has used and that have changed since; those it has not used do not matter."""
    prompts: dict[str, Prompts] = {}
    for (directory, name), sha in store.templates().items():
        if directory not in prompts:
            own = [Path(directory)] if directory else []
            prompts[directory] = Prompts([*own, *plan.plugins.prompt_dirs])
        try:
            now = text_digest(prompts[directory].source(name)[0])
        except RbsuiteError:
            now = ""
        if now != sha:
            yield f"the prompt template {name} {'has changed' if now else 'is gone'}"


def _short(there: object, here: object) -> str:
    """The part of two facts that differs."""
    if isinstance(there, dict) and isinstance(here, dict):
        keys = sorted(key for key in {*there, *here} if there.get(key) != here.get(key))
        return ", ".join(f"{key} {there.get(key)!r} there, {here.get(key)!r} here" for key in keys[:3])
    return f"{there!r} there, {here!r} here"
