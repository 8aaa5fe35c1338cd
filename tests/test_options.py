"""References: how users write names with options, and the one canonical way to write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.errors import UsageError
from rbsuite.options import Option, OptionValue, PartReference, canonical_reference

OPTIONS = (
    Option("k", "int", 1, "how many", minimum=1, maximum=100),
    Option("rate", "float", 0.8, "how often", minimum=0.0, maximum=1.0),
    Option("deep", "bool", False, "whether deep"),
    Option("mode", "str", "fast", "how", choices=("fast", "slow")),
)


def read(text: str) -> dict[str, OptionValue]:
    return dict(PartReference.parse(text).values("memory", OPTIONS))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("x", {"k": 1, "rate": 0.8, "deep": False, "mode": "fast"}),
        ("x:", {"k": 1, "rate": 0.8, "deep": False, "mode": "fast"}),
        ("x:3", {"k": 3, "rate": 0.8, "deep": False, "mode": "fast"}),
        ("x:3,0.5", {"k": 3, "rate": 0.5, "deep": False, "mode": "fast"}),
        ("x:rate=1,deep=yes", {"k": 1, "rate": 1.0, "deep": True, "mode": "fast"}),
        (" x : 3 , mode = slow ", {"k": 3, "rate": 0.8, "deep": False, "mode": "slow"}),
        ("x:deep=OFF", {"k": 1, "rate": 0.8, "deep": False, "mode": "fast"}),
    ],
)
def test_values_are_read(text: str, values: dict[str, OptionValue]) -> None:
    got = read(text)
    assert got == values
    assert [type(value) for value in got.values()] == [int, float, bool, str]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["no name"]),
        (":k=1", ["no name"]),
        ("x:k=1,k=2", ["'k'", "twice"]),
        ("x:1,k=2", ["'k'", "twice"]),
        ("x:kk=1", ["option of memory 'x'", "Did you mean 'k'", "Known: deep, k, mode, rate"]),
        ("x:rat=1", ["Did you mean 'rate'"]),
        ("x:k=many", ["memory 'x'", "k='many'", "a whole number", "how many"]),
        ("x:k=1.5", ["a whole number"]),
        ("x:rate=high", ["a number", "how often"]),
        ("x:deep=maybe", ["true or false"]),
        ("x:mode=medium", ["mode='medium'", "fast, slow"]),
        ("x:k=0", ["k=0", ">= 1 and <= 100"]),
        ("x:rate=nan", ["rate=nan", "out of range"]),
        ("x:rate=inf", ["rate=inf", "out of range"]),
        ("x:k=" + "9" * 400, ["out of range"]),
        ("x:1,1,yes,fast,5", ["5 values", "It takes 4: k, rate, deep, mode"]),
    ],
)
def test_bad_references_are_refused_in_one_line(text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    message = str(caught.value)
    assert [word for word in words if word not in message] == []
    assert "\n" not in message


def test_bounds_are_inclusive_and_one_sided() -> None:
    assert read("x:k=1,rate=0")["k"] == 1
    assert read("x:k=100,rate=1")["k"] == 100
    option = Option("n", "int", 0, "n", maximum=5)
    assert option.read("-7", "x") == -7
    with pytest.raises(UsageError, match=r"It must be <= 5\."):
        option.read("6", "x")


def test_name_without_options_takes_none() -> None:
    with pytest.raises(UsageError, match="It takes no options"):
        PartReference.parse("x:1").values("judge", ())


def test_what_takes_no_options_says_so() -> None:
    with pytest.raises(UsageError, match="judge 'x' takes no options, but was given 'y'"):
        PartReference.parse("x:y=1").values("judge", ())


@given(
    st.integers(1, 100),
    st.floats(0.0, 1.0),
    st.booleans(),
    st.sampled_from(["fast", "slow"]),
)
def test_canonical_reference_is_read_back_as_it_was(k: int, rate: float, deep: bool, mode: str) -> None:
    """A condition is named, stored and run by its canonical reference: it must lose nothing, not even the last bit of a number."""
    values: dict[str, OptionValue] = {"k": k, "rate": rate, "deep": deep, "mode": mode}
    text = canonical_reference("x", values, OPTIONS)
    assert read(text) == values
    assert canonical_reference("x", read(text), OPTIONS) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_survives(value: float) -> None:
    option = Option("f", "float", 0.5, "f")
    text = canonical_reference("x", {"f": value}, (option,))
    assert PartReference.parse(text).values("model", (option,)) == {"f": value}


def test_canonical_reference_leaves_defaults_out_and_keeps_the_declared_order() -> None:
    assert canonical_reference("x", read("x:k=1,mode=fast"), OPTIONS) == "x"
    assert canonical_reference("x", read("x:mode=slow,deep=1,rate=0.50,k=02"), OPTIONS) == (
        "x:k=2,rate=0.5,deep=true,mode=slow"
    )


SHOWN = (
    Option("k", "int", 3, "how many", always=True),
    Option("rate", "float", 0.5, "how often", always=True),
    Option("deep", "bool", False, "whether deep"),
)


@given(st.integers(-9, 9), st.floats(0, 1), st.booleans())
def test_option_that_is_always_shown_stands_first_without_its_name(k: int, rate: float, deep: bool) -> None:
    values: dict[str, OptionValue] = {"k": k, "rate": rate, "deep": deep}
    text = canonical_reference("x", values, SHOWN)
    assert PartReference.parse(text).values("scaling", SHOWN) == values
    assert text.startswith(f"x:{k},")
    assert canonical_reference("x", {"k": 3, "rate": 0.5, "deep": False}, SHOWN) == "x:3,0.5"


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reference = PartReference.parse(text)
    except UsageError:
        return
    assert reference.name
    assert ":" not in reference.name


def test_an_option_that_is_always_shown_stands_without_its_name() -> None:
    options = (Option("k", "int", 3, "k", always=True), Option("mode", "str", "a", "mode"))
    assert canonical_reference("x", {"k": 3, "mode": "a"}, options) == "x:3"
    assert canonical_reference("x", {"k": 5, "mode": "b"}, options) == "x:5,mode=b"
    read = PartReference.parse("x:5,mode=b").values("thing", options)
    assert read == {"k": 5, "mode": "b"}
