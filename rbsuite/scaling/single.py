"""``single``: one rollout a task, which counts."""

from __future__ import annotations

from rbsuite.scaling.base import Group, TaskAttempts


class Single:
    """One rollout."""

    async def run(self, attempts: TaskAttempts) -> Group:
        """Run rollout 0."""
        return Group((await attempts.rollout(0),), 0)
