"""``python -m rbsuite_toolsandbox EXPERIMENT [--json]``: the figures of an experiment by category."""

from __future__ import annotations

import sys

from rbsuite.cli.figures import figures_command
from rbsuite_toolsandbox.by_category import categories, categories_text


def main(words: list[str]) -> int:
    """Print the table; returns the exit code."""
    return figures_command("rbsuite_toolsandbox", words, categories, categories_text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
