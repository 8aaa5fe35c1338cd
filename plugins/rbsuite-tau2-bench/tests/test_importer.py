"""The importer on a small checkout of our own making, made of the sample, and on the reference pack where that is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rbsuite.cli import run
from rbsuite.data.packs import import_pack
from rbsuite.errors import DataError
from rbsuite_tau2_bench import Pack, World
from rbsuite_tau2_bench.environment import Tau2Bench
from rbsuite_tau2_bench.importer import IMPORTER
from rbsuite_tau2_bench.resources import SPLITS, sample_directory

SAMPLE = sample_directory()
DATA = Path("data/tau2/domains")
CODE = Path("src/tau2/domains")
FORKED = {"env_type": "user", "func_name": "forked"}
PACKS = os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[4] / "shared" / "packs"
ROOT = Path(PACKS) / "tau2-bench"


def toml(value: Any) -> str:
    """TOML of an object of tables or lists of tables; what is null is left out."""
    lines = []
    for name, entry in value.items():
        for one in entry if isinstance(entry, list) else [entry]:
            lines.append(f"[[{name}]]" if isinstance(entry, list) else f"[{name}]")
            lines += [f"{key} = {inline(field)}" for key, field in one.items() if field is not None]
    return "\n".join(lines) + "\n"


def inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {inline(one)}" for key, one in value.items()) + "}"
    return f"[{', '.join(map(inline, value))}]" if isinstance(value, list) else json.dumps(value)


def code(tools: list[dict[str, Any]]) -> str:
    lines = ["class Kit:"]
    for entry in tools:
        function = entry["function"]
        names = function["parameters"]["properties"]
        lines += [
            "    @is_tool(ToolType.READ)",
            f"    def {function['name']}(self, {', '.join(names)}):",
            '        """',
        ]
        lines += [f"        Does {function['name']}.", "        At once.", "", "        Args:"]
        lines += [f"            {name}: Their {name},\n                in full." for name in names]
        lines += ["", "        Returns:", "            It.", '        """']
    return "\n".join([*lines, "    def not_a_tool(self): ..."])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    top = tmp_path / "checkout"
    for domain in ("retail", "airline", "telecom", "mock"):
        data, source = top / DATA / domain, top / CODE / domain
        data.mkdir(parents=True)
        source.mkdir(parents=True)
        for file in (SAMPLE / domain).glob("*.md"):
            (data / file.name).write_bytes(file.read_bytes())
        for file in (SAMPLE / domain).glob("*db.json"):
            if domain == "telecom":
                (data / f"{file.stem}.toml").write_text(toml(json.loads(file.read_text())))
            else:
                (data / file.name).write_bytes(file.read_bytes())
        tasks = json.loads((SAMPLE / domain / "tasks.json").read_text())
        (data / "tasks.json").write_text(json.dumps([{**task, "issues": ["x"]} for task in tasks]))
        ids = [task["id"] for task in tasks]
        splits = {"base": ids[:-2], "train": ids[:2], "test": ids[2:-2], "small": ids[-2:-1], "full": ids}
        (data / "split_tasks.json").write_text(json.dumps(splits))
        tools = json.loads((SAMPLE / domain / "tools.json").read_text())
        (source / "tools.py").write_text(code(tools["assistant"]))
        if "user" in tools:
            (source / "user_tools.py").write_text(code(tools["user"]))
    (top / "LICENSE").write_text("MIT")
    return top


def test_a_checkout_becomes_a_pack_that_plays(checkout: Path, tmp_path: Path) -> None:
    info = import_pack(IMPORTER, checkout, tmp_path / "data")
    assert info.info.counts["telecom tasks"] == 17
    assert info.info.counts["telecom tools"] == 43
    assert any("neither" in note for note in info.notes)
    pack = Pack(tmp_path / "data" / "packs" / "tau2-bench")
    assert not (pack.path / "telecom" / "tasks.json").exists()
    for split, domains in SPLITS.items():
        if split != "sample":
            tasks = Tau2Bench().tasks(split, data=str(pack.path))
            assert tuple(dict.fromkeys(task.domain for task in tasks)) == domains
    for domain in ("retail", "airline", "telecom", "mock"):
        assert World(domain, pack).hashes() == World(domain, Pack(SAMPLE)).hashes()
        assert "issues" not in pack.entry(domain, pack.task_ids(domain, "base")[0])
    refuel = next(
        one["function"] for one in pack.tools("telecom")["assistant"] if one["function"]["name"] == "refuel_data"
    )
    assert refuel["description"] == "Does refuel_data.\n\nAt once."
    assert refuel["parameters"]["properties"]["gb_amount"]["description"] == "Their gb_amount,\nin full."
    assert refuel["parameters"]["properties"]["gb_amount"]["type"] == "number"
    again = import_pack(IMPORTER, pack.path, tmp_path / "again")
    assert again.info.counts == info.info.counts
    (pack.path / "pack.json").unlink()
    (pack.path / "mock" / "tools.json").write_text('{"assistant": [1], "user": [{"function": {}}]}')
    with pytest.raises(DataError, match=r"mock/tools\.json: not the tools of assistant"):
        import_pack(IMPORTER, pack.path, tmp_path / "broken")


def edit(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def apply(top: Path) -> None:
        file = top / name
        file.write_text(json.dumps(change(json.loads(file.read_text()))))

    return apply


def mock_task(**fields: Any) -> Callable[[Path], None]:
    """Changes a task of the domain mock."""
    return edit("data/tau2/domains/mock/tasks.json", lambda tasks: [{**tasks[0], **fields}, *tasks[1:]])


def unplayable(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Telecom's tasks, the one of split small with a function that does not exist."""
    return [
        {**task, "initial_state": {"initialization_actions": [FORKED]}} if task is tasks[-2] else task for task in tasks
    ]


def put(name: str, text: str) -> Callable[[Path], None]:
    return lambda top: (top / name).write_text(text) and None


def drop(name: str) -> Callable[[Path], None]:
    return lambda top: (top / name).unlink()


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (drop("data/tau2/domains/telecom/tasks.json"), "telecom/tasks.json is missing"),
        (drop("data/tau2/domains/airline/db.json"), "airline/db.json is missing"),
        (drop("src/tau2/domains/mock/user_tools.py"), "mock/user_tools.py is missing"),
        (put("data/tau2/domains/telecom/db.toml", "[[plans"), "telecom/db.toml: "),
        (put("data/tau2/domains/retail/db.json", '{"users": {}}'), "retail/db.json: no table 'products'"),
        (put("data/tau2/domains/mock/tasks.json", "[{"), "mock/tasks.json:1: not valid JSON"),
        (put("data/tau2/domains/mock/tasks.json", "[]"), "of split 'base' is missing"),
        (put("data/tau2/domains/mock/split_tasks.json", "{}"), "no list of ids for split 'base'"),
        (put("src/tau2/domains/retail/tools.py", "class Kit: ..."), "has no tool"),
        (mock_task(evaluation_criteria={"actions": [{"name": "x"}]}), "there is no tool 'x'"),
        (mock_task(initial_state={"initialization_actions": [FORKED]}), "cannot be set up"),
        (mock_task(evaluation_criteria={"reward_basis": ["LUCK"]}), "'LUCK' is unknown"),
        (mock_task(initial_state={"message_history": [{"role": "assistant", "tool_calls": [1]}]}), "has no name"),
        (edit("data/tau2/domains/telecom/tasks.json", unplayable), "task 'mms-calling-data' of telecom cannot be set"),
        (edit("data/tau2/domains/retail/split_tasks.json", lambda all: {**all, "train": ["x"]}), "of split 'train'"),
        (put("data/tau2/domains/telecom/user_db.toml", f"a = {'[' * 5000}"), "telecom/user_db.toml: "),
        (put("data/tau2/domains/airline/policy.md", " "), "airline/policy.md is empty"),
        (lambda top: (top / "data/tau2/domains/mock/policy.md").write_bytes(b"\xff"), "policy.md:1: not UTF-8"),
    ],
)
def test_a_broken_checkout_gives_one_line_and_leaves_nothing(
    checkout: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None],
    named: str,
) -> None:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path / "data"))
    spoil(checkout)
    assert run(["data", "import", "tau2-bench", "--from", str(checkout)]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1
    assert not [file for file in (tmp_path / "data").rglob("*") if file.is_file()]


def test_a_directory_that_is_neither_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="neither a checkout with tau2-bench"):
        IMPORTER.recognise(tmp_path)


@pytest.mark.skipif(not ROOT.is_dir(), reason=f"no tau2-bench pack in {ROOT}")
def test_the_reference_pack_imports_and_says_that_its_airline_was_rebuilt(tmp_path: Path) -> None:
    info = import_pack(IMPORTER, ROOT, tmp_path)
    assert info.info.counts["telecom tasks"] == 134
    assert any("rebuilt from tau-bench" in note for note in info.notes)
    tasks = Tau2Bench().tasks("test", domain="airline", data=str(tmp_path / "packs" / "tau2-bench"))
    assert tasks.source["airline database"].startswith("db_reconstructed.json ")
    with pytest.raises(DataError, match="Import them from a checkout"):
        Tau2Bench().tasks("full", data=str(tmp_path / "packs" / "tau2-bench"))
