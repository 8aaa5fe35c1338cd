"""swe-mini as an environment."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from rbsuite.environments.base import Environment, EpisodeServices
from rbsuite.environments.solution import Lesson, Mistake, Solution
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.jsonable import digest
from rbsuite.sandboxes.base import GIB, MIB, Backend, CommandLimits, Setup
from rbsuite.sandboxes.bwrap import interpreter
from rbsuite.sandboxes.choice import choose, told
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action
from rbsuite_swe.episode import SUBMISSION, TOOL, Brief, SweEpisode
from rbsuite_swe.grading.verdict import Verdict
from rbsuite_swe.mini.catalogue import VERSION, MiniInstance, catalogue
from rbsuite_swe.mini.grader import MiniGrader
from rbsuite_swe.mini.rules import HOUSES, RULES
from rbsuite_swe.workspace import make_repository

NAME = "swe-mini"
SAMPLE = "sample"
LIMITS = CommandLimits(
    seconds=60.0, cpu_seconds=60, memory=2 * GIB, file_size=16 * MIB, disk=64 * MIB, scratch=64 * MIB
)
_LOOK = 0
"""The index of the first action of a reference, which looks at the repository; the steps of the change follow."""


class SweMini(Environment):
    """Issues of small repositories by this project, with recurring house rules.

    Args:
        sandbox: the backend, or ``auto``.
        image: the container image, for podman and docker: it needs Python, git and bash.
        command_time: seconds that one command may take.
        unsafe_local: whether commands may run in the sandbox ``local``, which may not enforce all rules.
    """

    prompt_directory: ClassVar[Path | None] = Path(__file__).parents[1] / "prompts"

    def __init__(
        self, *, sandbox: str = "auto", image: str = "", command_time: int = 60, unsafe_local: bool = False
    ) -> None:
        self._named = sandbox
        self._image = image
        self._seconds = float(command_time)
        self._unsafe_local = unsafe_local
        self._made: dict[str, Path] = {}
        self._place: Path | None = None
        self._lock = threading.Lock()

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`. Groups are the kinds of repositories."""
        if split != SAMPLE:
            raise UnknownNameError(f"split of {NAME}", split, (SAMPLE,))
        if domain and domain not in HOUSES:
            raise UnknownNameError(f"domain of {NAME}", domain, HOUSES)
        if data:
            raise DataError(f"{NAME} takes no --data.", "Use --env swe-bench for your own data.")
        made = tuple(_task(mini) for mini in catalogue().values() if domain in ("", mini.kind))
        content = digest([[mini.instance, sorted(mini.files.items())] for mini in catalogue().values()])
        return TaskSet(NAME, split, made, {"pack": f"{NAME} {VERSION}", "sha256": content}, content)

    async def open(self, task: Task, *, seed: int, services: EpisodeServices) -> SweEpisode:
        """The repository of a task in its own sandbox."""
        mini = catalogue()[task.id]
        setup = await self._setup(mini)
        sandbox = await self._backend.start(setup)
        instance = mini.instance
        truth = {"instance": instance.instance_id, "repo": instance.repo}
        brief = Brief(instance.problem_statement, sandbox.workdir, self._seconds, truth)

        async def grade(patch: str) -> Verdict:
            return await self._grader.grade(mini, setup, patch)

        return SweEpisode(sandbox, brief, grade)

    def solution(self, task: Task) -> Solution:
        """Looks at the code, changes it, follows the house rules, and submits."""
        mini = catalogue()[task.id]
        commands = [f"ls; cat {mini.module}", *(_apply(step.patch) for step in mini.steps), SUBMISSION]
        return Solution(tuple(Action.call(TOOL, {"command": command}) for command in commands))

    def mistakes(self, task: Task) -> Sequence[Mistake]:
        """Each house rule can be left out."""
        steps = catalogue()[task.id].steps
        return [Mistake(step.rule, {place: ()}) for place, step in enumerate(steps, _LOOK + 1) if step.rule]

    def lessons(self) -> Mapping[str, Lesson]:
        """The house rules in words."""
        return {name: rule.lesson for name, rule in RULES.items()}

    def facts(self) -> Mapping[str, Any]:
        """The backend used."""
        return {"sandbox": told(self._backend)}

    async def aclose(self) -> None:
        """Remove the repositories."""
        await asyncio.to_thread(self._remove)

    def _remove(self) -> None:
        with self._lock:
            if self._place is not None:
                shutil.rmtree(self._place, ignore_errors=True)
            self._made, self._place = {}, None

    @cached_property
    def _backend(self) -> Backend:
        return choose(self._named, unsafe_local=self._unsafe_local)

    @cached_property
    def _grader(self) -> MiniGrader:
        return MiniGrader(self._backend)

    async def _setup(self, mini: MiniInstance) -> Setup:
        """A setup with the repository, which is created when it is first needed."""
        workspace = await asyncio.to_thread(self._repository, mini)
        variables = {"PYTHONDONTWRITEBYTECODE": "1"}
        return Setup(workspace, self._image, "/testbed", variables, (interpreter(),), limits=LIMITS)

    def _repository(self, mini: MiniInstance) -> Path:
        name = mini.instance.instance_id
        with self._lock:
            if self._place is None:
                self._place = Path(tempfile.mkdtemp(prefix="rbsuite-swe-mini-"))
            if name not in self._made:
                make_repository(mini.files, self._place / name)
                self._made[name] = self._place / name
            return self._made[name]


def _task(mini: MiniInstance) -> Task:
    instance = mini.instance
    payload = {"repo": instance.repo, "patch": instance.patch, "test_patch": instance.test_patch}
    return Task(
        instance.instance_id,
        mini.kind,
        mini.kind,
        instance.problem_statement,
        payload,
        difficulty=float(len(mini.steps)),
    )


def _apply(patch: str) -> str:
    return f"git apply <<'END'\n{patch}END"
