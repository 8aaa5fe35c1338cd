"""Ways to scan a text in time proportional to its length, whatever it contains."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_ANY_FULL_WIDTH = re.compile("[\uff01-\uff5e\u3000]")
_DELIMITERS = " \t\n\r\f\v*_$`#~|-=—\\[]{}()<>."
_LONGEST_LINE = 2_000
_FIRST_LOOK = 10_000


def last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The last of the non-overlapping matches, found from the left as ``re.findall`` does."""
    found: deque[re.Match[str]] = deque(pattern.finditer(text), maxlen=1)
    return found[0] if found else None


def latest(pattern: re.Pattern[str], text: str, most: int) -> list[re.Match[str]]:
    """The last few matches, in order. The search starts near the end, so an early match cut by a boundary may be lost."""
    size = _FIRST_LOOK
    while True:
        start = max(0, len(text) - size)
        found = deque(pattern.finditer(text, start), maxlen=most)
        if start == 0 or len(found) == most:
            return list(found)
        size *= 4


def ascii_width(text: str) -> str:
    """The text with full-width forms of ASCII characters (digits, letters, colon) in their ordinary form."""
    return text.translate(_FULL_WIDTH) if not text.isascii() and _ANY_FULL_WIDTH.search(text) else text


def in_braces(text: str, start: int, limit: int) -> str | None:
    r"""What is between the brace at a position and the one that closes it; ``\{`` and ``\}`` are ordinary characters.

    Args:
        text: the text.
        start: position of the opening brace.
        limit: where to stop looking for the end.

    Returns:
        The content, or ``None`` if the brace is not closed before the limit.
    """
    depth = 0
    for brace in _BRACE.finditer(text, start, limit):
        if brace[0] == "{":
            depth += 1
        elif brace[0] == "}":
            depth -= 1
            if depth == 0:
                return text[start + 1 : brace.start()]
    return None


def last_line(text: str) -> str:
    """The last line with more than delimiters in it, stripped: its last 2,000 characters, whole words only; ``""`` for none."""
    end = len(text.rstrip(_DELIMITERS))
    if not end:
        return ""
    start, stop = text.rfind("\n", 0, end) + 1, text.find("\n", end)
    line = text[start : len(text) if stop < 0 else stop].strip()
    return line if len(line) <= _LONGEST_LINE else line[-_LONGEST_LINE:].partition(" ")[2]


def lines_from_the_end(text: str) -> Iterator[str]:
    """The lines that are not blank, stripped, last first; a line ends at a newline."""
    end = len(text.rstrip())
    while end >= 0:
        start = text.rfind("\n", 0, end)
        line = text[start + 1 : end].strip()
        if line:
            yield line
        end = start
