"""The observer. wandb is imported when the first reported run starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rbsuite.run.tracking import Figures, RunTracker


class WandbTracker(RunTracker):
    """Reports to the project that ``RBSUITE_WANDB`` names. ``WANDB_MODE=offline`` keeps it on this machine, below ``WANDB_DIR``."""

    switch = "RBSUITE_WANDB"

    def begin(self, project: str, name: str, facts: Mapping[str, str | int]) -> Any:
        """A run with its facts as configuration. Nothing about the machine, its code or its output is sent."""
        import wandb

        quiet = wandb.Settings(
            console="off", silent=True, disable_git=True, disable_code=True, save_code=False, x_disable_stats=True
        )
        return wandb.init(
            project=project,
            name=name,
            config=dict(facts),
            group=str(facts["condition"]),
            reinit="create_new",
            settings=quiet,
        )

    def note(self, handle: Any, figures: Figures, position: int) -> None:
        """The figures, with the task's position as the step."""
        handle.log(dict(figures), step=position)

    def end(self, handle: Any, finished: bool) -> None:
        """End the run; one that was stopped is marked as failed."""
        handle.finish(exit_code=0 if finished else 1)


tracker = WandbTracker()
