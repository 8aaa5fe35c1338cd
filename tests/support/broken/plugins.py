"""A plugin that keeps every rule for plugins, and for each rule one that breaks it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import JudgeSpec, MemorySpec

JUDGE = JudgeSpec("good", "asks its model", "broken.judges:Good")


class Good:
    """Declares a judge."""

    @hookimpl
    def rbsuite_judges(self) -> Sequence[JudgeSpec]:
        return [JUDGE]


good = Good()


class Future(Good):
    api_version = 99


class Unmarked(Good):
    def rbsuite_memories(self) -> Sequence[MemorySpec]:
        return []


class Misspelt(Good):
    @hookimpl
    def rbsuite_judgse(self) -> Sequence[JudgeSpec]:
        return []


class Raises(Good):
    @hookimpl
    def rbsuite_memories(self) -> Sequence[MemorySpec]:
        raise ValueError("not today")


class Taken:
    @hookimpl
    def rbsuite_judges(self) -> Sequence[JudgeSpec]:
        return [JUDGE, JudgeSpec("self", "of the same name as the core's", "broken.judges:Good")]


class BadTemplate(Good):
    @hookimpl
    def rbsuite_prompt_dirs(self) -> Sequence[Path]:
        return [_directory()]


@cache
def _directory() -> Path:
    directory = Path(tempfile.mkdtemp())
    (directory / "broken.j2").write_text("{% if %}", encoding="utf-8")
    return directory


future, unmarked, misspelt, raises, taken, bad_template = (
    Future(),
    Unmarked(),
    Misspelt(),
    Raises(),
    Taken(),
    BadTemplate(),
)


def _unloadable() -> object:
    raise ImportError("no module named 'nowhere'")


BROKEN: Mapping[str, Callable[[], Any]] = {
    "loads": _unloadable,
    "version": lambda: future,
    "marked": lambda: unmarked,
    "hooks": lambda: misspelt,
    "declares": lambda: raises,
    "own-names": lambda: taken,
    "cheap": lambda: import_module("broken.heavy"),
    "templates": lambda: bad_template,
}
"""For each rule what an entry point would load."""
