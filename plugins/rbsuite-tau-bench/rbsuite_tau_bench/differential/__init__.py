"""The native world against upstream, live; see :mod:`rbsuite_dialogue.differential`."""

from __future__ import annotations

from rbsuite_tau_bench.differential.compare import compare

__all__ = ["compare"]
