"""The files beside a database that SQLite takes to belong to it: those of another database are recognised before they are read.

SQLite applies a log (``-wal``) to whatever file has its name without the suffix; one that was left over from another file, or came with a
copy, would be mixed into this one. So a store's file has its own mark in its header (``PRAGMA user_version``), on its first page. A log
holds that page, and the mark with it, from the first transaction on that makes the file grow; and the first transaction of a connection,
some later ones (:data:`MARKED_EVERY`), and the first after what was in the log was moved into the file, write it in any case. A log without
the mark, as another program leaves it, is recognised by the size of its file.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import struct
import time
from pathlib import Path

from rbsuite.errors import StoreError

ENDINGS = ("-wal", "-shm", "-journal")

MARKED_EVERY = 10
"""One in so many transactions writes the mark: it is a page more, which is a fifth of what a commit writes."""

_MAGIC = b"SQLite format 3\0"
_MARK, _PAGES = slice(60, 64), slice(28, 32)
_WAL_HEADER, _FRAME_HEADER = 32, 24
_MOST_FRAMES = 1_000_000


def new_mark(connection: sqlite3.Connection) -> None:
    """Give a new database its own mark. It says nothing about what is stored, and is random so that no two files share it."""
    connection.execute(f"PRAGMA user_version = {1 + secrets.randbelow(2**31 - 1)}")


def refuse_leftovers(path: Path) -> None:
    """Check that nothing is left of a removed database where a new one is to be made.

    Raises:
        StoreError: something is left.
    """
    for ending in ENDINGS:
        other = path.with_name(path.name + ending)
        if os.path.lexists(other):
            raise _foreign(other, "is left of an experiment whose file is gone")


def refuse_foreign_log(path: Path) -> None:
    """Check that the files beside a database belong to it.

    Raises:
        StoreError: a log belongs to another database, or there is a rollback journal, which a store never has.
        OSError: something cannot be read.
    """
    journal = path.with_name(f"{path.name}-journal")
    if journal.is_file() and journal.stat().st_size:
        raise _foreign(journal, "does not belong to this experiment")
    log = path.with_name(f"{path.name}-wal")
    for attempt in range(3):  # a process currently writing the log may have written half a page
        found, after = _log_says(log)
        own, pages = _file_says(path)
        if not own or (found == own if found else after in (0, pages)):
            return
        time.sleep(0.05 * (attempt + 1))
    raise _foreign(log, "belongs to another file")


def _foreign(other: Path, what: str) -> StoreError:
    return StoreError(
        f"{other} {what}.",
        "Move it away, or copy it together with the file that it belongs to; it may hold tasks of that one.",
    )


def _file_says(path: Path) -> tuple[bytes, int]:
    """The mark of a file (empty if it has none) and its size in pages."""
    with path.open("rb") as file:
        head = file.read(100)
    marked = head.startswith(_MAGIC) and any(head[_MARK])
    return (head[_MARK], int.from_bytes(head[_PAGES], "big")) if marked else (b"", 0)


def _log_says(log: Path) -> tuple[bytes, int]:
    """The mark in the newest first page in a log (empty if there is none), and the size in pages after its newest commit (0 if there is
    none).
    """
    try:
        with log.open("rb") as file:
            header = file.read(_WAL_HEADER)
            if len(header) < _WAL_HEADER or header[:4] not in (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"):
                return b"", 0
            (size,) = struct.unpack(">I", header[8:12])
            size, found, pages = (65536 if size == 1 else size), b"", 0
            if size < 512:
                return b"", 0
            for number in range(_MOST_FRAMES):
                file.seek(_WAL_HEADER + number * (_FRAME_HEADER + size))
                frame = file.read(_FRAME_HEADER)
                if len(frame) < _FRAME_HEADER or frame[8:16] != header[16:24]:  # from before the log was restarted
                    break
                pages = int.from_bytes(frame[4:8], "big") or pages
                if frame[:4] == b"\0\0\0\1":
                    page = file.read(100)
                    found = page[_MARK] if page.startswith(_MAGIC) else found
            return found, pages
    except FileNotFoundError:
        return b"", 0
