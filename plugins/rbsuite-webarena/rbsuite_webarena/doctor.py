"""What ``rbsuite doctor`` says about the browser and the servers."""

from __future__ import annotations

from importlib.util import find_spec

from rbsuite.errors import DataError, EnvironmentFailure
from rbsuite_webarena.sites import Sites, reachable


def browser() -> str:
    """``""`` if a browser can be driven, or what is missing in one line."""
    if find_spec("rbsuite_web") is None:
        return "rbsuite-web is not installed. Run: uv sync --group web"
    from rbsuite_web import doctor

    return doctor.check()


def check() -> str:
    """``""`` if every server named by a variable answers, or what is wrong in one line. The sample needs none of them."""
    try:
        for site, url in Sites.of_environment(()).urls.items():
            reachable(site, url)
    except (DataError, EnvironmentFailure) as error:
        return str(error)
    return ""
