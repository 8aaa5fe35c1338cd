"""``python -m rbsuite_agentehr EXPERIMENT [--json]``: AgentEHR's own figures of an experiment."""

from __future__ import annotations

import sys

from rbsuite.cli.figures import figures_command
from rbsuite_agentehr.figures import figures, figures_text


def main(words: list[str]) -> int:
    """Print the figures; returns the exit code."""
    return figures_command("rbsuite_agentehr", words, lambda experiment: figures(experiment.store), figures_text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
