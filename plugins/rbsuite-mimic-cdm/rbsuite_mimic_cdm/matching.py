"""How similar two texts are, as measured by thefuzz, and whether a mention is negated."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from rbsuite_mimic_cdm.rules import rules


@lru_cache(maxsize=65_536)
def ratio(one: str, other: str) -> float:
    """``100 * (1 - d / (m + n))``, where d counts the insertions and deletions that turn one text into the other; 100 for two empty ones.

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


def likeness(one: str, other: str) -> float:
    """How similar two names are if one may occur within the other: thefuzz's ``WRatio``, 0 to 100, its default.

    Case and punctuation do not count. Besides the ratio of the whole texts, it considers words in another order, words in common and, if
    one text is at least half as long again, the best passage of the longer one, each weighted by a factor below 1.
    """
    one, other = (re.sub(r"\W", " ", text.lower()).strip() for text in (one, other))
    if not (one and other):
        return 0.0
    longer = max(len(one), len(other)) / min(len(one), len(other))
    whole, words = ratio(one, other), (sorted(set(one.split())), sorted(set(other.split())))
    common, (mine, theirs) = (
        [word for word in words[0] if word in words[1]],
        ([word for word in words[0] if word not in words[1]], [word for word in words[1] if word not in words[0]]),
    )
    in_order = (" ".join(sorted(one.split())), " ".join(sorted(other.split())))
    if longer < 1.5:
        if common and not (mine and theirs):
            return max(whole, 95.0)
        base, ends = " ".join(common), (" ".join([*common, *mine]), " ".join([*common, *theirs]))
        shared = (ratio(base, ends[0]), ratio(base, ends[1])) if common else ()
        return max(whole, 0.95 * max(ratio(*in_order), ratio(*ends), *shared))
    scale = 0.9 if longer <= 8 else 0.6
    of_words = 100.0 if common else max(_passage(*in_order), _passage(" ".join(mine), " ".join(theirs)))
    return max(whole, scale * _passage(one, other), 0.95 * scale * of_words)


def _passage(one: str, other: str) -> float:
    """The ratio of the shorter text and the most similar passage of the longer one, of at most the same length."""
    short, long = sorted((one, other), key=len)
    size = len(short)
    return max(ratio(short, long[max(0, at) : at + size]) for at in range(1 - size, len(long)))


def best(text: str, names: Iterable[str], least: float) -> str | None:
    """The name most similar to a text, the first of equals; ``None`` if none reaches the least ratio (rounded, as in thefuzz)."""
    found, most = None, least
    for name in names:
        if 200.0 * min(len(text), len(name)) < (least - 1.0) * (len(text) + len(name)):
            continue  # lengths too different
        value = round(ratio(text, name.lower()))
        if value >= most and (found is None or value > most):
            found, most = name, value
    return found


def mentioned(text: str, pattern: str) -> bool:
    """Whether a text mentions what a regular expression finds in lower-case text, with at least one mention that is not negated."""
    lower = text.lower()
    return any(not negated(lower, *match.span()) for match in re.finditer(pattern, lower))


def negated(text: str, start: int, end: int) -> bool:
    """Whether what is between two positions of a text is negated, by phrases before or after it (after NegEx).

    Words that only seem to deny ("not only") do not count. A phrase reaches a fixed number of words, and not beyond the end of a sentence
    or a word such as "but".
    """
    known = rules()["negation"]
    lower = text.lower()
    for phrase in known["pseudo"]:
        lower = lower.replace(phrase, " " * len(phrase))
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
