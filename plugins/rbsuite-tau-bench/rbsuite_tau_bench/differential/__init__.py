"""The native world against upstream, live: the same random calls, observation by observation and hash by hash.

For maintainers. This is the one place that runs upstream's code: from a checkout that the caller names, in a process of
its own, with litellm replaced by a stub.
"""

from __future__ import annotations

from rbsuite_tau_bench.differential.compare import Difference, Report, compare

__all__ = ["Difference", "Report", "compare"]
