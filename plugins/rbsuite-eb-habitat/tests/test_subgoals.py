"""Which facts of upstream's subgoals are kept."""

from __future__ import annotations

from rbsuite.task import TaskSet
from rbsuite_eb_habitat.environment import EbHabitat
from rbsuite_eb_habitat.goals import Logic
from rbsuite_eb_habitat.pack import Predicate, parse_predicate
from rbsuite_eb_habitat.subgoals import expert_picks, reduce_subgoals
from rbsuite_eb_habitat.vocab import RECEPTACLES

SINK, SOFA, TABLE, LEFT = RECEPTACLES[4], RECEPTACLES[7], RECEPTACLES[1], RECEPTACLES[6]
INITIAL = {"plum_0": SOFA, "mug_0": TABLE}


def read(*subgoals: tuple[str, ...]) -> list[list[Predicate]]:
    return [[found for text in texts if (found := parse_predicate(text))] for texts in subgoals]


def kept(*subgoals: tuple[str, ...], goal_place: str = "") -> list[set[Predicate]]:
    reduced = reduce_subgoals(read(*subgoals), INITIAL, goal_place)
    assert all(logic.operator == "AND" for logic in reduced)
    return [{part for part in logic.parts if not isinstance(part, Logic)} for logic in reduced]


def test_incidental_facts_of_a_trip_are_dropped() -> None:
    near_sofa = (f"robot_at({SOFA})", "robot_at(plum_0)", "robot_at_obj(plum_0)", f"robot_at({LEFT})")
    near_sink = (f"robot_at({SINK})", f"robot_at({LEFT})", "robot_at(mug_0)")
    found = kept(
        near_sofa,
        ("holding(plum_0)", f"on_top(plum_0,{SOFA})", *near_sofa),
        ("holding(plum_0)", f"on_top(plum_0,{SINK})", *near_sink),
        (f"on_top(plum_0,{SINK})", *near_sink),
        (f"on_top(plum_0,{SINK})", f"robot_at({TABLE})", f"robot_at({LEFT})"),
        ("holding(mug_0)", f"on_top(plum_0,{SINK})"),
    )
    assert found == [
        {("robot_at", (SOFA,))},
        {("holding", ("plum_0",)), ("robot_at", (SOFA,))},
        {("holding", ("plum_0",)), ("robot_at", (SINK,))},
        {("on_top", ("plum_0", SINK)), ("robot_at", (SINK,))},
        {("on_top", ("plum_0", SINK)), ("robot_at", (TABLE,))},
        {("holding", ("mug_0",)), ("on_top", ("plum_0", SINK))},
    ]


def test_a_place_that_upstream_does_not_list_is_not_asked_for_unless_nothing_else_is() -> None:
    found = kept(("robot_at(mug_0)",), ("holding(plum_0)", f"robot_at({LEFT})"))
    assert found == [{("robot_at", (SOFA,))}, {("holding", ("plum_0",))}]


def test_doors_and_walks() -> None:
    fridge = "fridge_push_point"
    found = kept((f"robot_at({fridge})", f"robot_at({SINK})"), (f"closed_fridge({fridge})", f"robot_at({fridge})"))
    assert found == [{("robot_at", (fridge,))}, {("closed_fridge", (fridge,)), ("robot_at", (fridge,))}]
    assert kept((f"robot_at({SINK})", f"robot_at({LEFT})"), goal_place=LEFT) == [{("robot_at", (LEFT,))}]


def test_empty_subgoals_do_not_count() -> None:
    assert len(kept((), (f"robot_at({SINK})",), ())) == 1


def test_the_experts_picks_are_told_once_each() -> None:
    subgoals = read(("holding(mug_0)",), ("holding(mug_0)",), (), ("holding(plum_0)",))
    assert expert_picks(subgoals) == ("mug_0", "plum_0")


def test_every_subgoal_of_upstream_asks_for_something_that_does_not_hold_at_first(
    upstream_env: EbHabitat, upstream_tasks: TaskSet
) -> None:
    for task in upstream_tasks:
        world = upstream_env.open_world(task)
        assert world.achieved.progress == float(world.achieved.success), task.id
        subgoals = upstream_env.resources.household(task).subgoals
        assert len(subgoals) == task.difficulty


def test_the_reference_meets_nearly_every_subgoal_of_upstream(upstream_env: EbHabitat, upstream_tasks: TaskSet) -> None:
    """Success would hide it; so the subgoals met before the last action are counted, which meets the last one."""
    met = total = 0
    for task in upstream_tasks:
        solution, household = upstream_env.solution(task), upstream_env.resources.household(task)
        assert solution is not None
        world = upstream_env.open_world(task)
        for action in solution.actions[:-1]:
            assert action.index is not None
            world.do(action.index)
        met += round(world.achieved.progress * len(household.subgoals)) if not world.achieved.success else 0
        total += len(household.subgoals) - 1
    assert met >= 0.95 * total
