"""Reads a turn of the dialogue written as text: a thought with an action, or a thought with a conclusion."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rbsuite.reading.layers import Layer, Unreadable, first_read
from rbsuite_mimic_cdm.chart import ACTION, LONGEST, scan_asked
from rbsuite_mimic_cdm.matching import likeness
from rbsuite_mimic_cdm.rules import rules

_DIAGNOSIS = re.compile(r"(final )?diagnosis[*_`]{0,4}[ \t]{0,4}[:：][*_`]*+", re.IGNORECASE)
_TREATMENT = re.compile(
    r"(?:^|(?<=[.;]))[^.;:：\n]*?\btreatment\b(?P<more>[^:：\n]*)[:：]", re.IGNORECASE | re.MULTILINE
)
_UP_TO_COLON = re.compile(r"^[^\n]*[:：]", re.MULTILINE)
_LEAD = r"^[ \t*#_`•+-]*+(?:\d{1,3}[.)][ \t*_`]*+)?+"
_COLON = r"[ \t]*+(?:\d{1,3})?+[ \t*_`]*+[:：][*_`]*+"
_ACTION = re.compile(rf"{_LEAD}action{_COLON}(?P<name>[^\n]*)", re.IGNORECASE | re.MULTILINE)
_INPUT = re.compile(rf"{_LEAD}action input{_COLON}(?P<input>.*)", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_RESULT = re.compile(rf"^[ \t*#]*+observation{_COLON}", re.IGNORECASE | re.MULTILINE)
_INNER = re.compile(r"(?<!\s)(?:\s*+:\s*+|\s++[-–]\s++)")
_STRICT = re.compile(r"\s*+Thought:.*?\nAction:[^\n]++(?:\nAction Input:.*+|\s*+)", re.DOTALL)
_TIMES = 8
"""What is more times as long as a name is like it by 60 at most."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a turn says.

    Attributes:
        action: which action, as ``rules.toml`` names it; empty: no known one.
        named: what it was called; empty: no action was named.
        input: the action's input.
        diagnosis: what was concluded; ``None``: the turn is not a conclusion.
        treatment: what was proposed; ``None``: nothing.
        strict: whether the turn has the requested form; for a conclusion, whether it says "Final Diagnosis:".
        treatment_strict: whether the treatment is under the requested heading.
    """

    action: str = ""
    named: str = ""
    input: str = ""
    diagnosis: str | None = None
    treatment: str | None = None
    strict: bool = False
    treatment_strict: bool = False


def concludes(text: str) -> bool:
    """Whether a turn is a conclusion: whether ``diagnosis:`` occurs in it, even inside a thought."""
    return _DIAGNOSIS.search(text) is not None


def read(text: str) -> Said:
    """Read a turn. What a model makes up after ``Observation:`` is not read. The first diagnosis counts, even inside a thought.

    Of actions, what stands in fences and quotes counts only if nothing outside them does.
    """
    whole = text
    made_up = _RESULT.search(text)
    text = text[: made_up.start()] if made_up else text
    if first := _DIAGNOSIS.search(text):
        after = _treatment(text, first.end())
        treatment = after or _treatment(text)
        return Said(
            diagnosis=text[first.end() : after.start() if after else len(text)].strip(),
            treatment=text[treatment.end() : None if after else first.start()].strip() if treatment else None,
            strict=bool(first[1]),
            treatment_strict=treatment is not None and not treatment["more"].strip(" \t*"),
        )
    try:
        name, given_text = first_read(whole, _named)
    except Unreadable:
        return Said()
    strict = _STRICT.fullmatch(text) is not None and name.lower() in map(str.lower, rules()["actions"])
    if inner := _INNER.search(name):  # the input may be next to the action
        name, given_text = name[: inner.start()], f"{name[inner.end() :]} {given_text}".strip()
    action = action_named(name[:LONGEST])
    if not action and scan_asked(name)[0]:
        action, given_text = "imaging", f"{name} {given_text}".strip()
    return Said(action, name, given_text, strict=strict)


def _named(layer: Layer) -> tuple[str, str] | None:
    """The first action in a layer and its input, up to a result that was made up; ``None`` without one."""
    made_up = _RESULT.search(layer.outside)
    end = made_up.start() if made_up else len(layer.outside)
    named = _ACTION.search(layer.outside, 0, end)
    if named is None:
        return None
    given = _INPUT.search(layer.outside, 0, end) or _INPUT.search(layer.text, named.end(), end)
    name = layer.text[slice(*named.span("name"))].strip(" \t*.`\"'[]")
    return name, layer.text[slice(*given.span("input"))].strip() if given else ""


def _treatment(text: str, at: int = 0) -> re.Match[str] | None:
    """The first heading of a treatment from a place on. It ends with a colon, so what has no colon after it on its line is left out."""
    heads = _UP_TO_COLON.finditer(text, text.rfind("\n", 0, at) + 1)
    found = (_TREATMENT.search(text, max(at, head.start()), head.end()) for head in heads if head.end() > at)
    return next(filter(None, found), None)


def action_named(name: str) -> str:
    """The action that a name refers to, by a word of it or a similarity above 80; empty if there is none."""
    lower, known = name.lower(), rules()
    for word, action in known["action_words"].items():
        if word in lower:
            return str(action)
    length = len(re.sub(r"\W", " ", lower).strip())
    scored = [
        (round(likeness(name, full)), key) for full, key in known["actions"].items() if length <= _TIMES * len(full)
    ]
    value, key = max(scored, key=lambda one: one[0], default=(0, ""))
    return key if value > ACTION else ""
