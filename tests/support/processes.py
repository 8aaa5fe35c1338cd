"""Real ``rbsuite eval`` processes on one experiment: starting, stopping and killing them, and what their store holds."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from rbsuite.store import ExperimentStore, experiment_digest

FILE = "experiment.sqlite"
PATIENCE = 120.0
"""Seconds within which a process gets done, on a busy machine too."""

DEMANDING = (
    "--env", "tau-bench", "--model", "sim/learner:latency=0.002", "--memory", "none,reasoningbank",
    "--scaling", "single,parallel:3", "--speculate", "8", "--orders", "2", "--quiet", "--json",
)  # fmt: skip
"""Options of eight runs that run ahead, half of them with three rollouts a task."""

Committed = Mapping[tuple[int, int], str]
"""A hash of every column of every row of a committed task, by run and position."""


@dataclass(frozen=True)
class Evaluation:
    """One ``rbsuite eval`` command.

    Attributes:
        options: its options, without ``--out``.
        cache: where the processes keep compiled modules, which makes all but the first start quickly.
        program: what is run instead of the ``rbsuite`` command.
    """

    options: Sequence[str]
    cache: Path
    program: str = "from rbsuite.cli import main\nmain()"

    def start(self, directory: Path, *more: str, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
        """Start it on an experiment's directory; ``before`` is called in the new process."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        support = str(Path(__file__).parent)
        return subprocess.Popen(
            [sys.executable, "-c", self.program, "eval", *self.having(*more).options, "--out", str(directory)],
            env={**environment, "PYTHONPYCACHEPREFIX": str(self.cache), "PYTHONPATH": support},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
        )

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of rbsuite."""
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(self.cache)}
        argv = [sys.executable, "-c", self.program, *arguments]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def having(self, *more: str) -> Evaluation:
        """The same with further options, which take the place of their namesakes, since none may be given twice."""
        kept = list(self.options)
        for name in more:
            if name.startswith("--") and name in kept:
                del kept[kept.index(name) : kept.index(name) + 2]
        return replace(self, options=(*kept, *more))

    def run(self, directory: Path, *more: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        with self.start(directory, *more) as process:
            out, err = process.communicate(timeout=PATIENCE)
            return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def digest(directory: Path) -> str:
    """The digest of a finished experiment, whose hash chains are checked."""
    with ExperimentStore.open(directory, readonly=True) as store:
        assert all(store.run_finished(info.id) for info in store.manifest.runs)
        assert intact(store)
        return experiment_digest(store)


def intact(store: ExperimentStore) -> bool:
    """Whether every run is a prefix of its stream with an unbroken chain."""
    return all(
        store.verify_chain(info.id) == store.state(info.id)[1]
        and [record.position for record in store.records(info.id)] == list(range(store.committed(info.id)))
        for info in store.manifest.runs
    )


def committed(directory: Path) -> Committed:
    """What is committed. Times are among it, so a task that is run again does not stay the same."""
    if not (directory / FILE).exists():
        return {}
    with ExperimentStore.open(directory, readonly=True) as store:
        assert intact(store)
    rows: dict[tuple[int, int], list[object]] = {}
    with closing(sqlite3.connect(f"{(directory / FILE).as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")  # one state, whoever goes on writing
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        places = {
            key: (run, position) for key, run, position in connection.execute("SELECT id, run, position FROM task")
        }
        for row in connection.execute("SELECT id, task.* FROM task ORDER BY id"):
            rows.setdefault(places[row[0]], []).append(row)
        for table in ("rollout", "recall", "op"):
            for row in connection.execute(f"SELECT task, {table}.* FROM {table} ORDER BY id"):
                rows[places[row[0]]].append((table, row))
        for row in connection.execute("SELECT task, body FROM rollout JOIN trajectory USING (id) ORDER BY id"):
            rows[places[row[0]]].append(row)
    return {place: hashlib.sha256(repr(parts).encode()).hexdigest() for place, parts in rows.items()}


def torn(directory: Path) -> bool:
    """Whether the write-ahead log ends within a commit: with frames of this round that no commit frame follows."""
    log = directory / f"{FILE}-wal"
    data = log.read_bytes() if log.exists() else b""
    if len(data) < 32:
        return False
    page, salt = struct.unpack_from(">I", data, 8)[0], data[16:24]
    complete = True
    for start in range(32, len(data), 24 + page):
        if data[start + 8 : start + 16] != salt:
            break
        complete = len(data) >= start + 24 + page and struct.unpack_from(">I", data, start + 4)[0] > 0
    return not complete


def wait_until(happened: Callable[[], bool], process: subprocess.Popen[str], pause: float = 0.005) -> bool:
    """Wait until something has happened; ``False`` if the process ended first."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(pause)
    return False


def tasks_committed(directory: Path) -> int:
    """How many tasks a store holds while it may be written."""
    if not (directory / FILE).exists():
        return 0
    with closing(sqlite3.connect(f"{(directory / FILE).as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        return int(connection.execute("SELECT count(*) FROM task").fetchone()[0])
