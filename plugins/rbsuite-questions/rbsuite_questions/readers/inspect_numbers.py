"""What inspect_ai 0.3.285 (``scorer/_common.py``, ``scorer/_unicode.py``) accepts as a number.

Plain floats; digits of any script; signs, grouping marks and decimal marks of several kinds; one vulgar fraction; a superscript exponent;
single numeric characters; Chinese numerals. Here, a word of more than 1,000 characters is not a number.
"""

from __future__ import annotations

import contextlib
import math
import re
import unicodedata

_LONGEST = 1_000
_AROUND = "!?:;()[]{}'\"`"
_FOREIGN = re.compile(r"[a-df-zA-DF-Z\"#$%&/<=>?@\\^_`{|}~()\[\]:;!]")
_MINUS = "-−﹣－负負"
_PLUS = "+＋﹢正"
_GROUPING = ",，﹐、٬ \u00a0\u202f\u2009\u2007\u2008'’ʼ＇"
_DECIMAL = "٫．"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_EXPONENT = re.compile(r"(.*?)([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)", re.DOTALL)

_POINT = "点點"
_DIGITS = {
    digit: value
    for value, digits in enumerate(
        ("零〇○", "一壹幺", "二贰貳两兩", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
    )
    for digit in digits
}
_TENS = {"廿": 20, "卅": 30, "卌": 40}
_SMALL = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_LARGE = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "兆": 10**12}
_UNITS = frozenset([*_TENS, *_SMALL, *_LARGE])
_CHINESE = frozenset([*_DIGITS, *_UNITS, *_POINT, "负", "負", "正"])


def parse_number(word: str) -> float | None:
    """A word as a finite number, with surrounding punctuation removed; ``None`` if it is not one."""
    text = word.strip(_AROUND)
    if not text or len(text) > _LONGEST or _FOREIGN.search(text):
        return None
    with contextlib.suppress(ValueError):
        number = float(text)
        if math.isfinite(number):
            return number
    try:
        found = _unicode_number(text)
    except (ValueError, OverflowError, ZeroDivisionError, TypeError):
        return None
    return found if found is not None and math.isfinite(found) else None


def _unicode_number(text: str) -> float | None:
    text, negative = _unsigned(text.strip())
    sign = -1.0 if negative else 1.0
    single = _single(text)
    if single is not None:
        return sign * single
    exponent = _EXPONENT.fullmatch(text.rstrip(_GROUPING))
    if exponent is None or not exponent[1].strip():
        base = _with_fraction(text)
        return None if base is None else sign * base
    base = _with_fraction(exponent[1].rstrip())
    return None if base is None else math.pow(sign * base, int(exponent[2].translate(_SUPERSCRIPTS)))


def _unsigned(text: str) -> tuple[str, bool]:
    negative = False
    while text and text[0] in _MINUS + _PLUS:
        negative ^= text[0] in _MINUS
        text = text[1:].lstrip()
    return text, negative


def _single(text: str) -> float | None:
    return unicodedata.numeric(text, None) if len(text) == 1 else None


def _with_fraction(text: str) -> float | None:
    """A number that may end in one vulgar fraction: ``2½``."""
    places = [place for place, one in enumerate(text) if 0 < unicodedata.numeric(one, -1.0) < 1]
    if not places:
        return _core(text)
    head, tail = text[: places[0]].strip(), text[places[0] + 1 :].strip()
    if len(places) > 1 or tail.strip(_GROUPING):
        return None
    whole = _core(head) if head else 0.0
    return None if whole is None else whole + unicodedata.numeric(text[places[0]])


def _core(text: str) -> float | None:
    """A number without sign, fraction and exponent."""
    text = text.strip()
    if _CHINESE.intersection(text):
        chinese = _chinese(text)
        if chinese is not None:
            return chinese
    generic = _generic(text)
    return _single(text) if generic is None else generic


def _generic(text: str) -> float | None:
    """Digits of any script, with marks between them; commas have been removed, so a full stop is the decimal mark."""
    out: list[str] = []
    decimal = exponent = False
    place = 0
    while place < len(text):
        one = text[place]
        place += 1
        if one in "eE" and not exponent:
            if not out:
                return None
            exponent = True
            sign = text[place : place + 1]
            signed = bool(sign) and sign in "+＋﹢-−﹣－"
            out.append("e" if not signed else "e+" if sign in _PLUS else "e-")
            place += signed
        elif one in _DECIMAL or one == ".":
            if decimal:
                return None
            decimal = True
            out.append(".")
        elif one not in _GROUPING and not one.isspace():
            digit = _digit(one)
            if digit is None:
                return None
            out.append(digit)
    return float("".join(out)) if out else None


def _digit(one: str) -> str | None:
    value = unicodedata.digit(one, None)
    if value is None:
        value = _DIGITS.get(one)
    return None if value is None else str(value)


def _chinese(text: str) -> float | None:
    mark = next((one for one in (*_POINT, "．", ".") if one in text), None)
    whole, _, part = text.partition(mark) if mark else (text, "", "")
    value = _with_units(whole) if _UNITS.intersection(whole) else _plain_digits(whole)
    decimals = _plain_digits(part)
    if value is None or decimals is None:
        return None
    places = sum(not one.isspace() for one in part)
    return value + decimals / 10.0**places


def _plain_digits(text: str) -> int | None:
    digits = [_digit(one) for one in text if not one.isspace()]
    return None if None in digits else int("".join(filter(None, digits)) or "0")


def _with_units(text: str) -> int | None:
    total = section = number = 0
    for one in text:
        digit = _digit(one)
        if one in _TENS:
            section += _TENS[one]
        elif one in "零〇○" or one.isspace():
            continue
        elif digit is not None:
            number = int(digit)
        elif one in _SMALL:
            section += (number or 1) * _SMALL[one]
            number = 0
        elif one in _LARGE:
            total += (section + number) * _LARGE[one]
            section = number = 0
        else:
            return None
    return total + section + number
