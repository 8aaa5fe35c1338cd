"""Finds names spelled like a text, by the groups of three letters that they share."""

from __future__ import annotations

from collections.abc import Sequence


def nearest(text: str, names: Sequence[str], most: int) -> list[tuple[float, str]]:
    """The names that share groups of letters with a text, with the share in [0, 1], best first."""
    wanted = trigrams(text)
    found = []
    for name in names:
        has = trigrams(name)
        both = len(wanted & has)
        if both:
            # A short text may be part of a long name, so what counts is how much of the shorter one is found.
            found.append((0.5 * both / len(wanted | has) + 0.5 * both / min(len(wanted), len(has)), name))
    return sorted(found, key=lambda one: (-one[0], one[1]))[:most]


def trigrams(text: str) -> frozenset[str]:
    """The groups of three letters of each word, with a blank before and after."""
    words = "".join(letter if letter.isalnum() else " " for letter in text.casefold()).split()
    return frozenset(f" {word} "[at : at + 3] for word in words for at in range(len(word)))
