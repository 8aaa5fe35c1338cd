"""Typed records: what upstream's pydantic models make of JSON values, and what they say when they reject one.

Upstream (sierra-research/tau2-bench, a2c0247) reads its databases through models and makes models of arguments. So values are converted
(``"12"`` to 12, 5 to 5.0), fields come in the order of their declaration, optional ones are always present, and what does not fit raises an
error whose text a tool's caller sees. Only the conversions that its models use are implemented. A validated record is a :class:`Model`, a
dict marked as validated.
"""

from __future__ import annotations

import datetime
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from rbsuite_dialogue.values import Value, copy_record

PYDANTIC = "2.14"
"""The version whose error texts these are; it is part of the URL in each of them."""

_SHOWN = 50
_WORD = 2**63
_MOST_DIGITS = 4300
_TRUE = frozenset({"1", "on", "t", "true", "y", "yes"})
_FALSE = frozenset({"0", "off", "f", "false", "n", "no"})

Place: TypeAlias = tuple[str | int, ...]


class Model(dict[str, Any]):
    """A record that was validated, for when the code has to distinguish it from a dict that was not."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a value does not fit.

    Attributes:
        place: the keys and indexes that lead to it.
        kind: pydantic's name for the error.
        message: its text.
        value: the value.
    """

    place: Place
    kind: str
    message: str
    value: Value

    def text(self) -> str:
        """The three lines that pydantic prints."""
        shown = _shortened(repr(dict(self.value) if isinstance(self.value, Model) else self.value))
        where = ".".join(map(str, self.place))
        kind = type(self.value).__name__
        return (
            f"{where}\n  {self.message} [type={self.kind}, input_value={shown}, input_type={kind}]\n"
            f"    For further information visit https://errors.pydantic.dev/{PYDANTIC}/v/{self.kind}"
        )


class Misfit(ValueError):
    """A value that cannot be turned into a record, worded as pydantic words it."""

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        errors = "error" if len(faults) == 1 else "errors"
        text = "\n".join(fault.text() for fault in faults)
        super().__init__(f"{len(faults)} validation {errors} for {name}\n{text}")


class _Refused(Exception):
    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults


class Kind(ABC):
    """A kind of value."""

    @abstractmethod
    def take(self, value: Value, place: Place) -> Value:
        """The value converted, as a separate copy; raises ``_Refused``."""


def _refuse(place: Place, kind: str, message: str, value: Value) -> _Refused:
    return _Refused([Fault(place, kind, message, value)])


def _too_large(place: Place, value: Value) -> _Refused:
    message = "Unable to parse input string as an integer, exceeded maximum size"
    return _refuse(place, "int_parsing_size", message, value)


class Text(Kind):
    """A string."""

    def take(self, value: Value, place: Place) -> str:
        """See :class:`Kind`."""
        if not isinstance(value, str):
            raise _refuse(place, "string_type", "Input should be a valid string", value)
        return value


class Integer(Kind):
    """An integer; floats without a fraction and numerals are accepted too."""

    def take(self, value: Value, place: Place) -> int:
        """See :class:`Kind`."""
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            if not math.isfinite(value):
                raise _refuse(place, "finite_number", "Input should be a finite number", value)
            if value != int(value):
                raise _refuse(
                    place,
                    "int_from_float",
                    "Input should be a valid integer, got a number with a fractional part",
                    value,
                )
            if abs(value) >= _WORD:
                raise _too_large(place, value)
            return int(value)
        if not isinstance(value, str):
            raise _refuse(place, "int_type", "Input should be a valid integer", value)
        digits = value.strip()
        whole, _, fraction = digits.partition(".")
        if fraction and not fraction.strip("0"):
            digits = whole
        if len(digits) > _MOST_DIGITS:
            raise _too_large(place, value)
        try:
            if not digits.isascii():
                raise ValueError(digits)
            return int(digits)
        except ValueError:
            message = "Input should be a valid integer, unable to parse string as an integer"
            raise _refuse(place, "int_parsing", message, value) from None


class Number(Kind):
    """A float; integers and numerals are accepted too."""

    def take(self, value: Value, place: Place) -> float:
        """See :class:`Kind`."""
        if not isinstance(value, int | float | str):
            raise _refuse(place, "float_type", "Input should be a valid number", value)
        try:
            if isinstance(value, str) and not value.isascii():
                raise ValueError(value)
            return float(value)
        except OverflowError:
            raise _refuse(place, "float_type", "Input should be a valid number", value) from None
        except ValueError:
            message = "Input should be a valid number, unable to parse string as a number"
            raise _refuse(place, "float_parsing", message, value) from None


class Flag(Kind):
    """A bool; 0, 1 and the usual words are accepted too."""

    def take(self, value: Value, place: Place) -> bool:
        """See :class:`Kind`."""
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float | str):
            word = value.lower() if isinstance(value, str) else ""
            if value in (0, 1) or word in _TRUE | _FALSE:
                return value == 1 or word in _TRUE
            if isinstance(value, str) or (abs(value) < _WORD and value == int(value)):
                message = "Input should be a valid boolean, unable to interpret input"
                raise _refuse(place, "bool_parsing", message, value)
        raise _refuse(place, "bool_type", "Input should be a valid boolean", value)


@dataclass(frozen=True)
class Choice(Kind):
    """One of some strings.

    Attributes:
        values: the strings.
        kind: pydantic's name for the error: ``literal_error`` or ``enum``.
    """

    values: tuple[str, ...]
    kind: str = "literal_error"

    def take(self, value: Value, place: Place) -> str:
        """See :class:`Kind`."""
        if isinstance(value, str) and value in self.values:
            return value
        quoted = [repr(one) for one in self.values]
        listed = f"{', '.join(quoted[:-1])} or {quoted[-1]}" if len(quoted) > 1 else quoted[0]
        raise _refuse(place, self.kind, f"Input should be {listed}", value)


@dataclass(frozen=True)
class Moment(Kind):
    """A date or a time, kept as the text in which it is shown and hashed.

    Attributes:
        read: reads a text.
    """

    read: Callable[[str], datetime.date]

    def take(self, value: Value, place: Place) -> str:
        """See :class:`Kind`."""
        if isinstance(value, datetime.date):
            return str(value)
        try:
            return str(self.read(value))
        except (TypeError, ValueError):
            raise _refuse(place, "date_parsing", "Input should be a valid date", value) from None


@dataclass(frozen=True)
class Maybe(Kind):
    """A value or ``None``.

    Attributes:
        inner: the kind of the value.
    """

    inner: Kind

    def take(self, value: Value, place: Place) -> Value:
        """See :class:`Kind`."""
        return None if value is None else self.inner.take(value, place)


@dataclass(frozen=True)
class Many(Kind):
    """A list.

    Attributes:
        inner: the kind of its elements.
    """

    inner: Kind

    def take(self, value: Value, place: Place) -> list[Value]:
        """See :class:`Kind`."""
        if not isinstance(value, list | tuple):
            raise _refuse(place, "list_type", "Input should be a valid list", value)
        return _each([(index, self.inner, entry) for index, entry in enumerate(value)], place)


@dataclass(frozen=True)
class Keyed(Kind):
    """An object whose values are all of one kind.

    Attributes:
        inner: the kind of its values.
    """

    inner: Kind

    def take(self, value: Value, place: Place) -> dict[str, Value]:
        """See :class:`Kind`."""
        if not isinstance(value, dict):
            raise _refuse(place, "dict_type", "Input should be a valid dictionary", value)
        return dict(zip(value, _each([(key, self.inner, entry) for key, entry in value.items()], place), strict=True))


def _each(entries: Sequence[tuple[str | int, Kind, Value]], place: Place) -> list[Value]:
    taken: list[Value] = []
    faults: list[Fault] = []
    for key, kind, entry in entries:
        try:
            taken.append(kind.take(entry, (*place, key)))
        except _Refused as refused:
            faults += refused.faults
    if faults:
        raise _Refused(faults)
    return taken


@dataclass(frozen=True)
class By(Kind):
    """Records of several kinds, distinguished by the value of a field.

    Attributes:
        field: the field.
        kinds: the kinds by its value.
    """

    field: str
    kinds: Mapping[str, Record]

    def take(self, value: Value, place: Place) -> Model:
        """See :class:`Kind`."""
        tag = value.get(self.field) if isinstance(value, dict) else None
        if not isinstance(tag, str) or tag not in self.kinds:
            raise _refuse(place, "union_tag_invalid", f"Input should have a known {self.field!r}", value)
        return self.kinds[tag].take(value, place)


class Record(Kind):
    """A record of declared fields.

    Args:
        name: upstream's name of the model.
        fields: the kinds of its fields, in order.
        defaults: the values of fields that may be left out.
        strict: whether unknown fields are rejected; otherwise they are dropped.
    """

    def __init__(
        self,
        name: str,
        fields: Mapping[str, Kind],
        defaults: Mapping[str, Value] | None = None,
        *,
        strict: bool = False,
    ) -> None:
        self.name = name
        self._fields = fields
        self._defaults = defaults or {}
        self._strict = strict

    def make(self, values: Mapping[str, Value]) -> Model:
        """A record with these values.

        Raises:
            Misfit: they do not fit.
        """
        try:
            return self._made(values, ())
        except _Refused as refused:
            raise Misfit(self.name, refused.faults) from None

    def take(self, value: Value, place: Place) -> Model:
        """See :class:`Kind`."""
        if isinstance(value, Model):
            return copy_model(value)
        if not isinstance(value, dict):
            message = f"Input should be a valid dictionary or instance of {self.name}"
            raise _refuse(place, "model_type", message, value)
        return self._made(value, place)

    def _made(self, values: Mapping[str, Value], place: Place) -> Model:
        made = Model()
        faults: list[Fault] = []
        for name, kind in self._fields.items():
            if name in values:
                try:
                    made[name] = kind.take(values[name], (*place, name))
                except _Refused as refused:
                    faults += refused.faults
            elif name in self._defaults:
                made[name] = copy_record(self._defaults[name])
            else:
                faults.append(Fault((*place, name), "missing", "Field required", values))
        if self._strict:
            unknown = [name for name in values if name not in self._fields]
            message = "Extra inputs are not permitted"
            faults += [Fault((*place, name), "extra_forbidden", message, values[name]) for name in unknown]
        if faults:
            raise _Refused(faults)
        return made


def copy_model(model: Model) -> Model:
    """An independent copy."""
    return Model(copy_record(model))


def _shortened(text: str) -> str:
    """The first 25 and the last 24 bytes of a text of more than 50."""
    raw = text.encode()
    if len(raw) <= _SHOWN:
        return text
    start, end = _SHOWN // 2, len(raw) - (_SHOWN // 2 - 1)
    while raw[start] & 0xC0 == 0x80:
        start -= 1
    while end < len(raw) and raw[end] & 0xC0 == 0x80:
        end += 1
    return f"{raw[:start].decode()}...{raw[end:].decode()}"


TEXT = Text()
INTEGER = Integer()
NUMBER = Number()
FLAG = Flag()
DATE = Moment(datetime.date.fromisoformat)
TIME = Moment(datetime.datetime.fromisoformat)


def texts(*names: str) -> dict[str, Kind]:
    """Fields that are strings."""
    return dict.fromkeys(names, TEXT)
