"""Imports the user's own data: a copy of AgentEHR's, the CSV files of a release of MIMIC-IV, or both. Nothing is ever downloaded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rbsuite.data.checkout import SourceTree, read_commit
from rbsuite.data.packs import Archive, PackFacts
from rbsuite.errors import DataError
from rbsuite_agentehr.drawing import MAPPINGS, draw, names_of, pool_of
from rbsuite_agentehr.environment import DRAWN, NAME, SUBSETS
from rbsuite_agentehr.hospital.courses import TASKS
from rbsuite_agentehr.hospital.writing import TABLE_LINKS, TABLE_TEXTS, write_json, write_tables
from rbsuite_agentehr.layout import DESCRIPTIONS, Layout, task_file, tasks_of
from rbsuite_agentehr.record import Record
from rbsuite_agentehr.release import Release, write_patients, write_reference

_SQLITE = b"SQLite format 3\0"
_LAYOUT = (
    "Give the directory that holds AgentEHR's tasks and databases (TASK_N.json; database/patient_ID.db, reference_table.db, "
    "candidate_table.db), or the one that holds hosp and icu of a release of MIMIC-IV."
)
_NOTES = (
    "These are patients' records: they stay in the data directory, unencrypted and readable only by you, and their tasks are private.",
    "Keep to the terms under which you obtained them: no copies, and no third-party services without permission.",
)


@dataclass(frozen=True, slots=True)
class _Subset:
    """A subset as found in the source.

    Attributes:
        name: its split.
        tasks: the directory of its task files.
        places: where its databases and descriptions may be, the most likely first.
    """

    name: str
    tasks: Path
    places: tuple[Path, ...]

    def find(self, name: str) -> Path | None:
        return next((place / name for place in self.places if (place / name).is_file()), None)


class AgentEhrImporter:
    """Copies or makes subsets, as a pack; see :class:`rbsuite.data.packs.PackImporter`."""

    name = NAME
    pinned: Archive | None = None
    single_files = False

    def recognise(self, source: Path) -> str:
        """``pack`` if subsets are named as packs name them, otherwise ``checkout``.

        Raises:
            DataError: there is neither a subset nor a release.
        """
        found = _subsets(source)
        if not found and Release.find(source) is None:
            raise DataError(
                f"{str(source)!r} contains neither a subset of AgentEHR nor a release of MIMIC-IV.", _LAYOUT
            )
        return "pack" if found and all(one.tasks.name == one.name for one in found) else "checkout"

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        """See :meth:`rbsuite.data.packs.PackImporter.build`."""
        made: dict[str, int] = {}
        notes = list(_NOTES)
        target.chmod(0o700)
        release = Release.find(source)
        for subset in _subsets(source):
            kept, dropped = _copy_subset(source, subset, release, target / subset.name)
            made[subset.name] = kept
            if dropped:
                notes.append(
                    f"{subset.name}: {dropped} tasks were left out, because they have no valid label or no patient record."
                )
        if not made and release:
            kept, missing = _draw_subset(release, target / DRAWN)
            made[DRAWN] = kept
            notes.append(
                f"{DRAWN}: drawn from your release by AgentEHR's rules; these are not the tasks that it published."
            )
            notes += [
                f"There are no tasks of {task}: they need hosp/{MAPPINGS[task]}.csv, see the documentation."
                for task in missing
            ]
        for path in target.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)
        return PackFacts(
            kind=self.recognise(source),
            commit=commit or read_commit(source),
            equals_commit="",
            licence="MIMIC's, under PhysioNet's credentialed data use agreement",
            counts=tuple((f"{name}: tasks", number) for name, number in made.items()),
            notes=tuple(notes),
            splits=tuple(name for name, number in made.items() if number),
        )


IMPORTER = AgentEhrImporter()
"""What the environment's spec names as its importer; it has no state."""


def _split_of(path: Path) -> str:
    """The split of a directory, by our names or by those in AgentEHR's ``data``: ``common``, ``rare``, ``MIMICIIIAgentBench``."""
    name = path.name.lower()
    if name in SUBSETS:
        return name
    third = [one for one in (path, path.parent) if one.name.lower().replace("-", "").startswith("mimiciii")]
    if name == "train" or third:
        return "mimic-iii" if name != "train" else ""
    return {"common": "mimic-iv-common", "rare": "mimic-iv-rare"}.get(name, "")


def _subsets(source: Path) -> list[_Subset]:
    """The subsets that a directory contains, in the order of the splits."""
    made: dict[str, _Subset] = {}
    directories = [source, *(path for depth in ("*/", "*/*/") for path in sorted(source.glob(depth)) if path.is_dir())]
    release = Release.find(source) is not None
    for path in sorted(directories, key=lambda path: not tasks_of(path)):  # those with tasks first
        split = _split_of(path)
        places = (path, path / "database", path.parent, path.parent / "database")
        recorded = any(place.name == "database" and place.is_dir() for place in places)
        if split and split not in made and (recorded or (release and tasks_of(path))):
            made[split] = _Subset(split, path, places)
    return [made[split] for split in SUBSETS if split in made]


def _copy_subset(source: Path, subset: _Subset, release: Release | None, target: Path) -> tuple[int, int]:
    """Copy what the tasks need, create the missing parts from a release, and read it all back as it will be read later.

    Returns:
        The number of tasks, and the number of those that were left out.
    """
    tree = SourceTree(source, _LAYOUT)
    tasks = tasks_of(subset.tasks)
    if not tasks:
        raise DataError(f"{subset.tasks.name} contains no task files.", _LAYOUT)
    (target / "database").mkdir(parents=True)
    for task in tasks:
        name = task_file(subset.tasks, task)
        (target / name).write_text(json.dumps(_read_tasks(tree, subset.tasks / name)), "ascii")
    try:
        cases = {task: Layout(target).cases(task) for task in tasks}
    except DataError as error:  # it names the copy, which will be gone
        raise DataError(error.message.replace(str(target), str(subset.tasks)), _LAYOUT) from None
    missing = []
    for subject in dict.fromkeys(case.subject_id for found in cases.values() for case in found):
        name = f"patient_{subject}.db"
        if there := subset.find(name):
            _copy(tree, there, target / "database" / name)
        else:
            missing.append(subject)
    seen: Mapping[str, set[str]] = {}
    if missing and release:
        seen = write_patients(release, missing, target / "database", letters=True)
    for name, make in (("reference_table.db", write_reference), ("candidate_table.db", None)):
        if there := subset.find(name):
            _copy(tree, there, target / name)
        elif release and make:
            make(release, target / name)
        elif release:
            seen = seen or write_patients(release, (), target / "database", letters=True)
            _write_candidates(target, {task: _candidates(release, task, seen) for task in tasks})
        else:
            tree.fail(f"{name} is missing in {subset.tasks.name}")
    for name in DESCRIPTIONS:
        if there := subset.find(name):
            _copy(tree, there, target / name)
    kept = dropped = 0
    for task in tasks:
        name = task_file(target, task)
        rows = json.loads((target / name).read_text("ascii"))
        good = [{**_row(one), "task": task} for one in cases[task] if _is_recorded(target, one.subject_id)]
        (target / name).write_text(json.dumps(good), "ascii")
        kept, dropped = kept + len(good), dropped + len(rows) - len(good)
    if not kept:
        tree.fail(f"{subset.tasks.name} has tasks, but no records of their patients")
    _try(target)
    return kept, dropped


def _draw_subset(release: Release, target: Path) -> tuple[int, list[str]]:
    """Create a subset from a release alone. Returns the number of tasks, and the kinds that could not be created."""
    databases = target / "database"
    databases.mkdir(parents=True)
    pool = pool_of(release)
    seen = write_patients(release, pool, databases, letters=False)
    write_reference(release, target / "reference_table.db")
    candidates: dict[str, Sequence[str]] = {}
    missing, asked = [], set()
    for task in TASKS:
        names = names_of(release, task)
        rows = [] if names is None else draw(task, pool, databases, names)
        if names is None:
            missing.append(task)
        if rows:
            (target / f"{task}_{len(rows)}.json").write_text(json.dumps(rows), "ascii")
            candidates[task] = _candidates(release, task, seen)
            asked |= {row["subject_id"] for row in rows}
    if not asked:
        raise DataError("no task can be drawn from the release.", _LAYOUT)
    for subject in set(pool) - asked:
        (databases / f"patient_{subject}.db").unlink(missing_ok=True)
    _write_candidates(target, candidates)
    (target / "table_description").mkdir()
    write_json(target / DESCRIPTIONS[0], {name: text for name, text in TABLE_TEXTS.items() if name in release.tables})
    ends = {key: end for key, end in TABLE_LINKS.items() if end.partition(".")[0] in release.tables}
    write_json(target / DESCRIPTIONS[1], ends)
    _try(target)
    return sum(len(Layout(target).cases(task)) for task in TASKS), missing


def _candidates(release: Release, task: str, seen: Mapping[str, set[str]]) -> Sequence[str]:
    names = names_of(release, task)
    if names is None:
        raise DataError(f"the release has no hosp/{MAPPINGS[task]}.csv, and there is no candidate_table.db.", _LAYOUT)
    return sorted({name for name in names.values() if name} or seen[task])


def _write_candidates(target: Path, candidates: Mapping[str, Sequence[str]]) -> None:
    tables = {f"{task}_candidates": [(name,) for name in names] for task, names in candidates.items()}
    write_tables(target / "candidate_table.db", dict.fromkeys(tables, ("name",)), tables)


def _read_tasks(tree: SourceTree, path: Path) -> Any:
    """The rows of a task file. Upstream writes ``NaN`` for a missing name, which JSON does not have."""
    name = path.relative_to(tree.root).as_posix()
    try:
        return json.loads(tree.read_text(name), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        tree.fail(f"{name} is not JSON")


def _row(case: Any) -> Mapping[str, Any]:
    label = [{"name": name} for name in case.label]
    return {"subject_id": case.subject_id, "prediction_time": case.prediction_time, "label": label}


def _is_recorded(target: Path, subject: int) -> bool:
    return (target / "database" / f"patient_{subject}.db").is_file()


def _copy(tree: SourceTree, path: Path, place: Path) -> None:
    name = path.relative_to(tree.root).as_posix()
    content = tree.read_bytes(name)
    if name.endswith(".db") and not content.startswith(_SQLITE):
        tree.fail(f"{name} is not an SQLite database")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def _try(target: Path) -> None:
    """Read what was written the way it will be read later."""
    layout = Layout(target)
    _ = layout.descriptions, layout.links
    for task in tasks_of(target):
        layout.candidates(task)
    first = next(case for task in tasks_of(target) for case in layout.cases(task))
    patient = target / "database" / f"patient_{first.subject_id}.db"
    Record(patient, target / "reference_table.db", first.prediction_time).close()
