"""The environment: limits, ends, scores, cost, and what it never shows."""

from __future__ import annotations

import json
import re
import shutil
import time
import tracemalloc
from pathlib import Path
from typing import Any

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from rbsuite.errors import DataError, UnknownNameError
from rbsuite.jsonable import canonical
from rbsuite.run.verify import verify
from rbsuite.task import TaskSet
from rbsuite.trajectory import Action
from rbsuite_eb_habitat.actions import ACTION_NAMES, INDICES
from rbsuite_eb_habitat.environment import EbHabitat
from rbsuite_eb_habitat.resources import sample_directory
from rbsuite_eb_habitat.vocab import SETS

MAX_TURNS = 40


def choice(name: str) -> Action:
    return Action("choice", index=INDICES[name], text=name)


def started(tasks: TaskSet, task: str = "base/sample/0", **options: Any) -> EbHabitat:
    env = EbHabitat(tasks, **options)
    env.reset(options={"task": task})
    return env


def test_the_first_observation_is_the_instruction_with_the_named_actions(sample_tasks: TaskSet) -> None:
    env = EbHabitat(sample_tasks)
    observation, info = env.reset(options={"task": "base/sample/0"})
    assert info == {"task": "base/sample/0"}
    assert observation.text == sample_tasks.by_id["base/sample/0"].query
    assert observation.choices == ACTION_NAMES
    assert [message.role for message in observation.messages] == ["system"]


def test_thirty_steps_end_it(sample_tasks: TaskSet) -> None:
    env = started(sample_tasks)
    for step in range(30):
        _, reward, terminated, truncated, info = env.step(choice("navigate to the cabinet 7"))
        assert (reward, terminated, truncated) == (0.0, False, step == 29)
    assert info["truth"]["ended"] == "steps"
    assert (info["truth"]["steps"], info["truth"]["invalid_actions"]) == (30, 0)


def test_ten_invalid_actions_end_it_and_replies_that_name_none_count(sample_tasks: TaskSet) -> None:
    env = started(sample_tasks)
    for number in range(10):
        action = choice("place at the sofa") if number % 2 else Action("choice", text="hm")
        _, _, terminated, truncated, info = env.step(action)
        assert (terminated, truncated) == (number == 9, False)
    truth = info["truth"]
    assert (truth["ended"], truth["steps"], truth["invalid_actions"]) == ("invalid_actions", 5, 10)
    assert env.score == 0.0


def test_progress_is_the_reward_and_stopping_is_recorded_as_upstream_does(sample_tasks: TaskSet) -> None:
    env = EbHabitat(sample_tasks)
    task = sample_tasks.by_id["base/sample/0"]
    solution = env.solution(task)
    assert solution is not None
    env.reset(options={"task": task.id})
    gained = sum(float(env.step(action)[1]) for action in solution.actions[:2])
    _, reward, terminated, _, info = env.step(Action(text=""))
    assert 0.0 < gained < 1.0
    assert (reward, terminated) == (0.0, True)
    assert info["truth"]["progress"] == pytest.approx(gained)
    assert info["truth"]["progress_upstream"] == 0.0
    assert info["truth"]["ended"] == "empty_plan"


def test_success_ends_it_with_full_progress(sample_tasks: TaskSet) -> None:
    env = EbHabitat(sample_tasks)
    for task in sample_tasks:
        solution = env.solution(task)
        assert solution is not None
        env.reset(options={"task": task.id})
        results = [env.step(action) for action in solution.actions]
        assert [result[2] for result in results] == [False] * (len(results) - 1) + [True]
        assert sum(float(result[1]) for result in results) == pytest.approx(1.0)
        assert (env.score, results[-1][4]["truth"]["progress"]) == (1.0, 1.0)


def test_visible_adds_what_is_in_view(sample_tasks: TaskSet) -> None:
    plain, seeing = started(sample_tasks), started(sample_tasks, obs_mode="visible")
    first = seeing.reset(options={"task": "base/sample/0"})[0]
    assert first.text.endswith("\nIn view: nothing")
    feedback = plain.step(choice("navigate to the table 2"))[0].text
    told = seeing.step(choice("navigate to the table 2"))[0].text
    assert told.startswith(f"{feedback}\nIn view: table 2, ")
    assert "In view" in first.messages[0].content
    assert "In view" not in plain.reset()[0].messages[0].content


def test_examples_of_the_prompt_name_actions_by_their_ids(sample_tasks: TaskSet) -> None:
    prompt = EbHabitat(sample_tasks).reset(seed=1)[0].messages[0].content
    lines = re.findall(r"^(\d+): (.+?)(?: \(invalid\))?$", prompt, re.MULTILINE)
    assert len(lines) > 20
    assert all(ACTION_NAMES[int(number)] == name for number, name in lines)


def test_the_prompt_holds_no_lesson_and_no_task(sample_tasks: TaskSet) -> None:
    env = EbHabitat(sample_tasks, obs_mode="visible")
    prompt = env.reset(seed=1)[0].messages[0].content
    assert not any(skill.lesson in prompt or skill.symptom in prompt for skill in env.skills())
    assert not any(task.query in prompt for task in sample_tasks)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 69), max_size=20), st.integers(0, 35))
def test_ground_truth_is_never_shown(sample_tasks: TaskSet, walk: list[int], number: int) -> None:
    env = EbHabitat(sample_tasks, obs_mode="visible")
    task = sample_tasks.tasks[number]
    shown = [env.reset(options={"task": task.id})[0]]
    for index in walk:
        observation, _, terminated, truncated, _ = env.step(Action("choice", index=index))
        shown.append(observation)
        if terminated or truncated:
            break
    text = canonical(shown)
    episode = sample_tasks.resources.episode(task)
    assert "on_top" not in text
    assert "sub_exprs" not in text
    assert not any(item.instance in text or item.receptacle in text for item in episode.items)


def test_a_fork_goes_its_own_way(sample_tasks: TaskSet) -> None:
    env = EbHabitat(sample_tasks)
    task = sample_tasks.by_id["long_horizon/sample/0"]
    solution = env.solution(task)
    assert solution is not None
    env.reset(options={"task": task.id})
    for action in solution.actions[:3]:
        env.step(action)
    twin = env.fork()
    for action in solution.actions[3:]:
        twin.step(action)
    assert (twin.score, env.score) == (1.0, 0.0)
    for action in solution.actions[3:]:
        env.step(action)
    assert env.score == 1.0


ACTIONS = st.one_of(
    st.builds(Action, kind=st.just("choice"), index=st.integers(-3, 75)),
    st.builds(Action, kind=st.just("choice"), index=st.none()),
    st.builds(Action, text=st.text() | st.sampled_from(ACTION_NAMES)),
    st.builds(Action, kind=st.just("tool"), name=st.text()),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(ACTIONS, max_size=35))
def test_any_action_is_borne_and_repeats(sample_tasks: TaskSet, actions: list[Action]) -> None:
    assert run(EbHabitat(sample_tasks), actions) == run(EbHabitat(sample_tasks), actions)


def run(env: EbHabitat, actions: list[Action]) -> list[Any]:
    seen: list[Any] = [env.reset(seed=3)]
    for action in actions:
        seen.append(env.step(action))
        if seen[-1][2] or seen[-1][3]:
            break
    return seen


def test_gymnasiums_checker_is_content() -> None:
    gymnasium.register("rbsuite-test/habitat-v0", entry_point="rbsuite_eb_habitat.environment:EbHabitat")
    try:
        env = gymnasium.make("rbsuite-test/habitat-v0")
        check_env(env.unwrapped, skip_render_check=True)
    finally:
        gymnasium.registry.pop("rbsuite-test/habitat-v0")


def test_task_sets_name_their_content(sample_tasks: TaskSet) -> None:
    assert sample_tasks.environment == "eb-habitat[symbolic]"
    assert list(dict.fromkeys(task.domain for task in sample_tasks)) == list(SETS)
    assert sample_tasks.source["pack"] == "sample"
    assert str(sample_directory()) not in canonical([sample_tasks.source, list(sample_tasks.tasks)])
    one = EbHabitat.load("sample", domain="long_horizon")
    assert [task.id for task in one] == [f"long_horizon/sample/{number}" for number in range(len(one))]
    assert one.source["sha256"] != sample_tasks.source["sha256"]
    assert EbHabitat.load("sample").content_hash == sample_tasks.content_hash


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"split": "tset"}, UnknownNameError, "Did you mean 'test'"),
        ({"split": "sample", "domain": "spatial"}, UnknownNameError, "spatial_relationship"),
        ({"split": "test"}, DataError, "rbsuite data import eb-habitat"),
        ({"split": "test", "data": "no/such/dir"}, DataError, "no/such/dir"),
    ],
)
def test_what_cannot_be_loaded_says_what_to_do(
    arguments: dict[str, str], error: type[Exception], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path))
    with pytest.raises(error, match=re.escape(words)):
        EbHabitat.load(arguments.pop("split"), **arguments)


def test_an_imported_pack_is_found_with_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path))
    pack = Path(shutil.copytree(sample_directory(), tmp_path / "packs" / "eb-habitat"))
    info: dict[str, Any] = {"format": 1, "name": "eb-habitat", "source": "checkout", "commit": "c" * 40}
    info |= {"files": {"base.json": "0" * 64}, "equals_commit": None, "licence": "MIT", "counts": {}, "rbsuite": "0"}
    (pack / "pack.json").write_text(json.dumps(info))
    tasks = EbHabitat.load("test")
    assert tasks.source["commit"] == "c" * 40
    assert tasks.tasks[0].id == "base/test/0"
    assert str(tmp_path) not in canonical(tasks.source)


def test_an_empty_pack_is_refused(tmp_path: Path) -> None:
    pack = Path(shutil.copytree(sample_directory(), tmp_path / "pack"))
    (pack / "base.json").write_text("[]")
    with pytest.raises(DataError, match="no episode"):
        EbHabitat.load("test", domain="base", data=str(pack))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("goal_preds", {"expr_type": "XOR", "sub_exprs": []}, "unknown operator 'XOR'"),
        ("goal_preds", {"expr_type": "AND", "sub_exprs": ["holding(nothing_0)"]}, "names the unknown 'nothing_0'"),
        ("goal_preds", {"expr_type": "AND", "sub_exprs": [{}]}, "neither a predicate nor an expression"),
        ("start_preds", ["not_holding()"], "says nothing of a door"),
        ("subgoals", [["holding(nothing_0)"]], "of the wrong kind"),
    ],
)
def test_malformed_goals_starts_and_subgoals_are_refused_when_tasks_are_loaded(
    field: str, value: Any, words: str, tmp_path: Path
) -> None:
    pack = Path(shutil.copytree(sample_directory(), tmp_path / "pack"))
    episodes = json.loads((pack / "base.json").read_text())
    episodes[-1][field] = value
    (pack / "base.json").write_text(json.dumps(episodes))
    with pytest.raises(DataError, match=re.escape(words)):
        EbHabitat.load("test", data=str(pack))
    assert EbHabitat.load("test", domain="long_horizon", data=str(pack)).tasks


def test_upstreams_references_all_work_and_one_task_is_solved_at_the_start(upstream_tasks: TaskSet) -> None:
    report = verify(EbHabitat, upstream_tasks, max_steps=MAX_TURNS)
    assert (report.tasks, report.solved, dict(report.unsolved), report.without) == (300, 300, {}, ())
    solved = [task.id for task in upstream_tasks if EbHabitat(upstream_tasks).open_world(task).achieved.success]
    assert solved == ["spatial_relationship/test/43"]
    assert report.floor_solved == 0  # upstream looks at the goal after actions only


def test_environments_are_small_and_fast(sample_tasks: TaskSet) -> None:
    """Bounds several times as wide as what is measured (benchmarks have the figures)."""
    task = "long_horizon/sample/0"
    started(sample_tasks, task)
    tracemalloc.start()
    try:
        alive = [started(sample_tasks, task) for _ in range(1000)]
        assert tracemalloc.get_traced_memory()[0] / len(alive) < 16 * 1024
    finally:
        tracemalloc.stop()
    env = alive[0]
    begun = time.process_time()
    for _ in range(200):
        env.reset(options={"task": task})
    assert (time.process_time() - begun) / 200 < 1e-3
    walk = [Action("choice", index=index * 17 % 70) for index in range(25)]
    begun, steps = time.process_time(), 0
    while steps < 5_000:
        env.reset(options={"task": task})
        for action in walk:
            steps += 1
            if env.step(action)[2]:
                break
    assert steps / (time.process_time() - begun) > 20_000
