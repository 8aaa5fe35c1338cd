"""Reports in JUnit's format: the outcome of tests as the runner wrote it, separate from what the code under test prints."""

from __future__ import annotations

from xml.etree import ElementTree

_OUTCOMES = {"failure": "FAILED", "error": "ERROR", "skipped": "SKIPPED"}


def read_report(text: str, code: int) -> dict[str, str] | None:
    """The outcome of each test, by ``class.method``; ``None`` if the report and the exit code of the run contradict each other.

    Args:
        text: the report.
        code: exit code of the test run: 0 if and only if no test failed.
    """
    if "<!" in text:  # a document type could define endless entities
        return None
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None
    found: dict[str, str] = {}
    for case in root.iter("testcase"):
        kinds = [_OUTCOMES[part.tag] for part in case if part.tag in _OUTCOMES]
        found[f"{case.get('classname')}.{case.get('name')}"] = kinds[0] if kinds else "PASSED"
    failed = any(outcome in ("FAILED", "ERROR") for outcome in found.values())
    return found if found and failed == (code != 0) else None
