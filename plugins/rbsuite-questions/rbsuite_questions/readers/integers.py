r"""What counts as an integer from 0 to 999, in outputs and in data: ``204``, ``\text{204}``, ``336^\circ``, ``m + n = 256 + 37 = 293``."""

from __future__ import annotations

import re
import unicodedata

from rbsuite_questions.readers.texts import in_braces, latest

LONGEST = 400
"""Maximum length of a candidate; a chain of equations seldom needs more."""
LONGEST_BOX = 4_000
"""Characters within which a box must be closed."""
MOST = 100
"""Boxes, or statements of an answer, that are considered, counted from the end."""

_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])\s*+")
_BARE = re.compile(r"[^\s${}\\]+")
_EMPTY = re.compile(r"(?:\s|\\(?:text|math)(?:rm|bf|it|sf|tt)?(?![A-Za-z])|\\[l]?dots|\\[,;:! _()\[\]]|[{}$~._?…])*+")
_STYLED = re.compile(r"\\(?:text|math)(?:rm|bf|it|sf|tt)?\s*\{([^{}]*)\}")
_NOISE = re.compile(r"\^\{?\\circ\}?|\\(?:left|right|displaystyle)\b|\\[!,;: ()\[\]%$]|[$*_~°%`]")
_UNIT = (
    r"(?:square|sq\.?|cubic)?\s*(?:degrees?|deg|radians?|units?|(?:centi|milli|kilo)?met(?:er|re)s?|[cmk]?m|inch(?:es)?|feet|foot|ft|"
    r"miles?|dollars?|cents?|hours?|minutes?|min|seconds?|sec|days?|years?|percent|points?|ways?)(?:\s*\^\s*\{?[23]\}?)?"
)
_PARTICLE = r"です|である|だ|入り|通り|度|个|個|種|种|入|입니다|이다|이에요|예요|가지"
_INTEGER = re.compile(rf"\+?0*(\d{{1,3}})(?:\.0*)?\s*(?:{_UNIT})?(?:{_PARTICLE})?", re.IGNORECASE)
_EQUALS = re.compile(r"(?<![<>!=:])=(?![=<>])")
_GROUPED = re.compile(r"\([^()]*\)")
_NO_SIDE = re.compile(
    r"[,;:?<>≠≤≥≈≡~∈]|!=|\\(?:approx|equiv|neq?|leq?|geq?|lt|gt|sim|to|lor?|in|cong)\b|\b(?:or|and|either|if|then|when|not)\b",
    re.IGNORECASE,
)
_NOT_DIGITS = ("<super>", "<sub>", "<fraction>", "<circle>")


def normal_integer(candidate: str) -> str | None:
    """A candidate as an integer from 0 to 999 without leading zeros, or ``None`` if it is anything else.

    In a chain of equations the last side counts; any other side that is a plain integer must agree with it.
    """
    if len(candidate) > LONGEST or any(unicodedata.decomposition(one).startswith(_NOT_DIGITS) for one in candidate):
        return None
    text = _STYLED.sub(r" \1 ", unicodedata.normalize("NFKC", candidate))
    # A space rather than nothing: digits on either side of a mark are not one number.
    *others, last = _EQUALS.split(_bare(_NOISE.sub(" ", text)))
    found = _INTEGER.fullmatch(_bare(last))
    if found is None:
        return None
    value = int(found[1])
    for side in others:
        plain = _INTEGER.fullmatch(_bare(side))
        if _NO_SIDE.search(_GROUPED.sub("", side)) or (plain is not None and int(plain[1]) != value):
            return None
    return str(value)


def gold_integer(value: object) -> int | None:
    r"""The right answer as it appears in data: a number, or a text that :func:`normal_integer` accepts, boxed or not.

    Returns:
        ``None`` for anything that is not an integer from 0 to 999.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value) if value in range(1000) else None
    if not isinstance(value, str):
        return None
    boxes = list_boxes(value)
    text = normal_integer(value.strip().removeprefix("####") if not boxes else boxes[-1][1])
    return None if text is None else int(text)


def list_boxes(text: str) -> list[tuple[int, str, int]]:
    r"""The last :data:`MOST` of ``\boxed`` and ``\fbox`` that are not empty: start, content, end.

    The content is what is in the braces, or the word after the mark; ``""`` if the brace is not closed.
    """
    found: list[tuple[int, str, int]] = []
    if "box" not in text:
        return found
    for box in latest(_BOX, text, MOST):
        if text.startswith("{", box.end()):
            content = in_braces(text, box.end(), box.end() + LONGEST_BOX)
            rest = text[box.end() + 1 : box.end() + LONGEST_BOX] if content is None else content
            end = box.end() + 1 + len(rest) + 1
        else:
            bare = _BARE.match(text, box.end())
            content = rest = bare[0] if bare else ""
            end = box.end() + len(rest)
        if not _EMPTY.fullmatch(rest):
            found.append((box.start(), content or "", end))
    return found


def _bare(text: str) -> str:
    """Without white space, final punctuation and enclosing brackets."""
    before = ""
    while text != before:
        before = text
        text = text.strip().rstrip(".,;:!。").rstrip()
        if text[:1] + text[-1:] in ("{}", "()") and len(text) > 1:
            text = text[1:-1]
    return text
