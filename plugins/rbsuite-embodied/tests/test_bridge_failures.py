"""What becomes of a bridge when the other side fails: one clear line, and nothing left behind."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rbsuite.errors import EnvironmentFailure
from rbsuite_embodied.bridge.client import SERVER, Bridge
from rbsuite_embodied.bridge.settings import Settings

HERE = Path(__file__).parent


def play(bridge: Bridge) -> None:
    start = bridge.start("base", 0)
    for name in ("find a Mug", "pick up the Mug"):
        bridge.step(start.names.index(name))


def check_over(stub: Any, bridge: Bridge) -> None:
    """It cannot be used again, and closing it is no error."""
    assert not bridge.alive
    with pytest.raises(EnvironmentFailure, match="has ended, so"):
        bridge.start("base", 0)
    bridge.close()
    assert stub.gone(bridge.pid)


COMMANDS = ("init", "reset", "step")


@pytest.mark.parametrize("at", COMMANDS)
@pytest.mark.parametrize(
    ("do", "said"),
    [
        ("exit", "ended with exit code 3 during '{}': Unity has left the building."),
        ("sys.exit", "ended with exit code 4 during '{}': about to break."),
        ("kill", "was ended by SIGKILL during '{}': about to break."),
        ("raise", "failed at '{}': RuntimeError: the scene could not be restored."),
    ],
)
def test_crash_is_one_line_with_what_is_known_of_it(stub: Any, at: str, do: str, said: str) -> None:
    stub.break_at(at, do)
    bridge = stub.bridge()
    with pytest.raises(EnvironmentFailure) as failure:
        play(bridge)
    assert failure.value.message == f"EmbodiedBench (eb-alfred) {said.format(at)}"
    check_over(stub, bridge)


def test_failure_of_a_later_step_too(stub: Any) -> None:
    stub.break_at("step", "exit", nth=2)
    bridge = stub.bridge("eb-habitat")
    bridge.start("base", 0)
    assert not bridge.step(2).valid
    with pytest.raises(EnvironmentFailure, match="exit code 3 during 'step'"):
        bridge.step(1)
    check_over(stub, bridge)


def test_killed_from_outside_between_two_commands(stub: Any) -> None:
    bridge = stub.bridge()
    play(bridge)
    os.kill(bridge.pid, signal.SIGKILL)
    with pytest.raises(EnvironmentFailure, match="was ended by SIGKILL during 'step'"):
        bridge.step(0)
    check_over(stub, bridge)


@pytest.mark.parametrize("at", COMMANDS)
def test_hang_is_ended_after_the_limit(stub: Any, at: str) -> None:
    stub.break_at(at, "hang", nth=1 if at == "init" else 2)
    bridge = stub.bridge()
    if at != "init":
        bridge.start("base", 0)
    if at == "step":
        bridge.step(0)
    bridge.timeout = 1.5
    began = time.monotonic()
    with pytest.raises(EnvironmentFailure) as failure:
        bridge.step(1) if at == "step" else bridge.start("base", 0)
    assert time.monotonic() - began < 20
    assert failure.value.message == f"EmbodiedBench (eb-alfred) did not answer {at!r} within 1.5 s."
    assert "RBSUITE_EMBODIEDBENCH_TIMEOUT" in failure.value.remedy
    check_over(stub, bridge)


def test_simulator_that_does_not_close_is_ended(stub: Any) -> None:
    stub.break_at("close", "hang")
    bridge = stub.bridge()
    play(bridge)
    bridge.timeout = 1.0
    bridge.close()
    assert stub.gone(bridge.pid)


SAYS = """import sys
for line in sys.stdin:
    print({!r}, flush=True)
"""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "Welcome to EmbodiedBench",
            "answered 'hello' with 'Welcome to EmbodiedBench', which is not a reply: it is not JSON.",
        ),
        ("", "which is not a reply: it is not JSON."),
        ("[1, 2]", "which is not a reply"),
        ("[" * 100_000, "which is not a reply"),
        ('{"id": 1}', "which is not a reply: it has no 'ok'."),
        ('{"id": 1, "ok": "yes"}', "which is not a reply: it has no 'ok'."),
        ('{"id": 7, "ok": true}', "which is not a reply: it is not a reply to the request."),
        ('{"id": 1, "ok": true, "protocol": 2}', "which is not a reply: no packages, not of the type dict."),
        (
            '{"id": 1, "ok": true, "protocol": 2, "python": 3.9, "packages": {}, "folder": ""}',
            "which is not a reply: python=3.9, not of the type str.",
        ),
        (
            '{"id": 1, "ok": true, "protocol": 3, "python": "3.9", "packages": {}, "folder": ""}',
            "and rbsuite do not speak the same protocol: version 3 there, version 2 here.",
        ),
        (
            '{"id": 1, "ok": false, "kind": "protocol", "error": "version 3"}',
            "and rbsuite do not speak the same protocol: version 3 there, version 2 here.",
        ),
    ],
)
def test_garbage_and_other_versions_are_named(stub: Any, tmp_path: Path, line: str, said: str) -> None:
    server = tmp_path / "server.py"
    server.write_text(SAYS.format(line))
    with pytest.raises(EnvironmentFailure) as failure:
        stub.bridge(server=server)
    assert said in failure.value.message
    assert len(str(failure.value)) < 800
    assert "\n" not in str(failure.value)


def test_line_without_end_is_not_read_for_ever(stub: Any, tmp_path: Path) -> None:
    server = tmp_path / "server.py"
    server.write_text("import sys\nwhile True:\n    sys.stdout.write('x' * 65536)\n")
    with pytest.raises(EnvironmentFailure, match="which is not a reply"):
        stub.bridge(server=server)


LINGERS = """import sys, time
sys.stdin.readline()
print('{"id": 1, "ok": true, "protocol": 2, "python": "3.9", "packages": {}, "folder": "there"}', flush=True)
sys.stdin.readline()
for _ in range(8):
    time.sleep(0.4)
    print('{"id": 2, "busy": "reset"}', flush=True)
print('{"id": 2, "ok": true}', flush=True)
sys.stdin.readline()
"""


def test_signs_of_life_keep_a_long_answer_alive(stub: Any, tmp_path: Path) -> None:
    server = tmp_path / "server.py"
    server.write_text(LINGERS)
    bridge = stub.bridge(server=server)
    bridge.timeout = 2.0
    bridge.load()
    bridge.close()


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"without": ["task_progress"]}, "EBAlfEnv.step gives task_progress=None, not a number"),
        ({"without": ["task_success"]}, "EBAlfEnv.step gives task_success=None, not a number"),
        ({"without": ["last_action_success"]}, "EBAlfEnv.step gives last_action_success=None, not a number"),
        ({"without": ["env_feedback"]}, "EBAlfEnv.step gives no text as env_feedback"),
        ({"progress": float("nan")}, "EBAlfEnv.step gives task_progress=nan, not a number"),
        ({"reward": "much"}, "EBAlfEnv.step gives reward='much', not a number"),
        ({"progress": 1.5}, "progress=1.5, not from 0 to 1"),
    ],
)
def test_wrong_types_are_named(stub: Any, step: dict[str, Any], said: str) -> None:
    stub.replay_steps(step)
    bridge = stub.connect("eb-alfred", stub.settings())
    bridge.start("base", 0)
    with pytest.raises(EnvironmentFailure) as failure:
        bridge.step(0)
    assert said in failure.value.message
    check_over(stub, bridge)


def test_what_is_not_vital_may_be_missing(stub: Any) -> None:
    stub.replay_steps({"without": ["episode_elapsed_seconds", "object_states"]})
    bridge = stub.connect("eb-alfred", stub.settings())
    bridge.start("base", 0)
    move = bridge.step(0)
    assert (move.valid, move.visible, move.states) == (True, (), {})
    bridge.close()


def test_episode_that_is_not_there(stub: Any) -> None:
    with pytest.raises(EnvironmentFailure, match="base has 4 episodes, none with index 4"):
        stub.bridge().start("base", 4)
    with pytest.raises(EnvironmentFailure, match="there is no set 'spatial'; there are base, common_sense"):
        stub.bridge("eb-habitat").start("spatial", 0)


def test_embodiedbench_that_is_not_installed(stub: Any) -> None:
    with pytest.raises(EnvironmentFailure) as failure:
        stub.connect("eb-alfred", Settings(sys.executable, timeout=60.0))
    assert failure.value.message == f"EmbodiedBench (eb-alfred) is not installed for {sys.executable!r}."


def test_module_that_is_missing_is_named(stub: Any, tmp_path: Path) -> None:
    """As where EmbodiedBench was checked out but its dependencies were not installed."""
    module = tmp_path / "embodiedbench/envs/eb_alfred/EBAlfEnv.py"
    module.parent.mkdir(parents=True)
    module.write_text("import a_module_that_nobody_has\n")
    bridge = stub.connect("eb-alfred", Settings(sys.executable, str(tmp_path), 60.0))
    with pytest.raises(EnvironmentFailure) as failure:
        bridge.load()
    said = "cannot be imported: ModuleNotFoundError: No module named 'a_module_that_nobody_has'."
    assert failure.value.message.endswith(said)
    check_over(stub, bridge)


def test_import_that_fails_in_another_way(stub: Any, tmp_path: Path) -> None:
    module = tmp_path / "embodiedbench/envs/eb_habitat/EBHabEnv.py"
    module.parent.mkdir(parents=True)
    module.write_text("raise OSError('no display')\n")
    bridge = stub.connect("eb-habitat", Settings(sys.executable, str(tmp_path), 60.0))
    with pytest.raises(EnvironmentFailure, match="failed at 'load': OSError: no display"):
        bridge.load()


def test_class_without_what_it_is_known_to_have(stub: Any, tmp_path: Path) -> None:
    module = tmp_path / "embodiedbench/envs/eb_alfred/EBAlfEnv.py"
    module.parent.mkdir(parents=True)
    module.write_text("class EBAlfEnv:\n    def __init__(self, eval_set):\n        pass\n")
    bridge = stub.connect("eb-alfred", Settings(sys.executable, str(tmp_path), 60.0))
    with pytest.raises(EnvironmentFailure, match="EBAlfEnv has no number_of_episodes"):
        bridge.start("base", 0)


def test_interpreter_that_is_missing_or_no_python(stub: Any) -> None:
    with pytest.raises(EnvironmentFailure, match="cannot be started with '/nowhere/python': No such file"):
        stub.connect("eb-alfred", Settings("/nowhere/python"))
    with pytest.raises(EnvironmentFailure, match="during 'hello'"):
        stub.connect("eb-alfred", Settings("/bin/false", timeout=20.0))


def test_secrets_in_last_words_are_masked(stub: Any, tmp_path: Path) -> None:
    server = tmp_path / "server.py"
    server.write_text("import sys\nsys.exit('refused: Authorization: Bearer abcdefghijklmnop')\n")
    with pytest.raises(EnvironmentFailure) as failure:
        stub.bridge(server=server)
    assert "abcdefghijklmnop" not in str(failure.value)
    assert "refused" in str(failure.value)


def test_interrupt_in_the_middle_of_an_answer_ends_the_bridge(stub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bridge = stub.bridge()
    play(bridge)

    def interrupt(seconds: float) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(bridge._process, "receive", interrupt)
    with pytest.raises(KeyboardInterrupt):
        bridge.step(0)
    check_over(stub, bridge)


def test_bridge_that_is_forgotten_ends(stub: Any) -> None:
    bridge = stub.bridge()
    play(bridge)
    pid, children = bridge.pid, stub.children
    assert len(children) == 1
    del bridge
    gc.collect()
    assert stub.gone(pid)
    assert stub.gone(children[0])


LEAVES = """
import os, signal, sys
from rbsuite_embodied.bridge.client import Bridge
from rbsuite_embodied.bridge.settings import Settings
bridge = Bridge("eb-alfred", Settings.read(os.environ))
bridge.start("base", 0)
print(bridge.pid, flush=True)
if sys.argv[1] == "hang":
    bridge._process.send(b'{"id": 9, "cmd": "step", "action": 0}')
    import time
    time.sleep(1)
if sys.argv[1] != "exit":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("how", ["exit", "kill", "hang"])
def test_nothing_outlives_rbsuite(stub: Any, how: str) -> None:
    """Not where its process ends in order, nor where it is killed, nor where the simulator hangs besides."""
    stub.replay("eb-alfred")
    if how == "hang":
        stub.break_at("step", "hang")
    done = subprocess.run([sys.executable, "-c", LEAVES, how], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert stub.gone(int(done.stdout))
    assert len(stub.children) == 1
    assert stub.gone(stub.children[0])
    left = stub.scratch()
    assert len(left) == (how != "exit")  # nobody is there to remove it
    for place in left:
        (place / "data").unlink()
        place.rmdir()


FORKS = """
import os, sys
from rbsuite_embodied.bridge.client import Bridge
from rbsuite_embodied.bridge.settings import Settings
bridge = Bridge("eb-alfred", Settings.read(os.environ))
bridge.start("base", 0)
child = os.fork()
if child == 0:
    sys.exit()
os.waitpid(child, 0)
print(bridge.step(0).feedback)
"""


def test_end_of_a_fork_of_rbsuite_does_not_end_it(stub: Any) -> None:
    stub.replay("eb-alfred")
    command = [sys.executable, "-W", "ignore", "-c", FORKS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("Last action executed successfully.\n", "")


def test_output_that_is_closed_is_told_from_an_end(stub: Any, tmp_path: Path) -> None:
    server = tmp_path / "server.py"
    server.write_text("import os, time\nos.close(1)\ntime.sleep(600)\n")
    with pytest.raises(EnvironmentFailure, match="closed its output during 'hello'"):
        stub.bridge(server=server)


def test_server_is_the_packages_own() -> None:
    assert SERVER.name == "server.py"
    assert SERVER.is_file()
