"""How long a reply and a call may be, by purpose."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import get_args

from rbsuite.errors import UnknownNameError, UsageError
from rbsuite.models.base import Purpose

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

REPLY_TOKENS: Mapping[Purpose, int] = {
    "agent": 8192,
    "user": 4096,
    "judge": 8192,
    "memory": 8192,
    "select": 4096,
    "grade": 4096,
}
"""Most tokens of a reply, thinking included: several times what is asked for, so that only an endless reply is cut."""

CALL_SECONDS: Mapping[Purpose, float] = {
    "agent": 600.0,
    "user": 300.0,
    "judge": 600.0,
    "memory": 600.0,
    "select": 300.0,
    "grade": 300.0,
}
"""Seconds that one call may take; a retry after a failure has its own."""


def reply_tokens(text: str) -> Mapping[Purpose, int]:
    """Most tokens of a reply by purpose, as ``--reply-tokens`` says: ``2000``, or ``agent=16000,judge=2000``.

    Raises:
        UsageError: a value is not a number, or is below 1.
        UnknownNameError: there is no such purpose.
    """
    found = dict(REPLY_TOKENS)
    for purpose, value in _read(text, "reply-tokens").items():
        if value != int(value) or value < 1:
            raise UsageError(
                f"--reply-tokens {text!r}: {value:g} is not a number of tokens.", "Give whole numbers from 1."
            )
        found[purpose] = int(value)
    return found


def call_seconds(text: str) -> Mapping[Purpose, float]:
    """Seconds that a call may take by purpose, as ``--call-time`` says: ``60``, or ``agent=1800,user=60``.

    Raises:
        UsageError: a value is not a number, or is not above 0.
        UnknownNameError: there is no such purpose.
    """
    found = {**CALL_SECONDS, **_read(text, "call-time")}
    if any(value <= 0 for value in found.values()):
        raise UsageError(f"--call-time {text!r} leaves no time.", "Give seconds above 0.")
    return found


def written(values: Mapping[Purpose, float], defaults: Mapping[Purpose, float]) -> str:
    """Their canonical form; values that are the defaults are left out."""
    return ",".join(
        f"{purpose}={values[purpose]:g}" if values[purpose] % 1 else f"{purpose}={int(values[purpose])}"
        for purpose in PURPOSES
        if values[purpose] != defaults[purpose]
    )


def _read(text: str, option: str) -> dict[Purpose, float]:
    found: dict[Purpose, float] = {}
    for piece in filter(None, (part.strip() for part in text.split(","))):
        name, equals, number = (part.strip() for part in piece.rpartition("="))
        wanted = [one for one in PURPOSES if not equals or one == name]
        if not wanted:
            raise UnknownNameError(f"purpose of --{option}", name, PURPOSES)
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not 0 <= value < 1e12:
            raise UsageError(
                f"--{option} {text!r}: {number!r} is not a number.",
                "Write a number, or PURPOSE=NUMBER,... such as agent=2000.",
            )
        found.update(dict.fromkeys(wanted, value))
    return found
