"""What an experiment has cost in all its sessions, kept beside its records: discarded work counts too.

It is not a result, and not in any chain. The table is made when something is first spent, so a file without it has cost nothing yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rbsuite.errors import StoreError
from rbsuite.jsonable import is_number, is_whole
from rbsuite.store.database import Database
from rbsuite.trajectory import Spent

TABLE = (
    "CREATE TABLE spent (id INTEGER PRIMARY KEY, calls INTEGER NOT NULL, tokens INTEGER NOT NULL, cost REAL NOT NULL,"
    " unpriced INTEGER NOT NULL, seconds REAL NOT NULL)"
)
_READ = "SELECT calls, tokens, cost, unpriced, seconds FROM spent WHERE id = 1"


def read_spent(database: Database) -> Spent:
    """What has been spent so far."""
    if not database.rows("SELECT 1 FROM sqlite_master WHERE name = 'spent'"):
        return Spent()
    return _spent(database.rows(_READ), database)


def add_spent(database: Database, more: Spent) -> Spent:
    """Add to it, in one transaction, and return the total, including what other processes spent."""
    with database.transaction() as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'spent'").fetchone():
            connection.execute(TABLE)
        total = _spent(connection.execute(_READ).fetchall(), database) + more
        row = (1, total.calls, total.tokens, total.cost, total.unpriced, total.seconds)
        connection.execute("INSERT OR REPLACE INTO spent VALUES (?, ?, ?, ?, ?, ?)", row)
    return total


def _spent(rows: Sequence[tuple[Any, ...]], database: Database) -> Spent:
    for calls, tokens, cost, unpriced, seconds in rows:
        if not all(map(is_whole, (calls, tokens, unpriced))) or not is_number(cost) or not is_number(seconds):
            raise StoreError(f"{database.path}: what it has cost was changed.", "Restore it from a copy.")
        return Spent(calls, tokens, cost, unpriced, seconds)
    return Spent()
