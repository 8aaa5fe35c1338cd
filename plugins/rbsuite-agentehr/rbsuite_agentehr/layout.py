"""Reads a directory in AgentEHR's layout: tasks, databases, candidates and descriptions."""

from __future__ import annotations

import re
import sqlite3
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rbsuite.data.reading import INFO_NAME, PackFiles, refuse_edited
from rbsuite.errors import DataError
from rbsuite.files import Unusable, parse_json
from rbsuite_agentehr.hospital.courses import TASKS
from rbsuite_agentehr.record import REMEDY, Record

DESCRIPTIONS = ("table_description/shorten_description.json", "table_description/link_information.json")
OPEN_RECORDS = 24
"""Records that are kept open; rollouts of the same task share one."""

_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?")


@dataclass(frozen=True, slots=True)
class Case:
    """A row of a task file.

    Attributes:
        task: which of the six tasks.
        subject_id: the patient.
        prediction_time: ``YYYY-MM-DD HH:MM:SS``.
        label: the right names.
    """

    task: str
    subject_id: int
    prediction_time: str
    label: tuple[str, ...]


class Layout:
    """The data of one subset.

    Args:
        path: its directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = PackFiles(path, "agentehr", REMEDY)
        self._records: OrderedDict[tuple[int, str], Record] = OrderedDict()
        self._candidates: dict[str, Sequence[str]] = {}

    def cases(self, task: str) -> list[Case]:
        """The rows of a task: those of its largest file that have a right name. Empty if the subset has none.

        Raises:
            DataError: the file is malformed.
        """
        name = task_file(self.path, task)
        if not name:
            return []
        rows = self._files.read_json(name)
        if not isinstance(rows, list):
            raise self._files.malformed(name, "not a list")
        read = (self._case(name, number, task, row) for number, row in enumerate(rows))
        return [case for case in read if case is not None]

    def _case(self, name: str, number: int, task: str, row: Any) -> Case | None:
        match row:
            case {"subject_id": int() as subject, "prediction_time": str() as when, "label": [*labels]} if (
                _TIME.fullmatch(when) and all("name" in one for one in labels if isinstance(one, dict))
            ):
                full = f"{when.replace('T', ' ')} 00:00:00"[:19] if len(when) == 10 else when.replace("T", " ")
                names = tuple(found for label in labels if (found := _name(label)))
                return Case(task, subject, full, names) if names else None
        raise self._files.malformed(name, f"missing a valid subject_id, prediction_time or label in row {number + 1}")

    def record(self, subject_id: int, until: str) -> Record:
        """The record of a patient up to a time, shared by all who ask for it.

        Raises:
            DataError: a database is missing or cannot be read.
        """
        key = (subject_id, until)
        if key not in self._records:
            patient = self.path / "database" / f"patient_{subject_id}.db"
            self._records[key] = Record(patient, self.path / "reference_table.db", until)
            if len(self._records) > OPEN_RECORDS:
                self._records.popitem(last=False)[1].close()
        self._records.move_to_end(key)
        return self._records[key]

    def candidates(self, task: str) -> Sequence[str]:
        """The names that answers to a task may contain.

        Raises:
            DataError: the database of candidates has none.
        """
        if task not in self._candidates:
            path = self.path / "candidate_table.db"
            try:
                with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
                    tables = {str(name) for (name,) in database.execute("SELECT name FROM sqlite_master")}
                    table = next((name for name in candidate_tables(task) if name in tables), f"{task}_candidates")
                    rows = database.execute(f"SELECT * FROM {table}")
                    names = [column[0].lower() for column in rows.description]
                    place = next((names.index(name) for name in ("candidate", "name") if name in names), 0)
                    found = dict.fromkeys(str(row[place]) for row in rows if row[place])
            except sqlite3.Error as error:
                raise DataError(f"agentehr: candidate_table.db has no {task}_candidates: {error}.", REMEDY) from None
            self._candidates[task] = tuple(found)
        return self._candidates[task]

    @cached_property
    def descriptions(self) -> Mapping[str, str]:
        """What the tables contain, by name; empty if the subset does not say."""
        told = {}
        for key, value in self._described(DESCRIPTIONS[0], "file_name").items():
            columns = value.get("columns", ()) if isinstance(value, dict) else ()
            lines = [f"{one.get('column_name')}: {one.get('description')}" for one in columns if isinstance(one, dict)]
            told[key] = (
                "\n".join([str(value.get("description", "")), *lines]) if isinstance(value, dict) else str(value)
            )
        return told

    @cached_property
    def links(self) -> Mapping[str, str]:
        """Which columns belong together; empty if the subset does not say."""
        told = {}
        for key, value in self._described(DESCRIPTIONS[1], "table_name", "link_column").items():
            column = value.get("link_column") if isinstance(value, dict) else ""
            told[key] = f"{value.get('link_table')}.{column}" if column else str(value)
        return told

    def _described(self, name: str, *keys: str) -> Mapping[str, Any]:
        """The contents of a description file: one object; or one object per line, as upstream has it, by its key."""
        if not (self.path / name).is_file():
            return {}
        lines = [line for line in self._files.read_text(name).splitlines() if line.strip()]
        try:
            rows = [parse_json(line) for line in lines]
        except Unusable:
            rows = []
        if rows and all(isinstance(row, dict) and keys[0] in row for row in rows):
            return {".".join(str(row.get(key)) for key in keys): row for row in rows}
        value = self._files.read_json(name)
        if not isinstance(value, dict):
            raise self._files.malformed(name, "not an object")
        return {str(key): one for key, one in value.items()}

    @property
    def content(self) -> str:
        """A hash of everything in the directory."""
        from rbsuite.data.packs import file_hashes, load_pack_info
        from rbsuite_agentehr.hospital.writing import MARK, content_of

        if (self.path / MARK).is_file():
            return str(self._files.read_json(MARK)["sha256"])
        if (self.path.parent / INFO_NAME).is_file():
            mine = f"{self.path.name}/"
            hashes = load_pack_info(self.path.parent).files
            return content_of({name: sha for name, sha in hashes.items() if name.startswith(mine)})
        return content_of(file_hashes(self.path))

    def close(self) -> None:
        """Close every open record."""
        while self._records:
            self._records.popitem()[1].close()


def task_file(directory: Path, task: str) -> str:
    """The largest file of a task, ``TASK_N.json`` or ``TASK.json``; empty if there is none."""
    sizes = {}
    for path in directory.glob(f"{task}*.json"):
        number = path.stem.removeprefix(task).removeprefix("_")
        if not number or number.isdecimal():
            sizes[int(number or 0)] = path.name
    return sizes[max(sizes)] if sizes else ""


def tasks_of(directory: Path) -> list[str]:
    """The tasks for which a directory has a file."""
    return [task for task in TASKS if task_file(directory, task)]


def open_imported(split: str, path: Path) -> Layout:
    """The layout of an imported subset.

    Raises:
        DataError: it does not exist, or was changed.
    """
    refuse_edited(path)
    if not (path / split).is_dir():
        raise DataError(f"agentehr: the imported data has no {split}.", REMEDY)
    return Layout(path / split)


def candidate_tables(task: str) -> tuple[str, ...]:
    """The tables that may contain a task's candidates, the best first; for drugs upstream has two, and answers are ATC groups."""
    return (*(["prescriptions_atc_candidates"] if task == "prescriptions" else []), f"{task}_candidates")


def _name(label: Any) -> str:
    """The name of a label; empty if it has none, as for drugs whose ATC group is unknown. Upstream leaves those out too."""
    name = label.get("name") if isinstance(label, dict) else label
    return name.strip() if isinstance(name, str) else ""
