"""ToolSandbox for rbsuite: a native engine that matches upstream on its records.

Importing this package loads nothing heavy; public names are loaded at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rbsuite_toolsandbox.by_category import categories, categories_text
    from rbsuite_toolsandbox.pack import Pack
    from rbsuite_toolsandbox.replaying import replay

__all__ = ["Pack", "categories", "categories_text", "replay"]


_FROM = {
    "Pack": "rbsuite_toolsandbox.pack",
    "categories": "rbsuite_toolsandbox.by_category",
    "categories_text": "rbsuite_toolsandbox.by_category",
    "replay": "rbsuite_toolsandbox.replaying",
}


def __getattr__(name: str) -> object:
    """Load a public name at first use (PEP 562)."""
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_FROM[name]), name)
