"""``rbsuite cache``: inspect a cache of replies."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rbsuite.cli.commands import CommandGroup, GivenPath
from rbsuite.cli.output import echo, echo_json

if TYPE_CHECKING:
    from rbsuite.models.cache_misses import Session

SHOWN = 3
"""Number of requests shown of each kind."""


@click.group("cache", cls=CommandGroup)
def command() -> None:
    """Inspect a cache of replies (rbsuite eval --cache DIR)."""


@command.command("explain")
@click.argument("directory", type=GivenPath(path_type=Path))
@click.option(
    "--session", type=click.IntRange(min=1), metavar="N", help="Which session of the cache [default: the last]."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def explain_command(directory: Path, session: int | None, as_json: bool) -> None:
    """Say why calls missed the cache: how each differs from the entry most like it.

    A session is one use of the cache by a process that called a model.
    """
    from rbsuite.models.cache_misses import explain

    found = explain(directory, session)
    if as_json:
        echo_json(
            {
                "session": found.number,
                "hits": found.hits,
                "misses": [
                    {"entry": m.number, "purpose": m.purpose, "nearest": m.nearest, "differs": m.differences}
                    for m in found.misses
                ],
            }
        )
    else:
        echo(render(found))


def render(session: Session) -> str:
    """A session as text: kinds of misses, the most frequent first, with examples."""
    lines = [f"Session {session.number}: {session.hits} calls found, {len(session.misses)} not found"]
    kinds = Counter(tuple(miss.differences) for miss in session.misses)
    for kind, count in kinds.most_common():
        what = f"other {', '.join(kind)}" if kind else "nothing like it was asked before"
        lines.append(f"{count} x {what}")
        for miss in [miss for miss in session.misses if tuple(miss.differences) == kind][: SHOWN if kind else 0]:
            lines.append(f"  {miss.purpose}, entry {miss.number}; nearest: {miss.nearest}")
            lines += [f"    {part}: {words}" for part, words in miss.differences.items()]
    return "\n".join(lines)
