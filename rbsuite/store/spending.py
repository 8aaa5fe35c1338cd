"""What an experiment has cost in all its sessions, kept beside its records: discarded work counts too.

It is not a result, and not in any chain. The table is made when something is first spent, so a file without it has cost nothing yet.
"""

from __future__ import annotations

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
    rows = database.rows(_READ)
    return Spent(*rows[0]) if rows else Spent()


def add_spent(database: Database, more: Spent) -> Spent:
    """Add to it, in one transaction, and return the total, including what other processes spent."""
    with database.transaction() as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'spent'").fetchone():
            connection.execute(TABLE)
        rows = connection.execute(_READ).fetchall()
        total = (Spent(*rows[0]) if rows else Spent()) + more
        row = (1, total.calls, total.tokens, total.cost, total.unpriced, total.seconds)
        connection.execute("INSERT OR REPLACE INTO spent VALUES (?, ?, ?, ?, ?, ?)", row)
    return total
