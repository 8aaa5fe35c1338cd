"""The digest tells outcomes apart and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from rbsuite.oplog import GENESIS, chain
from rbsuite.record import Manifest, RolloutRecord, TaskRecord
from rbsuite.store import ExperimentStore, experiment_digest, run_digest
from rbsuite.trajectory import Grade, Trajectory, Usage
from rbsuite.verdict import Verdict


def digest(place: Path, samples: ModuleType, record: TaskRecord, manifest: Manifest | None = None) -> str:
    with ExperimentStore.create(place, manifest or samples.manifest(3)) as store:
        store.commit(samples.RUN, record)
        return experiment_digest(store)


def rollout(change: Callable[[RolloutRecord], RolloutRecord]) -> Callable[[TaskRecord], TaskRecord]:
    return lambda record: replace(record, rollouts=(change(record.rollouts[0]), *record.rollouts[1:]))


def trajectory(change: Callable[[Trajectory], Trajectory]) -> Callable[[TaskRecord], TaskRecord]:
    return rollout(lambda made: replace(made, trajectory=change(made.trajectory)))


def last_word(made: Trajectory) -> Trajectory:
    step = made.steps[-1]
    return replace(made, steps=(*made.steps[:-1], replace(step, observation=replace(step.observation, text="other"))))


def fewer_ops(record: TaskRecord) -> TaskRecord:
    return replace(record, ops=record.ops[:1], state_hash=chain(GENESIS, 1, record.ops[:1]))


SEEN: dict[str, Callable[[TaskRecord], TaskRecord]] = {
    "score": trajectory(lambda made: replace(made, grade=Grade(0.0))),
    "end": trajectory(lambda made: replace(made, end="max_steps")),
    "an observation": trajectory(last_word),
    "policy": trajectory(lambda made: replace(made, steps=made.steps[1:])),
    "verdict": rollout(lambda made: replace(made, verdict=Verdict("failure"))),
    "refinement notes": rollout(lambda made: replace(made, notes=())),
    "recall": lambda record: replace(record, recalls=()),
    "bank": fewer_ops,
    "selected": lambda record: replace(record, selected=0),
    "rollouts": lambda record: replace(record, rollouts=record.rollouts[1:], selected=0),
}
UNSEEN: dict[str, Callable[[TaskRecord], TaskRecord]] = {
    "nothing": lambda record: record,
    "seconds": rollout(lambda made: replace(made, seconds=99.0)),
    "seconds of memory": lambda record: replace(record, memory_seconds=99.0),
    "usage": rollout(lambda made: replace(made, usage={"agent": Usage(1, 2, 3, 4.0)})),
    "task usage": lambda record: replace(record, usage={}),
    "counts": lambda record: replace(record, notes={"wasted": 3}),
}


@pytest.mark.parametrize("name", [*SEEN, *UNSEEN])
def test_what_is_covered(tmp_path: Path, samples: ModuleType, name: str) -> None:
    record = samples.record(0, GENESIS)
    changed = (SEEN | UNSEEN)[name](record)
    same = digest(tmp_path / "a", samples, record) == digest(tmp_path / "b", samples, changed)
    assert same is (name in UNSEEN)


def test_task_set_counts_and_paths_do_not(tmp_path: Path, samples: ModuleType) -> None:
    record, plan = samples.record(0, GENESIS), samples.manifest(3)
    first = digest(tmp_path / "a", samples, record, plan)
    assert first == digest(tmp_path / "b", samples, record, replace(plan, config={**plan.config, "data": "/somewhere"}))
    assert first != digest(tmp_path / "g", samples, record, replace(plan, config={**plan.config, "max_tokens": 9}))
    assert first != digest(tmp_path / "h", samples, record, replace(plan, facts={**plan.facts, "max_steps": 9}))
    assert first == digest(tmp_path / "c", samples, record, replace(plan, facts={**plan.facts, "host": "x"}))
    moved = {**plan.facts["task_set"], "source": "elsewhere"}
    assert first == digest(tmp_path / "f", samples, record, replace(plan, facts={**plan.facts, "task_set": moved}))
    other = {**plan.facts, "task_set": {"hash": "cd" * 32}}
    assert first != digest(tmp_path / "d", samples, record, replace(plan, facts=other))
    assert first != digest(tmp_path / "e", samples, record, replace(plan, runs=plan.runs[::-1]))


def test_every_commit_changes_it_and_reopening_does_not(filled: ExperimentStore, samples: ModuleType) -> None:
    before = experiment_digest(filled), run_digest(filled, samples.OFF)
    filled.commit(samples.RUN, samples.record(5, filled.state(samples.RUN)[1]))
    after = experiment_digest(filled)
    assert after != before[0]
    assert run_digest(filled, samples.OFF) == before[1]
    filled.close()
    with ExperimentStore.open(filled.directory, readonly=True) as store:
        assert experiment_digest(store) == after


def test_order_of_commits_of_two_runs_does_not_matter(tmp_path: Path, samples: ModuleType) -> None:
    digests = []
    for turn, runs in enumerate(((samples.RUN, samples.OFF), (samples.OFF, samples.RUN))):
        with ExperimentStore.create(tmp_path / str(turn), samples.manifest(3)) as store:
            for run in runs:
                for record in samples.records(3, run=run):
                    store.commit(run, record)
            digests.append(experiment_digest(store))
    assert digests[0] == digests[1]
