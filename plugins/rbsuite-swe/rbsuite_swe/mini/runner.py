"""Runs tests inside a sandbox, and writes a report in JUnit's format. It needs only the standard library.

python3 -I runner.py REPORT MODULE...
"""

import os
import sys
import unittest
import xml.etree.ElementTree as ElementTree


class Recorder(unittest.TestResult):
    """Records the outcome of every test."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: dict[str, str] = {}

    def startTest(self, test: unittest.TestCase) -> None:
        """See :class:`unittest.TestResult`."""
        super().startTest(test)
        self.outcomes[test.id()] = "passed"

    def stopTest(self, test: unittest.TestCase) -> None:
        """See :class:`unittest.TestResult`."""
        for kind, found in (("failure", self.failures), ("error", self.errors), ("skipped", self.skipped)):
            for one, told in found:
                name = getattr(one, "test_case", one).id()
                self.outcomes[name] = kind
                print(f"{name}: {kind}\n{told}")  # noqa: T201


def main() -> int:
    """The exit code: 0 if no test failed."""
    report, *modules = sys.argv[1:]
    sys.path.insert(0, os.getcwd())  # noqa: PTH109
    recorder = Recorder()
    unittest.defaultTestLoader.loadTestsFromNames(modules).run(recorder)
    root = ElementTree.Element("testsuite")
    for name, outcome in recorder.outcomes.items():
        owner, _, method = name.rpartition(".")
        case = ElementTree.SubElement(root, "testcase", classname=owner, name=method)
        if outcome != "passed":
            ElementTree.SubElement(case, outcome)
    ElementTree.ElementTree(root).write(report, encoding="unicode")
    return 0 if recorder.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
