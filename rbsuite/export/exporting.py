"""Writes an experiment in a format: whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rbsuite.errors import StoreError, UnknownNameError, UsageError
from rbsuite.export.atif import write_atif
from rbsuite.export.columns import check_parquet, write_csv, write_parquet
from rbsuite.export.inspect_log import write_inspect
from rbsuite.store import ExperimentStore
from rbsuite.store.export import export_jsonl
from rbsuite.store.redaction import CANARY, is_private

CANARY_FILE = "CANARY.txt"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        place: the file or directory.
        files: how many files.
        left_out: whether texts of a private benchmark were left out.
    """

    place: Path
    files: int
    left_out: bool


_Writer = Callable[[ExperimentStore, Path, bool], int]

_DIRECTORIES: Mapping[str, _Writer] = {
    "csv": write_csv,
    "parquet": write_parquet,
    "inspect": write_inspect,
    "atif": write_atif,
}
FORMATS = ("csv", "jsonl", "parquet", "inspect", "atif")
"""The formats; all but JSON lines are directories of files."""


def export(
    store: ExperimentStore, to: str, out: str | os.PathLike[str], *, trajectories: bool = True, reveal: bool = False
) -> Exported:
    """Write an experiment in another format. If it is still running, what has been committed so far is written.

    Args:
        store: the experiment.
        to: one of :data:`FORMATS`.
        out: the file (``jsonl``) or the directory, which must be new or empty.
        trajectories: whether JSON lines contain the steps.
        reveal: whether to write the text of tasks whose authors ask that it not be made public; see :mod:`rbsuite.store.redaction`.

    Raises:
        UnknownNameError: no such format.
        UsageError: ``parquet`` without pyarrow, or the directory is not empty.
        StoreError: the store cannot be read, or ``out`` cannot be written; nothing is left half-written.
    """
    if to not in FORMATS:
        raise UnknownNameError("format", to, FORMATS)
    place, hidden = Path(out), is_private(store) and not reveal
    store = store.revealed() if reveal else store
    if to == "jsonl":
        export_jsonl(store, place, trajectories=trajectories, reveal=reveal)
        return Exported(place, 1, hidden)
    if to == "parquet":
        check_parquet()
    try:
        with _whole(place) as draft:
            files = _DIRECTORIES[to](store, draft, hidden)
            if is_private(store):
                (draft / CANARY_FILE).write_text(f"{CANARY}\n", encoding="ascii")
    except OSError as error:
        raise StoreError(f"{place} cannot be written: {error.strerror}.", "Choose another path.") from error
    return Exported(place, files, hidden)


@contextmanager
def _whole(place: Path) -> Iterator[Path]:
    """A directory to fill, which is moved into place once it is complete."""
    if place.is_symlink() or (place.exists() and (not place.is_dir() or any(place.iterdir()))):
        raise UsageError(f"{place} already exists.", "Name an empty or a new directory, or remove it.")
    draft = place.with_name(f".rbsuite-{os.getpid()}-{place.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        with suppress(FileNotFoundError):
            place.rmdir()
        draft.replace(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
