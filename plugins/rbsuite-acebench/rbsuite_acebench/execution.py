"""Carries out the calls of a message in a task's worlds, by name: nothing that a model wrote is run.

Follows ``execute_agent_func_call`` in ``model_inference/{multi_turn,multi_step}/*_utils.py`` (ACEBench/ACEBench,
e6db74b735ead22c24f27367606a9408573b848f).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rbsuite_acebench.calls import Call, Nested
from rbsuite_acebench.worlds import Methods

Errors = Literal["characters", "listed"]
"""How errors are shown: as the characters of a fixed text that ends the message (upstream's multi-turn), or each in its place."""

UNKNOWN_UPSTREAM = "cannot access local variable 'func_call_result' where it is not associated with a value"
"""What Python 3.11 and later say about the variable that upstream left unset."""
FAILED = "Error during execution: "
CHARACTERS = f"{FAILED}{{str(e)}}"
"""Upstream's text without the prefix that would have filled it in."""

_FIRST_NAME = re.compile(r"\b([a-zA-Z_]\w*)\s*(?=\()")
_PLAIN_NAME = re.compile(r"[a-zA-Z_]\w*")
_NOTHING = object()


def execute(calls: Sequence[Call], methods: Methods, *, errors: Errors, clear: bool = False) -> tuple[list[Any], bool]:
    """The results of a message's calls, and whether none failed.

    A call goes to every world that has the method; the last result is shown. Results that are JSON are shown parsed.

    Args:
        calls: the calls.
        methods: those of the task's worlds.
        errors: how errors show.
        clear: whether a call to an unknown function is reported as such; upstream repeats the previous result, or shows an error about its
            own variable.
    """
    results: list[Any] = []
    before: Any = _NOTHING
    fine = True
    for call in calls:
        try:
            for method in _found(call, methods, clear=clear):
                before = method(**_arguments(call))
            if before is _NOTHING:
                raise UnboundLocalError(UNKNOWN_UPSTREAM)
            results.append(before)
        except Exception as error:  # whatever a method raises is its answer
            if errors == "characters":
                return list(CHARACTERS), False
            fine = False
            results.append(f"{FAILED}{error}")
    return [_shown(result) for result in results], fine


def _found(call: Call, methods: Methods, *, clear: bool) -> Sequence[Any]:
    """The methods that a call means. Upstream looks up the first name before a parenthesis in the text of the call."""
    if _PLAIN_NAME.fullmatch(call.name):
        name, plain = call.name, True
    else:
        match = _FIRST_NAME.search(call.text())
        name, plain = (match.group(1) if match else ""), False
    if name in methods and not plain:
        raise NameError(f"name {call.name.split('.')[0]!r} is not defined")
    if name not in methods and clear:
        raise NameError(f"there is no API {call.name!r} here")
    return methods.get(name, ())


def _arguments(call: Call) -> Mapping[str, Any]:
    for value in call.arguments.values():
        if isinstance(value, Nested):
            raise NameError(f"name {value.name!r} is not defined")
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            raise NameError("name 'inf' is not defined")
    return call.arguments


def _shown(result: Any) -> Any:
    """A result as the agent sees it: parsed if its text is JSON."""
    text = result if isinstance(result, str) else _dumped(result) if isinstance(result, dict) else str(result)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _dumped(result: dict[Any, Any]) -> str:
    try:
        return json.dumps(result)
    except (TypeError, ValueError, RecursionError):
        return str(result)
