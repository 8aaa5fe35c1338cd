"""``rbsuite rescore``: read the stored outputs of an experiment with another reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rbsuite.cli.commands import Command
from rbsuite.cli.output import echo

if TYPE_CHECKING:
    from rbsuite.answers import Reader
    from rbsuite.statistics.rescoring import Change, Rescored
    from rbsuite.store import ExperimentStore

SHOWN = 20

EPILOG = """Examples:

\b
  rbsuite rescore experiments/mmlu-pro-sample-0123456789 --reader rbsuite
  rbsuite rescore experiments/mmlu-pro-sample-0123456789 --reader mmlu-pro-apix --out changes.json
"""


@click.command("rescore", cls=Command, epilog=EPILOG)
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--reader", "reader_name", required=True, metavar="READER", help="What to read the answers with.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the JSON document there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(experiment: Path, reader_name: str, out: Path | None, as_json: bool) -> None:
    """Read what is stored in EXPERIMENT with another reader and show what changes.

    No model is asked. The experiment stays as it is: what was learnt and which rollout was chosen came from the first reading.
    """
    from rbsuite.answers import get_reader
    from rbsuite.errors import UsageError
    from rbsuite.statistics.answers import reader_of
    from rbsuite.statistics.rescoring import rescore
    from rbsuite.store import ExperimentStore

    with ExperimentStore.open(experiment, readonly=True) as store:
        before = reader_of(store)
        if not before:
            name = store.manifest.facts["environment"]["name"]
            raise UsageError(
                f"{experiment} is on {name}, where no answers are read.", "Name an experiment on questions."
            )
        reader = get_reader(reader_name)
        found = rescore(store, reader)
        document = as_document(store, before, reader, found)
        if out is not None:
            _write(out, document)
        if as_json:
            from rbsuite.cli.output import echo_json

            echo_json(document)
        else:
            echo(render(store, before, reader, found))


def as_document(store: ExperimentStore, before: str, reader: Reader, found: Sequence[Rescored]) -> Mapping[str, Any]:
    """What was found as plain data."""
    return {
        "experiment": str(store.directory),
        "env": store.manifest.config["env"],
        "old_reader": before,
        "new_reader": reader.id,
        "simulated": store.manifest.facts["simulated"],
        "conditions": [
            {
                "memory": one.condition.memory,
                "scaling": one.condition.scaling,
                "model": one.condition.model,
                "rollouts": one.rollouts,
                "old": {"mean": one.old.mean, "ci95": one.old.interval, "unparsed": one.old_unparsed},
                "new": {"mean": one.new.mean, "ci95": one.new.interval, "unparsed": one.new_unparsed},
                "changes": list(one.changes),
            }
            for one in found
        ],
    }


def render(store: ExperimentStore, before: str, reader: Reader, found: Sequence[Rescored]) -> str:
    """What was found as text."""
    from rbsuite.cli.comparison_text import fold, numbers
    from rbsuite.cli.figures import percent, points
    from rbsuite.cli.results import SIMULATED

    rows: list[Sequence[str]] = [
        ("condition", "old %", "new %", "change", "unparsed old", "unparsed new", "answers changed")
    ]
    for one in found:
        shares = [
            f"{count / one.rollouts:.1%}" if one.rollouts else "-" for count in (one.old_unparsed, one.new_unparsed)
        ]
        scores = (percent(one.old.mean), percent(one.new.mean), points(one.new.mean - one.old.mean))
        rows.append((one.condition.label, *scores, *shares, str(len(one.changes))))
    parts = [f"{store.directory}: read by {before}, and again by {reader.id}", numbers(rows, 2)]
    changes = [change for one in found for change in one.changes]
    if changes:
        parts.append(_changes(changes))
    if before != reader.id:
        parts.append(
            fold(f"The prompts asked for answers as {before} reads them; a reader of another form fits them less well.")
        )
    if store.manifest.facts["simulated"]:
        parts.append(SIMULATED)
    return "\n\n".join(parts)


def _changes(changes: Sequence[Change]) -> str:
    from rbsuite.cli.output import table

    rows: list[Sequence[str]] = [("run", "task", "rollout", "old", "new", "right", "score")]
    for one in changes[:SHOWN]:
        score = f"{one.old_score:g} -> {one.new_score:g}" if one.old_score != one.new_score else f"{one.new_score:g}"
        rows.append((one.run, one.task, str(one.rollout), one.old or "-", one.new or "-", one.gold, score))
    more = len(changes) - SHOWN
    tail = f"\n  and {more} more (--json has all)" if more > 0 else ""
    return f"Changed answers\n{table(rows, 2)}{tail}"


def _write(path: Path, document: Mapping[str, Any]) -> None:
    import json

    from rbsuite.errors import UsageError
    from rbsuite.jsonable import plain

    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_text(json.dumps(plain(document), indent=2) + "\n", encoding="ascii")
        draft.replace(path)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}.", "Name a file in a directory that exists."
        ) from error
