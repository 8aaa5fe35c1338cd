r"""JSON as models write it, and calls.

Besides JSON itself, these are tolerated: text before, between and after; single and typographic quotes; keys without quotes; a comma too
many or too few; raw newlines, bad escapes and unescaped quotes in strings; ``True``, ``None``; comments; JSON with all its quotes escaped.
What is not closed is not read, nor is anything inside it: a reply that was cut off says only part of what it should. Nor is a value with
an object in it that says different things under one key.

Bounds, far above what any form has: objects of a reply (:data:`MOST`), parts of those that are not strictly JSON
(:data:`MOST_PARTS`), openings that turn out to begin nothing (:data:`MOST_TRIES`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from rbsuite.files import Unusable, check_depth
from rbsuite.frozen import dataclass
from rbsuite.jsonable import finite
from rbsuite.reading.layers import Layer, Unclear

MOST = 1_000
"""How many objects and lists of a reply are read, starting from the first."""
MOST_PARTS = 10_000
"""Keys and elements, in total, of a reply's objects that are not strictly JSON."""
MOST_TRIES = 64
"""After this many openings that begin nothing, the search stops."""

_LEAD = re.compile(r"[\W\d_]*+(?:\w++[\W_]*)?")
_LONGEST_LEAD = 40
_DEEPEST = 40
_MOST_SPENT = 3
"""How many times the text's length may be scanned in vain."""
_LONGEST_ESCAPED = 100_000
"""In a string that is not strictly JSON, escapes are resolved up to this many characters; in a longer one they stay as they are."""
_MOST_QUOTES = 50_000
"""In a text with more marks of a kind, no string in them is read that is not strictly JSON."""
_WORD = r"[A-Za-z_][\w.$-]{0,80}+"
_OPEN = re.compile(
    rf"""\{{(?=\s*+(?:["'“”‘’`]|\}}|/[/*]|{_WORD}["']?(?:[ ]\w{{1,20}}+)?+\s*+[:=]))"""
    rf"""|\[(?=\s*+(?:[\[{{"'“‘\]]|-?\d|/[/*]|{_WORD}\s*+[,\]]))"""
)
_SPACE = re.compile(r"(?:\s++|//[^\n]*+)*+")
_KEY = re.compile(rf"({_WORD}(?:[ ]\w{{1,20}}+){{0,3}}+)\s*+")
_MARK = re.compile(r"\s*+(?:=>|[:=：])\s*+")
_NUMBER = re.compile(r"[-+]?(?!0\d)\d{1,300}(?:\.\d{0,300})?+(?:[eE][-+]?\d{1,3})?+(?![\w.])")
_BARE = re.compile(r"""[^\s,:{}\[\]"'()][^,{}\[\]\n"()]{0,400}+""")
_SKIPPED = re.compile(r"(?:[\s,;]++|\.\.\.|…)*+")
_CLOSING = {'"': '"', "'": "'", "“": "”", "‘": "’", "”": "”", "’": "’", "`": "`"}
_LITERALS = {"true": True, "false": False, "null": None, "none": None, "undefined": None, "nil": None}
_NEXT = r"""(?:[\[{"'“‘\]}`-]|\d|(?:true|false|null|none)\b|//|/\*|\.\.\.)"""
_UNESCAPED = re.compile(r"((?:[^\"\\]|\\.)*+)\"", re.DOTALL)
_BAD_ESCAPE = re.compile(r"((?:[^\\]++|\\[\"\\/bfnrt]|\\u[0-9a-fA-F]{4})*+)\\(?![\"\\/bfnrt]|u[0-9a-fA-F]{4})")
_CALL = re.compile(rf"({_WORD})[ \t]*\((?=\s*+(?:[)\{{]|{_WORD}\s*+=))")


@dataclass(frozen=True, slots=True)
class Values:
    """The outermost objects and lists of a text.

    Attributes:
        found: the values, in order.
        cut: whether the text ended inside a further one.
        broken: whether something began like one but is not; then what was found may have been part of it.
        text: the text that was read; that of the layer, unless its quotes were escaped.
        spans: where in it each value begins and ends.
        more: whether the search stopped before the text ended.
        twice: whether an object said different things under one key, or was nested deeper than records are; a value with such an object
            is not among those found.
    """

    found: tuple[Any, ...] = ()
    cut: bool = False
    broken: bool = False
    text: str = ""
    spans: tuple[tuple[int, int], ...] = ()
    more: bool = False
    twice: bool = False

    @property
    def own(self) -> tuple[Any, ...]:
        """Those that begin a line, perhaps after a label, or follow such a one. Others are part of a sentence, which may quote them."""
        own: list[Any] = []
        last = 0  # where the last of them ends
        for value, (start, end) in zip(self.found, self.spans, strict=True):
            line = self.text.rfind("\n", max(0, start - _LONGEST_LEAD), start) + 1
            begins = (line or start <= _LONGEST_LEAD) and _LEAD.fullmatch(self.text, line, start)
            if begins or (own and not self.text[last : min(start, last + _LONGEST_LEAD)].strip(" \n,;")):
                own.append(value)
                last = end
        return tuple(own)


class NotAValue(Exception):
    """No value begins at a place, or it is not closed, or an object in it says different things under one key.

    Attributes:
        at: where reading it stopped.
        cut: whether the text ended inside it.
        twice: whether it is only such a key that is wrong with it, or its depth.
    """

    def __init__(self, at: int, *, cut: bool = False, twice: bool = False) -> None:
        super().__init__()
        self.at = at
        self.cut = cut
        self.twice = twice


def read_values(layer: Layer) -> Values:
    """The objects and lists that begin outside a layer's fences and quotes, whatever surrounds them."""
    values = ValueReader(layer.text).all(layer.outside)
    if not values.found and not values.twice and '\\"' in layer.outside:
        plain = layer.outside.replace('\\"', '"')
        return ValueReader(plain).all(plain)
    return values


def values_in(text: str) -> Values:
    """The objects and lists anywhere in a text."""
    return read_values(Layer(text, text))


def without_values(layer: Layer, values: Values) -> str:
    """The text outside fences, quotes, objects and lists; places in it are those of the text in which the values were found."""
    outside = layer.outside if len(values.text) == len(layer.text) else values.text
    parts: list[str] = []
    at = 0
    for start, end in values.spans:
        parts += [outside[at:start], " " * (end - start)]
        at = end
    return "".join([*parts, outside[at:]])


def is_empty(value: object, deepest: int = 4) -> bool:
    """Whether a value contains nothing but keys, such as ``null``, ``[]`` or ``{"items": []}``; ``deepest`` levels are looked at."""
    if isinstance(value, dict | list) and deepest:
        return all(is_empty(one, deepest - 1) for one in (value.values() if isinstance(value, dict) else value))
    return value is None or value == "" or value == []


def objects_with(values: Sequence[Any], keys: Sequence[str], deepest: int = 4) -> list[tuple[Mapping[str, Any], Any]]:
    """The outermost objects that have one of the given keys, each with the value of the first of these keys that it has.

    Args:
        values: what is searched, including lists; objects inside a found one are not looked at.
        keys: in lower case, joined by underscores; matched in any case, and with spaces or dashes.
        deepest: levels that are searched.
    """
    found: list[tuple[Mapping[str, Any], Any]] = []
    for value in values:
        if isinstance(value, dict):
            mine = plain_keys(value)
            key = next((key for key in keys if key in mine), None)
            if key is not None:
                found.append((mine, mine[key]))
            elif deepest:
                found += objects_with(list(value.values()), keys, deepest - 1)
        elif isinstance(value, list) and deepest:
            found += objects_with(value, keys, deepest - 1)
    return found


def plain_keys(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object with its keys in lower case, joined by underscores.

    Raises:
        Unclear: it says different things under two ways of writing one key.
    """
    mine: dict[str, Any] = {}
    for key, item in value.items():
        if mine.setdefault(str(key).strip().casefold().replace(" ", "_").replace("-", "_"), item) != item:
            raise Unclear("an object says different things under one key")
    return mine


def text_of_value(value: object) -> str:
    """A value as text: a list line by line, an object with its keys; ``""`` for null."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return "\n".join(filter(None, map(text_of_value, value)))
    if isinstance(value, dict):
        return "\n".join(f"{key}: {text_of_value(item)}" for key, item in value.items())
    return "" if value is None else json.dumps(value)


class ValueReader:
    """Reads values at places in one text. Failed tries share one budget, so that no text takes more than linear time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._twice = False
        # Where the last comment ends: none that begins later is closed, so its end is not searched for.
        self._comments = text.rfind("*/")
        self._quotes: dict[str, int] = {}
        self._parts = 0
        self._spent = 0
        self._deep = False

    @cached_property
    def _decoder(self) -> json.JSONDecoder:
        return json.JSONDecoder(strict=False, parse_float=finite, parse_constant=finite, object_pairs_hook=self._object)

    def all(self, outside: str) -> Values:
        """The outermost objects and lists.

        Args:
            outside: the text, with blanks where none may begin.
        """
        found: list[Any] = []
        spans: list[tuple[int, int]] = []
        tries = at = 0
        cut = more = twice = False
        while len(found) < MOST and tries < MOST_TRIES:
            opening = _OPEN.search(outside, at)
            if opening is None:
                break
            try:
                value, at = self.decoded(opening.start())
            except NotAValue as fault:
                twice = twice or fault.twice
                if fault.cut:
                    cut = True
                    break
                tries += 1
                at = fault.at if fault.twice else opening.end()
            else:
                found.append(value)
                spans.append((opening.start(), at))
        else:
            more = _OPEN.search(outside, at) is not None
        return Values(
            tuple(found),
            cut=cut,
            broken=tries > 0 and not cut,
            more=not cut and (more or self._is_spent()),
            text=self._text,
            spans=tuple(spans),
            twice=twice,
        )

    def decoded(self, at: int) -> tuple[Any, int]:
        """The object or list that begins at a place, and where it ends.

        Raises:
            NotAValue: none begins there, or one that says different things under one key.
        """
        value, end = self._decoded(at)
        try:
            check_depth(value)
        except Unusable:
            raise NotAValue(end, twice=True) from None
        if self._twice:
            raise NotAValue(end, twice=True)
        return value, end

    def _decoded(self, at: int) -> tuple[Any, int]:
        if self._text[at : at + 1] not in ("{", "[") or self._is_spent():
            raise NotAValue(at)
        self._twice = False
        try:
            if not self._deep:
                return self._decoder.raw_decode(self._text, at)
        except RecursionError:
            self._deep = (
                True  # it goes ten thousand levels down from Python 3.12 on, and would again from the next bracket
            )
        except ValueError as error:
            self._spent += getattr(error, "pos", at) - at
        self._twice = False
        try:
            return self.value(at)
        except NotAValue as fault:
            self._spent += fault.at - at
            raise

    def call(self, at: int) -> tuple[str, dict[str, Any], int] | None:
        """A call ``name(key=value, ...)`` or ``name({...})`` at a place: its name, its arguments, and where it ends."""
        match = _CALL.match(self._text, at)
        if match is None or self._is_spent():
            return None
        self._twice = False
        try:
            arguments, end = self.arguments(match.end())
        except NotAValue as fault:
            self._spent += fault.at - at
            return None
        if self._twice:
            return None
        return match[1], arguments, end

    def value(self, at: int, depth: int = 0, within: str = "}") -> tuple[Any, int]:
        """The value that begins at a place, and where it ends.

        Args:
            at: where it begins.
            depth: number of values around it.
            within: the bracket that closes the innermost of them.
        """
        text = self._text
        first = text[at : at + 1]
        if depth > _DEEPEST:
            raise NotAValue(at)
        if first == "{":
            return self._pairs(at + 1, depth, "}")
        if first == "[":
            return self._list(at + 1, depth)
        if first in _CLOSING:
            return self._string(at, within)
        number = _NUMBER.match(text, at)
        if number is not None:
            digits = number[0]
            if not set(digits) & set(".eE"):
                return int(digits), number.end()
            counted = float(digits)
            return (counted if math.isfinite(counted) else digits), number.end()
        bare = _BARE.match(text, at)
        if bare is None:
            raise NotAValue(at, cut=not first)
        word = bare[0].strip()
        return _LITERALS.get(word.casefold(), word), bare.end()

    def arguments(self, at: int) -> tuple[dict[str, Any], int]:
        """The arguments between a call's brackets, up to the closing one."""
        at = self._skip(at)
        if self._text.startswith("{", at):
            value, at = self.value(at)
            at = self._skip(at)
            if not self._text.startswith(")", at):
                raise NotAValue(at)
            return value, at + 1
        return self._pairs(at, 0, ")")

    def _pairs(self, at: int, depth: int, closing: str) -> tuple[dict[str, Any], int]:
        pairs: list[tuple[str, Any]] = []
        while True:
            at = self._next(at)
            if self._text.startswith(closing, at):
                return self._object(pairs), at + 1
            if self._text[at : at + 1] in _CLOSING:
                key, at = self._string(at, closing)
            else:
                bare = _KEY.match(self._text, at)
                if bare is None:
                    raise NotAValue(at)
                key, at = bare[1], bare.end()
            mark = _MARK.match(self._text, at)
            if mark is None:
                raise NotAValue(at)
            value, at = self.value(self._skip(mark.end()), depth + 1, closing)
            pairs.append((key, value))

    def _object(self, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        """An object of its keys and values; whether it says different things under one key is kept in mind."""
        made = dict(pairs)
        if len(made) < len(pairs):
            self._twice = self._twice or any(made[key] != value for key, value in pairs)
        return made

    def _list(self, at: int, depth: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        while True:
            at = self._next(at)
            if self._text.startswith("]", at):
                return items, at + 1
            item, at = self.value(at, depth + 1, "]")
            items.append(item)

    def _is_spent(self) -> bool:
        return self._spent > _MOST_SPENT * len(self._text)

    def _next(self, at: int) -> int:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise NotAValue(at)
        skipped = _SKIPPED.match(self._text, self._skip(at))
        assert skipped is not None  # it may be empty
        at = self._skip(skipped.end())
        if at >= len(self._text):
            raise NotAValue(at, cut=True)
        return at

    def _skip(self, at: int) -> int:
        """The end of the whitespace and comments that begin at a place."""
        while True:
            space = _SPACE.match(self._text, at)
            assert space is not None  # it may be empty
            at = space.end()
            if not (self._text.startswith("/*", at) and at + 2 <= self._comments):
                return at
            at = self._text.index("*/", at + 2) + 2

    def _string(self, at: int, within: str) -> tuple[str, int]:
        quote = _CLOSING[self._text[at]]
        if quote not in self._quotes:
            self._quotes[quote] = self._text.count(quote)
        few = self._quotes[quote] <= _MOST_QUOTES
        match = _string_pattern(quote, within).match(self._text, at + 1) if few else None
        if match is None:
            raise NotAValue(len(self._text), cut=True)
        return _resolved(match[1], quote), match.end()


@lru_cache(maxsize=32)
def _string_pattern(quote: str, closing: str) -> re.Pattern[str]:
    """A string up to the quote that ends it: the first one followed by something that may follow a string there."""
    key = rf"""(?:["'“‘](?:[^"'”’\n\\]{{1,80}}+)["'”’]|{_WORD}(?:[ ]\w{{1,20}}+){{0,3}}+)\s*+[:=]"""
    further = _NEXT if closing == "]" else rf"(?:{key}|[}}\]{re.escape(closing)}]|//|/\*|\.\.\.)"
    ends = rf"""\s*+(?:[}}\]:={re.escape(closing)}]|,\s*+{further}|\Z|//)|\s++(?:["'“‘])(?:[^"'”’\n\\]{{1,80}}+)["'”’]\s*+:"""
    inner = rf"(?:[^{quote}\\]++|\\.|{quote}(?!{ends}))*+"
    return re.compile(rf"({inner}){quote}", re.DOTALL | re.IGNORECASE)


def _resolved(content: str, quote: str) -> str:
    """A string's content with its escapes resolved; what is not an escape stays as it is."""
    if "\\" not in content or len(content) > _LONGEST_ESCAPED:
        return content
    if quote != '"':
        content = content.replace(f"\\{quote}", quote)
    text = _BAD_ESCAPE.sub(r"\1\\\\", _UNESCAPED.sub(r'\1\\"', content))
    try:
        value: str = json.loads(f'"{text}"', strict=False)
    except ValueError:
        return content
    return value
