"""``python -m rbsuite_agentehr EXPERIMENT [--json]``: AgentEHR's own figures of an experiment."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rbsuite.cli.output import echo, tell
from rbsuite.errors import RbsuiteError, UsageError
from rbsuite.store import ExperimentStore
from rbsuite_agentehr.figures import figures, table_lines


def main(arguments: list[str]) -> int:
    """Print the figures; gives the exit code."""
    places = [one for one in arguments if one != "--json"]
    try:
        if len(places) != 1:
            raise UsageError("one experiment is needed.", "python -m rbsuite_agentehr EXPERIMENT [--json]")
        with ExperimentStore.open(Path(places[0]), readonly=True) as store:
            found = figures(store)
    except RbsuiteError as error:
        tell(f"rbsuite: error: {error}")
        return error.exit_code
    echo(json.dumps(found, indent=2) if "--json" in arguments else "\n".join(table_lines(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
