"""``remem``: ExpRAG with the recalled experiences pruned at every step.

Source: ReMem of Evo-Memory (arXiv 2511.20857): at each step the agent thinks, refines its memory or acts; it refines by listing
experiences to prune, and the step ends when it acts.

Followed: recall as in ExpRAG, and before each turn of the agent one request to the memory's model, which names by number the experiences
to remove, or keeps them all; what is removed stays out for the rest of the rollout but stays in the bank. Left out: more than one
refinement per turn, fetching other experiences in the middle of a task, and thinking as a move of its own, since the agent's model thinks
when it acts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from rbsuite.experience import Recall, RecallRequest
from rbsuite.fencing import fence
from rbsuite.memories.asking import ask
from rbsuite.memories.base import BankView
from rbsuite.memories.episodes import INJECTION
from rbsuite.memories.exprag import ExperienceRetrieval
from rbsuite.memories.extraction import ShownEpisode, recall_items
from rbsuite.reading.labels import find_labels, with_ends
from rbsuite.reading.layers import Layer, Unclear, Unreadable
from rbsuite.reading.stances import check_stands, first_own
from rbsuite.reading.values import is_empty, objects_with, read_values, text_of_value, without_values
from rbsuite.reading.words import states_no_change

_LABELS = {"prune": r"(?:think-)?prune[d]?(?:[ \t]+experiences?)?", "keep": r"keep(?:[ \t]+all|[ \t]+everything)?"}
_KEYS = ("prune", "pruned", "remove")
_KEPT = ("keep", "kept")
_LIST = re.compile(
    r"[\W_]*+(?:(?:(?:experiences?|numbers?|and|to|through|no|none|nothing|\d{1,6})\b)[\W_]*+)*+", re.IGNORECASE
)
_DIGITS = re.compile(r"\d{1,6}")
_RANGE = re.compile(r"(?<!\d)(\d{1,6})[ \t]*+(?:[-–—]|to\b|through\b)[ \t]*+#?(\d{1,6})")
_NONE = re.compile(r"\b(?:none|nothing|no(?![.]))\b", re.IGNORECASE)
_LONGEST = 2_000

FORM = "Prune: NUMBER,NUMBER\nor\nKeep"
"""The expected form of a reply, shown to a model that has missed it."""


class RefinedRetrieval(ExperienceRetrieval):
    """The most similar experiences, pruned step by step.

    Args:
        k: experiences recalled.
        budget: tokens of a stored trajectory; 0: no limit.
        temperature: of the model that prunes.
    """

    def __init__(self, k: int, budget: int, temperature: float) -> None:
        super().__init__(k, budget)
        self._temperature = temperature

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """Before the task, the most similar ones; before a turn, those of the last recall that are still useful."""
        if request.phase != "step" or request.previous is None:
            return await super().recall(request, view)
        return await self._prune(request, request.previous, view)

    async def _prune(self, request: RecallRequest, previous: Recall, view: BankView) -> Recall:
        shown = [(item, found.score) for found in previous.items if (item := view.get(found.item_id)) is not None]
        if not shown:
            return previous
        prompt = view.render(
            "memory/prune.j2",
            query=fence(request.query, "request"),
            history=fence(request.history, "history") if request.history else "",
            episodes=[ShownEpisode.of(item) for item, _ in shown],
        )
        pruned = await ask(
            prompt, view, temperature=self._temperature, read=lambda reply: read_pruned(reply, len(shown)), form=FORM
        )
        if not pruned:
            return previous
        kept = [pair for number, pair in enumerate(shown, start=1) if number not in pruned]
        return recall_items(kept, view, template=INJECTION, reason="all was pruned", index=previous.index)


def read_pruned(reply: str, count: int) -> Collection[int]:
    """Read a reply ``Prune: 1,3`` or ``Keep``, or the same as JSON: the numbers, from 1, of the experiences to remove.

    Args:
        reply: the model's text.
        count: how many experiences there are.

    Raises:
        Unreadable: there is no such line, several contradict each other, or one names a number that no experience has.
    """

    def read(layer: Layer) -> Collection[int] | None:
        values = read_values(layer)
        prose = without_values(layer, values)
        labels = find_labels(layer, _LABELS, numbered=False)
        told = [
            frozenset()
            if label.name == "keep"
            else _numbers(label.rest or layer.outside[label.value : end].strip().partition("\n\n")[0], count)
            for label, end in with_ends(layer, labels)
            if label.name == "prune" or not label.rest.strip(" .")
        ]
        if not told and states_no_change(prose):
            told = [frozenset()]
        else:
            check_stands(prose, values, labels)
        told += [
            _of_object(mine, value, count) for mine, value in objects_with(values.own if told else values.found, _KEYS)
        ]
        if not told:
            raise Unreadable("there is no line 'Prune: NUMBERS' and no line 'Keep'")
        if len(set(told)) > 1:
            raise Unclear("it says several things that contradict each other")
        strange = sorted(number for number in told[0] if not 1 <= number <= count)
        if strange:
            raise Unreadable(f"there is no experience {strange[0]}")
        return told[0]

    return first_own(reply, read)


def _of_object(mine: Mapping[str, Any], value: object, count: int) -> frozenset[int]:
    pruned = frozenset[int]() if is_empty(value) else _numbers(text_of_value(value), count)
    kept = (text_of_value(mine[key]) for key in _KEPT if key in mine)
    if not pruned.isdisjoint(int(number) for text in kept for number in _DIGITS.findall(text)):
        raise Unclear("it prunes and keeps the same experience")
    return pruned


def _numbers(text: str, count: int) -> frozenset[int]:
    """The numbers in a list such as ``1, 3``, ``[1, 3]``, ``1 and 3`` or ``1-3``; nothing for ``none``.

    Args:
        text: the list.
        count: the largest number that there is; of a range that goes beyond it, both ends are returned.

    Raises:
        Unreadable: it is not such a list.
    """
    if not text.strip() or _LIST.fullmatch(text[:_LONGEST]) is None:
        raise Unreadable(f"{text[:60]!r} is no list of numbers of experiences")
    numbers = {int(number) for number in _DIGITS.findall(text)}
    if numbers and _NONE.search(text):
        raise Unreadable(f"{text[:60]!r} both names experiences and says that there are none")
    for found in _RANGE.finditer(text):
        first, last = int(found[1]), int(found[2])
        if first > last:
            raise Unreadable(f"{found[0]!r} is no range of numbers")
        numbers |= set(range(first, min(last, count) + 1))
    return frozenset(numbers)
