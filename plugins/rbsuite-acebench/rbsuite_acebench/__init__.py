"""ACEBench for rbsuite: multi-turn and multi-step agents, and the single-turn categories.

Importing this package loads nothing heavy; its public names are loaded at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rbsuite_acebench.equality import check, replay
    from rbsuite_acebench.pack import Pack

__all__ = ["Pack", "check", "replay"]


def __getattr__(name: str) -> object:
    """Load a public name at first use (PEP 562)."""
    if name in ("check", "replay"):
        from rbsuite_acebench import equality

        return getattr(equality, name)
    if name == "Pack":
        from rbsuite_acebench.pack import Pack

        return Pack
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
