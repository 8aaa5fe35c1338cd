"""Edits and corruptions of a store at random: ``rbsuite check`` notices each that changes a figure, and no command breaks on one."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edits import CORRUPTIONS, edit, everything
from experiments import core_plugins, measure
from rbsuite.cli import run
from rbsuite.store.experiment import FILE_NAME
from toy import ToyPlugin

pytestmark = pytest.mark.slow

READERS = ("compare kept", "memory list kept", "memory export kept", "eval --from kept")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("original") / "kept"
    measure(place, memory=("none", "reasoningbank", "dynamic-cheatsheet"), limit=8, orders=2).close()
    return place


Attack = Callable[[Path], str]


@pytest.fixture
def attacked(
    original: Path,
    tmp_path: Path,
    counts: Counter[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[Attack], None]:
    """Attack a copy of a store, and count what came of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rbsuite.plugins.load_plugins", lambda extra=(): core_plugins(ToyPlugin()))
    before = everything(original)
    counts.update({"tried": 0, "noticed": 0, "without effect": 0, "unnoticed": 0})

    def attack(change: Attack) -> None:
        shutil.rmtree("kept", ignore_errors=True)
        shutil.copytree(original, "kept")
        try:
            what = change(Path("kept", FILE_NAME))
        except sqlite3.IntegrityError:
            return  # no such store can be
        counts["tried"] += 1
        code = run(["check", "kept", "--json"], core_plugins(ToyPlugin()))
        shown = capsys.readouterr()
        if code == 0:
            assert json.loads(shown.out)["findings"] == []
            same = _unchanged(before)
            counts["without effect" if same else "unnoticed"] += 1
            assert same, what
        else:
            assert code in (1, 2), (what, shown)
            counts["noticed"] += 1
        for line in READERS:
            code = run(line.split(), core_plugins(ToyPlugin()))
            shown = capsys.readouterr()
            assert code in (0, 1, 2), (what, line)
            assert code != 2 or len(shown.err.splitlines()) == 1, (what, line, shown.err)
            counts[f"readings {'refused' if code == 2 else 'done'}"] += 1

    return attack


def _unchanged(before: Any) -> bool:
    return bool(everything(Path("kept")) == before)


def test_edits(attacked: Callable[[Attack], None], chance: random.Random, counts: Counter[str], scale: int) -> None:
    """One cell of a table at a time, as somebody would who knows SQL."""
    for _ in range(100 * scale):
        attacked(lambda path: edit(path, chance))
    assert counts["noticed"] > counts["tried"] // 2


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corruptions(
    name: str, attacked: Callable[[Attack], None], chance: random.Random, counts: Counter[str], scale: int
) -> None:
    """Bytes of the file, as a disk or a copy loses them."""

    def corrupt(path: Path) -> str:
        data = bytearray(path.read_bytes())
        CORRUPTIONS[name](data, chance)
        path.write_bytes(data)
        return name

    for _ in range(15 * scale):
        attacked(corrupt)
    assert counts["noticed"] > 0
