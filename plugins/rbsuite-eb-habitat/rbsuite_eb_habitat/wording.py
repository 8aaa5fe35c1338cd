"""What an instruction says in so many words: categories, places, and places beside others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from rbsuite_eb_habitat.vocab import CATEGORIES, PLACE_NUMBER, RECEPTACLES

_DETERMINERS = r"(?:a|an|the|my|your|our|all|every|each|any|some|both|one|two|three)"
_SHORT_NAMES = (
    *("chair", "table 1", "table 2", "TV stand", "sink", "right counter", "left counter", "sofa"),
    *("refrigerator|fridge", "left drawer", "right drawer"),
)
"""What instructions call the receptacles, in their order."""
_PLACE_NUMBERS = tuple(PLACE_NUMBER[receptacle] for receptacle in RECEPTACLES)
_NAMED = tuple(re.compile(rf"\b(?:{names})\b", re.IGNORECASE) for names in _SHORT_NAMES)
_CATEGORY = tuple(
    re.compile(rf"\b{_DETERMINERS}\s+(?:of\s+the\s+)?{re.escape(category)}(?:e?s)?\b", re.IGNORECASE)
    for category in CATEGORIES
)
_MENTION = tuple(re.compile(rf"\b{re.escape(category)}(?:e?s)?\b", re.IGNORECASE) for category in CATEGORIES)
_BESIDE = re.compile(
    r"\b(?:(?:left|right)(?:-hand)?(?:\s+(?:receptacle|side|neighbou?r|place))?\s+of|next\s+to|beside|adjacent\s+to)\s+the\s+",
    re.IGNORECASE,
)
_NEIGHBOURLY = re.compile(r"\b(?:adjoin\w*|adjacent|nearest|neighbou?r\w*|beside|(?:left|right)-hand)\b", re.IGNORECASE)
_TABLES = re.compile(r"\b(black|brown)\s+table\b", re.IGNORECASE)
_TABLE_NUMBERS: Mapping[str, int] = {"black": _PLACE_NUMBERS[1], "brown": _PLACE_NUMBERS[2]}


def named_categories(instruction: str) -> Sequence[int]:
    """The categories that an instruction names as things, by number, in the order of their first mention.

    A determiner before the word is asked for, since ``can`` is also a verb.
    """
    found = [
        (match.start(), number) for number, pattern in enumerate(_CATEGORY) if (match := pattern.search(instruction))
    ]
    return [number for _, number in sorted(found)]


def mentions(instruction: str, category: int) -> bool:
    """Whether the word of a category stands in an instruction, with or without a determiner."""
    return _MENTION[category].search(instruction) is not None


def named_places(instruction: str) -> frozenset[int]:
    """The receptacles that an instruction calls by their names."""
    return frozenset(
        place for place, pattern in zip(_PLACE_NUMBERS, _NAMED, strict=True) if pattern.search(instruction)
    )


def coloured_tables(instruction: str) -> frozenset[int]:
    """The tables that an instruction calls by their colours."""
    return frozenset(_TABLE_NUMBERS[match.group(1).lower()] for match in _TABLES.finditer(instruction))


def landmarks(instruction: str) -> Sequence[int]:
    """The receptacles that an instruction names in order to mean one beside them, in the order of mention.

    Those right after "left of the", "next to the" and the like; without any, those that are named in a sentence about neighbours.
    """
    found = [place for match in _BESIDE.finditer(instruction) for place in _named_at(instruction, match.end())]
    if not found and _NEIGHBOURLY.search(instruction):
        return sorted(named_places(instruction))
    return found


def _named_at(instruction: str, start: int) -> Iterator[int]:
    return (place for place, pattern in zip(_PLACE_NUMBERS, _NAMED, strict=True) if pattern.match(instruction, start))
