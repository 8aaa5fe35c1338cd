"""The tau-bench environment: turns, ends, grades, costs, and what it never shows."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbsuite.data.packs import file_hashes
from rbsuite.environments.base import PlainServices, SyncEpisode
from rbsuite.environments.users import STOP, ScriptedUser
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.jsonable import canonical
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Observation, Step, ToolCall, Trajectory
from rbsuite.transcript import render_transcript
from rbsuite_tau_bench.environment import GREETING, RESPOND_WITHOUT_CONTENT, TauBench
from rbsuite_tau_bench.resources import sample_directory
from speed import cpu_seconds

PACKS = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).parents[4] / "shared" / "packs")
PACK = PACKS / "tau-bench"

TRANSFER = "transfer_to_human_agents"
WITH_OUTPUT = "retail/sample/25"


class Game:
    """An episode whose actions are taken one by one."""

    def __init__(self, environment: TauBench, task: Task, opening: str = "Hello") -> None:
        self.episode: SyncEpisode = environment.begin(task, seed=0, services=PlainServices(environment))
        self.first = self.episode.observation
        self.heard = self.play(Action(opening))

    def play(self, *actions: Action) -> Observation:
        for action in actions:
            self.episode.observation = self.episode.act(action)
        return self.episode.observation

    def grade(self, end: EndReason = "finished") -> Grade:
        return self.episode.grade(end)

    def finished(self, *actions: Action) -> Grade:
        """Take the actions, let the user stop, and grade."""
        assert self.play(*actions, Action(STOP)).turn == "over"
        return self.grade()


class Sample:
    """An environment that has read its sample, and games in it."""

    def __init__(self, data: str = "") -> None:
        self.environment = TauBench()
        self.tasks = self.environment.tasks("sample", data=data)

    def open(self, task: str = "retail/sample/0", opening: str = "Hello") -> Game:
        return Game(self.environment, self.tasks.by_id[task], opening)

    def gold(self, task: str) -> list[Action]:
        return [Action.call(action["name"], action["kwargs"]) for action in self.tasks.by_id[task].payload["actions"]]


@pytest.fixture(scope="module")
def sample() -> Sample:
    return Sample()


def test_an_episode_goes_as_upstreams_does(sample: Sample) -> None:
    game = sample.open(opening="Hello, it is me.")
    assert (game.first.turn, game.first.text) == ("user", GREETING)
    instruction = sample.tasks.by_id["retail/sample/0"].payload["instruction"]
    assert [(message.role, message.text) for message in game.first.messages] == [("system", instruction)]
    heard = game.heard
    assert (heard.turn, heard.role, heard.text) == ("agent", "user", "Hello, it is me.")
    assert [message.role for message in heard.messages] == ["system"]
    assert heard.messages[0].text.startswith("# Customer service handbook")
    assert len(heard.tools) == 16
    result = game.play(Action.call("find_user_id_by_email", {"email": "nobody@example.org"}))
    assert result == Observation("Error: user not found", role="tool")
    assert game.play(Action("Who are you?")) == Observation("Who are you?", turn="user")
    assert game.play(Action("Marta")) == Observation("Marta")
    assert not game.episode.truncated


def test_stop_ends_but_not_in_the_opening(sample: Sample) -> None:
    game = sample.open("airline/sample/0", opening=f"Hi {STOP}")
    assert game.heard.turn == "agent"
    assert game.play(Action("Hm?"), Action(f"bye {STOP}")) == Observation(f"bye {STOP}", turn="over")


@pytest.mark.parametrize("arguments", [{"summary": "x"}, {}, {"nonsense": 1}])
def test_a_transfer_ends_even_if_its_call_fails(sample: Sample, arguments: dict[str, Any]) -> None:
    game = sample.open()
    over = game.play(Action.call(TRANSFER, arguments))
    assert (over.turn, over.role) == ("over", "tool")
    assert game.grade().score == 0.0


def test_only_the_first_call_is_carried_out_and_no_text_beside_it(sample: Sample) -> None:
    output = sample.tasks.by_id[WITH_OUTPUT].payload["outputs"][0]
    game = sample.open(WITH_OUTPUT)
    calls = (ToolCall("a", "calculate", {"expression": "1+1"}), ToolCall("b", TRANSFER, {"summary": "x"}))
    assert game.play(Action(output, calls)) == Observation("2.0", role="tool")
    assert game.finished(*sample.gold(WITH_OUTPUT), Action("Done.")).truth["outputs"] == {output: False}


def test_respond_as_a_tool_is_speech(sample: Sample) -> None:
    game, action = sample.open(), Action.call("respond", {"content": "Who are you?"})
    assert game.play(action) == Observation("Who are you?", turn="user")
    assert game.episode.audience("agent", action) == game.episode.audience("agent", Action("Hm")) == ("agent", "user")
    assert game.episode.audience("agent", Action.call("think", {"thought": "x"})) == ("agent",)


@pytest.mark.parametrize("arguments", [{}, {"content": 5}, {"text": "x"}])
def test_respond_without_content_is_an_error_that_is_flagged(sample: Sample, arguments: dict[str, Any]) -> None:
    game, action = sample.open(), Action.call("respond", arguments)
    assert game.play(action) == Observation("Error: 'content'", role="tool")
    assert game.episode.audience("agent", action) == ("agent",)
    assert game.finished(Action("bye")).truth["deviations"] == [RESPOND_WITHOUT_CONTENT]


def test_deviations_of_the_engine_are_named(sample: Sample) -> None:
    power = Action.call("calculate", {"expression": "9**9**9"})
    assert sample.open().finished(power, Action("x")).truth["deviations"] == ["bounded-calculator"]


def test_the_grade_asks_for_the_right_state_and_every_output(sample: Sample) -> None:
    gold, output = sample.gold(WITH_OUTPUT), sample.tasks.by_id[WITH_OUTPUT].payload["outputs"][0]
    truth = {"r_actions": 1.0, "r_outputs": 1.0, "outputs": {output: True}, "deviations": []}
    assert sample.open(WITH_OUTPUT).finished(*gold, Action(f"It is ${output}.")) == Grade(1.0, truth=truth)
    silent = sample.open(WITH_OUTPUT).finished(*gold, Action("Done."))
    assert (silent.score, silent.truth["r_actions"], silent.truth["r_outputs"]) == (0.0, 1.0, 0.0)
    idle = sample.open(WITH_OUTPUT).finished(Action(f"It is {output}."))
    assert (idle.score, idle.truth["r_actions"], idle.truth["r_outputs"]) == (0.0, 0.0, 1.0)
    refused = sample.open("retail/sample/22").finished(Action("No."))
    assert (refused.score, refused.truth["r_outputs"]) == (1.0, None)


@pytest.mark.parametrize("end", get_args(EndReason))
def test_only_an_episode_that_is_over_scores(sample: Sample, end: EndReason) -> None:
    gold, output = sample.gold(WITH_OUTPUT), sample.tasks.by_id[WITH_OUTPUT].payload["outputs"][0]
    game = sample.open(WITH_OUTPUT)
    game.play(*gold, Action(f"It is {output}."))
    assert (game.grade(end).score, game.grade(end).truth["r_actions"]) == (0.0, 1.0)
    assert game.finished().score == 1.0


def test_commas_in_what_is_said_do_not_count_and_case_neither(tmp_path: Path) -> None:
    found = changed(tmp_path, outputs=["1234.5", "Visa"], actions=[]).open().finished(Action("1,234.50 on your VISA"))
    assert found.score == 1.0
    with_comma = changed(tmp_path / "b", outputs=["1,234.5"], actions=[]).open().finished(Action("1,234.5"))
    assert with_comma.score == 0.0


def changed(path: Path, **values: Any) -> Sample:
    """The sample with its first retail task changed."""
    shutil.copytree(sample_directory(), path / "pack")
    file = path / "pack" / "retail_sample_tasks.json"
    tasks = json.loads(file.read_text())
    tasks[0] |= values
    file.write_text(json.dumps(tasks))
    return Sample(str(path / "pack"))


def test_episodes_and_forks_go_their_own_way(sample: Sample) -> None:
    output = sample.tasks.by_id[WITH_OUTPUT].payload["outputs"][0]
    actions = [*sample.gold(WITH_OUTPUT), Action(output)]
    game = sample.open(WITH_OUTPUT)
    game.play(*actions[:2])
    twin = sample.open(WITH_OUTPUT)
    twin.episode = game.episode.fork()
    assert twin.finished(*actions[2:]).score == 1.0
    assert game.finished(Action("no")).truth["r_actions"] == 0.0
    assert sample.open(WITH_OUTPUT).finished(Action("no")).truth["outputs"] == {output: False}


def test_task_sets_name_their_content(sample: Sample, tmp_path: Path) -> None:
    tasks = sample.tasks
    assert [task.id for task in tasks][:2] == ["retail/sample/0", "retail/sample/1"]
    assert [task.domain for task in tasks] == ["retail"] * 30 + ["airline"] * 25
    assert (tasks.tasks[0].group, tasks.tasks[0].query) == ("one-call-items", "")
    assert (set(tasks.source), tasks.source["pack"]) == ({"pack", "commit", "sha256"}, "sample")
    assert str(sample_directory()) not in canonical([tasks.source, list(tasks)])
    assert TauBench().tasks("sample").content_hash == tasks.content_hash
    retail = TauBench().tasks("sample", domain="retail")
    hashes = {tasks.source["sha256"], retail.source["sha256"], changed(tmp_path, user_id="x").tasks.source["sha256"]}
    assert (len(retail), len(hashes)) == (30, 3)


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
        TauBench().tasks(arguments.pop("split"), **arguments)


def test_an_imported_pack_is_found_with_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path))
    pack = tmp_path / "packs" / "tau-bench"
    shutil.copytree(sample_directory(), pack)
    for domain in ("retail", "airline"):
        (pack / f"{domain}_sample_tasks.json").rename(pack / f"{domain}_test_tasks.json")
    info: dict[str, Any] = {"format": 1, "name": "tau-bench", "source": "checkout", "commit": "c" * 40}
    info |= {
        "files": file_hashes(pack),
        "equals_commit": None,
        "licence": "MIT",
        "counts": {},
        "rbsuite": "0",
    }
    (pack / "pack.json").write_text(json.dumps(info))
    tasks = TauBench().tasks("test")
    assert (tasks.source["commit"], tasks.tasks[0].id) == ("c" * 40, "retail/test/0")
    assert str(tmp_path) not in canonical(tasks.source)
    assert TauBench().tasks("test", data=str(pack)).content_hash == tasks.content_hash
    (pack / "retail_wiki.md").write_text("Edited.")
    assert TauBench().tasks("test", data=str(pack)).source["commit"] == ""
    with pytest.raises(DataError, match=r"retail_wiki\.md was changed since the import"):
        TauBench().tasks("test")


def test_malformed_tasks_and_an_unknown_fidelity_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="retail/sample/0"):
        changed(tmp_path, actions=[{"name": "x"}])
    with pytest.raises(DataError, match="retail/sample/0"):
        changed(tmp_path / "b", outputs=[1])
    with pytest.raises(UnknownNameError, match="upstream"):
        TauBench(fidelity="fixed")


def test_splits_read_by_one_environment_stay_apart(tmp_path: Path) -> None:
    shutil.copytree(sample_directory(), tmp_path / "pack")
    file = tmp_path / "pack" / "retail_sample_tasks.json"
    file.rename(tmp_path / "pack" / "retail_dev_tasks.json")
    (tmp_path / "pack" / "retail_wiki.md").write_text("Another policy.")
    environment = TauBench()
    games = [
        Game(environment, environment.tasks(split, domain="retail", data=data).tasks[0])
        for split, data in (("sample", ""), ("dev", str(tmp_path / "pack")))
    ]
    policies = [game.heard.messages[0].text for game in games]
    assert policies[1] == "Another policy." != policies[0]
    assert [game.heard.data["split"] for game in games] == ["sample", "dev"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.text() | st.sampled_from(
    ["respond", "think", "cancel_pending_order", "get_order_details", "book_reservation"]
)
CALLS = st.builds(ToolCall, st.text(), NAMES, st.dictionaries(st.text(), JSON, max_size=3))
ACTIONS = st.builds(Action, st.text(), st.lists(CALLS, max_size=2).map(tuple), st.none() | st.integers())


@settings(max_examples=60)
@given(st.lists(ACTIONS, max_size=12), st.sampled_from(["retail/sample/0", "airline/sample/0"]))
def test_any_action_is_borne_and_repeats(actions: list[Action], task: str) -> None:
    assert run(task, actions) == run(task, actions)


def run(task: str, actions: Sequence[Action]) -> list[Any]:
    game = Sample().open(task)
    seen = [game.play(action) for action in actions if game.episode.observation.turn != "over"]
    return [*seen, game.grade("max_steps")]


def random_steps(game: Game, lines: Sequence[Action], seed: int) -> tuple[Step, ...]:
    """An episode in which the agent talks and calls tools that show none of the task's records."""
    choose = random.Random(seed)
    user = ScriptedUser(lines[1:])
    calls = [Action.call("think", {"thought": "hm"}), Action.call("calculate", {"expression": "1+1"})]
    calls += [Action.call("no_such_tool", {"x": 1}), Action.call(TRANSFER, {"summary": "help"})]
    steps = [Step("user", game.first, lines[0])]
    while (seen := game.episode.observation).turn != "over" and len(steps) < 12:
        spoken = choose.choices([Action("What else?"), *calls], weights=[6, 2, 2, 2, 1])[0]
        action = user.next(seen) if seen.turn == "user" else spoken
        actor = seen.turn
        game.play(action)
        steps.append(Step(actor, seen, action, 0.5, game.episode.audience(actor, action)))
    return tuple(steps)


def secrets(task: Task) -> set[str]:
    """Texts of the reference that an agent can know from nowhere but the user's lines."""
    text = json.dumps([action["kwargs"] for action in task.payload["actions"]])
    return set(re.findall(r"#W\d{7}|\b\d{10}\b|\b[a-z]+_card_\d+|\bpaypal_\d+|\bcertificate_\d+", text))


@pytest.mark.parametrize("seed", range(3))
def test_ground_truth_is_never_shown(sample: Sample, seed: int) -> None:
    for task in sample.tasks:
        lines = sample.environment.solution(task).user
        game = sample.open(task.id, lines[0].text)
        steps = random_steps(game, lines, seed)
        whole = Trajectory(task.id, 0, seed, "", steps, game.episode.observation, "finished", grade=game.grade())
        shown = whole.shown()
        spoken = "\n".join(line.text for line in lines)
        static = {message.text for step in steps for message in step.observation.messages if step.actor == "agent"}
        assert static == {(sample_directory() / f"{task.domain}_wiki.md").read_text(encoding="utf-8")}
        texts = [step.observation.text + canonical(step.observation.data) for step in steps if step.actor == "agent"]
        for text in (*texts, render_transcript(shown, budget=0), *static, canonical(shown)):
            assert str(task.payload["instruction"]) not in text
            assert "r_actions" not in text
            assert not {secret for secret in secrets(task) if secret in text and secret not in spoken}


def test_fresh_episodes_are_cheap(sample: Sample) -> None:
    task, services = sample.tasks.by_id["airline/sample/0"], PlainServices(sample.environment)

    def fresh(count: int) -> list[Any]:
        return [sample.environment.begin(task, seed=0, services=services) for _ in range(count)]

    assert cpu_seconds(lambda: fresh(300), 0.09) < 0.09
    tracemalloc.start()
    try:
        alive = fresh(1000)
        assert tracemalloc.get_traced_memory()[0] / len(alive) < 64 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not PACK.is_dir(), reason="upstream's data (a tau-bench pack) is not here")
def test_a_grade_is_cheap_on_upstreams_data() -> None:
    environment = TauBench()
    spent = []
    for task in environment.tasks("test", data=str(PACK)):
        actions = [action for action in task.payload["actions"] if action["name"] != TRANSFER]
        game = Game(environment, task)
        game.play(*(Action.call(action["name"], action["kwargs"]) for action in actions), Action("Done"), Action(STOP))
        start = time.process_time()
        game.grade()
        spent.append(time.process_time() - start)
    assert sorted(spent)[len(spent) // 2] < 5e-3


def test_official_tasks_are_grouped_by_user(tmp_path: Path) -> None:
    shutil.copytree(sample_directory(), tmp_path / "pack")
    tasks = json.loads((tmp_path / "pack" / "retail_sample_tasks.json").read_text())
    official = [{key: value for key, value in task.items() if key not in ("group", "dialogue")} for task in tasks]
    (tmp_path / "pack" / "retail_dev_tasks.json").write_text(json.dumps(official))
    environment = TauBench()
    loaded: TaskSet = environment.tasks("dev", data=str(tmp_path / "pack"))
    assert [task.group for task in loaded] == [task["user_id"] for task in tasks]
    assert all(len(environment.solution(task).user) >= 2 for task in loaded)
