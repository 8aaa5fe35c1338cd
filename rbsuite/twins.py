"""Tasks that ask the same: identical ones, and those that differ in a word or two.

Recalling a task's twin is recalling its answer, which is not learning. Two texts are identical if they have the same words and signs in the
same order, regardless of case and spacing. They are nearly so if they share :data:`SHARE` of their words (repeats counted) and have all
numbers and mathematical signs in common: problems that differ in a number are different problems.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Generic, TypeVar

SHARE = 0.9
"""Jaccard similarity of the words (as multisets) from which on texts are nearly identical."""

LEAST_WORDS = 15
"""Shorter texts are twins only if they are identical: one more word may make a different question of them."""

_TOKEN = re.compile(r"[^\W_]+|[^\w\s]")
_EXACT = re.compile(r"\d|^[-+*/=<>^\u2212\u00d7\u00f7\u2264\u2265\u2260]$")
"""What texts must have entirely in common."""


_Id = TypeVar("_Id", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Twins(Generic[_Id]):
    """The twins among some tasks.

    Attributes:
        of: by task id, the ids of its twins in the order of the tasks; only for tasks that have any.
        identical: number of pairs that are identical.
        near: number of pairs that are nearly so.
    """

    of: Mapping[_Id, tuple[_Id, ...]]
    identical: int
    near: int

    def said(self, what: str) -> tuple[str, ...]:
        """A sentence for whoever imports the tasks; none if there are no twins.

        Args:
            what: what the tasks are called, in the plural.
        """
        if not self.of:
            return ()
        pairs = "pair" if self.identical == 1 else "pairs"
        are = "is" if self.identical == 1 else "are"
        return (
            f"{self.identical} {pairs} of {what} {are} identical and {self.near} nearly so; "
            "a run keeps what was learned on a task's twin out of its recall (--twins allow does not).",
        )


def find_twins(texts: Mapping[_Id, str]) -> Twins[_Id]:
    """The twins among tasks.

    Args:
        texts: by task id, what the task asks, with the choices if it has any.
    """
    names = list(texts)
    tokens = [tuple(_TOKEN.findall(texts[name].casefold())) for name in names]
    same: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, words in enumerate(tokens):
        same[words].append(number)
    pairs = {(a, b) for group in same.values() for place, b in enumerate(group) for a in group[:place]}
    identical = len(pairs)
    firsts = [group[0] for group in same.values()]
    for a, b in _near(tokens, firsts):
        pairs.update((min(x, y), max(x, y)) for x in same[tokens[a]] for y in same[tokens[b]])
    of: defaultdict[int, set[int]] = defaultdict(set)
    for a, b in pairs:
        of[a].add(b)
        of[b].add(a)
    twins = {names[number]: tuple(names[other] for other in sorted(of[number])) for number in sorted(of)}
    return Twins(twins, identical, len(pairs) - identical)


def _near(tokens: Sequence[tuple[str, ...]], numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Pairs that are nearly identical. Only texts with equal exact parts are compared."""
    groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    exact: dict[str, bool] = {}
    for number in numbers:
        words = tokens[number]
        if len(words) < LEAST_WORDS:
            continue
        for word in words:
            if word not in exact:
                exact[word] = _EXACT.search(word) is not None
        groups[tuple(sorted(word for word in words if exact[word]))].append(number)
    return [pair for group in groups.values() if len(group) > 1 for pair in _similar(tokens, group)]


def _similar(tokens: Sequence[tuple[str, ...]], group: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of a group that share :data:`SHARE` of their words.

    Two sets that similar share one of their rarest elements (the prefix filter of set similarity joins), so only those are looked up.
    """
    counted = {number: _elements(tokens[number]) for number in group}
    rarity = Counter(element for elements in counted.values() for element in elements)
    prefixes: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    found = []
    for number in sorted(group, key=lambda one: (len(counted[one]), one)):
        elements = counted[number]
        size = len(elements)
        ranked = sorted(elements, key=lambda element: (rarity[element], element))
        candidates: set[int] = set()
        for element in ranked[: size - ceil(SHARE * size) + 1]:
            candidates.update(prefixes[element])
            prefixes[element].append(number)
        for other in candidates:
            if len(counted[other]) >= SHARE * size:
                shared = len(elements & counted[other])
                if shared >= SHARE * (size + len(counted[other]) - shared):
                    found.append((other, number))
    return found


def _elements(words: Sequence[str]) -> frozenset[tuple[str, int]]:
    """Words as a set in which a word that occurs twice is two elements."""
    seen: Counter[str] = Counter()
    elements = []
    for word in words:
        elements.append((word, seen[word]))
        seen[word] += 1
    return frozenset(elements)
