"""Memory-aware test-time scaling (MaTTS): several rollouts of a task, from which memory learns by contrast or refinement.

Source: ReasoningBank, arXiv 2509.25140. Without memory (``--memory none``) the same rollouts are the control with the same budget.
"""

from __future__ import annotations

import asyncio

from rbsuite.record import RolloutRecord
from rbsuite.scaling.base import Group, TaskRollouts


class Parallel:
    """``parallel:K``: K concurrent rollouts from one bank version; memory learns from all of them, the selector says which one counts.

    Args:
        k: rollouts per task.
    """

    def __init__(self, k: int) -> None:
        self._k = k

    async def run(self, task: TaskRollouts) -> Group:
        """Run all rollouts at once."""
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(task.rollout(index)) for index in range(self._k)]
        rollouts = tuple(rollout.result() for rollout in running)
        return Group(rollouts, await task.select(rollouts))


class Sequential:
    """``sequential:K``: one rollout and K - 1 rounds in which the agent checks and refines it; the last word counts.

    If the world is still open after an answer, the rounds go on in the same trajectory; if the episode has ended, each is a fresh
    rollout that sees the earlier ones. No score and no verdict is shown in between. The notes of the rounds go to extraction.

    Args:
        k: 1 + number of refinement rounds.
    """

    def __init__(self, k: int) -> None:
        self._k = k

    async def run(self, task: TaskRollouts) -> Group:
        """Run the rounds one after the other."""
        if task.refine == "continue":
            return Group((await task.rollout(0, checks=self._k - 1),), 0)
        rollouts: list[RolloutRecord] = []
        for index in range(self._k):
            last = index == self._k - 1
            rollouts.append(await task.rollout(index, earlier=tuple(rollouts), judged=last))
        return Group(tuple(rollouts), self._k - 1)
