"""What a notebook needs: calls that block while a loop runs, interrupts, a bar, and tables."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from dataclasses import fields
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pandas
import pytest

import rbsuite
from experiments import core_plugins
from rbsuite.errors import UsageError
from rbsuite.events import TaskCommitted
from rbsuite.tables import Difference, ItemResult, Result, RolloutResult, TaskResult
from toy import ToyPlugin

OPTIONS: dict[str, Any] = {"memory": ["none", "reasoningbank"], "orders": 2}


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> rbsuite.Experiment:
    out = tmp_path_factory.mktemp("toy") / "out"
    return rbsuite.evaluate("toy", out=out, plugins=core_plugins(ToyPlugin()), **OPTIONS)


def test_it_runs_where_a_loop_runs_and_gives_the_same(experiment: rbsuite.Experiment, tmp_path: Path) -> None:
    async def cell() -> rbsuite.Experiment:
        return rbsuite.evaluate("toy", out=tmp_path / "out", plugins=core_plugins(ToyPlugin()), **OPTIONS)

    with asyncio.run(cell()) as found:
        assert found.digest == experiment.digest


def test_an_error_is_the_same_where_a_loop_runs(tmp_path: Path) -> None:
    async def cell() -> None:
        rbsuite.evaluate("toy", out=tmp_path / "out", memory="nothing", plugins=core_plugins(ToyPlugin()))

    with pytest.raises(UsageError, match="unknown memory 'nothing'"):
        asyncio.run(cell())


def test_it_can_be_interrupted_and_gone_on_with(experiment: rbsuite.Experiment, tmp_path: Path) -> None:
    """The kernel's stop button is a SIGINT to the main thread, in which the cell waits."""
    main = threading.main_thread().ident
    assert main is not None

    class Stopper:
        event_types = (TaskCommitted,)
        seen = 0

        @rbsuite.hookimpl
        def rbsuite_event(self, event: TaskCommitted) -> None:
            self.seen += 1
            if self.seen == 5:
                signal.pthread_kill(main, signal.SIGINT)

    out, given = tmp_path / "out", {**OPTIONS, "model": "sim/learner:latency=0.02"}
    caught: list[str] = []

    async def cell() -> None:
        plugins = core_plugins(ToyPlugin(), Stopper())
        try:
            rbsuite.evaluate("toy", out=out, plugins=plugins, **given)
        except KeyboardInterrupt:
            caught.append("interrupted")

    loop = asyncio.new_event_loop()  # asyncio.run would take the signal for itself, which a kernel's loop does not
    try:
        loop.run_until_complete(cell())
    finally:
        loop.close()
    assert caught == ["interrupted"]
    with rbsuite.Experiment.open(out) as stopped:
        assert not stopped.complete
        done = len(stopped.tasks())
    assert done >= 5
    with rbsuite.evaluate("toy", out=out, plugins=core_plugins(ToyPlugin()), **given) as whole:
        assert whole.complete
        assert len(whole.tasks()) > done


def test_rows_are_typed_and_agree_with_the_summary(experiment: rbsuite.Experiment) -> None:
    summary = experiment.summary()
    tables = (
        (experiment.results, Result),
        (experiment.comparisons, Difference),
        (experiment.tasks(), TaskResult),
        (experiment.rollouts(), RolloutResult),
        (experiment.items(), ItemResult),
    )
    for table, kind in tables:
        assert table
        assert all(type(row) is kind for row in table)
        assert {"condition", "memory", "scaling", "simulated"} <= set(table.columns)
        assert all(row.simulated for row in table)
    off, on = experiment.results
    assert [off.success, on.success] == [one.success.mean for one in summary.conditions]
    assert experiment.comparisons[0].difference == summary.comparisons[0].difference.mean
    tasks, rollouts = experiment.tasks(), experiment.rollouts()
    assert len(tasks) == len(rollouts) == off.committed + on.committed
    scores = [row.score for row in tasks if row.memory == "none"]
    assert sum(scores) / len(scores) == pytest.approx(off.success)
    assert sum(row.tokens for row in tasks) == sum(one.total.tokens for one in summary.conditions)
    assert rollouts[0].trajectory.steps
    assert not experiment.rollouts(trajectories=False)[0].trajectory.steps


def test_items_are_those_of_the_bank(experiment: rbsuite.Experiment) -> None:
    items = experiment.items()
    added = {op.item.id for run in experiment.runs for _, op in experiment.store.ops(run.id) if op.item is not None}
    assert {row.id for row in items} == added
    assert {row.memory for row in items} == {"reasoningbank"}
    assert all(row.content == row.item.content for row in items)


def test_changed_and_deleted_items_are_shown_as_they_stand(tmp_path: Path) -> None:
    options = {"memory": ["none", "ace"], "orders": 1}
    with rbsuite.evaluate("toy", out=tmp_path / "out", plugins=core_plugins(ToyPlugin()), **options) as found:
        assert any(row.revision > 1 for row in found.items())


def test_tables_become_frames(experiment: rbsuite.Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    for table in (experiment.results, experiment.tasks(), experiment.rollouts(), experiment.items()):
        frame = table.to_pandas()
        assert isinstance(frame, pandas.DataFrame)
        assert list(frame.columns) == list(table.columns)
        assert len(frame) == len(table)
        hidden = {one.name for one in fields(type(table[0]))} - set(frame.columns)
        assert hidden <= {"summary", "trajectory", "item"}
    assert experiment.tasks().to_pandas().groupby("memory")["score"].mean()["none"] == pytest.approx(
        experiment.results[0].success
    )
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match=r"need pandas, which is not installed\. Run: pip install pandas"):
        experiment.results.to_pandas()


def test_tables_show_themselves(experiment: rbsuite.Experiment) -> None:
    tasks = experiment.tasks()
    assert repr(tasks).splitlines()[0].split() == list(tasks.columns)
    assert repr(tasks).splitlines()[-1] == f"... and {len(tasks) - 20} more rows"
    assert len(tasks[:3]) == 3
    assert "more rows" not in repr(tasks[:3])
    assert tasks[:2]._repr_html_().count("<tr>") == 3
    assert repr(experiment).endswith(f"{len(tasks)} of {len(tasks)} tasks, simulated>")


def test_a_bar_is_shown_in_a_notebook_and_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, str]] = []

    def display(data: dict[str, str], **options: Any) -> Any:
        shown.append(data)
        return SimpleNamespace(update=lambda data, **options: shown.append(data))

    kernel = ModuleType("IPython")
    kernel.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    plugins = core_plugins(ToyPlugin())
    for name in ("first", "second"):
        rbsuite.evaluate("toy", out=tmp_path / name, plugins=plugins, memory="none", limit=4, orders=1).close()
        assert shown[0]["text/plain"] == "0/4 tasks"
        assert shown[-1]["text/plain"].startswith("4/4 tasks; none x single 4/4, ")
        assert shown[-1]["text/html"].startswith('<progress value="4" max="4"></progress>')
        shown.clear()
    rbsuite.evaluate("toy", out=tmp_path / "first", plugins=plugins, memory="none", limit=4, orders=1).close()
    rbsuite.evaluate(
        "toy", out=tmp_path / "third", plugins=plugins, memory="none", limit=4, orders=1, progress=False
    ).close()
    assert shown == []


def test_elsewhere_a_bar_is_shown_on_demand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"plugins": core_plugins(ToyPlugin()), "memory": "none", "limit": 4, "orders": 1}
    rbsuite.evaluate("toy", out=tmp_path / "quiet", **options).close()
    assert capsys.readouterr().err == ""
    rbsuite.evaluate("toy", out=tmp_path / "shown", progress=True, **options).close()
    assert "4/4 tasks; none x single 4/4" in capsys.readouterr().err
