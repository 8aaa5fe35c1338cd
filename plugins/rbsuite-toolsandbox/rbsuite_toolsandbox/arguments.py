"""Arguments of tool calls: how they are bound and checked, and the error texts.

Follows ``tool_sandbox/common/validators.py`` (apple/ToolSandbox, 165848b9) and Python's binding of keyword arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

Value = Any
"""A JSON value, or :data:`NOT_GIVEN`."""

TIMESTAMPS = (315529200.0, 2524604400.0)
"""The first and last timestamp that tools accept: 1980 to 2050, in seconds."""

LATITUDES = (-90.0, 90.0)
LONGITUDES = (-180.0, 180.0)


class NotGiven:
    """The type of :data:`NOT_GIVEN`."""

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Final = NotGiven()
"""Stands for an argument that was left out; no call can contain it."""

_REQUIRED: Final = object()


class ToolError(Exception):
    """A refusal by a tool. The observation is ``KIND: TEXT``.

    Args:
        kind: upstream's exception, with its module if Python would show it.
        text: its message.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def no_data(text: str) -> ToolError:
    """The error for a row that does not exist."""
    return ToolError("polars.exceptions.NoDataError", text)


def duplicate(text: str) -> ToolError:
    """The error for a row that exists more than once."""
    return ToolError("polars.exceptions.DuplicateError", text)


@dataclass(frozen=True, slots=True)
class Kind:
    """A parameter's type.

    Attributes:
        types: the accepted types; ``float`` also accepts int, and ``int`` and ``float`` also accept bool.
        shown: how upstream's error text writes it.
    """

    types: tuple[type, ...]
    shown: str


_NOT_GIVEN_SHOWN = "tool_sandbox.common.utils.NotGiven"
STRING = Kind((str,), "<class 'str'>")
BOOLEAN = Kind((bool,), "<class 'bool'>")
INTEGER = Kind((int,), "<class 'int'>")
NUMBER = Kind((float,), "<class 'float'>")
AMOUNT = Kind((float, int), "typing.Union[float, int]")
NONE = type(None)
MAYBE_STRING = Kind((str, NONE), "typing.Optional[str]")
MAYBE_INTEGER = Kind((int, NONE), "typing.Optional[int]")
MAYBE_NUMBER = Kind((float, NONE), "typing.Optional[float]")
OPEN_STRING = Kind((str, NotGiven), f"typing.Union[str, {_NOT_GIVEN_SHOWN}]")
OPEN_BOOLEAN = Kind((bool, NotGiven), f"typing.Union[bool, {_NOT_GIVEN_SHOWN}]")
OPEN_NUMBER = Kind((float, NotGiven), f"typing.Union[float, {_NOT_GIVEN_SHOWN}]")
OPEN_MAYBE_NUMBER = Kind((float, NONE, NotGiven), f"typing.Union[float, NoneType, {_NOT_GIVEN_SHOWN}]")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a tool; without a default it is required."""

    name: str
    kind: Kind
    default: Any = _REQUIRED

    @property
    def required(self) -> bool:
        """Whether a call must give it."""
        return self.default is _REQUIRED


def bind(parameters: tuple[Parameter, ...], arguments: Mapping[str, Value]) -> dict[str, Value]:
    """All arguments of a call in the order of the parameters, defaults filled in.

    Raises:
        ToolError: one is missing, or one has an unknown name.
    """
    bound: dict[str, Value] = {}
    for parameter in parameters:
        if parameter.name in arguments:
            bound[parameter.name] = arguments[parameter.name]
        elif parameter.required:
            raise ToolError("TypeError", f"missing a required argument: '{parameter.name}'")
        else:
            bound[parameter.name] = parameter.default
    unknown = next((name for name in arguments if name not in bound), None)
    if unknown is not None:
        raise ToolError("TypeError", f"got an unexpected keyword argument '{unknown}'")
    return bound


def check_type(name: str, kind: Kind, value: Value) -> None:
    """Refuse a value of the wrong type."""
    types = kind.types
    if (
        type(value) in types
        or (isinstance(value, int) and float in types)
        or (isinstance(value, bool) and int in types)
    ):
        return
    raise ToolError("TypeError", f"Parameter '{name}' is of type '{_class_of(value)}', but expected '{kind.shown}'.")


def check_range(name: str, value: Value, bounds: tuple[float, float]) -> None:
    """Refuse a number outside its bounds, which are inclusive; anything that is not a number passes."""
    if not isinstance(value, (int, float)):
        return
    lowest, highest = bounds
    if value < lowest:
        raise ToolError("ValueError", f"Parameter '{name}' is smaller than its valid range minimum of {lowest}.")
    if value > highest:
        raise ToolError("ValueError", f"Parameter '{name}' is larger than its valid range maximum of {highest}.")


def check_phone_number(value: Value) -> None:
    """Refuse what cannot be parsed as an international phone number; whether the number exists is not checked."""
    if value is NOT_GIVEN:
        return
    if isinstance(value, (list, dict)):
        raise ToolError("AttributeError", f"'{type(value).__name__}' object has no attribute 'find'")
    if not isinstance(value, str | NONE):
        raise ToolError("TypeError", f"object of type '{type(value).__name__}' has no len()")
    if problem := _phone_problem(value):
        raise ToolError("phonenumbers.phonenumberutil.NumberParseException", problem)


@lru_cache(maxsize=4096)
def _phone_problem(text: str | None) -> str:
    import phonenumbers  # takes a moment, and most commands do without

    try:
        phonenumbers.parse(text)  # type: ignore[arg-type]  # None is refused by the library, in its words
    except phonenumbers.NumberParseException as error:
        return str(error)
    return ""


def _class_of(value: Value) -> str:
    return _NOT_GIVEN_SHOWN if value is NOT_GIVEN else str(type(value))
