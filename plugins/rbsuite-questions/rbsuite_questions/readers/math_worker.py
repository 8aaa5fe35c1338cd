"""The process that runs math-verify: a line when it is ready, then for each JSON line (an output) one JSON line
(integer or null, and the text extracted).

It is a separate process because nothing else stops a long computation: an output may contain ``9^{9^{9^9}}``, and the time limits of
math-verify itself rely on a signal that only works in a main thread.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
from collections import deque
from importlib import import_module
from typing import Any

_MOST_CANDIDATES = 12
_MOST_WRITTEN = 4
_MOST_DIGITS = 30
_MOST_PARTS = 60
_DIGITS = re.compile(r"\d+", re.ASCII)


def read_with_math_verify(output: str) -> tuple[int | None, str]:
    """The integer that math-verify considers equal to an output, and the text it extracts (``""`` for none).

    An output may be equal to several, as ``200%`` is to 200 and to 2: one that is written out takes precedence, and among those the last.

    Raises:
        ImportError: math-verify is not installed.
    """
    library = import_module("math_verify")
    parsed = library.parse(output, parsing_timeout=None)
    text = next((one for one in parsed if isinstance(one, str)), "")
    for number in _candidates(parsed, text):
        # The library's relation is not symmetric: the right answer comes first.
        gold = library.parse(str(number), parsing_timeout=None)
        if library.verify(gold, parsed, timeout_seconds=None):
            return number, text
    return None, text


def _candidates(parsed: list[Any], text: str) -> list[int]:
    """Integers that what was parsed may be equal to: those written in it, last first, and values of its parts."""
    written = [int(digits) for digits in _DIGITS.findall(text)[-_MOST_WRITTEN:] if len(digits) <= _MOST_DIGITS]
    signed = [number for one in reversed(written) for number in (one, -one)]
    valued = []
    parts = deque(one for one in parsed if not isinstance(one, str))
    for _ in range(_MOST_PARTS):
        if not parts:
            break
        part = parts.popleft()
        parts.extend(getattr(part, "args", ()))
        with contextlib.suppress(TypeError, ValueError, OverflowError, AttributeError):
            valued.append(round(float(part)))
    return list(dict.fromkeys(signed + valued))[:_MOST_CANDIDATES]


def main() -> None:
    """Say when it is ready, and answer requests until the input ends."""
    logging.disable(logging.CRITICAL)
    import_module("math_verify")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        try:
            value, text = read_with_math_verify(json.loads(line))
        except Exception:  # whatever an output does to the library, the next one gets its turn
            value, text = None, ""
        sys.stdout.write(json.dumps([value, text]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
