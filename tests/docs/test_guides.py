"""The guides for authors and for notebooks run, and their examples are short."""

from __future__ import annotations

import asyncio
import os
import re
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from types import ModuleType

import pytest

import rbsuite
from rbsuite.testing.fences import HOSTILE, canary, check_fences

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = DOCS / "write-a-plugin.md"
MODULES = ("shop", "lamps", "desk", "lake", "memories", "brief", "terse", "words", "echo", "wording")


@pytest.fixture(scope="module")
def examples(pages: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with the examples of the guide, which can be imported."""
    place = tmp_path_factory.mktemp("examples")
    pages.write_files(GUIDE, place)
    sys.path.insert(0, str(place))
    yield place
    sys.path.remove(str(place))
    for name in (*MODULES, "try_examples"):
        sys.modules.pop(name, None)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path / "data"))


def loaded(*names: str) -> rbsuite.plugins.Plugins:  # type: ignore[name-defined]
    return rbsuite.load_plugins([(f"example {name}", import_module(name)) for name in names])


def test_the_examples_are_at_least_a_third_shorter(examples: Path) -> None:
    rows = re.findall(r"^\| .*?`([\w./]+)` \| (\d+) \| (\d+) \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == 6
    for name, said, before in rows:
        lines = [line for line in (examples / name).read_text(encoding="utf-8").splitlines() if line.strip()]
        assert (name, len(lines)) == (name, int(said))
        assert len(lines) <= int(before) * 2 / 3, name


@pytest.mark.parametrize("name", ["shop", "lamps", "desk", "lake"])
def test_the_environments_are_solved_and_run(examples: Path, name: str) -> None:
    plugins = loaded(name)
    (spec,) = import_module(name).rbsuite_environments()
    environment = getattr(import_module(name), spec.factory.partition(":")[2])()
    tasks = environment.tasks("sample")
    for task in tasks:
        solution = environment.solution(task)
        grade, _ = asyncio.run(rbsuite.play_actions(environment, task, solution.actions, solution.user))
        assert grade.score == 1.0, task.id
    options = {"memory": ["none", "reasoningbank"], "orders": 1, "plugins": plugins}
    with rbsuite.evaluate(name, out="out", **options) as experiment:
        assert [row.tasks for row in experiment.results] == [len(tasks)] * 2
        assert not any(row.failed for row in experiment.results)
        assert any(row.solved for row in experiment.rollouts())


def test_the_user_is_asked_before_the_agent_books(examples: Path) -> None:
    plugins = loaded("desk")
    options = {"model": "sim/oracle", "memory": "none", "limit": 1, "orders": 1, "plugins": plugins}
    with rbsuite.evaluate("desk", out="out", scaling=["single", "sequential:2"], **options) as experiment:
        one, *_ = experiment.rollouts()
        assert [(step.actor, bool(step.action.calls)) for step in one.trajectory.steps] == [
            ("user", False),
            ("agent", False),
            ("user", False),
            ("agent", True),
            ("agent", False),
            ("user", False),
        ]
        assert one.trajectory.query.startswith("I want to see ")
        assert "only when you are asked" not in rbsuite.render_transcript(one.trajectory.shown())


def test_the_memories_recall_and_keep_their_fences(examples: Path) -> None:
    plugins = loaded("shop", "memories", "brief", "wording")
    options = {"judge": "brief", "orders": 1, "plugins": plugins}
    with rbsuite.evaluate("shop", memory=["none", "successes", "lesson"], out="out", **options) as experiment:
        assert [row.recalled > 0.5 for row in experiment.results] == [False, True, True]
        assert {item.item.provenance.source for item in experiment.items()} == {"brief"}
        record = next(one for one in experiment.records() if one.recalls[0].recall.items)
        texts = [one.recalls[0].recall.text for one in experiment.records(experiment.runs[2].id)]
    assert record.rollouts[0].verdict is not None
    assert any(text.startswith("Notes from your earlier work.") for text in texts)
    lesson = f"{canary('memory')} {HOSTILE} {canary('memory')}"
    named = [(f"example {name}", import_module(name)) for name in ("memories",)]
    shown = check_fences(memory=["successes", "lesson"], plugins=named, reply=lambda prompt: lesson)
    assert any((one.source, one.purpose, one.role) == ("memory", "agent", "system") for one in shown)


def test_the_agent_and_the_model_act(examples: Path) -> None:
    plugins = loaded("terse", "echo")
    options = {"memory": "none", "limit": 3, "orders": 1, "plugins": plugins}
    with rbsuite.evaluate("aime", agent="terse", model="echo", out="out", **options) as experiment:
        rollouts = experiment.rollouts()
    assert [row.trajectory.steps[0].action.text for row in rollouts] == [row.trajectory.query for row in rollouts]


@pytest.mark.skipif(
    find_spec("wordllama") is None, reason="wordllama is not installed (uv run --group local pytest ...)"
)
def test_the_embedder_finds_what_is_alike(examples: Path) -> None:
    embedder = import_module("words").WordLlama()
    texts = ["cancel my order", "please call off what I bought", "the moon is far away", " "]
    first, second, third, blank = asyncio.run(embedder.embed(texts))
    assert first @ second > first @ third
    assert not blank.any()


def test_the_module_that_tries_them_passes(examples: Path) -> None:
    import_module("try_examples")


GUIDES = ("write-a-plugin.md", "notebook.md")


def test_no_block_of_the_guides_is_left_out(pages: ModuleType) -> None:
    """What is marked as a file is imported above, or used by what is; an output is compared by test_pages."""
    for name in GUIDES:
        for block in pages.blocks(DOCS / name):
            if block.kind == "file":
                assert name == "write-a-plugin.md"
                known = {*(f"{module}.py" for module in (*MODULES, "try_examples")), "pyproject.toml"}
                assert block.argument in {*known, "prompts/memory/inject.j2"}, block.argument
            elif block.kind == "run by":
                assert f'"{name}"' in (DOCS.parent / block.argument).read_text(encoding="utf-8")
            else:
                assert block.kind == "output" or (name, block.language) == ("notebook.md", "python"), block.text


def blocks_run_by(pages: ModuleType, name: str, test: str) -> Sequence[str]:
    return [block.text for block in pages.blocks(DOCS / name) if (block.kind, block.argument) == ("run by", test)]


@contextmanager
def package_index() -> Iterator[tuple[str, list[str]]]:
    """An index on this machine: its address, and the names of the files that were uploaded to it."""
    uploads: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"]))
            uploads.extend(name.decode() for name in re.findall(rb'name="content"; filename="([^"]+)"', form))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", uploads
        server.shutdown()
        thread.join()


def test_what_is_written_builds_and_may_be_uploaded(pages: ModuleType, tmp_path: Path) -> None:
    pages.run("rbsuite plugin new capitals --kind environment --template question")
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    commands = blocks_run_by(pages, "write-a-plugin.md", "tests/docs/test_guides.py")
    with package_index() as (address, uploads):
        account = {"TWINE_REPOSITORY_URL": address, "TWINE_USERNAME": "__token__", "TWINE_PASSWORD": "secret"}
        done = subprocess.run(
            ["sh", "-e", "-c", "\n".join(commands)],
            cwd=tmp_path / "rbsuite-capitals",
            env={**os.environ, **account, "PATH": scripts, "TWINE_NON_INTERACTIVE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(uploads) == ["rbsuite_capitals-0.1.0-py3-none-any.whl", "rbsuite_capitals-0.1.0.tar.gz"]
    assert done.stdout.count("PASSED") == 2
    built = tmp_path / "rbsuite-capitals" / "dist"
    assert sorted(path.name for path in built.iterdir()) == sorted(uploads)
    with zipfile.ZipFile(built / "rbsuite_capitals-0.1.0-py3-none-any.whl") as wheel:
        assert "[rbsuite]" in wheel.read("rbsuite_capitals-0.1.0.dist-info/entry_points.txt").decode()


def test_the_cells_of_the_notebook_run_in_a_running_loop(pages: ModuleType, tmp_path: Path) -> None:
    cells = [block.text for block in pages.blocks(DOCS / "notebook.md") if block.language == "python"]
    (tmp_path / "notebook_cells.py").write_text("\n\n".join(cells), encoding="utf-8")

    async def kernel() -> None:  # run, not imported: a kernel holds no lock on its module
        runpy.run_path("notebook_cells.py", run_name="notebook_cells")

    asyncio.run(kernel())
