"""The tables of an experiment's SQLite file, the views for people, and the migration from older schemas.

A store is recognised by its ``application_id``. Keys are computed, not assigned: a task's key is its run and position (:func:`task_key`),
the key of a part of a task is the task's key and an ordinal (for a run's seed, the run's number and an ordinal), so a run's rows are in
stream order and need no other index. Text columns contain text, or a BLOB made by :func:`rbsuite.store.codec.pack` if the text is long or
has no UTF-8 form. Columns next to a ``head`` or ``payload`` repeat its contents for SQL; the JSON is what is read back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from rbsuite.errors import StoreError
from rbsuite.options import whole_number

APPLICATION_ID = 0x52425354
"""Marks a SQLite file as an experiment store ("RBST")."""

Migration = Callable[[sqlite3.Connection], None]

OLDEST_VERSION = 3
"""The oldest schema version that can be migrated; earlier ones were never released."""

MIGRATIONS: tuple[Migration, ...] = ()
"""Step ``i`` turns schema version ``OLDEST_VERSION + i`` into the next. A migration runs inside a transaction and must not end it."""

SCHEMA_VERSION = OLDEST_VERSION + len(MIGRATIONS)
"""The schema version this code reads and writes."""

POSITIONS = 1 << 24
"""A run has fewer tasks than this."""

ORDINALS = 1 << 20
"""A task has fewer rollouts, fewer recalls and fewer operations than this."""

TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL)",
    """CREATE TABLE run (
        id INTEGER PRIMARY KEY, run_id UNIQUE NOT NULL, memory, scaling, agent, model, judge, embedder, prompts, temperature,
        order_index INTEGER NOT NULL, order_name, tasks INTEGER NOT NULL, start_hash TEXT NOT NULL,
        origin_hash TEXT NOT NULL, finished INTEGER NOT NULL DEFAULT 0)""",
    """CREATE TABLE seed (
        id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, kind NOT NULL, target NOT NULL, payload NOT NULL)""",
    """CREATE TABLE task (
        id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, position INTEGER NOT NULL, task_id NOT NULL,
        commit_id NOT NULL, read_version INTEGER NOT NULL, version INTEGER NOT NULL, selected INTEGER NOT NULL,
        state_hash TEXT NOT NULL, head NOT NULL, record_hash TEXT NOT NULL)""",
    """CREATE TABLE rollout (
        id INTEGER PRIMARY KEY, task INTEGER NOT NULL REFERENCES task, ordinal INTEGER NOT NULL, end_reason NOT NULL, score REAL,
        verdict NOT NULL, judge NOT NULL, steps INTEGER NOT NULL, tokens INTEGER NOT NULL, cost REAL, seconds REAL NOT NULL,
        head NOT NULL)""",
    "CREATE TABLE trajectory (id INTEGER PRIMARY KEY REFERENCES rollout, body BLOB NOT NULL)",
    """CREATE TABLE recall (
        id INTEGER PRIMARY KEY, task INTEGER NOT NULL REFERENCES task, rollout INTEGER NOT NULL, phase NOT NULL,
        step INTEGER NOT NULL, version INTEGER NOT NULL, reason NOT NULL, index_name NOT NULL, items NOT NULL,
        characters INTEGER NOT NULL, text NOT NULL)""",
    """CREATE TABLE op (
        id INTEGER PRIMARY KEY, task INTEGER NOT NULL REFERENCES task, kind NOT NULL, target NOT NULL, payload NOT NULL)""",
    "CREATE TABLE template (source NOT NULL, name NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (source, name))",
    "CREATE TABLE blob (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL)",
    """CREATE TABLE act (
        id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, kind TEXT NOT NULL, position INTEGER NOT NULL,
        tasks INTEGER NOT NULL, tail TEXT NOT NULL, link TEXT NOT NULL)""",
    """CREATE TABLE discarded (
        id INTEGER PRIMARY KEY, act INTEGER NOT NULL REFERENCES act, position INTEGER NOT NULL, task_id NOT NULL,
        record BLOB NOT NULL)""",
)

EARLIER = ("commit_id UNIQUE NOT NULL", "commit_id NOT NULL")
"""What stood in a statement of an earlier version, and what stands there now; stores of both are alike."""

VIEWS = (
    """CREATE VIEW v_runs AS
        SELECT run_id, memory, scaling, agent, model, judge, embedder, prompts, temperature, order_index, order_name, tasks,
            (SELECT count(*) FROM task WHERE task.run = run.id) AS committed, finished,
            NOT EXISTS (SELECT 1 FROM act WHERE act.run = run.id AND kind = 'undeclared') AS declared
        FROM run ORDER BY run.id""",
    """CREATE VIEW v_results AS
        SELECT run_id, memory, scaling, model, order_index, position, task_id, ordinal AS rollout, selected IN (ordinal, -1) AS selected,
            end_reason, score, verdict, rollout.judge, steps, tokens, cost, seconds
        FROM rollout JOIN task ON task.id = rollout.task JOIN run ON run.id = task.run ORDER BY rollout.id""",
    """CREATE VIEW v_discarded AS
        SELECT act.id AS act, kind, run_id, discarded.position, task_id
        FROM discarded JOIN act ON act.id = discarded.act JOIN run ON run.id = act.run ORDER BY discarded.id""",
    """CREATE VIEW v_recalls AS
        SELECT run_id, position, task_id, rollout, phase, step, recall.version,
            json_extract(found.value, '$[3]') AS rank, json_extract(found.value, '$[0]') AS item_id,
            json_extract(found.value, '$[1]') AS revision, json_extract(found.value, '$[2]') AS score, reason, index_name
        FROM recall JOIN task ON task.id = recall.task JOIN run ON run.id = task.run
            LEFT JOIN json_each(CASE typeof(items) WHEN 'text' THEN items ELSE '[]' END) AS found
        ORDER BY recall.id, found.key""",
    """CREATE VIEW v_ops AS
        SELECT run_id, version, position, task_id, kind, target,
            CASE typeof(payload) WHEN 'text' THEN payload ELSE '(compressed, ' || length(payload) || ' bytes)' END AS payload
        FROM (
            SELECT run, -1 AS task, id AS part, 0 AS version, NULL AS position, NULL AS task_id, kind, target, payload FROM seed
            UNION ALL SELECT run, task, op.id, version, position, task_id, kind, target, payload
            FROM op JOIN task ON task.id = op.task
        ) AS change JOIN run ON run.id = change.run ORDER BY run.id, task, part""",
)


_NEWEST = "SELECT version, state_hash FROM task WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1"
_START = "SELECT 0, start_hash FROM run WHERE id = ?"


def newest(execute: Callable[[str, tuple[int, ...]], Sequence[tuple[int, str]]], run: int) -> tuple[int, str] | None:
    """Newest version and hash chain of a run; before its first task, 0 and the chain of the bank it started from.

    ``None`` if the run has no row, as in a damaged file.

    Args:
        execute: returns all rows of a query.
        run: the run's number.
    """
    found = execute(_NEWEST, (task_key(run, 0), task_key(run + 1, 0))) or execute(_START, (run,))
    return found[0] if found else None


def task_key(run: int, position: int) -> int:
    """The key of a task; times ``ORDINALS`` plus an ordinal, the key of a part of it."""
    return run * POSITIONS + position


_COLUMNS = (
    "SELECT tables.name, columns.name FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns"
    " WHERE tables.type = 'table' ORDER BY tables.rowid, columns.cid"
)


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables and views in an empty database, inside the caller's transaction."""
    for statement in (*TABLES, *VIEWS):
        connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def lacking(connection: sqlite3.Connection) -> str:
    """The first column of :data:`TABLES` that a database does not have, as ``table.column``; empty if it has all.

    A store that was written during the development of a schema version has that version's number but not its tables.
    """
    with closing(sqlite3.connect(":memory:")) as model:
        for statement in TABLES:
            model.execute(statement)
        wanted = model.execute(_COLUMNS).fetchall()
    there = set(connection.execute(_COLUMNS))
    return next((f"{table}.{column}" for table, column in wanted if (table, column) not in there), "")


def stored_version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of a database.

    Raises:
        StoreError: the file is a database, but not an experiment store.
        sqlite3.DatabaseError: it is not a database.
    """
    if connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID:
        row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
        version = whole_number(str(row[0])) if row is not None else None
        if version is not None:
            return version
    raise StoreError(f"{path} is not an experiment store.", "Give the directory of an experiment.")


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> Path | None:
    """Migrate an older store to the newest schema; a copy of the file is made first.

    Args:
        connection: in autocommit mode, opened for writing, with no transaction under way.
        path: the database file; the copy is placed next to it.
        migrations: all existing steps, from :data:`OLDEST_VERSION` on.

    Returns:
        The copy, or ``None`` if there was nothing to do.
    """
    version = stored_version(connection, path)
    steps = migrations[version - OLDEST_VERSION :]
    if not steps:
        return None
    backup = path.with_name(f"{path.name}.v{version}.backup")
    with closing(sqlite3.connect(backup)) as copy:
        connection.backup(copy)
    try:
        connection.execute("BEGIN IMMEDIATE")
        for step in steps:
            step(connection)
        connection.execute(
            "UPDATE meta SET value = ? WHERE key = 'schema_version'", (str(OLDEST_VERSION + len(migrations)),)
        )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return backup
