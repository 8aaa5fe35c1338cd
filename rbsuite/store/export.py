"""Writing an experiment as JSON lines, for reading with any tool."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from rbsuite.errors import StoreError
from rbsuite.files import written
from rbsuite.jsonable import Json, plain
from rbsuite.store.experiment import ExperimentStore
from rbsuite.store.redaction import CANARY, is_confined, is_private, redact

FORMAT = 1
"""Version of the line format, written in the first line."""


def export_jsonl(
    store: ExperimentStore,
    target: str | os.PathLike[str] | TextIO,
    *,
    trajectories: bool = True,
    reveal: bool = False,
) -> int:
    """Write an experiment as one file of JSON lines.

    Each line is an object with a ``type``: one ``experiment`` (``format``, ``config``, ``facts``), then per run in the manifest's order one
    ``run`` (fields of :class:`~rbsuite.record.RunInfo`, ``seed_ops``, ``committed``, ``finished``) followed by its ``task`` lines (``run``
    and all fields of :class:`~rbsuite.record.TaskRecord`). The last is the ``end``: the number of ``lines`` before it and their ``sha256``,
    by which :mod:`rbsuite.store.importing` detects a file that was truncated or edited. Text is ASCII with escapes.

    Args:
        store: the experiment; if it is still running, what is committed is written.
        target: a path, or a text stream. A regular file is replaced once everything is written; anything else is written to directly.
        trajectories: whether to write the queries and steps; without them lines are short.
        reveal: whether to write the text of tasks that the authors ask not to make public; see :mod:`rbsuite.store.redaction`.

    Returns:
        The number of lines.

    Raises:
        StoreError: the path cannot be written; what was there is unchanged.
    """
    if not isinstance(target, str | os.PathLike):
        return _write(_lines(store, trajectories, reveal), target)
    path = Path(target)
    try:
        with written(path) as stream:
            return _write(_lines(store, trajectories, reveal), stream)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}.", "Choose another path.") from error


def _write(lines: Iterator[Json], stream: TextIO) -> int:
    count, state = 0, hashlib.sha256()
    for line in lines:
        text = json.dumps(line, separators=(",", ":")) + "\n"
        state.update(text.encode("ascii"))
        stream.write(text)
        count += 1
    end = {"type": "end", "lines": count, "sha256": state.hexdigest()}
    stream.write(json.dumps(end, separators=(",", ":")) + "\n")
    return count + 1


def _lines(store: ExperimentStore, trajectories: bool, reveal: bool) -> Iterator[Json]:
    """The lines as plain data; the first one is about the experiment and contains nothing about a task."""
    private = is_private(store)
    confined = is_confined(store)
    store = store.revealed() if reveal else store
    marks = {"canary": CANARY, "redacted": not reveal} if private else {}
    for number, line in enumerate(_records(store, trajectories)):
        if number == 0:
            yield {**plain(line), **marks}
        else:
            yield redact(line, confined=confined) if private and not reveal else plain(line)


def _records(store: ExperimentStore, trajectories: bool) -> Iterator[dict[str, Any]]:
    manifest = store.manifest
    yield {"type": "experiment", "format": FORMAT, "config": manifest.config, "facts": manifest.facts}
    for info in manifest.runs:
        progress = {"committed": store.committed(info.id), "finished": store.run_finished(info.id)}
        yield {"type": "run", **plain(info), "seed_ops": store.seed_ops(info.id), **progress}
        for record in store.records(info.id, trajectories=trajectories):
            yield {"type": "task", "run": info.id, **plain(record)}
