"""Files that users name: foreign ones are read strictly, own ones never take the place of what is no file."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rbsuite.files import MAX_DEPTH, Unusable, parse_json, read_file, written


def write(path: Path, text: str = "new\n") -> None:
    with written(path) as stream:
        stream.write(text)


def special(place: Path, kind: str) -> Path:
    path = place / kind
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))
    elif kind == "device":
        path.symlink_to("/dev/full")
    else:
        path.mkdir()
    return path


@pytest.mark.parametrize("kind", ["fifo", "socket", "device", "directory"])
def test_what_is_no_file_is_neither_replaced_nor_waited_for(tmp_path: Path, kind: str) -> None:
    path = special(tmp_path, kind)
    before = path.lstat()
    with pytest.raises(OSError) as caught:  # noqa: PT011 - of many kinds
        write(path)
    assert caught.value.strerror
    assert os.path.samestat(before, path.lstat())
    assert [entry.name for entry in tmp_path.iterdir()] == [kind]
    if kind != "directory":
        with pytest.raises((Unusable, OSError)):
            read_file(path)


def test_a_fifo_that_is_read_is_written_to(tmp_path: Path) -> None:
    path, got = special(tmp_path, "fifo"), []
    reader = threading.Thread(target=lambda: got.append(path.read_text()))
    reader.start()
    for _ in range(200):
        try:
            write(path, "through\n" * 20_000)
            break
        except OSError:  # the reader has not come yet
            threading.Event().wait(0.01)
    reader.join(10)
    assert got == ["through\n" * 20_000]
    assert path.is_fifo()


def test_links_are_followed_and_permissions_kept(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "file", tmp_path / "link"
    link.symlink_to("there/file")
    write(link)
    target.chmod(0o640)
    write(link, "again\n")
    assert (link.is_symlink(), target.read_text(), target.stat().st_mode & 0o777) == (True, "again\n", 0o640)
    write(Path("/dev/null"))
    assert Path("/dev/null").is_char_device()


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with written(path) as stream:
            stream.write("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])


def test_only_regular_files_of_bounded_size_inside_the_directory_are_read(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "file").write_bytes(b"12345")
    (tmp_path / "secret").write_bytes(b"no")
    (tmp_path / "own" / "out").symlink_to("../secret")
    (tmp_path / "own" / "in").symlink_to("file")
    (tmp_path / "own" / "zero").symlink_to("/dev/zero")
    (tmp_path / "own" / "loop").symlink_to("loop")
    own = tmp_path / "own"
    assert read_file(own / "in", most=5, within=own) == b"12345"
    with pytest.raises(Unusable, match="larger than"):
        read_file(own / "file", most=4)
    with pytest.raises(Unusable, match="points outside"):
        read_file(own / "out", within=own)
    with pytest.raises(Unusable, match="not a regular file"):
        read_file(own / "zero")
    with pytest.raises(OSError):  # noqa: PT011
        read_file(own / "loop", within=own)
    with (own / "huge").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Unusable, match="larger than"):
        read_file(own / "huge")


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("NaN", "not a JSON number"),
        ("[-Infinity]", "not a JSON number"),
        ("[1e999]", "beyond floating point"),
        (nested(900), "levels deep"),
        (nested(100_000), "levels deep"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' occurs twice"),
        ("1" * 5_000, "a number of 5000 digits"),
        ('{"a":\n x}', "Expecting value"),
    ],
)
def test_json_is_taken_strictly(text: str, words: str) -> None:
    with pytest.raises(Unusable, match=words) as caught:
        parse_json(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("make", [lambda: nested(MAX_DEPTH), lambda: '{"a": [1, 1e308, -0.5, null, true, "\\u202e"]}'])
def test_good_json_is_read_as_usual(make: Callable[[], str]) -> None:
    assert parse_json(make()) == json.loads(make())
