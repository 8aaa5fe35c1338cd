"""How many tokens a text has, by an estimate that depends only on the text: no tokenizer is loaded or fetched.

A text is split much as current tokenizers do before they look up a piece: words into pieces of at most six letters, each with the
space before it, numbers into pieces of three digits, marks into pairs, white space into one. Every piece counts as one token, and so does
every character outside ASCII.

Measured against three tokenizers (OpenAI's cl100k_base and o200k_base, and that of Claude 2; ``benchmarks/tokens.py``), it is 2 to 24 % too
high on transcripts, benchmark records, model replies, source code and prose in English and Chinese. It is two to four times too
high for alphabets other than Latin, more for box-drawing characters, and a fifth too low for base64 and the like, and for emoji.
"""

from __future__ import annotations

import re
import string
from array import array
from collections.abc import Sequence
from functools import cached_property, lru_cache

_PIECE = re.compile(
    r"[ _]?(?:[A-Z]?[a-z]{1,6}|[A-Z]{1,3})|[0-9]{1,3}|[^\x00-\x7f]|([^\w\s])\1{1,15}| ?[^\w\s]{1,2}|\s+|.", re.DOTALL
)


def tokens_of(text: str) -> int:
    """The estimate. It is never more than the number of characters."""
    return sum(1 for _ in _PIECE.finditer(text))


_BETWEEN = "_"
"""Put between texts, it takes none of their tokens away: it joins what comes after it, and nothing joins it."""


def fit(texts: Sequence[str], tokens: int) -> bool:
    """Whether texts together have no more than a number of tokens. They are counted only if no bound decides it."""
    return _within(_BETWEEN.join(texts), tokens) or sum(map(tokens_of, texts)) <= tokens


def _within(text: str, tokens: int) -> bool:
    """Whether a bound tells that a text has no more than a number of tokens, the quickest first.

    That of words takes a fiftieth of the time that counting does and is up to two thirds too high, the other a tenth and up to a third.
    """
    return len(text) <= tokens or _bound_by_words(text) <= tokens or _bound(text) <= tokens


_known_within = lru_cache(maxsize=16)(_within)
"""For the rules, which are the same for many tasks."""


def _bound_by_words(text: str) -> int:
    """An upper bound of the tokens of a text: its lower-case words in pieces of six letters, and every other byte."""
    import numpy as np

    lower = (np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8) - np.uint8(ord("a"))) < 26
    letters = int(np.count_nonzero(lower))
    words = int(np.count_nonzero(lower[1:] > lower[:-1])) + int(lower[0])
    return len(lower) - letters + (letters + 5 * words) // 6


def _kind(byte: int) -> int:
    character = chr(byte)
    if byte > 0x7F:
        return 7
    for kind, members in enumerate((string.ascii_lowercase, string.ascii_uppercase, string.digits, " ", "_")):
        if character in members:
            return kind
    return 5 if character.isspace() else 6


_KIND_OF = bytes(map(_kind, range(256)))
_GOES_ON = bytes(range(0x80, 0xC0))
"""The bytes of UTF-8 that no character begins with."""


def _bound(text: str) -> int:
    """An upper bound of the tokens of a text, from how often a character of one kind follows one of another."""
    import numpy as np

    encoded = text.encode("utf-8", "surrogatepass").translate(_KIND_OF, _GOES_ON)
    kinds = np.frombuffer(encoded, dtype=np.uint8)
    pairs: list[int] = np.bincount(kinds[:-1] * 8 + kinds[1:], minlength=64).tolist()
    counts = [sum(pairs[8 * kind : 8 * kind + 8]) + (encoded[-1:] == bytes([kind])) for kind in range(8)]
    lower, upper, digit, space, underscore, other, mark, foreign = range(8)
    inside = pairs[:: 8 + 1]
    runs = [count - within for count, within in zip(counts, inside, strict=True)]

    def followed(kind: int, *by: int) -> int:
        return sum(pairs[8 * kind + next_kind] for next_kind in by)

    # A piece for each run of one kind, and one more for each stretch of the run that is as long as a piece can be.
    pieces = runs[lower] + runs[upper] + runs[digit] + runs[space] + runs[other] + runs[mark]
    pieces += encoded.count(bytes([lower] * 6)) + inside[upper] // 3 + inside[digit] // 3 + inside[mark] // 2
    pieces += counts[underscore] + counts[foreign]
    # What joins the piece that follows: an underscore, the last of a run of capitals, a single space.
    joined = followed(underscore, lower, upper)
    joined += max(0, followed(upper, lower) - inside[upper])
    joined += max(0, followed(space, lower, upper, mark) - inside[space])
    return pieces - joined


class CountedText:
    """A text whose tokens are counted only when needed.

    Args:
        text: the text.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _ends(self) -> array[int]:
        return array("L", (piece.end() for piece in _PIECE.finditer(self.text)))

    @property
    def tokens(self) -> int:
        """Its tokens, see :func:`tokens_of`."""
        return len(self._ends)

    def fits(self, tokens: int) -> bool:
        """Whether it has no more than this many."""
        counted = "_ends" in self.__dict__
        return (not counted and _known_within(self.text, tokens)) or self.tokens <= tokens

    def head(self, tokens: int) -> int:
        """Where its first tokens end."""
        return self._ends[min(tokens, self.tokens) - 1] if tokens > 0 and self.text else 0

    def tail(self, tokens: int) -> int:
        """Where its last tokens begin."""
        return self._ends[self.tokens - tokens - 1] if tokens < self.tokens else 0
