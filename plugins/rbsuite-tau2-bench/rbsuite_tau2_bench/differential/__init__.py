"""A world against upstream, live; see :mod:`rbsuite_dialogue.differential`."""

from rbsuite_tau2_bench.differential.compare import compare

__all__ = ["compare"]
