"""The checker of single-turn calls, ``normal`` and ``special``.

Follows ``normal_checker`` and what it calls in ``model_eval/checker.py``, and ``normal_single_turn_eval`` and ``special_eval`` in
``eval_main.py`` (ACEBench/ACEBench, e6db74b735ead22c24f27367606a9408573b848f), including all their flaws.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rbsuite_acebench.calls import Unparsable, read_output
from rbsuite_acebench.cases import Item

CRASH = "checker_error"
"""Raised where upstream's checker raises, for instance for a schema that it cannot read."""
WRONG_FORMAT = "wrong_output_format"
MISSING = "Missing necessary parameters"
INCORRECT = "There is incorrect value"
LIMITS = "the limitations of the function"

_TYPES: Mapping[str, type] = {
    "string": str,
    "integer": int,
    "float": float,
    "boolean": bool,
    "array": list,
    "tuple": list,
    "dict": dict,
    "any": str,
    "list": list,
    "object": dict,
    "objectArray": list,
    "list(string)": list,
    "list(enum)": list,
    "int": int,
    "enum": enumerate,  # as upstream has it: the type of no value
    "number": int,
}
_NESTED = frozenset(["array", "tuple", "list(string)", "list(enum)", "object", "objectArray"])
_IGNORED = re.compile(r"[ ,./\-_*^]")
_NUMBER_AT_END = re.compile(r"_\d+$")

Answer = Mapping[str, Any]


def check_item(item: Item, output: str) -> str | None:
    """What is wrong with a single-turn output, in upstream's term for it; ``None`` if nothing is.

    Args:
        item: an item of a ``normal`` or ``special`` category.
        output: what the model wrote.
    """
    if item.category.startswith("special"):
        return _check_special(item, output)
    try:
        calls = read_output(output)
    except Unparsable:
        return WRONG_FORMAT
    given = item.ground_truth
    first: str | None = None
    for number, answer in enumerate(given if isinstance(given, list) else [given]):
        problem = _guarded(item.entry["function"], calls, answer)
        if problem is None:
            return None
        first = problem if number == 0 else first
    return first


def _guarded(functions: Sequence[Any], calls: Sequence[dict[str, Any]], answer: Answer) -> str | None:
    try:
        return check_calls(functions, calls, answer)
    except (LookupError, TypeError, AttributeError, ValueError):
        return CRASH


def check_calls(functions: Sequence[Any], calls: Sequence[dict[str, Any]], answer: Answer) -> str | None:
    """What is wrong with the calls of an output, against one answer."""
    if len(calls) != len(answer):
        return "wrong functions number"
    # The answer distinguishes calls of one function by a number at the end of the name, which may also be part of the name.
    wanted = [(plain_name(key), value) for key, value in answer.items()]
    if Counter(name for call in calls for name in call) != Counter(name for name, _ in wanted):
        return "function_mismatch"
    for key, (name, arguments) in zip(answer, wanted, strict=True):
        function = next((one for one in functions if one["name"] in key), None)
        problem: str | None = None
        for call in calls:
            problem = "simple_function_checker:unclear"
            if next(iter(call)) == name:
                problem = _check_call(function, call, arguments)
                if problem is None:
                    break
        if problem is not None:
            return problem
    return None


def plain_name(key: str) -> str:
    """The function that a key of an answer means: without a number at its end."""
    return _NUMBER_AT_END.sub("", key)


def _check_call(function: Any, call: dict[str, Any], answer: Any) -> str | None:
    schema = function["parameters"]
    given = next(iter(call.values()))
    if given == {} or schema == {}:
        return None if given == schema == {} else "wrong_param"
    if answer == schema["properties"]:
        return None
    if answer == {}:
        return "wrong_param"
    name = function["name"]
    if name not in call:
        return "wrong_function_name"
    if any(parameter not in call[name] for parameter in schema["required"]):
        return "lack_args"
    for parameter, value in call[name].items():
        if parameter not in schema["properties"] or parameter not in answer:
            return "addition_args"
        problem = _check_value(schema["properties"][parameter], value, answer[parameter])
        if problem is not None:
            return problem
    return None


def _check_value(schema: Mapping[str, Any], value: Any, answer: Any) -> str | None:
    """What is wrong with the value of a parameter: its type or, if that matches the schema, the value itself."""
    described = schema["type"]
    expected, nested = _TYPES[described], _nested_type(schema)
    if described == "tuple" and type(value) is tuple:
        value = list(value)
    if described == "float" and type(value) is int:
        value = float(value)
    fits, of_answer = _check_type(value, answer, expected, nested)
    if not fits:
        return "type_error"
    if of_answer:
        return None  # The answer is of a different type than the schema says; then the value does not matter.
    if expected is dict:
        return _check_dict(value, answer)
    if expected is list and nested is dict:
        if described == "objectArray":
            if len(value) != len(answer):
                return "value_error:dict_items"
            if value:
                raise TypeError("upstream calls its own checker with an argument too few")
        return _check_dicts(value, answer)
    if expected is str:
        return None if _plain(answer) in _plain(value) else "value_error:string"
    if expected is list:
        same = [_plain_item(one) for one in value] == [_plain_item(one) for one in answer]
        return None if same else "value_error:list/tuple"
    return None  # Numbers and truth values are not compared.


def _nested_type(schema: Mapping[str, Any]) -> type | None:
    described = schema["type"]
    if described not in _NESTED:
        return None
    try:
        inner = schema["items"]["type"]
    except (LookupError, TypeError):
        inner = "string" if "string" in described else "enum" if "enum" in described else "dict"
    return _TYPES[inner]


def _check_type(value: Any, answer: Any, expected: type, nested: type | None) -> tuple[bool, bool]:
    """Whether a value has the right type, and whether that is the answer's and not the schema's."""
    own = type(answer) if answer != "" else None
    differs = own is not None and own is not expected
    if isinstance(value, str) and value in ("true", "false"):
        value = value == "true"
    elements: Any = value
    if type(value) is expected:
        if nested is None:
            return True, differs
        # An element of the answer that is not a list is not looked at, and everything passes.
        for element in answer:
            if type(element) is not list or all(_check_type(one, element, nested, None)[0] for one in elements):
                return True, differs
        return False, differs
    return own is not None and (type(value) is own or answer == value), True


def _check_dict(value: Any, answer: Any) -> str | None:
    if not isinstance(value, dict) or len(value) != len(answer.keys()):
        return "value_error"
    for key, one in value.items():
        if isinstance(one, str) and one in ("true", "false"):
            one = one == "true"
        if key not in answer:
            return "value_error"
        wanted = answer[key]
        if isinstance(wanted, dict):
            problem = _check_dict(one, wanted)
            if problem is not None:
                return problem
        elif str(_plain_item(wanted)) not in str(_plain_item(one)):
            return "value_error"
    return None


def _check_dicts(value: Any, answer: Any) -> str | None:
    if len(value) != len(answer):
        return "value_error:list_dict_count"
    for one, wanted in zip(value, answer, strict=True):
        problem = _check_dict(one, wanted)
        if problem is not None:
            return problem
    return None


def _plain_item(value: Any) -> Any:
    return _plain(value) if type(value) is str else value


def _plain(text: str) -> str:
    return _IGNORED.sub("", text).lower().replace("'", '"')


def _check_special(item: Item, output: str) -> str | None:
    """Whether an output names what is missing, wrong or out of reach; the last problem found counts, as in upstream."""
    if item.category == "special_irrelevant":
        return None if LIMITS in output else "error_detection"
    incomplete = item.category == "special_incomplete"
    problem: str | None = None
    for name, values in item.ground_truth.items():
        if (MISSING if incomplete else INCORRECT) not in output:
            problem = "error_detection"
        elif (incomplete and name not in output) or any(value not in output for value in values):
            problem = "error_correction"
    return problem
