"""Mind2Web as an environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rbsuite.data.reading import PackFiles, find_pack
from rbsuite.environments.base import EpisodeServices, SyncEnvironment
from rbsuite.environments.solution import Ceiling, Lesson, Mistake, Solution
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.jsonable import digest, plain
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action
from rbsuite_mind2web.episode import History, Mind2WebEpisode
from rbsuite_mind2web.samples import Sample, sample_of

NAME = PACK = "mind2web"
SAMPLE = "sample"
PARTS = ("test_task", "test_website", "test_domain")
"""The test splits: new tasks on known sites, new sites, new domains."""
DOMAINS = ("Entertainment", "Info", "Service", "Shopping", "Travel")
INDEX = "index.json"
"""The file of a pack that lists its tasks; each task has its own file."""
REMEDY = "Run: rbsuite data import mind2web --from DIR, where DIR holds test_task, test_website or test_domain."
UNREACHED = "a step has no right element among its top candidates"


@dataclass(frozen=True, slots=True)
class Listed:
    """A task in the index of a pack.

    Attributes:
        id: its annotation id.
        part: its test split.
        file: the file that contains it; empty: it belongs to the sample.
        website, domain, task: see :class:`rbsuite_mind2web.samples.Sample`.
    """

    id: str
    part: str
    file: str
    website: str
    domain: str
    task: str


class Mind2Web(SyncEnvironment):
    """Recorded tasks on web sites.

    Args:
        top_k: how many candidates a page offers.
        history: whether the recorded actions so far are shown with a page: ``recorded`` or ``none``.
    """

    def __init__(self, *, top_k: int = 5, history: History = "recorded") -> None:
        self._top_k = top_k
        self._history: History = history
        self._listed: dict[str, Listed] = {}
        self._files: PackFiles | None = None
        self._ranker = ""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`."""
        if split not in (SAMPLE, *PARTS):
            raise UnknownNameError(f"split of {NAME}", split, (SAMPLE, *PARTS))
        if domain and domain not in DOMAINS:
            raise UnknownNameError(f"domain of {NAME}", domain, DOMAINS)
        listed, source, content = self._sample_list() if split == SAMPLE and not data else self._imported(split, data)
        self._listed = {one.id: one for one in listed}
        chosen = [(number, one) for number, one in enumerate(listed, 1) if domain in ("", one.domain)]
        tasks = tuple(_task(split, number, one) for number, one in chosen)
        whole = digest([content, domain])
        return TaskSet(NAME, split, tasks, {**source, "sha256": whole}, whole, asks=lambda task: task.query)

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> Mind2WebEpisode:
        """An episode; nothing in it is random."""
        graded_by = self._found(str(task.payload["graded_by"]))
        return Mind2WebEpisode(self._of(task), graded_by=graded_by, top_k=self._top_k, history=self._history)

    def solution(self, task: Task) -> Solution:
        """The recorded actions of the steps that are asked."""
        steps = [step for step in self._of(task).steps if step.reached(self._top_k)]
        return Solution(tuple(Action(str(step.recorded)) for step in steps))

    def mistakes(self, task: Task) -> Sequence[Mistake]:
        """The traps of the sample's pages; imported pages have no known ones."""
        if self._listed[str(task.payload["id"])].file:
            return ()
        from rbsuite_mind2web.synthetic import traps

        return traps(str(task.payload["id"]))

    def lessons(self) -> Mapping[str, Lesson]:
        """Wording for the traps."""
        from rbsuite_mind2web.lessons import LESSONS

        return LESSONS

    def ceiling(self, tasks: TaskSet) -> Ceiling | None:
        """How far the recorded actions get: a step whose correct element is not among the candidates is wrong."""
        beyond, steps, reached = dict[str, str](), 0, 0
        for task in tasks:
            found = [step.reached(self._top_k) for step in self._of(task).steps]
            steps, reached = steps + len(found), reached + sum(found)
            if not all(found):
                beyond[task.id] = UNREACHED
        return Ceiling({f"steps within the top {self._top_k}": reached / steps}, beyond) if beyond else None

    def facts(self) -> Mapping[str, Any]:
        """What ranked the candidates."""
        return {"ranker": self._ranker}

    def _of(self, task: Task) -> Sample:
        return self._found(str(task.payload["id"]))

    def _found(self, id: str) -> Sample:
        listed = self._listed[id]
        if not listed.file:
            return self._own[id]
        assert self._files is not None
        try:
            return sample_of(self._files.read_json(listed.file))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._files.malformed(listed.file, f"malformed ({type(error).__name__}: {error})") from error

    @cached_property
    def _own(self) -> Mapping[str, Sample]:
        from rbsuite_mind2web.synthetic import samples

        return {one.id: one for one in samples()}

    def _sample_list(self) -> tuple[Sequence[Listed], Mapping[str, str], str]:
        from rbsuite_mind2web.synthetic import part_of

        own = self._own
        listed = [Listed(one.id, part_of(one.id), "", one.website, one.domain, one.task) for one in own.values()]
        self._ranker = "this project's own order"
        return listed, {"pack": "sample", "commit": ""}, digest(plain(list(own.values())))

    def _imported(self, split: str, data: str) -> tuple[Sequence[Listed], Mapping[str, str], str]:
        if split == SAMPLE:
            raise DataError("mind2web: the sample takes no --data.", f"Name the split too: --split {PARTS[0]}.")
        path, source = find_pack(PACK, "Mind2Web", data=data, sample=None, remedy=REMEDY)
        files = PackFiles(Path(path), "Mind2Web", REMEDY)
        index = files.read_json(INDEX)
        try:
            listed = [Listed(**one) for one in index["tasks"] if one["part"] == split]
            self._ranker = str(index["ranker"])
        except (KeyError, TypeError, ValueError) as error:
            raise files.malformed(INDEX, f"malformed ({type(error).__name__}: {error})") from error
        if not listed:
            raise DataError(f"mind2web: the imported data has no tasks of {split}.", REMEDY)
        self._files = files
        content = files.content_hash([one.file for one in listed])
        return listed, source, digest([self._ranker, [plain(one) for one in listed], content])


def _task(split: str, number: int, listed: Listed) -> Task:
    where = f"{split}/{listed.part}" if split == SAMPLE else split
    payload = {"id": listed.id, "graded_by": listed.id}
    return Task(f"{where}/{number}", listed.website, listed.domain, listed.task, payload)
