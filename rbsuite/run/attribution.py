"""The effect of memory items: an item is left out of the bank, and the tasks for which it was recalled are run again, all else equal.

A task is run again at its place in its run's stream: the same bank version except for the item, the same seeds, the same opening. Its
score is compared with its original one. When several items say the same thing, one hides the effect of another, so clusters of items are
left out as well. Nothing is learned and nothing is judged; the experiment is not changed. Results are kept line by line in a journal, so
that the same command continues where it was stopped.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rbsuite.errors import LimitReached, Outage, StoreError, UnknownNameError, UsageError
from rbsuite.events import Event
from rbsuite.experience import MemoryItem
from rbsuite.files import Unusable, read_file
from rbsuite.memories.folded import folded_items
from rbsuite.models.client import Ledger
from rbsuite.models.meter import Counts, Meter, within_time
from rbsuite.record import ALL, Condition, RunInfo, TaskRecord, score_of
from rbsuite.run.config import Execution, one_at_a_time
from rbsuite.run.executors import job_of
from rbsuite.run.parts import RunParts
from rbsuite.run.plan import Plan
from rbsuite.run.private import unheard
from rbsuite.run.roles import first_failure
from rbsuite.run.spending import limits_of
from rbsuite.run.task_run import TaskRun, open_for
from rbsuite.run.worker import Worker
from rbsuite.statistics.clusters import clusters_of
from rbsuite.statistics.items import Held
from rbsuite.statistics.pairing import stream_tasks
from rbsuite.store import ExperimentStore
from rbsuite.trajectory import BROKEN_ENDS, Spent, Usage

FILE_NAME = "attribution.jsonl"
"""Name of the journal in an experiment's directory."""

Key = tuple[str, int, str, tuple[str, ...]]
"""What identifies a trial: a run, a position, the hash of its bank there, and what is left out."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A task to run again.

    Attributes:
        run: id of the run.
        position: its place in the stream.
        task: the task.
        state: hash chain of the bank after it, which shows that the run is still the one that was examined.
        without: ids of the items to leave out, sorted; if empty, the task is run again as it was.
        version: the version of the bank that the task reads.
    """

    run: str
    position: int
    task: str
    state: str
    without: tuple[str, ...]
    version: int

    @property
    def key(self) -> Key:
        """What identifies it."""
        return self.run, self.position, self.state, self.without

    @property
    def control(self) -> Trial:
        """The same trial with nothing left out."""
        return replace(self, without=())


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """The result of a trial.

    Attributes:
        score: of the answer that counts.
        broken: whether a rollout that counts broke; such a trial is run again when the command is.
        recalled: ids of the items that were recalled.
        spent: what it used.
    """

    score: float
    broken: bool
    recalled: tuple[str, ...]
    spent: Usage


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An item of a run's bank, or a cluster of items of all runs, and the tasks for which it was recalled.

    Attributes:
        kind: ``item`` or ``cluster``.
        title: of the item, or of the cluster's most recalled item.
        items: ids by run.
        trials: the tasks to run again.
        stored: what these tasks scored with it, in the same order; ``None`` if one broke.
    """

    kind: str
    title: str
    items: Mapping[str, tuple[str, ...]]
    trials: tuple[Trial, ...]
    stored: tuple[float | None, ...]


def condition_of(store: ExperimentStore, memory: str | None) -> Condition:
    """The condition whose items are left out.

    Args:
        store: the experiment.
        memory: its memory, or its label; ``None``: the first condition that recalled items.

    Raises:
        UnknownNameError: there is no condition of that name.
        UsageError: no items were recalled.
    """
    conditions = list(dict.fromkeys(run.condition for run in store.manifest.runs))
    named = [one for one in conditions if memory in (None, one.memory, one.label)]
    if not named:
        known = {text for one in conditions for text in (one.memory, one.label)}
        raise UnknownNameError("memory or condition", str(memory), known)
    for run in (run for run in store.manifest.runs if run.condition in named):
        for record in store.records(run.id, trajectories=False):
            if any(event.recall.items for event in record.recalls):
                return run.condition
    who = f"{memory} in " if memory else ""
    raise UsageError(f"no items were recalled by {who}{store.directory}.", "Name a memory that recalled items.")


def left_out(store: ExperimentStore, condition: Condition, items: int, clusters: int) -> Sequence[LeftOut]:
    """What to leave out of the banks of a condition: what was recalled for the most tasks. Probes do not count.

    Args:
        store: the experiment.
        condition: the condition.
        items: how many items, at most.
        clusters: how many clusters, at most.

    Raises:
        StoreError: the store cannot be read, or its texts are sealed and their key is not on this machine.
    """
    uses: dict[tuple[str, str], list[TaskRecord]] = {}
    ever: dict[str, Mapping[str, MemoryItem]] = {}
    held: dict[str, Held] = {}
    for run in (run for run in store.manifest.runs if run.condition == condition):
        ever[run.id], held[run.id] = folded_items(store, run.id).ever, Held(store, run.id)
        for record in store.records(run.id, trajectories=False, stop=len(stream_tasks(run))):
            for name in sorted({found.item_id for event in record.recalls for found in event.recall.items}):
                if name in ever[run.id]:
                    uses.setdefault((run.id, name), []).append(record)
    ranked = sorted(uses, key=lambda use: (-len(uses[use]), use))
    alike: dict[int, list[tuple[str, str]]] = {}
    said = {run: folded_items(store.revealed(), run).ever for run in ever}
    for use, label in zip(ranked, clusters_of([said[run][name] for run, name in ranked]), strict=True):
        alike.setdefault(label, []).append(use)
    found = [_left_out("item", [use], uses, ever, held) for use in ranked[:items]]
    by_size = sorted(alike.values(), key=lambda members: -sum(len(uses[use]) for use in members))
    return [*found, *(_left_out("cluster", members, uses, ever, held) for members in by_size[:clusters])]


def _left_out(
    kind: str,
    members: Sequence[tuple[str, str]],
    uses: Mapping[tuple[str, str], Sequence[TaskRecord]],
    ever: Mapping[str, Mapping[str, MemoryItem]],
    held: Mapping[str, Held],
) -> LeftOut:
    names: dict[str, list[str]] = {}
    for run, name in members:
        names.setdefault(run, []).append(name)
    trials, stored = [], []
    for run in sorted(names):
        records = {record.position: record for name in names[run] for record in uses[run, name]}
        for position, record in sorted(records.items()):
            recalled = {found.item_id for event in record.recalls for found in event.recall.items}
            without = tuple(
                name
                for name in sorted(names[run])
                if name in recalled or held[run].has(name, record.read_version, record.task_id)
            )
            trials.append(Trial(run, position, record.task_id, record.state_hash, without, record.read_version))
            broken = _broken([rollout.trajectory.end for rollout in record.rollouts], record.selected)
            stored.append(None if broken else record.score)
    run, first = members[0]
    ids = {name: tuple(sorted(found)) for name, found in sorted(names.items())}
    return LeftOut(kind, ever[run][first].title, ids, tuple(trials), tuple(stored))


def _broken(ends: Sequence[str], selected: int) -> bool:
    counting = ends if selected == ALL else [ends[selected]]
    return any(end in BROKEN_ENDS for end in counting)


def trials_of(found: Sequence[LeftOut], *, again: bool = False) -> Sequence[Trial]:
    """The trials of everything that is left out, each once, by run and position.

    Args:
        found: what is left out.
        again: whether each task is also run again with nothing left out.
    """
    made = {trial.key: trial for one in found for trial in one.trials}
    if again:
        made |= {trial.control.key: trial.control for trial in list(made.values())}
    return [made[key] for key in sorted(made)]


def estimated(store: ExperimentStore, trials: Sequence[Trial]) -> Usage:
    """The expected usage of trials: what the same tasks used originally, without judging and learning."""
    wanted: dict[str, dict[int, int]] = {}
    for trial in trials:
        places = wanted.setdefault(trial.run, {})
        places[trial.position] = places.get(trial.position, 0) + 1
    total = Ledger()
    for run, places in wanted.items():
        for record in store.records(run, trajectories=False):
            for _ in range(places.get(record.position, 0)):
                for usage in (record.usage, *(rollout.usage for rollout in record.rollouts)):
                    total.take({name: one for name, one in usage.items() if name not in ("judge", "memory")})
    return total.total


class Journal:
    """What has been done, one line of JSON per trial. A line that was cut off when a process died is ignored.

    Args:
        path: the file; created with the first line.

    Raises:
        StoreError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spent = Spent()
        """What all sessions have used."""
        self._done: dict[Key, TrialOutcome] = {}
        self._whole = 0
        try:
            data = read_file(path)
        except FileNotFoundError:
            data = b""
        except Unusable as error:
            raise StoreError(f"{path} cannot be a journal: {error}.", "Give --journal another file.") from error
        except OSError as error:
            raise StoreError(
                f"{path} cannot be read: {error.strerror}.", "Make it readable, or move it away."
            ) from error
        for line in data.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            self._take(line)
            self._whole += len(line)

    def _take(self, line: bytes) -> None:
        try:
            read = json.loads(line)
            key = read["run"], read["position"], read["state"], tuple(read["without"])
            usage = Usage(**read["spent"])
            done = TrialOutcome(read["score"], read["broken"], tuple(read["recalled"]), usage)
        except (ValueError, LookupError, TypeError) as error:
            raise StoreError(f"{self.path} is damaged.", "Move it away; what it held will be run again.") from error
        self._note(key, done)

    def _note(self, key: Key, done: TrialOutcome) -> None:
        self._done[key] = done
        cost = done.spent.cost
        self.spent += Spent(done.spent.calls, done.spent.tokens, cost or 0.0, int(cost is None))

    def get(self, trial: Trial) -> TrialOutcome | None:
        """The result of a trial; ``None`` if it has not been run, or broke."""
        found = self._done.get(trial.key)
        return None if found is None or found.broken else found

    def broke(self, trial: Trial) -> bool:
        """Whether a trial was run and broke."""
        found = self._done.get(trial.key)
        return found is not None and found.broken

    def keep(self, trial: Trial, outcome: TrialOutcome) -> None:
        """Write a line. Once this returns, a crash of the process cannot undo it.

        Raises:
            StoreError: it cannot be written.
        """
        written: dict[str, Any] = {
            "run": trial.run,
            "position": trial.position,
            "state": trial.state,
            "task": trial.task,
            "without": trial.without,
            "score": outcome.score,
            "broken": outcome.broken,
            "recalled": outcome.recalled,
            "spent": {
                name: getattr(outcome.spent, name) for name in ("calls", "input_tokens", "output_tokens", "cost")
            },
        }
        line = json.dumps(written).encode("ascii") + b"\n"
        try:
            with self.path.open("r+b" if self.path.exists() else "xb") as stream:
                stream.truncate(self._whole)  # what was cut off
                stream.seek(self._whole)
                stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise StoreError(
                f"{self.path} cannot be written: {error.strerror}.", "Free some space, or make it writable."
            ) from error
        self._whole += len(line)
        self._note(trial.key, outcome)


class _Deaf:
    """A sink that ignores everything: the results of trials are not part of the experiment."""

    watched = False

    def commit(self, run: RunInfo, record: TaskRecord, templates: Mapping[tuple[str, str], str]) -> None:
        """Nothing is committed."""

    def finish(self, run: RunInfo) -> None:
        """Nothing is finished."""

    def emit(self, event: Event) -> None:
        """Nobody listens."""


async def run_trials(
    plan: Plan,
    store: ExperimentStore,
    trials: Sequence[Trial],
    journal: Journal,
    execution: Execution,
    done: Callable[[int], None] = lambda count: None,
) -> None:
    """Run the trials that the journal does not have.

    Args:
        plan: the experiment, planned from its own manifest; it is closed at the end.
        store: the experiment.
        trials: what to run.
        journal: where results are kept.
        execution: how fast, and what all sessions together may spend; its time limit is for this session alone.
        done: called after each trial with the number done.

    Raises:
        LimitReached: a limit is reached.
        Outage: no model call of a trial was answered.
        RbsuiteError: a trial cannot be run.
    """
    left = [trial for trial in trials if journal.get(trial) is None]
    counts = Counts.for_processes(0)
    counts.write(0, journal.spent)
    limits = limits_of(execution)
    until = None if limits.seconds is None else time.time() + limits.seconds
    meter = Meter(limits, counts, until=until)
    slots = asyncio.Semaphore(1 if one_at_a_time(plan.spec, plan.config) else execution.concurrency)
    count = len(trials) - len(left)
    stopped: list[LimitReached] = []

    async def make(trial: Trial, parts: RunParts) -> None:
        nonlocal count
        async with slots:
            if stopped:
                return
            try:
                journal.keep(trial, await _made(parts, trial))
            except LimitReached as stop:  # trials under way are left to end
                stopped.append(stop)
                return
            count += 1
            done(count)

    environment = plan.environment, plan.tasks
    with unheard(plan.confined and not execution.reveal), within_time(meter):
        try:
            async with Worker(plan.config, plan.recipe, plan.plugins, _Deaf(), execution, meter, environment) as worker:
                for run in dict.fromkeys(trial.run for trial in left):
                    mine = [trial for trial in left if trial.run == run]
                    parts = await worker.parts(job_of(store.revealed(), store.run(run)))
                    async with asyncio.TaskGroup() as group:
                        for trial in mine:
                            group.create_task(make(trial, replace(parts, without=frozenset(trial.without))))
        except BaseExceptionGroup as failures:
            first = first_failure(failures)
            raise first from first.__cause__
        finally:
            await plan.aclose()
    if stopped:
        raise stopped[0]


async def _made(parts: RunParts, trial: Trial) -> TrialOutcome:
    """Run a task again."""
    opened = await open_for(parts, parts.tasks.by_id[trial.task], trial.position)
    run = TaskRun(parts, opened, trial.version, trial.version, learns=False, judges=False)
    draft = await run.run()
    if opened.roles.calls.refused is not None:
        raise opened.roles.calls.refused
    if why := run.unanswered(draft.group):
        raise Outage(f"no model call of task {trial.task!r} was answered: {why}")
    group = draft.group
    recalled = {found.item_id for event in draft.recalls for found in event.recall.items}
    return TrialOutcome(
        score_of(group.rollouts, group.selected),
        _broken([rollout.trajectory.end for rollout in group.rollouts], group.selected),
        tuple(sorted(recalled)),
        sum((ledger.total for ledger in (opened.ledger, *run.ledgers)), Usage()),
    )
