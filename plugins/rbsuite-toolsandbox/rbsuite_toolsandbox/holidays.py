"""The public holidays of the United States, as the library holidays 0.51 names and dates them.

Written out here because other versions of that library name some of them differently.
"""

from __future__ import annotations

import datetime
from functools import lru_cache

_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6
_FIRST_YEAR = 1871
_DAY = datetime.timedelta(days=1)


@lru_cache(maxsize=256)
def holidays_of(year: int) -> dict[datetime.date, str]:
    """The holidays of a year by date, with the days on which those that fall on a weekend are observed.

    Raises:
        ValueError: there is no such year.
    """
    if year > 2**31 - 1:
        raise OverflowError("signed integer is greater than maximum")
    if year > datetime.MAXYEAR:
        raise ValueError(f"year {year} is out of range")
    if year < _FIRST_YEAR:
        return {}
    found = {_date(year, 1, 1): "New Year's Day", _date(year, 7, 4): "Independence Day"}
    found |= {_weekday(year, 11, _THURSDAY, 4): "Thanksgiving", _date(year, 12, 25): "Christmas Day"}
    if year >= 1986:
        found[_weekday(year, 1, _MONDAY, 3)] = "Martin Luther King Jr. Day"
    if year >= 1879:
        date = _weekday(year, 2, _MONDAY, 3) if year >= 1971 else _date(year, 2, 22)
        found[date] = "Washington's Birthday"
    if year >= 1888:
        found[_last(year, 5, _MONDAY) if year >= 1971 else _date(year, 5, 30)] = "Memorial Day"
    if year >= 2021:
        found[_date(year, 6, 19)] = "Juneteenth National Independence Day"
    if year >= 1894:
        found[_weekday(year, 9, _MONDAY, 1)] = "Labor Day"
    if year >= 1937:
        found[_weekday(year, 10, _MONDAY, 2) if year >= 1970 else _date(year, 10, 12)] = "Columbus Day"
    if year >= 1938:
        date = _weekday(year, 10, _MONDAY, 4) if 1971 <= year <= 1977 else _date(year, 11, 11)
        found[date] = "Veterans Day" if year >= 1954 else "Armistice Day"
    return found | _observed(year, found)


def _observed(year: int, found: dict[datetime.date, str]) -> dict[datetime.date, str]:
    fixed = {"New Year's Day", "Juneteenth National Independence Day", "Independence Day", "Christmas Day"}
    fixed |= {"Veterans Day", "Armistice Day"}
    observed = {}
    for date, name in found.items():
        if name in fixed and date.weekday() == _SUNDAY:
            observed[date + _DAY] = f"{name} (observed)"
        elif name in fixed and date.weekday() == _SATURDAY and name != "New Year's Day":
            observed[date - _DAY] = f"{name} (observed)"
    if _date(year, 12, 31).weekday() == _SATURDAY - 1:  # the next New Year's Day falls on a Saturday
        observed[_date(year, 12, 31)] = "New Year's Day (observed)"
    return observed


def _date(year: int, month: int, day: int) -> datetime.date:
    return datetime.date(year, month, day)


def _weekday(year: int, month: int, weekday: int, number: int) -> datetime.date:
    """The ``number``-th occurrence in a month of a weekday, counted from Monday, 0."""
    first = _date(year, month, 1)
    return first + ((weekday - first.weekday()) % 7 + 7 * (number - 1)) * _DAY


def _last(year: int, month: int, weekday: int) -> datetime.date:
    """The last such day of a month."""
    fifth = _weekday(year, month, weekday, 5)
    return fifth if fifth.month == month else fifth - 7 * _DAY
