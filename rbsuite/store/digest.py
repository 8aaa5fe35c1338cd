"""One hash for the outcome of an experiment: equal digests mean the same outcomes, word for word.

It covers the configuration (every option except those that name files, whose contents are covered by the rest) and what it resolved to:
environment, models, embedder, step limit, what judges see, the hash of the task set; and for every run in the manifest's order its id,
order, seed and tasks; the hash chain of the bank it was given, if any; per task what was read and committed, the hash chain of the bank,
the recalls with items, scores and text, the selected rollout, and per rollout the whole trajectory, verdict and notes. It leaves out what
may differ between equal experiments: wall time, usage and money, commit ids, counts of things to report (speculation adds to both), the
name of the index that answered, the versions of rbsuite and of plugins, and where data came from.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from rbsuite.jsonable import plain
from rbsuite.oplog import GENESIS
from rbsuite.record import Manifest, RecallEvent, RolloutRecord, TaskRecord
from rbsuite.store.codec import body_row, inline, verdict_row
from rbsuite.store.experiment import ExperimentStore

PLACES = frozenset({"data", "prompts", "warm_start"})
"""Options that name files and directories. Their contents are covered by the task set's hash, the trajectories and the initial bank."""

RESOLVED = ("environment", "models", "embedder", "max_steps", "judge_sees_ground_truth", "simulated")
"""Facts of the manifest that are covered, besides the hash of the task set."""

_SERVER = re.compile(r"(?<=[:,])server=[^,]*,|[:,]server=[^,]*")

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=plain)


def experiment_digest(store: ExperimentStore) -> str:
    """SHA-256 (hex) of an experiment's outcome so far, including texts; empty if these are sealed and the key is not here."""
    if not store.can_reveal:
        return ""
    lines = [_ENCODER.encode(["experiment", 2, _task_set_hash(store.manifest.facts), _options(store.manifest)])]
    lines.extend(run_digest(store, info.id) for info in store.manifest.runs)
    return hashlib.sha256("\n".join(lines).encode("ascii")).hexdigest()


def run_digest(store: ExperimentStore, run_id: str) -> str:
    """SHA-256 (hex) of one run's outcome so far.

    Raises:
        StoreError: its texts are sealed, and the key is not here.
    """
    store = store.revealed()
    info = store.run(run_id)
    state = hashlib.sha256()
    state.update(_line(["run", info.id, info.order, info.order_name, info.seed, info.tasks]))
    if (start := store.start_hash(run_id)) != GENESIS:
        state.update(_line(["bank", start]))
    for record in store.records(run_id):
        state.update(_line(_task(record)))
    return state.hexdigest()


def _task_set_hash(facts: Mapping[str, Any]) -> str | None:
    """The ``hash`` in the fact ``task_set``; its other entries say where the data came from, which may be a path."""
    task_set = facts.get("task_set")
    return task_set.get("hash") if isinstance(task_set, Mapping) else None


def _options(manifest: Manifest) -> list[Any]:
    options = {name: _unserved(value) for name, value in manifest.config.items() if name not in PLACES}
    return [options, {name: _unserved(manifest.facts.get(name)) for name in RESOLVED}]


def _unserved(value: Any) -> Any:
    """A value with the server removed from references to simulated models: their answers do not depend on where they run."""
    if isinstance(value, str):
        return _SERVER.sub("", value) if value.startswith("sim/") else value
    if isinstance(value, Mapping):
        return {name: _unserved(one) for name, one in value.items()}
    return [_unserved(one) for one in value] if isinstance(value, list | tuple) else value


def _line(value: Any) -> bytes:
    return f"{_ENCODER.encode(value)}\n".encode("ascii")


def _task(record: TaskRecord) -> list[Any]:
    return [
        record.task_id,
        record.position,
        record.read_version,
        record.version,
        record.selected,
        record.state_hash,
        [_rollout(rollout) for rollout in record.rollouts],
        [_recall(event) for event in record.recalls],
    ]


def _rollout(record: RolloutRecord) -> list[Any]:
    made = record.trajectory
    head = [made.task_id, made.rollout, made.seed, made.query, made.end, made.error, made.grade]
    return [head, body_row(made, inline), verdict_row(record.verdict), record.notes]


def _recall(event: RecallEvent) -> list[Any]:
    items = [[item.item_id, item.revision, item.score, item.rank] for item in event.recall.items]
    return [event.rollout, event.phase, event.step, event.version, items, event.recall.text, event.recall.reason]
