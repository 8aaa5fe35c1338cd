"""Makes a store from an export: the lines of :mod:`rbsuite.store.export` become an experiment again, with the same digest."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from rbsuite.errors import StoreError
from rbsuite.experience import MemoryOp
from rbsuite.files import Unusable, parse_json
from rbsuite.oplog import chain
from rbsuite.record import Manifest, RunInfo, TaskRecord
from rbsuite.store.experiment import ExperimentStore, confined
from rbsuite.store.export import FORMAT
from rbsuite.store.redaction import hidden, hide_record
from rbsuite.store.restoring import restore

MOST_BYTES = 512 * 1024 * 1024
"""Size of the largest export that is read."""
_LINE = 64 * 1024 * 1024
_REMEDY = "Give a complete export with trajectories, as rbsuite.store.export writes it."
_CHANGED = "is not as it was written: it was cut off or edited"


def import_jsonl(source: str | os.PathLike[str], directory: str | os.PathLike[str], *, rechain: bool = False) -> None:
    """Make the store of an experiment from its export.

    The chain of each bank is recomputed and compared, since no record is committed that does not continue it.

    Args:
        source: an export written with trajectories.
        directory: the directory for the experiment; new or empty.
        rechain: recompute the chains of the banks, for an export without its texts: the original chains cover the texts. Texts that an
            export of a confined experiment reveals are left out, as nothing is sealed.

    Raises:
        StoreError: the file is too large or not a complete export, it was edited, or a record does not continue its run.
    """
    path, fresh = Path(source), not Path(directory).exists()
    try:
        if path.stat().st_size > MOST_BYTES:
            raise StoreError(f"{path} is larger than {MOST_BYTES // 2**20} MiB.", "Give the experiment's directory.")
        # Read the file twice: a store must know its runs from the beginning.
        manifest, seeds = _head(path)
        if rechain and confined(manifest.facts):
            seeds = hidden(seeds)
        try:
            with ExperimentStore.create(directory, manifest, seeds, redacted=rechain) as store:
                _fill(store, path, rechain)
        except BaseException:
            if fresh:
                shutil.rmtree(directory, ignore_errors=True)
            raise
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", _REMEDY) from error


def copy_redacted(store: ExperimentStore, directory: Path, redact: Callable[[Any], Any]) -> None:
    """Make a store with the same experiment without its texts; its chains are recomputed.

    Args:
        store: the experiment.
        directory: the target directory, new or empty.
        redact: takes a record and returns it as plain data without the texts.
    """
    runs = store.manifest.runs
    seeds = {run.id: [restore(MemoryOp, redact(op)) for op in store.seed_ops(run.id)] for run in runs}
    with ExperimentStore.create(directory, store.manifest, seeds, redacted=True) as made:
        for run in runs:
            for record in store.records(run.id):
                _commit(made, run.id, restore(TaskRecord, redact(record)), True)
            if store.run_finished(run.id):
                made.mark_finished(run.id)


def _head(path: Path) -> tuple[Manifest, Mapping[str, tuple[MemoryOp, ...]]]:
    first: Mapping[str, Any] | None = None
    runs: list[RunInfo] = []
    seeds: dict[str, tuple[MemoryOp, ...]] = {}
    for number, line, _ in _lines(path):
        if first is None:
            if line.get("type") != "experiment" or line.get("format") != FORMAT:
                raise StoreError(f"{path} is not an export in format {FORMAT}.", _REMEDY)
            first = line
        elif line.get("type") == "run":
            with_line = {name: value for name, value in line.items() if name in _RUN}
            run = _restored(RunInfo, with_line, path, number)
            runs.append(run)
            seeds[run.id] = tuple(_restored(MemoryOp, op, path, number) for op in line.get("seed_ops", ()))
    if (
        first is None
        or not runs
        or not isinstance(first.get("config"), dict)
        or not isinstance(first.get("facts"), dict)
    ):
        raise StoreError(f"{path} is not a complete export: it has no runs.", _REMEDY)
    return Manifest(first["config"], first["facts"], tuple(runs)), seeds


def _fill(store: ExperimentStore, path: Path, rechain: bool) -> None:
    finished: list[str] = []
    known = {run.id for run in store.manifest.runs}
    state, end, before = hashlib.sha256(), {}, 0
    for number, line, raw in _lines(path):
        if line.get("type") == "end":
            end, before = line, number - 1
            continue
        state.update(raw)
        if line.get("type") == "run" and line.get("finished") is True:
            finished.append(line["id"])
        if line.get("type") == "task":
            run = line.get("run")
            if run not in known:
                raise StoreError(f"{path}, line {number}: a task without a run.", _REMEDY)
            values = {name: value for name, value in line.items() if name not in ("type", "run")}
            record = _restored(TaskRecord, values, path, number)
            try:
                _commit(store, run, record, rechain)
            except StoreError as error:
                if isinstance(error.__cause__, sqlite3.Error):
                    raise
                why = f"{_CHANGED} (line {number}: {error.message.rstrip('.')})"
                raise StoreError(f"{path} {why}.", _REMEDY) from error
    if (end.get("lines"), end.get("sha256")) != (before, state.hexdigest()):
        raise StoreError(f"{path} {_CHANGED}.", _REMEDY)
    for run in finished:
        store.mark_finished(run)


def _commit(store: ExperimentStore, run: str, record: TaskRecord, rechain: bool) -> None:
    if rechain:
        record = hide_record(record) if store.confined else record
        record = replace(record, state_hash=chain(store.state(run)[1], record.version, record.ops))
    store.commit(run, record)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any], bytes]]:
    """The lines of a file: number, value, and raw bytes."""
    with path.open("rb") as file:
        for number, raw in enumerate(iter(lambda: file.readline(_LINE + 1), b""), 1):
            try:
                if len(raw) > _LINE:
                    raise Unusable(f"longer than {_LINE // 2**20} MiB")
                value = parse_json(raw.decode())
                if not isinstance(value, dict):
                    raise Unusable("not an object")
            except (Unusable, UnicodeDecodeError) as error:
                raise StoreError(f"{path}, line {number}, is not a line of an export: {error}.", _REMEDY) from error
            yield number, value, raw


def _restored(kind: Any, value: Any, path: Path, number: int) -> Any:
    try:
        return restore(kind, value)
    except (ValueError, TypeError) as error:
        raise StoreError(f"{path}, line {number}: {error}.", _REMEDY) from error


_RUN = frozenset(field.name for field in fields(RunInfo))
