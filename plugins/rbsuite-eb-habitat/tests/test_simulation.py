"""Reference solutions and the mistakes that tasks invite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import combinations

import pytest
from rbsuite_eb_habitat.mistakes import Draft, mistakes
from rbsuite_eb_habitat.simulation import MOST_PITFALLS, edited
from rbsuite_eb_habitat.skills import (
    CONDITION,
    DISTRACTION,
    DOOR,
    EVERY_ONE,
    MEANING,
    NAVIGATE,
    NEIGHBOUR,
    ONE_AT_A_TIME,
    SEARCH,
    SKILLS,
)

from rbsuite.environments.replay import play_actions
from rbsuite.task import TaskSet
from rbsuite.trajectory import Action
from rbsuite_eb_habitat.actions import ACTION_NAMES
from rbsuite_eb_habitat.environment import EbHabitat
from rbsuite_eb_habitat.household import Household, build_household
from rbsuite_eb_habitat.nearness import reach
from rbsuite_eb_habitat.pack import Episode
from rbsuite_eb_habitat.planning import find_plan, reaches_goal
from rbsuite_eb_habitat.vocab import RECEPTACLES

SINK, SOFA, TABLE, LEFT = RECEPTACLES[4], RECEPTACLES[7], RECEPTACLES[1], RECEPTACLES[6]
SOLVED_AT_START = {"spatial_relationship/test/43"}

MakeEpisode = Callable[..., Episode]


def check(tasks: TaskSet) -> Counter[str]:
    """Every solution solves; every pitfall alone, and all that can be made together, fail. How often each skill is called for."""
    source, world = EbHabitat(tasks), EbHabitat(tasks)
    known = {skill.id for skill in SKILLS}
    counts: Counter[str] = Counter()
    for task in tasks:
        solution = source.solution(task)
        assert solution is not None
        assert play_actions(world, task, solution.actions, ()) == 1.0, task.id
        assert len(solution.actions) <= 30
        for action in solution.actions:
            assert action == Action("choice", index=action.index, text=ACTION_NAMES[action.index or 0])
        skills = [pitfall.skill for pitfall in solution.pitfalls]
        assert len(set(skills)) == len(skills) <= MOST_PITFALLS <= 3
        assert bool(skills) == (task.id not in SOLVED_AT_START), task.id
        assert set(skills) <= known
        counts.update(skills)
        for size in range(1, len(solution.pitfalls) + 1):
            for made in combinations(solution.pitfalls, size):
                edits = {index: instead for pitfall in made for index, instead in pitfall.edits.items()}
                spoilt = tuple(edited(solution.actions, edits))
                assert play_actions(world, task, (*spoilt, Action(text="")), ()) == 0.0, (task.id, made)
                assert set(edits) <= set(range(len(solution.actions)))
    return counts


def test_the_sample(sample_tasks: TaskSet) -> None:
    assert set(check(sample_tasks)) == {skill.id for skill in SKILLS}


def test_upstream(upstream_tasks: TaskSet) -> None:
    assert set(check(upstream_tasks)) == {skill.id for skill in SKILLS}


def test_references_work_under_the_strict_rule_too(upstream_tasks: TaskSet) -> None:
    env = EbHabitat(upstream_tasks)
    for task in upstream_tasks:
        solution = env.solution(task)
        assert solution is not None
        strict = build_household(upstream_tasks.resources.episode(task), reach(()))
        assert reaches_goal(strict, solution.actions), task.id


def test_solutions_are_the_same_every_time() -> None:
    first, second = (EbHabitat(EbHabitat.load("sample")) for _ in range(2))
    for task in first.tasks:
        assert first.solution(task) == second.solution(task)
        assert first.solution(task) is first.solution(task)


def test_a_solution_does_not_disturb_the_episode(sample_tasks: TaskSet) -> None:
    env = EbHabitat(EbHabitat.load("sample"))
    env.reset(options={"task": "base/sample/1"})
    env.step(Action("choice", index=12))
    before = env.fork()
    env.solution(env.tasks.tasks[0])
    assert env.step(Action("choice", index=16)) == before.step(Action("choice", index=16))


def test_lessons_and_symptoms_tell_apart() -> None:
    texts = [text for skill in SKILLS for text in (skill.lesson, skill.symptom)]
    assert len(SKILLS) == 10
    assert len({skill.id for skill in SKILLS}) == len({skill.title for skill in SKILLS}) == 10
    for text in texts:
        assert text.endswith(".")
        assert not any(text in other for other in texts if other != text)
    assert len(set(texts)) == len(texts)


THINGS = {
    "plum_0": "sofa",
    "plum_1": "sofa",
    "plum_2": "sink in the kitchen",
    "mug_0": "table 1",
    "cup_0": "TV stand",
    "apple_0": "table 2",
}


def goal(quantifier: str, inputs: dict[str, str], *texts: str, operator: str = "AND") -> dict[str, object]:
    pairs = [{"name": name, "expr_type": kind} for name, kind in inputs.items()]
    return {"expr_type": operator, "quantifier": quantifier, "inputs": pairs, "sub_exprs": list(texts)}


def drafted(episode: Episode) -> Draft:
    household: Household = build_household(episode, reach(()))
    plan = find_plan(episode, household)
    assert plan is not None
    return Draft(episode, household, plan)


def names(draft: Draft) -> list[str]:
    return [action.text for action in draft.plan.actions]


def telling(draft: Draft) -> set[str]:
    """The skills for which there is a mistake that fails."""
    return {
        skill
        for skill, edits in mistakes(draft)
        if not reaches_goal(draft.household, edited(draft.plan.actions, edits))
    }


def test_all_of_a_kind_are_fetched_from_everywhere(make_episode: MakeEpisode) -> None:
    episode = make_episode(
        THINGS, goal("FORALL", {"X": "plum"}, f"on_top(X, {TABLE})", "not_holding()"), instruction="Every plum, please."
    )
    draft = drafted(episode)
    assert names(draft).count("pick up the plum") == 3
    assert {EVERY_ONE, ONE_AT_A_TIME, SEARCH} <= telling(draft)


def test_an_object_that_is_off_the_list_is_not_fetched_for_another(make_episode: MakeEpisode) -> None:
    texts = [f"on_top(X, {TABLE})", f"on_top(Y, {SOFA})", "not_holding()"]
    episode = make_episode(THINGS, goal("EXISTS", {"X": "plum", "Y": "plum"}, *texts))
    assert reaches_goal(drafted(episode).household, drafted(episode).plan.actions)
    assert len(names(drafted(episode))) == 4


@pytest.mark.parametrize("open_at_first", [True, False])
def test_a_condition_is_tested_by_trying_to_open(make_episode: MakeEpisode, open_at_first: bool) -> None:
    state = f"{'opened' if open_at_first else 'closed'}_fridge(fridge_push_point)"
    texts = [
        state,
        f"on_top(X, {SOFA})",
        "on_top(Y, receptacle_aabb_TvStnd1_Top1_frl_apartment_tvstand)",
        "not_holding()",
    ]
    episode = make_episode(
        THINGS,
        goal("EXISTS", {"X": "mug", "Y": "cup"}, *texts),
        start=[state],
        instruction="Is the fridge open? Then a mug goes to the sofa, otherwise a cup.",
    )
    draft = drafted(episode)
    assert names(draft)[:2] == ["navigate to the refrigerator push point", "open the refrigerator"]
    assert ("close the refrigerator" in names(draft)) != open_at_first
    assert {CONDITION, SEARCH} <= telling(draft)
    assert DISTRACTION not in telling(draft)


def test_doors_are_opened_before_and_closed_after_the_carrying(make_episode: MakeEpisode) -> None:
    texts = ["opened_cab(cab_push_point_5)", "closed_fridge(fridge_push_point)", f"on_top(X, {SOFA})", "not_holding()"]
    episode = make_episode(THINGS, goal("EXISTS", {"X": "mug"}, *texts), start=["opened_fridge(fridge_push_point)"])
    told = names(drafted(episode))
    assert told.index("open the cabinet 5") < told.index("pick up the mug") < told.index("close the refrigerator")
    assert DOOR in telling(drafted(episode))


@pytest.mark.parametrize(
    ("instruction", "skill"),
    [
        ("There is an apple on table 2, but bring me a mug to the sofa instead.", DISTRACTION),
        ("Something for hot coffee should be on the sofa.", MEANING),
        ("Put a mug on the soft thing with a backrest.", MEANING),
        ("Put a mug on what stands to the right of the TV stand.", NEIGHBOUR),
        ("A mug is needed on the sofa.", SEARCH),
    ],
)
def test_wordings_invite_their_mistakes(make_episode: MakeEpisode, instruction: str, skill: str) -> None:
    texts = [f"on_top(X, {SOFA})", "not_holding()"]
    draft = drafted(make_episode(THINGS, goal("EXISTS", {"X": "mug"}, *texts), instruction=instruction))
    assert skill in telling(draft)


def test_plain_wordings_invite_none_of_those(make_episode: MakeEpisode) -> None:
    texts = [f"on_top(X, {SOFA})", "not_holding()"]
    instruction = "Can you bring the mug from table 1 to the sofa?"
    draft = drafted(make_episode(THINGS, goal("EXISTS", {"X": "mug"}, *texts), instruction=instruction))
    assert not telling(draft) & {DISTRACTION, MEANING, NEIGHBOUR, SEARCH, CONDITION}


def test_without_a_plan_there_is_no_solution(make_episode: MakeEpisode) -> None:
    hopeless = make_episode(THINGS, goal("EXISTS", {"X": "apple"}, "holding(X)"))
    assert find_plan(hopeless, build_household(hopeless, reach(()))) is None
    contradiction = make_episode(THINGS, goal("EXISTS", {"X": "apple"}, f"on_top(X, {SINK})", f"on_top(X, {SOFA})"))
    assert find_plan(contradiction, build_household(contradiction, reach(()))) is None


def test_removing_takes_the_object_elsewhere(make_episode: MakeEpisode) -> None:
    away = goal("FORALL", {"X": "plum"}, f"on_top(X, {SOFA})", operator="NAND")
    episode = make_episode(THINGS, {"expr_type": "AND", "sub_exprs": ["not_holding()", away]})
    told = names(drafted(episode))
    assert told.count("pick up the plum") == 2
    assert "place at the sofa" not in told
    assert told[-1] == "pick up the plum"
    assert {ONE_AT_A_TIME, NAVIGATE} <= telling(drafted(episode))


def test_into_the_refrigerator_and_never_into_a_cabinet(make_episode: MakeEpisode) -> None:
    inside = make_episode(THINGS, goal("EXISTS", {"X": "apple"}, "in(X, fridge_push_point)", "not_holding()"))
    assert names(drafted(inside))[-1] == "place at the refrigerator"
    impossible = make_episode(THINGS, goal("EXISTS", {"X": "apple"}, "in(X, cab_push_point_5)"))
    assert find_plan(impossible, build_household(impossible, reach(()))) is None
    barred = [f"on_top(apple_0, {receptacle})" for receptacle in RECEPTACLES]
    nowhere = make_episode(
        THINGS, {"expr_type": "AND", "sub_exprs": ["not_holding()", {"expr_type": "NOR", "sub_exprs": barred}]}
    )
    assert find_plan(nowhere, build_household(nowhere, reach(()))) is None
