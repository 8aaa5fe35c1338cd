"""Checking an experiment's file as a whole, however damaged it is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rbsuite.errors import StoreError
from rbsuite.store.digest import experiment_digest
from rbsuite.store.experiment import FILE_NAME, ExperimentStore
from rbsuite.store.rows import Act


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of a check.

    Attributes:
        findings: what is not as it was written, one line each.
        digest: the digest of the experiment; empty if something was found.
        tasks: how many tasks are committed.
        acts: the acts by which runs were rewound or added.
        keyless: whether texts are sealed and the key is not here, so that banks and digest were not computed.
    """

    findings: tuple[str, ...]
    digest: str = ""
    tasks: int = 0
    acts: Sequence[Act] = ()
    keyless: bool = False


def check_experiment(directory: str | os.PathLike[str]) -> CheckReport:
    """Check the file of an experiment; a file too damaged to be read is a finding too.

    Raises:
        StoreError: there is no experiment.
    """
    if not (Path(directory) / FILE_NAME).is_file():
        ExperimentStore.open(directory, readonly=True).close()  # says what is wrong with the directory
    findings: list[str] = []
    try:
        with ExperimentStore.open(directory, readonly=True) as store:
            findings.extend(store.audit())
            tasks = sum(store.committed(info.id) for info in store.manifest.runs)
            acts = () if findings else store.acts()
            digest = "" if findings else experiment_digest(store)
            return CheckReport(tuple(findings), digest, tasks, acts, not store.can_reveal)
    except StoreError as error:
        return CheckReport((*findings, error.message))
