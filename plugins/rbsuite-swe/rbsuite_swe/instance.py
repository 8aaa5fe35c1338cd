"""Instances in SWE-bench's schema, old and new."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from rbsuite.errors import DataError

EvalType = Literal["pass_and_fail", "fail_only"]
_NEEDED = (
    "repo",
    "instance_id",
    "base_commit",
    "patch",
    "test_patch",
    "problem_statement",
    "FAIL_TO_PASS",
    "PASS_TO_PASS",
)
_LISTS = ("FAIL_TO_PASS", "PASS_TO_PASS")


@dataclass(frozen=True, slots=True)
class Instance:
    """One issue of a repository with its tests. The names of the fields are those of the schema, in lower case.

    Attributes:
        repo: ``owner/name``.
        instance_id: e.g. ``owner__name-123``.
        base_commit: the commit that the issue is about.
        patch: the reference, never shown.
        test_patch: adds the tests that decide, never shown.
        problem_statement: the issue, which is all that an agent is told.
        fail_to_pass: tests that the reference makes pass, never shown.
        pass_to_pass: tests that it keeps passing, never shown.
        version: of the repository.
        created_at: when the issue's fix was made; orders the instances of a repository.
        hints_text: comments on the issue, never shown.
        environment_setup_commit: for building images.
        image: the container image; only the new schema has it, and what follows.
        eval_script: what runs the tests.
        log_parser: how its output is read.
        eval_type: ``fail_only`` if the output names only failed tests.
    """

    repo: str
    instance_id: str
    base_commit: str
    patch: str
    test_patch: str
    problem_statement: str
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    version: str = ""
    created_at: str = ""
    hints_text: str = ""
    environment_setup_commit: str = ""
    image: str = ""
    eval_script: str = ""
    log_parser: str = ""
    eval_type: EvalType = "pass_and_fail"

    @property
    def complete(self) -> bool:
        """Whether the row has the new schema's fields, with which the official harness can grade it too."""
        return bool(self.image and self.eval_script and self.log_parser)


def read_instance(row: object, where: str) -> Instance:
    """An instance from a row of a data set.

    Args:
        row: the row; lists of tests may be JSON text.
        where: file and line, for errors.

    Raises:
        DataError: a field is missing or of the wrong kind.
    """
    if not isinstance(row, Mapping):
        raise DataError(f"{where}: it is not a JSON object.", "Name a file in SWE-bench's format.")
    for name in _NEEDED:
        if row.get(name) is None:
            raise DataError(f"{where}: the field {name!r} is missing.", "Name a file in SWE-bench's format.")
    values: dict[str, Any] = {}
    for field in fields(Instance):
        name = field.name.upper() if field.name.upper() in _LISTS else field.name
        value = row.get(name)
        if name in _LISTS:
            values[field.name] = _tests(value, f"{where}: {name}")
        elif value is not None:
            values[field.name] = value if isinstance(value, str) else str(value)
    if values.get("eval_type", "pass_and_fail") not in get_args(EvalType):
        raise DataError(
            f"{where}: eval_type is {values['eval_type'][:40]!r}.", f"Known: {', '.join(get_args(EvalType))}."
        )
    return Instance(**values)


def _tests(value: object, where: str) -> tuple[str, ...]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise DataError(f"{where} is not a list of names.", "Get a fresh copy of the data.")
    return tuple(value)


def row_of(instance: Instance) -> dict[str, Any]:
    """The row of an instance, in the new schema."""
    made: dict[str, Any] = {}
    for field in fields(Instance):
        value = getattr(instance, field.name)
        upper = field.name.upper()
        made[upper if upper in _LISTS else field.name] = json.dumps(list(value)) if upper in _LISTS else value
    return made


def patched_files(patch: str) -> tuple[str, ...]:
    """The files that a unified diff changes, adds or deletes, by their names in the repository, in order."""
    found: dict[str, None] = {}
    for line in patch.splitlines():
        if line.startswith(("--- a/", "+++ b/")):
            found[line[6:].split("\t")[0]] = None
        elif line.startswith(("rename from ", "rename to ")):
            found[line.split(" ", 2)[2]] = None
    return tuple(found)
