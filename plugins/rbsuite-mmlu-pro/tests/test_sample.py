"""The sample split: its schema, that what can be computed is computed again, and that no text is upstream's."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest

Record: TypeAlias = dict[str, Any]
Value: TypeAlias = float | str
Check: TypeAlias = Callable[[], tuple[Value, Value]]
"""Computes the correct answer, and the one to which the mistake leads: numbers in the unit of the options, or texts."""

SAMPLE = Path(__file__).resolve().parents[1] / "rbsuite_mmlu_pro" / "sample"
LETTERS = "ABCDEFGHIJ"
UPSTREAM_KEYS = ["question_id", "question", "options", "answer", "answer_index", "cot_content", "category", "src"]
OWN_KEYS = ["family", "technique", "mistake", "wrong"]
CATEGORIES = {
    *("math", "physics", "chemistry", "biology", "engineering", "computer science", "health"),
    *("law", "economics", "business", "psychology", "philosophy", "history", "other"),
}


def rows(path: Path) -> list[Record]:
    """The objects of a JSONL file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


QUESTIONS = rows(SAMPLE / "mmlu_pro_sample.jsonl")
EXAMPLES = rows(SAMPLE / "mmlu_pro_validation.jsonl")
FAMILIES = sorted({row["family"] for row in QUESTIONS})


# --- schema and counts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [*QUESTIONS, *EXAMPLES], ids=lambda row: str(row["question_id"]))
def test_schema(row: Record) -> None:
    options = row["options"]
    assert [type(row[key]) for key in UPSTREAM_KEYS] == [int, str, list, str, int, str, str, str]
    assert all(isinstance(text, str) and text == text.strip() != "" for text in [*options, row["question"]])
    assert len(set(options)) == len(options) <= 10
    assert 0 <= row["answer_index"] < len(options)
    assert row["answer"] == LETTERS[row["answer_index"]]
    assert row["cot_content"].endswith(f"the answer is ({row['answer']})")
    assert row["src"] == "rbsuite-sample"
    assert row["question_id"] > 12256, "outside upstream's range"


def test_keys() -> None:
    assert all(list(row) == UPSTREAM_KEYS + OWN_KEYS for row in QUESTIONS)
    assert all(list(row) == UPSTREAM_KEYS for row in EXAMPLES)


def test_counts() -> None:
    assert len(QUESTIONS) >= 42
    for listed, least in ((QUESTIONS, 3), (EXAMPLES, 2)):
        by_category = Counter(row["category"] for row in listed)
        assert set(by_category) == CATEGORIES
        assert min(by_category.values()) >= least
    assert sum(len(row["options"]) < 10 for row in [*QUESTIONS, *EXAMPLES]) <= 4
    assert min(Counter(row["family"] for row in QUESTIONS).values()) >= 3
    for key in ("question_id", "question"):
        assert len({row[key] for row in [*QUESTIONS, *EXAMPLES]}) == len(QUESTIONS) + len(EXAMPLES)


def test_letters_are_spread() -> None:
    for listed in (QUESTIONS, EXAMPLES):
        letters = Counter(row["answer"] for row in listed)
        assert set(letters) == set(LETTERS)
        assert max(letters.values()) <= len(listed) / 5


def test_the_mistake_leads_to_an_offered_wrong_letter() -> None:
    for row in QUESTIONS:
        assert row["wrong"] in LETTERS[: len(row["options"])]
        assert row["wrong"] != row["answer"]


def test_a_family_shares_one_lesson_and_one_mistake() -> None:
    for key in ("technique", "mistake"):
        by_family = {(row["family"], row["category"], row[key]) for row in QUESTIONS}
        assert len(by_family) == len({text for *_, text in by_family}) == len(FAMILIES)


def test_the_lesson_stands_nowhere_else() -> None:
    techniques = {row["technique"].lower() for row in QUESTIONS}
    mistakes = {row["mistake"].lower() for row in QUESTIONS}
    both = [*QUESTIONS, *EXAMPLES]
    shown = [text.lower() for row in both for text in (row["question"], row["cot_content"], *row["options"])]
    for text in techniques | mistakes:
        assert text.endswith(".")
        assert not any(text in other for other in [*shown, *((techniques | mistakes) - {text})])


def test_source() -> None:
    text = (SAMPLE / "SOURCE.md").read_text(encoding="utf-8")
    assert "rbsuite project" in text
    assert "Apache-2.0" in text
    assert "no upstream text" in text


# --- answers computed again -------------------------------------------------------------------------------------------


def share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits)


def dice() -> tuple[Value, Value]:
    return share([6 in rolls for rolls in itertools.product(range(1, 7), repeat=4)]), 4 / 6


def sensors() -> tuple[Value, Value]:
    # Each of ten equally likely outcomes of a sensor is a report for the first 3, 2 or 1 of them.
    outcomes = itertools.product(range(10), repeat=3)
    return share([a < 3 or b < 2 or c < 1 for a, b, c in outcomes]), 0.3 + 0.2 + 0.1


def aces() -> tuple[Value, Value]:
    return share([min(hand) < 4 for hand in itertools.combinations(range(52), 2)]), 2 * 4 / 52


def rolling(height: float, inertia: float) -> tuple[Value, Value]:
    """Speed after a descent on a slope of 30 degrees, in small steps of Newton's laws; the mistake has no rotation.

    Friction f turns the body, so m a = m g sin 30 - f and I a / r = f r with I = inertia m r^2.
    """

    def speed(part: float) -> float:
        a, v, fallen, step = 10 * 0.5 / (1 + part), 0.0, 0.0, 1e-4
        while fallen < height:
            fallen += (v + a * step / 2) * step * 0.5
            v += a * step
        return v

    return speed(inertia), speed(0)


def reaction(reactants: Sequence[tuple[float, int]], product: int) -> tuple[Value, Value]:
    """Amount of product when (amount, coefficient) react in small turns until one is used up; or by the first alone."""
    turn = 0.001
    left, made = [amount for amount, _ in reactants], 0.0
    while all(amount > coefficient * turn / 2 for amount, (_, coefficient) in zip(left, reactants, strict=True)):
        left = [amount - coefficient * turn for amount, (_, coefficient) in zip(left, reactants, strict=True)]
        made += product * turn
    amount, coefficient = reactants[0]
    return made, amount / coefficient * product


def partner(strand: str, pairs: str) -> tuple[Value, Value]:
    paired = strand.translate(str.maketrans("ACGT" if "T" in strand else "ACGU", pairs))
    return paired[::-1], paired


def series(*values: float, beside: float = 0.0) -> tuple[Value, Value]:
    """Springs or capacitors in a chain, and one beside it: load over total deflection; or as if they were resistors."""
    deflection = sum(1.0 / value for value in values)
    mistaken = sum(values)
    return 1.0 / deflection + beside, 1 / (1 / mistaken + 1 / beside) if beside else mistaken


def journey(start: tuple[int, int, int, int], end: tuple[int, int, int, int]) -> tuple[Value, Value]:
    """The time between two (day, hour, minute, UTC offset); the mistake leaves the offsets out."""

    def moment(day: int, hour: int, minute: int, offset: int) -> datetime:
        return datetime(2024, 5, day, hour, minute, tzinfo=timezone(timedelta(hours=offset)))

    def words(span: timedelta) -> str:
        return f"{span.seconds // 3600} h {span.seconds // 60 % 60:02d} min"

    return words(moment(*end) - moment(*start)), words(moment(*end[:3], 0) - moment(*start[:3], 0))


def real_change(before: float, index: float, after: float, later_index: float) -> tuple[Value, Value]:
    """Change in percent, of the number of baskets that the money buys and of the money."""
    return 100 * (after / later_index - before / index) / (before / index), 100 * (after - before) / before


def positives(prevalence: int, sensitivity: int, specificity: int) -> tuple[Value, Value]:
    """Share of the ill among the positive in percent, by counts in a million people."""
    ill = 1_000_000 * prevalence // 100
    found, alarms = ill * sensitivity // 100, (1_000_000 - ill) * (100 - specificity) // 100
    return 100 * found / (found + alarms), sensitivity


def price(cost: float, margin: int) -> tuple[Value, Value]:
    """The lowest price, cent by cent, at which the margin is reached; the mistake puts the margin on the cost."""
    cents = round(cost * 100)
    reached = next(p for p in itertools.count(cents) if Fraction(p - cents, p) >= Fraction(margin, 100))
    return reached / 100, cost * (1 + margin / 100)


def signed(bits: str) -> tuple[Value, Value]:
    """The value that a counter of that width reaches on going down from zero to the pattern."""
    plain = int(bits, 2)
    below = next(n for n in range(2 ** (len(bits) - 1) + 1) if (plain + n) % 2 ** len(bits) == 0)
    return -below, plain


def between(bce: int, ce: int) -> tuple[Value, Value]:
    years = [year for year in range(-bce, ce + 1) if year != 0]
    return years.index(ce), bce + ce


def form(second: str, conclusion: str) -> tuple[Value, Value]:
    """The form of ``if p then q; second; conclusion``; the mistake swaps p and q."""
    names = {
        ("p", "q"): "Modus ponens",
        ("-q", "-p"): "Modus tollens",
        ("q", "p"): "Affirming the consequent",
        ("-p", "-q"): "Denying the antecedent",
    }
    swap = str.maketrans("pq", "qp")
    return names[second, conclusion], names[second.translate(swap), conclusion.translate(swap)]


CHECKS: dict[str, list[Check]] = {
    "math": [dice, sensors, aces],
    "physics": [partial(rolling, 1.2, 1 / 2), partial(rolling, 2.5, 1), partial(rolling, 0.7, 2 / 5)],
    "chemistry": [
        partial(reaction, [(4, 1), (6, 3)], 2),
        partial(reaction, [(8, 4), (4.5, 3)], 2),
        partial(reaction, [(2, 1), (7.5, 5)], 3),
    ],
    "biology": [
        partial(partner, "ATGCCTA", "TGCA"),
        partial(partner, "GATTCC", "UGCA"),
        partial(partner, "GCA", "UGCU"),
    ],
    "engineering": [partial(series, 6, 3), partial(series, 200, 600), partial(series, 6, 12, beside=5)],
    "other": [
        partial(journey, (1, 22, 0, 2), (2, 6, 30, 8)),
        partial(journey, (1, 10, 0, 1), (1, 13, 0, -5)),
        partial(journey, (6, 23, 30, -3), (7, 14, 10, 1)),
    ],
    "economics": [
        partial(real_change, 50_000, 100, 56_000, 125),
        partial(real_change, 800, 100, 990, 110),
        partial(real_change, 600, 120, 780, 150),
    ],
    "health": [partial(positives, 1, 90, 95), partial(positives, 10, 80, 90), partial(positives, 2, 95, 98)],
    "business": [partial(price, 60, 40), partial(price, 45, 25), partial(price, 119, 30)],
    "philosophy": [partial(form, "-p", "-q"), partial(form, "q", "p"), partial(form, "-q", "-p")],
    "computer science": [partial(signed, "11101100"), partial(signed, "10000101"), partial(signed, "110011")],
    "history": [partial(between, 31, 14), partial(between, 44, 79), partial(between, 753, 476)],
}

EXAMPLE_CHECKS: dict[str, float] = {
    "odd positive integers": sum(range(1, 40, 2)),
    "slope of the graph": ((2.001**3 - 4 * 2.001) - (1.999**3 - 4 * 1.999)) / 0.002,
    "wavelength": 340 / 170,
    "12 V battery": 3.0 * 12,
    "sulfur": 4 * 2 - 2 * 1,
    "made up to 250 mL": 0.5 / 0.25,
    "sperm cell": 24 / 2,
    "its strain": 0.5e-3 / 2.0,
    "water tank": 1000 * 9.81 * 10 / 1000,
    "Roman numerals": 1000 + (1000 - 100) + (50 - 10) + (5 - 1),
    "elasticity": -5 / 10,
    "opportunity cost": 3000 + 500,
    "intelligence test": (130 - 100) / 15,
    "break even": 12_000 / (50 - 30),
    "current ratio": 90 / 60,
    "binary search": max(len(f"{place:b}") for place in range(1, 1001)),
    "hexadecimal": int("2F", 16),
}


def matches(option: str, value: Value) -> bool:
    """Whether an option states a value, up to the rounding that it shows."""
    if isinstance(value, str):
        return option == value
    found = re.match(r"[+-]?\d[\d,]*(?:\.(\d+))?", option)
    decimals = len(found.group(1) or "") if found else 0
    return found is not None and math.isclose(
        float(found.group().replace(",", "")), value, rel_tol=1e-9, abs_tol=0.51 * 10**-decimals if decimals else 1e-6
    )


def test_all_but_law_and_psychology_are_computed() -> None:
    assert set(CHECKS) == CATEGORIES - {"law", "psychology"}


@pytest.mark.parametrize("category", sorted(CHECKS))
def test_answers_and_mistakes(category: str) -> None:
    listed = [row for row in QUESTIONS if row["category"] == category]
    for row, check in zip(listed, CHECKS[category], strict=True):
        right, wrong = check()
        assert [option for option in row["options"] if matches(option, right)] == [row["options"][row["answer_index"]]]
        assert [LETTERS[place] for place, option in enumerate(row["options"]) if matches(option, wrong)] == [
            row["wrong"]
        ]


@pytest.mark.parametrize("phrase", sorted(EXAMPLE_CHECKS))
def test_worked_examples(phrase: str) -> None:
    (row,) = (row for row in EXAMPLES if phrase in row["question"])
    found = [place for place, option in enumerate(row["options"]) if matches(option, EXAMPLE_CHECKS[phrase])]
    assert found == [row["answer_index"]]


@pytest.mark.parametrize(("second", "conclusion"), [("-p", "-q"), ("q", "p"), ("-q", "-p"), ("p", "q")])
def test_the_valid_forms_are_called_modus(second: str, conclusion: str) -> None:
    def holds(term: str, p: bool, q: bool) -> bool:
        return {"p": p, "q": q}[term[-1]] != term.startswith("-")

    worlds = [(p, q) for p in (True, False) for q in (True, False) if not p or q]
    valid = all(holds(conclusion, p, q) for p, q in worlds if holds(second, p, q))
    assert valid == str(form(second, conclusion)[0]).startswith("Modus")


# --- nothing is upstream's --------------------------------------------------------------------------------------------


def word_runs(text: str, length: int = 8) -> set[tuple[str, ...]]:
    """All runs of so many words in a row."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


def test_no_overlap_with_upstream() -> None:
    given = os.environ.get("RBSUITE_TEST_PACKS")
    packs = Path(given) if given else Path(__file__).resolve().parents[3].parent / "shared" / "packs"
    path = packs / "mmlu-pro" / "mmlu_pro_test.jsonl"
    if not path.is_file():
        pytest.skip("no mmlu-pro pack: set RBSUITE_TEST_PACKS to the directory that holds mmlu-pro/")
    both = [*QUESTIONS, *EXAMPLES]
    texts = [text for row in both for text in (row["question"], row["cot_content"], *row["options"])]
    ours = {
        run for text in [*texts, *(row[key] for row in QUESTIONS for key in OWN_KEYS[1:3])] for run in word_runs(text)
    }
    questions = {row["question"] for row in both}
    for row in rows(path):
        assert row["question"] not in questions
        assert not any(ours & word_runs(text) for text in (row["question"], *row["options"])), row["question_id"]
