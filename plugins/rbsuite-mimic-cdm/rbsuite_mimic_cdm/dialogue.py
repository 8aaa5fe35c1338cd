"""Reads a turn of the dialogue that is written as text: a thought with an action, or a thought with a conclusion."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rbsuite_mimic_cdm.chart import ACTION
from rbsuite_mimic_cdm.matching import ratio
from rbsuite_mimic_cdm.rules import rules

_DIAGNOSIS = re.compile(r"(final\s+)?diagnosis\s*:", re.IGNORECASE)
_TREATMENT = re.compile(r"^[ \t*#]*treatment[ \t*]*:", re.IGNORECASE | re.MULTILINE)
_ACTION = re.compile(r"^[ \t*#]*action[ \t*]*:(?P<name>[^\n]*)", re.IGNORECASE | re.MULTILINE)
_INPUT = re.compile(r"^[ \t*#]*action input[ \t*]*:(?P<input>.*)", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_RESULT = re.compile(r"^[ \t*#]*observation[ \t*]*:", re.IGNORECASE | re.MULTILINE)
_STRICT = re.compile(r"\s*Thought:.*?\nAction: *[^\n]+?(?:\nAction Input:.*)?\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Said:
    """What a turn says.

    Attributes:
        action: which action, as ``rules.toml`` names it; empty: none that there is.
        named: what it was called; empty: nothing was.
        input: what it is to be done with.
        diagnosis: what was concluded; ``None``: the turn is no conclusion.
        treatment: what was proposed.
        strict: whether the turn has the form that was asked for; of a conclusion, whether it says "Final Diagnosis:".
    """

    action: str = ""
    named: str = ""
    input: str = ""
    diagnosis: str | None = None
    treatment: str | None = None
    strict: bool = False


def concludes(text: str) -> bool:
    """Whether a turn is a conclusion: whether ``diagnosis:`` occurs in it, be it within a thought."""
    return _DIAGNOSIS.search(text) is not None


def read(text: str) -> Said:
    """Read a turn. What a model makes up after ``Observation:`` is not read."""
    made_up = _RESULT.search(text)
    text = text[: made_up.start()] if made_up else text
    if concludes(text):
        last = max(_DIAGNOSIS.finditer(text), key=lambda one: (bool(one.group(1)), one.start()))
        rest = text[last.end() :]
        treatment = _TREATMENT.search(rest)
        said = rest[: treatment.start()] if treatment else rest
        proposed = rest[treatment.end() :].strip() if treatment else None
        return Said(diagnosis=said.strip(), treatment=proposed, strict=bool(last.group(1)))
    action, given = _ACTION.search(text), _INPUT.search(text)
    if action is None:
        return Said()
    name = action["name"].strip(" \t*.`\"'[]")
    given_text = given["input"].strip() if given else ""
    if not given and ":" in name:
        name, _, given_text = (part.strip() for part in name.partition(":"))
    return Said(action_named(name), name, given_text, strict=_STRICT.fullmatch(text) is not None)


def action_named(name: str) -> str:
    """The action that a name means, by a ratio above 80; empty where there is none."""
    scored = [(ratio(name.lower(), full.lower()), key) for full, key in rules()["actions"].items()]
    value, key = max(scored, key=lambda one: one[0])
    return key if value > ACTION else ""
