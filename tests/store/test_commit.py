"""Committing: what is accepted, what is refused, and that a refusal changes nothing."""

from __future__ import annotations

import errno
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rbsuite.errors import StoreError
from rbsuite.oplog import GENESIS
from rbsuite.record import RolloutRecord, TaskRecord, commit_id_of
from rbsuite.store import ExperimentStore
from rbsuite.store.codec import unsqueeze
from rbsuite.store.experiment import FILE_NAME
from rbsuite.trajectory import Image
from rbsuite.verdict import Verdict


def test_progress(store: ExperimentStore, samples: ModuleType) -> None:
    assert store.state(samples.RUN) == (0, GENESIS)
    record = samples.record(0, GENESIS)
    assert store.commit(samples.RUN, record)
    assert store.state(samples.RUN) == (1, record.state_hash)
    assert store.committed(samples.RUN) == 1
    assert store.committed(samples.OFF) == 0


def test_same_record_twice_changes_nothing(filled: ExperimentStore, samples: ModuleType) -> None:
    before = list(filled.records(samples.RUN))
    for record in before:
        assert not filled.commit(samples.RUN, record)
    assert list(filled.records(samples.RUN)) == before
    assert filled.commit(samples.RUN, samples.record(5, filled.state(samples.RUN)[1]))


CHANGES: dict[str, tuple[Callable[[TaskRecord], TaskRecord], str]] = {
    "gap": (lambda r: replace(r, position=6, version=7), "next position is 5"),
    "negative": (lambda r: replace(r, position=-1, version=0), "next position is 5"),
    "past the end": (lambda r: replace(r, position=99), "next position is 5"),
    "committed position": (lambda r: replace(r, position=4, version=5), "another record"),
    "other task": (lambda r: replace(r, task_id="retail/test/6"), "manifest has 'retail/test/5'"),
    "version": (lambda r: replace(r, version=7), "version is 7"),
    "reads the future": (lambda r: replace(r, read_version=6), "read version 6"),
    "reads before the start": (lambda r: replace(r, read_version=-1), "read version -1"),
    "selected": (lambda r: replace(r, selected=2), "rollout 2 is selected of 2"),
    "no rollouts": (lambda r: replace(r, rollouts=(), selected=0), "rollout 0 is selected of 0"),
    "chain": (lambda r: replace(r, state_hash="0" * 64), "chain"),
    "other operations": (lambda r: replace(r, ops=r.ops[:1]), "chain"),
    "commit of another task": (
        lambda r: replace(r, commit_id=commit_id_of("reasoningbank/single/order-0", 2, "retail/test/2")),
        "another run, position or task",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_does_not_continue_the_run_is_refused(filled: ExperimentStore, samples: ModuleType, name: str) -> None:
    change, why = CHANGES[name]
    before = list(filled.records(samples.RUN))
    good = samples.record(5, filled.state(samples.RUN)[1])
    with pytest.raises(StoreError, match=why) as caught:
        filled.commit(samples.RUN, change(good))
    assert "\n" not in str(caught.value)
    assert list(filled.records(samples.RUN)) == before
    assert filled.commit(samples.RUN, good)


def test_record_of_another_run_is_refused(filled: ExperimentStore, samples: ModuleType) -> None:
    with pytest.raises(StoreError, match="another run, position or task"):
        filled.commit(samples.OFF, samples.record(0, GENESIS))
    assert filled.commit(samples.OFF, samples.record(0, GENESIS, run=samples.OFF))


def test_same_record_with_another_outcome_is_refused(filled: ExperimentStore, samples: ModuleType) -> None:
    record = filled.record(samples.RUN, 4)
    with pytest.raises(StoreError, match="another record"):
        filled.commit(samples.RUN, replace(record, state_hash="f" * 64))


def test_unknown_run_is_named_by_every_method(filled: ExperimentStore, samples: ModuleType) -> None:
    record = filled.record(samples.RUN, 0)
    calls: list[Callable[[], Any]] = [
        lambda: filled.commit("x", record),
        lambda: filled.committed("x"),
        lambda: filled.state("x"),
        lambda: filled.records("x"),
        lambda: filled.record("x", 0),
        lambda: filled.ops("x"),
        lambda: filled.results("x"),
        lambda: filled.run_finished("x"),
        lambda: filled.mark_finished("x"),
        lambda: filled.verify_chain("x"),
        lambda: filled.run("x"),
    ]
    for call in calls:
        with pytest.raises(StoreError, match="no run 'x'"):
            call()


def test_finished(store: ExperimentStore, samples: ModuleType) -> None:
    for record in samples.records(10):
        with pytest.raises(StoreError, match="of 10 tasks"):
            store.mark_finished(samples.RUN)
        store.commit(samples.RUN, record)
    assert not store.run_finished(samples.RUN)
    store.mark_finished(samples.RUN)
    assert store.run_finished(samples.RUN)
    assert not store.run_finished(samples.OFF)


def spoiled(record: TaskRecord, **changes: Any) -> TaskRecord:
    trajectory = record.rollouts[0].trajectory
    assert trajectory.grade is not None
    trajectory = replace(trajectory, grade=replace(trajectory.grade, **changes))
    return replace(record, rollouts=(replace(record.rollouts[0], trajectory=trajectory), record.rollouts[1]))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"score": float("nan")}, r"record\.rollouts\[0\]\.trajectory\.grade\.score is nan"),
        ({"truth": {"a": [1, float("-inf")]}}, r"trajectory\.grade\.truth\['a'\]\[1\] is -inf"),
        ({"truth": {"a": {"b": object()}}}, r"truth\['a'\]\['b'\] is of type object"),
    ],
)
def test_values_that_cannot_be_stored_are_named(
    filled: ExperimentStore, samples: ModuleType, changes: dict[str, Any], where: str
) -> None:
    good = samples.record(5, filled.state(samples.RUN)[1])
    with pytest.raises(StoreError, match=where):
        filled.commit(samples.RUN, spoiled(good, **changes))
    judged = replace(good, rollouts=(replace(good.rollouts[0], verdict=Verdict("success", float("inf"))),), selected=0)
    with pytest.raises(StoreError, match=r"verdict\.score is inf"):
        filled.commit(samples.RUN, judged)
    with pytest.raises(StoreError, match="cannot be stored"):
        filled.commit(samples.RUN, replace(good, recalls=(replace(good.recalls[0], step=2**70),)))
    assert filled.committed(samples.RUN) == 5
    assert filled.commit(samples.RUN, good)


def test_threads_may_commit_different_runs(tmp_path: Path, samples: ModuleType) -> None:
    runs = (samples.RUN, samples.OFF)
    with ExperimentStore.create(tmp_path, samples.manifest(30)) as store:

        def work(run: str) -> None:
            for record in samples.records(30, run=run):
                store.commit(run, record)
                assert store.record(run, record.position) == record

        threads = [threading.Thread(target=work, args=(run,)) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert [store.committed(run) for run in runs] == [30, 30]
        assert store.verify_chain(samples.RUN) == store.verify_chain(samples.OFF) == store.state(samples.RUN)[1]


def limit_file_size() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))


def test_full_disk_is_said_and_leaves_a_valid_store(tmp_path: Path, samples: ModuleType) -> None:
    script = str(Path(__file__).with_name("committer.py"))
    done = subprocess.run(
        [sys.executable, script, str(tmp_path / "e"), "500", "500"],
        stdin=subprocess.DEVNULL,
        preexec_fn=limit_file_size,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    assert "what was committed is safe" in done.stderr
    told = len(done.stdout.split())
    with ExperimentStore.open(tmp_path / "e") as store:
        assert 0 < store.committed(samples.RUN) == told < 500
        assert store.verify_chain(samples.RUN) == store.state(samples.RUN)[1]
        assert store.commit(samples.RUN, samples.record(told, store.state(samples.RUN)[1]))


def test_broken_rollout_has_no_verdict(store: ExperimentStore, samples: ModuleType) -> None:
    good = samples.record(0, GENESIS)
    trajectory = replace(good.rollouts[0].trajectory, end="env_error", error="it fell over", grade=None, final=None)
    record = replace(good, rollouts=(RolloutRecord(trajectory, None, {}),), selected=0)
    store.commit(samples.RUN, record)
    assert store.record(samples.RUN, 0) == record
    assert [(row.end, row.label) for row in store.results(samples.RUN)] == [("env_error", "")]


def test_an_image_is_stored_once_however_often_it_is_seen(store: ExperimentStore, samples: ModuleType) -> None:
    image = Image.of(bytes(range(256)) * 40, description="a hall")
    state, records = GENESIS, []
    for position in range(2):
        good = samples.record(position, state, rollouts=1)
        trajectory = good.rollouts[0].trajectory
        steps = tuple(
            replace(step, observation=replace(step.observation, images=(image,))) if step.actor == "agent" else step
            for step in trajectory.steps
        )
        seen = replace(good.rollouts[0], trajectory=replace(trajectory, steps=steps))
        records.append(replace(good, rollouts=(seen,)))
        store.commit(samples.RUN, records[-1])
        state = good.state_hash
    assert [store.record(samples.RUN, position) for position in range(2)] == records
    with closing(sqlite3.connect(store.directory / FILE_NAME)) as connection:
        blobs = [unsqueeze(data) for (data,) in connection.execute("SELECT data FROM blob")]
        bodies = [unsqueeze(data) for (data,) in connection.execute("SELECT body FROM trajectory")]
    assert sum(image.data in blob for blob in blobs) == 1
    assert not any(image.data in body for body in bodies)


def test_templates_are_noted_and_may_not_change(store: ExperimentStore) -> None:
    used = {("", "judge/self.j2"): "ab" * 32, ("mine", "judge/self.j2"): "cd" * 32}
    store.note_templates(used)
    store.note_templates({("", "judge/self.j2"): "ab" * 32})
    with pytest.raises(StoreError, match=r"judge/self\.j2 has changed"):
        store.note_templates({("", "judge/self.j2"): "ef" * 32})
    assert store.templates() == used


@pytest.mark.parametrize(
    ("models", "costs"),
    [
        ({"agent": "openai/gpt-4o", "judge": "sim/learner"}, True),
        ([{"agent": "sim/learner"}, {"agent": "x/y"}], True),
        ({"agent": "sim/learner:slip=0", "judge": "sim/learner"}, False),
        (None, True),
    ],
)
def test_a_task_that_may_have_cost_money_is_put_on_the_disk_at_once(
    tmp_path: Path, samples: ModuleType, monkeypatch: pytest.MonkeyPatch, models: object, costs: bool
) -> None:
    synced = threading.Semaphore(0)
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        synced.release()

    manifest = samples.manifest(3)
    with ExperimentStore.create(tmp_path, replace(manifest, facts={**manifest.facts, "models": models})) as store:
        monkeypatch.setattr(os, "fsync", fsync)
        store.commit(samples.RUN, samples.record(0, GENESIS))
        assert synced.acquire(timeout=5 if costs else 0.3) is costs


def test_a_disk_that_refuses_ends_the_run_with_one_line(
    tmp_path: Path, samples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = threading.Event()

    def fsync(descriptor: int) -> None:
        refused.set()
        raise OSError(errno.EIO, "Input/output error")

    manifest = samples.manifest(3)
    store = ExperimentStore.create(tmp_path, replace(manifest, facts={**manifest.facts, "models": {"agent": "x/y"}}))
    monkeypatch.setattr(os, "fsync", fsync)
    store.commit(samples.RUN, samples.record(0, GENESIS))
    assert refused.wait(5)
    with pytest.raises(StoreError, match=r"could not be written to the disk \(Input/output error\)"):
        store.close()
    with ExperimentStore.open(tmp_path) as store:
        assert store.committed(samples.RUN) == 1
