"""The sample split: its schema, that every answer is found again by enumeration, and that no text is upstream's."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest

Record: TypeAlias = dict[str, Any]
Point: TypeAlias = tuple[int, int]
Count: TypeAlias = Callable[[], int]

SAMPLE = Path(__file__).resolve().parents[1] / "rbsuite_aime" / "sample"
KEYS = ["id", "family", "problem", "answer", "technique", "mistake", "wrong"]


def rows(path: Path) -> list[Record]:
    """The objects of a JSONL file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


RECORDS = {row["id"]: row for row in rows(SAMPLE / "aime_sample.jsonl")}
FAMILIES = sorted({row["family"] for row in RECORDS.values()})


# --- schema and counts ------------------------------------------------------------------------------------------------


def test_schema() -> None:
    for row in RECORDS.values():
        assert list(row) == KEYS
        assert all(isinstance(value, str) and value == value.strip() != "" for value in row.values())
        for key in ("answer", "wrong"):
            assert row[key] == str(int(row[key]))
            assert 0 <= int(row[key]) <= 999
        assert row["answer"] != row["wrong"]
        assert row["problem"].count("$") % 2 == 0


def test_counts() -> None:
    assert len(rows(SAMPLE / "aime_sample.jsonl")) == len(RECORDS) >= 24
    assert len(FAMILIES) >= 6
    assert set(Counter(row["family"] for row in RECORDS.values()).values()) == {4}
    assert len({row["problem"] for row in RECORDS.values()}) == len(RECORDS)


def test_a_family_shares_one_lesson_and_one_mistake() -> None:
    for key in ("technique", "mistake"):
        by_family = {(row["family"], row[key]) for row in RECORDS.values()}
        assert len(by_family) == len({text for _, text in by_family}) == len(FAMILIES)


def test_the_lesson_stands_nowhere_else() -> None:
    techniques = {row["technique"].lower() for row in RECORDS.values()}
    mistakes = {row["mistake"].lower() for row in RECORDS.values()}
    shown = [row["problem"].lower() for row in RECORDS.values()]
    for text in techniques:
        assert text.count(".") == 1, "one sentence"
        assert text.endswith(".")
        assert not any(text in other for other in [*shown, *mistakes, *(techniques - {text})])
    for text in mistakes:
        assert text.endswith(".")
        assert not any(text in other for other in [*shown, *techniques, *(mistakes - {text})])


def test_source() -> None:
    text = (SAMPLE / "SOURCE.md").read_text(encoding="utf-8")
    assert "rbsuite project" in text
    assert "Apache-2.0" in text
    assert "no upstream text" in text


# --- answers by enumeration -------------------------------------------------------------------------------------------


def winning_tickets() -> int:
    return sum(any(number % step == 0 for step in (6, 10, 15)) for number in range(1, 841))


def lamps_left_on() -> int:
    return sum(all(number % step for step in (4, 7, 9)) for number in range(1, 901))


def calm_rows() -> int:
    orders = map("".join, itertools.permutations("ABCDEF"))
    return sum(not any(pair in order for pair in ("AB", "CD", "EF")) for order in orders)


def four_coloured_signals() -> int:
    return sum(len(set(signal)) == 4 for signal in itertools.product("rgwa", repeat=5))


def residue(base: int, exponent: int, modulus: int) -> int:
    """The residue of a power, by one multiplication after the other."""
    value = 1
    for _ in range(exponent):
        value = value * base % modulus
    return value


def sum_of_powers() -> int:
    return (3**1000 + 5**1000) % 61


def routes(goal: Point, needed: frozenset[Point] = frozenset(), closed: frozenset[Point] = frozenset()) -> int:
    """Monotone routes from the origin, walked one by one, that visit all needed points and no closed one."""

    def walk(x: int, y: int, seen: int) -> Iterator[int]:
        if x > goal[0] or y > goal[1] or (x, y) in closed:
            return
        seen += (x, y) in needed
        if (x, y) == goal:
            yield seen
            return
        yield from walk(x + 1, y, seen)
        yield from walk(x, y + 1, seen)

    return sum(seen == len(needed) for seen in walk(0, 0, 0))


def with_digit_sum(numbers: Iterable[int], total: int) -> int:
    return sum(sum(map(int, str(number))) == total for number in numbers)


def same_ends() -> Iterator[int]:
    return (number for number in range(1000, 10000) if number // 1000 == number % 10)


TRIANGLE = ((0, 0), (15, 5), (6, 27))
GARDEN = ((0, 0), (18, 0), (24, 12), (6, 20))
PENTAGON = ((0, 0), (15, 0), (21, 9), (10, 20), (0, 15))
PARALLELOGRAM = ((0, 0), (21, 7), (30, 25), (9, 18))


def lattice_points(corners: tuple[Point, ...], least: int) -> int:
    """Grid points that lie to the left of each side, by at least so much; corners go counter-clockwise."""

    def left_of(a: Point, b: Point, x: int, y: int) -> int:
        return (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])

    sides = list(itertools.pairwise([*corners, corners[0]]))
    grid = itertools.product(range(40), repeat=2)
    return sum(all(left_of(a, b, x, y) >= least for a, b in sides) for x, y in grid)


def lantern_patterns(length: int = 12) -> int:
    return sum("11" not in "".join(bits) for bits in itertools.product("01", repeat=length))


def shelf_fillings(length: int = 10) -> int:
    return sum(
        sum(boxes) == length for number in range(1, length + 1) for boxes in itertools.product((1, 2, 3), repeat=number)
    )


def code_words(length: int = 6) -> int:
    return sum("XX" not in "".join(word) for word in itertools.product("XYZ", repeat=length))


def round_trips(hops: int = 10) -> int:
    return sum(sum(trip) % 5 == 0 for trip in itertools.product((1, -1), repeat=hops))


def divisors(number: int) -> list[int]:
    small = [d for d in range(1, math.isqrt(number) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)})


def square_divisors() -> int:
    return sum(math.isqrt(d) ** 2 == d for d in divisors(2**8 * 3**6 * 5**4))


def pairs_with_multiple() -> int:
    return sum(math.lcm(a, b) == 360 for a, b in itertools.product(range(1, 361), repeat=2))


def even_divisors() -> int:
    return sum(d % 2 == 0 for d in divisors(12**4 * 5**3))


def triples_with_product() -> int:
    return sum(x * y <= 432 and 432 % (x * y) == 0 for x, y in itertools.product(range(1, 433), repeat=2))


ANSWERS: dict[str, Count] = {
    "sample-inclusion-exclusion-1": winning_tickets,
    "sample-inclusion-exclusion-2": lamps_left_on,
    "sample-inclusion-exclusion-3": calm_rows,
    "sample-inclusion-exclusion-4": four_coloured_signals,
    "sample-residue-cycles-1": partial(residue, 2, 2500, 97),
    "sample-residue-cycles-2": partial(residue, 6, 7**5, 53),
    "sample-residue-cycles-3": sum_of_powers,
    "sample-residue-cycles-4": partial(residue, 11, 3000, 199),
    "sample-paths-through-points-1": partial(routes, (6, 4), closed=frozenset({(3, 2)})),
    "sample-paths-through-points-2": partial(routes, (7, 5), needed=frozenset({(4, 3)})),
    "sample-paths-through-points-3": partial(routes, (7, 6), needed=frozenset({(2, 1), (5, 4)})),
    "sample-paths-through-points-4": partial(routes, (6, 6), closed=frozenset({(2, 2), (4, 3)})),
    "sample-digit-sums-1": lambda: with_digit_sum(range(100, 1000), 12),
    "sample-digit-sums-2": lambda: with_digit_sum(range(1000, 10000), 9),
    "sample-digit-sums-3": lambda: with_digit_sum(range(100, 1000), 20),
    "sample-digit-sums-4": lambda: with_digit_sum(same_ends(), 14),
    "sample-lattice-points-1": partial(lattice_points, TRIANGLE, 1),
    "sample-lattice-points-2": partial(lattice_points, GARDEN, 1),
    "sample-lattice-points-3": partial(lattice_points, PENTAGON, 1),
    "sample-lattice-points-4": partial(lattice_points, PARALLELOGRAM, 0),
    "sample-step-recurrences-1": lantern_patterns,
    "sample-step-recurrences-2": shelf_fillings,
    "sample-step-recurrences-3": code_words,
    "sample-step-recurrences-4": round_trips,
    "sample-prime-exponents-1": square_divisors,
    "sample-prime-exponents-2": pairs_with_multiple,
    "sample-prime-exponents-3": even_divisors,
    "sample-prime-exponents-4": triples_with_product,
}


# --- wrong answers by making the mistake ------------------------------------------------------------------------------


def multiples(limit: int, *steps: int) -> int:
    """The multiples of each step, counted anew for each."""
    return sum(number % step == 0 for step in steps for number in range(1, limit + 1))


def rows_with_a_pair() -> int:
    orders = ["".join(order) for order in itertools.permutations("ABCDEF")]
    return sum(pair in order for pair in ("AB", "CD", "EF") for order in orders)


def signals_without_a_colour() -> int:
    return sum(colour not in signal for colour in "rgwa" for signal in itertools.product("rgwa", repeat=5))


def splits(parts: int, total: int) -> int:
    """Ordered splits of a total into non-negative parts."""
    return sum(sum(split) == total for split in itertools.product(range(total + 1), repeat=parts))


def pick(corners: tuple[Point, ...], sign: int) -> int:
    """Pick's relation with the corners alone on the boundary: the points inside (-1), or all of them (+1)."""
    sides = itertools.pairwise([*corners, corners[0]])
    points, rest = divmod(sum(a[0] * b[1] - a[1] * b[0] for a, b in sides) + sign * len(corners) + 2, 2)
    assert rest == 0
    return points


def multiples_in_both(number: int) -> int:
    """Pairs with that least common multiple in which each prime of the number divides both."""
    found = itertools.product(divisors(number), repeat=2)
    return sum(math.lcm(a, b) == number and math.gcd(a, b) % 30 == 0 for a, b in found)


def triples_of_multiples() -> int:
    return sum(x * y * z == 432 for x, y, z in itertools.product(range(6, 433, 6), range(6, 73, 6), range(6, 73, 6)))


WRONG: dict[str, Count] = {
    "sample-inclusion-exclusion-1": partial(multiples, 840, 6, 10, 15),
    "sample-inclusion-exclusion-2": lambda: 900 - multiples(900, 4, 7, 9),
    "sample-inclusion-exclusion-3": lambda: math.factorial(6) - rows_with_a_pair(),
    "sample-inclusion-exclusion-4": lambda: 4**5 - signals_without_a_colour(),
    "sample-residue-cycles-1": partial(residue, 2, 2500 % 97, 97),
    "sample-residue-cycles-2": partial(residue, 6, 7**5 % 53, 53),
    "sample-residue-cycles-3": lambda: (residue(3, 1000 % 61, 61) + residue(5, 1000 % 61, 61)) % 61,
    "sample-residue-cycles-4": partial(residue, 11, 3000 % 199, 199),
    "sample-paths-through-points-1": lambda: routes((6, 4)) - routes((3, 2)),
    "sample-paths-through-points-2": lambda: routes((4, 3)),
    "sample-paths-through-points-3": lambda: routes((5, 4), needed=frozenset({(2, 1)})),
    "sample-paths-through-points-4": lambda: (
        routes((6, 6)) - routes((2, 2)) - routes((4, 3)) + routes((4, 3), needed=frozenset({(2, 2)}))
    ),
    "sample-digit-sums-1": partial(splits, 3, 12),
    "sample-digit-sums-2": partial(splits, 4, 9),
    "sample-digit-sums-3": partial(splits, 3, 20),
    "sample-digit-sums-4": lambda: sum(14 - 2 * end + 1 for end in range(8)),
    "sample-lattice-points-1": partial(pick, TRIANGLE, -1),
    "sample-lattice-points-2": partial(pick, GARDEN, -1),
    "sample-lattice-points-3": partial(pick, PENTAGON, -1),
    "sample-lattice-points-4": partial(pick, PARALLELOGRAM, 1),
    "sample-step-recurrences-1": partial(lantern_patterns, 11),
    "sample-step-recurrences-2": partial(shelf_fillings, 9),
    "sample-step-recurrences-3": partial(code_words, 5),
    "sample-step-recurrences-4": partial(round_trips, 9),
    "sample-prime-exponents-1": lambda: sum(
        math.isqrt(d) ** 2 == d and d % 30 == 0 for d in divisors(2**8 * 3**6 * 5**4)
    ),
    "sample-prime-exponents-2": partial(multiples_in_both, 360),
    "sample-prime-exponents-3": lambda: sum(d % 30 == 0 for d in divisors(12**4 * 5**3)),
    "sample-prime-exponents-4": triples_of_multiples,
}


def test_every_problem_has_a_checker() -> None:
    assert set(ANSWERS) == set(WRONG) == set(RECORDS)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_answer(name: str) -> None:
    assert int(RECORDS[name]["answer"]) == ANSWERS[name]()


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_wrong_answer_is_what_the_mistake_gives(name: str) -> None:
    assert int(RECORDS[name]["wrong"]) == WRONG[name]()


# --- nothing is upstream's --------------------------------------------------------------------------------------------


def word_runs(text: str, length: int = 8) -> set[tuple[str, ...]]:
    """All runs of so many words in a row."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


def test_no_overlap_with_upstream() -> None:
    given = os.environ.get("RBSUITE_TEST_PACKS")
    packs = Path(given) if given else Path(__file__).resolve().parents[3].parent / "shared" / "packs"
    files = sorted((packs / "aime").glob("aime_*.jsonl"))
    if not files:
        pytest.skip("no aime pack: set RBSUITE_TEST_PACKS to the directory that holds aime/")
    theirs = [row["problem"] for path in files for row in rows(path)]
    ours = [row[key] for row in RECORDS.values() for key in ("problem", "technique", "mistake")]
    assert not set(ours) & set(theirs)
    assert not {run for text in ours for run in word_runs(text)} & {run for text in theirs for run in word_runs(text)}
