"""Frozen dataclasses of both kinds behave alike."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from rbsuite.frozen import dataclass


def declare(decorator: Any) -> Any:
    @decorator(frozen=True, slots=True)
    class Record:
        name: str
        tags: tuple[str, ...] = ()
        more: dict[str, int] = dataclasses.field(default_factory=dict, compare=False)
        size: int = dataclasses.field(default=0)

        def __post_init__(self) -> None:
            if self.size < 0:
                raise ValueError("a size")

    return Record


OURS, THEIRS = declare(dataclass), declare(dataclasses.dataclass)
dataclass_of_this_module = OURS
OURS.__qualname__ = "dataclass_of_this_module"  # where pickle finds it


def outcome(act: Callable[[], Any]) -> str:
    try:
        return repr(act()).replace("dataclass_of_this_module", THEIRS.__qualname__)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize(
    "act",
    [
        lambda record: record("a"),
        lambda record: record("a", ("b",), {"c": 1}, size=2),
        lambda record: record(name="a", tags=("b",)),
        lambda record: record(),
        lambda record: record("a", (), {}, 3, 4),
        lambda record: record("a", wrong=1),
        lambda record: record("a", size=-1),
        lambda record: record("a").more is record("a").more,
        lambda record: (record("a") == record("a", more={"b": 1}), record("a") == record("b"), record("a") == ("a",)),
        lambda record: (hash(record("a")) == hash(record("a")), len({record("a"), record("a"), record("b")})),
        lambda record: dataclasses.replace(record("a", size=1), tags=("b",)),
        lambda record: dataclasses.asdict(record("a", size=1)),
        lambda record: [field.name for field in dataclasses.fields(record)],
        lambda record: list(inspect.signature(record).parameters),
        lambda record: copy.deepcopy(record("a", more={"b": 1})),
        lambda record: setattr(record("a"), "name", "b"),
        lambda record: delattr(record("a"), "name"),
        lambda record: setattr(record("a"), "other", "b"),
        lambda record: type("Sub", (record,), {"__repr__": lambda self: f"Sub {self.name}"})("a", size=1),
    ],
)
def test_a_record_is_made_and_used_like_one_of_the_standard_library(act: Callable[[Any], Any]) -> None:
    ours = outcome(lambda: act(OURS))
    assert ours == outcome(lambda: act(THEIRS))


def test_a_record_survives_pickling() -> None:
    record = OURS("a", ("b",), {"c": 1}, size=2)
    again = pickle.loads(pickle.dumps(record))  # noqa: S301  # its own
    assert (again, again.more, type(again)) == (record, record.more, OURS)
