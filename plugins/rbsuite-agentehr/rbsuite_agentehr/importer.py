"""Imports a user's own copy of AgentEHR's data: subsets with their tasks, databases and descriptions. Nothing is ever downloaded."""

from __future__ import annotations

from pathlib import Path

from rbsuite.data.checkout import SourceTree, read_commit
from rbsuite.data.packs import Archive, PackFacts
from rbsuite.errors import DataError
from rbsuite_agentehr.environment import NAME, SUBSETS
from rbsuite_agentehr.layout import DESCRIPTIONS, Layout, task_file, tasks_of
from rbsuite_agentehr.record import Record

_SQLITE = b"SQLite format 3\0"
_LAYOUT = (
    "Give the directory that holds MIMIC-IV-Common, MIMIC-IV-Rare or MIMIC-III, each with TASK_N.json, database/patient_ID.db, "
    "reference_table.db and candidate_table.db."
)
_NOTES = (
    "These are patients' records: they stay in the data directory, readable by you alone, and their tasks are private.",
    "Keep to the terms under which you got them: no copies, no services of third parties without leave.",
)


class AgentEhrImporter:
    """Copies subsets into a pack; see :class:`rbsuite.data.packs.PackImporter`."""

    name = NAME
    pinned: Archive | None = None
    single_files = False

    def recognise(self, source: Path) -> str:
        """``pack`` where subsets are named as packs name them, else ``checkout``.

        Raises:
            DataError: there is no subset.
        """
        found = _subsets(source)
        if not found:
            raise DataError(f"{str(source)!r} holds no subset of AgentEHR.", _LAYOUT)
        return "pack" if all(path.name == name for name, path in found.items()) else "checkout"

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        """See :meth:`rbsuite.data.packs.PackImporter.build`."""
        counts = []
        target.chmod(0o700)
        for name, path in _subsets(source).items():
            cases = _copy_subset(path, target / name)
            counts.append((f"{name}: tasks", cases))
        return PackFacts(
            kind=self.recognise(source),
            commit=commit or read_commit(source),
            equals_commit=None,
            licence="MIMIC's, under PhysioNet's credentialed data use agreement",
            counts=tuple(counts),
            notes=_NOTES,
        )


IMPORTER = AgentEhrImporter()
"""What the environment's spec names as its importer; it has no state."""


def _subsets(source: Path) -> dict[str, Path]:
    """The directories of subsets, by the names of splits, in the splits' order."""
    named = {path.name.lower(): path for path in (source, *source.iterdir()) if path.is_dir()}
    return {name: named[name] for name in SUBSETS if name in named and (named[name] / "database").is_dir()}


def _copy_subset(source: Path, target: Path) -> int:
    """Copy what the tasks need, and read it as it will be read; gives the number of tasks."""
    tree = SourceTree(source, _LAYOUT)
    tasks = tasks_of(source)
    if not tasks:
        raise DataError(f"{source.name} has no file of tasks.", _LAYOUT)
    layout = Layout(source)
    cases = [case for task in tasks for case in layout.cases(task)]
    names = [*(task_file(source, task) for task in tasks), "reference_table.db", "candidate_table.db"]
    names += [name for name in DESCRIPTIONS if tree.has(name)]
    names += [f"database/patient_{subject}.db" for subject in dict.fromkeys(case.subject_id for case in cases)]
    for name in names:
        content = tree.read_bytes(name)
        if name.endswith(".db") and not content.startswith(_SQLITE):
            tree.fail(f"{name} is no SQLite database")
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(0o600)
    for task in tasks:
        layout.candidates(task)
    first = cases[0]
    Record(target / names[-1], target / "reference_table.db", first.prediction_time).close()
    return len(cases)
