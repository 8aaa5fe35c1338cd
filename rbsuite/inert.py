"""Text that a terminal only shows: what models, environments, data and providers wrote must not control the terminal it is read on."""

from __future__ import annotations

import re

# Control characters (except line feed and tab), line and paragraph separators, surrogates, all format characters of Unicode 15 (bidi
# controls, zero-width ones, tags) and others that are invisible but carry something: the grapheme joiner, fillers, variation selectors.
_LIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def inert(text: str) -> str:
    r"""A text in which whatever a terminal would obey or hide is written as escapes (``\x1b``, ``\u202e``); line feeds and tabs stay.

    Text that is already inert, such as JSON in ASCII, is returned as it is.
    """
    return _LIVE.sub(lambda found: ascii(found[0])[1:-1], text)


def without_live(text: str) -> str:
    """A text without these characters."""
    return _LIVE.sub("", text)
