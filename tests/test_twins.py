"""Tasks that ask the same are found, and those that only look alike are not."""

from __future__ import annotations

import time

import pytest

from rbsuite.seeds import rng
from rbsuite.twins import find_twins

LONG = (
    "A shop owner who lives in state A sued a distributor in a federal court for breach of a contract over 100 lamps, and the "
    "distributor brought in the wholesaler that had sold the lamps to it. Which court decides about that claim?"
)


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        (LONG, "identical"),
        (LONG.upper().replace(" ", "  "), "identical"),
        (LONG.replace("federal", "district"), "near"),
        (LONG.replace("Which court decides", "Which court then decides"), "near"),
        (LONG.replace("100", "200"), ""),
        (LONG.replace("over 100 lamps", "over 100 - 20 lamps"), ""),
        (
            LONG.replace("shop owner who lives", "farmer with a barn").replace("lamps", "cows").replace("sued", "met"),
            "",
        ),
    ],
)
def test_pairs(other: str, kind: str) -> None:
    twins = find_twins({"a": LONG, "x": "Something else.", "b": other})
    assert (twins.identical, twins.near) == (int(kind == "identical"), int(kind == "near"))
    assert twins.of == ({"a": ("b",), "b": ("a",)} if kind else {})
    assert bool(twins.said("tasks")) is bool(kind)


def test_short_texts_are_twins_only_where_they_are_equal() -> None:
    assert find_twins({"a": "Count the apples.", "b": "Count the pears.", "c": "count  the apples."}).of == {
        "a": ("c",),
        "c": ("a",),
    }


def test_all_of_a_group_are_each_others_twins() -> None:
    twins = find_twins({"a": LONG, "b": LONG.replace("federal", "district"), "c": LONG})
    assert twins.of == {"a": ("b", "c"), "b": ("a", "c"), "c": ("a", "b")}
    assert (twins.identical, twins.near) == (1, 2)


def test_it_finds_what_comparing_all_pairs_finds_and_is_quick() -> None:
    """Random texts of few words, so that there are many near pairs; against the definition, pair by pair."""
    chance = rng("twins")
    texts = {str(n): " ".join(chance.choice("abcdef") * 3 for _ in range(chance.randint(15, 22))) for n in range(300)}

    def share(a: str, b: str) -> float:
        one, other = sorted(texts[a].split()), texts[b].split()
        shared = 0
        for word in one:
            if word in other:
                other.remove(word)
                shared += 1
        return shared / (len(one) + len(texts[b].split()) - shared)

    expected = {(a, b) for a in texts for b in texts if int(a) < int(b) and share(a, b) >= 0.9}
    found = {(a, b) for a, others in find_twins(texts).of.items() for b in others if int(a) < int(b)}
    assert len(expected) > 10
    assert found == expected
    started = time.process_time()
    find_twins({str(n): f"{LONG} {chance.random()} " + chance.choice("abc") * (n % 50) for n in range(3000)})
    assert time.process_time() - started < 5
