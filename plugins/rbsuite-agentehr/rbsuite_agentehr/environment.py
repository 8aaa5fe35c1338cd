"""AgentEHR as an environment: the tasks of a subset, and the episodes over its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rbsuite.data.reading import commit_of
from rbsuite.environments.base import EpisodeServices, SyncEnvironment
from rbsuite.environments.solution import Lesson, Mistake, Solution
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.jsonable import digest
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action
from rbsuite_agentehr.episode import QUESTIONS, AgentEhrEpisode
from rbsuite_agentehr.hospital.courses import TASKS
from rbsuite_agentehr.layout import Case, Layout

NAME = "agentehr"
SAMPLE = "sample"
DRAWN = "mimic-iv"
"""Tasks drawn from the user's own release of MIMIC-IV."""
SUBSETS = ("mimic-iv-common", "mimic-iv-rare", "mimic-iii", DRAWN)
"""AgentEHR's subsets, and the one that is drawn; the user supplies their data."""


class AgentEhr(SyncEnvironment):
    """Predictions from patients' records.

    Args:
        max_exec_steps: tool calls after which an episode is cut.
        max_same_steps: identical calls in a row after which it is cut; 0: never.
    """

    def __init__(self, *, max_exec_steps: int = 100, max_same_steps: int = 5) -> None:
        self._limits = {"max_exec_steps": max_exec_steps, "max_same_steps": max_same_steps}
        self._layouts: dict[str, Layout] = {}
        self._cases: dict[str, Case] = {}

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`. All but the sample is private."""
        if split not in (SAMPLE, *SUBSETS):
            raise UnknownNameError(f"split of {NAME}", split, (SAMPLE, *SUBSETS))
        if domain and domain not in TASKS:
            raise UnknownNameError(f"domain of {NAME}", domain, TASKS)
        layout, source = _open(split, data)
        self._layouts[split] = layout
        cases = {kind: layout.cases(kind) for kind in TASKS}
        # Groups and ids are our own numbers: those of patients stay in the data.
        subjects = sorted({case.subject_id for found in cases.values() for case in found})
        patients = {subject: f"patient-{number}" for number, subject in enumerate(subjects, 1)}
        made = []
        for kind in TASKS if not domain else (domain,):
            for number, case in enumerate(cases[kind]):
                task = _task(split, number, case, patients[case.subject_id])
                self._cases[task.id] = case
                made.append(task)
        content = digest([layout.content, [self._cases[task.id] for task in made]])
        return TaskSet(NAME, split, tuple(made), {**source, "sha256": content}, content, private=split != SAMPLE)

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> AgentEhrEpisode:
        """An episode; nothing in it is random."""
        case = replace(self._cases[task.id], label=self._cases[str(task.payload["label_of"])].label)
        return AgentEhrEpisode(task, case, self._layout(task), **self._limits)

    def solution(self, task: Task) -> Solution:
        """Looks at the record, searches the candidates and answers."""
        from rbsuite_agentehr.solution import plan

        return plan(self._cases[task.id])

    def majority(self, tasks: TaskSet) -> Mapping[str, Action]:
        """By task, the names that are right most often, as many as there are right ones on average."""
        labels: dict[str, list[Sequence[str]]] = {}
        for task in tasks:
            labels.setdefault(task.domain, []).append(self._cases[task.id].label)
        made = {}
        for domain, found in labels.items():
            counts = Counter(name for label in found for name in dict.fromkeys(label))
            number = max(1, round(sum(map(len, found)) / len(found)))
            names = sorted(counts, key=lambda name: (-counts[name], name))[:number]
            made[domain] = Action.call("finish", {"response": names})
        return made

    def mistakes(self, task: Task) -> Sequence[Mistake]:
        """The traps of a task."""
        from rbsuite_agentehr.solution import traps

        return traps(self._cases[task.id], self._layout(task).candidates(task.domain))

    def lessons(self) -> Mapping[str, Lesson]:
        """Wording for the traps."""
        from rbsuite_agentehr.lessons import LESSONS

        return LESSONS

    async def aclose(self) -> None:
        """Close the records."""
        for layout in self._layouts.values():
            layout.close()

    def _layout(self, task: Task) -> Layout:
        return self._layouts[str(task.payload["split"])]


def _open(split: str, data: str) -> tuple[Layout, Mapping[str, str]]:
    if split == SAMPLE and not data:
        from rbsuite_agentehr.hospital.writing import VERSION, hospital_directory

        return Layout(hospital_directory()), {"pack": f"synthetic hospital {VERSION}", "commit": ""}
    if split == SAMPLE:
        raise DataError(f"{NAME}: the sample takes no --data.", f"Name the split too: --split {SUBSETS[0]}.")
    from rbsuite.data.reading import find_pack
    from rbsuite_agentehr.layout import open_imported

    how = f"It needs credentials, and is never downloaded. Run: rbsuite data import {NAME} --from DIR."
    path, source = find_pack(NAME, NAME, data=data, sample=None, remedy=how)
    if data:
        subset = next((one for one in sorted(Path(data).iterdir()) if one.is_dir() and one.name.lower() == split), None)
        return Layout(subset or Path(data)), source
    return open_imported(split, path), {**source, "commit": commit_of(path)}


def _task(split: str, number: int, case: Case, group: str) -> Task:
    identifier = f"{case.task}/{split}/{number}"
    query = f"Patient {case.subject_id}, as of {case.prediction_time}: {QUESTIONS[case.task]}"
    return Task(
        id=identifier,
        group=group,
        domain=case.task,
        query=query,
        payload={"split": split, "label_of": identifier},
        difficulty=float(len(case.label)),
    )
