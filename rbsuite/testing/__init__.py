"""The kit for plugin authors: the rules of every contract as functions and as a pytest plugin, and what rbsuite's own tests use.

from rbsuite.testing import check_environment, require_kept

def test_the_environment_keeps_the_contract():
    require_kept(check_environment("my-environment"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rbsuite.testing.fences import check_fences as check_fences
    from rbsuite.testing.kit import acheck as acheck
    from rbsuite.testing.kit import check as check
    from rbsuite.testing.kit import check_agent as check_agent
    from rbsuite.testing.kit import check_embedder as check_embedder
    from rbsuite.testing.kit import check_environment as check_environment
    from rbsuite.testing.kit import check_judge as check_judge
    from rbsuite.testing.kit import check_memory as check_memory
    from rbsuite.testing.kit import check_model as check_model
    from rbsuite.testing.kit import check_plugin as check_plugin
    from rbsuite.testing.kit import require_kept as require_kept
    from rbsuite.testing.rules import Finding as Finding
    from rbsuite.testing.rules import Rule as Rule

_HOME = {
    "Finding": "rbsuite.testing.rules",
    "Rule": "rbsuite.testing.rules",
    "acheck": "rbsuite.testing.kit",
    "check": "rbsuite.testing.kit",
    "check_agent": "rbsuite.testing.kit",
    "check_embedder": "rbsuite.testing.kit",
    "check_environment": "rbsuite.testing.kit",
    "check_fences": "rbsuite.testing.fences",
    "check_judge": "rbsuite.testing.kit",
    "check_memory": "rbsuite.testing.kit",
    "check_model": "rbsuite.testing.kit",
    "check_plugin": "rbsuite.testing.kit",
    "require_kept": "rbsuite.testing.kit",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rbsuite.testing' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
