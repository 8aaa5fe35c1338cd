"""The contract kit as a test module: a test for every rule and every target.

    pytest --pyargs rbsuite.testing.contract --rbsuite-check NAME

See :mod:`rbsuite.testing.pytest_plugin`.
"""

from __future__ import annotations

import pytest

from rbsuite.plugins import load_plugins
from rbsuite.testing.kit import RULES, Target, Targets, check, find_targets
from rbsuite.testing.pytest_plugin import OPTION
from rbsuite.testing.rules import Finding


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each rule of each subject."""
    if metafunc.function is not test_rule:
        return
    names = metafunc.config.getoption(OPTION) or [""]
    known = load_plugins()
    cases = []
    for name in names:
        targets = find_targets(name, known)
        for target in targets.targets:
            for rule in RULES[target.kind]:
                where = f"{target.kind}-{target.name}-{rule.id}"
                cases.append(pytest.param(targets, target, rule.id, id=where))
    metafunc.parametrize(("targets", "target", "rule"), cases)


@pytest.fixture(scope="module")
def found() -> dict[Target, list[Finding]]:
    """The findings so far."""
    return {}


def test_rule(targets: Targets, target: Target, rule: str, found: dict[Target, list[Finding]]) -> None:
    """The rule is kept. A rule that cannot be checked is skipped, with the reason."""
    if target not in found:
        found[target] = check(target.kind, target.name, targets.plugins)
    (finding,) = [one for one in found[target] if one.rule == rule]
    if finding.outcome == "not tried":
        pytest.skip(finding.detail)
    assert finding.outcome == "kept", f"{finding.requires}\n{finding.detail}\n-> {finding.remedy}"
