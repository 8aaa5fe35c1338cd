"""What an output says in its own words, outside its fences and quotes, with common wrappings of an answer as plain statements."""

from __future__ import annotations

import re
from collections.abc import Callable

from rbsuite.reading.layers import Layer, Unclear, Unreadable, first_read
from rbsuite.reading.values import Values, objects_with, read_values, text_of_value
from rbsuite_questions.readers.base import UNPARSED, Reading
from rbsuite_questions.readers.statements import statements_from_the_end
from rbsuite_questions.readers.texts import ascii_width, last_line

_FENCE = re.compile(r"^[ \t]{0,12}(`{3,}|~{3,})[\w+-]*[ \t]*\n([^`~\n]{1,400})\n[ \t]{0,12}\1[ \t]*$", re.MULTILINE)
_LINE = 200
_LAST = 20_000
"""Characters at the end of an output in which wrappings are looked for."""
_NAMED = re.compile(r"\d|(?<![\w'’])(?:[B-HJ-Z]|\([A-Z]\)|A(?![ \t]+[a-z]))(?![\w'’])")
_ANSWER = r"(?:final[ _-]?)?answer"
_KEYS = ("answer", "final_answer")
_KEY = re.compile(rf"[\"']{_ANSWER}[\"']", re.IGNORECASE)
_WRAPPED = re.compile(
    rf"<{_ANSWER}>\s*+([^<>\n]{{1,200}}?)\s*</{_ANSWER}>|^[ \t]*+\|[ \t*]*+{_ANSWER}[ \t:*]*+\|[ \t]*+([^|\n]{{1,100}})\|[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_QUOTED = re.compile(r"((?:[:：]|\bis)[ \t]*+[*_]{0,3})[\"'“‘](\w{1,4})[\"'”’](?!\w)")
_CHEER = re.compile(r"(?<![ \t])[ \t]*+[✅✔☑✓🎉🎯👍🙂😊⭐🏆]++\ufe0f?[ \t]*$", re.MULTILINE)
_CORRECTED = re.compile(
    r"(?i:(answer[^\n]{1,30}?)[,.;…—–-]{0,3}\s+(?:(?:oh,? )?no,? wait|wait,? no|wait|no|actually|scratch that|correction|I mean)"
    r"[,:.!…]{0,3} (?:(?:it is|it's|it’s|rather) )?)(?=\(?(?:[A-Z]|\d{1,3})\)?[ .!*]{0,4}$)",
    re.MULTILINE,
)
_REFUTED = re.compile(
    r"(?i:answer)[*_]{0,3}[ \t]?:[ \t]{0,3}[*_]{0,3}(?=[A-Z][*_]{0,3} is (?:wrong|incorrect|not (?:right|correct)))"
)
_CORRECT = re.compile(
    r"^[ \t*]*+(?i:(?:(?:so|thus|hence|therefore),? )?(?:option|choice)) \(?([A-Z])\)? is (?:the )?(?:correct|right)"
    r"(?: one| option| choice)?[ .!*]*$",
    re.MULTILINE,
)
_CHOSEN = re.compile(r"(?:故|应|應|因此)(?:该|該)?[选選](?:择|擇)?[ :：]*(?=[A-Z])")


def read_own(output: str, read: Callable[[str], Reading]) -> Reading:
    """What an output states outside its fences and quotes; what it states in them only if it commits to nothing after them.

    Args:
        output: everything the model wrote.
        read: reads an answer from a text without thinking.
    """

    def stated(layer: Layer) -> Reading | None:
        own = layer.outside.rstrip()
        leads = bool(layer.text[len(own) :].strip())  # to what is in a fence or quote at the end
        found = read(ascii_width(layer.outside[:-_LAST]) + _plain(Layer(layer.text[-_LAST:], layer.outside[-_LAST:])))
        if found.how in ("answer_line", "boxed") or (found != UNPARSED and not leads):
            return found
        if not leads and layer.outside != layer.text and _NAMED.search(last_line(own)):
            raise Unclear("after what it quotes, it names something else")
        return None

    try:
        return first_read(output[:-_LAST] + _FENCE.sub(_unfenced, output[-_LAST:]), stated)
    except Unreadable:
        return UNPARSED


def _unfenced(fence: re.Match[str]) -> str:
    """A line in a fence without the fence, if a statement of the answer leads to it, as in "Answer:"."""
    before = fence.string[max(0, fence.start() - _LINE) : fence.start()].rstrip()
    last = next(statements_from_the_end(before), None)
    return fence[2] if last is not None and last.linked and last.end == len(before) else fence[0]


def _plain(layer: Layer) -> str:
    """The text outside fences and quotes in ASCII's width, with wrapped and corrected answers as statements of their own."""
    text = layer.outside
    values = read_values(layer) if _KEY.search(text) else Values()
    for value, (start, end) in reversed(list(zip(values.found, values.spans, strict=True))):
        for _, answer in objects_with([value], _KEYS)[-1:]:
            text = f"{text[:start]}Answer: {', '.join(text_of_value(answer).splitlines())}\n{text[end:]}"
    text = _WRAPPED.sub(lambda found: f"Answer: {(found[1] or found[2]).strip()}\n", ascii_width(text))
    text = _CHEER.sub("", _QUOTED.sub(r"\1\2", text))
    text = _REFUTED.sub("", _CORRECTED.sub(r"\1\nAnswer: ", text))
    text = _CHOSEN.sub("答案:", text)
    return _CORRECT.sub(r"The answer is \1.", text) if len(_CORRECT.findall(text)) == 1 else text
