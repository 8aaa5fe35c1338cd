"""What runners report in addition to their output, outside of the repository, and whether it confirms what the output says.

==================================  =====================================================================================================
runner                              report
==================================  =====================================================================================================
pytest                              its own in JUnit's form, by the variable ``PYTEST_ADDOPTS``
Django's ``runtests.py``, SymPy's   ours: they run under :mod:`rbsuite_swe.grading.recorder`, which hears what their results are told
``bin/test``
googletest                          its own, by the variable ``GTEST_OUTPUT``
==================================  =====================================================================================================

Other runners can be told to write a report only through their arguments, if at all, and scripts call them through other programs (npm,
make, rake). For these, a test that should pass must not be shown as failed anywhere in a log whose exit code is a failure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files as resources
from xml.etree import ElementTree

from rbsuite_swe.grading.logs import shown_failed
from rbsuite_swe.grading.verdict import END, EXIT, START, Verdict
from rbsuite_swe.instance import Instance

REPORTS = "/tmp/reports"
"""The directory of reports, in the container."""
RECORDER = "/tmp/recorder.py"
VARIABLES: Mapping[str, str] = {
    "PYTEST_ADDOPTS": f"--junitxml={REPORTS}/pytest.xml",
    "GTEST_OUTPUT": f"xml:{REPORTS}/",
    # tox 3 and tox 4 pass on only what they are told to.
    "TOX_TESTENV_PASSENV": "PYTEST_ADDOPTS",
    "TOX_OVERRIDE": "testenv.pass_env+=PYTEST_ADDOPTS",
}
"""Variables that make runners write reports."""
_PYTEST = re.compile(r"(?:^|[\s;&])pytest(?:\s|$)")
_OTHERS = re.compile(r"\b(?:nox|sudo|su|env -i)\b")
"""What may run pytest without passing on the variable."""
_PYTHON = re.compile(
    r"""^(\s*(?:\w+=(?:'[^']*'|"[^"]*"|[^\s'"]*)\s+)*)(python\S*\s+)?((?:\./)?(?:tests/runtests\.py|bin/test)(?:\s.*)?)$"""
)
"""A call to Django's or SymPy's runner: assignments, interpreter, and the rest."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a runner reports.

    Attributes:
        good: names of tests that passed or were skipped.
        bad: names of tests that failed and are not in ``good``.
    """

    good: frozenset[str]
    bad: frozenset[str]


def recorded(script: str) -> str:
    """A script in which runners written in Python that have no report of their own run under the recorder."""
    lines = script.split("\n")
    for at, line in enumerate(lines):
        if found := _PYTHON.match(line):
            before, python, rest = found.groups()
            lines[at] = f"{before}{python or 'python '}{RECORDER} {REPORTS}/recorder-{at}.json {rest}"
    return "\n".join(lines)


def recorder() -> str:
    """The source of the recorder."""
    return resources("rbsuite_swe.grading").joinpath("recorder.py").read_text(encoding="utf-8")


def expected(instance: Instance) -> bool:
    """Whether the tests of an instance are run by something that writes a report unless it is ended from within."""
    lines = instance.eval_script.partition(START)[2].partition(END)[0].splitlines()
    runs = [line for line in lines if _PYTEST.search(line) or re.search(r"\btox\b", line)]
    known = bool(runs) and not any(_OTHERS.search(line) for line in runs)
    return known or any(map(_PYTHON.match, lines)) or instance.log_parser.endswith("googletest")


def read_reports(texts: Iterable[str]) -> Report | None:
    """What the reports say together; ``None`` if none can be read."""
    told = [case for text in texts for case in (_cases(text) or ())]
    good = frozenset(name for names, right in told if right for name in names)
    bad = frozenset(name for names, right in told if not right for name in names) - good
    return Report(good, bad) if told else None


def _cases(text: str) -> list[tuple[list[str], bool]] | None:
    """The names of each test, and whether it passed or was skipped."""
    if text.lstrip().startswith("["):
        try:
            return [([str(name) for name in names], outcome != "FAILED") for names, outcome in json.loads(text)]
        except (ValueError, TypeError, RecursionError):
            return None
    if "<!" in text:  # a document type could define endless entities
        return None
    try:
        cases = list(ElementTree.fromstring(text).iter("testcase"))
    except ElementTree.ParseError:
        return None
    return [
        (
            [str(case.get("name")), f"{case.get('classname')}.{case.get('name')}"],
            not any(part.tag in ("failure", "error") for part in case),
        )
        for case in cases
    ]


def checked(verdict: Verdict, report: Report | None, instance: Instance, log: str) -> Verdict:
    """The verdict, unless the report or the exit code contradicts it.

    Args:
        verdict: the verdict according to the log.
        report: what the runner reported; ``None``: nothing.
        instance: the instance.
        log: the output.
    """
    if not verdict.resolved:
        return verdict
    lists = verdict.passed or {}
    sign = ""
    if report is None:
        sign = "no_report" if expected(instance) else _contradiction(lists.get("FAIL_TO_PASS", ()), instance, log)
    elif any(_bad(test, report) for tests in lists.values() for test in tests):
        sign = "failed_in_the_report"
    elif not all(_ran(test, report) for test in lists.get("FAIL_TO_PASS", ())):
        sign = "not_in_the_report"
    return replace(verdict, resolved=False, sign=sign, certain=False) if sign else verdict


def _contradiction(tests: Iterable[str], instance: Instance, log: str) -> str:
    code = EXIT.search(log)
    failed = shown_failed(instance, log) if code and int(code[1]) else frozenset[str]()
    return "shown_failed_too" if failed.intersection(tests) else ""


def _ran(test: str, report: Report) -> bool:
    """Whether a test is among those reported as good; names of parametrised tests may be truncated."""
    if "::" not in test:
        return any(one.startswith(test) for one in report.good)
    name = test.rsplit("::", 1)[-1] if "[" not in test else test[test.rfind("::", 0, test.index("[")) :].lstrip(":")
    return any(one == name or one.startswith(name) for one in report.good)


def _bad(test: str, report: Report) -> bool:
    """Whether exactly this test is reported as failed; for pytest's names, file and class count too."""
    place, separator, name = test.partition("[")
    path, *inner = place.split("::")
    whole = ".".join([path.removesuffix(".py").replace("/", "."), *inner]) + separator + name
    return (whole if inner else test) in report.bad
