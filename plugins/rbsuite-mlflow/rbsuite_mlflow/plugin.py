"""The observer. MLflow is imported when the first reported run starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rbsuite.run.tracking import Figures, RunTracker


class MlflowTracker(RunTracker):
    """Reports to the MLflow experiment that ``RBSUITE_MLFLOW`` names, at the place that ``MLFLOW_TRACKING_URI`` names."""

    switch = "RBSUITE_MLFLOW"

    def __init__(self) -> None:
        super().__init__()
        self._client: Any = None

    def begin(self, project: str, name: str, facts: Mapping[str, str | int]) -> str:
        """A run with its facts as parameters; returns its id."""
        if self._client is None:
            from mlflow.tracking import MlflowClient

            self._client = MlflowClient()
        found = self._client.get_experiment_by_name(project)
        experiment = found.experiment_id if found is not None else self._client.create_experiment(project)
        run: str = self._client.create_run(experiment, run_name=name, tags={"source": "rbsuite"}).info.run_id
        for key, value in facts.items():
            self._client.log_param(run, key, value)
        return run

    def note(self, handle: str, figures: Figures, position: int) -> None:
        """The figures in one request."""
        import time

        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._client.log_batch(handle, [Metric(name, value, now, position) for name, value in figures.items()])

    def end(self, handle: str, finished: bool) -> None:
        """Its status: finished, or killed if it was stopped."""
        self._client.set_terminated(handle, "FINISHED" if finished else "KILLED")


tracker = MlflowTracker()
