"""rbsuite as a library: what the command line and notebooks call.

    import rbsuite

    experiment = rbsuite.evaluate("tau-bench", memory=["none", "reasoningbank"], limit=10)
    print(experiment.comparisons[0].difference)

Every option of ``rbsuite eval`` is a keyword of the same name.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rbsuite.run.config import Execution

if TYPE_CHECKING:
    from rbsuite.plugins import Plugins
    from rbsuite.record import Condition, Manifest, RunInfo, TaskRecord
    from rbsuite.run.attributed import Effect
    from rbsuite.run.plan import Plan
    from rbsuite.statistics.summary import Summary
    from rbsuite.store import ExperimentStore
    from rbsuite.tables import (
        Difference,
        HelpedResult,
        ItemResult,
        RecallResult,
        Result,
        RolloutResult,
        Table,
        TaskResult,
    )

_BAR = "progress bar"

__all__ = ["Execution", "Experiment", "aevaluate", "attribute", "evaluate", "open_plan", "plan", "plan_again"]


class Experiment:
    """An experiment that is stored in a directory. Reading one needs none of its plugins.

    Use it as a context manager, or call :meth:`close`. An experiment can be read while another process is running it.

    Args:
        directory: where it is stored.
        reveal: whether to return the texts of private tasks (:attr:`rbsuite.TaskSet.private`); otherwise their lengths stand in for them.

    Raises:
        StoreError: there is no experiment, or what is to be revealed is sealed under a key that is not on this machine.
    """

    def __init__(self, directory: str | os.PathLike[str], *, reveal: bool = False) -> None:
        from rbsuite.run.config import as_path
        from rbsuite.store import ExperimentStore

        store = ExperimentStore.open(as_path("directory", directory, "Experiment"), readonly=True)
        try:
            self._store = store.revealed() if reveal else store
        except BaseException:
            store.close()
            raise
        # In a notebook nobody closes it.
        self._closing = weakref.finalize(self, self._store.close)

    @classmethod
    def open(cls, directory: str | os.PathLike[str], *, reveal: bool = False) -> Self:
        """Open an experiment, whether it was run here or from the command line."""
        return cls(directory, reveal=reveal)

    def __repr__(self) -> str:
        done = sum(self._store.committed(run.id) for run in self.runs)
        total = sum(len(run.tasks) for run in self.runs)
        mark = ", simulated" if self.simulated else ""
        return f"<Experiment {self.directory}: {done} of {total} tasks{mark}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. May be called again."""
        self._closing()

    @property
    def directory(self) -> Path:
        """Where the experiment is stored."""
        return self._store.directory

    @property
    def store(self) -> ExperimentStore:
        """The store, for everything that this class does not offer."""
        return self._store

    @property
    def manifest(self) -> Manifest:
        """What the experiment is: configuration, facts, runs."""
        return self._store.manifest

    @property
    def runs(self) -> Sequence[RunInfo]:
        """Its runs: conditions x orders."""
        return self._store.manifest.runs

    @property
    def conditions(self) -> Sequence[Condition]:
        """What it compares, the baseline first."""
        return tuple(dict.fromkeys(run.condition for run in self.runs))

    @property
    def complete(self) -> bool:
        """Whether every run is finished."""
        return all(self._store.run_finished(run.id) for run in self.runs)

    @property
    def simulated(self) -> bool:
        """Whether a model is a simulation, so that the figures say nothing about a real one."""
        return bool(self.manifest.facts["simulated"])

    @property
    def digest(self) -> str:
        """One hash of the outcomes: equal digests mean the same outcomes, word for word."""
        from rbsuite.store import experiment_digest

        return experiment_digest(self._store)

    @property
    def results(self) -> Table[Result]:
        """One row for each condition, the baseline first: success, cost, what memory did."""
        from rbsuite import tables

        return tables.results(self._store, self.summary())

    @property
    def comparisons(self) -> Table[Difference]:
        """One row for each condition against the baseline: the paired difference, its interval, its p value."""
        from rbsuite import tables

        return tables.comparisons(self._store, self.summary())

    def tasks(self) -> Table[TaskResult]:
        """One row for each committed task of each run, in stream order."""
        from rbsuite import tables

        return tables.tasks(self._store)

    def rollouts(self, *, trajectories: bool = True) -> Table[RolloutResult]:
        """One row for each rollout.

        Args:
            trajectories: whether queries and steps are read too; without them it is much faster.
        """
        from rbsuite import tables

        return tables.rollouts(self._store, trajectories=trajectories)

    def items(self) -> Table[ItemResult]:
        """One row for each item currently in the memories, run by run."""
        from rbsuite import tables

        return tables.items(self._store)

    def recalls(self) -> Table[RecallResult]:
        """One row for each item that was recalled for a task."""
        from rbsuite import tables

        return tables.recalls(self._store)

    def helped(self, *, baseline: str | None = None) -> Table[HelpedResult]:
        """One row for each item that was recalled: how tasks went with it and without it, relative to the baseline. Not causal.

        Args:
            baseline: the memory to compare with; ``None``: the one of the first condition.
        """
        from rbsuite import tables

        return tables.helped(self._store, self.summary(baseline=baseline))

    def export(self, to: str, out: str | os.PathLike[str], *, reveal: bool = False) -> Path:
        """Write it in another format: ``csv``, ``jsonl``, ``parquet``, ``inspect`` or ``atif``; see :func:`rbsuite.export.export`.

        Returns:
            What was written.
        """
        from rbsuite.export import export
        from rbsuite.run.config import as_path

        return export(self._store, to, as_path("out", out, "export"), reveal=reveal).place

    def report(self, out: str | os.PathLike[str], *, baseline: str | None = None, reveal: bool = False) -> Path:
        """Write it as one page with figures, charts and rollouts; see :func:`rbsuite.report.html.page.write_report`.

        Args:
            out: the file.
            baseline: the memory to compare with; ``None``: the one of the first condition.
            reveal: whether to write text that a benchmark's authors ask not to be made public.

        Returns:
            The file.
        """
        from rbsuite.plugins import load_plugins
        from rbsuite.report.html.page import write_report
        from rbsuite.run.config import as_path

        place = as_path("out", out, "report")
        write_report([self._store], place, load_plugins(), baseline=baseline, reveal=reveal)
        return place

    def records(self, run: str = "", *, trajectories: bool = True) -> Iterator[TaskRecord]:
        """The committed records in stream order.

        Args:
            run: id of a run; empty: all runs, one after the other.
            trajectories: whether queries and steps are read too.
        """
        for info in self.runs:
            if run in ("", info.id):
                yield from self._store.records(info.id, trajectories=trajectories)

    def summary(self, *, baseline: str | None = None) -> Summary:
        """The figures: success by condition, and the paired differences with their intervals.

        Args:
            baseline: the memory to compare with; ``None``: the one of the first condition.
        """
        from rbsuite.statistics.summary import summarise

        return summarise(self._store, baseline=baseline)


def plan(
    env: str | None = None, *, plugins: Plugins | None = None, execution: Execution | None = None, **options: Any
) -> Plan:
    """What :func:`evaluate` would run; nothing is run or written.

    Args:
        env: the environment, e.g. ``"tau-bench"`` or ``"aime:reader=lm-eval"``.
        plugins: where names are looked up; ``None``: everything that is installed.
        execution: how it will be carried out, if that is known; options that do not go together are refused.
        options: the options of an experiment, by the names of :class:`rbsuite.run.config.ExperimentConfig`.

    Raises:
        RbsuiteError: an option, name, template or data set that cannot be used.
    """
    from rbsuite.plugins import load_plugins
    from rbsuite.run.config import FIELDS, check_value, make_config
    from rbsuite.run.names import look_up
    from rbsuite.run.plan import make_plan
    from rbsuite.specs import EnvironmentSpec

    _check_setting(execution, plugins)
    given = {"env": env, **options} if env is not None else options
    unknown = next((name for name in given if name not in FIELDS), None)
    if unknown is not None:
        from rbsuite.errors import UnknownNameError

        raise UnknownNameError("option", unknown, FIELDS)
    values = {name: check_value(name, value, "options") for name, value in given.items() if value is not None}
    found = plugins or load_plugins()
    published = None
    if values.get("env") and values.get("protocol"):
        spec = look_up(found, "environment", values["env"]).spec
        published = spec.protocols if isinstance(spec, EnvironmentSpec) else None
    return make_plan(make_config(values, published=published), found, execution)


def _check_setting(execution: object, plugins: object) -> None:
    from rbsuite.errors import UsageError, in_words
    from rbsuite.plugins import Plugins

    if not isinstance(execution, Execution | None):
        raise UsageError(f"execution must be an Execution, not {in_words(execution)}.", "Write rbsuite.Execution(...).")
    if not isinstance(plugins, Plugins | None):
        raise UsageError(
            f"plugins must be Plugins, not {in_words(plugins)}.", "Leave it out, or use rbsuite.load_plugins()."
        )


def plan_again(store: ExperimentStore, *, plugins: Plugins | None = None, execution: Execution | None = None) -> Plan:
    """The plan of a stored experiment, for running parts of it again unchanged.

    Args:
        store: the experiment.
        plugins: see :func:`plan`.
        execution: see :func:`plan`.

    Raises:
        RbsuiteError: something that it used is missing or has changed: a version, a task, a template.
    """
    from rbsuite.errors import StoreError, UsageError
    from rbsuite.run.config import FIELDS, from_plain
    from rbsuite.run.directory import check_same

    config = from_plain(store.manifest.config)
    options = {name: getattr(config, name) for name, field in FIELDS.items() if getattr(config, name) != field.default}
    planned = plan(plugins=plugins, execution=execution, **options)
    try:
        check_same(planned, store)
    except StoreError as error:
        reason = error.message.partition("another experiment: ")[2] or error.message
        raise UsageError(f"{store.directory} cannot be run again as it was: {reason}", "Restore that first.") from error
    return planned


def attribute(
    directory: str | os.PathLike[str],
    *,
    memory: str | None = None,
    items: int = 10,
    clusters: int = 5,
    again: bool = False,
    journal: str | os.PathLike[str] | None = None,
    execution: Execution | None = None,
    plugins: Plugins | None = None,
) -> Sequence[Effect]:
    """What memory items cause: each is left out, and the tasks for which it was recalled are run again. Repeating the call resumes it.

    Args:
        directory: where the experiment is stored; it is not changed.
        memory: the memory, or the name of a condition; ``None``: the first that recalled items.
        items: how many items to leave out: those that were recalled for the most tasks.
        clusters: how many clusters of items that say the same to leave out, over all orders.
        again: also run each task again with nothing left out, and compare with that.
        journal: the file that records what is done; ``None``: one in ``directory``.
        execution: how fast, and what all of it may cost.
        plugins: where names are looked up.

    Returns:
        The effect of each item, then of each cluster, the most helpful first.

    Raises:
        RbsuiteError: it cannot be run; what was done is kept.
    """
    from rbsuite.notebook import block
    from rbsuite.run.attributed import effects
    from rbsuite.run.attribution import FILE_NAME, Journal, condition_of, left_out, run_trials, trials_of
    from rbsuite.run.config import as_path
    from rbsuite.store import ExperimentStore

    _check_setting(execution, plugins)
    execution = execution or Execution()
    with ExperimentStore.open(as_path("directory", directory, "attribute"), readonly=True) as opened:
        store = opened.revealed() if execution.reveal else opened
        found = left_out(store, condition_of(store, memory), items, clusters)
        kept, trials = (
            Journal(as_path("journal", journal or store.directory / FILE_NAME, "attribute")),
            trials_of(found, again=again),
        )
        if any(kept.get(trial) is None for trial in trials):
            planned = plan_again(store, plugins=plugins, execution=execution)
            block(lambda: run_trials(planned, store, trials, kept, execution))
        return effects(found, kept, again=again)


def evaluate(
    env: str | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    execution: Execution | None = None,
    plugins: Plugins | None = None,
    add_orders: bool = False,
    progress: bool | None = None,
    **options: Any,
) -> Experiment:
    """Run an experiment, or resume it where it was stopped, and return it when it is complete, or at a look if it declares ``looks``.

    Args:
        env: the environment.
        out: directory of the experiment; ``None``: one below ``experiments``, named after the plan.
        execution: how it is carried out, and up to which look; never changes a result.
        add_orders: ``out`` contains it, finished with fewer orders; the others are added, and marked as undeclared wherever it is shown.
        plugins: where names are looked up; ``None``: everything that is installed.
        progress: whether to show progress; ``None``: only in a notebook.
        options: see :func:`plan`.

    Returns:
        The experiment, open for reading.

    Raises:
        RbsuiteError: it cannot be started or resumed; what was committed stays.
        KeyboardInterrupt: it was interrupted, and has been stopped cleanly; the same call resumes it.
    """
    from rbsuite.notebook import block

    return block(
        lambda: aevaluate(
            env,
            out=out,
            execution=execution,
            plugins=plugins,
            add_orders=add_orders,
            progress=progress,
            **options,
        )
    )


async def aevaluate(
    env: str | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    execution: Execution | None = None,
    plugins: Plugins | None = None,
    add_orders: bool = False,
    progress: bool | None = None,
    **options: Any,
) -> Experiment:
    """:func:`evaluate` for code that runs in an event loop."""
    from rbsuite.run.config import as_path
    from rbsuite.run.executors import run_experiment

    if out is not None:
        out = as_path("out", out, "options")
    planned = plan(env, plugins=plugins, execution=execution, **options)
    execution = execution or Execution()
    try:
        with open_plan(planned, out, add_orders=add_orders) as store, _shown(planned, store, execution, progress):
            await run_experiment(planned, store, execution)
            directory = store.directory
    finally:
        await planned.aclose()
    return Experiment(directory, reveal=execution.reveal)


@contextmanager
def _shown(planned: Plan, store: ExperimentStore, execution: Execution, progress: bool | None) -> Iterator[None]:
    """Show the experiment's progress, if that is wanted."""
    from rbsuite.notebook import Bar, in_notebook
    from rbsuite.store.looks import stage

    at = stage(store, execution.to_look)
    if at.finished or not (in_notebook() if progress is None else progress):
        yield
        return
    bar = Bar(at.runs, {run.id: store.committed(run.id) for run in at.runs})
    planned.plugins.register(bar, _BAR)
    try:
        yield
    finally:
        planned.plugins.remove(_BAR)
        bar.close()


@contextmanager
def open_plan(
    planned: Plan, out: str | os.PathLike[str] | None = None, *, join: bool = False, add_orders: bool = False
) -> Iterator[ExperimentStore]:
    """The store of a planned experiment, created if it does not exist. A start that fails before the first task leaves nothing behind.

    Args:
        planned: the experiment.
        out: its directory; ``None``: one named after the plan.
        join: work on it alongside other processes.
        add_orders: it is finished with fewer orders; the others are added, marked as undeclared.

    Raises:
        StoreError: the directory contains another experiment, or cannot be used.
    """
    from rbsuite.errors import Interrupted, LimitReached, Outage, RbsuiteError
    from rbsuite.run.directory import default_directory, open_experiment

    directory = default_directory(planned) if out is None else Path(out)
    with open_experiment(planned, directory, join=join, add_orders=add_orders) as store:
        try:
            yield store
        except RbsuiteError as error:
            if not isinstance(error, Interrupted | LimitReached | Outage):
                store.discard()
            raise
