"""tau-bench (retail and airline) for rbsuite.

Importing this package loads nothing heavy; :class:`World` and :class:`Pack` are loaded at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rbsuite_tau_bench.pack import Pack
    from rbsuite_tau_bench.world import World

__all__ = ["Pack", "World"]


def __getattr__(name: str) -> object:
    """Load a public name at first use (PEP 562)."""
    if name == "World":
        from rbsuite_tau_bench.world import World

        return World
    if name == "Pack":
        from rbsuite_tau_bench.pack import Pack

        return Pack
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
