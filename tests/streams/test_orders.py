"""In which sequence a stream meets its tasks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import prepare
from rbsuite.errors import UsageError
from rbsuite.run.config import ORDERS
from rbsuite.run.orders import make_order
from rbsuite.task import Task

TASKS = st.lists(
    st.builds(
        lambda group, difficulty: (group, difficulty),
        st.sampled_from("abcd"),
        st.sampled_from([0.0, 0.25, 0.5, 1.0, -2.0]),
    ),
    max_size=30,
).map(lambda drawn: [Task(f"t{at}", group, group, difficulty=hard) for at, (group, hard) in enumerate(drawn)])
SEEDS = st.integers(0, 1 << 40)


def ordered(kind: str, tasks: Sequence[Task], seed: int) -> list[Task]:
    by_id = {task.id: task for task in tasks}
    return [by_id[name] for name in make_order(kind, tasks, seed)]


@given(st.sampled_from(ORDERS), TASKS, SEEDS)
def test_an_order_is_a_permutation_and_a_function_of_its_seed(kind: str, tasks: list[Task], seed: int) -> None:
    before = list(tasks)
    order = make_order(kind, tasks, seed)
    assert sorted(order) == sorted(task.id for task in tasks)
    assert order == make_order(kind, tasks, seed)
    assert tasks == before, "the tasks were changed"


@given(TASKS, SEEDS)
def test_native_is_as_the_task_set_has_them(tasks: list[Task], seed: int) -> None:
    assert ordered("native", tasks, seed) == tasks


@given(TASKS, SEEDS)
def test_difficulty_rises_and_falls(tasks: list[Task], seed: int) -> None:
    hardness = sorted(task.difficulty or 0.0 for task in tasks)
    assert [task.difficulty for task in ordered("easy-hard", tasks, seed)] == hardness
    assert [task.difficulty for task in ordered("hard-easy", tasks, seed)] == hardness[::-1]


@given(TASKS, SEEDS)
def test_blocked_meets_each_group_once(tasks: list[Task], seed: int) -> None:
    blocks = [group for group, _ in groupby(ordered("blocked", tasks, seed), key=lambda task: task.group)]
    assert len(blocks) == len(set(blocks))


@given(TASKS, SEEDS)
def test_interleaved_meets_no_group_again_before_every_other_that_has_tasks_left(tasks: list[Task], seed: int) -> None:
    """In each round every group that still has a task comes once, always in the same sequence."""
    sizes = [sum(task.group == group for task in tasks) for group in {task.group for task in tasks}]
    order = [task.group for task in ordered("interleaved", tasks, seed)]
    rounds: list[list[str]] = []
    for number in range(max(sizes, default=0)):
        width = sum(size > number for size in sizes)
        rounds.append(order[:width])
        order = order[width:]
    assert order == []
    for earlier, later in pairwise(rounds):
        assert len(set(earlier)) == len(earlier)
        assert later == [group for group in earlier if group in later]


@pytest.mark.parametrize("kind", [kind for kind in ORDERS if kind != "native"])
def test_seeds_give_different_orders(kind: str) -> None:
    tasks = [Task(f"t{at}", "abcd"[at % 4], "", difficulty=1.0) for at in range(24)]
    assert len({make_order(kind, tasks, seed) for seed in range(5)}) == 5


def test_no_difficulty_no_order_by_it() -> None:
    with pytest.raises(UsageError, match="difficulty"):
        make_order("easy-hard", [Task("a", "", "", difficulty=1.0), Task("b", "", "")], 0)


def test_probes_come_last_and_are_the_first() -> None:
    [info] = prepare(memory=("none",), probe=5, order="blocked").runs()
    assert info.probes == 5
    assert info.tasks[24:] == info.tasks[:5]
    assert len(set(info.tasks[:24])) == 24
