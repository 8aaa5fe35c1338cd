"""Several stores on one experiment: one alone, or several that joined, each run written by one of them at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest

from rbsuite.errors import StoreError
from rbsuite.oplog import GENESIS
from rbsuite.store import ExperimentStore

HOLD = """
import sys
from rbsuite.store import ExperimentStore

with ExperimentStore.open(sys.argv[1], join=True) as store:
    print(store.claim(sys.argv[2]), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def two(tmp_path: Path, samples: ModuleType) -> Iterator[tuple[ExperimentStore, ExperimentStore]]:
    """Two stores that joined."""
    with ExitStack() as stack:
        first = stack.enter_context(ExperimentStore.create(tmp_path, samples.manifest(5), join=True))
        second = stack.enter_context(ExperimentStore.open(tmp_path, join=True))
        yield first, second


def test_run_is_taken_by_one(two: tuple[ExperimentStore, ExperimentStore], samples: ModuleType) -> None:
    first, second = two
    assert first.claim(samples.RUN)
    assert first.claim(samples.RUN), "it is still its own"
    assert not second.claim(samples.RUN)
    assert second.claim(samples.OFF)
    assert second.holder(samples.RUN) == str(os.getpid())
    first.release(samples.RUN)
    first.release(samples.RUN)
    assert second.claim(samples.RUN)


def test_commit_takes_the_run(two: tuple[ExperimentStore, ExperimentStore], samples: ModuleType) -> None:
    first, second = two
    record = samples.record(0, GENESIS)
    assert first.commit(samples.RUN, record)
    for write in (lambda: second.commit(samples.RUN, record), lambda: second.mark_finished(samples.RUN)):
        with pytest.raises(StoreError, match=f"being written by process {os.getpid()}"):
            write()
    assert second.commit(samples.OFF, samples.record(0, GENESIS, run=samples.OFF))
    assert first.committed(samples.OFF) == second.committed(samples.RUN) == 1


def test_run_that_was_given_back_is_gone_on_with(
    two: tuple[ExperimentStore, ExperimentStore], samples: ModuleType
) -> None:
    """Also after another process has gone on with it: what the first knew of the run is out of date."""
    records = list(samples.records(5))
    for number, record in enumerate(records):
        store = two[number % 2]
        assert store.commit(samples.RUN, record)
        store.release(samples.RUN)
    two[1].mark_finished(samples.RUN)
    assert two[0].run_finished(samples.RUN)
    assert list(two[0].records(samples.RUN)) == records


def test_what_a_dead_process_held_is_free(tmp_path: Path, samples: ModuleType) -> None:
    with ExperimentStore.create(tmp_path, samples.manifest(5), join=True) as store:
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path), samples.RUN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "True\n"
            assert not store.claim(samples.RUN)
            assert store.holder(samples.RUN) == str(other.pid)
            other.kill()
        assert store.claim(samples.RUN)


def test_one_alone_and_those_that_join(tmp_path: Path, samples: ModuleType) -> None:
    with ExperimentStore.create(tmp_path, samples.manifest(5)) as alone:
        with pytest.raises(StoreError, match=f"being written by process {os.getpid()}.*--join"):
            ExperimentStore.open(tmp_path)
        assert alone.claim(samples.RUN)
        with ExperimentStore.open(tmp_path, join=True) as joined:
            assert not joined.claim(samples.RUN)
            alone.close()
            assert joined.claim(samples.RUN)
            with pytest.raises(StoreError, match=r"processes that joined it.*--join"):
                ExperimentStore.open(tmp_path)
    ExperimentStore.open(tmp_path).close()


def test_made_once_by_those_that_join(tmp_path: Path, samples: ModuleType) -> None:
    with (
        ExperimentStore.create(tmp_path, samples.manifest(5), join=True),
        pytest.raises(StoreError, match="already contains an experiment"),
    ):
        ExperimentStore.create(tmp_path, samples.manifest(5), join=True)


def test_readers_have_no_part_in_it(two: tuple[ExperimentStore, ExperimentStore], samples: ModuleType) -> None:
    with ExperimentStore.open(two[0].directory, readonly=True) as reader:
        for ask in (reader.claim, reader.release, reader.holder):
            with pytest.raises(StoreError, match="read-only"):
                ask(samples.RUN)
