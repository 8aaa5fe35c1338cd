"""Actions written as text: how tools are described, and how replies are read, leniently or as tau-bench does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from rbsuite.errors import ParseFailure
from rbsuite.files import check_depth
from rbsuite.frozen import dataclass
from rbsuite.jsonable import finite
from rbsuite.reading.labels import find_labels
from rbsuite.reading.layers import Layer, Unclear, Unreadable, without_quotes
from rbsuite.reading.stances import disowns, end_of_line, first_own, leads_to_denied, takes_back
from rbsuite.reading.values import NotAValue, ValueReader, Values, plain_keys, read_values, values_in, without_values
from rbsuite.reading.words import chosen
from rbsuite.trajectory import Action, ToolSpec

RESPOND = "respond"
"""The action with the argument ``content``, which is said to the user."""

LABEL = "Action:"

RESULT_PREFIX = "API output: "
"""How a message with a tool's result begins."""

_NAMES = ("name", "tool", "tool_name", "function", "function_name", "action")
_ARGUMENTS = ("arguments", "args", "parameters", "params", "input", "action_input", "kwargs", "tool_input")
_ACTION = re.compile(r"A(?<!\wA)(?:ction|CTION)[ \t]*+(?:\d{1,3})?+[*_`]*+[ \t]*+[:：][*_`]*+")
_RESULT = re.compile(
    r"""^[ \t#*_`>•+-]*+(?:
        (?:(?:api|tool|function|action|code|system)[ \t]++)?+(?:observation|output|result|response|return)s?+
            [ \t]*+(?:\d{1,3})?+[*_`]*+[ \t]*+(?:[:：]|$)
        |(?:user|human|tool|function|environment)[*_`]*+[ \t]*+[:：]
        |[<\[](?:(?:api|tool|function)[ _-])?+(?:observation|output|result|response|return)s?+[>\]])""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
"""How a result begins that the model made up, or the user's next words."""
_BEFORE = re.compile(r"(?:\s++|`{3,}[\w+-]*+|~{3,}[\w+-]*+|[*_`]++|</?[\w|-]{1,20}>)*+")
_INPUT = re.compile(r"\s*+[*_`]*(?:Action[ \t]+Input|Arguments|Input|Parameters)[*_`]*[ \t]*[:：][*_`]*", re.IGNORECASE)
_TOOL = re.compile(r"([A-Za-z_][\w.-]{0,80})[*_`]*[ \t]*(?=\n)")
_THOUGHT = re.compile(
    r"^[ \t#*_`<•+-]*+(?:\d{1,3}[.)][ \t*_`]*+)?Thoughts?[ \t]*(?:\d{1,3})?[*_`>]*[ \t]*(?:(?<=>)|[:：][*_`]*|$)",
    re.IGNORECASE | re.MULTILINE,
)
_LIKE_CALL = re.compile(
    r"""[\"'“„«‘\\]{0,2}(?:\{\\?[\"'“]
    |[A-Za-z_][\w.]{0,80}+(?:\([ \t]*+(?:[\"'“{\[\d]|[^()\n]{0,200}=)|[*_`]{0,3}\s{1,3}\{\s*+[\"'“]))""",
    re.VERBOSE,
)
"""What is no action after a label, but no speech either."""
_WRAPPING = re.compile(r"(?:\w+_)?(?:call|action|tool|function|use|step|answer)s?")
"""Keys whose values are actions, if they have their form."""
_LIKE_JSON = re.compile(r"\s*+(?:```\w*\s*+)?[{\[](?=\s*+[\"'{\[\]}\w])")
_NO_ACTION = "it is not an object with the text 'name' and the object 'arguments'"
_NOT_CLOSED = "its JSON is not closed"
_MOST = 1_000
"""How many labels ``Action:`` a reply may have."""
_FAR = 400
"""How far the text around an action is looked at."""
_FAR_AFTER = 2_000
"""How far the text after it is searched for words that deny it."""
_QUOTES = {'"': '"', "'": "'", "`": "`"} | dict(zip("”“»’」』›", "“„«‘「『‹", strict=True))
"""What opens a quotation, by what closes it."""
_MARKS = r"(?:[^\w\n{}]++|_++|\d{1,3}[.):]|(?<=[`~])[a-z]{2,10}\b|(?<=[</|])[\w|:-]{1,30}>)*+"
_LEAD = re.compile(_MARKS)
"""What may stand before an object that begins a line."""
_LABEL_LEAD = re.compile(rf"(?i){_MARKS}(?:(?:the|my|final|next|last|first|second|best|chosen|agent|agent's)[ \t]++)*+")
"""What may stand before a label that begins a line."""
_SENTENCE = re.compile(r"[.!?…)}\]>。！？][ \t*_]*+\Z")
_QUOTING = re.compile(r"[\"“„«‘`'][*_]*+\Z")
_PLAIN = re.compile(r"[ \t#*_`<\[]*+")
"""What stands before a label that is no item of a list."""
_IN_SENTENCE = re.compile(r"[\w,;，、][ \t*_`\"'“„«‘]*+\Z")
_DENIED = re.compile(r"(?:\b(?:not|never|cannot|ignore|refuse)\b|n['’]t\b)", re.IGNORECASE)
_CLAUSE = re.compile(r"[.,;!?]|\b(?:so|but|instead)\b", re.IGNORECASE)
_COLON = re.compile(r"[:：][ \t*_`\"“„«]*+\Z")
_GOES_ON = re.compile(r"[^\w\n]*+\w")
_GOES_ON_BARE = re.compile(r"[ \t]*+,?[ \t]*+[a-z]")
_INTRODUCED = re.compile(r"[:：][ \t*_]*+[`\"“„«]\Z")
_LAST = re.compile(r"(?:[ \t*_`\"'“”»\])>;]|</?[\w|:-]{1,30}>)*?$", re.MULTILINE)
"""What may stand after an action that ends a line."""
_CLOSING = re.compile(r"[*_]{0,3}[ \t.,;!?]{0,5}([\"'`”“»’」』›])")


class _Broken(Unreadable):
    """An action whose end is not known."""


@dataclass(frozen=True, slots=True)
class Written:
    """An action as a reply words it.

    Attributes:
        value: the object with ``name`` and ``arguments``; ``None`` for speech.
        said: what is said to the user, if it is speech.
        before: the text before it.
    """

    value: Mapping[str, Any] | None
    said: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """What a label says: where it begins and ends, and the action after it or why that cannot be read; neither for speech.

    ``after`` is where the action ends.
    """

    start: int
    end: int
    after: int
    value: Mapping[str, Any] | None = None
    fault: Unreadable | None = None
    plain: bool = True


def schemas(tools: Sequence[ToolSpec]) -> str:
    """The tools as a JSON list of function schemas."""
    listing = [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in tools
    ]
    return json.dumps(listing)


def parse_action(reply: str, *, thought: str = "", keep_thought: bool = False) -> Action:
    """Read the action of a reply.

    It is what follows ``Action:``: an object with ``name`` and ``arguments``, a call ``name(key=value)``, or the tool's name with
    ``Action Input:`` below it. Of several, the last counts, but nothing after a result that the model made up (``API output:``). Without
    that label, an object of that form is the action. One that is only mentioned, in a sentence, a quotation or a block quote beside other
    words, is none. A reply with no action at all is said to the user.

    Args:
        reply: the model's text.
        thought: what was thought besides the reply.
        keep_thought: whether the text before the action belongs to the thought.

    Raises:
        ParseFailure: there is an action that cannot be read.
    """
    try:
        written = first_own(reply, _written, _speech)
        action = _action(written)
    except Unreadable as fault:
        raise ParseFailure(f"the model's action cannot be read: {fault}.") from None
    before = _THOUGHT.sub("", written.before.strip()).strip() if keep_thought else ""
    return Action(action.text, action.calls, thought=" ".join(filter(None, (thought, before))))


def parse_strictly(reply: str, *, thought: str = "") -> Action:
    """Read the action of a reply as tau-bench does.

    What follows the last ``Action:`` (or the whole reply) is a JSON object with ``name`` and ``arguments``; if it is not
    JSON, it is said to the user unchanged.

    Raises:
        ParseFailure: it is JSON, but not such an object.
    """
    text = reply.rsplit(LABEL, 1)[-1].strip()
    try:
        value = json.loads(text, parse_float=finite, parse_constant=finite)
        check_depth(value)
    except json.JSONDecodeError:
        return Action(text=text, thought=thought)
    except (ValueError, RecursionError):
        raise ParseFailure(f"the model's action is JSON beyond what can be read: {text[:60]!r}...") from None
    try:
        action = _action(Written(value if isinstance(value, dict) else {}))
    except Unreadable as fault:
        raise ParseFailure(f"the model's action cannot be read: {fault}: {text[:120]!r}.") from None
    return Action(action.text, action.calls, thought=thought)


def _action(written: Written) -> Action:
    value = written.value
    if value is None:
        return Action(text=written.said)
    name, arguments = value.get("name"), value.get("arguments")
    if not isinstance(name, str) or not name or not isinstance(arguments, dict):
        raise Unreadable(_NO_ACTION)
    if name != RESPOND:
        return Action.call(name, arguments)
    if not isinstance(arguments.get("content"), str):
        raise Unreadable(f"the action {RESPOND!r} has no text in 'content'")
    return Action(text=arguments["content"])


def _written(layer: Layer) -> Written | None:
    """What a layer says; ``None`` for nothing. What is quoted beside other words is only mentioned."""
    if layer.quoted:
        return None
    return _labelled(layer) or _unlabelled(layer)


def _speech(reply: str) -> Written | None:
    """All of a reply as words for the user; ``None`` if it begins like an action or a thought, or has an action that counts."""
    text = reply.strip()
    own = without_quotes(text)
    outside = own if own.strip() else text
    if _THOUGHT.match(text) or _LIKE_JSON.match(text) or next(_places(Layer(text, outside)), None):
        return None
    return Written(None, text)


def _labelled(layer: Layer) -> Written | None:
    """The last action after a label, but none after a result that the model made up. ``None`` without a label."""
    last: _Place | None = None
    fault: Unreadable | None = None
    several = False
    for place in _places(layer):
        if place.fault is not None:
            fault = place.fault
        elif place.value is not None or last is None or (last.value is None and place.plain >= last.plain):
            several = several or (last is not None and last.value is not None)
            last = place
    if fault is not None and (last is None or last.value is None):
        raise fault
    if last is None:
        return None
    before = layer.text[: last.start].rstrip(" \t#*_`")
    if last.value is not None:
        _check_stands(layer.outside, last.after, several=several)
        return Written(last.value, "", before)
    said = layer.text[last.end :]
    called = _called(Layer(said, layer.outside[last.end :]))
    if called is None and _called(Layer(said, without_quotes(said))) is not None:
        raise Unclear(f"words follow its line {LABEL!r}, and an action stands in a fence below them")
    return Written(called, "" if called else said.strip(), before)


def _places(layer: Layer) -> Iterator[_Place]:
    """What the labels say that count, up to a result that the model made up.

    A label counts where it begins a line, follows the end of a sentence, or leads to the last thing on its line, but not in a quotation
    within a line, nor within an action that cannot be read. One with speech counts in ReAct's form: after a thought, or where it
    begins a line and is no item of a list, or begins the reply.
    """
    text, outside, reader = layer.text, layer.outside, ValueReader(layer.text)
    labels = [match.span() for match in islice(_ACTION.finditer(outside), _MOST + 1)]
    if len(labels) > _MOST:
        raise Unclear("it has too many actions")
    labels = labels or [
        (label.start + outside[label.start : label.value].casefold().find("action"), label.value)
        for label in find_labels(layer, {"action": "action"})
    ]
    first = len(text) - len(text.lstrip())
    thought = found.start() if (found := _THOUGHT.search(outside)) else len(text)
    at = line = 0
    broken = False
    result: int | None = None
    for start, end in labels:
        if start < at:
            continue  # inside an action
        if result is not None and start > result:
            break
        before = _before(text, start)
        leads = _LABEL_LEAD.fullmatch(before) is not None
        denied = leads_to_denied(outside[max(0, start - _FAR) : start]) if leads else _is_denied(before)
        if start < line or denied or (not leads and _QUOTING.search(before)):
            continue
        try:
            value, at = _action_at(text, end, reader)
        except Unreadable as fault:
            if isinstance(fault, _Broken):
                broken, line = True, end_of_line(text, end)
            yield _Place(start, end, end, fault=fault)
            continue
        if value is not None:
            if leads:
                lead = before + text[start:end]
                if (_within_quotes(text, lead, at) or _is_emphasised(text, lead, at)) and _GOES_ON.match(text, at):
                    continue
            elif _within_quotes(text, before, at) or not (_SENTENCE.search(before) or _LAST.match(text, at)):
                continue
            if result is None or result < at:
                made_up = _RESULT.search(outside, at)
                result = made_up.start() if made_up else len(text)
            if broken and text[max(at, result - _FAR) : result].rstrip().endswith("}"):
                continue
        plain = _PLAIN.fullmatch(before) is not None
        if value is None and not (plain or thought < start or (leads and start - len(before) <= first)):
            continue  # a line of plain speech
        yield _Place(start, end, at, value, plain=plain)


def _before(text: str, at: int) -> str:
    """What stands before a place on its line, or as much of it as matters."""
    return text[max(at - _FAR, text.rfind("\n", max(0, at - _FAR), at) + 1) : at]


def _within_quotes(text: str, before: str, at: int) -> bool:
    """Whether what ends at a place is in a quotation that begins before it, on the same line."""
    closing = _CLOSING.match(text, at)
    if closing is None:
        return False
    opening = _QUOTES[closing[1]]
    if opening == closing[1]:
        return _is_open(before, opening)
    return before.count(opening) > before.count(closing[1])


def _is_emphasised(text: str, before: str, at: int) -> bool:
    """Whether emphasis that begins before a place, on the same line, ends there."""
    return text[at : at + 1] in ("*", "_") and _is_open(before, text[at])


def _is_open(text: str, mark: str) -> bool:
    """Whether a mark that both opens and closes is open at the end of a text."""
    return len(re.findall(f"{re.escape(mark)}+", text)) % 2 == 1


def _is_denied(before: str) -> bool:
    """Whether what follows a colon is what the words before it say is not done."""
    clause = _CLAUSE.split(before)[-1]
    return _COLON.search(clause) is not None and _DENIED.search(clause) is not None


def _action_at(text: str, at: int, reader: ValueReader) -> tuple[Mapping[str, Any] | None, int]:
    """The action that begins at a place, and where it ends; ``None`` for speech.

    Raises:
        Unreadable: an object begins there that is not an action, or that is not closed.
    """
    begin = _end(_BEFORE, text, at)
    call = reader.call(begin)
    if call is not None:
        return {"name": call[0], "arguments": call[1]}, call[2]
    tool = _TOOL.match(text, begin)
    given = _INPUT.match(text, tool.end()) if tool else None
    if tool is not None and given is not None:
        arguments, end = _decoded(reader, _end(_BEFORE, text, given.end()))
        return {"name": tool[1], "arguments": arguments}, end
    if text[begin : begin + 1] not in ("{", "["):
        if _LIKE_CALL.match(text, begin):
            raise Unreadable(_NO_ACTION)
        return None, at
    value, end = _decoded(reader, begin)
    named = _named(value[0] if isinstance(value, list) and len(value) == 1 else value)
    if named is None:
        raise Unreadable(_NO_ACTION)
    return named, end


def _unlabelled(layer: Layer) -> Written | None:
    """The one action in a layer without a label; ``None`` if there is none."""
    values = read_values(layer)
    called = _called(layer, values)
    if called is not None:
        return Written(called, "", layer.text[: max(0, layer.outside.find("{"))])
    if _LIKE_JSON.match(layer.outside):
        raise Unreadable(_NOT_CLOSED if values.cut else _NO_ACTION)
    if _THOUGHT.match(layer.outside):
        raise Unreadable(f"there is no line {LABEL!r} after the thought")
    return None


def _check_stands(outside: str, at: int, *, several: bool = False) -> None:
    """Check that the words after an action, up to a result that was made up, leave it standing.

    Raises:
        Unclear: they do not, or they choose among several actions.
    """
    after = outside[at : at + _FAR_AFTER]
    made_up = _RESULT.search(after)
    after = after[: made_up.start()] if made_up else after
    if disowns(after) or takes_back(after):
        raise Unclear("the words after its action deny it")
    if several and chosen(after):
        raise Unclear("it has several actions, and words after them choose one")


def _called(layer: Layer, values: Values | None = None) -> Mapping[str, Any] | None:
    """The one action among the values of a layer that stand alone; ``None`` if there is none.

    Raises:
        Unclear: there are several, or one that the words beside it deny or of which it cannot be told whether a sentence mentions it.
    """
    values = values or read_values(layer)
    placed = [
        (named, _stands_alone(values.text, *span), span)
        for value, span in zip(values.found, values.spans, strict=True)
        for named in _calls(value)
    ]
    found = [named for named, alone, _ in placed if alone]
    if any(one != found[0] for one in found):
        raise Unclear(f"it holds several actions, and no line {LABEL!r} says which counts")
    if not found and any(alone is None for _, alone, _ in placed):
        raise Unclear(f"an action stands in a sentence, and no line {LABEL!r} says that it counts")
    if found:
        _check_stands(without_values(layer, values), max(end for _, alone, (_, end) in placed if alone))
    return found[0] if found else None


def _calls(value: object, deepest: int = 4) -> Iterator[Mapping[str, Any]]:
    """The actions that a value is or wraps; an object under any other key is only mentioned."""
    if isinstance(value, list):
        for one in value if all(isinstance(one, dict) for one in value) else ():
            yield from _calls(one, deepest)
    elif isinstance(value, dict):
        named = _named(value)
        if named is not None:
            yield named
        elif deepest:
            for key, item in plain_keys(value).items():
                if _WRAPPING.fullmatch(key):
                    yield from _calls(item, deepest - 1)


def _stands_alone(text: str, start: int, end: int) -> bool | None:
    """Whether an object begins a line or ends one, and is in no quotation within a line; ``None`` if it goes with the words beside it."""
    before = _before(text, start)
    if leads_to_denied(text[max(0, start - _FAR) : start]):
        return False
    if _LEAD.fullmatch(before):
        if _within_quotes(text, before, end) or _is_emphasised(text, before, end):
            return _GOES_ON.match(text, end) is None
        return None if _GOES_ON_BARE.match(text, end) else True
    if _LAST.match(text, end) is None or _is_denied(before):
        return False
    if _INTRODUCED.search(before) is None and _within_quotes(text, before, end):
        return False
    return None if _IN_SENTENCE.search(before) else True


def _decoded(reader: ValueReader, at: int) -> tuple[Any, int]:
    try:
        return reader.decoded(at)
    except NotAValue as fault:
        raise _Broken(_NOT_CLOSED if fault.cut else _NO_ACTION) from None


def _named(value: object) -> Mapping[str, Any] | None:
    """An object as ``name`` and ``arguments``, whatever it calls them; ``None`` if it lacks one of them."""
    if not isinstance(value, dict):
        return None
    mine = plain_keys(value)
    name = next((mine[key] for key in _NAMES if key in mine), None)
    if isinstance(name, dict):
        return _named(name)
    arguments = next((mine[key] for key in _ARGUMENTS if key in mine), None)
    if isinstance(arguments, str):
        told = values_in(arguments).found
        arguments = told[0] if len(told) == 1 else arguments
    if not isinstance(name, str) or len(name.split()) > 1 or arguments is None:
        return None
    return {"name": name, "arguments": arguments}


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
