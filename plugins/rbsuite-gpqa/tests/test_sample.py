"""The sample split: its schema, and that every answer is found again from first principles."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest

Record: TypeAlias = dict[str, Any]
Check: TypeAlias = Callable[[], tuple[float, float]]
"""Computes the correct answer, and the one to which the mistake leads, in the unit of the options."""

SAMPLE = Path(__file__).resolve().parents[1] / "rbsuite_gpqa" / "sample"
INCORRECT = [f"Incorrect Answer {number}" for number in (1, 2, 3)]
UPSTREAM_KEYS = {"Question", "Correct Answer", *INCORRECT, "Explanation", "Subdomain", "High-level domain", "Record ID"}
OWN_KEYS = {"family", "technique", "mistake", "wrong"}
R = 8.314


def rows(path: Path) -> list[Record]:
    """The objects of a JSONL file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


RECORDS = {row["Record ID"]: row for row in rows(SAMPLE / "gpqa_sample.jsonl")}
FAMILIES = {row["family"] for row in RECORDS.values()}


# --- schema and counts ------------------------------------------------------------------------------------------------


def test_schema() -> None:
    for row in RECORDS.values():
        assert set(row) == UPSTREAM_KEYS | OWN_KEYS
        assert all(isinstance(value, str) and value == value.strip() != "" for value in row.values())
        options = [row["Correct Answer"], *(row[key] for key in INCORRECT)]
        assert len(set(options)) == 4
        assert row["wrong"] in options[1:]
        assert row["High-level domain"] in {"Physics", "Chemistry", "Biology"}


def test_counts() -> None:
    assert len(rows(SAMPLE / "gpqa_sample.jsonl")) == len(RECORDS) >= 24
    assert len(FAMILIES) >= 6
    assert min(Counter(row["family"] for row in RECORDS.values()).values()) >= 3
    assert min(Counter(row["High-level domain"] for row in RECORDS.values()).values()) >= 9
    assert len({row["Question"] for row in RECORDS.values()}) == len(RECORDS)


def test_the_wrong_answer_has_no_fixed_place() -> None:
    places = Counter(key for row in RECORDS.values() for key in INCORRECT if row[key] == row["wrong"])
    assert set(places) == set(INCORRECT)


def test_a_family_shares_one_lesson_and_one_mistake() -> None:
    for key in ("technique", "mistake"):
        by_family = {(row["family"], row[key]) for row in RECORDS.values()}
        assert len(by_family) == len({text for _, text in by_family}) == len(FAMILIES)


def test_the_lesson_stands_nowhere_else() -> None:
    techniques = {row["technique"].lower() for row in RECORDS.values()}
    mistakes = {row["mistake"].lower() for row in RECORDS.values()}
    shown = [value.lower() for row in RECORDS.values() for key, value in row.items() if key in UPSTREAM_KEYS]
    for text in techniques | mistakes:
        assert text.endswith(".")
        assert not any(text in other for other in [*shown, *((techniques | mistakes) - {text})])


def test_source() -> None:
    text = (SAMPLE / "SOURCE.md").read_text(encoding="utf-8")
    assert "rbsuite project" in text
    assert "Apache-2.0" in text
    assert "no upstream text" in text


# --- physics ----------------------------------------------------------------------------------------------------------


def rest_energy(*parts: tuple[float, float, float]) -> float:
    """The rest energy of a system of (rest energy, x and y momentum), by its total four-momentum."""
    energy = sum(math.sqrt(m * m + px * px + py * py) for m, px, py in parts)
    return math.sqrt(energy**2 - sum(part[1] for part in parts) ** 2 - sum(part[2] for part in parts) ** 2)


def invariant_mass(*parts: tuple[float, float, float]) -> tuple[float, float]:
    return rest_energy(*parts), sum(part[0] for part in parts)


def least_energy(levels: Sequence[float], count: int) -> tuple[float, float]:
    """The least energy of spin-1/2 fermions, over all choices of distinct (orbital, spin) states; and all in the lowest."""
    states = [energy for energy in levels for _ in ("up", "down")]
    return min(map(sum, itertools.combinations(states, count))), count * min(levels)


def integral(function: Callable[[float], float], start: float, stop: float, steps: int = 4000) -> float:
    """The integral of a smooth function, by the midpoint rule."""
    width = (stop - start) / steps
    return width * sum(function(start + (step + 0.5) * width) for step in range(steps))


def expansion() -> tuple[float, float]:
    return integral(lambda volume: 2 * R / volume, 1, 3), 0


def two_blocks() -> tuple[float, float]:
    return integral(lambda t: 400 / t, 300, 400) + integral(lambda t: 400 / t, 500, 400), 0


def mixing() -> tuple[float, float]:
    return integral(lambda volume: R / volume, 1, 4) + integral(lambda volume: 3 * R / volume, 3, 4), 0


# --- chemistry --------------------------------------------------------------------------------------------------------


def on_heating(constant: float, energy: float, cold: float, hot: float) -> tuple[float, float]:
    """d ln k / dT = E/(R T^2), integrated over the temperature; the mistake turns the energy positive."""
    change = integral(lambda t: energy / (R * t * t), cold, hot)
    return constant * math.exp(change), constant * math.exp(abs(change))


def buffer(pka: float, acid: float, base: float, strong_base: float) -> tuple[float, float]:
    """The pH at which a litre is electrically neutral, by bisection; the mistake leaves the strong base out.

    Arguments are amounts in mol; a strong acid counts as a negative amount of strong base. The counter-ions of the
    conjugate base are ``base`` plus ``strong_base``.
    """

    def excess(ph: float, added: float) -> float:
        hydrogen = 10**-ph
        deprotonated = (acid + base) * 10**-pka / (10**-pka + hydrogen)
        return base + added + hydrogen - 1e-14 / hydrogen - deprotonated

    def neutral(added: float) -> float:
        low, high = 0.0, 14.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if excess(middle, added) > 0 else (low, middle)
        return low

    return neutral(strong_base), neutral(0)


def half_time(first: float, second: float, level: float) -> float:
    """When two simultaneous first-order losses have brought an amount down to a level; in small steps.

    Each loss alone would reach the level at the given times.
    """
    rates = -math.log(level) * (1 / first + 1 / second)
    step, amount, time = min(first, second) / 20000, 1.0, 0.0
    while amount > level:
        amount *= (1 - rates * step / 2) / (1 + rates * step / 2)
        time += step
    return time


def parallel(first: float, second: float, level: float = 0.5) -> tuple[float, float]:
    return half_time(first, second, level), (first + second) / 2


def chained(*steps: tuple[int, float]) -> tuple[float, float]:
    """The potential of a sum of half-reactions (electrons, potential), by their Gibbs energies; and the bare sum."""
    gibbs = [-electrons * 96485 * potential for electrons, potential in steps]
    return -sum(gibbs) / (96485 * sum(electrons for electrons, _ in steps)), sum(volt for _, volt in steps)


# --- biology ----------------------------------------------------------------------------------------------------------


def gametes(first: str, second: str, recombination: Fraction) -> Mapping[str, Fraction]:
    """The gametes of an individual with two chromosomes of two loci each."""
    found: dict[str, Fraction] = {}
    for a, b in ((first, second), (second, first)):
        for gamete, share in ((a, (1 - recombination) / 2), (a[0] + b[1], recombination / 2)):
            found[gamete] = found.get(gamete, Fraction(0)) + share
    return found


def offspring(parents: Sequence[tuple[str, str]], rate: Fraction, wanted: Callable[[str, str], bool]) -> Fraction:
    pools = [gametes(*parent, rate) for parent in parents]
    pairs = itertools.product(*(pool.items() for pool in pools))
    return sum((p * q for (a, p), (b, q) in pairs if wanted(a, b)), Fraction(0))


def linked(parents: Sequence[tuple[str, str]], rate: str, wanted: Callable[[str, str], bool]) -> tuple[float, float]:
    """Shares of the offspring in percent, with the linkage and with independent loci."""
    right, wrong = (offspring(parents, share, wanted) for share in (Fraction(rate), Fraction(1, 2)))
    return float(100 * right), float(100 * wrong)


def children(mother: str, father: str) -> Iterator[str]:
    """The four equally likely genotypes of a child."""
    return ("".join(sorted(pair)) for pair in itertools.product(mother, father))


HEALTHY_SIBLING = [child for child in children("Aa", "Aa") if child != "aa"]
UNCONDITIONED = ["AA", "Aa"]


def affected(mothers: Sequence[str], fathers: Sequence[str]) -> Fraction:
    """The share of affected children over all equally likely mothers, fathers and gametes."""
    born = [child for pair in itertools.product(mothers, fathers) for child in children(*pair)]
    return Fraction(born.count("aa"), len(born))


def carrier(fathers: Sequence[str] | None = None) -> tuple[float, float]:
    """A healthy sibling's child; the father is such a sibling too where none is given. The mistake: AA and Aa alike."""
    right, wrong = (affected(pool, fathers or pool) for pool in (HEALTHY_SIBLING, UNCONDITIONED))
    return float(right), float(wrong)


def enzyme_rate(substrate: float, inhibitor: float, vmax: float = 1, km: float = 1) -> float:
    """The steady state of an enzyme that binds substrate or inhibitor (in units of Ki): shares from mass balance."""
    free = 1 / (1 + substrate / km + inhibitor)
    return vmax * free * substrate / km


def inhibited(substrate: float, inhibitor: float, vmax: float, km: float) -> tuple[float, float]:
    mistaken = enzyme_rate(substrate, 0, vmax, km) / (1 + inhibitor)
    return enzyme_rate(substrate, inhibitor, vmax, km), mistaken


def rate_factor() -> tuple[float, float]:
    right, wrong = inhibited(4, 3, 1, 1)
    return right / enzyme_rate(4, 0), wrong / enzyme_rate(4, 0)


def halving_dose() -> tuple[float, float]:
    """The least inhibitor on a fine scale that halves the rate."""
    half = enzyme_rate(3, 0) / 2 + 1e-12
    doses = [step / 1000 for step in range(10000)]
    return next(d for d in doses if enzyme_rate(3, d) <= half), next(
        d for d in doses if inhibited(3, d, 1, 1)[1] <= half
    )


TESTER = ("ab", "ab")
BOX = [n * n for n in range(1, 6)]
SQUARE = [n * n + m * m for n in range(1, 4) for m in range(1, 4)]

CHECKS: dict[str, Check] = {
    "sample-invariant-mass-1": partial(invariant_mass, (3, 4, 0), (3, -4, 0)),
    "sample-invariant-mass-2": partial(invariant_mass, (1, math.sqrt(24), 0), (1, 0, 0)),
    "sample-invariant-mass-3": partial(invariant_mass, (0, 6, 0), (0, 0, 2)),
    "sample-fermion-filling-1": partial(least_energy, BOX, 5),
    "sample-fermion-filling-2": partial(least_energy, [n + 0.5 for n in range(4)], 4),
    "sample-fermion-filling-3": partial(least_energy, SQUARE, 8),
    "sample-entropy-as-state-1": expansion,
    "sample-entropy-as-state-2": two_blocks,
    "sample-entropy-as-state-3": mixing,
    "sample-exothermic-shift-1": partial(on_heating, 40, -50e3, 300, 340),
    "sample-exothermic-shift-2": partial(on_heating, 6, -12e3, 250, 350),
    "sample-exothermic-shift-3": partial(on_heating, 2000, -35e3, 290, 320),
    "sample-buffer-stoichiometry-1": partial(buffer, 4.76, 0.2, 0.3, -0.1),
    "sample-buffer-stoichiometry-2": partial(buffer, 9.25, 0.15, 0.1, 0.05),
    "sample-buffer-stoichiometry-3": partial(buffer, 7.2, 0.08, 0.02, 0.03),
    "sample-parallel-decay-1": partial(parallel, 12, 6),
    "sample-parallel-decay-2": partial(parallel, 20, 5, 1 / math.e),
    "sample-parallel-decay-3": partial(parallel, 8, 6),
    "sample-latimer-sum-1": partial(chained, (1, 0.6), (2, -0.45)),
    "sample-latimer-sum-2": partial(chained, (2, 1.1), (1, 0.2)),
    "sample-latimer-sum-3": partial(chained, (2, 0.9), (3, 0.3)),
    "sample-linked-loci-1": partial(linked, [("AB", "ab"), TESTER], "1/10", lambda a, b: (a, b) == ("Ab", "ab")),
    "sample-linked-loci-2": partial(linked, [("AB", "ab")] * 2, "1/5", lambda a, b: a + b == "abab"),
    "sample-linked-loci-3": partial(linked, [("Ab", "aB"), TESTER], "3/10", lambda a, b: {"A", "B"} <= {*a, *b}),
    "sample-carrier-risk-1": partial(carrier, ["Aa"]),
    "sample-carrier-risk-2": carrier,
    "sample-carrier-risk-3": partial(carrier, ["aa"]),
    "sample-competitive-inhibition-1": partial(inhibited, 6, 2, 100, 2),
    "sample-competitive-inhibition-2": rate_factor,
    "sample-competitive-inhibition-3": halving_dose,
}


def quantity(option: str) -> float:
    """The number at the start of an option."""
    found = re.match(r"[+-]?\d+(?:\.\d+|/\d+)?", option)
    assert found is not None, option
    return float(Fraction(found.group()))


def test_every_question_is_recomputed() -> None:
    assert set(CHECKS) == set(RECORDS)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_answer_and_mistake(name: str) -> None:
    row = RECORDS[name]
    right, wrong = CHECKS[name]()
    assert quantity(row["Correct Answer"]) == pytest.approx(right, rel=0.01, abs=0.005)
    assert quantity(row["wrong"]) == pytest.approx(wrong, rel=0.01, abs=0.005)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_other_options_are_clearly_off(name: str) -> None:
    row = RECORDS[name]
    right = quantity(row["Correct Answer"])
    assert all(abs(quantity(row[key]) - right) > max(0.015 * abs(right), 0.015) for key in INCORRECT)
    units = {re.sub(r"^[+-]?[\d./]+", "", row[key]) for key in ("Correct Answer", *INCORRECT)}
    assert len(units) == 1, "all options have the unit of the correct one"


# --- nothing is upstream's --------------------------------------------------------------------------------------------


def word_runs(text: str, length: int = 8) -> set[tuple[str, ...]]:
    """All runs of so many words in a row."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


def test_no_overlap_with_upstream() -> None:
    given = os.environ.get("RBSUITE_TEST_PACKS")
    packs = Path(given) if given else Path(__file__).resolve().parents[3].parent / "shared" / "packs"
    files = sorted((packs / "gpqa").glob("gpqa_*.jsonl"))
    if not files:
        pytest.skip("no gpqa pack: set RBSUITE_TEST_PACKS to the directory that holds gpqa/gpqa_*.jsonl")
    theirs = {run for path in files for row in rows(path) for run in word_runs(row["Question"])}
    assert not {run for row in RECORDS.values() for run in word_runs(row["Question"])} & theirs
