"""Where an experiment is kept: its directory is found or made, and what is there must be the same experiment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from rbsuite.errors import RbsuiteError, StoreError
from rbsuite.jsonable import digest, text_digest
from rbsuite.prompts import Prompts
from rbsuite.run.config import differences, from_plain
from rbsuite.run.plan import Plan
from rbsuite.run.warm import read_seeds
from rbsuite.store import ExperimentStore
from rbsuite.store.experiment import FILE_NAME

DEFAULT_ROOT = Path("experiments")


def default_directory(plan: Plan, root: Path = DEFAULT_ROOT) -> Path:
    """Where an experiment goes when the user names no place: named by what it is, so the same command finds the same experiment.

    Where a template that it used has changed since, the new one goes beside it under a name with a number.
    """
    manifest = plan.manifest
    first = root / f"{plan.name}-{digest([manifest.config, manifest.identity])[:10]}"
    for number in range(1, 1000):
        directory = first if number == 1 else first.with_name(f"{first.name}-{number}")
        if not (directory / FILE_NAME).exists():
            return directory
        with ExperimentStore.open(directory, readonly=True) as store:
            if not any(_changed_templates(plan, store)):
                return directory
    return first


def open_experiment(plan: Plan, directory: Path, *, join: bool = False) -> ExperimentStore:
    """The experiment in a directory: made if it is not there, opened to go on if it is the same.

    Args:
        plan: the experiment.
        directory: where it is kept.
        join: work on it beside other processes.

    Raises:
        StoreError: there is another experiment, another process works on this one and ``join`` is not set, or the directory cannot be used.
    """
    store = _created(plan, directory, join=join) or ExperimentStore.open(directory, join=join)
    changes = differences(from_plain(store.manifest.config), from_plain(plan.manifest.config))
    there, here = store.manifest.identity, plan.manifest.identity
    for name in sorted({*there, *here}):
        if there.get(name) != here.get(name):
            changes.append(f"{name}: {_short(there.get(name), here.get(name))}")
    changes.extend(_changed_templates(plan, store))
    if changes:
        store.close()
        raise StoreError(
            f"{directory} contains another experiment: {'; '.join(changes)}.", "Choose another directory with --out."
        )
    return store


def held_by_others(store: ExperimentStore) -> Mapping[str, str]:
    """The runs that are not finished and that other processes have taken, with the ids of those processes.

    After :func:`rbsuite.run.executors.run_experiment` these are all that is left to be done.
    """
    return {info.id: store.holder(info.id) for info in store.manifest.runs if not store.run_finished(info.id)}


def _created(plan: Plan, directory: Path, *, join: bool) -> ExperimentStore | None:
    """A new store, or ``None`` if there is one already."""
    file = directory / FILE_NAME
    try:
        if file.exists():
            return None
        for part in plan.parts[1:]:
            if part.kind != "model":
                part.make()  # one that cannot be made is known before anything is written
        manifest = plan.manifest
        seeds = read_seeds(plan.config.warm_start, manifest.runs)
        return ExperimentStore.create(directory, manifest, seeds, join=join)
    except StoreError:
        if join and file.exists():
            return None  # another process that joins was quicker
        raise


def _changed_templates(plan: Plan, store: ExperimentStore) -> Iterator[str]:
    """Templates that the experiment has used and that read otherwise now; what it has not used does not matter."""
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
