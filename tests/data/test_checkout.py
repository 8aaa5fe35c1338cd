from __future__ import annotations

import os
from pathlib import Path

import pytest

from rbsuite.data.checkout import SourceTree, read_commit
from rbsuite.errors import DataError

COMMIT, OTHER = "0123456789" * 4, "f" * 40


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_commit_of_a_loose_reference(tmp_path: Path) -> None:
    write(tmp_path / ".git/HEAD", "ref: refs/heads/main\n")
    write(tmp_path / ".git/refs/heads/main", COMMIT + "\n")
    write(tmp_path / ".git/packed-refs", f"{OTHER} refs/heads/main\n")
    assert read_commit(tmp_path) == COMMIT


def test_commit_of_a_packed_reference(tmp_path: Path) -> None:
    write(tmp_path / ".git/HEAD", "ref: refs/heads/main\n")
    write(
        tmp_path / ".git/packed-refs",
        f"# pack-refs with: peeled\n{OTHER} refs/heads/mai\n{COMMIT} refs/heads/main\n^{OTHER}\n",
    )
    assert read_commit(tmp_path) == COMMIT


def test_commit_of_a_detached_head(tmp_path: Path) -> None:
    write(tmp_path / ".git/HEAD", COMMIT)
    assert read_commit(tmp_path) == COMMIT


def test_commit_of_a_worktree(tmp_path: Path) -> None:
    write(tmp_path / "main/.git/worktrees/w/HEAD", "ref: refs/heads/topic")
    write(tmp_path / "main/.git/worktrees/w/commondir", "../..")
    write(tmp_path / "main/.git/refs/heads/topic", COMMIT)
    write(tmp_path / "w/.git", "gitdir: ../main/.git/worktrees/w")
    assert read_commit(tmp_path / "w") == COMMIT


@pytest.mark.parametrize(
    "head",
    [
        "",
        "ref: refs/heads/none",
        "ref: ../../secret",
        "ref: refs/../../secret",
        "ref: /abs",
        "zz" * 20,
        "ref: refs/a\0",
    ],
)
def test_a_head_that_tells_nothing_gives_no_commit(tmp_path: Path, head: str) -> None:
    write(tmp_path / ".git/HEAD", head)
    write(tmp_path / "secret", COMMIT)
    assert read_commit(tmp_path) is None


def test_no_git_or_damaged_git_gives_no_commit(tmp_path: Path) -> None:
    assert read_commit(tmp_path) is None
    (tmp_path / ".git").write_bytes(b"\xff\xfe")
    assert read_commit(tmp_path) is None


def test_root_must_be_a_directory(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        SourceTree(tmp_path / "none")
    with pytest.raises(DataError, match="is a file, not a directory"):
        SourceTree(write(tmp_path / "file", ""))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": 1,\n "b": }', r"x\.json:2: not valid JSON"),
        ("", r"x\.json:1: not valid JSON"),
        ('{"a":\n NaN}', r"not valid JSON: NaN"),
        ("[" * 100_000, r"x\.json:1: not valid JSON"),
        ("1" * 5000, r"x\.json:1: not valid JSON"),
    ],
)
def test_broken_json_names_file_and_line(tmp_path: Path, text: str, place: str) -> None:
    write(tmp_path / "x.json", text)
    with pytest.raises(DataError, match=place):
        SourceTree(tmp_path).read_json("x.json")


def test_broken_json_lines_name_the_line(tmp_path: Path) -> None:
    write(tmp_path / "x.jsonl", "1\n\n2\n{\n")
    with pytest.raises(DataError, match=r"x\.jsonl:4"):
        SourceTree(tmp_path).read_json_lines("x.jsonl")


def test_text_has_unix_line_ends_and_must_be_utf8(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"a\r\nb\rc\n")
    assert SourceTree(tmp_path).read_text("t") == "a\nb\nc\n"
    (tmp_path / "t").write_bytes(b"a\n\xff")
    with pytest.raises(DataError, match="t:2: not UTF-8"):
        SourceTree(tmp_path).read_text("t")


def test_missing_odd_and_outward_files_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root / "d/x", "")
    write(tmp_path / "secret", "s")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "loop").symlink_to(root / "loop")
    (root / "in").symlink_to(root / "d/x")
    os.mkfifo(root / "pipe")
    source = SourceTree(root)
    assert source.read_bytes("in") == b""
    for name, why in {
        "none": "missing",
        "d": "not a regular file",
        "out": "points outside",
        "loop": "cannot be read",
        "pipe": "regular",
    }.items():
        with pytest.raises(DataError, match=why):
            source.read_bytes(name)
