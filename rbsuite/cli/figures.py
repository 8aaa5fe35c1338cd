"""A plugin's command that prints an environment's own figures for an experiment: ``python -m PLUGIN EXPERIMENT [--json]``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from rbsuite.api import Experiment
from rbsuite.cli.output import echo, tell
from rbsuite.errors import RbsuiteError, UsageError, exit_code_of
from rbsuite.jsonable import plain

_T = TypeVar("_T")


def figures_command(
    module: str, words: Sequence[str], figures: Callable[[Experiment], _T], text: Callable[[_T], str]
) -> int:
    """Print the figures of an experiment and return the exit code.

    Args:
        module: the name after ``python -m``, for messages.
        words: the command's arguments.
        figures: computes the figures.
        text: formats them for people; with ``--json`` they are printed as JSON.
    """
    places = [word for word in words if word != "--json"]
    try:
        if len(places) != 1:
            raise UsageError("one experiment is needed.", f"python -m {module} EXPERIMENT [--json]")
        with Experiment.open(Path(places[0])) as experiment:
            found = figures(experiment)
    except RbsuiteError as error:
        tell(f"rbsuite: error: {error}")
        return exit_code_of(error)
    echo(json.dumps(plain(found), indent=2) if "--json" in words else text(found))
    return 0
