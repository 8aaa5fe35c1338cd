"""``single``: one rollout a task, which counts."""

from __future__ import annotations

from rbsuite.scaling.base import Group, MakeRollout


class Single:
    """One rollout."""

    async def run(self, make_rollout: MakeRollout) -> Group:
        """Run rollout 0."""
        return Group((await make_rollout(0),), 0)
