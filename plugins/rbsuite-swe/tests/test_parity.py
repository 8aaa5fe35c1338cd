"""The grader against the package swebench, which lives in an environment of its own (754 MB):

uv venv V && uv pip install --python V/bin/python swebench==5.0.2
RBSUITE_SWEBENCH_PYTHON=V/bin/python pytest -m slow plugins/rbsuite-swe/tests/test_parity.py
"""

from __future__ import annotations

import json
import os
import subprocess

import pytest

import swe_logs as logs
from rbsuite_swe.bench.grader import eval_script
from rbsuite_swe.grading.verdict import grade_log
from rbsuite_swe.instance import Instance, row_of

_THEIRS = """
import json, sys, tempfile
from swebench.harness.grading import get_eval_report
from swebench.harness.utils import make_test_spec

for line in sys.stdin:
    row, text = json.loads(line)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(text)
        file.flush()
        spec = make_test_spec(row)
        prediction = {"instance_id": row["instance_id"], "model_name_or_path": "m", "model_patch": "x"}
        report = get_eval_report(spec, prediction, file.name, True)[row["instance_id"]]
    print("report" + json.dumps([report, spec.eval_script]))
"""


def ours(instance: Instance, text: str) -> dict[str, object]:
    verdict = grade_log(instance, text)
    made: dict[str, object] = {"applied": verdict.ran, "resolved": verdict.resolved, "sign": verdict.sign}
    made["infra"] = bool(verdict.sign) and verdict.certain
    for name in ("FAIL_TO_PASS", "PASS_TO_PASS") if verdict.ran else ():
        made[name] = [list((found or {})[name]) for found in (verdict.passed, verdict.failed)]
    return made


@pytest.mark.slow
@pytest.mark.skipif("RBSUITE_SWEBENCH_PYTHON" not in os.environ, reason="RBSUITE_SWEBENCH_PYTHON names no Python")
def test_every_log_is_graded_as_by_swebench() -> None:
    cases = {name: (case.instance, case.text) for name, case in logs.LOGS.items()}
    for sign in ("Killed", "ModuleNotFoundError: x", "Could not resolve host", "collected 0 items"):
        cases[sign] = (logs.instance(["a"], ["b"]), f"started\n{sign}\n")
    script = "#!/bin/bash\nset -uxo pipefail\ncd /testbed\n: '>>>>> Start Test Output'\npytest\n: '>>>>> End Test Output'\ngit checkout x\n"
    lines = [json.dumps([{**row_of(one), "eval_script": script}, text]) for one, text in cases.values()]
    told = subprocess.run(
        [os.environ["RBSUITE_SWEBENCH_PYTHON"], "-c", _THEIRS],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = [json.loads(line.removeprefix("report")) for line in told.stdout.splitlines() if line.startswith("report")]
    assert len(theirs) == len(cases)
    for (name, (instance, text)), (report, _) in zip(cases.items(), theirs, strict=True):
        wanted = {
            "applied": report["patch_successfully_applied"],
            "resolved": report["resolved"],
            "sign": report.get("infra_failure_reason", ""),
            "infra": report["infra_failure"],
        }
        for kind in ("FAIL_TO_PASS", "PASS_TO_PASS") if "tests_status" in report else ():
            wanted[kind] = [report["tests_status"][kind][outcome] for outcome in ("success", "failure")]
        assert ours(instance, text) == wanted, name
    made = eval_script(Instance("r", "i", "b", "", "", "", (), (), eval_script=script))
    assert made.replace("TESTS_EXIT_CODE", "SWEBENCH_TEST_EXIT_CODE") == theirs[0][1]
