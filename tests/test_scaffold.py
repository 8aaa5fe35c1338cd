"""What ``rbsuite plugin new`` writes installs, passes its own tests and runs, for every kind and template, with no edit."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from experiments import core_plugins
from rbsuite.cli import run as rbsuite
from rbsuite.scaffold import ALL, Distribution, Template

NAMES = {template: f"new-{template.name or template.kind}" for template in ALL}
QUESTIONS = next(NAMES[template] for template in ALL if template.name == "question")

TESTS = """
import sys, pytest
for place in sys.argv[1:]:
    code = pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-c", f"{place}/pyproject.toml", "--rootdir", place, f"{place}/tests"])
    if code: sys.exit(f"the tests of {place} ended with {code}")
"""
EVALUATIONS = """
import json, sys
from rbsuite.cli import run
for arguments in json.loads(sys.argv[1]):
    if code := run(arguments): sys.exit(f"{arguments} ended with {code}")
"""


def arguments(template: Template, parent: Path) -> list[str]:
    given = ["plugin", "new", NAMES[template], "--kind", template.kind, "--into", str(parent)]
    return [*given, "--template", template.name] if template.name else given


def evaluation(template: Template) -> list[str]:
    """The command that the generated README shows, in a generated environment, and small."""
    shown = Distribution(NAMES[template], template).command.split()[1:]
    if "tau-bench" in shown or "aime" in shown:
        shown[shown.index("--env") + 1] = QUESTIONS
    return [*shown, "--orders", "1", "--quiet", "--out", f"out-{NAMES[template]}"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a distribution of every template."""
    parent = tmp_path_factory.mktemp("distributions")
    for template in ALL:
        assert rbsuite(arguments(template, parent), core_plugins()) == 0
    return parent


@pytest.fixture(scope="module")
def installed(written: Path) -> dict[str, str]:
    """An environment of processes in which all of them are importable, and known by what an installer would have written."""
    places = sorted(path for path in written.iterdir() if path.is_dir())
    for place in places:
        project = tomllib.loads((place / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        info = place / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        lines = [f"{name} = {target}" for name, target in project["entry-points"]["rbsuite"].items()]
        (info / "entry_points.txt").write_text("\n".join(["[rbsuite]", *lines, ""]))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places)), "PYTHONWARNINGS": "error"}


def run(code: str, given: list[str], environment: dict[str, str], place: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *given], env=environment, cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_their_tests_pass(written: Path, installed: dict[str, str], tmp_path: Path) -> None:
    places = [str(written / Distribution(NAMES[template], template).directory) for template in ALL]
    assert run(TESTS, places, installed, tmp_path).count(" passed") == len(ALL)


def test_they_run(installed: dict[str, str], tmp_path: Path) -> None:
    commands = [evaluation(template) for template in ALL]
    verified = [["verify", "--env", NAMES[template]] for template in ALL if template.kind == "environment"]
    shown = run(EVALUATIONS, [json.dumps([*commands, *verified])], installed, tmp_path)
    assert shown.count("Experiment: out-") == len(ALL)
    assert shown.count("reference solutions score 1. Doing nothing solves 0.") == len(verified)


@pytest.mark.slow  # tries about 270 rules
def test_they_keep_the_rules_of_the_kit(installed: dict[str, str], tmp_path: Path) -> None:
    shown = run(EVALUATIONS, [json.dumps([["plugin", "check", name] for name in NAMES.values()])], installed, tmp_path)
    assert shown.count(" 0 broken, ") == len(ALL)


@pytest.mark.slow  # builds and installs nine distributions
def test_an_installer_installs_them(written: Path, tmp_path: Path) -> None:
    places = sorted(str(path) for path in written.iterdir() if path.is_dir())
    into = str(tmp_path / "site")
    command = ["uv", "pip", "install", "--quiet", "--no-deps", "--target", into, *places]
    subprocess.run(command, check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": into}
    shown = run(EVALUATIONS, [json.dumps([["list", "plugins"]])], environment, tmp_path)
    assert all(name in shown for name in NAMES.values())
    packages = [path for path in Path(into).glob("rbsuite_new_*") if not path.name.endswith(".dist-info")]
    assert len(packages) == len(ALL)
    assert (Path(into) / "rbsuite_new_question" / "sample.jsonl").is_file()


@pytest.mark.parametrize("template", ALL, ids=lambda template: template.name or template.kind)
def test_a_distribution_is_complete(written: Path, template: Template) -> None:
    made = Distribution(NAMES[template], template)
    place = written / made.directory
    expected = {"pyproject.toml", "README.md", ".gitignore", ".github/workflows/tests.yml", f"{made.package}/py.typed"}
    found = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    assert expected <= found
    assert made.command in (place / "README.md").read_text(encoding="utf-8")
    shown = made.command.split()
    played = shown[shown.index("--env") + 1]
    project = tomllib.loads((place / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    brought = {Requirement(one).name for one in project["optional-dependencies"]["test"]}
    provided = {entry.dist.name for entry in entry_points(group="rbsuite") if entry.dist and entry.name == played}
    assert played == NAMES[template] or (provided and provided <= brought), (
        "what the README says runs as it is installed"
    )
    for path, _ in template.parts:
        assert (place / made.package / path).exists()
    for path in place.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        ast.parse(text)
        assert "[[" not in text
        assert all(len(line) <= 120 for line in text.splitlines()), path


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["Sums", "--kind", "memory"], "'Sums' cannot be the name of a plugin"),
        (["two words", "--kind", "memory"], "'two words' cannot be the name of a plugin"),
        (["../x", "--kind", "memory"], "'../x' cannot be the name of a plugin"),
        (["x" * 41, "--kind", "memory"], "at most 40 characters"),
        (["rbsuite-sums", "--kind", "memory"], "begins with rbsuite, which is added anyway. Write sums."),
        (["reasoningbank", "--kind", "memory"], "'reasoningbank' is taken: built in declares it"),
        (["sums", "--kind", "memry"], "unknown kind 'memry'. Did you mean 'memory'?"),
        (["sums", "--kind", "environment", "--template", "tool"], "unknown template 'tool'. Did you mean 'tools'?"),
        (["sums", "--kind", "judge", "--template", "tools"], "a plugin of kind judge has one template only"),
    ],
)
def test_what_cannot_be_written_is_refused_in_one_line(
    given: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rbsuite(["plugin", "new", *given, "--into", str(tmp_path)], core_plugins()) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rbsuite-sums").mkdir()
    assert rbsuite(["plugin", "new", "sums", "--kind", "judge", "--into", str(tmp_path)], core_plugins()) == 2
    assert "already exists" in capsys.readouterr().err
    assert list(tmp_path.rglob("*")) == [tmp_path / "rbsuite-sums"]
    (tmp_path / "file").write_text("x")
    assert rbsuite(["plugin", "new", "sums", "--kind", "judge", "--into", str(tmp_path / "file")], core_plugins()) == 2
    assert "cannot be written" in capsys.readouterr().err
