"""The ``rbsuite`` convention for integers from 0 to 999.

A box, else an answer line, else the last number of the last line; the first of the three that is present decides. What does not normalise
to an integer in range is unparsed, and nothing else is considered.
"""

from __future__ import annotations

import re

from rbsuite.models.reasoning import separate
from rbsuite_questions.readers.base import UNPARSED, Reading
from rbsuite_questions.readers.integers import LONGEST, list_boxes, normal_integer
from rbsuite_questions.readers.own import read_own
from rbsuite_questions.readers.statements import (
    denies_an_answer,
    is_denied_after,
    is_own,
    is_own_box,
    statements_from_the_end,
)
from rbsuite_questions.readers.texts import ascii_width, last_line

_OPENING = re.compile(r"(?:[\s*_:$=]|\\[\[(])*+")
_NEGATED = re.compile(r"(?:not|never|neither|unlikely|n['’]t|不是|ではない|nicht|pas|не)\b|不", re.IGNORECASE)
_CLAUSE_END = re.compile(
    r"[!?;。]|\.(?=\s|$)|,\s+(?=(?!or\b|and\b|oder\b|ou\b|o\b)[^\W\d_]{2})"
    r"|\s(?:because|since|as|which|where|weil|denn|car|porque)\b|\s\((?!\s*mod|\s*\\|\s*\d)(?=[^\W\d_])"
)
_DIGIT = re.compile(r"\d")
_OPERATOR = re.compile(r"[+\-−–*/^<>≤≥≠≈±×·÷=]+|mod|\\[A-Za-z]+\S*")
_GLUED = re.compile(r".*[\d=+^].*|[$({\[]*[A-Za-z][$)}\],;]*|\$+|\\.*|or|and|either|,")
_SCALES = frozenset(["hundred", "thousand", "million", "billion", "dozen"])
_NOT_STATED = re.compile(
    r"not|never|neither|nor|cannot|about|approximately|roughly|nearly|around|almost|least|most|than|mod|modulo|by|of"
    r"|step|case|problem|question|equation|eq\.?|figure|table|part|section|page|line|year"
)
"""Words before a number that mean it is something other than the result of the line."""
_CONSEQUENCE = re.compile(r"\b(?:so|thus|hence|therefore|then)\b|[.!?;]\s", re.IGNORECASE)
_UNSURE = re.compile(
    r"\b(?:wrong|incorrect|mistaken?|error|not|never|cannot|impossible|trap|distractor|guess|either|neither|unless|suppose|student|"
    r"rul(?:e|ed|ing) out)\b|n['’]t\b",
    re.IGNORECASE,
)


def read_strict_integer(output: str) -> Reading:
    """Read an integer from 0 to 999; ``how`` is ``boxed``, ``answer_line`` or ``last_number``."""
    return read_own(output, _integer)


def read_strict_integer_anywhere(output: str) -> Reading:
    """Read an integer as ``rbsuite/2`` did: in fences and quotes as outside them."""
    return _integer(ascii_width(separate(output)[1]))


def _integer(text: str) -> Reading:
    for how, find in (("boxed", _last_box), ("answer_line", _answer_line), ("last_number", _last_number)):
        candidate = find(text)
        if candidate is not None:
            value = normal_integer(candidate)
            return Reading(value, how if value else "none", candidate[:LONGEST])
    return UNPARSED


def _last_box(text: str) -> str | None:
    boxes = reversed(list_boxes(text))
    return next((content for start, content, end in boxes if is_own_box(text, start, end)), None)


def _answer_line(text: str) -> str | None:
    """What the last statement of the answer states, to the end of its clause."""
    for statement in statements_from_the_end(text):
        if not statement.linked or not is_own(statement, text):
            continue
        opening = _OPENING.match(text, statement.end)
        start = opening.end() if opening else statement.end
        stop = text.find("\n", start, start + 2 * LONGEST)
        line = text[start : stop if stop >= 0 else start + 2 * LONGEST]
        if not line.strip() or _NEGATED.match(line):
            continue
        end = _CLAUSE_END.search(line)
        clause = line[: end.start()] if end else line
        if not (line[len(clause) :].startswith("?") or is_denied_after(line, len(clause))):
            return clause
    return None


def _last_number(text: str) -> str | None:
    """The last number of the last line, with the whole expression that it belongs to.

    Returns:
        ``None`` if there is no number, ``""`` if the line does not state it.
    """
    line = last_line(text)
    words = line.split()
    last = next((place for place in range(len(words) - 1, -1, -1) if _DIGIT.search(words[place])), None)
    if last is None:
        return None
    first, end = last, last + 1
    while (
        first
        and len(words[first - 1]) <= LONGEST
        and (_GLUED.fullmatch(words[first - 1]) or _is_operator(words[first - 1]))
    ):
        first -= 1
    while end < len(words) and _is_operator(words[end]):
        end += 2
    before, after = words[first - 1].lower().strip("(:,") if first else "", " ".join(words[end : end + 12])
    clause = _CONSEQUENCE.split(" ".join(words[:first]))[-1]
    scales = after.partition(" ")[0].strip(".,;:!*$").lower() in _SCALES
    unsure = _NOT_STATED.fullmatch(before) or scales or words[last].endswith("?") or _UNSURE.search(clause)
    if unsure or is_denied_after(after, 0) or denies_an_answer(line):
        return ""
    return " ".join(words[first:end]).strip("[]'\"“”「」")


def _is_operator(word: str) -> bool:
    return _OPERATOR.fullmatch(word.strip("$")) is not None
