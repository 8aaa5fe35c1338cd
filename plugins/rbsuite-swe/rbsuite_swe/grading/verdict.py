"""SWE-bench's rules: what follows from the outcomes of single tests. After swebench 5.0.2, ``harness/grading.py``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rbsuite_swe.grading.logs import Statuses, read_log
from rbsuite_swe.instance import EvalType, Instance

START, END = ">>>>> Start Test Output", ">>>>> End Test Output"
EXIT_CODE = ">>>>> Test Exit Code"
BROKEN = (">>>>> Patch Apply Failed", ">>>>> Reset Failed", ">>>>> Tests Errored", ">>>>> Tests Timed Out")
"""Lines with which the harness marks a failed run."""

_PASSING = ("PASSED", "XFAIL")
_FAILING = ("FAILED", "ERROR", "SKIPPED")
EXIT = re.compile(rf"{re.escape(EXIT_CODE)}:\s*(-?\d+)")
"""The line with the exit code of the tests."""
_COUNTS = (
    r"Executed [1-9]\d* of \d+",
    r"TOTAL: [1-9]\d* (?:SUCCESS|FAILED)",
    r"[1-9]\d* passing",
    r"Tests:\s+[1-9]\d*",
    r"Test Suites:\s+(?:\d+ \w+, )*[1-9]\d* total",
    r"^# tests [1-9]\d*",
    r"[1-9]\d* specs?, \d+ failures?",
    r"': ok$",
)
_RAN = re.compile("|".join(_COUNTS), re.MULTILINE)
"""Counts above zero, which show that tests ran although none of them is named."""

INFRASTRUCTURE: tuple[tuple[str, bool, str], ...] = (
    ("browser_launch_failed", True, r"Failed to launch|Failed to connect to the bus"),
    ("display_unavailable", True, r"cannot open display|Missing X server|unable to open X display"),
    ("out_of_memory", True, r"Cannot allocate memory|OutOfMemoryError|^Killed$"),
    ("container_unavailable", True, r"Error response from daemon|Cannot connect to the Docker daemon"),
    ("network_unreachable", True, r"Could not resolve host|Temporary failure in name resolution"),
    ("missing_module", False, r"Cannot find module|MODULE_NOT_FOUND|ModuleNotFoundError"),
    ("no_tests_collected", False, r"no tests ran|collected 0 items"),
    ("tests_timed_out", False, r"Timeout error: \d+ seconds exceeded"),
)
"""Signs that the environment broke, not the patch: name, whether nothing else explains it, pattern. Reported only; they change no score."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a test run.

    Attributes:
        resolved: whether all tests are as they should be.
        ran: whether the run can be read.
        partly: whether no test broke, and some of those that should pass do.
        passed: by list of tests (``FAIL_TO_PASS``, ``PASS_TO_PASS``), those that are as they should be.
        failed: the others.
        sign: for a run that cannot be read, a sign that the environment broke; empty if there is none.
        certain: whether nothing else explains the sign.
    """

    resolved: bool = False
    ran: bool = False
    partly: bool = False
    passed: Mapping[str, tuple[str, ...]] | None = None
    failed: Mapping[str, tuple[str, ...]] | None = None
    sign: str = ""
    certain: bool = False

    @property
    def counts(self) -> dict[str, Any]:
        """The numbers of a report, which name no test."""
        passed, failed = self.passed or {}, self.failed or {}
        lists = {name: [len(passed.get(name, ())), len(failed.get(name, ()))] for name in (*passed,)}
        return {"resolved": self.resolved, "ran": self.ran, **lists, **({"sign": self.sign} if self.sign else {})}


def grade_log(instance: Instance, log: str) -> Verdict:
    """The verdict on the log of an evaluation run.

    Raises:
        DataError: the instance's log parser is not known.
    """
    statuses = read_statuses(instance, log)
    if statuses is None:
        for name, certain, pattern in INFRASTRUCTURE:
            if re.search(pattern, log, re.MULTILINE):
                return Verdict(sign=name, certain=certain)
        return Verdict()
    return judge(instance.fail_to_pass, instance.pass_to_pass, statuses, instance.eval_type)


def read_statuses(instance: Instance, log: str) -> Statuses | None:
    """The outcome of each test according to the log; ``None`` if the log cannot be that of a run.

    It cannot if the harness says that the run broke, if the marks of the output are missing, if no test appears, or if the tests' exit code
    is a failure and no test failed: then the lines of success were printed by something else.
    """
    if any(mark in log for mark in BROKEN) or START not in log or END not in log:
        return None
    statuses = read_log(instance, log.split(START)[1].split(END)[0]) or read_log(instance, log)
    if not statuses and not _RAN.search(log):
        return None
    code = EXIT.search(log)
    failures = any(status in ("FAILED", "ERROR") for status in statuses.values())
    return None if code and int(code[1]) and statuses and not failures else statuses


def judge(
    fail_to_pass: Sequence[str], pass_to_pass: Sequence[str], statuses: Statuses, eval_type: EvalType = "pass_and_fail"
) -> Verdict:
    """The verdict on the outcomes of tests.

    A test of ``fail_to_pass`` must pass or fail as expected; one of ``pass_to_pass`` may also be skipped. A test that does not appear has
    failed, unless the log names only failures.
    """
    lists = {"FAIL_TO_PASS": tuple(fail_to_pass), "PASS_TO_PASS": tuple(pass_to_pass)}
    kinds: dict[str, dict[str, Literal["passed", "failed", "neither"]]] = {}
    for name, tests in lists.items():
        kinds[name] = {
            test: _outcome(test, statuses, eval_type, skipped_passes=name == "PASS_TO_PASS") for test in tests
        }
    passed = {name: tuple(test for test in lists[name] if kinds[name][test] == "passed") for name in lists}
    failed = {name: tuple(test for test in lists[name] if kinds[name][test] == "failed") for name in lists}
    shares = {name: _share(len(passed[name]), len(failed[name])) for name in lists}
    kept = shares["PASS_TO_PASS"] == 1
    fixed = shares["FAIL_TO_PASS"]
    return Verdict(kept and fixed == 1, True, kept and 0 < fixed < 1, passed, failed)


def _share(passed: int, failed: int) -> float:
    return passed / (passed + failed) if passed + failed else 1.0


def _outcome(
    test: str, statuses: Statuses, eval_type: EvalType, *, skipped_passes: bool
) -> Literal["passed", "failed", "neither"]:
    if eval_type == "fail_only":
        return "failed" if statuses.get(test) == "FAILED" else "passed"
    status = _found(test, statuses)
    if status in _PASSING or (skipped_passes and status == "SKIPPED"):
        return "passed"
    return "failed" if status is None or status in _FAILING else "neither"


def _found(test: str, statuses: Statuses) -> str | None:
    """The status of a test. A name truncated inside a parameter, as many are in Verified, stands for all names that start with it, if these
    agree.
    """
    if test in statuses:
        return statuses[test]
    if test.count("[") <= test.count("]"):
        return None
    meant = [status for name, status in statuses.items() if name.startswith(test)]
    return meant[0] if meant and len({status in _PASSING for status in meant}) == 1 else None
