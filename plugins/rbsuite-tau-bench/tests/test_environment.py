"""The tau-bench environment: turns, ends, reward, costs, and what it never shows."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from rbsuite.environments.users import STOP, ScriptedUser
from rbsuite.environments.wrappers import UserPolicy
from rbsuite.errors import DataError, EnvironmentFailure, UnknownNameError
from rbsuite.jsonable import canonical
from rbsuite.run.verify import verify
from rbsuite.task import TaskSet
from rbsuite.trajectory import Action, Observation, Step, Trajectory
from rbsuite.transcript import render_transcript
from rbsuite_tau_bench.environment import GREETING, RESPOND_WITHOUT_CONTENT, TauBench
from rbsuite_tau_bench.resources import sample_directory

PACKS = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).parents[4] / "shared" / "packs")
PACK = PACKS / "tau-bench"
needs_pack = pytest.mark.skipif(not PACK.is_dir(), reason="upstream's data (a tau-bench pack) is not here")

TRANSFER = Action("tool", name="transfer_to_human_agents", arguments={"summary": "help"})


@pytest.fixture(scope="module")
def sample() -> TaskSet:
    return TauBench.load("sample")


def say(text: str) -> Action:
    return Action(text=text)


def call(name: str, **arguments: Any) -> Action:
    return Action("tool", name=name, arguments=arguments)


def opened(tasks: TaskSet, task: str, opening: str = "Hello") -> TauBench:
    env = TauBench(tasks)
    env.reset(options={"task": task})
    env.step(say(opening))
    return env


def finished(env: TauBench, *actions: Action) -> dict[str, Any]:
    """Take the actions and then let the user stop; the details of the check."""
    for action in actions:
        env.step(action)
    _, _, terminated, _, info = env.step(say(STOP))
    assert terminated
    truth: dict[str, Any] = info["truth"]
    return truth


def gold(tasks: TaskSet, task: str) -> list[Action]:
    return [call(action["name"], **action["kwargs"]) for action in tasks.by_id[task].payload["actions"]]


def test_an_episode_goes_as_upstreams_does(sample: TaskSet) -> None:
    env = TauBench(sample)
    first, info = env.reset(options={"task": "retail/sample/0"})
    assert (first.turn, first.text, info) == ("user", GREETING, {"task": "retail/sample/0"})
    assert [(message.role, message.content) for message in first.messages] == [
        ("system", sample.by_id["retail/sample/0"].payload["instruction"])
    ]
    heard, reward, terminated, truncated, _ = env.step(say("Hello, it is me."))
    assert (heard.turn, heard.role, heard.text) == ("agent", "user", "Hello, it is me.")
    assert (reward, terminated, truncated) == (0.0, False, False)
    assert heard.messages[0].content.startswith("# Customer service handbook")
    assert len(heard.tools) == 16
    result = env.step(call("find_user_id_by_email", email="nobody@example.org"))[0]
    assert (result.turn, result.role, result.text) == ("agent", "tool", "Error: user not found")
    assert (result.messages, result.tools) == ((), ())
    asked = env.step(say("Who are you?"))[0]
    assert asked == Observation("Who are you?", turn="user")
    assert env.step(say("Marta"))[0] == Observation("Marta")


def test_stop_ends_but_not_in_the_opening(sample: TaskSet) -> None:
    env = opened(sample, "airline/sample/0", STOP)
    env.step(say("Hm?"))
    observation, _, terminated, _, info = env.step(say(f"bye {STOP}"))
    assert terminated
    assert observation.turn == "agent"
    assert info["truth"]["r_actions"] == 0.0
    with pytest.raises(EnvironmentFailure):
        env.step(say("anyone?"))


@pytest.mark.parametrize("arguments", [{"summary": "x"}, {}, {"nonsense": 1}])
def test_a_transfer_ends_even_if_its_call_fails(sample: TaskSet, arguments: dict[str, Any]) -> None:
    env = opened(sample, "retail/sample/0")
    observation, reward, terminated, _, _ = env.step(call("transfer_to_human_agents", **arguments))
    assert terminated
    assert observation.role == "tool"
    assert reward == 0.0


def test_respond_as_a_tool_is_speech(sample: TaskSet) -> None:
    env = opened(sample, "retail/sample/0")
    assert env.step(call("respond", content="Who are you?"))[0] == Observation("Who are you?", turn="user")


@pytest.mark.parametrize("arguments", [{}, {"content": 5}, {"text": "x"}])
def test_respond_without_content_is_an_error_that_is_flagged(sample: TaskSet, arguments: dict[str, Any]) -> None:
    env = opened(sample, "retail/sample/0")
    observation, _, terminated, _, _ = env.step(call("respond", **arguments))
    assert observation == Observation("Error: 'content'", role="tool")
    assert not terminated
    assert finished(env, say("bye"))["deviations"] == [RESPOND_WITHOUT_CONTENT]


def test_the_reward_asks_for_the_right_state_and_every_output(sample: TaskSet) -> None:
    task = "retail/sample/25"
    output = sample.by_id[task].payload["outputs"][0]
    right = finished(opened(sample, task), *gold(sample, task), say(f"It is ${output}."))
    assert right == {"r_actions": 1.0, "r_outputs": 1.0, "outputs": {output: True}, "deviations": []}
    silent = finished(opened(sample, task), *gold(sample, task), say("Done."))
    assert (silent["r_actions"], silent["r_outputs"], silent["outputs"]) == (1.0, 0.0, {output: False})
    idle = finished(opened(sample, task), say(f"It is {output}."))
    assert (idle["r_actions"], idle["r_outputs"]) == (0.0, 1.0)


def test_only_both_together_score(sample: TaskSet) -> None:
    task = "retail/sample/25"
    output = sample.by_id[task].payload["outputs"][0]
    for actions, text, score in (
        (gold(sample, task), output, 1.0),
        (gold(sample, task), "", 0.0),
        ([], output, 0.0),
    ):
        env = opened(sample, task)
        assert env.score == 0.0
        finished(env, *actions, say(text))
        assert env.score == score


def test_commas_in_what_is_said_do_not_count_and_case_neither(sample: TaskSet, tmp_path: Path) -> None:
    tasks = changed(tmp_path, outputs=["1234.5", "Visa"], actions=[])
    assert finished(opened(tasks, "retail/sample/0"), say("1,234.50 on your VISA"))["r_outputs"] == 1.0
    with_comma = changed(tmp_path / "b", outputs=["1,234.5"], actions=[])
    assert finished(opened(with_comma, "retail/sample/0"), say("1,234.5"))["r_outputs"] == 0.0


def changed(path: Path, **values: Any) -> TaskSet:
    """The sample with its first retail task changed."""
    shutil.copytree(sample_directory(), path / "pack")
    file = path / "pack" / "retail_sample_tasks.json"
    tasks = json.loads(file.read_text())
    tasks[0] |= values
    file.write_text(json.dumps(tasks))
    return TauBench.load("sample", data=str(path / "pack"))


def test_what_is_undone_again_counts_as_unchanged(sample: TaskSet) -> None:
    refused = "retail/sample/22"
    assert finished(opened(sample, refused), say("No."))["r_actions"] == 1.0


def test_deviations_of_the_engine_are_named(sample: TaskSet) -> None:
    env = opened(sample, "retail/sample/22")
    assert finished(env, call("calculate", expression="9**9**9"), say("x"))["deviations"] == ["bounded-calculator"]


def test_a_fork_goes_its_own_way(sample: TaskSet) -> None:
    task = "retail/sample/25"
    actions = [*gold(sample, task), say(sample.by_id[task].payload["outputs"][0])]
    env = opened(sample, task)
    for action in actions[:2]:
        env.step(action)
    twin = env.fork()
    assert finished(twin, *actions[2:])["r_actions"] == 1.0
    assert finished(env, say("no"))["r_actions"] == 0.0
    assert (twin.score, env.score) == (1.0, 0.0)


def test_reset_forgets_the_episode_before(sample: TaskSet) -> None:
    task = "retail/sample/25"
    env = opened(sample, task)
    finished(env, *gold(sample, task), say(sample.by_id[task].payload["outputs"][0]))
    assert env.score == 1.0
    env.reset(options={"task": task})
    assert env.score == 0.0
    env.step(say("Hello"))
    assert finished(env, say("x")) == {
        "r_actions": 0.0,
        "r_outputs": 0.0,
        "outputs": {sample.by_id[task].payload["outputs"][0]: False},
        "deviations": [],
    }


def test_task_sets_name_their_content(sample: TaskSet) -> None:
    assert len(sample) == 55
    assert sample.tasks[0].domain == "retail"
    assert sample.tasks[-1].domain == "airline"
    assert [task.id for task in sample][:2] == ["retail/sample/0", "retail/sample/1"]
    assert sample.tasks[0].group == "one-call-items"
    assert sample.tasks[0].query == ""
    assert set(sample.source) == {"pack", "commit", "sha256"}
    assert sample.source["pack"] == "sample"
    assert str(sample_directory()) not in canonical([sample.source, list(sample.tasks)])
    retail = TauBench.load("sample", domain="retail")
    assert len(retail) == 30
    assert retail.source["sha256"] != sample.source["sha256"]
    assert TauBench.load("sample").content_hash == sample.content_hash


def test_a_change_of_one_byte_changes_the_hash(sample: TaskSet, tmp_path: Path) -> None:
    assert changed(tmp_path, user_id="x").source["sha256"] != sample.source["sha256"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"split": "tset"}, UnknownNameError, "Did you mean 'test'"),
        ({"split": "sample", "domain": "telecom"}, UnknownNameError, "retail"),
        ({"split": "train", "domain": "airline"}, DataError, "airline has no split 'train'"),
        ({"split": "test"}, DataError, "rbsuite data fetch tau-bench"),
        ({"split": "test", "data": "no/such/dir"}, DataError, "no/such/dir"),
    ],
)
def test_what_cannot_be_loaded_says_what_to_do(
    arguments: dict[str, str], error: type[Exception], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path))
    with pytest.raises(error, match=re.escape(words)):
        TauBench.load(arguments.pop("split"), **arguments)


def test_an_imported_pack_is_found_with_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path))
    pack = tmp_path / "packs" / "tau-bench"
    shutil.copytree(sample_directory(), pack)
    for domain in ("retail", "airline"):
        (pack / f"{domain}_sample_tasks.json").rename(pack / f"{domain}_test_tasks.json")
    info: dict[str, Any] = {"format": 1, "name": "tau-bench", "source": "checkout", "commit": "c" * 40}
    info |= {
        "files": {"retail_wiki.md": "0" * 64},
        "equals_commit": None,
        "licence": "MIT",
        "counts": {},
        "rbsuite": "0",
    }
    (pack / "pack.json").write_text(json.dumps(info))
    tasks = TauBench.load("test")
    assert tasks.source["commit"] == "c" * 40
    assert tasks.tasks[0].id == "retail/test/0"
    assert str(tmp_path) not in canonical(tasks.source)


def test_official_tasks_are_grouped_by_user(tmp_path: Path) -> None:
    shutil.copytree(sample_directory(), tmp_path / "pack")
    tasks = json.loads((tmp_path / "pack" / "retail_sample_tasks.json").read_text())
    official = [{key: value for key, value in task.items() if key not in ("group", "dialogue")} for task in tasks]
    (tmp_path / "pack" / "retail_dev_tasks.json").write_text(json.dumps(official))
    loaded = TauBench.load("dev", data=str(tmp_path / "pack"))
    assert [task.group for task in loaded] == [task["user_id"] for task in tasks]
    assert verify(TauBench, loaded, max_steps=30).solved == len(tasks)


def test_malformed_tasks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="retail/sample/0"):
        changed(tmp_path, actions=[{"name": "x"}])
    with pytest.raises(DataError, match="retail/sample/0"):
        changed(tmp_path / "b", outputs=[1])


def test_an_unknown_fidelity_is_refused(sample: TaskSet) -> None:
    with pytest.raises(UnknownNameError, match="upstream"):
        TauBench(sample, fidelity="fixed")


def test_gymnasiums_checker_is_content() -> None:
    gymnasium.register("rbsuite-test/tau-v0", entry_point="rbsuite_tau_bench.environment:TauBench")
    try:
        env = gymnasium.make("rbsuite-test/tau-v0")
        check_env(env.unwrapped, skip_render_check=True)
    finally:
        gymnasium.registry.pop("rbsuite-test/tau-v0")


def test_the_single_agent_view_can_be_solved(sample: TaskSet) -> None:
    env = TauBench(sample)
    view = UserPolicy(env)
    task = sample.by_id["airline/sample/10"]
    observation, _ = view.reset(options={"task": task.id})
    assert observation.turn == "agent"
    assert observation.text == task.payload["dialogue"][0]
    reward = 0.0
    for action in env.solution(task).actions:
        observation, gained, terminated, _, _ = view.step(action)
        reward += gained
    assert terminated
    assert reward == 1.0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.text() | st.sampled_from(
    ["respond", "think", "cancel_pending_order", "get_order_details", "book_reservation"]
)
ACTIONS = st.one_of(
    st.builds(Action, text=st.text()),
    st.builds(Action, kind=st.just("tool"), name=NAMES, arguments=st.dictionaries(st.text(), JSON, max_size=3)),
    st.builds(Action, kind=st.just("choice"), index=st.integers()),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, max_size=12), st.booleans())
def test_any_action_is_borne_and_repeats(actions: list[Action], retail: bool) -> None:
    tasks = TauBench.load("sample", domain="retail" if retail else "airline")
    assert run(TauBench(tasks), actions) == run(TauBench(tasks), actions)


def run(env: TauBench, actions: list[Action]) -> list[Any]:
    seen: list[Any] = [env.reset(seed=3)]
    for action in actions:
        seen.append(env.step(action))
        if seen[-1][2]:
            break
    return seen


def random_steps(env: TauBench, task: str, seed: int) -> Iterator[Step]:
    """An episode in which the agent talks and calls tools that show none of the task's records."""
    choose = random.Random(seed)
    user = ScriptedUser(env.script(env.tasks.by_id[task]))
    observation = env.reset(seed=seed, options={"task": task})[0]
    for _ in range(12):
        if observation.turn == "user":
            action = say(user.line(observation))
        else:
            calls = [
                call("think", thought="hm"),
                call("calculate", expression="1+1"),
                call("no_such_tool", x=1),
                TRANSFER,
            ]
            action = choose.choices([say("What else?"), *calls], weights=[6, 2, 2, 2, 1])[0]
        seen = observation
        observation, reward, terminated, _, _ = env.step(action)
        yield Step(seen.turn, seen, action, reward)
        if terminated:
            return


def secrets(task: Any) -> set[str]:
    """Texts of the reference that an agent can know from nowhere but the user's lines."""
    text = json.dumps([action["kwargs"] for action in task.payload["actions"]])
    return set(re.findall(r"#W\d{7}|\b\d{10}\b|\b[a-z]+_card_\d+|\bpaypal_\d+|\bcertificate_\d+", text))


@pytest.mark.parametrize("seed", range(3))
def test_ground_truth_is_never_shown(sample: TaskSet, seed: int) -> None:
    env = TauBench(sample)
    for task in sample:
        steps = tuple(random_steps(env, task.id, seed))
        whole = Trajectory(task.id, 0, seed, "", steps, None, "finished", score=env.score, truth={"r_actions": 1.0})
        shown = whole.shown()
        assert shown.score is None
        assert not shown.truth
        assert all(
            step.reward is None and not step.observation.messages for step in shown.steps if step.actor == "user"
        )
        spoken = "\n".join(env.script(task))
        static = {message.content for step in steps for message in step.observation.messages if step.actor == "agent"}
        assert static == {env.tasks.resources.pack.wiki(task.domain)}
        texts = [step.observation.text + canonical(step.observation.data) for step in steps if step.actor == "agent"]
        for text in (*texts, render_transcript(shown, limit=0), *static, canonical(shown)):
            assert str(task.payload["instruction"]) not in text
            assert "r_actions" not in text
            assert not {secret for secret in secrets(task) if secret in text and secret not in spoken}


def test_fresh_environments_are_cheap(sample: TaskSet) -> None:
    TauBench(sample).reset(options={"task": "airline/sample/0"})
    start = time.process_time()
    alive = [TauBench(sample) for _ in range(300)]
    for env in alive:
        env.reset(options={"task": "airline/sample/0"})
    assert (time.process_time() - start) / len(alive) < 0.3e-3
    del alive
    tracemalloc.start()
    try:
        alive = [opened(sample, "airline/sample/0") for _ in range(1000)]
        assert tracemalloc.get_traced_memory()[0] / len(alive) < 64 * 1024
    finally:
        tracemalloc.stop()


@needs_pack
def test_references_and_floor_are_as_measured_upstream() -> None:
    found = {}
    for split in ("test", "dev", "train"):
        report = verify(TauBench, TauBench.load(split, data=str(PACK)), max_steps=30)
        assert not report.unsolved
        for domain, counts in report.domains.items():
            found[domain, split] = (counts.solved, counts.floor_solved)
    assert found[("retail", "test")] == (115, 7)
    assert found[("airline", "test")] == (50, 19)
    assert found[("retail", "dev")][0] == 20
    assert found[("retail", "train")][0] == 500


@needs_pack
def test_a_reward_is_cheap_on_upstreams_data() -> None:
    tasks = TauBench.load("test", data=str(PACK))
    spent = []
    for task in tasks:
        env = opened(tasks, task.id)
        for action in gold(tasks, task.id):
            if action.name != TRANSFER.name:
                env.step(action)
        env.step(say("Done"))
        start = time.process_time()
        env.step(say(STOP))
        spent.append(time.process_time() - start)
    assert sorted(spent)[len(spent) // 2] < 5e-3


def test_the_sample_can_be_solved_and_not_by_doing_nothing() -> None:
    report = verify(TauBench, TauBench.load("sample"), max_steps=30)
    assert (report.solved, report.unsolved) == (55, {})
    assert report.floor_solved < 12
