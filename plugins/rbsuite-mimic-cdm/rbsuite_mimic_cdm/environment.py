"""MIMIC-CDM as two environments, one for each form of dialogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rbsuite.environments.base import EpisodeServices, SyncEnvironment
from rbsuite.environments.solution import Lesson, Mistake, Solution
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.jsonable import digest
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action
from rbsuite_mimic_cdm.chart import Laboratory, Patient, item_of, patient_of
from rbsuite_mimic_cdm.episode import CdmEpisode, Form

PACK = "mimic-cdm"
SAMPLE, FULL = "sample", "full"
FILES = ("patients.jsonl", "lab_test_mapping.jsonl")
"""The files of a pack: one patient, or one laboratory item, per line."""


@dataclass(frozen=True, slots=True)
class Ward:
    """The patients of a split, by admission, and the finder of their tests."""

    patients: Mapping[int, Patient]
    laboratory: Laboratory


class MimicCdm(SyncEnvironment):
    """Patients with abdominal pain; turns are texts.

    Args:
        pathology: only patients who have it; empty: all.
        max_rounds: turns after which an episode is cut.
        include_ref_range: results come with their reference ranges.
        bin_labs: results are reported as low, normal or high.
    """

    name: ClassVar[str] = "mimic-cdm[react]"
    form: ClassVar[Form] = "react"

    def __init__(
        self, *, pathology: str = "", max_rounds: int = 10, include_ref_range: bool = True, bin_labs: bool = False
    ) -> None:
        self._pathology = pathology
        self._max_rounds = max_rounds
        self._include_ref_range = include_ref_range
        self._bin_labs = bin_labs
        self._wards: dict[str, Ward] = {}

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`. All but the sample is private."""
        if split not in (SAMPLE, FULL):
            raise UnknownNameError(f"split of {self.name}", split, (SAMPLE, FULL))
        if domain:
            raise UnknownNameError(f"domain of {self.name}", domain, ())
        ward, source, content = _sample() if split == SAMPLE and not data else _imported(split, data)
        self._wards[split] = ward
        chosen = [one for one in ward.patients.values() if self._pathology in ("", one.pathology)]
        tasks = tuple(_task(split, number, one) for number, one in enumerate(chosen, 1))
        whole = digest([content, self._pathology])
        return TaskSet(self.name, split, tasks, {**source, "sha256": whole}, whole, private=split != SAMPLE)

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> CdmEpisode:
        """An episode; nothing in it is random."""
        ward = self._wards[str(task.payload["split"])]
        return CdmEpisode(
            self._patient(task),
            ward.laboratory,
            task.query,
            graded_by=ward.patients[int(task.payload["graded_by"])],
            form=self.form,
            max_rounds=self._max_rounds,
            include_ref_range=self._include_ref_range,
            bin_labs=self._bin_labs,
        )

    def solution(self, task: Task) -> Solution:
        """Examines, tests, scans and concludes."""
        from rbsuite_mimic_cdm.solution import plan

        return plan(self._patient(task), self.form)

    def majority(self, tasks: TaskSet) -> Mapping[str, Action]:
        """The pathology that most patients have, for every task."""
        from rbsuite_mimic_cdm.solution import conclude

        counts = Counter(self._patient(task).pathology for task in tasks)
        return {"": conclude(self.form, f"Acute {max(counts, key=lambda name: counts[name])}", "antibiotics, fluids")}

    def mistakes(self, task: Task) -> Sequence[Mistake]:
        """The traps of a patient."""
        from rbsuite_mimic_cdm.solution import traps

        return traps(self._patient(task), self.form)

    def lessons(self) -> Mapping[str, Lesson]:
        """Wording for the traps."""
        from rbsuite_mimic_cdm.lessons import LESSONS

        return LESSONS

    def _patient(self, task: Task) -> Patient:
        return self._wards[str(task.payload["split"])].patients[int(task.payload["hadm_id"])]


class MimicCdmTools(MimicCdm):
    """Patients with abdominal pain; turns are tool calls."""

    name: ClassVar[str] = "mimic-cdm[tools]"
    form: ClassVar[Form] = "tools"


def _task(split: str, number: int, patient: Patient) -> Task:
    # No domain: it would tell memories and judges what the patient has. The id is our own number.
    query = f"Patient History: {patient.history}"
    payload = {"split": split, "hadm_id": patient.hadm_id, "graded_by": patient.hadm_id}
    return Task(f"{split}/{number}", f"patient-{number}", "", query, payload)


def _sample() -> tuple[Ward, Mapping[str, str], str]:
    from rbsuite_mimic_cdm.synthetic import lab_mapping, patients

    found, items = list(patients()), lab_mapping()
    ward = Ward({int(one["hadm_id"]): patient_of(one) for one in found}, Laboratory([item_of(one) for one in items]))
    return ward, {"pack": "synthetic patients", "commit": ""}, digest([found, items])


def _imported(split: str, data: str) -> tuple[Ward, Mapping[str, str], str]:
    from rbsuite.data.reading import PackFiles, find_pack
    from rbsuite.files import Unusable, parse_json

    remedy = f"It needs credentials, and is never downloaded. Run: rbsuite data import {PACK} --from DIR."
    if split == SAMPLE:
        raise DataError("mimic-cdm: the sample takes no --data.", f"Name the split too: --split {FULL}.")
    path, source = find_pack(PACK, PACK, data=data, sample=None, remedy=remedy)
    files = PackFiles(Path(path), PACK, remedy)
    made: list[list[Patient] | list[object]] = []
    for name, build in zip(FILES, (patient_of, item_of), strict=True):
        rows: list[object] = []
        for number, line in enumerate(files.read_text(name).split("\n"), 1):
            if not line.strip():
                continue
            try:
                rows.append(build(parse_json(line)))
            except (Unusable, KeyError, TypeError, ValueError, AttributeError):
                # The line contains a patient's data, so the message says where, not what.
                raise files.malformed(name, f"malformed in line {number}") from None
        made.append(rows)
    patients, items = made
    ward = Ward({one.hadm_id: one for one in patients if isinstance(one, Patient)}, Laboratory(items))  # type: ignore[arg-type]
    return ward, source, files.content_hash(FILES)
