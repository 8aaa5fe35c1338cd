"""What holds for every command: errors of one line, no option silently ignored, standard output for the command alone, signals."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments import core_plugins, measure
from rbsuite.cli import run
from rbsuite.cli.interrupts import UNTOUCHED, Interrupts, Stopped, exit_code
from toy import ToyPlugin

SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--vrsion"], ["No such option '--vrsion'.", "'--version'", "See: rbsuite --help"]),
        (["eval", "--lmit", "3"], ["No such option '--lmit'.", "'--limit'", "See: rbsuite eval --help"]),
        (["eval", "--limit"], ["--limit", "requires an argument"]),
        (["eval", "--limit", "many"], ["--limit", "'many'"]),
        (["eval", "--concurrency", "0"], ["--concurrency", "x>=1"]),
        (["env"], ["Missing argument 'NAME'.", "See: rbsuite env --help"]),
        (["verify"], ["Missing option '--env'."]),
        (["env", "a", "b"], ["unexpected extra argument", "(b)"]),
        (["data", "imprt"], ["No such command 'imprt'.", "'import'", "See: rbsuite data --help"]),
        (["prompts", "show"], ["Missing argument 'NAME'."]),
        (["memory", "diff", "x", "one", "2"], ["'one'"]),
        (["plan", "--effect", "2"], ["--effect"]),
        (["plan", "--power", "nan"], ["--power", "not a number"]),
        (["compare"], ["Missing argument 'EXPERIMENT...'."]),
        (["evl"], ["No such command 'evl'.", "'eval'"]),
    ],
)
def test_what_is_wrong_with_a_command_is_one_line(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments, core_plugins(ToyPlugin())) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("rbsuite: error: ")
    assert captured.err.count("\n") == 1
    assert [word for word in words if word not in captured.err] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["eval", "--env", "toy", "--env", "quiz"],
        ["eval", "--env", "toy", "--domain", "apples", "--domain", "clouds"],
        ["eval", "--env", "toy", "--out", "a", "--out", "b"],
        ["verify", "--env", "toy", "--split", "all", "--split", "all"],
        ["plan", "--env", "toy", "--effect", "0.1", "--effect", "0.2"],
        ["env", "toy", "--floor", "--no-floor"],
        ["compare", "x", "--baseline", "none", "--baseline", "awm"],
        ["rescore", "x", "--reader", "a", "--reader", "b"],
        ["memory", "list", "x", "--at", "1", "--at", "2"],
        ["prompts", "list", "--prompts", "a", "--prompts", "b"],
        ["data", "fetch", "toy", "--url", "a", "--url", "b"],
    ],
)
def test_an_option_that_takes_one_value_is_not_taken_twice(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments, core_plugins(ToyPlugin())) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert " is given more than once" in captured.err


def test_lists_that_are_given_several_times_are_joined(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--memory", "none", "--memory", "reasoningbank:k=2,items=2", "--memory", "awm,synapse"]
    options = ["--orders", "1", "--tasks", "apples/0", "--tasks", "clouds/1", "--json"]
    assert run(["eval", "--env", "toy", *arguments, *options], core_plugins(ToyPlugin())) == 0
    shown = json.loads(capsys.readouterr().out)
    memories = [condition["memory"] for condition in shown["conditions"]]
    assert memories == ["none", "reasoningbank:k=2,items=2", "awm", "synapse"]
    assert {condition["n_tasks"] for condition in shown["conditions"]} == {2}


LOUD = """
import os, sys
from pathlib import Path
from experiments import core_plugins
from rbsuite.cli import main
from rbsuite.hookspecs import hookimpl
from toy import TOY, Toy, ToyEpisode, ToyPlugin

def shout(where):
    print(f"loud: {where}")
    sys.__stdout__.write("loud: original\\n")
    os.write(1, b"loud: descriptor\\n")

class LoudToy(Toy):
    def tasks(self, split, *, domain="", data=""):
        shout("load")
        return super().tasks(split, domain=domain, data=data)

    def begin(self, task, *, seed, services):
        return LoudEpisode(task)

class LoudEpisode(ToyEpisode):
    def act(self, action):
        os.system("echo loud: child")
        shout("act")
        return super().act(action)

class Loud(ToyPlugin):
    @hookimpl
    def rbsuite_environments(self):
        from dataclasses import replace
        shout("hook")
        return [replace(TOY, factory="__main__:LoudToy")]

    @hookimpl
    def rbsuite_prompt_dirs(self):
        shout("hook")
        return []

sys.modules["__main__"].LoudToy = LoudToy
main(sys.argv[1:], core_plugins(Loud()))
"""


def process(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["eval", "--env", "toy", "--limit", "2", "--orders", "1"],
        ["verify", "--env", "toy"],
        ["env", "toy"],
        ["plan", "--env", "toy"],
        ["list", "environments"],
        ["list"],
        ["doctor"],
        ["prompts", "list"],
        ["prompts", "show", "judge/self.j2", "--env", "toy"],
        ["data", "list"],
        ["compare", "experiment"],
        ["memory", "list", "experiment"],
    ],
)
def test_whatever_a_plugin_prints_the_json_stays_one_document(arguments: list[str], tmp_path: Path) -> None:
    if "experiment" in arguments:
        measure(tmp_path / "experiment", orders=1, limit=4).close()
    with process(LOUD, *arguments, "--json") as child:
        out, err = child.communicate(timeout=120)
    assert child.returncode in (0, 1), err
    assert json.loads(out) is not None
    assert "loud: " not in out
    if arguments[0] in ("eval", "verify", "env"):
        assert {"loud: load", "loud: original", "loud: descriptor", "loud: child"} <= set(err.splitlines())


def test_own_templates_that_replace_nothing_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("judge/self.j2", "memory/injekt.j2"):
        (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "own" / "memory" / "injekt.j2").write_text("x", encoding="utf-8")
    evaluation = ["eval", "--env", "toy", "--limit", "1", "--orders", "1", "--quiet", "--prompts", "own"]
    for arguments in (evaluation, ["prompts", "list", "--prompts", "own"]):
        assert run(arguments, core_plugins(ToyPlugin())) == 2
        [line] = capsys.readouterr().err.splitlines()
        assert "replaces a template: memory/injekt.j2. Did you mean 'memory/inject.j2'?" in line
    assert not (tmp_path / "experiments").exists()
    (tmp_path / "own" / "judge" / "self.j2").write_text("{{ query }} {{ transcript }}", encoding="utf-8")
    with process(SLOW, *evaluation, "--json") as child:
        out, err = child.communicate(timeout=60)
    assert json.loads(out)
    assert (
        err == "--prompts: memory/injekt.j2 replaces no template, and none uses it. Did you mean 'memory/inject.j2'?\n"
    )


SLOW = """
import sys, time
from pathlib import Path
from experiments import core_plugins
from rbsuite.cli import main
from rbsuite.hookspecs import hookimpl
from toy import ToyPlugin

class Slow:
    @hookimpl
    def rbsuite_task_committed(self, record):
        Path("ready").touch()
        time.sleep(0.1)

main(sys.argv[1:], core_plugins(ToyPlugin(), Slow()))
"""


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=lambda value: str(value),
)
def test_a_signal_ends_a_run_in_order(number: signal.Signals, code: int) -> None:
    with process(SLOW, "eval", "--env", "toy", "--orders", "2", "--out", "stopped", "--quiet") as child:
        deadline = time.monotonic() + 60
        while not Path("ready").exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        child.send_signal(number)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (code, "")
    assert err.splitlines() == [
        "rbsuite: error: stopped; what was committed is kept. Resume with: rbsuite eval --from stopped"
    ]
    assert run(["eval", "--from", "stopped", "--quiet"], core_plugins(ToyPlugin())) == 0


def test_one_hears_all_signals_where_a_script_ignores_sigint() -> None:
    before = {number: signal.getsignal(number) for number in UNTOUCHED}
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        first = Interrupts()
        first.install()
        with Interrupts() as found:
            assert found is first
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_an_interrupt_that_something_keeps_to_itself_is_not_lost() -> None:
    done = []

    async def work() -> None:
        done.append("work")

    with Interrupts() as interrupts:
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped) as stop:
            interrupts.run(work())
    assert (exit_code(stop.value), done) == (143, [])


def test_nohup_is_respected() -> None:
    program = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + SLOW
    with process(program, "eval", "--env", "toy", "--orders", "1", "--limit", "5", "--quiet", "--json") as child:
        deadline = time.monotonic() + 60
        while not Path("ready").exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        child.send_signal(signal.SIGHUP)
        out, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    assert json.loads(out)["conditions"]


WAITING = """
import os, signal, sys
from experiments import core_plugins
from rbsuite.cli import main
from rbsuite.hookspecs import hookimpl

class Waiting:
    @hookimpl
    def rbsuite_environments(self):
        os.kill(os.getpid(), signal.SIGTERM)
        return []

main(sys.argv[1:], core_plugins(Waiting()))
"""


def test_a_signal_ends_other_commands_with_a_line() -> None:
    with process(WAITING, "list") as child:
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (143, "", "rbsuite: error: interrupted.\n")
