"""The bounded calculator against Python's own arithmetic, on expressions built as trees."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from rbsuite_dialogue.calculator import MAX_DEPTH, MAX_LENGTH, ExpressionSyntaxError, LimitExceeded, calculate
from speed import cpu_seconds

OPERATORS: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "+": (1, operator.add),
    "-": (1, operator.sub),
    "*": (2, operator.mul),
    "/": (2, operator.truediv),
    "//": (2, operator.floordiv),
}


@dataclass(frozen=True)
class Built:
    """An expression's text, how tight it binds, and what Python makes of the tree it was built as."""

    text: str
    rank: int
    value: Callable[[], Any]


def shown(value: Any) -> str:
    return str(round(float(value), 2))


def leaf(number: float) -> Built:
    return Built(repr(number) if isinstance(number, int) else f"{number:.3f}", 5, lambda: float_or_int(number))


def float_or_int(number: float) -> float:
    return number if isinstance(number, int) else float(f"{number:.3f}")


def signed(sign: str, operand: Built) -> Built:
    # A sign binds tighter than * and looser than **.
    text = operand.text if operand.rank >= 3 else f"({operand.text})"
    function = operator.neg if sign == "-" else operator.pos
    return Built(sign + text, 3, lambda: function(operand.value()))


def binary(symbol: str, left: Built, right: Built, gap: str) -> Built:
    rank, function = OPERATORS[symbol]
    left_text = left.text if left.rank >= rank else f"({left.text})"
    right_text = right.text if right.rank > rank else f"({right.text})"
    return Built(f"{left_text}{gap}{symbol}{gap}{right_text}", rank, lambda: function(left.value(), right.value()))


def power(base: Built, exponent: int) -> Built:
    text = base.text if base.rank > 4 else f"({base.text})"
    return Built(f"{text}**{exponent}", 4, lambda: base.value() ** exponent)


def trees() -> st.SearchStrategy[Built]:
    numbers = st.one_of(st.integers(0, 10**6), st.floats(0, 10**6, allow_nan=False))
    return st.recursive(
        st.builds(leaf, numbers),
        lambda inner: st.one_of(
            st.builds(signed, st.sampled_from("+-"), inner),
            st.builds(binary, st.sampled_from(sorted(OPERATORS)), inner, inner, st.sampled_from(["", " ", "  "])),
            st.builds(power, inner, st.integers(-3, 4)),
        ),
        max_leaves=12,
    )


@given(trees())
def test_a_value_is_what_python_computes(built: Built) -> None:
    try:
        ours = outcome(lambda: calculate(built.text))
    except LimitExceeded:
        reject()  # powers of powers grow large
    assert ours == outcome(lambda: shown(built.value()))


def outcome(compute: Callable[[], str]) -> str:
    """A result, or the error in its place."""
    try:
        return compute()
    except ArithmeticError as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2**-1", "0.5"),
        ("-2**2", "-4.0"),
        ("2**3**2", "512.0"),
        ("2**-1**2", "0.5"),
        ("8-3-2", "3.0"),
        ("100/10/2", "5.0"),
        ("7//2*2", "6.0"),
        ("-7//2", "-4.0"),
        ("1 - - 1", "2.0"),
        (".5+1.", "1.5"),
        ("00", "0.0"),
        ("007.5", "7.5"),
        ("  1 + 1  ", "2.0"),
        ("0.1+0.2", "0.3"),
        ("2.675*1", "2.67"),
        ("10**400//10**399", "10.0"),
        ("10.0**308*10", "inf"),
        ("10.0**308*10-10.0**308*10", "nan"),
    ],
)
def test_values(expression: str, value: str) -> None:
    assert calculate(expression) == value


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1/0", "division by zero"),
        ("1//0", "integer division or modulo by zero"),
        ("1.0/0", "float division by zero"),
        ("0**-1", "0.0 cannot be raised to a negative power"),
        ("10**400", "int too large to convert to float"),
        ("10.0**400", "(34, 'Numerical result out of range')"),
        ("(0-8)**(1/3)", "float() argument must be a string or a real number, not 'complex'"),
        ("2(3)", "'int' object is not callable"),
        ("2.5()", "'float' object is not callable"),
        ("2(1/0)", "division by zero"),
        ("2(*3)", "2 argument after * must be an iterable, not int"),
        ("2(**3)", "2 argument after ** must be a mapping, not int"),
        ("()", "float() argument must be a string or a real number, not 'tuple'"),
        ("...", "float() argument must be a string or a real number, not 'ellipsis'"),
        ("()+1", 'can only concatenate tuple (not "int") to tuple'),
        ("1+()", "unsupported operand type(s) for +: 'int' and 'tuple'"),
        ("1e5", "invalid characters in expression"),
        ("1,2", "invalid characters in expression"),
        ("1\n", "invalid characters in expression"),
    ],
)
def test_errors_have_pythons_texts(expression: str, message: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 (Python's own errors of many kinds)
        calculate(expression)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "expression",
    [
        *("", " ", "1 2", "(1", "1)", "1+", "*1", "1**", "2 * * 3", "1.2.3", "1..", ".", "..", "....", "1 .5", "007"),
        *("(*1)", "1(", "1(*)", "1(2 3)", "1+)", "(1+)", "1/ /2", "1***2", "()1", "...1"),
    ],
)
def test_what_is_no_expression_is_a_syntax_error(expression: str) -> None:
    with pytest.raises(ExpressionSyntaxError, match=r"\(<string>, line [01]\)$"):
        calculate(expression)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (None, "'NoneType' object is not iterable"),
        (True, "'bool' object is not iterable"),
        (3, "'int' object is not iterable"),
        ([1], "'in <string>' requires string as left operand, not int"),
        (["1", "+", "1"], "eval() arg 1 must be a string, bytes or code object"),
        ({}, "eval() arg 1 must be a string, bytes or code object"),
        (["x"], "invalid characters in expression"),
    ],
)
def test_what_is_no_text_fails_like_upstream(expression: object, message: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 (Python's own errors of many kinds)
        calculate(expression)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "expression",
    [
        "9**9**9**9",
        "(" * 1_000_000,
        "-" * 1_000_000 + "1",
        "1" * 1_000_000,
        "1+" * MAX_LENGTH + "1",
        "*".join(["9**5000"] * 400),
        "(9**5160-1)//(9**2580-2)+" * 150 + "9**9999",
        "2**" * 100 + "1",
    ],
    ids=["power tower", "parentheses", "signs", "digits", "long sum", "long product", "long divisions", "deep powers"],
)
def test_what_is_beyond_the_limits_is_refused_at_once(expression: str) -> None:
    def refuse() -> None:
        with pytest.raises(LimitExceeded):
            calculate(expression)

    assert cpu_seconds(refuse, 0.25) < 0.25


def test_the_limits_leave_room() -> None:
    assert calculate("(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH) == "1.0"
    assert calculate("+".join(["1"] * (MAX_LENGTH // 2))) == f"{MAX_LENGTH // 2}.0"
    with pytest.raises(LimitExceeded, match="open"):
        calculate("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1))


@given(st.text(alphabet="0123456789+-*/(). ", max_size=20))
def test_any_text_gives_a_number_or_an_ordinary_error(expression: str) -> None:
    try:
        value = calculate(expression)
    except (ArithmeticError, TypeError, LimitExceeded, ExpressionSyntaxError):
        return
    assert shown(float(value)) == value
