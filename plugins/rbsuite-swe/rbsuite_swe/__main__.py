"""``python -m rbsuite_swe predictions EXPERIMENT --out DIR`` and ``python -m rbsuite_swe instances --out FILE``.

The first writes the patches of an experiment in the form that SWE-bench's harness and sb-cli take, one file per run; the second writes the
instances of swe-mini in SWE-bench's schema.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from rbsuite.cli.commands import GivenPath
from rbsuite.cli.output import echo, tell
from rbsuite.errors import RbsuiteError, UsageError
from rbsuite.files import written
from rbsuite.record import TaskRecord
from rbsuite.store import ExperimentStore


@click.group()
def group() -> None:
    """Files for SWE-bench's own tools."""


@group.command()
@click.argument("experiment", type=GivenPath(path_type=Path))
@click.option("--out", type=GivenPath(path_type=Path), required=True, help="Directory to create.")
def predictions(experiment: Path, out: Path) -> None:
    """Write the patches of EXPERIMENT, one file per run. Of each task, the patch of the rollout that counts is taken, or of the first."""
    with ExperimentStore.open(experiment, readonly=True) as store:
        with _writable(out):
            out.mkdir(parents=True, exist_ok=True)
        for run in store.manifest.runs:
            name = re.sub(r"[^\w.-]+", "_", run.id)
            rows = [row for record in store.records(run.id) if (row := prediction(record, name)) is not None]
            _write(out / f"{name}.jsonl", rows)


@group.command()
@click.option("--out", type=GivenPath(path_type=Path), required=True, help="File to write.")
def instances(out: Path) -> None:
    """Write the instances of swe-mini, one row of JSON per instance."""
    from rbsuite_swe.instance import row_of
    from rbsuite_swe.mini.catalogue import catalogue

    _write(out, (row_of(mini.instance) for mini in catalogue().values()))


def prediction(record: TaskRecord, model: str) -> Mapping[str, Any] | None:
    """The prediction of a committed task; ``None`` if its environment is a different one."""
    grade = record.rollouts[max(record.selected, 0)].trajectory.grade
    truth: Mapping[str, Any] = {} if grade is None else grade.truth
    if grade is not None and "patch" not in truth:
        return None
    return {
        "instance_id": truth.get("instance", record.task_id),
        "model_name_or_path": model,
        "model_patch": truth.get("patch", ""),
    }


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    if not lines:
        raise UsageError(f"there is nothing to write to {path}.", "Name an experiment on swe-bench or swe-mini.")
    with _writable(path), written(path, "utf-8") as stream:
        stream.write("\n".join(lines) + "\n")
    echo(f"{path}: {len(lines)} rows")


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Choose another path.") from error


def main() -> int:
    """Run a command; returns the exit code."""
    try:
        group.main(standalone_mode=False)
    except RbsuiteError as error:
        tell(f"rbsuite: error: {error}")
        return error.exit_code
    except click.ClickException as error:
        tell(f"rbsuite: error: {error.format_message()}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
