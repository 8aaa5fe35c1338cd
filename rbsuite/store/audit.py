"""Finds what in a store is not as it was written: chains are recomputed, repeated columns and views compared, blobs hashed.

The rows are read in raw form, so that a changed byte shows even if the record reads the same.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from rbsuite.errors import StoreError
from rbsuite.record import Manifest
from rbsuite.store.adding import KEY, added_texts, signatures
from rbsuite.store.codec import inflate, loads, unsqueeze
from rbsuite.store.database import Database
from rbsuite.store.links import act_link, after_act, run_link, standing_acts, task_link, templates_hash
from rbsuite.store.reader import Reader
from rbsuite.store.redaction import hide_record
from rbsuite.store.rows import EncodedRecord, Row, encode_record, run_row
from rbsuite.store.schema import EARLIER, ORDINALS, POSITIONS, TABLES, VIEWS, task_key
from rbsuite.store.sealing import META, linked
from rbsuite.store.sealing import TABLE as SEALED
from rbsuite.store.spending import TABLE as SPENDING

_PAGE = 64
_META = frozenset({"schema_version", "manifest", "manifest_hash", "templates_hash", META})
_STRAY = {
    "task": f"id / {POSITIONS} != run OR run NOT IN (SELECT id FROM run)",
    "rollout": f"id / {ORDINALS} != task OR task NOT IN (SELECT id FROM task)",
    "recall": f"id / {ORDINALS} != task OR task NOT IN (SELECT id FROM task)",
    "op": f"id / {ORDINALS} != task OR task NOT IN (SELECT id FROM task)",
    "trajectory": "id NOT IN (SELECT id FROM rollout)",
    "seed": f"id / {ORDINALS} != run OR run NOT IN (SELECT id FROM run)",
    "discarded": "act NOT IN (SELECT id FROM act)",
    "act": "run NOT IN (SELECT id FROM run)",
}
_STRAY_SEALED = "id >= 0 AND id NOT IN (SELECT id FROM task) OR id < 0 AND -1 - id NOT IN (SELECT id FROM run)"
"""Conditions that find the orphaned rows of a table."""


def audit(
    database: Database, manifest: Manifest, reader: Reader, whole: Reader | None, *, columns: bool = True
) -> Iterator[str]:
    """What is not as it was written, one line each; nothing if all is well.

    Args:
        database: the store.
        manifest: its manifest, as it currently reads.
        reader: reads its records as they are in the columns.
        whole: reads them with their texts, the same reader unless they are sealed; ``None``: the key is not here, so the chains of the
            banks are not computed.
        columns: whether every record is also read and compared with its columns for people, which takes most of the time.
    """
    yield from _layout(database)
    values = dict(database.rows("SELECT key, value FROM meta"))
    templates = database.rows("SELECT source, name, sha256 FROM template ORDER BY source, name")
    if values.get("templates_hash") != (templates_hash(templates) if templates else None):
        yield "the hashes of templates were changed"
    added = {f"{KEY}{number}" for number, _ in enumerate(added_texts(values), 1)}
    for unknown in sorted({str(key) for key in values} - _META - added):
        yield f"meta has an entry {unknown!r}, which rbsuite did not write"
    numbers = database.rows("SELECT id FROM run ORDER BY id")
    if numbers != [(number,) for number in range(len(manifest.runs))]:
        yield "the runs are not those of the manifest"
    else:
        signed = signatures(values, len(manifest.runs))
        for number in range(len(manifest.runs)):
            yield from _run(database, manifest, reader, whole, number, signed[number], columns)
    for table, condition in (_STRAY | ({"sealed": _STRAY_SEALED} if META in values else {})).items():
        (count,) = database.rows(f"SELECT count(*) FROM {table} WHERE {condition}")[0]
        if count:
            yield f"{count} rows of table {table} are orphaned"
    yield from _blobs(database)


def _layout(database: Database) -> Iterator[str]:
    """Check that tables and views are those that this version makes, so that a view shows what the columns contain."""
    wanted = {" ".join(statement.split()) for statement in (*TABLES, *VIEWS)}
    rows = database.rows("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    there = {" ".join(sql.split()).replace(*EARLIER): f"{kind} {name}" for kind, name, sql in rows}
    for statement in sorted(wanted - there.keys()):
        yield f"the {' '.join(statement.split()[1:3]).lower()} was changed"
    for statement in sorted(there.keys() - wanted - {SPENDING, SEALED}):
        yield f"the {there[statement]} is not as rbsuite makes it"


def _run(
    database: Database,
    manifest: Manifest,
    reader: Reader,
    whole: Reader | None,
    number: int,
    signed: str,
    columns: bool,
) -> Iterator[str]:
    info = manifest.runs[number]
    *row, origin, finished = database.rows("SELECT * FROM run WHERE id = ?", (number,))[0]
    seed = database.rows(
        "SELECT * FROM seed WHERE id >= ? AND id < ? ORDER BY id", (number * ORDINALS, (number + 1) * ORDINALS)
    )
    if run_link(signed, row, [*seed, *map(linked, reader.sealed_seed(number))]) != origin:
        yield f"run {info.id}: its row, its seed or its first link was changed"
    if not _equal(row[1:], run_row(info, str(row[-1]))):
        yield f"run {info.id}: its row is not what the manifest says"
    committed = reader.committed(info.id)
    (count,) = database.rows(
        "SELECT count(*) FROM task WHERE id >= ? AND id < ?", (task_key(number, 0), task_key(number + 1, 0))
    )[0]
    if count != committed or committed > len(info.tasks):
        yield f"run {info.id}: {count} tasks are stored, and the newest says {committed} of {len(info.tasks)}"
    if finished not in (0, 1) or (finished and committed != len(info.tasks)):
        yield f"run {info.id}: it is marked as finished, and has {committed} of {len(info.tasks)} tasks"
    try:
        if whole is not None:
            whole.verify_chain(info.id)
    except StoreError as error:
        yield f"run {info.id}: {error.message}"
    yield from _acts(database, info.id, number)
    yield from _tasks(database, manifest, reader, whole, number, origin, columns)


def _acts(database: Database, run_id: str, number: int) -> Iterator[str]:
    link = ""
    for *act, stored in database.rows("SELECT * FROM act WHERE run = ? ORDER BY id", (number,)):
        (there,) = database.rows("SELECT count(*) FROM discarded WHERE act = ?", (act[0],))[0]
        link = act_link(link, act)
        if link != stored or there != act[4]:
            yield f"run {run_id}: what is kept of act {act[0]} ({act[2]}) was changed"
            link = stored


def _tasks(
    database: Database,
    manifest: Manifest,
    reader: Reader,
    whole: Reader | None,
    number: int,
    origin: str,
    columns: bool,
) -> Iterator[str]:
    """Check every task of a run: its link, its position, and its columns against its record."""
    info = manifest.runs[number]
    acts = standing_acts(database.rows("SELECT position, link FROM act WHERE run = ? ORDER BY id", (number,)))
    previous, expected = origin, 0
    (end,) = database.rows("SELECT coalesce(max(position), -1) + 1 FROM task WHERE run = ?", (number,))[0]
    for start in range(0, min(end, POSITIONS), _PAGE):
        first, last = task_key(number, start), task_key(number, start + _PAGE)
        parts = first * ORDINALS, last * ORDINALS
        rollouts = _by_task(
            database, "SELECT rollout.*, body FROM rollout LEFT JOIN trajectory USING (id)", "rollout.id", parts
        )
        recalls = _by_task(database, "SELECT * FROM recall", "id", parts)
        ops = _by_task(database, "SELECT * FROM op", "id", parts)
        sealed = {row[0]: [linked((row[0], row[1]))] for row in reader.sealed_rows((first, last))}
        for *task, link in database.rows("SELECT * FROM task WHERE id >= ? AND id < ? ORDER BY id", (first, last)):
            key, position = task[0], task[2]
            where = f"run {info.id}, position {expected}"
            if position in acts:
                previous = after_act(previous, acts[position])
            bodies = [(row[:-1], row[-1]) for row in rollouts[key]]
            if task_link(previous, task, bodies, (*recalls[key], *ops[key], *sealed.get(key, ()))) != link:
                yield f"{where}: the record was changed"
            if position != expected or info.tasks[position : position + 1] != (_text(task[3]),):
                yield f"{where}: the task is not the one that the manifest has there"
            previous, expected = link, expected + 1
            if not columns:
                continue
            try:
                (record,) = (whole or reader).records(info.id, position, position + 1, True)
                encoded = encode_record(hide_record(record) if sealed else record)
            except (StoreError, ValueError, TypeError) as error:
                yield f"{where}: the record cannot be read ({error})"
            else:
                if not _repeats(encoded, task[2:], [row for row, _ in bodies], recalls[key], ops[key]):
                    yield f"{where}: a column for people differs from the record"


def _repeats(
    encoded: EncodedRecord, task: Sequence[Any], rollouts: Sequence[Row], recalls: Sequence[Row], ops: Sequence[Row]
) -> bool:
    """Whether the columns match the record."""
    return (
        _equal(task, encoded.task)
        and _all_equal([row[3:] for row in rollouts], [row for row, _ in encoded.rollouts])
        and _all_equal([row[2:] for row in recalls], encoded.recalls)
        and _all_equal([row[2:] for row in ops], encoded.ops)
    )


def _all_equal(there: Sequence[Row], made: Sequence[Row]) -> bool:
    return len(there) == len(made) and all(map(_equal, there, made))


def _equal(there: Sequence[Any], made: Sequence[Any]) -> bool:
    return len(there) == len(made) and all(map(_alike, map(_text, there), map(_text, made)))


def _alike(there: Any, made: Any) -> bool:
    """Whether two values of a column are the same; JSON may write a number in several ways (1e-05, 1e-5)."""
    if there == made:
        return True
    if not (isinstance(there, str) and isinstance(made, str) and there[:1] in ("[", "{")):
        return False
    try:
        return bool(loads(there) == loads(made))
    except ValueError:
        return False


def _text(value: Any) -> Any:
    """A column's text, compressed or not."""
    if not isinstance(value, bytes):
        return value
    try:
        return unsqueeze(value)
    except (zlib.error, ValueError):
        return value


def _by_task(database: Database, sql: str, key: str, parts: tuple[int, int]) -> defaultdict[int, list[Row]]:
    """The rows of parts of tasks, by the task that their key names."""
    rows: defaultdict[int, list[Row]] = defaultdict(list)
    for row in database.rows(f"{sql} WHERE {key} >= ? AND {key} < ? ORDER BY {key}", parts):
        rows[row[0] // ORDINALS].append(row)
    return rows


def _blobs(database: Database) -> Iterator[str]:
    for (sha,) in database.rows("SELECT sha256 FROM blob ORDER BY sha256"):
        rows = database.rows("SELECT data FROM blob WHERE sha256 = ?", (sha,))
        try:
            found = hashlib.sha256(inflate(rows[0][0])).hexdigest() if rows else ""
        except (zlib.error, TypeError):
            found = ""
        if found != sha:
            yield f"blob {str(sha)[:12]} is not what its hash says"
