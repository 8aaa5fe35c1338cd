"""Plans that reach the goals of episodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from rbsuite.task import TaskSet
from rbsuite.trajectory import Action
from rbsuite_eb_habitat.actions import ACTION_NAMES
from rbsuite_eb_habitat.environment import EbHabitat
from rbsuite_eb_habitat.household import build_household
from rbsuite_eb_habitat.nearness import reach
from rbsuite_eb_habitat.pack import Episode
from rbsuite_eb_habitat.planning import find_plan
from rbsuite_eb_habitat.vocab import RECEPTACLES
from rbsuite_eb_habitat.world import HabitatWorld

SINK, SOFA, TABLE = RECEPTACLES[4], RECEPTACLES[7], RECEPTACLES[1]
THINGS = {
    "plum_0": "sofa",
    "plum_1": "sofa",
    "plum_2": "sink in the kitchen",
    "mug_0": "table 1",
    "cup_0": "TV stand",
    "apple_0": "table 2",
}

MakeEpisode = Callable[..., Episode]


def goal(quantifier: str, inputs: dict[str, str], *texts: str, operator: str = "AND") -> dict[str, object]:
    pairs = [{"name": name, "expr_type": kind} for name, kind in inputs.items()]
    return {"expr_type": operator, "quantifier": quantifier, "inputs": pairs, "sub_exprs": list(texts)}


def reaches_goal(world: HabitatWorld, actions: Sequence[Action]) -> bool:
    """Whether the goal holds after the last of some actions, and after none before."""
    held = []
    for action in actions:
        assert action.index is not None
        world.do(action.index)
        held.append(world.achieved.success)
    return held == [False] * (len(actions) - 1) + [True]


def plan(episode: Episode) -> list[str] | None:
    """The names of a plan's actions, which must work."""
    household = build_household(episode, reach(()))
    actions = find_plan(episode, household)
    assert actions is None or reaches_goal(HabitatWorld(household), actions)
    return None if actions is None else [action.text for action in actions]


def test_references_work_under_the_strict_rule_too(upstream_env: EbHabitat, upstream_tasks: TaskSet) -> None:
    for task in upstream_tasks:
        solution = upstream_env.solution(task)
        assert solution is not None
        strict = HabitatWorld(build_household(upstream_env.resources.episode(task), reach(())))
        assert strict.achieved.success or reaches_goal(strict, solution.actions), task.id


def test_solutions_are_choices_and_the_same_every_time(sample_env: EbHabitat, sample_tasks: TaskSet) -> None:
    again = EbHabitat()
    again.tasks("sample")
    for task in sample_tasks:
        solution = sample_env.solution(task)
        assert solution is not None
        assert solution == again.solution(task)
        assert again.solution(task) is again.solution(task)
        assert [action.text for action in solution.actions] == [
            ACTION_NAMES[action.index or 0] for action in solution.actions
        ]
        assert len(solution.actions) <= 30


def test_all_of_a_kind_are_fetched_from_everywhere(make_episode: MakeEpisode) -> None:
    told = plan(make_episode(THINGS, goal("FORALL", {"X": "plum"}, f"on_top(X, {TABLE})", "not_holding()")))
    assert told is not None
    assert told.count("pick up the plum") == 3


def test_an_object_that_is_off_the_list_is_not_fetched_for_another(make_episode: MakeEpisode) -> None:
    texts = [f"on_top(X, {TABLE})", f"on_top(Y, {SOFA})", "not_holding()"]
    told = plan(make_episode(THINGS, goal("EXISTS", {"X": "plum", "Y": "plum"}, *texts)))
    assert told is not None
    assert len(told) == 4


@pytest.mark.parametrize("open_at_first", [True, False])
def test_a_condition_is_tested_by_trying_to_open(make_episode: MakeEpisode, open_at_first: bool) -> None:
    state = f"{'opened' if open_at_first else 'closed'}_fridge(fridge_push_point)"
    texts = [
        state,
        f"on_top(X, {SOFA})",
        "on_top(Y, receptacle_aabb_TvStnd1_Top1_frl_apartment_tvstand)",
        "not_holding()",
    ]
    told = plan(make_episode(THINGS, goal("EXISTS", {"X": "mug", "Y": "cup"}, *texts), start=[state]))
    assert told is not None
    assert told[:2] == ["navigate to the refrigerator push point", "open the refrigerator"]
    assert ("close the refrigerator" in told) != open_at_first


def test_doors_are_opened_before_and_closed_after_the_carrying(make_episode: MakeEpisode) -> None:
    texts = ["opened_cab(cab_push_point_5)", "closed_fridge(fridge_push_point)", f"on_top(X, {SOFA})", "not_holding()"]
    told = plan(make_episode(THINGS, goal("EXISTS", {"X": "mug"}, *texts), start=["opened_fridge(fridge_push_point)"]))
    assert told is not None
    assert told.index("open the cabinet 5") < told.index("pick up the mug") < told.index("close the refrigerator")


def test_removing_takes_the_object_elsewhere(make_episode: MakeEpisode) -> None:
    away = goal("FORALL", {"X": "plum"}, f"on_top(X, {SOFA})", operator="NAND")
    told = plan(make_episode(THINGS, {"expr_type": "AND", "sub_exprs": ["not_holding()", away]}))
    assert told is not None
    assert told.count("pick up the plum") == 2
    assert "place at the sofa" not in told
    assert told[-1] == "pick up the plum"


def test_into_the_refrigerator_and_never_into_a_cabinet(make_episode: MakeEpisode) -> None:
    inside = plan(make_episode(THINGS, goal("EXISTS", {"X": "apple"}, "in(X, fridge_push_point)", "not_holding()")))
    assert inside is not None
    assert inside[-1] == "place at the refrigerator"
    assert plan(make_episode(THINGS, goal("EXISTS", {"X": "apple"}, "in(X, cab_push_point_5)"))) is None
    barred = [f"on_top(apple_0, {receptacle})" for receptacle in RECEPTACLES]
    nowhere = {"expr_type": "AND", "sub_exprs": ["not_holding()", {"expr_type": "NOR", "sub_exprs": barred}]}
    assert plan(make_episode(THINGS, nowhere)) is None


def test_without_a_plan_there_is_none(make_episode: MakeEpisode) -> None:
    assert plan(make_episode(THINGS, goal("EXISTS", {"X": "apple"}, "holding(X)"))) is None
    contradiction = goal("EXISTS", {"X": "apple"}, f"on_top(X, {SINK})", f"on_top(X, {SOFA})")
    assert plan(make_episode(THINGS, contradiction)) is None
