"""A disk that is full or may not be written: one clear line, the store stays valid, and the run goes on once there is room.

The small disk is a file system in memory, mounted for the test; where that is not allowed these tests are skipped.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from processes import PATIENCE, Evaluation, committed, digest, tasks_committed

KILOBYTES = 700


def mount(place: Path, *options: str) -> None:
    done = subprocess.run(
        ["mount", *options, str(place)], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if done.returncode:
        pytest.skip(f"this test mounts a small file system, which is not allowed here: {done.stderr.strip()}")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of :data:`KILOBYTES`."""
    place = tmp_path / "small"
    place.mkdir()
    if shutil.which("mount") is None or os.geteuid():
        pytest.skip("this test mounts a small file system, which takes the superuser")
    mount(place, "-t", "tmpfs", "-o", f"size={KILOBYTES}k", "tmpfs")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True, timeout=PATIENCE)


def fill(ballast: Path) -> None:
    """Take all the room there is."""
    with ballast.open("wb", buffering=0) as stream, suppress(OSError):
        while stream.write(bytes(4096)):
            pass


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("rbsuite: error: ")
    assert all(word in line for word in words), line


def test_full_disk_during_a_run(evaluation: Evaluation, undisturbed: Path, small: Path) -> None:
    home, ballast = small / "experiment", small / "ballast"
    ballast.write_bytes(bytes(450 * 1024))
    full = evaluation.run(home)
    assert_one_line(full, "the disk is full", "Free some space and run the same command again")
    kept = committed(home)
    assert 0 < len(kept) < 48
    again = evaluation.run(home)
    assert again.returncode == 2
    assert kept.items() <= committed(home).items()
    mount(small, "-o", "remount,size=8m")
    done = evaluation.run(home)
    assert done.returncode == 0, done.stderr
    assert kept.items() <= committed(home).items()
    assert digest(home) == digest(undisturbed)


@pytest.mark.parametrize("free", [0, 4, 40])
def test_disk_that_is_full_from_the_start(evaluation: Evaluation, small: Path, free: int) -> None:
    """Kilobytes that are free: not enough for a directory, for a store, for a log."""
    home, ballast = small / "experiment", small / "ballast"
    fill(ballast)
    os.truncate(ballast, ballast.stat().st_size - free * 1024)
    assert_one_line(evaluation.run(home), str(home))
    ballast.unlink()
    mount(small, "-o", "remount,size=8m")
    done = evaluation.run(home, "--limit", "1")
    assert done.returncode == 0, done.stderr


def test_limit_on_the_size_of_files(evaluation: Evaluation, undisturbed: Path, tmp_path: Path) -> None:
    """What a quota comes to; it needs no privilege."""
    home, limited = tmp_path / "experiment", 200 * 1024

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limited, limited))

    with evaluation.start(home, before=limit) as process:
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, len(err.splitlines())) == (2, "", 1)
    assert str(home) in err
    kept = committed(home)
    assert 0 < tasks_committed(home) < 48
    done = evaluation.run(home)
    assert done.returncode == 0, done.stderr
    assert kept.items() <= committed(home).items()
    assert digest(home) == digest(undisturbed)


def test_directory_that_may_not_be_written(evaluation: Evaluation, undisturbed: Path, small: Path) -> None:
    mount(small, "-o", "remount,size=8m")
    shutil.copytree(undisturbed, small / "finished")
    (small / "empty").mkdir()
    before = committed(small / "finished")
    mount(small, "-o", "remount,ro")
    for place in ("empty", "new", "finished"):
        assert_one_line(evaluation.run(small / place), str(small / place), "Read-only file system")
    assert committed(small / "finished") == before
    assert digest(small / "finished") == digest(undisturbed)


def test_directory_without_permission(evaluation: Evaluation, undisturbed: Path, tmp_path: Path) -> None:
    home = tmp_path / "experiment"
    shutil.copytree(undisturbed, home)
    closed = (home / "locks" / "alone", home / "locks", home)
    for path in closed:
        path.chmod(path.stat().st_mode & 0o555)
    try:
        if os.access(home, os.W_OK):
            pytest.skip("permissions do not bind the superuser")
        assert_one_line(evaluation.run(home), str(home), "Permission denied")
    finally:
        for path in reversed(closed):
            path.chmod(0o755)
