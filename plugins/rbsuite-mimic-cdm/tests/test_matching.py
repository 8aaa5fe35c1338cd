"""Fuzzy ratio and negation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbsuite_mimic_cdm.matching import best, negated, ratio


def longest_common(one: str, other: str) -> int:
    """Of two texts, by the table that every textbook has."""
    row = [0] * (len(other) + 1)
    for letter in one:
        before = row
        row = [0]
        for at, second in enumerate(other):
            row.append(before[at] + 1 if letter == second else max(before[at + 1], row[at]))
    return row[-1]


@settings(max_examples=100)
@given(st.text("abc ", max_size=12), st.text("abc ", max_size=12))
def test_the_ratio_is_that_of_the_longest_common_subsequence(one: str, other: str) -> None:
    total = len(one) + len(other)
    assert ratio(one, other) == (200.0 * longest_common(one, other) / total if total else 100.0)


@pytest.mark.parametrize(
    ("one", "other", "value"),
    # What rapidfuzz 3 gives for fuzz.ratio.
    [
        ("appendicitis", "apendicitis", 95.65217391304348),
        ("pancreatitis", "pancreatic", 81.81818181818181),
        ("this is a test", "this is a test!", 96.55172413793103),
        ("imaging", "image", 66.66666666666667),
    ],
)
def test_the_ratio_is_rapidfuzz_s(one: str, other: str, value: float) -> None:
    assert ratio(one, other) == pytest.approx(value)


def test_the_best_name_is_the_first_of_equals_and_none_below_the_least() -> None:
    assert best("lipas", ["Lipase", "lipase", "amylase"], 90.0) == "Lipase"
    assert best("lip", ["lipase"], 90.0) is None


@pytest.mark.parametrize(
    ("text", "negative"),
    [
        ("acute X", False),
        ("no X", True),
        ("no evidence of acute X", True),
        ("without signs of X", True),
        ("patient denies X", True),
        ("rule out X", True),
        ("X was ruled out", True),
        ("X is unlikely", True),
        ("absence of X", True),
        ("no fever, but X", False),
        ("no fever. X", False),
        ("not this one; X", False),
        ("no one of all of the many other things here X", False),
        ("X; no fever", False),
        ("nothing but X", False),
        ("X however unlikely it seemed", False),
    ],
)
def test_negation_reaches_as_far_as_its_clause(text: str, negative: bool) -> None:
    at = text.index("X")
    assert negated(text, at, at + 1) is negative
