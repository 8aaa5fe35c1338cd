"""The process that runs math-verify: one JSON line in (an output), one JSON line out (integer or null, and the text extracted).

It is a process of its own because nothing else stops a long computation: an output may hold ``9^{9^{9^9}}``, and the time limits of
math-verify itself rest on a signal that only works in a main thread.
"""

from __future__ import annotations

import json
import logging
import sys
from importlib import import_module
from typing import Any

_MOST_CANDIDATES = 8


def read_with_math_verify(output: str) -> tuple[int | None, str]:
    """The integer that math-verify holds equal to an output, and the text it extracts (``""`` for none).

    Raises:
        ImportError: math-verify is not installed.
    """
    library = import_module("math_verify")
    parsed = library.parse(output, parsing_timeout=None)
    text = next((one for one in parsed if isinstance(one, str)), "")
    for number in _candidates(parsed)[:_MOST_CANDIDATES]:
        # The library's relation is not symmetric: the right answer comes first.
        gold = library.parse(str(number), parsing_timeout=None)
        if library.verify(gold, parsed, timeout_seconds=None):
            return number, text
    return None, text


def _candidates(parsed: list[Any]) -> list[int]:
    """Integers near the value of what was parsed: of an expression, the right side of an equation, the element of a set."""
    found: list[int] = []
    for one in parsed:
        for part in (one, getattr(one, "rhs", None), *getattr(one, "args", ())):
            try:
                number = round(float(part))
            except (TypeError, ValueError, OverflowError, AttributeError):
                continue
            if number not in found:
                found.append(number)
    return found


def main() -> None:
    """Answer requests until the input ends."""
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        try:
            value, text = read_with_math_verify(json.loads(line))
        except Exception:  # whatever an output does to the library, the next one has its turn
            value, text = None, ""
        sys.stdout.write(json.dumps([value, text]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
