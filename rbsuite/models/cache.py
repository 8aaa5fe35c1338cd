"""A cache of replies on disk: the same request to the same model, with the same seed, is paid for once.

One SQLite file holds the replies, each under a hash of everything that shapes it, along with the parts of its request, so that
:mod:`rbsuite.models.cache_misses` can tell why a request was not found. Several processes may use the file at once, and may be killed:
every entry is complete, and the first reply to a request is kept. Keys are masked in everything that is stored.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import sqlite3
import zlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from rbsuite.errors import UsageError
from rbsuite.jsonable import plain
from rbsuite.models.base import ChatModel, Completion, ModelRequest
from rbsuite.models.gate import Pace, held_slot
from rbsuite.models.usable import masked
from rbsuite.models.wire import message_to_wire, tool_to_wire
from rbsuite.redact import redact, reply_secrets
from rbsuite.trajectory import Message, ToolCall, Usage

FILE = "replies.sqlite"
VERSION = 1
BUSY_SECONDS = 30.0
"""How long another process may keep the file to itself."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (number INTEGER PRIMARY KEY AUTOINCREMENT, hits INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS texts (sha TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS replies (
    number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE NOT NULL, session INTEGER NOT NULL, model TEXT NOT NULL,
    purpose TEXT NOT NULL, seed INTEGER NOT NULL, sampling TEXT NOT NULL, tools TEXT NOT NULL, opening TEXT NOT NULL,
    messages TEXT NOT NULL, reply BLOB NOT NULL, sum TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS replies_seed ON replies (seed);
CREATE INDEX IF NOT EXISTS replies_opening ON replies (opening);
CREATE INDEX IF NOT EXISTS replies_session ON replies (session);
"""
_log = logging.getLogger(__name__)
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class Asked:
    """A request, split into the parts that shape its reply.

    Args:
        model: the model's identity: its reference, and where it is called.
        request: the request.

    Attributes:
        key: the hash of all of it.
        texts: messages and tools by their hashes, as JSON.
    """

    def __init__(self, model: str, request: ModelRequest) -> None:
        self.texts: dict[str, str] = {}
        self.model = model
        self.purpose = request.purpose
        self.seed = request.seed
        self.sampling = _ENCODER.encode(
            {"temperature": request.temperature, "max_tokens": request.max_tokens, "schema": plain(request.schema)}
        )
        self.messages = [self._hashed(_as_asked(message)) for message in request.messages]
        self.tools = self._hashed([tool_to_wire(tool) for tool in request.tools])
        self.key = _sha(_ENCODER.encode([VERSION, model, self.seed, self.sampling, self.tools, self.messages]))

    @property
    def opening(self) -> str:
        """The hashes of the first two messages: the policy and the task."""
        return _ENCODER.encode(self.messages[:2])

    def _hashed(self, value: Any) -> str:
        text = _ENCODER.encode(plain(value))
        sha = _sha(text)
        self.texts[sha] = text
        return sha


class ReplyCache:
    """Replies in a directory, which is created if it does not exist.

    Args:
        directory: where they are kept.

    Raises:
        UsageError: the directory cannot be used.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE
        self.flying: dict[str, asyncio.Future[None]] = {}
        """Requests that are under way, each with a future that is done when the request is answered or has failed."""
        self._secrets = reply_secrets()
        self._told = False
        self._session = self._hits = 0
        self._base: sqlite3.Connection | None = None
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=NORMAL")
            self._base.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            self.close()
            raise UsageError(f"--cache {directory}: {error}.", "Name a directory that can be written.") from None
        except OSError as error:
            raise UsageError(
                f"--cache {directory}: {error.strerror or error}.", "Name a directory that can be written."
            ) from None
        except sqlite3.DatabaseError as error:
            self._broken(error)
            self.close()

    def find(self, asked: Asked) -> Completion | None:
        """The reply to a request, marked as cached and at no cost; ``None``: there is none that can be read."""
        found = self._run("SELECT reply, sum FROM replies WHERE key = ?", asked.key)
        if not found:
            return None
        completion = self._read(*found[0])
        if completion is None:
            self._run("DELETE FROM replies WHERE key = ?", asked.key)
            return None
        self._hits += 1
        return replace(completion, usage=replace(completion.usage, cost=0.0), cached=True)

    def keep(self, asked: Asked, completion: Completion) -> Completion:
        """Keep a reply, unless another process has kept one in the meantime; returns the one that is kept, with the cost of this one."""
        data = encode(masked(completion, self._secrets))
        if self._base is None:
            return completion
        if not self._session:
            self._run("INSERT INTO sessions DEFAULT VALUES")
            self._session = (self._run("SELECT last_insert_rowid()") or [(0,)])[0][0]
        texts = [(sha, zlib.compress(redact(text).encode("ascii"))) for sha, text in asked.texts.items()]
        try:
            with closing(self._base.cursor()) as cursor:
                cursor.execute("BEGIN IMMEDIATE")
                cursor.executemany("INSERT OR IGNORE INTO texts VALUES (?, ?)", texts)
                cursor.execute(
                    "INSERT OR IGNORE INTO replies (key, session, model, purpose, seed, sampling, tools, opening, messages, reply, sum)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        asked.key,
                        self._session,
                        redact(asked.model),
                        asked.purpose,
                        asked.seed,
                        asked.sampling,
                        asked.tools,
                        asked.opening,
                        _ENCODER.encode(asked.messages),
                        data,
                        _sha(data),
                    ),
                )
                cursor.execute("UPDATE sessions SET hits = ? WHERE number = ?", (self._hits, self._session))
                cursor.execute("COMMIT")
        except sqlite3.Error as error:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            self._broken(error)
            return completion
        found = self._run("SELECT reply, sum FROM replies WHERE key = ?", asked.key)
        kept = self._read(*found[0]) if found else None
        return completion if kept is None else replace(kept, usage=completion.usage)

    def close(self) -> None:
        """Close the file."""
        if self._base is not None:
            if self._session:
                self._run("UPDATE sessions SET hits = ? WHERE number = ?", self._hits, self._session)
            self._base.close()
            self._base = None

    def _run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        if self._base is None:
            return []
        try:
            return self._base.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            self._broken(error)
            return []

    def _read(self, data: object, check: object) -> Completion | None:
        try:
            if not isinstance(data, bytes) or _sha(data) != check:
                raise ValueError("an entry is not as it was written")
            return decode(data)
        except (ValueError, TypeError, KeyError, zlib.error) as error:
            self._broken(error)
            return None

    def _broken(self, error: Exception) -> None:
        """Warn once that part of the cache cannot be used; the model is called instead."""
        if not self._told:
            self._told = True
            _log.warning("cache %s: %s; what cannot be read is requested again", self.path, error)


class CachedModel:
    """A model whose replies are kept.

    Args:
        model: called for what is not in the cache.
        cache: where replies are kept.
        reference: the model as the user named it, with its options.
    """

    def __init__(self, model: ChatModel, cache: ReplyCache, reference: str) -> None:
        self.name = model.name
        self.pace: Pace | None = getattr(model, "pace", None)
        self._model = model
        self._cache = cache
        self._identity = _ENCODER.encode({"model": reference, "server": getattr(model, "server", "")})

    async def complete(self, request: ModelRequest) -> Completion:
        """The cached reply, or else the model's, which is then kept. Raises what the model raises; a failure is not kept."""
        asked = Asked(self._identity, request)
        while True:
            if (found := self._cache.find(asked)) is not None:
                return found
            flying = self._cache.flying.get(asked.key)
            if flying is None:
                break
            await self._landed(flying)
        landed = self._cache.flying[asked.key] = asyncio.get_running_loop().create_future()
        try:
            return self._cache.keep(asked, await self._model.complete(request))
        finally:
            del self._cache.flying[asked.key]
            landed.set_result(None)

    async def aclose(self) -> None:
        """Close the model's connections."""
        await self._model.aclose()

    async def _landed(self, flying: asyncio.Future[None]) -> None:
        """Wait for another task's identical request. Meanwhile the place at the gate is given back: the other may need one."""
        held = held_slot(self.pace) if self.pace is not None else None
        if held is None:
            await asyncio.wait([flying])
            return
        held.leave()
        await asyncio.wait([flying])
        await held.again()


def encode(completion: Completion) -> bytes:
    """A completion as compressed JSON."""
    values = {field.name: plain(getattr(completion, field.name)) for field in fields(Completion)}
    return zlib.compress(json.dumps(values).encode("ascii"))


def decode(data: bytes) -> Completion:
    """Undoes :func:`encode`.

    Raises:
        ValueError, TypeError, KeyError, zlib.error: it is not an encoded completion.
    """
    values: Mapping[str, Any] = json.loads(zlib.decompress(data))
    calls = tuple(ToolCall(**call) for call in values["tool_calls"])
    return Completion(**{**values, "tool_calls": calls, "usage": Usage(**values["usage"])})


def _as_asked(message: Message) -> dict[str, Any]:
    given = getattr(message, "given", None)  # what a provider gave with a reply goes back to it
    return message_to_wire(message) | ({"given": given} if given else {})


def _sha(data: str | bytes) -> str:
    return hashlib.sha256(data.encode("ascii") if isinstance(data, str) else data).hexdigest()
