"""Trajectories and their parts as rows of plain JSON values, and text as column values.

A row is a list of the fields of a type in order: small, and quick to make. JSON is written without ASCII escapes and encoded so that
surrogates survive, which makes the round trip exact for every Python string. As in :func:`rbsuite.jsonable.plain`, a tuple inside free data
(arguments, ``data``, ``truth``) comes back as a list, and keys that are not strings come back as strings.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, Protocol, TypeVar

import orjson

from rbsuite.errors import in_words
from rbsuite.jsonable import Json, plain, text_digest
from rbsuite.store.restoring import reader
from rbsuite.trajectory import (
    Action,
    Actor,
    Image,
    Message,
    Observation,
    Role,
    Step,
    ToolCall,
    ToolResult,
    ToolSpec,
    Trajectory,
    Turn,
    Usage,
)
from rbsuite.verdict import Verdict

LEVEL = 1
"""zlib level: the fastest; higher levels save about a tenth of the bytes but take two to three times as long."""

_LONG = 4096
"""Text with more characters than this is compressed."""

_SMALL = 16_384
"""Data with no more bytes than this is compressed with less memory."""

_SHARED = 256
"""Rows whose JSON is longer than this are stored once, by content, instead of in every trajectory."""

MOST_BYTES = 256 * 1024 * 1024
"""Size of the longest text that is stored; anything longer is a mistake, or meant to exhaust memory."""

_MOST_COUNTED = 1 << 50
"""Tokens or dollars that no rollout takes."""

DEEPEST = 200
"""Levels of nesting that a record may have: every command can then read it."""


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number")


_DECODER = json.JSONDecoder(parse_constant=_no_number)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=plain)

T = TypeVar("T")


class Refer(Protocol):
    """Takes values and what makes a row of each; returns what represents the rows: themselves, or a name under which they are stored."""

    def __call__(self, values: tuple[T, ...], row: Callable[[T], list[Any]], /) -> Json:
        """See the class."""
        ...


class Resolve(Protocol):
    """Undoes a :data:`Refer`."""

    def __call__(self, value: Json, read: Callable[[Any], T], /) -> tuple[T, ...]:
        """What was stored, from what represents the rows and a function that reads one row."""
        ...


def dumps(value: Any) -> str:
    """Compact JSON of plain values and records.

    Raises:
        ValueError: a number that is not finite, or a value that is nested too deeply.
        TypeError: a value that has no JSON form.
    """
    try:
        if _exact(value):
            try:
                return orjson.dumps(value).decode()
            except orjson.JSONEncodeError:
                pass  # a large whole number, a lone surrogate, or a key that is not a text
        return _ENCODER.encode(value)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


_EXACT = frozenset([str, int, bool, type(None)])
_CONTAINERS = frozenset([list, tuple, dict])


def _exact(value: Any) -> bool:
    """Whether orjson, which is several times as fast, writes a value as :mod:`json` would or refuses it. It writes NaN as null.

    Raises:
        ValueError: it is nested too deeply.
    """
    exact = True
    level: list[Any] = [[value]]
    for _ in range(DEEPEST + 1):
        below: list[Any] = []
        for held in level:
            for part in held.values() if type(held) is dict else held:
                kind = type(part)
                if kind in _CONTAINERS:
                    if part:
                        below.append(part)
                elif kind not in _EXACT and (kind is not float or not math.isfinite(part)):
                    exact = False
        if not below:
            return exact
        level = below
    raise ValueError(f"it is nested more than {DEEPEST} levels deep")


def pack(text: str, most: int = _LONG) -> str | bytes:
    """Text as a column value: itself, or compressed bytes if it is long or has no UTF-8 form (lone surrogates).

    Args:
        text: the text.
        most: the maximum number of characters that is not long.
    """
    if len(text) <= most and (text.isascii() or _encodable(text)):
        return text
    return squeeze(text)


def unpack(value: str | bytes) -> str:
    """The text of a column value; undoes :func:`pack`."""
    return value if isinstance(value, str) else unsqueeze(value)


def squeeze(text: str) -> bytes:
    """Text as compressed bytes.

    Raises:
        ValueError: it is longer than :data:`MOST_BYTES`.
    """
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MOST_BYTES:
        raise ValueError(f"a text of more than {MOST_BYTES // 2**20} MiB")
    # With a window and tables no larger than short data needs, the result is as small, and getting the memory is not most of the time.
    window = max(9, min(zlib.MAX_WBITS, (len(data) - 1).bit_length()))
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, window, zlib.DEF_MEM_LEVEL if len(data) > _SMALL else 6)
    return packer.compress(data) + packer.flush()


def inflate(data: bytes) -> bytes:
    """Decompressed bytes.

    Raises:
        zlib.error: they are damaged, or decompress to more than :data:`MOST_BYTES`.
    """
    unpacker = zlib.decompressobj()
    found = unpacker.decompress(data, MOST_BYTES + 1)
    if len(found) > MOST_BYTES:
        raise zlib.error(f"it unpacks to more than {MOST_BYTES // 2**20} MiB")
    if not unpacker.eof or unpacker.unused_data:
        raise zlib.error("it is incomplete, or more than one stream")
    return found


def unsqueeze(data: bytes) -> str:
    """The text of compressed bytes; undoes :func:`squeeze`. Raises as :func:`inflate`."""
    return inflate(data).decode("utf-8", "surrogatepass")


def loads(text: str) -> Any:
    """The value of stored JSON.

    Raises:
        ValueError: it is damaged: not JSON, an invalid number, or nested too deeply.
    """
    try:
        value, end = _DECODER.raw_decode(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if end != len(text):
        raise ValueError(f"something follows the value, at character {end}")
    return value


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


class SharedRows:
    """Collects the rows that are stored once by content while a record is encoded.

    Attributes:
        texts: the JSON of the rows, by its SHA-256.
    """

    __slots__ = ("texts",)

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def refer(self, values: tuple[T, ...], row: Callable[[T], list[Any]]) -> Json:
        """Short rows as they are, long ones as their hash in :attr:`texts`."""
        try:
            sha, text = _kept(values, row)
        except TypeError:  # they hold dicts, as tools do
            sha, text = _named(values, row)
        if not sha:
            return [row(value) for value in values]
        self.texts[sha] = text
        return sha


def _named(values: tuple[T, ...], row: Callable[[T], list[Any]]) -> tuple[str, str]:
    """The hash and the JSON of rows; ``""`` if they are short."""
    text = dumps([row(value) for value in values])
    return ("", "") if len(text) <= _SHARED else (text_digest(text), text)


_kept = lru_cache(maxsize=8)(_named)
"""For policies, which are the same for many tasks. They are known by their contents, and nothing of them can change."""


def inline(values: tuple[T, ...], row: Callable[[T], list[Any]]) -> Json:
    """The :class:`Refer` that leaves all rows in place."""
    return [row(value) for value in values]


_TEXT, _TEXTS, _INDEX, _REWARD = reader(str), reader(tuple[str, ...]), reader(int | None), reader(float | None)
_ROLE, _SPEAKER, _MAPPING = reader(Role), reader(Literal["user", "tool"]), reader(Mapping[str, Any])
_ACTOR, _AUDIENCE, _TURN, _THOUGHT = reader(Actor), reader(tuple[Actor, ...]), reader(Turn), reader(str | None)


def encode_body(trajectory: Trajectory, refer: Refer) -> str:
    """JSON of what happened in a trajectory: its query, its steps and its final observation."""
    return dumps(body_row(trajectory, refer))


def body_row(trajectory: Trajectory, refer: Refer) -> list[Any]:
    """The row behind :func:`encode_body`."""
    steps = [
        [step.actor, observation_row(step.observation, refer), action_row(step.action), step.reward, step.audience]
        for step in trajectory.steps
    ]
    return [trajectory.query, steps, None if trajectory.final is None else observation_row(trajectory.final, refer)]


def decode_body(text: str, resolve: Resolve) -> tuple[str, tuple[Step, ...], Observation | None]:
    """Query, steps and final observation; undoes :func:`encode_body`."""
    query, rows, final = loads(text)
    steps = tuple(
        Step(_ACTOR(actor), observation(seen, resolve), _action(action), _REWARD(reward), _AUDIENCE(audience))
        for actor, seen, action, reward, audience in rows
    )
    return _TEXT(query), steps, None if final is None else observation(final, resolve)


def observation_row(value: Observation, refer: Refer) -> list[Any]:
    """An observation as a row."""
    return [
        value.text,
        value.turn,
        value.role,
        refer(value.messages, _message_row) if value.messages else (),
        refer(value.tools, _tool_row) if value.tools else (),
        value.choices,
        refer(value.images, _image_row) if value.images else (),
        [[result.id, result.name, result.text] for result in value.results],
        value.data,
    ]


def observation(row: list[Any], resolve: Resolve) -> Observation:
    """An observation from a row."""
    text, turn, role, messages, tools, choices, images, results, data = row
    return Observation(
        _TEXT(text),
        _TURN(turn),
        _SPEAKER(role),
        resolve(messages, _message) if messages else (),
        resolve(tools, _tool) if tools else (),
        _TEXTS(choices),
        resolve(images, _image) if images else (),
        tuple(ToolResult(*map(_TEXT, result)) for result in results),
        _MAPPING(data),
    )


def action_row(value: Action) -> list[Any]:
    """An action as a row."""
    return [value.text, _call_rows(value.calls), value.index, value.thought]


def _action(row: list[Any]) -> Action:
    text, calls, index, thought = row
    return Action(_TEXT(text), _calls(calls), _INDEX(index), _THOUGHT(thought))


def _call_rows(calls: tuple[ToolCall, ...]) -> list[list[Any]]:
    return [[call.id, call.name, call.arguments, call.raw] for call in calls]


def _calls(rows: list[list[Any]]) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(_TEXT(id), _TEXT(name), _MAPPING(arguments), _TEXT(raw)) for id, name, arguments, raw in rows)


def _message_row(value: Message) -> list[Any]:
    content = value.content
    if not isinstance(content, str):
        content = [part if isinstance(part, str) else _image_row(part) for part in content]  # type: ignore[assignment]
    return [value.role, content, _call_rows(value.tool_calls), value.tool_call_id, value.name]


def _message(row: list[Any]) -> Message:
    role, content, calls, tool_call_id, name = row
    if not isinstance(content, str):
        content = tuple(part if isinstance(part, str) else _image(part) for part in content)
    return Message(_ROLE(role), content, _calls(calls), _TEXT(tool_call_id), _TEXT(name))


def _tool_row(value: ToolSpec) -> list[Any]:
    return [value.name, value.description, value.parameters]


def _tool(row: list[Any]) -> ToolSpec:
    name, description, parameters = row
    return ToolSpec(_TEXT(name), _TEXT(description), _MAPPING(parameters))


def _image_row(value: Image) -> list[Any]:
    return [value.media_type, value.data, value.description]


def _image(row: list[Any]) -> Image:
    return Image(*map(_TEXT, row))


def verdict_row(value: Verdict | None) -> list[Any] | None:
    """A verdict as a row, or ``None``."""
    return None if value is None else [value.label, value.score, value.rationale, value.source]


def verdict(row: list[Any] | None) -> Verdict | None:
    """A verdict from a row."""
    return None if row is None else Verdict(*row)


def usage_row(value: Mapping[str, Usage]) -> dict[str, list[Any]]:
    """Usage by purpose as a dict of rows."""
    return {purpose: [cost.calls, cost.input_tokens, cost.output_tokens, cost.cost] for purpose, cost in value.items()}


def usage(row: Mapping[str, list[Any]]) -> dict[str, Usage]:
    """Usage by purpose; undoes :func:`usage_row`.

    Raises:
        ValueError: it holds what no call costs: the store was changed.
    """
    for calls, given, made, cost in row.values():
        for count in (calls, given, made):
            if type(count) is not int or not 0 <= count < _MOST_COUNTED:
                raise ValueError(f"a count of its usage is {_figure(count)}")
        if cost is not None and (type(cost) not in (int, float) or not 0 <= cost < _MOST_COUNTED):
            raise ValueError(f"a cost is {_figure(cost)}")
    return {purpose: Usage(*cost) for purpose, cost in row.items()}


def _figure(value: Any) -> str:
    return f"{value:.4g}" if type(value) in (int, float) else in_words(value)
