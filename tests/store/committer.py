"""A process that commits what is missing of a run and says so after each task; meant to be killed."""

from __future__ import annotations

import sys
from pathlib import Path

import samples

from rbsuite.store import ExperimentStore


def main() -> None:
    directory, count = Path(sys.argv[1]), int(sys.argv[2])
    if (directory / "experiment.sqlite").exists():
        store = ExperimentStore.open(directory)
    else:
        store = ExperimentStore.create(directory, samples.manifest(count))
    with store:
        version, state = store.state(samples.RUN)
        for record in samples.records(count, start=version, previous=state):
            store.commit(samples.RUN, record)
            print(record.position, flush=True)
        store.mark_finished(samples.RUN)


main()
