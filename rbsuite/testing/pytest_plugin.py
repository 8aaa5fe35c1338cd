"""The contract kit for pytest. It is available wherever rbsuite is installed.

    pytest --pyargs rbsuite.testing.contract --rbsuite-check my-plugin

runs every rule as a separate test, and the fixture ``rbsuite_check`` checks them within a test::

    def test_the_memory_keeps_the_contract(rbsuite_check):
        rbsuite_check("memory", "recent:n=1")

Nothing from rbsuite is imported before one of them is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rbsuite.plugins import Plugins
    from rbsuite.testing.rules import Finding

OPTION = "--rbsuite-check"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Accept the names of what ``rbsuite.testing.contract`` checks."""
    parser.getgroup("rbsuite").addoption(
        OPTION,
        action="append",
        default=[],
        metavar="NAME|PATH",
        help="what rbsuite.testing.contract checks, as for `rbsuite plugin check` (repeatable; default: everything)",
    )


@pytest.fixture(scope="session")
def rbsuite_plugins() -> Plugins:
    """The installed plugins. Override it to register others: ``load_plugins([("mine", my_module)])``."""
    from rbsuite.plugins import load_plugins

    return load_plugins()


@pytest.fixture
def rbsuite_check(rbsuite_plugins: Plugins) -> Callable[..., Sequence[Finding]]:
    """A function that checks the rules of a kind (``memory``, ``environment``, ...) on a reference, and fails if one is broken."""

    def checked(kind: str, reference: str) -> Sequence[Finding]:
        from rbsuite.testing.kit import check, require_kept

        found = check(kind, reference, rbsuite_plugins)
        require_kept(found)
        return found

    return checked
