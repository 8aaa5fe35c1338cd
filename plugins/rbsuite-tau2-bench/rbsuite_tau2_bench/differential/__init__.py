"""Compares a world with upstream itself, call by call, where a checkout of sierra-research/tau2-bench is at hand.

A tool of those who work on the engine; nothing else of the plugin needs it.
"""

from rbsuite_tau2_bench.differential.compare import Difference, Report, Upstream, compare

__all__ = ["Difference", "Report", "Upstream", "compare"]
