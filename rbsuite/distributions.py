"""Installed distributions: their names, whether they fit this rbsuite, and which of this project's are installed separately."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import Distribution, EntryPoint, distributions

GROUP = "rbsuite"
"""The group of entry points by which plugins are found."""
SEPARATE = {
    "local": "rbsuite-local",
    "mem0": "rbsuite-mem0",
    "minigrid": "rbsuite-minigrid",
    "babyai": "rbsuite-minigrid",
}
"""Distributions of this project that are not installed by default, by what comes before the ``/`` or ``:`` in the names they declare."""


def how_to_install(distribution: str) -> str:
    """What to do if one of the distributions of :data:`SEPARATE` is missing."""
    group = distribution.partition("-")[2]
    return f"In a checkout: uv run --group {group} rbsuite ...; elsewhere: pip install {distribution}"


def misfit(distribution: Distribution) -> str:
    """Why a distribution's requirements rule out this version of rbsuite, in words; empty if they do not or nothing can be said."""
    from rbsuite import __version__

    try:
        from packaging.requirements import Requirement
    except ImportError:  # packaging comes with other packages; without it nothing is said
        return ""
    for text in distribution.requires or ():
        wanted = Requirement(text)
        if re.sub(r"[-_.]+", "-", wanted.name).lower() == "rbsuite" and not wanted.specifier.contains(
            __version__, prereleases=True
        ):
            return f"it requires {text}, but this is rbsuite {__version__}"
    return ""


def strays() -> Sequence[str]:
    """Installed distributions named ``rbsuite-...`` that declare no plugin and that none of the others requires: ``"name version"``."""
    named = {dist.name: dist for dist in distributions() if str(dist.name or "").startswith("rbsuite-")}
    required = {
        match.group()
        for dist in named.values()
        for text in dist.requires or ()
        if (match := re.match(r"[\w.-]+", text)) is not None
    }
    return [
        f"{name} {dist.version}"
        for name, dist in sorted(named.items())
        if name not in required and not dist.entry_points.select(group=GROUP)
    ]


def origin(entry: EntryPoint) -> str:
    """Where an entry point comes from: ``"name version"``."""
    dist = entry.dist
    return f"{dist.name} {dist.version}" if dist is not None else "unknown distribution"
