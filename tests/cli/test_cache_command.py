"""``rbsuite cache explain``, and what ``--concurrency`` takes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from rbsuite.cli import run
from rbsuite.cli.evaluate import read_concurrency
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.models.cache import CachedModel, ReplyCache
from rbsuite.trajectory import Message


class Echo:
    name = "house/echo"

    async def complete(self, request: ModelRequest) -> Completion:
        return Completion(request.messages[-1].text)

    async def aclose(self) -> None:
        pass


def ask(directory: Path, *seeds: int, text: str = "hi") -> None:
    async def once() -> None:
        cache = ReplyCache(directory)
        for seed in seeds:
            await CachedModel(Echo(), cache, "house/echo").complete(
                ModelRequest((Message("user", text),), "agent", seed=seed)
            )
        cache.close()

    asyncio.run(once())


def test_misses_are_told_by_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask(tmp_path, 1, 2)
    assert run(["cache", "explain", str(tmp_path)]) == 0
    assert "2 x nothing like it was asked before" in capsys.readouterr().out
    ask(tmp_path, 1, 3, 4)
    assert run(["cache", "explain", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "Session 2: 1 calls found, 2 not found" in shown
    assert "2 x other seed" in shown
    ask(tmp_path, 1, text="ho")
    assert run(["cache", "explain", str(tmp_path), "--json"]) == 0
    (miss,) = json.loads(capsys.readouterr().out)["misses"]
    assert "message 1 of 1" in miss["differs"]["messages"]


def test_where_nothing_is_to_be_explained_it_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cache", "explain", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    ask(tmp_path, 1)
    assert run(["cache", "explain", str(tmp_path), "--session", "7"]) == 2
    assert "no such session" in capsys.readouterr().err


def test_concurrency_is_a_bound_or_found_out() -> None:
    assert read_concurrency("12") == (12, 0)
    most, start = read_concurrency("auto")
    assert 0 < start < most
