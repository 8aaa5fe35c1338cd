"""swe-bench over an engine of our own: bubblewrap in the place of containers. No published image is met."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fake_engine import FakeEngine
from rbsuite.environments.replay import play_actions
from rbsuite.errors import DataError, EnvironmentFailure, RbsuiteError
from rbsuite.run.verify import verify
from rbsuite.sandboxes.bwrap import Bwrap
from rbsuite.sandboxes.containers import Engine
from rbsuite.trajectory import Action, Grade
from rbsuite_swe.bench.environment import SweBench
from rbsuite_swe.bench.grader import eval_script
from rbsuite_swe.bench.loading import completed, image_of
from rbsuite_swe.episode import SUBMISSION, TOOL
from rbsuite_swe.grading.reports import Report, checked, expected, read_reports
from rbsuite_swe.grading.verdict import Verdict, grade_log
from rbsuite_swe.instance import patched_files, read_instance
from rbsuite_swe.mini.catalogue import diff
from rbsuite_swe.workspace import make_repository

needs_bwrap = pytest.mark.skipif(bool(Bwrap().missing()), reason="the engine of these tests is bubblewrap")

BEFORE = {
    "add.py": "def add(a, b):\n    return a - b\n",
    "tests/run.py": "print('PASSED t::old')\n",
    ".gitignore": "built\n",
}
AFTER = {**BEFORE, "add.py": "def add(a, b):\n    return a + b\n"}
RUN = """import sys
sys.path.insert(0, ".")
try:
    from add import add
    right = add(2, 3) == 5
except BaseException:
    right = False
print("PASSED t::old")
print(("PASSED" if right else "FAILED") + " t::new")
sys.exit(not right)
"""
SCRIPT = """#!/bin/bash
set -uxo pipefail
cd /testbed
git checkout BASE tests/run.py
git apply -v - <<'EOF_TESTS'
TESTS
EOF_TESTS
: '>>>>> Start Test Output'
python3 tests/run.py
: '>>>>> End Test Output'
git checkout BASE tests/run.py
"""


def row(**changes: Any) -> dict[str, Any]:
    tests = diff(AFTER, {**AFTER, "tests/run.py": RUN})
    made = {
        "repo": "ours/sums",
        "instance_id": "ours__sums-1",
        "base_commit": "HEAD",
        "patch": diff(BEFORE, AFTER),
        "test_patch": tests,
        "problem_statement": "add takes the difference",
        "hints_text": "SECRET HINT: use plus",
        "created_at": "2026-01-01",
        "version": "1",
        "FAIL_TO_PASS": '["t::new"]',
        "PASS_TO_PASS": ["t::old"],
        "image": "ours/sums:1",
        "log_parser": "parse_log_pytest",
        "eval_type": "pass_and_fail",
        "eval_script": SCRIPT.replace("BASE", "HEAD").replace("TESTS\nEOF", f"{tests}EOF"),
    }
    return {**made, **changes}


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    made = FakeEngine(tmp_path / "engine")
    monkeypatch.setenv("PATH", made.path)
    monkeypatch.setattr(Engine, "missing", lambda self: "")
    make_repository(BEFORE, made.image)
    (made.image / "built").write_text("by the image")
    return made


def written(path: Path, *rows: Any) -> str:
    path.write_text("".join(f"{json.dumps(one)}\n" for one in rows), encoding="utf-8")
    return str(path)


@needs_bwrap
def test_a_patch_is_made_graded_and_told(engine: FakeEngine, tmp_path: Path) -> None:
    environment = SweBench()
    tasks = environment.tasks("verified", data=written(tmp_path / "d.jsonl", row()))
    report = asyncio.run(verify(environment, tasks, 250))
    assert (report.solved, report.unsolved, report.floor_solved) == (1, {}, 0)
    (task,) = tasks
    look = ["git log --all --oneline | wc -l; git status --short; git ls-files; cat built", "echo x > notes; ls"]
    commands = [*look, "sed -i 's/a - b/a + b/' add.py", SUBMISSION]
    made, seen = asyncio.run(
        play_actions(environment, task, [Action.call(TOOL, {"command": one}) for one in commands], ())
    )
    assert made.score == 1.0
    assert made.truth["sandbox"] == "podman"
    assert patched_files(made.truth["patch"]) == ("add.py", "notes")
    assert "<output>\n1\n.gitignore\nadd.py\ntests/run.py\nby the image" in seen[1].text
    text = "\n".join([*(message.text for message in seen[0].messages), *(one.text for one in seen)])
    assert [word for word in ("SECRET", "t::new", "return a + b", "FAIL_TO_PASS") if word in text] == []
    runs = [call for call in engine.calls() if call[0] == "run"]
    assert {call[-2] for call in runs} == {"docker.io/ours/sums:1"}
    assert all("none" in call for call in runs)
    assert len([call for call in engine.calls() if call[0] == "rm"]) == len(runs)


FORGED = {
    "prints success and fails": "print('PASSED t::new')\nraise SystemExit(1)\n",
    "prints success and ends": "import os\nprint('PASSED t::new', flush=True)\nos._exit(1)\n",
}


@needs_bwrap
def test_wrong_and_forged_patches_do_not_resolve(engine: FakeEngine, tmp_path: Path) -> None:
    environment = SweBench()
    (task,) = environment.tasks("lite", data=written(tmp_path / "d.jsonl", row()))

    def score(*commands: str) -> Grade:
        actions = [Action.call(TOOL, {"command": command}) for command in (*commands, SUBMISSION)]
        return asyncio.run(play_actions(environment, task, actions, ()))[0]

    assert score().score == 0.0
    assert score("echo '#' >> add.py").score == 0.0
    for name, code in FORGED.items():
        assert score(f"cat > add.py <<'E'\n{code}E").score == 0.0, name
    reset = score("printf \"print('PASSED t::new')\\n\" > tests/run.py")
    assert (reset.score, reset.truth["ran"]) == (0.0, True), "the test files are reset"


PYTEST = """import os, runpy, sys
code = 0
try:
    runpy.run_path(sys.argv[-1])
except SystemExit as ended:
    code = int(ended.code or 0)
name = os.environ["PYTEST_ADDOPTS"].removeprefix("--junitxml=")
outcome = "<failure/>" if code else ""
with open(name, "w") as report:
    report.write(f'<testsuite><testcase name="old"/><testcase name="new">{outcome}</testcase></testsuite>')
sys.exit(code)
"""
"""Stands for pytest: it runs a file, and writes the report that it is told to write."""


@needs_bwrap
def test_who_ends_pytest_with_success_has_forged_it(engine: FakeEngine, tmp_path: Path) -> None:
    made = row()
    script = made["eval_script"].replace("python3 tests/run.py", "python3 -m pytest tests/run.py")
    (engine.image / "pytest.py").write_text(PYTEST)
    environment = SweBench()
    (task,) = environment.tasks("lite", data=written(tmp_path / "d.jsonl", {**made, "eval_script": script}))

    def score(code: str) -> Grade:
        actions = [
            Action.call(TOOL, {"command": f"cat > add.py <<'E'\n{code}E"}),
            Action.call(TOOL, {"command": SUBMISSION}),
        ]
        return asyncio.run(play_actions(environment, task, actions, ()))[0]

    assert score(AFTER["add.py"]).score == 1.0
    forged = score("import os\nprint('PASSED t::old')\nprint('PASSED t::new', flush=True)\nos._exit(0)\n")
    assert (forged.score, forged.truth["sign"]) == (0.0, "no_report")
    for command, known in {
        "tox -e py --": True,
        "tox -e py -- pytest": True,
        "sudo pytest": False,
        "make": False,
    }.items():
        script = made["eval_script"].replace("python3 tests/run.py", command)
        assert expected(read_instance(row(eval_script=script), "")) == known


UNITTEST = """import sys, unittest
sys.path.insert(0, ".")
from add import add
class Sums(unittest.TestCase):
    def test_old(self):
        pass
    def test_new(self):
        'Two and three are five.'
        self.assertEqual(add(2, 3), 5)
result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(unittest.defaultTestLoader.loadTestsFromTestCase(Sums))
sys.exit(bool(result.failures or result.errors))
"""
"""In the place of Django's runner: it is one upon unittest too, with the same words."""


@needs_bwrap
def test_a_runner_without_a_report_of_its_own_runs_under_the_recorder(engine: FakeEngine, tmp_path: Path) -> None:
    old, new = "test_old (__main__.Sums.test_old)", "Two and three are five."
    before = {**BEFORE, "tests/runtests.py": "print('old')\n"}
    tests = diff(before, {**before, "tests/runtests.py": UNITTEST})
    script = SCRIPT.replace("run.py", "runtests.py").replace("BASE", "HEAD").replace("TESTS\nEOF", f"{tests}EOF")
    script = script.replace("python3 tests/", "A='b c' python3 ./tests/")
    shutil.rmtree(engine.image)
    make_repository(before, engine.image)
    data = row(
        test_patch=tests, eval_script=script, log_parser="parse_log_django", FAIL_TO_PASS=[new], PASS_TO_PASS=[old]
    )
    environment = SweBench()
    (task,) = environment.tasks("lite", data=written(tmp_path / "d.jsonl", data))

    def grade(code: str) -> Any:
        commands = (f"cat > add.py <<'E'\n{code}E", SUBMISSION)
        actions = [Action.call(TOOL, {"command": command}) for command in commands]
        made, _ = asyncio.run(play_actions(environment, task, actions, ()))
        return made.score, made.truth.get("sign", "")

    lines = f"print({f'{old} ... ok'!r})\nprint({f'{new} ... ok'!r}, flush=True)\n"
    wrong = "def add(a, b):\n    return a - b\n"
    assert grade(AFTER["add.py"]) == (1.0, "")
    assert grade(f"import os\n{lines}os._exit(0)\n") == (0.0, "no_report")
    assert grade(f"{lines}raise SystemExit(0)\n")[0] == 0.0
    late = f"import atexit\n{wrong}atexit.register(print, {f'{new} ... ok'!r}, flush=True)\n"
    assert grade(late) == (0.0, "failed_in_the_report")


def test_old_and_new_rows_and_what_is_wrong_with_others(tmp_path: Path) -> None:
    old = row(repo="pallets/flask", instance_id="pallets__flask-1")
    for name in ("image", "eval_script", "log_parser", "eval_type"):
        del old[name]
    made = completed(read_instance(old, "row 1"))
    assert made.image == "swebench/sweb.eval.x86_64.pallets_1776_flask-1:latest"
    assert (made.log_parser, "pytest -rA tests/run.py" in made.eval_script) == ("parse_log_flask", True)
    assert made.fail_to_pass == ("t::new",)
    assert completed(read_instance(row(), "")) == read_instance(row(), "")
    for data, problem in {
        "": "none was given",
        "nowhere.jsonl": "neither a file",
        written(tmp_path / "a.jsonl", []): "not a JSON object",
        written(tmp_path / "b.jsonl", {"repo": "x"}): "'instance_id' is missing",
        written(tmp_path / "c.jsonl", row(FAIL_TO_PASS="[")): "FAIL_TO_PASS is not a list",
        written(tmp_path / "d.jsonl", row(eval_type="x")): "eval_type",
        written(tmp_path / "e.jsonl", row(), row()): "two rows",
        written(tmp_path / "f.json", {}): "not hold a list",
        written(tmp_path / "g.jsonl"): "no rows",
    }.items():
        with pytest.raises(RbsuiteError, match=problem) as caught:
            SweBench().tasks("verified", data=data)
        assert "\n" not in str(caught.value)


def test_order_choice_and_images(tmp_path: Path) -> None:
    rows = [
        row(instance_id=f"ours__sums-{n}", created_at=f"202{n}", repo=repo)
        for n, repo in ((3, "b/b"), (1, "b/b"), (2, "a/a"))
    ]
    data = written(tmp_path / "d.jsonl", *rows)
    assert [task.id[-1] for task in SweBench().tasks("verified", data=data)] == ["2", "1", "3"]
    (tmp_path / "ids").write_text("ours__sums-3\n")
    tasks = SweBench(ids=str(tmp_path / "ids")).tasks("verified", data=data)
    assert [(task.id, task.group, task.query) for task in tasks] == [
        ("ours__sums-3", "b/b", "add takes the difference")
    ]
    one = read_instance(row(), "")
    images = [image_of(one, named, "docker.io") for named in ("", "x", "localhost/x:{id}", "quay.io/a/b")]
    wanted = ["docker.io/ours/sums:1", "docker.io/library/x", "localhost/x:ours__sums-1", "quay.io/a/b"]
    assert images == wanted
    with pytest.raises(DataError, match="names no image"):
        image_of(read_instance(row(image=""), ""), "", "docker.io")


def test_a_report_of_pytest_that_contradicts_the_log_counts() -> None:
    lists = {"FAIL_TO_PASS": ("t.py::T::a[x::y]", "t.py::b[cut"), "PASS_TO_PASS": ("d/t.py::c",)}
    good, one = Verdict(True, True, passed=lists, failed={}), read_instance(row(), "")

    def sign(*names: str, bad: str = "d.other.c") -> str:
        made = checked(good, Report(frozenset(names), frozenset([bad, "c"])), one, "")
        assert made.resolved == (not made.sign)
        return made.sign

    assert checked(good, None, one, "") == good
    assert sign("a[x::y]", "b[cut-1]") == ""
    assert sign("a[x::y]") == sign("b[cut-1]") == "not_in_the_report"
    assert sign("a[x::y]", "b[cut-1]", bad="d.t.c") == "failed_in_the_report"
    assert sign("a[x::y]", "b[cut-1]", bad="t.T.a[x::y]") == "failed_in_the_report"


def test_what_reports_say() -> None:
    pytest_report = (
        '<testsuites><testsuite><testcase classname="d.t" name="c"><failure/></testcase>'
        '<testcase classname="t" name="b"><skipped/></testcase></testsuite></testsuites>'
    )
    told = read_reports([pytest_report, '[[["test_a (m.C)", "A doc."], "PASSED"], [["e"], "FAILED"]]', "no report"])
    assert told == Report(frozenset(["b", "t.b", "test_a (m.C)", "A doc."]), frozenset(["c", "d.t.c", "e"]))
    assert read_reports(["<!DOCTYPE x><testcase/>", "[1]", "", "<testsuite/>"]) is None


@pytest.mark.parametrize(
    ("parser", "shown", "failed"),
    [
        ("gotest", "--- PASS: TestA (0.00s)", "--- FAIL: TestA (0.00s)"),
        ("cargo", "test TestA ... ok", "test TestA ... FAILED"),
        ("jest", "  ✓ TestA (3 ms)", "  ✕ TestA (2 ms)"),
        ("vitest", " ✓ TestA 3ms", " × TestA 2ms"),
        ("tap", "ok 1 TestA", "not ok 1 TestA"),
    ],
)
def test_success_printed_around_a_failure_does_not_count(parser: str, shown: str, failed: str) -> None:
    one = read_instance(row(FAIL_TO_PASS=["TestA"], PASS_TO_PASS=[], log_parser=f"parse_log_{parser}"), "")
    for lines, code, wanted in (([shown], 0, ""), ([shown, failed, shown], 1, "shown_failed_too")):
        log = "\n".join(
            ["'>>>>> Start Test Output'", *lines, failed.replace("TestA", "TestB"), "'>>>>> End Test Output'"]
        )
        log += f"\n>>>>> Test Exit Code: {code}"
        verdict = grade_log(one, log)
        assert verdict.resolved
        assert checked(verdict, None, one, log).sign == wanted


def test_scripts_call_runners_under_the_recorder() -> None:
    start, end = ": '>>>>> Start Test Output'", ": '>>>>> End Test Output'"
    under = "/tmp/recorder.py /tmp/reports/recorder-1.json"
    for line, wanted in {
        "./tests/runtests.py --parallel 1 a.b": f"python {under} ./tests/runtests.py --parallel 1 a.b",
        "PYTHONWARNINGS='a b,c' bin/test -C x": f"PYTHONWARNINGS='a b,c' python {under} bin/test -C x",
        "python3.6 tests/runtests.py": f"python3.6 {under} tests/runtests.py",
        "pytest tests/runtests.py": "pytest tests/runtests.py",
        "go test ./bin/test": "go test ./bin/test",
    }.items():
        one = read_instance(row(eval_script="\n".join([start, line, end])), "")
        assert wanted in eval_script(one).splitlines()
        assert expected(one) == (not line.startswith("go"))


@needs_bwrap
def test_a_row_that_cannot_be_graded_is_a_failure_of_the_environment(engine: FakeEngine, tmp_path: Path) -> None:
    environment = SweBench()
    (task,) = environment.tasks("verified", data=written(tmp_path / "d.jsonl", row(eval_script="", log_parser="")))
    actions = [Action.call(TOOL, {"command": one}) for one in ("echo 1 > a", SUBMISSION)]
    with pytest.raises(EnvironmentFailure, match="no test script"):
        asyncio.run(play_actions(environment, task, actions, ()))
