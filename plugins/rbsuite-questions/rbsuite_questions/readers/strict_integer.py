"""The ``rbsuite`` convention for integers from 0 to 999.

A box, else an answer line, else the last number of the last line; the first of the three that is present decides. What does not normalise
to an integer in range is unparsed, and nothing further is looked at.
"""

from __future__ import annotations

import re
import unicodedata

from rbsuite_questions.readers.base import UNPARSED, Reading
from rbsuite_questions.readers.texts import ascii_width, in_braces, last_match, lines_from_the_end, without_thinking

_LONGEST = 200
"""Characters of a candidate; an answer of three digits never needs more."""

_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])\s*+")
_BARE = re.compile(r"[^\s${}\\]+")
_ANSWER = re.compile(r"answer[\s*_]*+(?:is\b|:)", re.IGNORECASE)
_OPENING = re.compile(r"(?:[\s*_:$]|\\[\[(])*+")
_SENTENCE_END = re.compile(r"[.!?;](?=\s|$)")
_STYLED = re.compile(r"\\(?:text|math)(?:rm|bf|it|sf|tt)?\s*\{([^{}]*)\}")
_NOISE = re.compile(r"\^\{?\\circ\}?|\\(?:left|right|displaystyle)\b|\\[!,;: ()\[\]%$]|[$*_~°%`]")
_LEFT_SIDE = re.compile(r"[^\d=<>!~≠≤≥≈]{1,40}=(?!=)")
_UNIT = (
    r"(?:square|sq\.?|cubic)?\s*(?:degrees?|deg|radians?|units?|(?:centi|milli|kilo)?met(?:er|re)s?|[cmk]?m|inch(?:es)?|feet|foot|ft|"
    r"miles?|dollars?|cents?|hours?|minutes?|min|seconds?|sec|days?|years?|percent|points?|ways?)(?:\s*\^\s*\{?[23]\}?)?"
)
_INTEGER = re.compile(rf"\+?0*(\d{{1,3}})(?:\.0*)?\s*(?:{_UNIT})?", re.IGNORECASE | re.ASCII)
_NOT_DIGITS = ("<super>", "<sub>", "<fraction>", "<circle>")
_JOINING = frozenset(["+", "-", "−", "–", "*", "/", "^", "<", ">", "≤", "≥", "≠", "≈", "±", "×", "·", "÷", "mod"])
_LATEX_JOINING = re.compile(r"\\(?:times|cdot|div|pm|mp|neq?|leq?|geq?|approx|over|pmod|bmod)\b")
_SCALES = frozenset(["hundred", "thousand", "million", "billion", "dozen"])


def read_strict_integer(output: str) -> Reading:
    """Read an integer from 0 to 999; ``how`` is ``boxed``, ``answer_line`` or ``last_number``."""
    text = ascii_width(without_thinking(output))
    for how, find in (("boxed", last_box), ("answer_line", _answer_line), ("last_number", _last_number)):
        candidate = find(text)
        if candidate is not None:
            value = normal_integer(candidate)
            return Reading(value, how if value else "none", candidate[:_LONGEST])
    return UNPARSED


def last_box(text: str) -> str | None:
    r"""What the last ``\boxed`` or ``\fbox`` holds: its braces, or the word after it; ``""`` if it is not closed or holds nothing.

    Returns:
        ``None`` where there is no box.
    """
    box = last_match(_BOX, text)
    if box is None:
        return None
    if text.startswith("{", box.end()):
        return in_braces(text, box.end()) or ""
    bare = _BARE.match(text, box.end())
    return bare[0] if bare else ""


def normal_integer(candidate: str) -> str | None:
    """A candidate as an integer from 0 to 999 without leading zeros, or ``None`` if it is anything else."""
    if len(candidate) > _LONGEST or any(unicodedata.decomposition(one).startswith(_NOT_DIGITS) for one in candidate):
        return None
    text = _STYLED.sub(r" \1 ", unicodedata.normalize("NFKC", candidate))
    # A space and not nothing: digits on either side of a mark are not one number.
    text = _bare(_NOISE.sub(" ", text))
    text = _bare(_LEFT_SIDE.sub("", text, count=1) if _LEFT_SIDE.match(text) else text)
    found = _INTEGER.fullmatch(text)
    return str(int(found[1])) if found else None


def _bare(text: str) -> str:
    """Without white space, final punctuation and brackets around the whole."""
    before = ""
    while text != before:
        before = text
        text = text.strip().rstrip(".,;:!").rstrip()
        if text[:1] + text[-1:] in ("{}", "()") and len(text) > 1:
            text = text[1:-1]
    return text


def _answer_line(text: str) -> str | None:
    """What follows the last "answer is" or "answer:", to the end of the sentence or the line."""
    found = last_match(_ANSWER, text)
    if found is None:
        return None
    opening = _OPENING.match(text, found.end())
    start = opening.end() if opening else found.end()
    end = text.find("\n", start)
    line = text[start : end if end >= 0 else len(text)]
    stop = _SENTENCE_END.search(line)
    return line[: stop.start()] if stop else line


def _last_number(text: str) -> str | None:
    """The last word with a digit in the last line that is not blank; ``""`` where that word is part of an expression."""
    line = next(lines_from_the_end(text), "")
    after = ""
    words = line.split()
    for position in range(len(words) - 1, -1, -1):
        word = words[position]
        if any(one.isdigit() for one in word[:_LONGEST]):
            before = words[position - 1] if position else ""
            joined = _joins(before) or _joins(after) or after.strip(".,;:!*$").lower() in _SCALES
            return "" if joined else word.strip("()[]'\",.;:!?")
        after = word
    return None


def _joins(word: str) -> bool:
    return word.strip("$") in _JOINING or bool(_LATEX_JOINING.search(word[:_LONGEST]))
