"""Published figures: shown apart from what was measured here, and never ranked with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from rbsuite.errors import UsageError
from rbsuite.files import Unusable, parse_toml, read_file

FILE = "reference.toml"
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Figure:
    """A published figure.

    Attributes:
        benchmark: the benchmark that was run.
        subset: the tasks, as far as they are known.
        metric: what is measured, in its own unit.
        system: the method.
        model: the agent's model; empty if it is not known.
        value: the figure, in the source's own unit.
        unit: ``percent``, ``share``, ``error share`` or ``steps``.
        source: where it was published.
        settings: what is known about how it was obtained.
        steps: mean steps, if the source reports them.
        boards: boards in this repository for the same benchmark.
        verified: always ``false``: nobody here has recomputed it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    benchmark: str
    subset: str
    metric: str
    system: str
    value: float
    unit: Literal["percent", "share", "error share", "steps"]
    source: str
    settings: str
    verified: Literal[False]
    model: str = ""
    steps: float | None = None
    boards: list[str] = field(default_factory=list)


_FIGURES = TypeAdapter(list[Figure])


def read_references(root: Path) -> Sequence[Figure]:
    """The published figures of a directory of boards; none if it has no such file.

    Raises:
        UsageError: the file cannot be read.
    """
    path = root / FILE
    if not path.is_file():
        return []
    try:
        table = parse_toml(read_file(path, most=_MOST_BYTES, within=root))
        return _FIGURES.validate_python(table.get("figure", []))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(one) for one in first["loc"])
        raise UsageError(f"{path}: figure {where}: {first['msg'].lower()}.", "Fix the file.") from error
    except (OSError, Unusable, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", "Fix the file.") from error
