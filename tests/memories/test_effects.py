"""Whatever operation the bank accepts, a store reads back as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from rbsuite.errors import PluginError
from rbsuite.experience import MemoryItem, MemoryOp, Provenance
from rbsuite.jsonable import canonical
from rbsuite.memories.effects import State, effects_of
from rbsuite.store.rows import decode_op, op_row


class Word(str, Enum):  # noqa: UP042 - its str() is not its text
    WORD = "word"


class Odd(int):
    pass


@dataclass(frozen=True)
class Further(Provenance):
    more: int = 1


SOURCE = Provenance("t", 0, (0,), "success", "self")
ITEM = MemoryItem(
    "new", "title", "description", "content", "key", "e", "kind", "domain", SOURCE, 1, ("old",), {"n": 1.0}
)
OLD = replace(ITEM, id="old", links=(), counters={"n": 1e308})
OPS = (
    MemoryOp("add", SOURCE, ITEM),
    MemoryOp("update", SOURCE, OLD),
    MemoryOp("delete", SOURCE, item_id="old"),
    MemoryOp("link", SOURCE, item_id="old", target="old"),
    MemoryOp("score", SOURCE, item_id="old", counters={"n": 1.0}),
    MemoryOp("put_document", SOURCE, document="d", text="x"),
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    5,
    -1,
    2**70,
    Odd(3),
    1.5,
    float("nan"),
    float("inf"),
    np.float64(1.5),
    np.int64(2),
    "",
    "x",
    "\ud800",
    "\x00",
    Word.WORD,
    b"x",
    [],
    [1],
    ["x"],
    (),
    (1,),
    (True,),
    ("x",),
    {},
    {"n": 1},
    {"n": float("inf")},
    {"n": 1e308},
    {1: 2},
    {Word.WORD: 1.0},
    {0},
    MappingProxyType({"n": 1.0}),
    object(),
    Further("t", 0),
    ITEM,
)
STATE = State({"old": OLD}.get, lambda _: 0, lambda _: None)


def changed(op: MemoryOp, where: str, value: object) -> MemoryOp:
    """The operation with one field replaced: its own, one of its item, or of a provenance."""
    part, _, name = where.rpartition(".")
    if not part:
        return replace(op, **{name: value})
    if part == "provenance":
        return replace(op, provenance=replace(op.provenance, **{name: value}))
    item = op.item or ITEM
    if part == "item":
        return replace(op, item=replace(item, **{name: value}))
    return replace(op, item=replace(item, provenance=replace(item.provenance, **{name: value})))


PLACES = [
    *(field.name for field in fields(MemoryOp)),
    *(f"item.{field.name}" for field in fields(MemoryItem)),
    *(f"{part}provenance.{field.name}" for part in ("", "item.") for field in fields(Provenance)),
]


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("op", OPS, ids=lambda op: op.op)
def test_an_operation_is_refused_or_read_back_as_it_was(op: MemoryOp, where: str) -> None:
    refused = 0
    for value in VALUES:
        odd = changed(op, where, value)
        try:
            effects = effects_of(1, [odd], STATE)
        except PluginError:
            refused += 1
            continue
        assert canonical(decode_op(op_row(odd)[-1])) == canonical(odd), f"{where} = {value!r}"
        canonical([item for _, item in effects.items])
    assert refused


@pytest.mark.parametrize(
    ("op", "says"),
    [
        (MemoryOp("add", SOURCE, replace(ITEM, revision=None)), "the item's revision is not a whole number"),  # type: ignore[arg-type]
        (MemoryOp("put_document", SOURCE, 5, document="d"), "its item is an int"),  # type: ignore[arg-type]
        (MemoryOp("score", SOURCE, item_id="old", counters={"n": 1e308}), "counter 'n' is not a finite number"),
        (MemoryOp("add", replace(SOURCE, rollouts={0: 1}), ITEM), "a provenance with a field of another type"),  # type: ignore[arg-type]
    ],
)
def test_what_is_refused_is_named(op: MemoryOp, says: str) -> None:
    with pytest.raises(PluginError, match=says):
        effects_of(1, [op], STATE)


def test_a_mapping_and_a_list_are_fine() -> None:
    provenance = replace(SOURCE, rollouts=[0, 1])  # type: ignore[arg-type]
    counters: Mapping[str, float] = MappingProxyType({"n": 1.0})
    op = MemoryOp("add", provenance, replace(ITEM, counters=counters))
    assert effects_of(1, [op], STATE).items[0][0] == "new"
