"""Edits of an experiment's file, a cell or a stretch of bytes at a time, and all that must not change unnoticed by one."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from rbsuite.jsonable import plain
from rbsuite.store import ExperimentStore, experiment_digest

TABLES = (
    "meta",
    "run",
    "seed",
    "task",
    "rollout",
    "trajectory",
    "recall",
    "op",
    "template",
    "blob",
    "act",
    "discarded",
)


def everything(directory: Path) -> Any:
    """All that figures rest on, or that says what they are of."""
    with ExperimentStore.open(directory, readonly=True) as store:
        runs = [info.id for info in store.manifest.runs]
        return (
            experiment_digest(store),
            plain(store.manifest),
            [plain(list(store.records(run))) for run in runs],
            [plain(list(store.results(run))) for run in runs],
            [plain(store.seed_ops(run)) for run in runs],
            store.templates(),
            [store.run_finished(run) for run in runs],
        )


def edited(value: Any, chance: Any) -> Any:
    """The value with one byte changed."""
    if value is None:
        return 0.5
    if isinstance(value, int):
        return value ^ (1 << chance.randrange(8))
    if isinstance(value, float):
        return value + chance.choice((-1, 1, 0.001))
    data = bytearray(value.encode() if isinstance(value, str) else value)
    if not data:
        return "x"
    place = chance.randrange(len(data))
    if isinstance(value, bytes):
        data[place] ^= 1 << chance.randrange(8)
        return bytes(data)
    data[place] = ord(chance.choice('abcxyz0123456789 ,"').replace(chr(data[place]), "_"))
    return data.decode("utf-8", "replace")


def edit(path: Path, chance: Any) -> str:
    """Change one cell of the file; gives which one."""
    with closing(sqlite3.connect(path)) as connection, connection:
        table = chance.choice(TABLES)
        while not (rows := connection.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()):
            table = chance.choice(TABLES)
        names = [column[1] for column in connection.execute(f"PRAGMA table_info({table})")]
        row, column = chance.choice(rows), chance.randrange(len(names))
        (rowid,) = connection.execute(
            f"SELECT rowid FROM {table} WHERE {names[0]} = ? AND {names[1]} IS ?", (row[0], row[1])
        ).fetchone()
        value = edited(row[column], chance)
        connection.execute(f"UPDATE {table} SET {names[column]} = ? WHERE rowid = ?", (value, rowid))
    return f"{table}.{names[column]}: {row[column]!r:.60} to {value!r:.60}"


def flip(data: bytearray, chance: random.Random) -> None:
    """Change one bit."""
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def overwrite(data: bytearray, chance: random.Random) -> None:
    """Put other bytes over a stretch."""
    start = chance.randrange(len(data))
    stop = min(len(data), start + chance.randint(1, 300))
    data[start:stop] = chance.randbytes(stop - start)


def truncate(data: bytearray, chance: random.Random) -> None:
    """Leave out the end."""
    del data[chance.randrange(len(data)) :]


def blank(data: bytearray, chance: random.Random) -> None:
    """Fill a block with zeros, as a disk does that has lost it."""
    start = chance.randrange(0, len(data), 4096)
    data[start : start + 4096] = bytes(len(data[start : start + 4096]))


def displace(data: bytearray, chance: random.Random) -> None:
    """Put one block where another was."""
    here, there = (4096 * chance.randrange(len(data) // 4096) for _ in range(2))
    data[here : here + 4096] = data[there : there + 4096]


def insert(data: bytearray, chance: random.Random) -> None:
    """Put bytes between others, so that all after them are moved."""
    start = chance.randrange(len(data))
    data[start:start] = chance.randbytes(chance.randint(1, 40))


CORRUPTIONS: Mapping[str, Callable[[bytearray, random.Random], None]] = {
    one.__name__: one for one in (flip, overwrite, truncate, blank, displace, insert)
}
"""What happens to bytes, by name."""
