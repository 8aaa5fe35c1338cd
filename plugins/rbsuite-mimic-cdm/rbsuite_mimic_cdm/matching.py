"""How alike two texts are, as thefuzz's ``ratio`` says it, and whether a mention is negated."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from rbsuite_mimic_cdm.rules import rules


@lru_cache(maxsize=65_536)
def ratio(one: str, other: str) -> float:
    """``100 * (1 - d / (m + n))``, where d counts the insertions and deletions from one text to the other; 100 for two empty ones.

    The same value as rapidfuzz's ``fuzz.ratio``, on which thefuzz builds. The longest common subsequence is found with one machine word
    per letter (Hyyro 2004).
    """
    total = len(one) + len(other)
    if not total:
        return 100.0
    places: dict[str, int] = {}
    for at, letter in enumerate(one):
        places[letter] = places.get(letter, 0) | 1 << at
    every = (1 << len(one)) - 1
    state = every
    for letter in other:
        matched = state & places.get(letter, 0)
        state = ((state + matched) | (state - matched)) & every
    common = len(one) - state.bit_count()
    return 200.0 * common / total


def best(text: str, names: Iterable[str], least: float) -> str | None:
    """The name that is most like a text, the first of equals; ``None`` where none reaches the least ratio."""
    found, most = None, least
    for name in names:
        value = ratio(text, name.lower())
        if value >= most and (found is None or value > most):
            found, most = name, value
    return found


def negated(text: str, start: int, end: int) -> bool:
    """Whether what stands between two places of a text is negated, by phrases before or after it (after NegEx).

    A phrase reaches as far as a number of words, and not beyond the end of a sentence or a word such as "but".
    """
    known = rules()["negation"]
    lower = text.lower()
    stop = r"[.;:\n]|\b(?:" + "|".join(known["stops"]) + r")\b"
    before = re.split(stop, lower[:start])[-1]
    after = re.split(stop, lower[end:])[0]
    near_before = " ".join(_words(before)[-known["reach"] :])
    near_after = " ".join(_words(after)[: known["reach"]])
    return any(_has(near_before, phrase) for phrase in known["before"]) or any(
        _has(near_after, phrase) for phrase in known["after"]
    )


def _words(text: str) -> list[str]:
    return re.findall(r"[\w'-]+", text)


def _has(words: str, phrase: str) -> bool:
    return f" {phrase} " in f" {words} "
