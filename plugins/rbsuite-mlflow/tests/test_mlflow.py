"""Reporting to MLflow, into its directories of files. Skipped where mlflow is not installed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import rbsuite
from experiments import core_plugins
from rbsuite.testing import check_plugin, require_kept
from toy import ToyPlugin

pytest.importorskip("mlflow", reason="mlflow is not installed (uv run --group tracking pytest plugins/rbsuite-mlflow)")
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


def run(place: Path, **options: Any) -> rbsuite.Experiment:
    plugin = import_module("rbsuite_mlflow.plugin").MlflowTracker()
    return rbsuite.evaluate(
        "toy",
        plugins=core_plugins(ToyPlugin(), plugin),
        out=place,
        memory=("none", "reasoningbank"),
        orders=1,
        limit=5,
        **options,
    )


def test_a_run_is_reported_with_a_step_for_each_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{tmp_path / 'mlruns'}")
    with run(tmp_path / "unreported") as unreported:
        assert not (tmp_path / "mlruns").exists()
        monkeypatch.setenv("RBSUITE_MLFLOW", "memories")
        with run(tmp_path / "e") as experiment:
            assert experiment.digest == unreported.digest
            tasks = experiment.tasks()
    client = MlflowClient()
    found = client.search_runs([client.get_experiment_by_name("memories").experiment_id])
    assert {one.info.run_name for one in found} == {task.run for task in tasks}
    for one in found:
        mine = [task for task in tasks if task.run == one.info.run_name]
        history = client.get_metric_history(one.info.run_id, "score")
        assert [(point.step, point.value) for point in history] == [(task.position, task.score) for task in mine]
        assert one.data.metrics["score_so_far"] == pytest.approx(sum(task.score for task in mine) / len(mine))
        assert one.data.params["memory"] == mine[0].memory
        assert one.info.status == "FINISHED"
    written = "".join(path.read_text() for path in (tmp_path / "mlruns").rglob("*") if path.is_file())
    assert "How many" not in written


def test_the_rules_of_the_kit_are_kept() -> None:
    require_kept(check_plugin("mlflow"))
