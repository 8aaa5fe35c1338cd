"""Whatever models, environments, data and providers write, a terminal only shows it: every command over a poisoned store and data set."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments import core_plugins, measure
from rbsuite.cli import run
from rbsuite.data.packs import INFO_NAME
from rbsuite.environments.rescorer import Rescorer
from rbsuite.environments.solution import Lesson, Solution
from rbsuite.errors import EnvironmentFailure
from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec
from rbsuite.store import ExperimentStore
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Observation
from toy import TOY, Toy, ToyEpisode, ToyPlugin

POISON = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\u2066\u200b\ufeff\ufe00\ufe0f\U000e0100\x7f\x08\U000e0041\rfake"
ESCAPED = r"\x1b]0;owned\x07\x1b[2J"


def poisoned(text: str) -> str:
    return f"{text} {POISON}"


class Poisoned(Toy):
    """Says nothing that is clean, and breaks on one task."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        found = super().tasks(split, domain=domain, data=data)
        tasks = [replace(task, id=poisoned(task.id), query=poisoned(task.query)) for task in found]
        return replace(found, tasks=tuple(tasks), source={"pack": POISON})

    def begin(self, task: Task, *, seed: int, services: Any) -> ToyEpisode:
        if task.id.startswith("bridges/3"):
            raise EnvironmentFailure(poisoned("the bridge is down."))
        return PoisonedEpisode(task)

    def solution(self, task: Task) -> Solution | None:
        wrong = task.id.startswith("clouds/2")
        return Solution((Action(POISON if wrong else str(task.payload["answer"])),))

    def lessons(self) -> Mapping[str, Lesson]:
        return {
            name: Lesson(poisoned(one.title), poisoned(one.lesson), poisoned(one.symptom))
            for name, one in super().lessons().items()
        }


class PoisonedEpisode(ToyEpisode):
    def act(self, action: Action) -> Observation:
        return replace(super().act(action), text=poisoned("Thank you."))

    def grade(self, end: EndReason) -> Grade:
        found = super().grade(end)
        return replace(found, truth={"answer": poisoned(str(found.truth["answer"]))})


RESCORERS = {"again": Rescorer("again/1", lambda trajectory: Grade(0.0, truth={"answer": POISON}), ("answer",))}


class Hostile(ToyPlugin):
    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        return [
            replace(
                TOY,
                factory=f"{__name__}:Poisoned",
                summary=poisoned("counts"),
                notes=(POISON,),
                rescorers=f"{__name__}:RESCORERS",
            )
        ]


def poison_the_data(place: Path) -> None:
    """A pack whose file says what it likes, and a directory of templates."""
    (place / "packs" / "pack\x1b[1m").mkdir(parents=True)
    info = {"format": 1, "name": POISON, "source": POISON, "commit": POISON, "files": {POISON: "x"}}
    for pack in (place / "packs").iterdir():
        (pack / INFO_NAME).write_text(json.dumps(info))
    (place / "own" / "judge").mkdir(parents=True)
    (place / "own" / "judge" / "self.j2").write_text(poisoned("{{ query }}"), encoding="utf-8")
    (place / "own" / "judge" / "self\x1b[1m.j2").write_text("x", encoding="utf-8")
    (place / "broken" / "judge").mkdir(parents=True)
    (place / "broken" / "judge" / "self.j2").write_text("{% raise '" + POISON + "' %}", encoding="utf-8")
    (place / "bad.toml").write_text('"k\u202e" = 1\n', encoding="utf-8")


COMMANDS = (
    "eval --env toy --limit 8 --orders 1 --out fresh --quiet",
    "eval --from experiment",
    "eval --env toy --tasks nosuch\x1b[2J",
    "eval --config bad.toml",
    "eval --env toy\x1b[2J",
    "list",
    "list environments -v",
    "list plugins",
    "compare experiment",
    "compare experiment\x1b[2J",
    "compare experiment --flips",
    "show experiment TASK --full",
    "show experiment TASK\x1b[2J",
    "report experiment --out page.html",
    "diff experiment other",
    "memory helped experiment",
    "attribute experiment --items 1",
    "check experiment",
    "rescore experiment --as again",
    "plan --env toy --from experiment",
    "env toy",
    "verify --env toy",
    "data list",
    "memory list experiment",
    "memory show experiment ITEM",
    "memory show experiment nosuch\x1b[2J",
    "memory search experiment clouds",
    "memory diff experiment 0 8",
    "memory export experiment",
    "prompts list --prompts own",
    "prompts show judge/self.j2 --prompts own",
    "prompts show judge/self.j2 --prompts own --env toy",
    "prompts show judge/self.j2 --prompts broken --env toy",
    "doctor",
)


def alive(text: str) -> set[str]:
    """The characters of a text that a terminal obeys or hides."""
    found = {character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    found |= set(text) & {"\ufe00", "\ufe0f", "\U000e0100"}
    return found - {"\n", "\t"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("poisoned")
    measure(place / "experiment", Hostile(), memory=("none", "reasoningbank"), limit=8).close()
    measure(place / "other", Hostile(), memory=("none",), limit=2).close()
    poison_the_data(place)
    return place


@pytest.mark.parametrize("line", COMMANDS)
def test_no_command_lets_a_control_sequence_through(
    line: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plugins = core_plugins(Hostile())
    monkeypatch.chdir(place)
    monkeypatch.setenv("RBSUITE_DATA", str(place / "packs"))
    monkeypatch.setattr("rbsuite.plugins.load_plugins", lambda extra=(): plugins)
    stand_for = {"ITEM": _an_item, "TASK": _a_task}
    arguments = [stand_for[word](place) if word in stand_for else word for word in line.split(" ")]
    run(arguments, plugins)
    shown = capsys.readouterr()
    assert shown.out or shown.err
    assert alive(shown.out) == set()
    assert alive(shown.err) == set()
    if "export" not in line and run([*arguments, "--json"], plugins) in (0, 1):
        as_json = capsys.readouterr()
        json.loads(as_json.out)
        assert alive(as_json.out) | alive(as_json.err) == set()


def _an_item(place: Path) -> str:
    with ExperimentStore.open(place / "experiment", readonly=True) as store:
        return next(op.item.id for info in store.manifest.runs for _, op in store.ops(info.id) if op.item is not None)


def _a_task(place: Path) -> str:
    with ExperimentStore.open(place / "experiment", readonly=True) as store:
        return store.manifest.runs[0].tasks[-1]


def test_the_store_is_poisoned_and_shown_escaped(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the test above looks for is there."""
    assert run(["memory", "list", str(place / "experiment")], core_plugins(Hostile())) == 0
    assert ESCAPED in capsys.readouterr().out


PROGRAM = """
import logging, warnings
import rbsuite.plugins
from rbsuite.cli import main

POISON = "\\x1b]0;owned\\x07"

def talkative():
    print("printed", POISON)
    logging.getLogger("other").warning("logged %s", POISON)
    warnings.warn("warned " + POISON)
    raise RuntimeError("raised " + POISON)

rbsuite.plugins.load_plugins = talkative
main(["list", "--json"])
"""


def test_what_others_print_log_warn_and_raise_is_inert_too() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert alive(done.stdout) | alive(done.stderr) == set()
    for word in ("printed", "logged", "warned", "raised"):
        assert f"{word} \\x1b]0;owned\\x07" in done.stderr


def test_nothing_but_the_output_module_writes_to_a_terminal() -> None:
    """So that no command can forget it."""
    import rbsuite.cli

    commands = Path(str(rbsuite.cli.__file__)).parent
    writers = {
        path.name
        for path in commands.glob("*.py")
        if any(
            word in path.read_text(encoding="utf-8")
            for word in ("click.echo", "print(", "secho", "sys.stdout", "sys.stderr")
        )
    }
    drawing = {"progress.py", "evaluate.py", "data.py"}  # what is foreign in it went through one_line
    assert writers == {"output.py", "__init__.py", *drawing}
