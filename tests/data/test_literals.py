from __future__ import annotations

import string
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.data.literals import Call, LiteralReader, parse_source
from rbsuite.errors import DataError

CALLS = {"Riddle": frozenset({"text", "answers"})}


def read(source: str) -> dict[str, Any]:
    return LiteralReader("riddles.py", CALLS).assignments(parse_source(source.encode(), "riddles.py"))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_literals_read_as_python_writes_them(value: Any) -> None:
    assert read(f"X = {value!a}") == {"X": value}


def test_tuples_concatenation_annotations_and_imports() -> None:
    source = '"""Doc."""\nfrom somewhere import Riddle\nX: list = (1, -2.5, "a" "b")\n'
    assert read(source) == {"X": [1, -2.5, "ab"]}


def test_known_calls_are_read_with_their_place() -> None:
    call = read("X = [\n  Riddle(text='t', answers=['a']),\n]")["X"][0]
    assert call == Call("Riddle", {"text": "t", "answers": ["a"]}, "riddles.py:2")


@pytest.mark.parametrize(
    "expression",
    [
        "f'{1}'",
        "open('x')",
        "Riddle('t')",
        "Riddle(**{})",
        "Riddle(other=1)",
        "Riddle.text()",
        "Riddle(text='t')(text='t')",
        "1 + 1",
        "'a' * 10",
        "name",
        "a.b",
        "[x for x in ()]",
        "lambda: 1",
        "{1, 2}",
        "{1: 2}",
        "{**{}}",
        "[*()]",
        "b'x'",
        "1j",
        "...",
        "-True",
        "not 1",
        "~1",
        "--1",
        "1e999",
        "(y := 1)",
        "1 if 2 else 3",
        "await x",
    ],
)
def test_every_other_expression_is_refused_with_its_line(expression: str) -> None:
    with pytest.raises(DataError, match=r"riddles\.py:3: .*never run"):
        read(f"\n\nX = [{expression}]")


@pytest.mark.parametrize(
    "statement",
    [
        "print('hi')",
        "X += [1]",
        "X.append(1)",
        "X[0] = 1",
        "del X",
        "def f(): pass",
        "if 1: pass",
        "a = b = 1",
        "X: int",
    ],
)
def test_every_other_statement_is_refused_with_its_line(statement: str) -> None:
    with pytest.raises(DataError, match=r"riddles\.py:2"):
        read(f"Y = 1\n{statement}")


def test_a_name_assigned_twice_is_refused() -> None:
    with pytest.raises(DataError, match=r"riddles\.py:2: X is assigned twice"):
        read("X = 1\nX = 2")


def test_a_syntax_error_names_its_line() -> None:
    with pytest.raises(DataError, match=r"riddles\.py:2: not valid Python"):
        read("X = 1\nY = [1,,]\n")


@pytest.mark.parametrize(
    "source", ["X = 'a\0b'", "X = " + "[" * 5000, "X = " + "-" * 50_000 + "1", "# coding: no-such-codec\nX = 1"]
)
def test_hostile_sources_give_one_clear_error(source: str) -> None:
    with pytest.raises(DataError, match="riddles"):
        read(source)


@given(st.text(string.printable, max_size=60))
def test_no_text_gives_any_other_error(source: str) -> None:
    with suppress(DataError):
        assert isinstance(read(source), dict)
