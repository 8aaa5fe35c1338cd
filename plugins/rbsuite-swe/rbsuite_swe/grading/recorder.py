"""Runs a test runner that is written in Python, and writes the outcome of each test, separate from what is printed.

    python recorder.py REPORT SCRIPT [ARGUMENT]...

The script runs as if it had been called directly, and its exit code is this program's. Supported are runners built on unittest (Django's)
and that of SymPy. The report is JSON, a list of [names, outcome]; it is written when the script has ended, so that a process which is ended
from within leaves none. It runs in images whose Python is as old as 3.5, and needs only the standard library.
"""

import importlib.abc
import importlib.machinery
import json
import runpy
import sys
import unittest
from pathlib import Path
from typing import Any

SYMPY = ("sympy.testing.runtests", "sympy.utilities.runtests")


class Record:
    """The outcome of each test, in the order in which they started; a failure stays a failure."""

    def __init__(self) -> None:
        self.tests = {}  # type: dict[Any, Any]

    def note(self, key: Any, names: Any, outcome: str) -> None:
        """Record the outcome of a test."""
        if self.tests.get(key, ("", ""))[1] != "FAILED":
            self.tests[key] = ([name.strip() for name in names if name], outcome)

    def write(self, path: str) -> None:
        """Write the report."""
        with Path(path).open("w") as report:
            json.dump(list(self.tests.values()), report)


RECORD = Record()


def watch(owner: Any, method: str, outcome: str, told: Any) -> None:
    """Make a method of a runner's class record an outcome.

    ``told`` returns key and names of the test from the method's arguments, or nothing.
    """
    before = getattr(owner, method, None)
    if before is None:
        return

    def noting(self: Any, *arguments: Any, **named: Any) -> Any:
        found = told(self, *arguments, **named)
        if found:
            RECORD.note(found[0], found[1], outcome)
        return before(self, *arguments, **named)

    setattr(owner, method, noting)


def of_unittest(_result: Any, test: Any, *_others: Any, **_named: Any) -> Any:
    """A unittest test is known by its name and by the first line of its docstring."""
    test = getattr(test, "test_case", test)
    return str(test), [str(test), getattr(test, "shortDescription", str)() or ""]


def of_subtest(result: Any, test: Any, _subtest: Any, error: Any = None, **_named: Any) -> Any:
    """A part of a test counts if it fails."""
    return of_unittest(result, test) if error is not None else None


def watch_unittest() -> None:
    """Record what unittest's results are told."""
    kinds = {"addSuccess": "PASSED", "addExpectedFailure": "PASSED", "addSkip": "SKIPPED"}
    kinds.update(dict.fromkeys(("addFailure", "addError", "addUnexpectedSuccess"), "FAILED"))
    for method, outcome in kinds.items():
        watch(unittest.TestResult, method, outcome, of_unittest)
    watch(unittest.TestResult, "addSubTest", "FAILED", of_subtest)


def of_sympy(reporter: Any, *_others: Any, **_named: Any) -> Any:
    """The test that SymPy's reporter is currently at."""
    test = getattr(reporter, "_active_f", None)  # type: Any
    place = getattr(reporter, "_active_file", "")
    return ((place, test.__name__), [test.__name__]) if hasattr(test, "__name__") else None


def watch_sympy(module: Any) -> None:
    """Record what SymPy's reporter is told."""
    reporter = getattr(module, "PyTestReporter", None)
    if reporter is None or "entering_test" not in vars(reporter):
        return
    for method, outcome in (("pass", "PASSED"), ("xfail", "PASSED"), ("skip", "SKIPPED")):
        watch(reporter, "test_" + method, outcome, of_sympy)
    for method in ("fail", "exception", "xpass"):
        watch(reporter, "test_" + method, "FAILED", of_sympy)


class Finder(importlib.abc.MetaPathFinder):
    """Watches the modules of SymPy's runner as soon as they are loaded."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """See :class:`importlib.abc.MetaPathFinder`."""
        if name not in SYMPY:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            run(module)
            watch_sympy(module)

        setattr(spec.loader, "exec_module", exec_module)  # noqa: B010 (a method cannot be assigned, for mypy)
        return spec


def main() -> None:
    """Run the script."""
    report, script = sys.argv[1:3]
    sys.argv[:] = sys.argv[2:]
    sys.path[0] = str(Path(script).resolve().parent)
    watch_unittest()
    sys.meta_path.insert(0, Finder())
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        RECORD.write(report)


if __name__ == "__main__":
    main()
