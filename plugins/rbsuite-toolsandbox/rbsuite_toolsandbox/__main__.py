"""``python -m rbsuite_toolsandbox EXPERIMENT``: the figures of an experiment by category."""

from __future__ import annotations

import sys

from rbsuite.api import Experiment
from rbsuite.errors import RbsuiteError
from rbsuite_toolsandbox.by_category import categories, categories_text


def main(words: list[str]) -> int:
    """Print the table; gives the exit code."""
    if len(words) != 1:
        sys.stderr.write("usage: python -m rbsuite_toolsandbox EXPERIMENT\n")
        return 2
    try:
        with Experiment.open(words[0]) as experiment:
            sys.stdout.write(f"{categories_text(categories(experiment))}\n")
    except RbsuiteError as error:
        sys.stderr.write(f"rbsuite: error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
