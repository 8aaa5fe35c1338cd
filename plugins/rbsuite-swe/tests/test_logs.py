"""The grader on recorded logs. Each is of our own; ``test_parity.py`` compares the same logs with the package swebench."""

from __future__ import annotations

import pytest

import swe_logs as logs
from rbsuite_swe.grading.verdict import Verdict, grade_log


@pytest.mark.parametrize("name", logs.LOGS)
def test_a_log(name: str) -> None:
    case = logs.LOGS[name]
    verdict = grade_log(case.instance, case.text)
    found = (verdict.ran, verdict.resolved, sorted((verdict.passed or {}).get("FAIL_TO_PASS", ())))
    assert found == (case.ran, case.resolved, sorted(case.passed))


def test_what_broke_is_told_and_changes_no_score() -> None:
    told = [grade_log(logs.instance([], []), f"Starting\n{text}\n") for text in ("Killed", "no tests ran", "fine")]
    assert [(one.sign, one.certain) for one in told] == [
        ("out_of_memory", True),
        ("no_tests_collected", False),
        ("", False),
    ]
    assert not any(one.resolved or one.ran for one in told)
    assert Verdict().counts == {"resolved": False, "ran": False}
