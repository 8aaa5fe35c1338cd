"""The results of experiments, read once for all figures."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter

from rbsuite.record import Condition, RunInfo
from rbsuite.statistics.about import about
from rbsuite.statistics.intervals import average
from rbsuite.statistics.pairing import stream_tasks
from rbsuite.store import ExperimentStore, ResultRow
from rbsuite.store.looks import stage
from rbsuite.trajectory import BROKEN_ENDS

NO_MEMORY = "none"
WARM = " after "
"""Separates a memory's name from the experiment whose bank it started with."""
ANSWER = "answered"
"""Key in a rollout's truth of its answer as counted in a vote; ``None`` for no answer. Absent if a vote makes no sense."""

INVALID = ("invalid", "invalid_actions")
"""Key in a rollout's truth of how many of its actions the environment considered invalid."""
UNREADABLE = "unreadable"
"""Key in a rollout's truth of how many replies the environment could not parse, or whether there was one."""

Keep = Callable[[str], bool]
"""Whether the task with this id counts."""

Rollouts = tuple[ResultRow, ...]
"""The rollouts of one task in one run, by index; the truth contains only what the figures need."""


@dataclass(frozen=True, slots=True)
class RunRows:
    """What is committed of one run.

    Attributes:
        info: the run.
        tasks: the rollouts of each task of the stream, in its order.
        probes: the rollouts of each task that was run again at the end.
        source: the position of its experiment among those that are read.
    """

    info: RunInfo
    tasks: Sequence[Rollouts]
    probes: Sequence[Rollouts]
    source: int = 0


Runs = Mapping[Condition, Sequence[RunRows]]
"""The runs of each condition."""


def read_runs(stores: Iterable[ExperimentStore]) -> tuple[Runs, Sequence[Condition]]:
    """The runs of each condition in the order of the stores, and the conditions of runs that were left out.

    A run is left out if an earlier store contains the same condition on the same stream, or if it is not due yet at the experiment's
    current look.

    Raises:
        StoreError: a store cannot be read.
    """
    found: dict[Condition, list[RunRows]] = {}
    repeated: dict[Condition, None] = {}
    with _nothing_collected():
        for source, store in enumerate(stores):
            wanted = {ANSWER, UNREADABLE, *INVALID, *about(store).measures}
            for info in stage(store).runs:
                condition = _told_apart(store, info.condition)
                known = found.setdefault(condition, [])
                if any((one.info.seed, stream_tasks(one.info)) == (info.seed, stream_tasks(info)) for one in known):
                    repeated[condition] = None
                else:
                    known.append(_read(store, info, wanted, source))
    return found, list(repeated)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Turns off cyclic garbage collection: rows form no cycles, and the collector would go through all of them again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def counted(rollouts: Rollouts) -> ResultRow:
    """The rollout that counts as its task's answer; if all count, one with the means of their scores and figures."""
    if len(rollouts) == 1:
        return rollouts[0]
    if not averaged(rollouts):
        return next(row for row in rollouts if row.selected)
    first = next((row for row in rollouts if row.end not in BROKEN_ENDS), rollouts[0])
    names = dict.fromkeys(name for row in rollouts for name in row.measures)
    measures = {
        name: average([0.0 if row.end in BROKEN_ENDS else row.measures.get(name, 0.0) for row in rollouts])
        for name in names
    }
    whole = next(row.whole for row in rollouts if row.selected)
    return replace(first, score=average([row.score or 0.0 for row in rollouts]), measures=measures, whole=whole)


def averaged(rollouts: Rollouts) -> bool:
    """Whether a task's score is the mean of its rollouts'."""
    return len(rollouts) > 1 and all(row.selected for row in rollouts)


def broken_share(rollouts: Rollouts) -> float:
    """How much of a task's answer broke: 1 if the rollout that counts did; if all count, the share of them that did."""
    if len(rollouts) == 1:
        return float(rollouts[0].end in BROKEN_ENDS)
    counting = [row for row in rollouts if row.selected]
    return sum(row.end in BROKEN_ENDS for row in counting) / len(counting)


def _told_apart(store: ExperimentStore, condition: Condition) -> Condition:
    """The condition of a run; one that started with another experiment's bank is a different condition from one that started empty."""
    source = store.manifest.config.get("warm_start")
    if not source or condition.memory == NO_MEMORY:
        return condition
    return replace(condition, memory=f"{condition.memory}{WARM}{source}")


def _read(store: ExperimentStore, info: RunInfo, wanted: set[str], source: int) -> RunRows:
    rows = store.results(info.id, details=wanted)
    tasks = [tuple(rollouts) for _, rollouts in groupby(rows, key=attrgetter("position"))]
    length = len(stream_tasks(info))
    return RunRows(info, tasks[:length], tasks[length:], source)
