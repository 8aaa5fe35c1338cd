"""What ``rbsuite doctor`` says of the servers."""

from __future__ import annotations

from rbsuite.errors import DataError, EnvironmentFailure
from rbsuite_webarena.sites import Sites, reachable


def check() -> str:
    """``""`` if every server that a variable names answers, or what is wrong in one line."""
    try:
        sites = Sites.of_environment(())
        if not sites.urls:
            return "no server is named: the sample runs without; for WebArena's tasks set WA_SHOPPING and the others to your servers."
        for site, url in sites.urls.items():
            reachable(site, url)
    except (DataError, EnvironmentFailure) as error:
        return str(error)
    return ""
