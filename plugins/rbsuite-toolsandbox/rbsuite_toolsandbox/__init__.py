"""ToolSandbox for rbsuite: a native engine, equal to upstream on its records.

Importing this package loads nothing heavy; public names are loaded at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rbsuite_toolsandbox.pack import Pack
    from rbsuite_toolsandbox.replaying import replay

__all__ = ["Pack", "replay"]


def __getattr__(name: str) -> object:
    """Load a public name at first use (PEP 562)."""
    if name == "replay":
        from rbsuite_toolsandbox.replaying import replay

        return replay
    if name == "Pack":
        from rbsuite_toolsandbox.pack import Pack

        return Pack
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
