"""swe-bench as an environment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from rbsuite.environments.base import Environment, EpisodeServices
from rbsuite.environments.solution import Solution
from rbsuite.errors import DataError, EnvironmentFailure, UnknownNameError
from rbsuite.jsonable import digest
from rbsuite.sandboxes.base import GIB, Backend, CommandLimits, Setup
from rbsuite.sandboxes.choice import choose
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action
from rbsuite_swe.bench.grader import grade_patch
from rbsuite_swe.bench.loading import HUB, image_of, load
from rbsuite_swe.episode import SUBMISSION, TOOL, Brief, SweEpisode
from rbsuite_swe.grading.verdict import Verdict
from rbsuite_swe.instance import Instance
from rbsuite_swe.workspace import ONE_COMMIT

NAME = "swe-bench"
WORKDIR = "/testbed"
LIMITS = CommandLimits(
    seconds=60.0, cpu_seconds=3600, memory=16 * GIB, file_size=4 * GIB, disk=16 * GIB, scratch=2 * GIB
)
_CONDA = "/opt/miniconda3/envs/testbed"
PRELUDE = f"if [ -d {_CONDA}/bin ]; then export CONDA_PREFIX={_CONDA} PATH={_CONDA}/bin:$PATH; fi\n"
"""What precedes every command of an agent: it selects the interpreter in the images of Python repositories."""


class SweBench(Environment):
    """Issues of real repositories.

    Args:
        sandbox: ``podman``, ``docker``, or ``auto``.
        image: the image of all instances; ``{id}`` stands for an instance's id; empty: each instance's own.
        registry: registry of images whose names have none.
        command_time: seconds that one command may take.
        test_time: seconds that the tests of an instance may take.
        ids: file with one id per line; empty: all instances.
    """

    prompt_directory: ClassVar[Path | None] = Path(__file__).parents[1] / "prompts"

    def __init__(
        self,
        *,
        sandbox: str = "auto",
        image: str = "",
        registry: str = "docker.io",
        command_time: int = 60,
        test_time: int = 1800,
        ids: str = "",
    ) -> None:
        self._named = sandbox
        self._image = image
        self._registry = registry
        self._seconds = float(command_time)
        self._test_seconds = float(test_time)
        self._ids = ids
        self._instances: dict[str, Instance] = {}

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`. Groups are repositories; within one, instances are ordered by creation time."""
        if split not in HUB:
            raise UnknownNameError(f"split of {NAME}", split, HUB)
        instances, source = load(split, data)
        chosen = self._chosen(instances)
        chosen.sort(key=lambda one: (one.repo, one.created_at, one.instance_id))
        self._instances = {one.instance_id: one for one in chosen}
        if len(self._instances) < len(chosen):
            twice = Counter(one.instance_id for one in chosen).most_common(1)[0][0]
            raise DataError(f"{NAME}: two rows have the id {twice!r}.", "Get a fresh copy of the data.")
        made = tuple(Task(one.instance_id, one.repo, "", one.problem_statement, {"repo": one.repo}) for one in chosen)
        return TaskSet(NAME, split, made, source, digest(chosen))

    def at_hand(self, split: str, *, data: str = "") -> bool:
        """Whether the data is a file."""
        return bool(data) and Path(data).exists()

    async def open(self, task: Task, *, seed: int, services: EpisodeServices) -> SweEpisode:
        """The repository of an instance in its own container, with one commit."""
        instance = self._instances[task.id]
        setup = Setup(None, image_of(instance, self._image, self._registry), WORKDIR, limits=LIMITS)
        sandbox = await self._backend.start(setup)
        try:
            made = await sandbox.exec(["bash", "-c", ONE_COMMIT, "one-commit", WORKDIR], seconds=600.0)
            if made.code:
                told = " ".join(made.output.split())[-200:]
                raise EnvironmentFailure(f"{task.id}: its repository cannot be reduced to one commit: {told}.")
        except BaseException:
            await sandbox.close()
            raise
        truth = {"instance": instance.instance_id, "repo": instance.repo}
        brief = Brief(instance.problem_statement, WORKDIR, self._seconds, truth, PRELUDE)

        async def grade(patch: str) -> Verdict:
            return await grade_patch(self._backend, setup, instance, patch, self._test_seconds)

        return SweEpisode(sandbox, brief, grade)

    def solution(self, task: Task) -> Solution:
        """Applies the reference and submits it."""
        patch = self._instances[task.id].patch
        patch = patch if patch.endswith("\n") else f"{patch}\n"
        commands = [f"git apply <<'END-OF-PATCH'\n{patch}END-OF-PATCH", SUBMISSION]
        return Solution(tuple(Action.call(TOOL, {"command": command}) for command in commands))

    def facts(self) -> Mapping[str, Any]:
        """The backend used, and how many rows the official harness could grade as they are."""
        return {"sandbox": self._backend.name}

    @cached_property
    def _backend(self) -> Backend:
        return choose(self._named, unsafe_local=False, offered=("podman", "docker"))

    def _chosen(self, instances: list[Instance]) -> list[Instance]:
        if not self._ids:
            return list(instances)
        try:
            wanted = Path(self._ids).read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(
                f"{NAME}: {self._ids} cannot be read: {error}.", "Name a file with one id per line."
            ) from error
        known = {one.instance_id for one in instances}
        for name in wanted:
            if name not in known:
                raise UnknownNameError(f"instance of {NAME}", name, known)
        return [one for one in instances if one.instance_id in set(wanted)]
