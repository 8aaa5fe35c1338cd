"""Data that ``--data`` names is read as strictly as data that is imported."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rbsuite.data.checkout import SourceTree
from rbsuite.data.reading import PackFiles
from rbsuite.errors import DataError


def link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def text(content: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(content) and None


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (link("../../secret"), "points outside"),
        (link("/dev/zero"), "points outside"),
        (os.mkfifo, "not a regular file"),
        (huge, "larger than 128 MiB"),
        (text("[NaN]"), "not a JSON number"),
        (text("[1e999]"), "beyond floating point"),
        (text("[" * 900 + "]" * 900), "levels deep"),
        (text('{"a": 1, "a": 2}'), "'a' occurs twice"),
        (text("1" * 5_000), "5000 digits"),
    ],
)
def test_pack_and_checkout_refuse_the_same(make: Callable[[Path], None], words: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("{}")
    place = tmp_path / "data" / "pack"
    place.mkdir(parents=True)
    make(place / "tasks.json")
    for read in (PackFiles(place, "x", "Mend it.").read_json, SourceTree(place, "Mend it.").read_json):
        with pytest.raises(DataError, match=words) as caught:
            read("tasks.json")
        assert "tasks.json" in str(caught.value)
        assert str(caught.value).endswith("Mend it.")
        assert len(str(caught.value)) < 300
