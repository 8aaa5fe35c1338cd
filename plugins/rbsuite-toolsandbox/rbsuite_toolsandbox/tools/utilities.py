"""Time, units, distances and holidays. Follows ``tool_sandbox/tools/utilities.py`` (apple/ToolSandbox, 165848b9), in UTC."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from rbsuite.errors import EnvironmentFailure
from rbsuite_toolsandbox.arguments import (
    INTEGER,
    LATITUDES,
    LONGITUDES,
    MAYBE_INTEGER,
    NUMBER,
    STRING,
    TIMESTAMPS,
    Parameter,
    ToolError,
    Value,
    check_range,
)
from rbsuite_toolsandbox.holidays import holidays_of
from rbsuite_toolsandbox.tools.base import Tool
from rbsuite_toolsandbox.world import Phone

_DATE_PARTS = ("year", "month", "day", "hour", "minute", "second")
_DAYS_SHIFTED = ("weeks", "days", "hours", "minutes", "seconds")
_POINTS = ("latitude_0", "longitude_0", "latitude_1", "longitude_1")
_C_INT = 2**31 - 1
_HOLIDAY_CUTOFF = 90
_EARTH = (6378.137, 1 / 298.257223563)
"""Radius in kilometres and flattening of the WGS-84 ellipsoid."""
_POWER = re.compile(r"\*\*|\^")
_LONGEST_UNIT = 80


def _local(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None)


def _posix(moment: datetime) -> float:
    return calendar.timegm(moment.timetuple()) + moment.microsecond / 1e6


def _get_current_timestamp(phone: Phone) -> float:
    return phone.now


def _timestamp_to_datetime_info(phone: Phone, timestamp: Value) -> dict[str, int]:
    check_range("timestamp", timestamp, TIMESTAMPS)
    moment = _local(timestamp)
    return {**{part: getattr(moment, part) for part in _DATE_PARTS}, "isoweekday": moment.isoweekday()}


def _datetime_info_to_timestamp(phone: Phone, **parts: int) -> float:
    year, month, day = parts["year"], parts["month"], parts["day"]
    for value in parts.values():
        if value > _C_INT:
            raise OverflowError("signed integer is greater than maximum")
        if value < -_C_INT - 1:
            raise OverflowError("signed integer is less than minimum")
    # The texts of Python 3.11; those of later versions differ.
    if not 1 <= year <= 9999:
        raise ValueError(f"year {int(year)} is out of range")
    if not 1 <= month <= 12:
        raise ValueError("month must be in 1..12")
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise ValueError("day is out of range for month")
    for part, highest in (("hour", 23), ("minute", 59), ("second", 59)):
        if not 0 <= parts[part] <= highest:
            raise ValueError(f"{part} must be in 0..{highest}")
    return _posix(datetime(**{part: int(parts[part]) for part in _DATE_PARTS}))  # type: ignore[arg-type]


def _shift_timestamp(phone: Phone, timestamp: Value, **shifts: int) -> float:
    check_range("timestamp", timestamp, TIMESTAMPS)
    return _posix(_local(timestamp) + timedelta(**shifts))


def _timestamp_diff(phone: Phone, timestamp_0: Value, timestamp_1: Value) -> dict[str, int]:
    check_range("timestamp_0", timestamp_0, TIMESTAMPS)
    check_range("timestamp_1", timestamp_1, TIMESTAMPS)
    difference = _local(timestamp_1) - _local(timestamp_0)
    return {"days": difference.days, "seconds": difference.seconds}


def _seconds_to_clock(phone: Phone, seconds: Value) -> dict[str, int]:
    moment = _local(seconds)
    return {"hour": moment.hour, "minute": moment.minute, "second": moment.second}


def _unit_conversion(phone: Phone, amount: Value, from_unit: str, to_unit: str) -> float:
    # Powers of powers, and powers of large numbers, would keep the library busy forever.
    for unit in (from_unit, to_unit):
        powers = len(_POWER.findall(unit))
        if len(unit) > _LONGEST_UNIT or powers > 1 or (powers and re.search(r"\d{3}", unit)):
            raise ToolError("pint.errors.UndefinedUnitError", f"'{unit}' is not defined in the unit registry")
    try:
        return _converted(amount, from_unit, to_unit)
    except Exception as error:
        if type(error).__name__ != "UndefinedUnitError":
            raise
    return _converted(amount, from_unit.lower(), to_unit.lower())


@lru_cache(maxsize=4096, typed=True)
def _converted(amount: float, from_unit: str, to_unit: str) -> float:
    magnitude: float = _units().Quantity(amount, from_unit).to(to_unit).magnitude
    return magnitude


@lru_cache(maxsize=1)
def _units() -> Any:
    import pint  # takes a while, and most scenarios do without

    try:
        return pint.UnitRegistry()
    except Exception as error:  # from the library itself: not an observation
        raise EnvironmentFailure(f"the units of the library pint cannot be loaded: {error}.") from error


def _distance(phone: Phone, **point: float) -> float:
    for name in ("latitude_0", "latitude_1"):
        check_range(name, point[name], LATITUDES)
    for name in ("longitude_0", "longitude_1"):
        check_range(name, point[name], LONGITUDES)
    from geographiclib.geodesic import Geodesic

    kilometres: float = Geodesic(*_EARTH).Inverse(*(point[name] for name in _POINTS), Geodesic.DISTANCE)["s12"]
    return kilometres


def _search_holiday(phone: Phone, holiday_name: str, year: int | None) -> float | None:
    phone.require_wifi()
    from rapidfuzz import fuzz, utils

    ranked = sorted(
        (fuzz.partial_ratio(holiday_name, name, processor=utils.default_process), date, name)
        for date, name in holidays_of(_local(phone.now).year if year is None else year).items()
    )
    if not ranked or ranked[-1][0] <= _HOLIDAY_CUTOFF:
        return None
    return float(calendar.timegm(ranked[-1][1].timetuple()))


def _tool(name: str, parameters: tuple[Parameter, ...], run: Any) -> Tool:
    return Tool(name, "utilities", parameters, run)


TOOLS = (
    _tool("get_current_timestamp", (), _get_current_timestamp),
    _tool("timestamp_to_datetime_info", (Parameter("timestamp", NUMBER),), _timestamp_to_datetime_info),
    _tool(
        "datetime_info_to_timestamp",
        tuple(Parameter(part, INTEGER) for part in _DATE_PARTS),
        _datetime_info_to_timestamp,
    ),
    _tool(
        "shift_timestamp",
        (Parameter("timestamp", NUMBER), *(Parameter(name, INTEGER, 0) for name in _DAYS_SHIFTED)),
        _shift_timestamp,
    ),
    _tool("timestamp_diff", (Parameter("timestamp_0", NUMBER), Parameter("timestamp_1", NUMBER)), _timestamp_diff),
    _tool("seconds_to_hours_minutes_seconds", (Parameter("seconds", NUMBER),), _seconds_to_clock),
    _tool(
        "unit_conversion",
        (Parameter("amount", NUMBER), Parameter("from_unit", STRING), Parameter("to_unit", STRING)),
        _unit_conversion,
    ),
    _tool("calculate_lat_lon_distance", tuple(Parameter(name, NUMBER) for name in _POINTS), _distance),
    _tool(
        "search_holiday",
        (Parameter("holiday_name", STRING), Parameter("year", MAYBE_INTEGER, None)),
        _search_holiday,
    ),
)
