"""The records of Mind2Web as this plugin stores them: a task with its recorded steps and, for every step, the ranked candidates."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rbsuite.reading.layers import Layer, Unreadable, first_read

OPERATIONS = ("CLICK", "TYPE", "SELECT")
_SAID = re.compile(
    r"""\b(click|type|select)\b[\s*_`]*+(?::[\s*_`]*+)?+
    (?:\[\s*+([\w.:-]++)\s*+\]|\(\s*+(?=\D{0,9}\d)([\w.:-]++)\s*+\)|(?=[^\d\s]{0,9}\d)([\w:-]++(?:\.[\w:-]++)*+))""",
    re.IGNORECASE | re.VERBOSE,
)
_FAR = 60
"""How far the text before an action is looked at."""
_VALUE = re.compile(r"[*_`]*+[ \t]*+\[")
_BALANCED = re.compile(r"((?:[^\[\]\n]++|\[[^\[\]\n]*+\])*+)\](?![^\[\]\n]*+\])")
_DENIED = re.compile(r"(?:\bnot|\bnever|n['’]t|\binstead of|\brather than)[\s*_`\"'“]{1,9}\Z", re.IGNORECASE)


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
    """The last action in a reply; ``None`` if there is none. Case and marks do not matter.

    One with its id in brackets takes precedence over one without, and then what is said over what is denied or an aside in round brackets.
    What stands in fences and quotes counts only if nothing outside them does.
    """
    try:
        return first_read(text, _read)
    except Unreadable:
        return None


def _read(layer: Layer) -> Said | None:
    text, said, best = layer.text, None, (False, False)
    at = line = closing = 0
    while found := _SAID.search(layer.outside, at):
        at, value = found.end(), ""
        if opening := _VALUE.match(text, at):
            begin = opening.end()
            if whole := _BALANCED.match(text, begin):
                at, value = whole.end(), whole[1]
            else:  # the value goes up to the last bracket of its line
                if begin > line:
                    end = text.find("\n", begin)
                    line = len(text) if end < 0 else end
                    closing = text.rfind("]", begin, line)
                if closing >= begin:
                    at, value = closing + 1, text[begin:closing]
        start = found.start()
        before = text[max(text.rfind("\n", max(0, start - _FAR), start) + 1, start - _FAR) : start]
        sort = (found[4] is None, not _is_aside(before))
        if sort >= best:
            best, said = sort, Said(found[1].upper(), found[2] or found[3] or found[4], value.strip())
    return said


def _is_aside(before: str) -> bool:
    """Whether what follows some words on a line is in round brackets, or denied by them."""
    return before.rfind("(") > before.rfind(")") or _DENIED.search(before) is not None


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
