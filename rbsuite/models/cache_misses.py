"""Why requests were not found in the cache of replies: how each differs from the entry that is most like it."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rbsuite.errors import UsageError
from rbsuite.models.cache import FILE

CANDIDATES = 64
"""Entries of each kind that a request is compared with."""
SHOWN = 60
"""Characters that are shown of a text, around the place where it differs."""
_COLUMNS = "number, model, purpose, seed, sampling, tools, opening, messages"


@dataclass(frozen=True, slots=True)
class Miss:
    """A request that was not found.

    Attributes:
        number: the number of its entry.
        purpose: what it was for.
        nearest: the number of the entry that is most like it; 0: no earlier one is like it.
        differences: what differs, in words, by part (``model``, ``seed``, ``temperature``, ``max_tokens``, ``tools``, ``messages``).
    """

    number: int
    purpose: str
    nearest: int
    differences: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Session:
    """One use of a cache.

    Attributes:
        number: the number of the session.
        hits: requests that were found.
        misses: requests that were not found and have been answered.
    """

    number: int
    hits: int
    misses: tuple[Miss, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    number: int
    model: Mapping[str, str]
    purpose: str
    seed: int
    sampling: Mapping[str, Any]
    tools: str
    opening: str
    messages: Sequence[str]

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> _Entry:
        number, model, purpose, seed, sampling, tools, opening, messages = row
        return cls(number, json.loads(model), purpose, seed, json.loads(sampling), tools, opening, json.loads(messages))


def explain(directory: Path, session: int | None = None) -> Session:
    """Why the requests of a session were not found.

    Args:
        directory: the cache.
        session: its number; ``None``: the last one that called a model.

    Raises:
        UsageError: there is no cache, no such session, or the file cannot be read.
    """
    path = directory / FILE
    if not path.is_file():
        raise UsageError(f"{directory} contains no cache of replies.", "Name the directory that --cache was given.")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as base:
            wanted = "SELECT number, hits FROM sessions WHERE ? IS NULL OR number = ? ORDER BY number DESC LIMIT 1"
            row = base.execute(wanted, (session, session)).fetchone()
            if row is None:
                raise UsageError(f"{directory}: there is no such session.", "Leave out --session: the last is shown.")
            rows = base.execute(f"SELECT {_COLUMNS} FROM replies WHERE session = ? ORDER BY number", row[:1])
            return Session(row[0], row[1], tuple(_miss(base, _Entry.of(one), row[0]) for one in rows.fetchall()))
    except (sqlite3.Error, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", "Remove it: a new one will be made.") from None


def _miss(base: sqlite3.Connection, asked: _Entry, session: int) -> Miss:
    """How a request differs from the nearest entry of an earlier session."""
    best: tuple[tuple[int, float, int], _Entry] | None = None
    for entry in _candidates(base, asked, session):
        same = [name for name in ("model", "seed", "sampling", "tools") if getattr(entry, name) == getattr(asked, name)]
        shared = _shared(entry.messages, asked.messages) / max(len(entry.messages), len(asked.messages), 1)
        rank = (len(same) + (shared == 1.0), shared, entry.number)
        if best is None or rank > best[0]:
            best = rank, entry
    if best is None:
        return Miss(asked.number, asked.purpose, 0, {})
    return Miss(asked.number, asked.purpose, best[1].number, dict(_differences(base, best[1], asked)))


def _candidates(base: sqlite3.Connection, asked: _Entry, session: int) -> Iterator[_Entry]:
    for column in ("seed", "opening", "messages"):
        value = json.dumps(asked.messages, separators=(",", ":")) if column == "messages" else getattr(asked, column)
        rows = base.execute(
            f"SELECT {_COLUMNS} FROM replies WHERE {column} = ? AND session < ? ORDER BY number DESC LIMIT {CANDIDATES}",
            (value, session),
        )
        yield from map(_Entry.of, rows.fetchall())


def _differences(base: sqlite3.Connection, there: _Entry, here: _Entry) -> Iterator[tuple[str, str]]:
    for name in ("model", "server"):
        if there.model.get(name) != here.model.get(name):
            yield name, f"{there.model.get(name)} there, {here.model.get(name)} here"
    for name in here.sampling:
        if there.sampling.get(name) != here.sampling[name]:
            yield name, f"{there.sampling.get(name)} there, {here.sampling[name]} here"
    if there.seed != here.seed:
        yield "seed", "another experiment seed, order, task, rollout, or number of the call"
    if there.tools != here.tools:
        yield "tools", _text_difference(_text(base, there.tools), _text(base, here.tools))
    if there.messages != here.messages:
        place = _shared(there.messages, here.messages)
        count = f"message {place + 1} of {len(here.messages)}"
        if place == len(here.messages):
            yield "messages", f"{len(there.messages)} there, {len(here.messages)} here: the first of them"
        elif place == len(there.messages):
            yield "messages", f"{count} comes in addition: {_shown(_text(base, here.messages[place]))}"
        else:
            words = _text_difference(_text(base, there.messages[place]), _text(base, here.messages[place]))
            yield "messages", f"{count}: {words}"


def _shared(a: Sequence[str], b: Sequence[str]) -> int:
    """How many leading items are the same."""
    return next((place for place, (x, y) in enumerate(zip_longest(a, b)) if x != y), len(a))


def _text(base: sqlite3.Connection, sha: str) -> str:
    row = base.execute("SELECT body FROM texts WHERE sha = ?", (sha,)).fetchone()
    try:
        return zlib.decompress(row[0]).decode("ascii") if row else ""
    except (zlib.error, UnicodeDecodeError, TypeError):
        return ""


def _text_difference(there: str, here: str) -> str:
    place = next((at for at, (x, y) in enumerate(zip_longest(there, here)) if x != y), 0)
    start = max(0, place - SHOWN // 3)
    return f"{_shown(there[start:])} there, {_shown(here[start:])} here"


def _shown(text: str) -> str:
    return repr(text[:SHOWN] + ("..." if len(text) > SHOWN else ""))
