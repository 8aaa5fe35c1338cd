"""What a provider says about the reply limit it was sent: that it is too high, or goes by another name."""

from __future__ import annotations

import re
from typing import Any

NAMES = ("max_tokens", "max_completion_tokens")
"""The names of the limit."""

_NUMBER = r"[`'\" ]*(\d[\d,]*)"
_NAMED = re.compile(
    r"max_(?:completion_|output_|new_)?tokens|max(?:Output|New)Tokens|completion tokens|output tokens|in the completion",
    re.IGNORECASE,
)
_TOO_HIGH = re.compile(
    r"too (?:large|high|big|many)|at most|exceed|less than|smaller than|no more than|maximum|should be|must be|range|> ?\d",
    re.IGNORECASE,
)
_CONTEXT = re.compile(r"(?:maximum )?context (?:length|window|limit|size)[^.\d]{0,40}" + _NUMBER, re.IGNORECASE)
_PROMPT = (
    re.compile(r"(?:has|have|contains?|with)(?: at least)?" + _NUMBER + r"(?: input| prompt)? tokens?", re.IGNORECASE),
    re.compile(_NUMBER + r" (?:tokens )?(?:in|from) the (?:messages|prompt|input)", re.IGNORECASE),
)
_SUM = re.compile(_NUMBER + r" \+ (\d[\d,]*) > (\d[\d,]*)")
_LONGEST = 2_000
"""Characters of a provider's text that are looked at."""
_LEAST = 16
"""A reply of fewer tokens says nothing: then it is the conversation that is too long."""


def fitting(text: str, sent: int) -> tuple[int, bool] | None:
    """A limit that the provider would accept.

    Args:
        text: what it says.
        sent: the limit that it was sent.

    Returns:
        The limit, below ``sent``, and whether it holds for every call to the model; a limit due to the length of the conversation
        holds for this call only. ``None``: the provider does not complain about the limit, or the conversation leaves no room.
    """
    text = text[:_LONGEST]
    if not _NAMED.search(text) or not _TOO_HIGH.search(text):
        return None
    room = _room(text)
    if room is not None:
        return (room, False) if _LEAST <= room < sent else None
    if _CONTEXT.search(text):
        return None
    below = [number for found in re.findall(r"\d[\d,]*", text) if _LEAST <= (number := _number(found)) < sent]
    return (max(below), True) if below else None


def _room(text: str) -> int | None:
    """What the context leaves for a reply, if the provider says how long the conversation is."""
    if (told := _SUM.search(text)) is not None:
        return _number(told[3]) - _number(told[1])
    context = _CONTEXT.search(text)
    prompt = next((found for pattern in _PROMPT if (found := pattern.search(text))), None)
    return None if context is None or prompt is None else _number(context[1]) - _number(prompt[1])


def _number(text: str) -> int:
    return int(text.replace(",", "")) if len(text) < 20 else 0


def other_name(text: str, name: str) -> str:
    """The name under which the provider wants the limit; empty if it does not say.

    Args:
        text: what it says.
        name: the name under which it was sent.
    """
    other = next(one for one in NAMES if one != name)
    named = rf"(?<![a-z_]){name}(?![a-z_])"
    refused = re.search(rf"{named}[^.]{{0,60}}(?:not|un)\W?(?:support|permit|allow|recogni)", text, re.IGNORECASE)
    refused = refused or re.search(rf"(?:unsupported|unknown|unrecognized)[^.]{{0,60}}{named}", text, re.IGNORECASE)
    return other if refused and re.search(rf"(?<![a-z_]){other}(?![a-z_])", text) else ""


class ReplyLimit:
    """What has been learned about a model's limit on replies: under which name it accepts one, and how high.

    Attributes:
        told: what was learned last, in words; empty if it holds for one call only.
    """

    def __init__(self) -> None:
        self._name = NAMES[0]
        self._refused: set[str] = set()
        self._most: int | None = None
        self.told = ""

    def applied(self, body: dict[str, Any]) -> dict[str, Any]:
        """The request with its limit in the form the model accepts."""
        name = next((one for one in NAMES if one in body), None)
        if name is None:
            return body
        limit = body[name] if self._most is None else min(body[name], self._most)
        if (name, limit) == (self._name, body[name]):
            return body
        return {**{part: value for part, value in body.items() if part != name}, self._name: limit}

    def fitted(self, text: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """The request as the provider would accept it; ``None`` if it does not complain about the limit.

        Args:
            text: what it says.
            body: the request that it refused.
        """
        self.told = ""
        name = next((one for one in NAMES if one in body), None)
        if name is None:
            return None
        if other := other_name(text, name):
            if other in self._refused:
                return None
            if name not in self._refused:
                self._refused.add(name)
                self._name, self.told = other, f"it does not support {name}: {other} is sent"
            return self.applied(body)
        found = fitting(text, body[name])
        if found is None:
            return None
        limit, always = found
        if always:
            self._most, self.told = (
                limit,
                f"its replies have at most {limit} tokens, not {body[name]}: {limit} are requested",
            )
        return {**body, name: limit}
