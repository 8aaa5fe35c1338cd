from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from rbsuite.cli.data import command, how_to_import
from rbsuite.data.checkout import SourceTree
from rbsuite.data.packs import Archive, PackFacts, write_json
from rbsuite.errors import PluginError, UsageError
from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import Plugins
from rbsuite.specs import EnvironmentSpec, Split

SPEC = EnvironmentSpec(
    "riddles[symbolic]",
    "Riddles.",
    "x:y",
    aliases=("riddles",),
    splits=(Split("test", "All."), Split("hard", "The hard one.")),
    pack="riddles",
    importer="x:IMPORTER",
)


class Importer:
    """Imports ``riddles.json`` of one directory or two."""

    name = "riddles"
    pinned: Archive | None = None
    single_files = False
    sources = ("RIDDLES", "ANSWERS")

    def recognise(self, source: Path) -> str:
        return "checkout"

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        return self.build_jointly((source,), target, commit)

    def build_jointly(self, sources: Sequence[Path], target: Path, commit: str | None = None) -> PackFacts:
        riddles = [riddle for source in sources for riddle in SourceTree(source).read_json("riddles.json")]
        write_json(target / "riddles.json", riddles)
        splits = () if len(riddles) > 1 else ("hard",)
        return PackFacts("checkout", None, None, "CC0", (("riddles", len(riddles)),), ("They are old.",), splits)


class _Plugin:
    @hookimpl
    def rbsuite_environments(self) -> list[EnvironmentSpec]:
        return [SPEC]


@pytest.fixture
def importer(monkeypatch: pytest.MonkeyPatch) -> Importer:
    made = Importer()
    monkeypatch.setattr("rbsuite.specs.load_object", lambda name, owner: made)
    return made


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, importer: Importer) -> Callable[..., Result]:
    plugins = Plugins()
    plugins.register(_Plugin(), "test")
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path / "data"))
    return lambda *arguments: CliRunner().invoke(command, arguments, obj=plugins)


def source(path: Path, number: int) -> str:
    path.mkdir()
    write_json(path / "riddles.json", ["?"] * number)
    return str(path)


def test_from_may_be_given_several_times(run: Callable[..., Result], tmp_path: Path) -> None:
    one, two = source(tmp_path / "one", 1), source(tmp_path / "two", 2)
    result = run("import", "riddles", "--from", one, "--from", two)
    assert result.exit_code == 0, result.output
    assert "riddles: 3" in result.output
    assert "They are old." in result.output
    # The name without brackets, which a shell would take for a pattern.
    assert "Next: rbsuite eval --env riddles --split test " in result.output
    again = run("import", "riddles", "--from", two)
    assert "Replaced pack 'riddles'" in again.output
    assert "riddles: 2" in again.output
    # Where only a part of the splits was made, the next command names one of these.
    assert "Next: rbsuite eval --env riddles --split hard " in run("import", "riddles", "--from", one).output


def test_from_given_too_often_is_an_error_of_the_tree(run: Callable[..., Result], tmp_path: Path) -> None:
    one = source(tmp_path / "one", 1)
    error = run("import", "riddles", *("--from", one) * 3).exception
    assert isinstance(error, UsageError)
    assert "at most 2 sources, not 3" in str(error)
    assert run("import", "riddles").exit_code == 2


def test_the_sources_are_named_where_the_pack_is_missing(run: Callable[..., Result]) -> None:
    assert "Run: rbsuite data import riddles --from RIDDLES [--from ANSWERS]" in run("list").output


def test_what_to_run_for_a_pack_depends_on_its_importer(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    importer.pinned = Archive("https://example.org/x.tar.gz", "ab" * 20, {})
    assert how_to_import(SPEC) == "Run: rbsuite data fetch riddles, or: rbsuite data import riddles --from CHECKOUT"
    plain = SimpleNamespace(name="riddles", pinned=None, single_files=False)
    monkeypatch.setattr("rbsuite.specs.load_object", lambda name, owner: plain)
    assert how_to_import(SPEC) == "Run: rbsuite data import riddles --from DIR"
    plain.single_files = True
    assert how_to_import(replace(SPEC, aliases=())) == (
        "It is downloaded from the hub when it is first used, or run: rbsuite data import riddles[symbolic] --from DIR"
    )

    def broken(name: str, owner: str) -> object:
        raise PluginError("broken.")

    monkeypatch.setattr("rbsuite.specs.load_object", broken)
    assert how_to_import(SPEC).startswith("Run: rbsuite data fetch riddles")
