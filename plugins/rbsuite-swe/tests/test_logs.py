"""The grader on recorded logs. Each is of our own; ``test_parity.py`` compares the same logs with the package swebench."""

from __future__ import annotations

import pytest

import swe_logs as logs
from rbsuite_swe.grading.logs import READERS
from rbsuite_swe.grading.verdict import Verdict, grade_log
from speed import cpu_seconds


@pytest.mark.parametrize("name", logs.LOGS)
def test_a_log(name: str) -> None:
    case = logs.LOGS[name]
    verdict = grade_log(case.instance, case.text)
    found = (verdict.ran, verdict.resolved, sorted((verdict.passed or {}).get("FAIL_TO_PASS", ())))
    assert found == (case.ran, case.resolved, sorted(case.passed))


@pytest.mark.parametrize(
    ("name", "line", "found"),
    [
        ("pytest_options", "PASSED t.py::a[/tmp/x/data]", {"t.py::a[/data]": "PASSED"}),
        ("pytest_options", "PASSED a]b[c]", {"a]b[c]": "PASSED"}),
        ("pytest_options", "PASSED a[b", {"a[b": "PASSED"}),
        ("sympy", "___ sympy/a.py:test_b ___", {"sympy/a.py:test_b": "FAILED"}),
        ("sympy", "___ sympy/a.py:test_b", {}),
    ],
)
def test_a_name_of_a_test(name: str, line: str, found: dict[str, str]) -> None:
    assert READERS[name](line) == found


@pytest.mark.parametrize(
    ("name", "pattern"), [("pytest_options", "a"), ("sympy", "_"), ("sympy", "a "), ("sympy", " a.py:")]
)
def test_a_long_line_is_read_in_linear_time(name: str, pattern: str) -> None:
    line = "PASSED " + pattern * (1_000_000 // len(pattern))
    assert cpu_seconds(lambda: READERS[name](line), 0.2) <= 0.2


def test_what_broke_is_told_and_changes_no_score() -> None:
    told = [grade_log(logs.instance([], []), f"Starting\n{text}\n") for text in ("Killed", "no tests ran", "fine")]
    assert [(one.sign, one.certain) for one in told] == [
        ("out_of_memory", True),
        ("no_tests_collected", False),
        ("", False),
    ]
    assert not any(one.resolved or one.ran for one in told)
    assert Verdict().counts == {"resolved": False, "ran": False}
