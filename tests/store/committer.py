"""A process that commits what is missing of a run and says so after each task; meant to be killed.

Arguments: directory, number of tasks, and after how many commits to wait for the end of standard input.
"""

from __future__ import annotations

import sys
from pathlib import Path

import samples
from rbsuite.store import ExperimentStore


def main() -> None:
    directory, count, pause = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    if (directory / "experiment.sqlite").exists():
        store = ExperimentStore.open(directory)
    else:
        store = ExperimentStore.create(directory, samples.manifest(count))
    with store:
        version, state = store.state(samples.RUN)
        for record in samples.records(count, start=version, previous=state):
            store.commit(samples.RUN, record)
            print(record.position, flush=True)
            if record.position + 1 == version + pause:
                sys.stdin.read()
        store.mark_finished(samples.RUN)


main()
