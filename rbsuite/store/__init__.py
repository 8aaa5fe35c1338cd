"""The experiment store: one SQLite file that contains everything kept of an experiment.

A task's result, rollouts, recalls and memory operations are committed in one transaction; a hash chain over the operations reveals any
change. :class:`ExperimentStore` writes and reads, :func:`~rbsuite.store.digest.experiment_digest` tells whether two experiments had the
same outcome, :func:`~rbsuite.store.export.export_jsonl` writes everything as text.
"""

from __future__ import annotations

from rbsuite.oplog import GENESIS as GENESIS
from rbsuite.oplog import chain as chain
from rbsuite.scrub import scrub as scrub
from rbsuite.store.digest import experiment_digest as experiment_digest
from rbsuite.store.digest import run_digest as run_digest
from rbsuite.store.experiment import ExperimentStore as ExperimentStore
from rbsuite.store.export import export_jsonl as export_jsonl
from rbsuite.store.rows import ResultRow as ResultRow
from rbsuite.store.rows import TaskRow as TaskRow

__all__ = [
    "GENESIS",
    "ExperimentStore",
    "ResultRow",
    "TaskRow",
    "chain",
    "experiment_digest",
    "export_jsonl",
    "run_digest",
    "scrub",
]
