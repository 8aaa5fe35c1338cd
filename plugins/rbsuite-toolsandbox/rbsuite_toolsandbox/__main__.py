"""``python -m rbsuite_toolsandbox EXPERIMENT``: the figures of an experiment by category."""

from __future__ import annotations

import sys

from rbsuite.api import Experiment
from rbsuite.cli.output import echo, tell
from rbsuite.errors import RbsuiteError
from rbsuite_toolsandbox.by_category import categories, categories_text


def main(words: list[str]) -> int:
    """Print the table; gives the exit code."""
    if len(words) != 1:
        tell("usage: python -m rbsuite_toolsandbox EXPERIMENT")
        return 2
    try:
        with Experiment.open(words[0]) as experiment:
            echo(categories_text(categories(experiment)))
    except RbsuiteError as error:
        tell(f"rbsuite: error: {error}")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
