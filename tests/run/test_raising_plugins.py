"""Whatever method of a plugin raises, the command says whose fault it is, on one line."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from experiments import core_plugins
from rbsuite.cli import run
from rbsuite.environments.solution import Lesson, Solution
from rbsuite.errors import RbsuiteError
from rbsuite.hookspecs import hookimpl
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.specs import EmbedderSpec, EnvironmentSpec, ModelSpec
from rbsuite.task import Task, TaskSet
from toy import TOY, Toy


class Own(BaseException):
    pass


class Speechless(Exception):
    def __str__(self) -> str:
        return self.missing  # type: ignore[attr-defined,no-any-return]


class Raising:
    """Which method raises, and what."""

    at: ClassVar[str] = ""
    kind: ClassVar[type[BaseException]] = ValueError

    @classmethod
    def here(cls, place: str) -> None:
        if cls.at == place:
            raise cls.kind("boom\nand more")


class Environment(Toy):
    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        Raising.here("tasks")
        return replace(super().tasks(split, domain=domain, data=data), environment="raising")

    def solution(self, task: Task) -> Solution | None:
        Raising.here("solution")
        return super().solution(task)

    def lessons(self) -> Mapping[str, Lesson]:
        Raising.here("lessons")
        return super().lessons()

    def facts(self) -> Mapping[str, Any]:
        Raising.here("facts")
        return super().facts()

    async def aclose(self) -> None:
        Raising.here("aclose")


class Embedder:
    dimension = 1

    @property
    def id(self) -> str:
        Raising.here("id")
        return "raising/1"

    async def embed(self, texts: Sequence[str]) -> Any:
        Raising.here("embed")
        return np.ones((len(texts), 1), dtype=np.float32)


class Model:
    name = "raising-model"

    async def complete(self, request: ModelRequest) -> Completion:
        Raising.here("complete")
        return Completion("1")

    async def aclose(self) -> None:
        Raising.here("model-aclose")


class Plugin:
    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        return [replace(TOY, name="raising", factory=f"{__name__}:Environment", aliases=())]

    @hookimpl
    def rbsuite_embedders(self) -> Sequence[EmbedderSpec]:
        return [EmbedderSpec("raising-embedder", "raises", f"{__name__}:Embedder")]

    @hookimpl
    def rbsuite_models(self) -> Sequence[ModelSpec]:
        return [ModelSpec("raising-model", "raises", f"{__name__}:Model")]


@pytest.mark.parametrize(
    "kind", [ValueError, SystemExit, asyncio.CancelledError, GeneratorExit, Own, Speechless, RbsuiteError]
)
@pytest.mark.parametrize(
    ("at", "owner"),
    [
        ("tasks", "environment 'raising'"),
        ("solution", "solution of environment Environment on task "),
        ("lessons", "environment Environment"),
        ("facts", "environment 'raising'"),
        ("aclose", "environment 'raising', which was to close,"),
        ("id", "embedder 'raising-embedder'"),
        ("embed", "embedder 'raising/1'"),
        ("complete", "model 'raising-model'"),
        ("model-aclose", "model 'raising-model', which was to close,"),
    ],
)
def test_a_method_that_raises_is_one_line(
    at: str,
    owner: str,
    kind: type[BaseException],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Raising, "at", at)
    monkeypatch.setattr(Raising, "kind", kind)
    given = ["eval", "--env", "raising", "--memory", "synapse", "--embedder", "raising-embedder", "--orders", "1"]
    model = ["--model", "raising-model"] if "model" in owner else []
    assert run([*given, *model, "--quiet", "--out", str(tmp_path / "out")], core_plugins(Plugin())) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith(f"rbsuite: error: {owner}")
    assert f"failed: {kind.__name__}{'' if kind is Speechless else ': boom and more'}" in err
