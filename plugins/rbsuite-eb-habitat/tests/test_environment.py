"""The environment: limits, ends, scores, cost, and what it never shows."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbsuite.environments.base import PlainServices
from rbsuite.environments.replay import play_actions
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.jsonable import canonical
from rbsuite.task import TaskSet
from rbsuite.trajectory import NO_CHOICE, Action, Grade, Observation
from rbsuite_eb_habitat.actions import ACTION_NAMES, INDICES
from rbsuite_eb_habitat.environment import EbHabitat
from rbsuite_eb_habitat.resources import sample_directory
from rbsuite_eb_habitat.vocab import SETS
from rbsuite_embodied.environment import EmbodiedEpisode
from speed import cpu_seconds


def choice(name: str) -> Action:
    return Action.choose(INDICES[name], name)


def started(task: str = "base/sample/0", **options: Any) -> EmbodiedEpisode:
    environment = EbHabitat(**options)
    found = environment.tasks("sample").by_id[task]
    return environment.begin(found, seed=0, services=PlainServices(environment))


def act(episode: EmbodiedEpisode, *actions: Action) -> Observation:
    """What is seen after the last of some actions; none follows on the end of the episode."""
    for action in actions:
        assert episode.observation.turn == "agent"
        episode.observation = episode.act(action)
    return episode.observation


def play(environment: EbHabitat, tasks: TaskSet, task: str, actions: tuple[Action, ...]) -> Grade:
    return asyncio.run(play_actions(environment, tasks.by_id[task], actions, ()))[0]


def test_the_first_observation_is_the_instruction_with_the_named_actions(sample_tasks: TaskSet) -> None:
    observation = started().observation
    assert observation.text == sample_tasks.by_id["base/sample/0"].query
    assert observation.choices == ACTION_NAMES
    assert [message.role for message in observation.messages] == ["system"]


def test_thirty_steps_end_it() -> None:
    episode = started()
    act(episode, *[choice("navigate to the cabinet 7")] * 29)
    assert (episode.reward, episode.truncated) == (0.0, False)
    assert act(episode, choice("navigate to the cabinet 7")).turn == "over"
    truth = episode.grade("max_steps").truth
    assert (episode.truncated, truth["ended"], truth["steps"], truth["invalid_actions"]) == (True, "steps", 30, 0)


def test_ten_invalid_actions_end_it_and_replies_that_name_none_count() -> None:
    episode = started()
    act(episode, *[choice("place at the sofa"), Action.choose(NO_CHOICE, "hm")] * 5)
    grade = episode.grade("finished")
    assert (episode.observation.turn, episode.truncated) == ("over", False)
    assert grade.truth == {"ended": "invalid_actions", "steps": 5, "invalid_actions": 10, "unreadable": 5}
    assert grade.score == 0.0


def test_progress_is_the_reward_and_stopping_is_recorded_as_upstream_does(
    sample_env: EbHabitat, sample_tasks: TaskSet
) -> None:
    solution = sample_env.solution(sample_tasks.by_id["base/sample/0"])
    assert solution is not None
    episode, gained = started(), 0.0
    for action in solution.actions[:2]:
        act(episode, action)
        gained += episode.reward or 0.0
    assert episode.grade("timeout").measures == {"progress": pytest.approx(gained), "progress_upstream": gained}
    assert (act(episode, Action()).turn, episode.reward) == ("over", 0.0)
    assert 0.0 < gained < 1.0
    grade = episode.grade("finished")
    assert grade.measures == {"progress": pytest.approx(gained), "progress_upstream": 0.0}
    assert (grade.truth["ended"], episode.truncated) == ("empty_plan", False)


def test_the_sample_is_solved_by_its_references_and_not_by_doing_nothing(
    sample_env: EbHabitat, sample_tasks: TaskSet
) -> None:
    for task in sample_tasks:
        solution = sample_env.solution(task)
        assert solution is not None
        grade, seen = asyncio.run(play_actions(sample_env, task, solution.actions, ()))
        assert (grade.score, grade.measures["progress"], len(seen)) == (1.0, 1.0, len(solution.actions) + 1)
        assert play(sample_env, sample_tasks, task.id, (Action(),)).score == 0.0


def test_visible_adds_what_is_in_view() -> None:
    plain, seeing = started(), started(obs_mode="visible")
    first = seeing.observation
    assert first.text.endswith("\nIn view: nothing")
    assert "In view" in first.messages[0].text
    assert "In view" not in plain.observation.messages[0].text
    feedback = act(plain, choice("navigate to the table 2")).text
    told = act(seeing, choice("navigate to the table 2")).text
    assert told.startswith(f"{feedback}\nIn view: table 2, ")


def test_examples_of_the_prompt_name_actions_by_their_ids() -> None:
    prompt = started().observation.messages[0].text
    lines = re.findall(r"^(\d+): (.+?)(?: \(invalid\))?$", prompt, re.MULTILINE)
    assert len(lines) > 20
    assert all(ACTION_NAMES[int(number)] == name for number, name in lines)


def test_the_prompt_holds_no_lesson_and_no_task(sample_env: EbHabitat, sample_tasks: TaskSet) -> None:
    prompt, lessons = started(obs_mode="visible").observation.messages[0].text, sample_env.lessons()
    assert not any(task.query in prompt for task in sample_tasks)
    verbs = {"-".join(name.split()[: 1 if name.startswith(("open", "close")) else 2]) for name in ACTION_NAMES}
    assert {name.split("/")[1] for name in lessons} <= verbs
    texts = {text for lesson in lessons.values() for text in (lesson.lesson, lesson.symptom)}
    assert not [text for text in texts for other in texts if text != other and text in other]
    assert not [text for text in texts if text in prompt]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 69), max_size=20), st.integers(0, 35))
def test_ground_truth_is_never_shown(
    sample_env: EbHabitat, sample_tasks: TaskSet, walk: list[int], number: int
) -> None:
    task = sample_tasks.tasks[number]
    episode = started(task.id, obs_mode="visible")
    shown = [episode.observation]
    for index in walk:
        shown.append(act(episode, Action.choose(index)))
        if shown[-1].turn == "over":
            break
    text = canonical(shown)
    assert "on_top" not in text
    assert "sub_exprs" not in text
    items = sample_env.resources.episode(task).items
    assert not any(item.instance in text or item.receptacle in text for item in items)


def test_a_fork_goes_its_own_way(sample_env: EbHabitat, sample_tasks: TaskSet) -> None:
    solution = sample_env.solution(sample_tasks.by_id["long_horizon/sample/0"])
    assert solution is not None
    episode = started("long_horizon/sample/0")
    act(episode, *solution.actions[:3])
    twin = episode.fork()
    act(twin, *solution.actions[3:])
    assert (twin.grade("finished").score, episode.grade("max_steps").score) == (1.0, 0.0)
    act(episode, *solution.actions[3:])
    assert episode.grade("finished").score == 1.0


ACTIONS = st.one_of(
    st.builds(Action.choose, st.integers(-3, 75)),
    st.builds(Action, st.text() | st.sampled_from(ACTION_NAMES)),
    st.builds(Action.call, st.text()),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(ACTIONS, max_size=35))
def test_any_action_is_borne_and_repeats(sample_env: EbHabitat, sample_tasks: TaskSet, actions: list[Action]) -> None:
    first, second = (asyncio.run(play_actions(sample_env, sample_tasks.tasks[0], actions, ())) for _ in range(2))
    assert first == second


def test_task_sets_name_their_content(sample_tasks: TaskSet) -> None:
    assert sample_tasks.environment == "eb-habitat[symbolic]"
    assert list(dict.fromkeys(task.domain for task in sample_tasks)) == list(SETS)
    assert sample_tasks.source["pack"] == "sample"
    assert str(sample_directory()) not in canonical([sample_tasks.source, list(sample_tasks.tasks)])
    one = EbHabitat().tasks("sample", domain="long_horizon")
    assert [task.id for task in one] == [f"long_horizon/sample/{number}" for number in range(len(one))]
    assert one.source["sha256"] != sample_tasks.source["sha256"]
    assert EbHabitat().tasks("sample").content_hash == sample_tasks.content_hash


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
        EbHabitat().tasks(arguments.pop("split"), **arguments)


def test_an_imported_pack_is_found_with_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path))
    pack = Path(shutil.copytree(sample_directory(), tmp_path / "packs" / "eb-habitat"))
    info: dict[str, Any] = {"format": 1, "name": "eb-habitat", "source": "checkout", "commit": "c" * 40}
    info |= {
        "files": {"base.json": hashlib.sha256((pack / "base.json").read_bytes()).hexdigest()},
        "equals_commit": None,
        "licence": "MIT",
        "counts": {},
        "rbsuite": "0",
    }
    (pack / "pack.json").write_text(json.dumps(info))
    tasks = EbHabitat().tasks("test")
    assert tasks.source["commit"] == "c" * 40
    assert tasks.tasks[0].id == "base/test/0"
    assert str(tmp_path) not in canonical(tasks.source)


def test_an_empty_pack_is_refused(tmp_path: Path) -> None:
    pack = Path(shutil.copytree(sample_directory(), tmp_path / "pack"))
    (pack / "base.json").write_text("[]")
    with pytest.raises(DataError, match="no episode"):
        EbHabitat().tasks("test", domain="base", data=str(pack))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("goal_preds", {"expr_type": "XOR", "sub_exprs": []}, "unknown operator 'XOR'"),
        (
            "goal_preds",
            {"expr_type": "AND", "sub_exprs": ["holding(nothing_0)"]},
            "names the unknown entity 'nothing_0'",
        ),
        ("goal_preds", {"expr_type": "AND", "sub_exprs": [{}]}, "neither a predicate nor an expression"),
        ("start_preds", ["not_holding()"], "is not about a door"),
        ("subgoals", [["holding(nothing_0)"]], "of the wrong type"),
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
        EbHabitat().tasks("test", data=str(pack))
    assert EbHabitat().tasks("test", domain="long_horizon", data=str(pack)).tasks


def test_upstreams_references_all_work_and_one_task_is_solved_at_the_start(
    upstream_env: EbHabitat, upstream_tasks: TaskSet
) -> None:
    at_start = []
    for task in upstream_tasks:
        solution = upstream_env.solution(task)
        assert solution is not None
        assert play(upstream_env, upstream_tasks, task.id, solution.actions).score == 1.0, task.id
        # Upstream looks at the goal after actions only.
        assert play(upstream_env, upstream_tasks, task.id, (Action(),)).score == 0.0
        if upstream_env.open_world(task).achieved.success:
            at_start.append(task.id)
    assert (len(upstream_tasks), at_start) == (300, ["spatial_relationship/test/43"])


def test_episodes_are_small_and_fast(sample_env: EbHabitat, sample_tasks: TaskSet) -> None:
    """Bounds several times as wide as what is measured (benchmarks have the figures)."""
    task, services = sample_tasks.by_id["long_horizon/sample/0"], PlainServices(sample_env)
    sample_env.begin(task, seed=0, services=services)
    tracemalloc.start()
    try:
        alive = [sample_env.begin(task, seed=0, services=services) for _ in range(1000)]
        assert tracemalloc.get_traced_memory()[0] / len(alive) < 16 * 1024
    finally:
        tracemalloc.stop()

    def resets() -> None:
        for _ in range(200):
            sample_env.begin(task, seed=0, services=services)

    walk = [Action.choose(index * 17 % 70) for index in range(25)]

    def walks() -> None:
        steps = 0
        while steps < 5_000:
            episode = sample_env.begin(task, seed=0, services=services)
            for action in walk:
                steps += 1
                if episode.act(action).turn == "over":
                    break

    assert cpu_seconds(resets, 0.2) < 0.2
    assert cpu_seconds(walks, 0.25) < 0.25
