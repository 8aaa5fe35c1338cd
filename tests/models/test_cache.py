"""The cache of replies: what is found, what is not, and why."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from calls import calls_at
from rbsuite.errors import ModelError, UsageError
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.models.cache import FILE, CachedModel, ReplyCache
from rbsuite.models.cache_misses import explain
from rbsuite.models.client import Ledger
from rbsuite.models.gate import Gate, Pace
from rbsuite.trajectory import Image, Message, ToolCall, ToolSpec, Usage

KEY = "sk-test-0123456789abcdef0123"


class Paid:
    """Never says the same twice, and costs."""

    name = "house/paid"

    def __init__(self) -> None:
        self.calls = 0
        self.pace = Pace()
        self.failures = 0

    async def complete(self, request: ModelRequest) -> Completion:
        self.calls += 1
        await asyncio.sleep(0.001)
        if self.failures:
            self.failures -= 1
            raise ModelError("no answer.")
        calls = (ToolCall(f"c{self.calls}", "find", {"q": [1, 0.1, "ä\x00", None]}, raw=""),)
        return Completion(f"reply {self.calls} \ud800", calls, Usage(1, 11, 7, 0.25), "tool_calls", "thought")

    async def aclose(self) -> None:
        pass


def request(text: str = "hi", **changes: Any) -> ModelRequest:
    messages = (Message("system", "be brief"), Message("user", (text, Image.of(b"\x89PNG"))), Message("user", "now"))
    made = ModelRequest(messages, "agent", (ToolSpec("find", "finds"),), temperature=0.5, seed=7, max_tokens=100)
    return replace(made, **changes)


def ask(directory: Path, model: Paid, *requests: ModelRequest, reference: str = "house/paid") -> list[Completion]:
    """Ask one after the other, in a session of its own."""
    cache = ReplyCache(directory)

    async def all_of_them() -> list[Completion]:
        cached = CachedModel(model, cache, reference)
        return [await cached.complete(one) for one in requests]

    try:
        return asyncio.run(all_of_them())
    finally:
        cache.close()


def test_the_same_request_is_paid_once_and_answered_the_same(tmp_path: Path) -> None:
    model = Paid()
    first, second = ask(tmp_path, model, request(), request())
    (later,) = ask(tmp_path, model, request())
    assert model.calls == 1
    assert (first.cached, first.usage.cost) == (False, 0.25)
    free = replace(first, usage=Usage(1, 11, 7, 0.0), cached=True)
    assert second == later == free


@pytest.mark.parametrize(
    ("change", "part", "words"),
    [
        ({"seed": 8}, "seed", "rollout"),
        ({"temperature": 0.0}, "temperature", "0.5 there, 0.0 here"),
        ({"max_tokens": None}, "max_tokens", "100 there, None here"),
        ({"tools": (ToolSpec("find", "seeks"),)}, "tools", "finds"),
        ({"messages": (*request().messages, Message("user", "more"))}, "messages", "message 4 of 4 comes in addition"),
        ({"messages": request().messages[:2]}, "messages", "3 there, 2 here"),
        ({"messages": request("ho").messages}, "messages", "message 2 of 3"),
    ],
)
def test_a_miss_says_what_differs(tmp_path: Path, change: dict[str, Any], part: str, words: str) -> None:
    model = Paid()
    ask(tmp_path, model, request())
    ask(tmp_path, model, request(**change))
    assert model.calls == 2
    session = explain(tmp_path)
    (miss,) = session.misses
    assert list(miss.differences) == [part]
    assert words in miss.differences[part]
    assert (miss.nearest, session.hits) == (1, 0)
    (first,) = explain(tmp_path, session.number - 1).misses
    assert (first.nearest, first.differences) == (0, {})


def test_another_model_is_another_request(tmp_path: Path) -> None:
    model = Paid()
    ask(tmp_path, model, request(), reference="house/paid:effort=low")
    ask(tmp_path, model, request(), reference="house/paid:effort=high")
    assert explain(tmp_path).misses[0].differences == {
        "model": "house/paid:effort=low there, house/paid:effort=high here"
    }


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    model = Paid()
    model.failures = 1
    with pytest.raises(ModelError):
        ask(tmp_path, model, request())
    assert ask(tmp_path, model, request())[0].text.startswith("reply 2")


def test_who_asks_the_same_at_once_waits_without_keeping_its_place(tmp_path: Path) -> None:
    async def run() -> tuple[list[Completion], Ledger]:
        gate, ledger, cache = Gate(1), Ledger(), ReplyCache(tmp_path)
        cached = CachedModel(model, cache, "house/paid")
        line = gate.line()
        found = await asyncio.gather(*(calls_at(line, n).complete(cached, request(), ledger) for n in range(5)))
        cache.close()
        return found, ledger

    model = Paid()
    found, ledger = asyncio.run(asyncio.wait_for(run(), 10))
    assert model.calls == 1
    assert len({completion.text for completion in found}) == 1
    assert (ledger.started, ledger.cached) == (5, 4)


def test_what_is_broken_is_asked_again_and_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = Paid()
    ask(tmp_path, model, request("a"), request("b"))
    with closing(sqlite3.connect(tmp_path / FILE)) as base, base:
        base.execute("UPDATE replies SET reply = substr(reply, 1, 20)")
    with caplog.at_level(logging.WARNING, "rbsuite"):
        again = ask(tmp_path, model, request("a"), request("b"))
    assert [one.text[:7] for one in again] == ["reply 3", "reply 4"]
    assert len(caplog.records) == 1
    assert [one.cached for one in ask(tmp_path, model, request("a"), request("b"))] == [True, True]


def test_a_file_that_is_no_cache_is_told_once_and_the_model_asked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(b"no database " * 500)
    with caplog.at_level(logging.WARNING, "rbsuite"):
        assert len(ask(tmp_path, Paid(), request(), request())) == 2
    assert len(caplog.records) == 1
    with pytest.raises(UsageError, match="Remove it"):
        explain(tmp_path)


def test_a_directory_that_cannot_be_had_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can be written"):
        ReplyCache(tmp_path / "file" / "cache")
    with pytest.raises(UsageError, match="no cache"):
        explain(tmp_path)


def test_no_key_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSE_API_KEY", KEY)
    model = Paid()

    async def leaks(asked: ModelRequest) -> Completion:
        return Completion(f"the key is {KEY}", (ToolCall("c", "find", {"q": KEY}),), Usage(1, 1, 1))

    monkeypatch.setattr(model, "complete", leaks)
    reply = ask(tmp_path, model, request(f"use {KEY}"), reference=f"house/paid:api_base=https://me:{KEY}@host")[0]
    assert KEY not in f"{reply}"
    with closing(sqlite3.connect(tmp_path / FILE)) as base:
        dump = "\n".join(base.iterdump())
        texts = [bytes(row[0]) for row in base.execute("SELECT body FROM texts UNION ALL SELECT reply FROM replies")]
    import zlib

    assert KEY not in dump
    assert all(KEY.encode() not in zlib.decompress(text) for text in texts)


WRITER = """
import asyncio, sys
from pathlib import Path
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.models.cache import CachedModel, ReplyCache
from rbsuite.trajectory import Message, Usage
class Model:
    name = "m"
    async def complete(self, request):
        return Completion(f"{sys.argv[2]} says {request.seed}", usage=Usage(1, 1, 1))
    async def aclose(self): pass
async def run():
    cached = CachedModel(Model(), ReplyCache(Path(sys.argv[1])), "m")
    for seed in range(int(sys.argv[3])):
        found = await cached.complete(ModelRequest((Message("user", "x" * 500),), "agent", seed=seed))
        print(found.text, flush=True)
asyncio.run(run())
"""


def writer(directory: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(directory), name, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_processes_agree_and_may_be_killed(tmp_path: Path) -> None:
    with writer(tmp_path, "killed", 100_000) as killed:
        assert killed.stdout is not None
        for _ in range(50):
            killed.stdout.readline()
        os.kill(killed.pid, signal.SIGKILL)
    with writer(tmp_path, "a", 300) as a, writer(tmp_path, "b", 300) as b:
        said = [process.communicate(timeout=60)[0].splitlines() for process in (a, b)]
    assert a.returncode == b.returncode == 0
    assert said[0] == said[1]
    assert said[0][0] == "killed says 0"
    assert len(said[0]) == 300
