"""``rbsuite plugin check``: by name, by path, as text and as JSON; and the kit for pytest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments import core_plugins
from rbsuite.cli import run as rbsuite
from rbsuite.errors import UsageError
from rbsuite.testing.kit import check as check_rules
from rbsuite.testing.kit import find_targets

PYPROJECT = """
[project]
name = "rbsuite-mine"
version = "1.0"

[project.entry-points.rbsuite]
mine = "{module}"
"""
PLUGIN = """
from rbsuite import EmbedderSpec, hookimpl


@hookimpl
def rbsuite_embedders():
    return [EmbedderSpec("mine", "words in 64 slots", "{module}_embedder:Mine")]
"""
EMBEDDER = """
from rbsuite.retrieval.hashing import HashEmbedder


class Mine(HashEmbedder):
    def __init__(self):
        super().__init__(64)

    @property
    def dimension(self):
        return {dimension}
"""


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("mine_"):
            del sys.modules[name]


def plugin(place: Path, module: str, text: str = PLUGIN, dimension: int = 64) -> Path:
    (place / "src").mkdir()
    (place / "pyproject.toml").write_text(PYPROJECT.format(module=module), encoding="utf-8")
    (place / "src" / f"{module}.py").write_text(text.format(module=module), encoding="utf-8")
    (place / "src" / f"{module}_embedder.py").write_text(EMBEDDER.format(dimension=dimension), encoding="utf-8")
    return place


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = rbsuite(["plugin", "check", *arguments], core_plugins())
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
        (lambda path: path.write_text(f"x={'[' * 5_000}"), "is not valid TOML: nested too deeply"),
        (lambda path: path.write_text(f"x={'9' * 5_000}"), "is not valid TOML"),
        (lambda path: path.write_text(f"x=0x{'f' * 5_000}"), "is not valid TOML"),
        (lambda path: path.write_bytes(b"\xff"), "is not valid TOML"),
        (lambda path: path.write_text("project = 1"), "declares no entry point"),
        (lambda path: path.write_text("[project.entry-points.rbsuite]\nx = 1"), "declares no entry point"),
    ],
)
def test_a_project_file_that_is_none(
    make: Callable[[Path], None], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "pyproject.toml")
    code, out, err = check(capsys, str(tmp_path))
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert f"pyproject.toml {words}" in line


def test_a_name_is_checked_wherever_it_is_declared(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = check(capsys, "none")
    assert (code, err) == (0, "")
    heads = [line for line in out.splitlines() if line and not line.startswith(" ")]
    assert heads[:2] == ["memory none", "judge none"]
    assert heads[2].endswith("0 broken, 3 not tried")
    assert "  not tried  provenance, ids, replayable: it learned nothing from the practice tasks" in out
    code, out, _ = check(capsys, "noisy:0.5", "--json")
    assert code == 0
    assert {finding["subject"] for finding in json.loads(out)["findings"]} == {"noisy:0.5"}


def test_a_directory_that_is_not_installed_is_checked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = check(capsys, str(plugin(tmp_path, "mine_kept")))
    assert code == 0, out
    assert [line for line in out.splitlines() if line.startswith(("plugin", "embedder"))] == [
        "plugin mine",
        "embedder mine",
    ]


def test_a_path_means_what_stands_there_although_a_copy_is_installed(tmp_path: Path) -> None:
    place, known = plugin(tmp_path, "mine_here"), core_plugins()
    known.add("mine", "rbsuite-mine 0.9", lambda: sys.modules[__name__])
    targets = find_targets(str(place), known)
    assert [(one.kind, one.name) for one in targets.targets] == [("plugin", "mine"), ("embedder", "mine")]
    assert {one.outcome for one in check_rules("embedder", "mine", targets.plugins)} == {"kept"}
    assert known.plugin("mine") is sys.modules[__name__]
    known.add("other", "another 1.0", lambda: None)
    (place / "pyproject.toml").write_text(PYPROJECT.format(module="mine_here").replace("mine =", "other ="), "utf-8")
    with pytest.raises(UsageError, match=r"another plugin is named 'other': the one from another 1\.0"):
        find_targets(str(place), known)


def test_a_broken_rule_is_told_with_what_to_do(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    place = plugin(tmp_path, "mine_short", dimension=63)
    code, out, _ = check(capsys, str(place))
    assert code == 1
    lines = out.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("  broken")]
    assert lines[at].split()[1] == "dimension"
    assert lines[at + 1].strip() == "it says 63, but its vectors have the length 64"
    assert lines[at + 2].strip() == "-> Set `dimension` to the length of what the model gives."


@pytest.mark.parametrize(
    ("text", "rule", "words"),
    [
        ("def rbsuite_judges(:\n", "loads", "line 1"),
        ("import no_such_module\n", "loads", "no_such_module"),
        ("def rbsuite_judges():\n    return []\n", "marked", "rbsuite_judges is not marked"),
        ("api_version = 99\n", "version", "it is for version 99, but this is 1"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_a_finding(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, rule: str, words: str
) -> None:
    module = f"mine_{abs(hash(text))}"
    place = plugin(tmp_path, module, "")
    (place / "src" / f"{module}.py").write_text(text, encoding="utf-8")
    code, out, _ = check(capsys, str(place), "--json")
    assert code == 1
    (broken,) = [one for one in json.loads(out)["findings"] if one["outcome"] == "broken"]
    assert broken["rule"] == rule
    assert words in broken["detail"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("reasoningbnk", "Did you mean 'reasoningbank'?"),
        ("noisy:accuracy=2", "out of range"),
        ("empty", "cannot be read"),
    ],
)
def test_what_cannot_be_checked_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    code, out, err = check(capsys, name)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_the_kit_is_there_for_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "def test_kept(rbsuite_check):\n    assert rbsuite_check('judge', 'none')\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    own = subprocess.run([*command, "test_mine.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "1 passed" in own.stdout, own.stdout + own.stderr
    kit = ["--pyargs", "rbsuite.testing.contract", "--rbsuite-check", "noisy", "-rA"]
    whole = subprocess.run([*command, *kit], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "test_rule[judge-noisy-odd-rollouts]" in whole.stdout, whole.stdout + whole.stderr
    assert whole.returncode == 0
