"""Writing to a store: committing tasks in order, each in one transaction."""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from rbsuite.errors import StoreError, is_mistake, told, words_of
from rbsuite.frozen import dataclass
from rbsuite.jsonable import plain
from rbsuite.oplog import chain
from rbsuite.record import ALL, Manifest, RunInfo, TaskRecord, commit_id_of
from rbsuite.scrub import scrub_text
from rbsuite.store.codec import dumps, pack, squeeze
from rbsuite.store.database import Database
from rbsuite.store.links import act_link, after_act, standing_acts, task_link, templates_hash
from rbsuite.store.redaction import hide_record
from rbsuite.store.rows import EncodedRecord, encode_record
from rbsuite.store.schema import ORDINALS, task_key
from rbsuite.store.sealing import Seal, linked

_KNOWN_SHARED = 100_000
"""How many hashes of stored shared rows are remembered, so that these are not compressed again."""

_HEAD = "SELECT version, state_hash, record_hash FROM task WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1"
_ORIGIN = "SELECT 0, start_hash, origin_hash FROM run WHERE id = ?"
_PARTS = ("rollout", "trajectory", "recall", "op")


@dataclass(frozen=True, slots=True)
class _Head:
    """The state of a run: how many tasks are committed, and the chains of its bank and of its records after them."""

    committed: int
    state_hash: str
    link: str


class Writer:
    """Commits the tasks of an experiment's runs.

    Args:
        database: the store, opened for writing.
        manifest: the store's manifest.
        seal: encrypts the texts of a confined experiment; the columns contain what may be seen.
    """

    def __init__(self, database: Database, manifest: Manifest, seal: Seal | None = None) -> None:
        self._database = database
        self._seal = seal
        self._runs: Mapping[str, tuple[int, RunInfo]] = {
            info.id: (index, info) for index, info in enumerate(manifest.runs)
        }
        self._heads: dict[int, _Head] = {}
        self._shared: set[str] = set()
        self._templates: dict[tuple[str, str], str] = {}
        self._turn = threading.Lock()

    def commit(self, run_id: str, record: TaskRecord) -> bool:
        """Commit a task: see :meth:`rbsuite.store.ExperimentStore.commit`."""
        run, info = self._runs[run_id]
        try:
            encoded, sealed = self._encoded(run, info, record)
            with self._turn:
                with self._database.transaction() as connection:
                    # Removed until the commit is certain; an interrupt in between only costs a query.
                    head = self._heads.pop(run, None) or _read_head(connection, run)
                    if record.position != head.committed and _already(connection, run, info, head, record):
                        return False
                    _check(info, head, record)
                    new, link = self._insert(connection, run, head.link, encoded, sealed)
                self._heads[run] = _Head(record.version, record.state_hash, link)
                if len(self._shared) > _KNOWN_SHARED:
                    self._shared.clear()
                self._shared.update(new)
        except (ValueError, TypeError, OverflowError) as error:
            raise self._unfit(info, record, error) from error
        return True

    def _encoded(self, run: int, info: RunInfo, record: TaskRecord) -> tuple[EncodedRecord, tuple[int, bytes] | None]:
        try:
            if self._seal is None:
                return encode_record(record), None
            key = task_key(run, record.position)
            return encode_record(hide_record(record)), (key, self._seal.close(key, record))
        except BaseException as error:  # a plugin's object may raise anything when it is looked at
            if not is_mistake(error):
                raise
            raise self._unfit(info, record, error) from error

    def _unfit(self, info: RunInfo, record: TaskRecord, error: BaseException) -> StoreError:
        """The error for a record that cannot be stored: what in it is at fault, if that can be found."""
        where = words_of(error)
        with suppress(RecursionError):  # it is nested too deeply, and the error says so
            where = unstorable(record, "record") or where
        if self._seal is not None:
            where = type(error).__name__  # the rest may repeat confidential text
        return StoreError(
            f"task {record.task_id!r} of run {info.id!r} cannot be stored: {where}.",
            "Records may contain only finite numbers, texts, lists and dicts; fix the plugin that made it.",
        )

    def note_templates(self, used: Mapping[tuple[str, str], str]) -> None:
        """Record hashes of templates: see :meth:`rbsuite.store.ExperimentStore.note_templates`."""
        new = {key: sha for key, sha in used.items() if self._templates.get(key) != sha}
        if not new:
            return
        with self._turn, self._database.transaction() as connection:
            for (source, name), sha in new.items():
                key = (pack(scrub_text(source)), pack(name))
                connection.execute("INSERT OR IGNORE INTO template VALUES (?, ?, ?)", (*key, sha))
                query = "SELECT sha256 FROM template WHERE source = ? AND name = ?"
                if connection.execute(query, key).fetchone()[0] != sha:
                    raise StoreError(
                        f"the prompt template {name} has changed since this experiment used it.",
                        "Restore it, or start a new experiment with --out.",
                    )
            rows = connection.execute("SELECT source, name, sha256 FROM template ORDER BY source, name").fetchall()
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('templates_hash', ?)", (templates_hash(rows),))
        self._templates.update(new)

    def forget(self, run_id: str) -> None:
        """Read the state of a run again next time: another process may continue it."""
        with self._turn:
            self._heads.pop(self._runs[run_id][0], None)

    def mark_finished(self, run_id: str) -> None:
        """Mark a run as complete: see :meth:`rbsuite.store.ExperimentStore.mark_finished`."""
        run, info = self._runs[run_id]
        self._database.still_there()
        with self._database.transaction() as connection:
            head = _read_head(connection, run)
            if head.committed != len(info.tasks):
                raise StoreError(
                    f"run {run_id!r} has {head.committed} of {len(info.tasks)} tasks and is not finished.",
                    "Resume it first.",
                )
            connection.execute("UPDATE run SET finished = 1 WHERE id = ?", (run,))

    def rewind(self, run_id: str, position: int, kind: str, tail: Sequence[TaskRecord]) -> None:
        """Rewind a run: see :meth:`rbsuite.store.ExperimentStore.rewind`."""
        run, _ = self._runs[run_id]
        first, last = task_key(run, position), task_key(run + 1, 0)
        with self._turn, self._database.transaction() as connection:
            execute = connection.execute
            self._heads.pop(run, None)
            links = execute(
                "SELECT record_hash FROM task WHERE id >= ? AND id < ? ORDER BY id", (first, last)
            ).fetchall()
            if len(links) != len(tail):
                raise StoreError(f"run {run_id!r} has progressed in the meantime.", "Try again.")
            (number,) = execute("SELECT 1 + coalesce(max(id), 0) FROM act").fetchone()
            before = execute("SELECT link FROM act WHERE run = ? ORDER BY id DESC LIMIT 1", (run,)).fetchone()
            act = (number, run, kind, position, len(tail), links[-1][0])
            execute("INSERT INTO act VALUES (?, ?, ?, ?, ?, ?, ?)", (*act, act_link(before[0] if before else "", act)))
            for record in tail:
                kept = record if self._seal is None else hide_record(record)
                row = (number, record.position, pack(record.task_id), squeeze(dumps(plain(kept))))
                execute("INSERT INTO discarded (act, position, task_id, record) VALUES (?, ?, ?, ?)", row)
            for table in ("task", "sealed") if self._seal is not None else ("task",):
                execute(f"DELETE FROM {table} WHERE id >= ? AND id < ?", (first, last))
            for table in _PARTS:
                execute(f"DELETE FROM {table} WHERE id >= ? AND id < ?", (first * ORDINALS, last * ORDINALS))
            execute("UPDATE run SET finished = 0 WHERE id = ?", (run,))

    def _insert(
        self,
        connection: sqlite3.Connection,
        run: int,
        previous: str,
        record: EncodedRecord,
        sealed: tuple[int, bytes] | None,
    ) -> tuple[list[str], str]:
        """Insert all rows of a record; returns the hashes of the shared rows that were not known to be stored, and the link."""
        execute, key = connection.execute, task_key(run, record.task[0])
        first = key * ORDINALS
        task = (key, run, *record.task)
        rollouts = [
            ((first + ordinal, key, ordinal, *row), body) for ordinal, (row, body) in enumerate(record.rollouts)
        ]
        recalls = [(first + ordinal, key, *row) for ordinal, row in enumerate(record.recalls)]
        ops = [(first + ordinal, key, *row) for ordinal, row in enumerate(record.ops)]
        parts = (*recalls, *ops) if sealed is None else (*recalls, *ops, linked(sealed))
        link = task_link(previous, task, rollouts, parts)
        execute("INSERT INTO task VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*task, link))
        for row, body in rollouts:
            execute("INSERT INTO rollout VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            execute("INSERT INTO trajectory VALUES (?, ?)", (row[0], body))
        for row in recalls:
            execute("INSERT INTO recall VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        for row in ops:
            execute("INSERT INTO op VALUES (?, ?, ?, ?, ?)", row)
        if sealed is not None:
            execute("INSERT INTO sealed VALUES (?, ?)", sealed)
        new = [sha for sha in record.shared if sha not in self._shared]
        for sha in new:
            execute("INSERT OR IGNORE INTO blob VALUES (?, ?)", (sha, squeeze(record.shared[sha])))
        return new, link


def unstorable(value: Any, path: str) -> str:
    """What in a record has no JSON form, and where it is; empty if everything has one.

    Raises:
        RecursionError: it is nested too deeply.
    """
    try:
        return _unstorable(value, path)
    except RecursionError:
        raise
    except BaseException as error:
        if not is_mistake(error):
            raise
        return f"{path} raised {told(error)}"


def _unstorable(value: Any, path: str) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f"{path} is {value}"
    if value is None or isinstance(value, str | int | float):
        return ""
    if isinstance(value, Mapping):
        parts = [(f"{path}[{key!r}]", item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        parts = [(f"{path}.{name}", getattr(value, name)) for name in value.__dataclass_fields__]
    else:
        try:
            plain(value)
        except TypeError:
            return f"{path} is of type {type(value).__name__}"
        return ""
    return next((found for name, item in parts if (found := unstorable(item, name))), "")


def _read_head(connection: sqlite3.Connection, run: int) -> _Head:
    rows = connection.execute(_HEAD, (task_key(run, 0), task_key(run + 1, 0))).fetchall()
    committed, state, link = (rows or connection.execute(_ORIGIN, (run,)).fetchall())[0]
    acts = connection.execute("SELECT position, link FROM act WHERE run = ? ORDER BY id", (run,)).fetchall()
    standing = standing_acts(acts).get(committed)
    return _Head(committed, state, link if standing is None else after_act(link, standing))


def _already(connection: sqlite3.Connection, run: int, info: RunInfo, head: _Head, record: TaskRecord) -> bool:
    """Whether exactly this record is already committed; a different record at a committed position is an error."""
    if not 0 <= record.position < head.committed:
        return False
    row = connection.execute(
        "SELECT commit_id, state_hash FROM task WHERE id = ?", (task_key(run, record.position),)
    ).fetchone()
    if row != (pack(record.commit_id), record.state_hash):
        raise _refused(info, record, "another record is committed at this position")
    return True


def _check(info: RunInfo, head: _Head, record: TaskRecord) -> None:
    """Refuse a record that does not continue its run."""
    position = record.position
    if position != head.committed:
        raise _refused(info, record, f"the next position is {head.committed}")
    if position >= len(info.tasks) or info.tasks[position] != record.task_id:
        planned = repr(info.tasks[position]) if position < len(info.tasks) else "nothing"
        raise _refused(info, record, f"the manifest has {planned} there")
    if record.version != position + 1:
        raise _refused(info, record, f"its version is {record.version} and not {position + 1}")
    if not 0 <= record.read_version <= position:
        raise _refused(info, record, f"it read version {record.read_version}, which is not before its own")
    if record.selected != ALL and not 0 <= record.selected < len(record.rollouts):
        raise _refused(info, record, f"rollout {record.selected} is selected of {len(record.rollouts)}")
    if max(len(record.rollouts), len(record.recalls), len(record.ops)) >= ORDINALS:
        raise _refused(info, record, f"it has {ORDINALS} or more rollouts, recalls or operations")
    if record.state_hash != chain(head.state_hash, record.version, record.ops):
        raise _refused(info, record, "its state hash does not continue the chain of the run")
    if record.commit_id != commit_id_of(info.id, position, record.task_id):
        raise _refused(info, record, "its commit id is that of another run, position or task")


def _refused(info: RunInfo, record: TaskRecord, why: str) -> StoreError:
    return StoreError(
        f"task {record.task_id!r} cannot be committed at position {record.position} of run {info.id!r}: {why}.",
        "Continue from what is committed, and commit tasks in the order of the run.",
    )
