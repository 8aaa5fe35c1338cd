"""Where the user's EmbodiedBench is: environment variables, since paths are not part of a result."""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rbsuite.errors import EnvironmentFailure

PYTHON = "RBSUITE_EMBODIEDBENCH_PYTHON"
HOME = "RBSUITE_EMBODIEDBENCH_HOME"
TIMEOUT = "RBSUITE_EMBODIEDBENCH_TIMEOUT"
SIMULATORS = "RBSUITE_EMBODIEDBENCH_SIMULATORS"
DEFAULT_TIMEOUT = 300.0
MOST_SIMULATORS = 64

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:API_?KEYS?|KEYS?|TOKENS?|SECRETS?|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|COOKIES?|AUTH)(?:_|$)",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"://[^/\s]*@")


@dataclass(frozen=True, slots=True)
class Settings:
    """How EmbodiedBench is run.

    Attributes:
        python: absolute path of the interpreter in whose environment it is installed.
        home: absolute path of a directory that contains the package ``embodiedbench``; ``""``: it is installed.
        timeout: seconds that a command may take.
        simulators: how many may run at the same time.
    """

    python: str
    home: str = ""
    timeout: float = DEFAULT_TIMEOUT
    simulators: int = 1

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Settings:
        """The settings in environment variables.

        Args:
            variables: such as ``os.environ``.

        Raises:
            EnvironmentFailure: one is missing, or names something that does not exist.
        """
        return cls(_python(variables), _home(variables), _timeout(variables), _simulators(variables))

    def child_variables(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The variables passed on to EmbodiedBench: all but secrets, with ``home`` first on the module path.

        A secret is a variable named as one (``..._KEY``, ``..._TOKEN``, ...), or a URL that contains credentials. ``PYTHONHOME`` belongs to
        rbsuite's own interpreter and is left out too.
        """
        kept = {
            name: value
            for name, value in variables.items()
            if name != "PYTHONHOME" and not _SECRET_NAME.search(name) and not _CREDENTIALS.search(value)
        }
        if self.home:
            kept["PYTHONPATH"] = os.pathsep.join(part for part in (self.home, kept.get("PYTHONPATH", "")) if part)
        return kept


def _python(variables: Mapping[str, str]) -> str:
    given = variables.get(PYTHON, "").strip()
    if not given:
        raise EnvironmentFailure(
            f"{PYTHON} is not set, so there is no EmbodiedBench to use.",
            "Set it to the Python of the environment in which EmbodiedBench is installed.",
        )
    # A bare name is looked up; a path is taken as it is, relative to the current directory.
    found = shutil.which(Path(given).expanduser().absolute() if os.sep in given else given)
    if found is None:
        raise EnvironmentFailure(
            f"{PYTHON} names {given!r}, which is not a program.",
            "Set it to the Python of the environment in which EmbodiedBench is installed.",
        )
    # Not resolved: a virtual environment is recognised by the link to its interpreter.
    return str(Path(found).absolute())


def _home(variables: Mapping[str, str]) -> str:
    given = variables.get(HOME, "").strip()
    if not given:
        return ""
    home = Path(given).expanduser().absolute()
    if not (home / "embodiedbench").is_dir():
        raise EnvironmentFailure(
            f"{HOME} names {given!r}, which contains no directory embodiedbench.",
            "Set it to a checkout of EmbodiedBench, or unset it if EmbodiedBench is installed.",
        )
    return str(home)


def _timeout(variables: Mapping[str, str]) -> float:
    given = variables.get(TIMEOUT, "").strip()
    if not given:
        return DEFAULT_TIMEOUT
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise EnvironmentFailure(f"{TIMEOUT}={given!r} is not a number of seconds.", "Set it to a positive number.")
    return seconds


def _simulators(variables: Mapping[str, str]) -> int:
    given = variables.get(SIMULATORS, "").strip() or "1"
    if not (given.isascii() and given.isdigit() and 0 < int(given) <= MOST_SIMULATORS):
        raise EnvironmentFailure(
            f"{SIMULATORS}={given!r} is not a valid number of simulators.",
            f"Set it to a number from 1 to {MOST_SIMULATORS}.",
        )
    return int(given)
