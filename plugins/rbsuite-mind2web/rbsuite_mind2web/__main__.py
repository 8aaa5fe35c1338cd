"""``python -m rbsuite_mind2web EXPERIMENT [--json]``: an experiment's figures over steps and over tasks.

``python -m rbsuite_mind2web ranks PICKLE FILE``: the ranks in Mind2Web's pickle of scores, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rbsuite.cli.output import echo, tell
from rbsuite.errors import RbsuiteError, UsageError
from rbsuite.store import ExperimentStore
from rbsuite_mind2web.figures import figures, table_lines
from rbsuite_mind2web.importer import convert

_USAGE = "python -m rbsuite_mind2web EXPERIMENT [--json], or: python -m rbsuite_mind2web ranks PICKLE FILE"


def main(arguments: list[str]) -> int:
    """Print the figures, or convert; returns the exit code."""
    places = [one for one in arguments if one != "--json"]
    try:
        if len(places) == 3 and places[0] == "ranks":
            echo(f"{convert(Path(places[1]), Path(places[2]))} steps.")
            return 0
        if len(places) != 1:
            raise UsageError("name exactly one experiment.", _USAGE)
        with ExperimentStore.open(Path(places[0]), readonly=True) as store:
            found = figures(store)
    except RbsuiteError as error:
        tell(f"rbsuite: error: {error}")
        return error.exit_code
    echo(json.dumps(found, indent=2) if "--json" in arguments else "\n".join(table_lines(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
