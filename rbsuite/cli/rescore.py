"""``rbsuite rescore``: grade the stored rollouts of an experiment by another convention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rbsuite.cli.commands import Command, GivenPath
from rbsuite.cli.opening import open_shown, reveal_option
from rbsuite.cli.output import echo

if TYPE_CHECKING:
    from rbsuite.environments.rescorer import Rescorer
    from rbsuite.statistics.rescoring import Change, Rescored
    from rbsuite.store import ExperimentStore
    from rbsuite.trajectory import Grade

SHOWN = 20

EPILOG = """Examples:

\b
  rbsuite rescore experiments/mmlu-pro-sample-0123456789 --as rbsuite
  rbsuite rescore experiments/mmlu-pro-sample-0123456789 --as mmlu-pro-apix --out changes.json
"""


@click.command("rescore", cls=Command, epilog=EPILOG)
@click.argument("experiment", type=GivenPath(path_type=Path))
@click.option(
    "--as",
    "--reader",
    "name",
    required=True,
    metavar="NAME",
    help="The convention, e.g. the reader of answers to questions.",
)
@click.option("--out", type=GivenPath(path_type=Path), metavar="FILE", help="Write the JSON document to this file.")
@reveal_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(experiment: Path, name: str, out: Path | None, reveal: bool, as_json: bool) -> None:
    """Grade what is stored in EXPERIMENT under another convention of its environment and show what changes.

    No model is called. The experiment stays as it is: what was learned and which rollout was chosen follow from the first grades.
    """
    from rbsuite.statistics.rescoring import rescore

    with open_shown(experiment, reveal=reveal) as store:
        rescorer = find_rescorer(store, name)
        found = rescore(store, rescorer)
        document = as_document(store, rescorer, found)
        if out is not None:
            _write(out, document)
        if as_json:
            from rbsuite.cli.output import echo_json

            echo_json(document)
        else:
            echo(render(store, rescorer, found))


def find_rescorer(store: ExperimentStore, name: str) -> Rescorer:
    """A convention of an experiment's environment, by its name or its id.

    Raises:
        UsageError: the environment has no other conventions.
        UnknownNameError: it has none with that name, or its plugin is not installed.
        PluginError: the conventions cannot be imported.
    """
    from rbsuite.errors import UnknownNameError, UsageError
    from rbsuite.plugins import load_plugins
    from rbsuite.specs import load_object

    spec = load_plugins().environment(store.manifest.facts.get("environment", {}).get("name", ""))
    if not spec.rescorers:
        raise UsageError(
            f"{store.directory} is on {spec.name}, whose rollouts are graded in one way only.",
            "Name an experiment of an environment that has several, e.g. one on questions.",
        )
    known: Mapping[str, Rescorer] = load_object(spec.rescorers, f"environment {spec.name!r}")
    found = next((one for key, one in known.items() if name in (key, one.id)), None)
    if found is None:
        raise UnknownNameError(f"convention of {spec.name}", name, known)
    return found


def as_document(store: ExperimentStore, rescorer: Rescorer, found: Sequence[Rescored]) -> Mapping[str, Any]:
    """The results as plain data."""
    from rbsuite.report.figures import finite

    return {
        "experiment": str(store.directory),
        "env": store.manifest.config["env"],
        "environment": store.manifest.facts["environment"],
        "as": rescorer.id,
        "simulated": store.manifest.facts["simulated"],
        "conditions": [
            {
                "memory": one.condition.memory,
                "scaling": one.condition.scaling,
                "model": one.condition.model,
                "domain": one.domain,
                "rollouts": one.rollouts,
                "old": {"mean": finite(one.old.mean), "ci95": one.old.interval, **one.old_measures},
                "new": {"mean": finite(one.new.mean), "ci95": one.new.interval, **one.new_measures},
                "changes": [_change_json(change, rescorer) for change in one.changes],
            }
            for one in found
        ],
    }


def _change_json(change: Change, rescorer: Rescorer) -> Mapping[str, Any]:
    def shown(grade: Grade) -> Mapping[str, Any]:
        return {
            "score": grade.score,
            **grade.measures,
            **{name: grade.truth.get(name) for name in rescorer.details},
        }

    return {
        "run": change.run,
        "task": change.task,
        "rollout": change.rollout,
        "selected": change.selected,
        "old": shown(change.old),
        "new": shown(change.new),
    }


def render(store: ExperimentStore, rescorer: Rescorer, found: Sequence[Rescored]) -> str:
    """The results as text."""
    from rbsuite.report.domains import APART
    from rbsuite.report.figures import percent, points
    from rbsuite.report.results import SIMULATED
    from rbsuite.report.text import fold, numbers
    from rbsuite.statistics.about import about

    measures = list(dict.fromkeys(name for one in found for name in one.new_measures))
    columns = [f"{name.replace('_', ' ')} {when}" for name in measures for when in ("old", "new")]
    rows: list[Sequence[str]] = [("condition", "old %", "new %", "change", *columns, "changed")]
    for one in found:
        label = f"{one.condition.label}{f', {one.domain} {APART}' if one.domain else ''}"
        scores = (percent(one.old.mean), percent(one.new.mean), points(one.new.mean - one.old.mean))
        shares = [
            f"{figures[name]:.1%}" if name in figures else "-"
            for name in measures
            for figures in (one.old_measures, one.new_measures)
        ]
        rows.append((label, *scores, *shares, str(len(one.changes))))
    facts = store.manifest.facts["environment"]
    told = [f"{key} {value}" for key, value in facts.items() if isinstance(value, str) and key not in _KNOWN]
    named = f"{facts['name']} ({', '.join(told)})" if told else facts["name"]
    parts = [f"{store.directory}: {named}; graded again as {rescorer.id}", numbers(rows, 2)]
    parts += [fold(f"{APART} {domain} is reported separately: {why}") for domain, why in about(store).apart.items()]
    changes = [change for one in found for change in one.changes]
    if changes:
        parts.append(_changes(changes, rescorer))
    parts.append(
        fold(
            "Agents were told the form that the first convention wants; a convention with another form fits their answers less well."
        )
    )
    if store.manifest.facts["simulated"]:
        parts.append(SIMULATED)
    return "\n\n".join(parts)


_KNOWN = ("name", "version", "plugin")


def _changes(changes: Sequence[Change], rescorer: Rescorer) -> str:
    from rbsuite.report.text import table

    rows: list[Sequence[str]] = [("run", "task", "rollout", *rescorer.details, "score")]
    for one in changes[:SHOWN]:
        details = [_arrow(one.old.truth.get(name), one.new.truth.get(name)) for name in rescorer.details]
        rows.append((one.run, one.task, str(one.rollout), *details, _arrow(one.old.score, one.new.score)))
    more = len(changes) - SHOWN
    tail = f"\n  and {more} more (--json has all)" if more > 0 else ""
    return f"Changed grades\n{table(rows, 2)}{tail}"


def _arrow(old: object, new: object) -> str:
    before, after = ("-" if one is None else f"{one:g}" if isinstance(one, float) else str(one) for one in (old, new))
    return before if before == after else f"{before} -> {after}"


def _write(path: Path, document: Mapping[str, Any]) -> None:
    import json

    from rbsuite.errors import UsageError
    from rbsuite.files import written
    from rbsuite.jsonable import plain

    try:
        with written(path) as stream:
            stream.write(json.dumps(plain(document), indent=2) + "\n")
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}.", "Name a file in a directory that exists."
        ) from error
