"""The engine against upstream's own Python, live: the same actions, feedback by feedback and state by state.

For maintainers. This is the only place that runs upstream's code, unchanged, from a checkout that the caller names. Its connector,
environment and task code decide everything above the simulator; below them, our own simulator (:mod:`rbsuite_eb_alfred.differential.room`)
replaces AI2-THOR, so what the real one would refuse, show or list differently is not compared.
"""

from __future__ import annotations

from rbsuite_eb_alfred.differential.compare import Difference, Report, compare_episodes, compare_walks
from rbsuite_eb_alfred.differential.upstream import Upstream, load_upstream

__all__ = ["Difference", "Report", "Upstream", "compare_episodes", "compare_walks", "load_upstream"]
