"""Where Chromium and its driver are, and what ``rbsuite doctor`` says about them."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from rbsuite.errors import EnvironmentFailure

CHROMIUM = "RBSUITE_CHROMIUM"
"""Environment variable: the path of the browser."""
CHROMEDRIVER = "RBSUITE_CHROMEDRIVER"
"""Environment variable: the path of its driver."""
FLAGS = "RBSUITE_CHROMIUM_FLAGS"
"""Environment variable: additional flags for the browser, separated by blanks."""

_SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
"""Headless builds of Chromium, without windows, in which a fresh profile takes a third of the time."""
_BROWSERS = (*_SHELLS, "chromium", "chromium-browser", "google-chrome", "chrome")
_HOW = "On Debian: apt install chromium-driver chromium-headless-shell. Elsewhere install both in the same version, and set {} to the path."


def chromium() -> str:
    """The path of the browser; empty if there is none."""
    return os.environ.get(CHROMIUM) or next(filter(None, map(shutil.which, _BROWSERS)), "")


def is_shell(path: str) -> bool:
    """Whether a browser is the one without windows, which ChromeDriver has to be told."""
    return Path(path).name in _SHELLS


def chromedriver() -> str:
    """The path of its driver; empty if there is none."""
    return os.environ.get(CHROMEDRIVER) or shutil.which("chromedriver") or ""


def missing() -> str:
    """What is missing for a browser and how to get it, in one line; empty if nothing is. No browser is started."""
    if find_spec("selenium") is None or find_spec("websocket") is None:
        return "selenium is not installed. Run: pip install selenium websocket-client"
    for path, name, variable in ((chromium(), "Chromium", CHROMIUM), (chromedriver(), "ChromeDriver", CHROMEDRIVER)):
        if not path:
            return f"{name} is not installed. {_HOW.format(variable)}"
        if shutil.which(path) is None:
            return f"{variable} is {path!r}, which cannot be run. {_HOW.format(variable)}"
    return ""


def check() -> str:
    """For a ``Check`` of ``rbsuite doctor``: starts the browser once; ``""``, or what is wrong in one line."""
    fault = missing()
    if fault:
        return fault
    from rbsuite_web.browser import Browser

    try:
        Browser().close()
    except EnvironmentFailure as failure:
        return str(failure)
    return ""
