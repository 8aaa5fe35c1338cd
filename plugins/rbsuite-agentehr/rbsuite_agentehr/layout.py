"""Reads a directory in AgentEHR's layout: tasks, databases, candidates and descriptions."""

from __future__ import annotations

import json
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
from rbsuite_agentehr.hospital.courses import TASKS
from rbsuite_agentehr.record import REMEDY, Record

DESCRIPTIONS = ("table_description/shorten_description.json", "table_description/link_information.json")
OPEN_RECORDS = 24
"""Records that are kept open; rollouts of one task share one."""

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
        """The rows of a task: those of its largest file. Empty where the subset has none.

        Raises:
            DataError: the file is malformed.
        """
        name = task_file(self.path, task)
        if not name:
            return []
        rows = self._files.read_json(name)
        if not isinstance(rows, list):
            raise self._files.malformed(name, "not a list")
        return [self._case(name, number, task, row) for number, row in enumerate(rows)]

    def _case(self, name: str, number: int, task: str, row: Any) -> Case:
        match row:
            case {"subject_id": int() as subject, "prediction_time": str() as when, "label": [*labels]} if (
                _TIME.fullmatch(when) and labels and all(isinstance(_name(label), str) for label in labels)
            ):
                full = f"{when.replace('T', ' ')} 00:00:00"[:19] if len(when) == 10 else when.replace("T", " ")
                return Case(task, subject, full, tuple(str(_name(label)) for label in labels))
        raise self._files.malformed(name, f"without subject_id, prediction_time and label in row {number + 1}")

    def record(self, subject_id: int, until: str) -> Record:
        """The record of a patient until a time, shared by all who ask for it.

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
        """The names that answers of a task may hold.

        Raises:
            DataError: the database of candidates has none.
        """
        if task not in self._candidates:
            path = self.path / "candidate_table.db"
            try:
                with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
                    rows = database.execute(f"SELECT * FROM {task}_candidates")
                    names = [column[0].lower() for column in rows.description]
                    place = names.index("name") if "name" in names else 0
                    found = dict.fromkeys(str(row[place]) for row in rows)
            except sqlite3.Error as error:
                raise DataError(f"agentehr: candidate_table.db has no {task}_candidates: {error}.", REMEDY) from None
            self._candidates[task] = tuple(found)
        return self._candidates[task]

    @cached_property
    def descriptions(self) -> Mapping[str, str]:
        """What tables hold, by name; empty where the subset does not say."""
        return self._described(DESCRIPTIONS[0])

    @cached_property
    def links(self) -> Mapping[str, str]:
        """Which columns belong together; empty where the subset does not say."""
        return self._described(DESCRIPTIONS[1])

    def _described(self, name: str) -> Mapping[str, str]:
        if not (self.path / name).is_file():
            return {}
        value = self._files.read_json(name)
        if not isinstance(value, dict):
            raise self._files.malformed(name, "not an object")
        return {str(key): one if isinstance(one, str) else json.dumps(one) for key, one in value.items()}

    @property
    def content(self) -> str:
        """A hash of all that the directory holds."""
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
    """The largest file of a task, ``TASK_N.json`` or ``TASK.json``; empty where there is none."""
    sizes = {}
    for path in directory.glob(f"{task}*.json"):
        number = path.stem.removeprefix(task).removeprefix("_")
        if not number or number.isdecimal():
            sizes[int(number or 0)] = path.name
    return sizes[max(sizes)] if sizes else ""


def tasks_of(directory: Path) -> list[str]:
    """The tasks of which a directory has a file."""
    return [task for task in TASKS if task_file(directory, task)]


def open_imported(split: str, path: Path) -> Layout:
    """The layout of an imported subset.

    Raises:
        DataError: it is not there, or was changed.
    """
    refuse_edited(path)
    if not (path / split).is_dir():
        raise DataError(f"agentehr: the imported data has no {split}.", REMEDY)
    return Layout(path / split)


def _name(label: Any) -> Any:
    return label.get("name") if isinstance(label, dict) else label
