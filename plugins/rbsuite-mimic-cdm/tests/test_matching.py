"""Fuzzy ratio and negation."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rbsuite_mimic_cdm.matching import best, likeness, negated, ratio


@given(st.text("abcdef -", max_size=90), st.text("abcdef -", max_size=90))
@example("appendicitis", "apendicitis")
@example("", "")
def test_the_ratio_is_rapidfuzz_s(one: str, other: str) -> None:
    fuzz = pytest.importorskip("rapidfuzz.fuzz", reason="rapidfuzz, which rbsuite-toolsandbox brings, is not installed")
    assert ratio(one, other) == pytest.approx(fuzz.ratio(one, other))


@given(
    st.text("abc de-", max_size=30), st.sampled_from(["ab cd", "Physical Examination", "Laboratory Tests", "Imaging"])
)
@example("Physical Exam", "Physical Examination")
@example("lab tests", "Laboratory Tests")
@example("Tests, laboratory", "Laboratory Tests")
def test_the_likeness_is_rapidfuzz_s(one: str, other: str) -> None:
    fuzz = pytest.importorskip("rapidfuzz.fuzz", reason="rapidfuzz, which rbsuite-toolsandbox brings, is not installed")
    cleaned = re.sub(r"[^a-z]", " ", one.lower()).strip(), other.lower()  # as thefuzz does
    assert likeness(one, other) == pytest.approx(fuzz.WRatio(*cleaned) if cleaned[0] else 0.0)


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
        ("X without fever", False),
        ("not only X", False),  # words that only seem to deny
        ("no change of X", False),
        ("neither this nor X", True),
        ("the CT fails to reveal X", True),
        ("no one of all of the many other things here X", False),
        ("X; no fever", False),
        ("nothing but X", False),
        ("X however unlikely it seemed", False),
    ],
)
def test_negation_reaches_as_far_as_its_clause(text: str, negative: bool) -> None:
    at = text.index("X")
    assert negated(text, at, at + 1) is negative
