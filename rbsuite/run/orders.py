"""Orders: the sequence in which a stream runs its tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, zip_longest
from random import Random

from rbsuite.errors import UsageError
from rbsuite.seeds import rng
from rbsuite.task import Task


def make_order(kind: str, tasks: Sequence[Task], seed: int) -> tuple[str, ...]:
    """The ids of the tasks in an order of the given kind; a permutation.

    Args:
        kind: ``seeded``: at random; ``native``: as the task set has them; ``easy-hard`` and ``hard-easy``: by difficulty, ties at random;
            ``blocked``: group by group; ``interleaved``: one of each group in turn. Groups, and tasks within a group, are in random order.
        tasks: the tasks in native order.
        seed: what random choices are derived from.

    Raises:
        UsageError: an order by difficulty, for tasks that have none.
    """
    return tuple(task.id for task in _KINDS[kind](list(tasks), rng(seed, "order")))


def _shuffled(tasks: list[Task], draw: Random) -> list[Task]:
    draw.shuffle(tasks)
    return tasks


def _by_difficulty(sign: int) -> Callable[[list[Task], Random], list[Task]]:
    def order(tasks: list[Task], draw: Random) -> list[Task]:
        if any(task.difficulty is None for task in tasks):
            raise UsageError("the tasks of this environment have no difficulty.", "Use another --order.")
        return sorted(_shuffled(tasks, draw), key=lambda task: sign * (task.difficulty or 0.0))

    return order


def _groups(tasks: list[Task], draw: Random) -> list[list[Task]]:
    groups: dict[str, list[Task]] = {}
    for task in _shuffled(tasks, draw):
        groups.setdefault(task.group, []).append(task)
    return list(groups.values())


def _interleaved(tasks: list[Task], draw: Random) -> list[Task]:
    rounds = zip_longest(*_groups(tasks, draw))
    return [task for turn in rounds for task in turn if task is not None]


_KINDS: Mapping[str, Callable[[list[Task], Random], list[Task]]] = {
    "seeded": _shuffled,
    "native": lambda tasks, draw: tasks,
    "easy-hard": _by_difficulty(1),
    "hard-easy": _by_difficulty(-1),
    "blocked": lambda tasks, draw: list(chain.from_iterable(_groups(tasks, draw))),
    "interleaved": _interleaved,
}
