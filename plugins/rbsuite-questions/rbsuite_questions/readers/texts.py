"""Ways through a text that take time in proportion to its length, whatever it holds."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

_THINK = re.compile(r"<(/?)think>")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


def last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The last of the matches that do not overlap, found from the left as ``re.findall`` does."""
    found: deque[re.Match[str]] = deque(pattern.finditer(text), maxlen=1)
    return found[0] if found else None


def without_thinking(text: str) -> str:
    """The text outside ``<think>...</think>``.

    A block that is never closed runs to the end. A closing tag without an opening one closes a block that began before the text, as
    with templates that open the block in the prompt.
    """
    kept: list[str] = []
    depth = start = 0
    for tag in _THINK.finditer(text):
        if depth == 0 and tag[1]:
            kept.clear()
        elif depth == 0:
            kept.append(text[start : tag.start()])
        depth = max(0, depth - 1) if tag[1] else depth + 1
        start = tag.end()
    return "".join(kept) + ("" if depth else text[start:])


def ascii_width(text: str) -> str:
    """The text with full-width forms of ASCII characters (digits, letters, colon) in their ordinary form."""
    return text if text.isascii() else text.translate(_FULL_WIDTH)


def in_braces(text: str, start: int) -> str | None:
    r"""What stands between the brace at a position and the one that closes it; ``\{`` and ``\}`` are ordinary characters.

    Args:
        text: the text.
        start: where the opening brace stands.

    Returns:
        The content, or ``None`` if the brace is never closed.
    """
    depth = 0
    for brace in _BRACE.finditer(text, start):
        if brace[0] == "{":
            depth += 1
        elif brace[0] == "}":
            depth -= 1
            if depth == 0:
                return text[start + 1 : brace.start()]
    return None


def lines_from_the_end(text: str) -> Iterator[str]:
    """The lines that are not blank, stripped, last first; a line ends at a newline."""
    end = len(text)
    while end >= 0:
        start = text.rfind("\n", 0, end)
        line = text[start + 1 : end].strip()
        if line:
            yield line
        end = start
