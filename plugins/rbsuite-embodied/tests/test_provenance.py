"""Which EmbodiedBench it is."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from rbsuite_embodied.bridge.provenance import commit_of, describe_package

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def git(*arguments: str, at: Path) -> str:
    author = ["-c", "user.name=nobody", "-c", "user.email=nobody@host.test"]
    return subprocess.run(
        ["git", *author, *arguments], cwd=at, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    path = tmp_path / "checkout"
    path.mkdir()
    git("init", "-q", at=path)
    git("commit", "-q", "--allow-empty", "-m", "first", at=path)
    return path


def test_commit_is_gits(checkout: Path) -> None:
    head = git("rev-parse", "HEAD", at=checkout)
    assert commit_of(checkout) == head
    git("pack-refs", "--all", at=checkout)
    assert commit_of(checkout) == head
    git("checkout", "-q", "--detach", at=checkout)
    assert commit_of(checkout) == head


def test_commit_of_a_worktree(checkout: Path) -> None:
    git("worktree", "add", "-q", "-b", "side", "../side", at=checkout)
    side = checkout.parent / "side"
    git("commit", "-q", "--allow-empty", "-m", "second", at=side)
    assert commit_of(side) == git("rev-parse", "HEAD", at=side) != commit_of(checkout)


def test_no_checkout_has_no_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == ""
    (tmp_path / ".git").write_text("gitdir: /nowhere\n")
    assert commit_of(tmp_path) == ""


def test_empty_repository_has_no_commit(tmp_path: Path) -> None:
    git("init", "-q", at=tmp_path)
    assert commit_of(tmp_path) == ""


@pytest.mark.parametrize(
    ("environment", "folder", "source", "data"),
    [
        ("eb-alfred", "eb_alfred", "EBAlfEnv.py", "data/splits/splits.json"),
        ("eb-habitat", "eb_habitat", "EBHabEnv.py", "datasets/base.pickle"),
    ],
)
def test_hashes_of_sources_and_episodes(tmp_path: Path, environment: str, folder: str, source: str, data: str) -> None:
    place = tmp_path / "embodiedbench" / "envs" / folder
    for name in (source, data, "README.md"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(name)
    found = describe_package(tmp_path / "embodiedbench", environment)
    assert found == {
        "commit": "",
        "sources": {source: hashlib.sha256(source.encode()).hexdigest()},
        "data": {Path(data).name: hashlib.sha256(data.encode()).hexdigest()},
    }


def test_package_without_the_environment_has_no_hashes(tmp_path: Path) -> None:
    assert describe_package(tmp_path / "embodiedbench", "eb-habitat") == {"commit": "", "sources": {}, "data": {}}
