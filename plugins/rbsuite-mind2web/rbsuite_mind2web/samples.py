"""The records of Mind2Web as this plugin stores them: a task with its recorded steps and, for every step, the ranked candidates."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OPERATIONS = ("CLICK", "TYPE", "SELECT")
_SAID = re.compile(
    r"\b(click|type|select)\b\s*+(?::\s*+(?:\[\s*+)?+(?=[\w.:-])|(?!:)(?:\[\s*+)?+|)([\w.:-]++)\s*+\]?", re.IGNORECASE
)
_VALUE = re.compile(r"[ \t]*+\[")


@dataclass(frozen=True, slots=True)
class Said:
    """An action as it is written: ``TYPE [12] [Vienna]``.

    Attributes:
        operation: one of :data:`OPERATIONS`.
        node: id of the element.
        value: what is typed or selected.
    """

    operation: str
    node: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.operation} [{self.node}]" + (f" [{self.value}]" if self.value else "")

    @property
    def operated(self) -> str:
        """Operation and value, in the form in which they are compared without the element. A click has no value."""
        return self.operation if self.operation == "CLICK" else f"{self.operation} {self.value}"


def read_action(text: str) -> Said | None:
    """The last action in a reply; ``None`` if there is none. Quotes, case and brackets around the id do not matter."""
    said: Said | None = None
    at = line = closing = 0
    while found := _SAID.search(text, at):
        at, value = found.end(), ""
        if opening := _VALUE.match(text, at):  # the value goes up to the last bracket of its line
            begin = opening.end()
            if begin > line:
                end = text.find("\n", begin)
                line = len(text) if end < 0 else end
                closing = text.rfind("]", begin, line)
            if closing >= begin:
                at, value = closing + 1, text[begin:closing]
        said = Said(found[1].upper(), found[2], value.strip())
    return said


def token_f1(predicted: str, recorded: str) -> float:
    """F1 of the sets of words of two texts; words that are punctuation do not count, and two texts without words are equal."""
    ours, theirs = ({word for word in text.split() if word not in string.punctuation} for text in (predicted, recorded))
    if not ours or not theirs:
        return float(not ours and not theirs)
    return 2 * len(ours & theirs) / (len(ours) + len(theirs))


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded action.

    Attributes:
        uid: its id.
        operation: one of :data:`OPERATIONS`.
        value: what was typed or selected.
        told: the action in words, as the data has them.
        html: the page before it.
        positives: ids of the correct elements, starting with the one that counts by default.
        ranks: ranks of the positives, by id, from 0.
        negatives: ids of the other candidates, most likely first.
    """

    uid: str
    operation: str
    value: str
    told: str
    html: str
    positives: tuple[str, ...]
    ranks: Mapping[str, int]
    negatives: tuple[str, ...]

    @property
    def recorded(self) -> Said | None:
        """The action with the first positive element; ``None`` if there is none in the page."""
        return Said(self.operation, self.positives[0], self.value) if self.positives else None

    def reached(self, top_k: int) -> bool:
        """Whether a correct element is among the given number of most likely ones."""
        return any(self.ranks[id] < top_k for id in self.positives)

    def candidates(self, top_k: int) -> tuple[str, ...]:
        """What is offered: the first positive element, and the most likely others."""
        return (*self.positives[:1], *self.negatives[: top_k - 1])


@dataclass(frozen=True, slots=True)
class Sample:
    """A task.

    Attributes:
        id: its annotation id.
        website, domain, subdomain: where it was carried out.
        task: what was asked.
        steps: what was done.
    """

    id: str
    website: str
    domain: str
    subdomain: str
    task: str
    steps: tuple[Step, ...]


def sample_of(row: Mapping[str, Any]) -> Sample:
    """A task from its JSON in a pack.

    Raises:
        KeyError, TypeError, ValueError: it is malformed.
    """
    steps = tuple(_step(one) for one in row["steps"])
    if not steps:
        raise ValueError("it has no steps")
    texts = {key: row[key] for key in ("id", "website", "domain", "subdomain", "task")}
    if not all(isinstance(text, str) for text in texts.values()) or not (row["id"] and row["task"]):
        raise ValueError("a text is missing")
    return Sample(**texts, steps=steps)


def _step(row: Mapping[str, Any]) -> Step:
    if row["operation"] not in OPERATIONS:
        raise ValueError(f"its operation is not one of {', '.join(OPERATIONS)}")
    positives, negatives = _ids(row["positives"]), _ids(row["negatives"])
    ranks = {id: row["ranks"][id] for id in positives}
    if not all(type(rank) is int for rank in ranks.values()):
        raise TypeError("a rank is not a whole number")
    texts = {key: row[key] for key in ("uid", "operation", "value", "told", "html")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError("a text is missing")
    return Step(**texts, positives=positives, ranks=ranks, negatives=negatives)


def _ids(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError("the ids are not a list of strings")
    return tuple(value)


def ranked(task: str, html: str, ids: Sequence[str]) -> Mapping[str, int]:
    """Ranks of elements by the words that they share with the task, for data that comes without a ranker's scores.

    Ties go to what comes first in the page.
    """
    from rbsuite_mind2web.pages import Page

    page, wanted = Page(html), _words(task)
    shares = {id: len(wanted & _words(page.words(id))) for id in dict.fromkeys(ids)}
    order = sorted(shares, key=lambda id: -shares[id])
    return {id: rank for rank, id in enumerate(order)}


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]{2,}", text.lower()))
