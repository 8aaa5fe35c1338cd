"""What ``rbsuite doctor`` says of the servers."""

from __future__ import annotations

from rbsuite.errors import DataError, EnvironmentFailure
from rbsuite_webarena.sites import Sites, reachable


def check() -> str:
    """``""`` if every server that a variable names answers, or what is wrong in one line. The sample needs none of them."""
    try:
        for site, url in Sites.of_environment(()).urls.items():
            reachable(site, url)
    except (DataError, EnvironmentFailure) as error:
        return str(error)
    return ""
