"""``python -m rbsuite_mimic_cdm EXPERIMENT [--json]``: an experiment by pathology, with the mean of the four."""

from __future__ import annotations

import sys

from rbsuite.cli.figures import figures_command
from rbsuite_mimic_cdm.figures import figures, figures_text


def main(words: list[str]) -> int:
    """Print the figures; returns the exit code."""
    return figures_command("rbsuite_mimic_cdm", words, lambda experiment: figures(experiment.store), figures_text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
