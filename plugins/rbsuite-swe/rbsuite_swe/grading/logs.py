"""Reads the output of test runners, by the names of SWE-bench's log parsers. After swebench 5.0.2, ``harness/log_parsers``.

Of the JavaScript parsers, those for the multilingual data are included; those for the multimodal data are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from rbsuite.errors import DataError
from rbsuite_swe.instance import Instance

Statuses = Mapping[str, str]
"""The outcome of each test: ``PASSED``, ``FAILED``, ``SKIPPED``, ``ERROR`` or ``XFAIL``."""
Reader = Callable[[str], dict[str, str]]

_WORDS = ("FAILED", "PASSED", "SKIPPED", "ERROR", "XFAIL")
_COUNT = re.compile(r"\[\d+\]")
_CONTROL = dict.fromkeys(range(1, 32))
_COLOUR = re.compile(r"\[(\d+)m")


def read_log(instance: Instance, log: str) -> dict[str, str]:
    """The outcome of each test in a log, the last one if there are several.

    Raises:
        DataError: no reader here handles the logs of this instance.
    """
    return _reader(instance)(log)


def shown_failed(instance: Instance, log: str) -> frozenset[str]:
    """The tests that a log shows as failed, whatever else it shows about them; only for logs in which each line reports one test."""
    reader = _reader(instance)
    return (
        frozenset(name for name, outcome in reader.pairs(log) if outcome == "FAILED")
        if isinstance(reader, _Lines)
        else frozenset()
    )


def _reader(instance: Instance) -> Reader:
    name = instance.log_parser.removeprefix("parse_log_")
    if name == "jekyll":
        name = _JEKYLL.get(instance.instance_id.split("-")[1], "")
    if name == "immutable_js":
        name = _IMMUTABLE.get(instance.instance_id.rsplit("-", 1)[-1], "")
    if name not in READERS:
        raise DataError(
            f"{instance.instance_id}: its log parser {instance.log_parser!r} is not known here.",
            "Write predictions, and grade them with the package swebench.",
        )
    return READERS[name]


def _pytest(log: str, *, options: bool = False, replaced: Mapping[str, str] | None = None) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in log.split("\n"):
        for old, new in (replaced or {}).items():
            line = line.replace(old, new)
        if not line.startswith(_WORDS):
            continue
        if line.startswith("FAILED"):
            line = line.replace(" - ", " ")
        status, *rest = line.split()
        if rest and not _is_count(status, rest[0]):
            found[_with_short_option(rest[0]) if options else rest[0]] = status
    return found


def _is_count(status: str, name: str) -> bool:
    """Whether a line is pytest's count of tests skipped for the same reason, which names none."""
    return status == "SKIPPED" and _COUNT.fullmatch(name) is not None


def _with_short_option(name: str) -> str:
    """A name whose parameter is a path on the machine that made the data, reduced to the path's last part."""
    main, _, rest = name.partition("[")
    option, closed, _ = rest.rpartition("]")
    if not closed:
        return name
    if option.startswith("/") and not option.startswith("//") and "*" not in option:
        option = "/" + option.rsplit("/", 1)[-1]
    return f"{main}[{option}]"


def _pytest_v2(log: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in log.split("\n"):
        line = _COLOUR.sub("", line).translate(_CONTROL)
        if line.startswith(_WORDS):
            if line.startswith("FAILED"):
                line = line.split(" - ", 1)[0]
            status, *rest = line.split()
            if rest and not _is_count(status, rest[0]):
                found[" ".join(rest)] = status
        elif line.endswith(_WORDS):
            *rest, status = line.split()
            if rest:
                found[" ".join(rest)] = status
    return found


_VERSION = "--version is equivalent to version"
_INTERRUPTED = tuple(
    re.compile(rf"^(.*?)\s\.\.\.\s{said}\nok$", re.MULTILINE)
    for said in (
        r"Testing\ against\ Django\ installed\ in\ ((?s:.*?))\ silenced\)\.",
        r"Internal\ Server\ Error:\ \/(.*)\/",
        r"System check identified no issues \(0 silenced\)",
    )
)


def _django(log: str) -> dict[str, str]:
    """Django's own runner. What a test prints may come between its name and its outcome."""
    found: dict[str, str] = {}
    last: str | None = None
    for line in map(str.strip, log.split("\n")):
        if _VERSION in line:
            found[_VERSION] = "PASSED"
        if " ... " in line:
            last = line.split(" ... ")[0]
        for ending in (" ... ok", " ... OK", " ...  OK"):
            if line.endswith(ending):
                # One instance prints the name of a migration before that of its test.
                if line.startswith("Applying sites.0002_alter_domain_unique...test_no_migrations"):
                    line = line.split("...", 1)[-1].strip()
                found[line.rsplit(ending, 1)[0]] = "PASSED"
                break
        if " ... skipped" in line:
            found[line.split(" ... skipped")[0]] = "SKIPPED"
        for word, status in (("FAIL", "FAILED"), ("ERROR", "ERROR")):
            if line.endswith(f" ... {word}"):
                found[line.split(f" ... {word}")[0]] = status
            if line.startswith(f"{word}:") and len(line.split()) > 1:
                found[line.split()[1]] = status
        if line.startswith("ok") and last is not None:
            found[last] = "PASSED"
    for pattern in _INTERRUPTED:
        found.update({match.group(1): "PASSED" for match in pattern.finditer(log)})
    return found


def _seaborn(log: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in log.split("\n"):
        parts = line.split()
        if len(parts) < 2:
            continue
        if line.startswith("FAILED"):
            found[parts[1]] = "FAILED"
        elif " PASSED " in line:
            if parts[1] == "PASSED":
                found[parts[0]] = "PASSED"
        elif line.startswith("PASSED"):
            found[parts[1]] = "PASSED"
    return found


def _sympy(log: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in log.split("\n"):  # the heading of a failed test: ___ name.py:test ___
        begin, end = line.find(" ") + 1, line.rfind(" ")
        place = line.rfind(".py:", begin, max(end, 0))
        if 0 < begin <= place:
            found[line[begin:end]] = "FAILED"
    for line in map(str.strip, log.split("\n")):
        if line.startswith("test_"):
            for ending, status in ((" E", "ERROR"), (" F", "FAILED"), (" ok", "PASSED")):
                if line.endswith(ending):
                    found[line.split()[0]] = status
    return found


@dataclass(frozen=True, slots=True)
class _Lines:
    """A reader of lines of one form.

    Attributes:
        form: the form of a stripped line.
        statuses: outcomes by the content of the form's status group; anything else is left out.
        status, name: numbers of the groups.
        clean: what is removed from the names of failed tests.
    """

    form: str
    statuses: Mapping[str, str]
    status: int = 1
    name: int = 2
    clean: str = ""

    def pairs(self, log: str) -> Iterator[tuple[str, str]]:
        """Name and outcome of each line that shows one."""
        form = re.compile(self.form)
        for line in log.split("\n"):
            match = form.match(line.strip())
            outcome = self.statuses.get(match[self.status]) if match else None
            if match and outcome:
                name = match[self.name]
                yield re.sub(self.clean, "", name) if self.clean and outcome == "FAILED" else name, outcome

    def __call__(self, log: str) -> dict[str, str]:
        """The outcome of each test, the last one if there are several."""
        return dict(self.pairs(log))


def _doctest(log: str) -> dict[str, str]:
    """The XML report of doctest for C++: every subcase is a test."""
    begin = log.find("<doctest")
    end = log.find("</doctest>", begin)
    if begin < 0 or end < 0:
        return {}
    text = log[begin : end + len("</doctest>")]
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return {}
    found: dict[str, str] = {}
    for case in ElementTree.fromstring(text).findall(".//TestCase"):
        for part in case.findall(".//SubCase"):
            right = all(one.get("success") == "true" for one in part.findall(".//Expression"))
            found[f"{case.get('name')} > {part.get('name')}"] = "PASSED" if right else "FAILED"
    return found


_MAVEN_TEST, _MAVEN_RESULT = re.compile(r"^.*-Dtest=(\S+).*$"), re.compile(r"^.*BUILD (SUCCESS|FAILURE)$")


def _maven(log: str) -> dict[str, str]:
    """Maven does not name passed tests, so each is run by its own command, and commands and results are matched in order.

    A result without a preceding command goes to a later command that has none.
    """
    found: dict[str, str] = {}
    waiting: list[str] = []
    unmatched: list[str] = []
    for line in map(str.strip, log.split("\n")):
        if test := _MAVEN_TEST.match(line):
            waiting.append(test[1])
        if result := _MAVEN_RESULT.match(line):
            outcome = "PASSED" if result[1] == "SUCCESS" else "FAILED"
            if waiting:
                found[waiting.pop(0)] = outcome
            else:
                unmatched.append(outcome)
    return found | dict(zip(waiting, unmatched, strict=False))


_GRADLE_WHOLE = re.compile(r"^([^>].+)\s+(PASSED|FAILED)$")
_GRADLE_NAME = re.compile(r"^([^>]\S*\s+>\s+\S+)$")


def _gradle(log: str) -> dict[str, str]:
    """Name and outcome on one line, or the outcome on a later one."""
    found: dict[str, str] = {}
    waiting = ""
    for line in map(str.strip, log.split("\n")):
        if whole := _GRADLE_WHOLE.match(line):
            found[whole[1]] = whole[2]
            waiting = ""
        elif _GRADLE_NAME.match(line):
            waiting = line
        elif waiting and line in ("PASSED", "FAILED"):
            found[waiting] = line
            waiting = ""
    return found


_SUITE, _CHECK = re.compile(r"^(\w.+) \(.+\)$"), re.compile(r"^\s*([✔✘↩])\s*(.*)$")


def _phpunit(log: str) -> dict[str, str]:
    """PHPUnit with ``--testdox``: a line for each suite, then one for each test."""
    found: dict[str, str] = {}
    suite: str | None = None
    for line in log.split("\n"):
        if heading := _SUITE.match(line):
            suite = heading[1]
        elif test := _CHECK.match(line):
            found[f"{suite} > {test[2]}"] = {"✔": "PASSED", "✘": "FAILED", "↩": "SKIPPED"}[test[1]]
    return found


_KARMA = re.compile(r"^(\s*)?([✔✖])?\s(.*)$")


def _karma(log: str) -> dict[str, str]:
    """Karma's nested suites; a name is joined from the headings above it."""
    found: dict[str, str] = {}
    started, depth = False, -1
    suites: list[str] = []
    for line in log.split("\n"):
        if line.startswith("SUMMARY:"):
            break
        if "Starting browser" in line:
            started = True
            continue
        match = _KARMA.match(line) if started else None
        if match is None:
            continue
        indent, sign, name = match.groups()
        if indent and not sign:
            width = len(indent)
            if width > depth:
                depth = width
                suites.append(name)
            elif width < depth:
                depth = width
                suites.pop()
                continue
        if sign:
            found[" > ".join([*suites, name])] = "PASSED" if sign == "✔" else "FAILED"
    return found


_PASS_FAIL = {"PASS": "PASSED", "FAIL": "FAILED"}
_SELF = {"PASSED": "PASSED", "FAILED": "FAILED"}
_MOUSE = {"MouseButton.LEFT": "1", "MouseButton.RIGHT": "3"}
_PYTEST_REPOSITORIES = ("astroid", "flask", "marshmallow", "pvlib", "pyvista", "sqlfluff", "xarray")

READERS: Mapping[str, Reader] = {
    "pytest": _pytest,
    "pytest_options": lambda log: _pytest(log, options=True),
    "pytest_v2": _pytest_v2,
    "django": _django,
    "seaborn": _seaborn,
    "sympy": _sympy,
    "matplotlib": lambda log: _pytest(log, replaced=_MOUSE),
    **dict.fromkeys(_PYTEST_REPOSITORIES, _pytest),
    **dict.fromkeys(("pydicom", "requests", "pylint"), lambda log: _pytest(log, options=True)),
    **dict.fromkeys(("astropy", "scikit", "sphinx"), _pytest_v2),
    "gotest": _Lines(r"^--- (PASS|FAIL|SKIP): (.+) \((.+)\)$", {**_PASS_FAIL, "SKIP": "SKIPPED"}),
    "cargo": _Lines(r"^test\s+(\S+)\s+\.\.\.\s+(\w+)$", {"ok": "PASSED", "FAILED": "FAILED"}, status=2, name=1),
    "redis": _Lines(
        r"^\[(ok|err|skip|ignore)\]:\s(.+?)(?:\s\((\d+\s*m?s)\))?$",
        {"ok": "PASSED", "err": "FAILED", "skip": "SKIPPED", "ignore": "SKIPPED"},
        clean=r"\s+in\s+\S+$",
    ),
    "jq": _Lines(r"^\s*(PASS|FAIL):\s(.+)$", _PASS_FAIL),
    "doctest": _doctest,
    "micropython_test": _Lines(r"^(pass|FAIL|skip)\s+(.+)$", {"pass": "PASSED", "FAIL": "FAILED", "skip": "SKIPPED"}),
    "googletest": _Lines(r"^.*\[\s*(OK|FAILED)\s*\]\s(.*)\s\(.*\)$", {"OK": "PASSED", "FAILED": "FAILED"}),
    "maven": _maven,
    "ant": _Lines(r"^\s*\[junit\]\s+\[(PASS|FAIL|ERR)\]\s+(.*)$", {**_PASS_FAIL, "ERR": "FAILED"}),
    "gradle_custom": _gradle,
    "phpunit": _phpunit,
    "minitest": _Lines(r"^(.+)\. .*=.*(\.|F|E).*$", {".": "PASSED", "F": "FAILED", "E": "FAILED"}, status=2, name=1),
    "cucumber": _Lines(r"^(.*) \.+(\.|F)", {".": "PASSED", "F": "FAILED"}, status=2, name=1),
    "ruby_unit": _Lines(
        r"^\s*(?:test: )?(.+):\s+(\.|E\b|F\b|O\b)",
        {".": "PASSED", "E": "FAILED", "F": "FAILED", "O": "SKIPPED"},
        status=2,
        name=1,
    ),
    "rspec_transformed_json": _Lines(
        r"(.+) - (passed|failed)", {"passed": "PASSED", "failed": "FAILED"}, status=2, name=1
    ),
    "jest": _Lines(r"^\s*(✓|✕|○)\s(.+?)(?:\s\((\d+\s*m?s)\))?$", {"✓": "PASSED", "✕": "FAILED", "○": "SKIPPED"}),
    "jest_json": _Lines(r"^\[(PASSED|FAILED)\]\s(.+)$", _SELF),
    "vitest": _Lines(
        r"^\s*(✓|×|↓)\s(.+?)(?:\s(\d+\s*m?s?|\[skipped\]))?$", {"✓": "PASSED", "×": "FAILED", "↓": "SKIPPED"}
    ),
    "karma": _karma,
    "tap": _Lines(r"^(ok|not ok) (\d+) (.+)$", {"ok": "PASSED", "not ok": "FAILED"}, name=3),
}
"""The readers by the names of the parsers, without ``parse_log_``."""

_JEKYLL = {
    **dict.fromkeys(("9141", "8047", "8167"), "minitest"),
    **dict.fromkeys(("8761", "8771"), "cucumber"),
}
_IMMUTABLE = {"2006": "jest", "2005": "jest_json"}
REPOSITORIES: Mapping[str, str] = {
    "astropy/astropy": "astropy",
    "django/django": "django",
    "matplotlib/matplotlib": "matplotlib",
    "mwaskom/seaborn": "seaborn",
    "pallets/flask": "flask",
    "psf/requests": "requests",
    "pydata/xarray": "xarray",
    "pylint-dev/pylint": "pylint",
    "pytest-dev/pytest": "pytest",
    "scikit-learn/scikit-learn": "scikit",
    "sphinx-doc/sphinx": "sphinx",
    "sympy/sympy": "sympy",
}
"""The readers for the repositories of Verified and Lite, whose old dumps name none."""
