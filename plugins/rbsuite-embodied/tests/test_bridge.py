"""Episodes in the stand-in for EmbodiedBench, through a real process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rbsuite.errors import EnvironmentFailure
from rbsuite_embodied.bridge import server
from rbsuite_embodied.bridge.client import PROTOCOL, SERVER

FEEDBACK = "Last action executed successfully."


def actions(bridge: Any, names: tuple[str, ...], *wanted: str) -> list[Any]:
    return [bridge.step(names.index(name)) for name in wanted]


def test_alfred_episode_from_start_to_success(stub: Any) -> None:
    bridge = stub.bridge("eb-alfred")
    start = bridge.start("base", 0)
    assert start.instruction == "Wash the mug that stands by the stove."
    assert start.visible == ("CounterTop", "StoveBurner")
    # They are those of the reset, not those of the constructor.
    assert start.names[-3:] == ("find a Cabinet_2", "open the Cabinet_2", "close the Cabinet_2")
    wanted = ("find a Mug", "pick up the Mug", "open the Cabinet", "turn on the Faucet", "put down the object in hand")
    moves = actions(bridge, start.names, *wanted)
    assert [move.feedback for move in moves] == [
        FEEDBACK,
        FEEDBACK,
        "Last action is invalid. Cannot find Cabinet to open. Find the object before opening it",
        FEEDBACK,
        FEEDBACK,
    ]
    assert [move.valid for move in moves] == [True, True, False, True, True]
    assert [move.progress for move in moves] == [0, 0, 0, 0.5, 1]
    assert [move.success for move in moves] == [False, False, False, False, True]
    assert [move.done for move in moves] == [False, False, False, False, True]
    assert [move.stopped for move in moves] == [False] * 5
    assert [move.steps for move in moves] == [1, 2, 3, 4, 5]
    assert [move.invalid for move in moves] == [0, 0, 1, 1, 1]
    assert [move.reward for move in moves] == [1, 0.99, 0, 0, 5]
    assert [move.visible for move in moves][::4] == [("CounterTop", "Mug"), ("Mug", "Sink")]
    assert moves[-1].states["cleaned_objects"] == ("Cup|-01.00|+00.90|-00.50", "Mug|+01.00|+00.90|-00.50")
    assert moves[-1].states["heated_objects"] == ()
    bridge.close()


def test_habitat_episode_from_start_to_success(stub: Any) -> None:
    bridge = stub.bridge("eb-habitat")
    start = bridge.start("base", 0)
    assert (start.instruction, start.visible) == ("Put the bowl on the sofa.", ())
    wanted = ("pick up the bowl", start.names[1], "pick up the bowl", "navigate to the sofa", "place at the sofa")
    moves = actions(bridge, start.names, *wanted)
    assert moves[0].feedback.startswith("Last action is invalid. Robot cannot pick any object that is not near")
    assert [move.valid for move in moves] == [False, True, True, True, True]
    assert [move.progress for move in moves] == [0, 0.25, 0.5, 0.75, 1]
    assert moves[-1].success is True
    assert moves[-1].done is True
    assert [move.invalid for move in moves] == [1] * 5
    assert moves[-1].feedback == "Last action executed successfully and you are holding nothing."
    bridge.close()


@pytest.mark.parametrize(("environment", "action"), [("eb-alfred", 0), ("eb-habitat", 2)])
def test_types_are_pythons_own(stub: Any, environment: str, action: int) -> None:
    bridge = stub.bridge(environment)
    bridge.start("base", 0)
    move = bridge.step(action)
    for name in ("reward", "progress", "elapsed"):
        assert type(getattr(move, name)) is float, name
    for name in ("done", "stopped", "success", "valid"):
        assert type(getattr(move, name)) is bool, name
    assert move.elapsed >= 0
    bridge.close()


def test_habitat_episode_is_found_by_its_place_though_resets_are_shuffled(stub: Any) -> None:
    """Two episodes have the same instruction, so it would not tell them apart."""
    bridge = stub.bridge("eb-habitat")
    assert bridge.start("base", 2).instruction == bridge.start("base", 0).instruction
    for index in (4, 1, 1, 3, 2):
        bridge.start("base", index)
        assert stub.log[-1] == f"reset {index}"
    assert bridge.step(0).progress == 0.125
    assert stub.log.count("start base") == 1
    bridge.close()


def test_one_process_and_one_simulator_serve_all_episodes_of_a_set(stub: Any) -> None:
    bridge = stub.bridge("eb-alfred")
    pid = bridge.pid
    for index in (2, 0, 1, 0):
        bridge.start("base", index)
    assert stub.log == ["start base", "reset 2", "reset 0", "reset 1", "reset 0"]
    assert bridge.pid == pid
    bridge.close()
    assert stub.log[-1] == "close"


def test_another_set_gets_a_simulator_of_its_own_in_the_same_process(stub: Any) -> None:
    bridge = stub.bridge("eb-alfred")
    bridge.start("base", 1)
    start = bridge.start("spatial", 0)
    assert (start.instruction, start.visible) == ("Find the mug on the left.", ("Fridge",))
    assert bridge.step(start.names.index("find a Mug_2")).success
    assert stub.log == ["start base", "reset 1", "close", "start spatial", "reset 0"]
    bridge.close()


def test_an_episode_owes_nothing_to_those_before(stub: Any) -> None:
    """Upstream counts put-downs over all episodes, and at the third drops the object."""
    bridge = stub.bridge("eb-alfred")
    said = set()
    for _ in range(4):
        start = bridge.start("base", 1)
        said.add(bridge.step(start.names.index("put down the object in hand")).feedback)
    assert said == {"Last action is invalid. Putting the object on CounterTop failed"}
    bridge.close()


def test_an_end_of_upstreams_own_is_told_from_success_and_limits(stub: Any) -> None:
    bridge = stub.bridge("eb-alfred")
    start = bridge.start("base", 1)
    move = actions(bridge, start.names, "put down the object in hand", "find a Mug")[-1]
    assert (move.done, move.stopped, move.success, move.progress) == (True, True, False, 0.25)
    with pytest.raises(EnvironmentFailure, match="no episode is under way"):
        bridge.step(0)


def test_thirty_steps_are_upstreams_limit_and_not_its_own_end(stub: Any) -> None:
    bridge = stub.bridge("eb-alfred")
    bridge.start("base", 2)
    moves = [bridge.step(0) for _ in range(30)]
    assert [move.done for move in moves] == [False] * 29 + [True]
    assert (moves[-1].steps, moves[-1].stopped, moves[-1].progress) == (30, False, 0.5)
    bridge.close()


def test_unreadable_replies_count_among_the_invalid_actions(stub: Any) -> None:
    bridge = stub.bridge("eb-alfred")
    bridge.start("base", 3)
    bridge.refuse()
    moves = [bridge.step(3) for _ in range(9)]
    assert [move.invalid for move in moves] == list(range(2, 11))
    assert [move.steps for move in moves] == list(range(1, 10))
    assert (moves[-1].done, moves[-1].stopped) == (True, False)
    bridge.close()


def test_foreign_output_goes_to_standard_error(stub: Any) -> None:
    """Every call of the stand-in makes noise in five ways, one of which looks like a reply."""
    bridge = stub.bridge("eb-alfred")
    bridge.start("base", 0)
    bridge.step(0)
    bridge.close()
    kept = bytes(bridge._process._errors._kept).decode()
    for line in ("noise of step", "noise on descriptor 1", "noise from C", "noise of a child", '"noise": "step"'):
        assert line in kept


def test_hello_says_who_answers(stub: Any) -> None:
    bridge = stub.bridge("eb-alfred")
    assert bridge.hello.python == ".".join(map(str, sys.version_info[:3]))
    assert "numpy" in bridge.hello.packages
    assert Path(bridge.hello.folder) == Path(stub.settings().home) / "embodiedbench"
    assert stub.log == []
    bridge.close()


def test_load_starts_no_simulator(stub: Any) -> None:
    bridge = stub.bridge("eb-habitat")
    bridge.load()
    bridge.close()
    assert stub.log == []
    assert stub.children == []


def test_the_current_directory_is_left_alone(stub: Any, tmp_path: Path) -> None:
    """Upstream links its data into the current directory when it is imported."""
    here = tmp_path / "here"
    here.mkdir()
    stub.monkeypatch.chdir(here)
    bridge = stub.bridge("eb-habitat")
    bridge.load()
    (scratch,) = stub.scratch()
    assert (scratch / "data" / "README.md").is_file()
    bridge.close()
    assert list(here.iterdir()) == []
    assert (Path(stub.settings().home) / "embodiedbench/envs/eb_habitat/data/README.md").is_file()


SECRETS = ("OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "HTTPS_PROXY")


def test_secrets_do_not_reach_it(stub: Any, tmp_path: Path) -> None:
    telling = tmp_path / "telling.py"
    wanted = (*SECRETS, "DISPLAY", "MONKEY")
    telling.write_text(f"import os, sys\nsys.exit(' '.join(name for name in {wanted} if name in os.environ))\n")
    for name in SECRETS[:-1]:
        stub.monkeypatch.setenv(name, "hush-hush")
    stub.monkeypatch.setenv("HTTPS_PROXY", "http://somebody:hush@proxy.test:8080")
    stub.monkeypatch.setenv("DISPLAY", ":1")
    stub.monkeypatch.setenv("MONKEY", "no key")
    with pytest.raises(EnvironmentFailure) as failure:
        stub.bridge(server=telling)
    assert failure.value.message.endswith(": DISPLAY MONKEY.")


def converse(*lines: str | dict[str, Any]) -> list[dict[str, Any]]:
    """What the server replies to lines, without rbsuite's client."""
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    command = [sys.executable, "-u", str(SERVER)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_bad_requests_are_answered_and_the_next_one_has_its_turn(stub: Any, tmp_path: Path) -> None:
    stub.monkeypatch.chdir(tmp_path)
    stub.monkeypatch.setenv("PYTHONPATH", stub.settings().home)
    stub.replay("eb-alfred")
    init = {"cmd": "init", "environment": "eb-alfred", "eval_set": "base", "index": 0}
    replies = converse(
        "not json",
        "[]",
        "null",
        {"id": 1, "cmd": "dance"},
        {"id": 2, "cmd": ["hello"]},
        {"id": 3, "cmd": "reset"},
        {"id": 4, "cmd": "step", "action": 0},
        {"id": 5, **init, "environment": "eb-navigation"},
        {"id": 6, **init, "eval_set": "train"},
        {"id": 7, **init, "index": 99},
        {"id": 8, **init, "index": -1},
        {"id": 9, **init, "index": True},
        {"id": 10, **init},
        {"id": 11, "cmd": "step", "action": 0},
        {"id": 12, "cmd": "reset"},
        {"id": 13, "cmd": "step", "action": "find a Mug"},
        {"id": 14, "cmd": "step", "action": -1},
        {"id": 15, "cmd": "step", "action": 0},
        {"id": 16, "cmd": "close"},
    )
    assert [reply["id"] for reply in replies] == [None] * 3 + list(range(1, 17))
    kinds = [reply.get("kind", "ok") for reply in replies]
    assert kinds[:5] == ["protocol"] * 5
    assert kinds[5:7] == ["state", "state"]
    assert kinds[7:12] == ["protocol", "episode", "episode", "episode", "protocol"]
    assert kinds[12:] == ["ok", "state", "ok", "protocol", "protocol", "ok", "ok"]


def test_search_for_an_episode_gives_signs_of_life(stub: Any, tmp_path: Path) -> None:
    stub.monkeypatch.chdir(tmp_path)
    stub.monkeypatch.setenv("PYTHONPATH", stub.settings().home)
    stub.replay("eb-habitat")
    init = {"id": 1, "cmd": "init", "environment": "eb-habitat", "eval_set": "base", "index": 0}
    reset = {"id": 2, "cmd": "reset"}
    replies = converse(init, reset, {**reset, "id": 3}, {"id": 4, "cmd": "close"})
    resets = [line for line in stub.log if line.startswith("reset")]
    busy = [reply for reply in replies if "busy" in reply]
    assert len(busy) == len(resets) - 2 > 0
    assert {reply["id"] for reply in busy} <= {2, 3}


def test_client_and_server_speak_the_same_protocol() -> None:
    assert server.PROTOCOL == PROTOCOL
    (reply,) = converse({"id": 1, "cmd": "hello", "protocol": PROTOCOL + 1, "environment": "eb-alfred"})
    assert (reply["ok"], reply["kind"], reply["error"]) == (False, "protocol", f"version {PROTOCOL}")
