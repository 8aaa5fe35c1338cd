"""ROUGE-L with Porter's stemmer, as the library rouge-score 0.1.2 computes it.

The stemmer follows M. F. Porter, An algorithm for suffix stripping, 1980, with the changes that NLTK makes to it by default
(``NLTK_EXTENSIONS``), since that is the one that rouge-score uses.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

_NO_WORD = re.compile(r"[^a-z0-9]+")
_SHORT = 3
"""Words of up to this many letters are not stemmed."""


@lru_cache(maxsize=2048)
def rouge_l(target: str, prediction: str) -> float:
    """The F measure of the longest common subsequence of stemmed words, in [0, 1], rounded to float32."""
    wanted, given = _words(target), _words(prediction)
    if not wanted or not given:
        return 0.0
    common = _common(wanted, given)
    if not common:
        return 0.0
    precision, recall = common / len(given), common / len(wanted)
    return float32(2 * precision * recall / (precision + recall))


def float32(value: float) -> float:
    """The nearest single-precision number."""
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded


@lru_cache(maxsize=1024)
def _words(text: str) -> tuple[str, ...]:
    words = _NO_WORD.sub(" ", text.lower()).split()
    return tuple(stem(word) if len(word) > _SHORT else word for word in words)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for place, candidate in enumerate(other, start=1):
            above = row[place]
            row[place] = diagonal + 1 if word == candidate else max(above, row[place - 1])
            diagonal = above
    return row[-1]


_IRREGULAR = {
    form: word
    for word, forms in {
        "sky": ("sky", "skies"),
        "die": ("dying",),
        "lie": ("lying",),
        "tie": ("tying",),
        "news": ("news",),
        "inning": ("innings", "inning"),
        "outing": ("outings", "outing"),
        "canning": ("cannings", "canning"),
        "howe": ("howe",),
        "proceed": ("proceed",),
        "exceed": ("exceed",),
        "succeed": ("succeed",),
    }.items()
    for form in forms
}
_Rule = tuple[str, str, Callable[[str], bool] | None]


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """The stem of a word in lower case."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 2:
        return word
    for step in (_plurals, _past, _final_y, _double_suffixes, _ness, _suffixes, _final_e, _final_l):
        word = step(word)
    return word


def _consonant(word: str, place: int) -> bool:
    letter = word[place]
    if letter in "aeiou":
        return False
    if letter == "y":
        return place == 0 or not _consonant(word, place - 1)
    return True


def _measure(stem_: str) -> int:
    """How many times a vowel is followed by a consonant."""
    kinds = [_consonant(stem_, place) for place in range(len(stem_))]
    return sum(after and not before for before, after in pairwise(kinds))


def _positive(stem_: str) -> bool:
    return _measure(stem_) > 0


def _above_one(stem_: str) -> bool:
    return _measure(stem_) > 1


def _has_vowel(stem_: str) -> bool:
    return any(not _consonant(stem_, place) for place in range(len(stem_)))


def _double(word: str) -> bool:
    return len(word) >= 2 and word[-1] == word[-2] and _consonant(word, len(word) - 1)


def _cvc(word: str) -> bool:
    last = len(word) - 1
    if len(word) >= 3:
        shape = _consonant(word, last - 2) and not _consonant(word, last - 1) and _consonant(word, last)
        return shape and word[-1] not in "wxy"
    return len(word) == 2 and not _consonant(word, 0) and _consonant(word, 1)


def _apply(word: str, rules: Sequence[_Rule]) -> str:
    """Apply the first rule whose suffix fits; if its condition does not hold, apply none."""
    for suffix, replacement, condition in rules:
        if word.endswith(suffix):
            rest = word[: len(word) - len(suffix)]
            return rest + replacement if condition is None or condition(rest) else word
    return word


def _plurals(word: str) -> str:
    if word.endswith("ies") and len(word) == 4:
        return word[:-1]
    return _apply(word, (("sses", "ss", None), ("ies", "i", None), ("ss", "ss", None), ("s", "", None)))


def _past(word: str) -> str:
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _positive(word[:-3]) else word
    for suffix in ("ed", "ing"):
        if word.endswith(suffix):
            rest = word[: -len(suffix)]
            return _mended(rest) if _has_vowel(rest) else word
    return word


def _mended(rest: str) -> str:
    """A word without ``ed`` or ``ing``, with its original ending restored."""
    for suffix, replacement in (("at", "ate"), ("bl", "ble"), ("iz", "ize")):
        if rest.endswith(suffix):
            return rest[:-2] + replacement
    if _double(rest):
        return rest if rest[-1] in "lsz" else rest[:-1]
    return rest + "e" if _measure(rest) == 1 and _cvc(rest) else rest


def _final_y(word: str) -> str:
    def fits(rest: str) -> bool:
        return len(rest) > 1 and _consonant(rest, len(rest) - 1)

    return _apply(word, (("y", "i", fits),))


def _double_suffixes(word: str) -> str:
    if word.endswith("alli") and _positive(word[:-4]):
        return _double_suffixes(word[:-4] + "al")
    rules: tuple[_Rule, ...] = (
        ("ational", "ate", _positive),
        ("tional", "tion", _positive),
        ("enci", "ence", _positive),
        ("anci", "ance", _positive),
        ("izer", "ize", _positive),
        ("bli", "ble", _positive),
        ("alli", "al", _positive),
        ("entli", "ent", _positive),
        ("eli", "e", _positive),
        ("ousli", "ous", _positive),
        ("ization", "ize", _positive),
        ("ation", "ate", _positive),
        ("ator", "ate", _positive),
        ("alism", "al", _positive),
        ("iveness", "ive", _positive),
        ("fulness", "ful", _positive),
        ("ousness", "ous", _positive),
        ("aliti", "al", _positive),
        ("iviti", "ive", _positive),
        ("biliti", "ble", _positive),
        ("fulli", "ful", _positive),
        ("logi", "log", lambda rest: _positive(f"{rest}l")),
    )
    return _apply(word, rules)


def _ness(word: str) -> str:
    rules: tuple[_Rule, ...] = (
        ("icate", "ic", _positive),
        ("ative", "", _positive),
        ("alize", "al", _positive),
        ("iciti", "ic", _positive),
        ("ical", "ic", _positive),
        ("ful", "", _positive),
        ("ness", "", _positive),
    )
    return _apply(word, rules)


def _suffixes(word: str) -> str:
    plain = ("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent")
    rules: tuple[_Rule, ...] = (
        *((suffix, "", _above_one) for suffix in plain),
        ("ion", "", lambda rest: _above_one(rest) and rest[-1] in "st"),
        *((suffix, "", _above_one) for suffix in ("ou", "ism", "ate", "iti", "ous", "ive", "ize")),
    )
    return _apply(word, rules)


def _final_e(word: str) -> str:
    if not word.endswith("e"):
        return word
    rest = word[:-1]
    return rest if _measure(rest) > 1 or (_measure(rest) == 1 and not _cvc(rest)) else word


def _final_l(word: str) -> str:
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word
