"""``single``: one rollout per task, which counts."""

from __future__ import annotations

from rbsuite.scaling.base import Group, TaskRollouts


class Single:
    """One rollout."""

    async def run(self, task: TaskRollouts) -> Group:
        """Run rollout 0."""
        return Group((await task.rollout(0),), 0)
