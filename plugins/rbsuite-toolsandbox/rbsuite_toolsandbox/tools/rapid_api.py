"""The tools that upstream answers from web services; here from recorded fixtures.

Follows ``tool_sandbox/tools/rapid_api_search_tools.py`` (apple/ToolSandbox, 165848b9) in requests, checks and the processing of answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rbsuite_toolsandbox.arguments import (
    AMOUNT,
    INTEGER,
    LATITUDES,
    LONGITUDES,
    MAYBE_NUMBER,
    NUMBER,
    STRING,
    Parameter,
    ToolError,
    Value,
    check_range,
)
from rbsuite_toolsandbox.currencies import CODES
from rbsuite_toolsandbox.network import CURRENCY, GEOCODING, MAPS, STOCKS, WEATHER
from rbsuite_toolsandbox.tools.base import Tool
from rbsuite_toolsandbox.world import Phone

_DROPPED_OF_PLACE = ("business_id", "place_id", "place_link", "verified", "photos")
_WEATHER_KEYS: Mapping[str, str | None] = {
    "temp_c": "current_temperature",
    "temp_f": None,
    "feelslike_c": "perceived_temperature",
    "feelslike_f": None,
    "vis_km": "visibility_distance",
    "vis_miles": None,
    "wind_kph": "wind_speed",
    "wind_mph": None,
    "maxtemp_c": "max_temperature",
    "maxtemp_f": None,
    "mintemp_c": "min_temperature",
    "mintemp_f": None,
    "avgtemp_c": "average_temperature",
    "avgtemp_f": None,
    "maxwind_kph": "max_wind_speed",
    "maxwind_mph": None,
    "avgvis_km": "average_visibility_distance",
    "avgvis_miles": None,
    "pressure_mb": "barometric_pressure",
    "pressure_in": None,
    "precip_mm": None,
    "precip_in": None,
    "totalprecip_mm": None,
    "totalprecip_in": None,
    "avghumidity": "average_humidity",
}
"""The service's keys by upstream's; keys without one are left out. In upstream's order, in which renamed keys are appended."""


def _here_or(phone: Phone, latitude: Value, longitude: Value) -> tuple[float, float]:
    """The given point, or the device's location."""
    check_range("latitude", latitude, LATITUDES)
    check_range("longitude", longitude, LONGITUDES)
    if (latitude is None) != (longitude is None):
        raise ToolError("ValueError", "Latitude and Longitude must be either both provided, or both not provided")
    if latitude is None:
        phone.require_location()
        return phone.setting("latitude"), phone.setting("longitude")
    return latitude, longitude


def _ask(phone: Phone, url: str, params: Mapping[str, Any]) -> Any:
    phone.require_wifi()
    return phone.network.get(url, params)


def _search_lat_lon(phone: Phone, latitude: float, longitude: float) -> str | None:
    check_range("latitude", latitude, LATITUDES)
    check_range("longitude", longitude, LONGITUDES)
    answer = _ask(phone, GEOCODING, {"location": f"{latitude},{longitude}", "language": "en"})
    try:
        address: str = answer["results"][0]["address"]
        return address
    except (KeyError, IndexError):
        return None


def _search_location(phone: Phone, location: str, latitude: Value, longitude: Value) -> list[dict[str, Any]]:
    latitude, longitude = _here_or(phone, latitude, longitude)
    params = {"query": location, "lat": latitude, "lng": longitude, "limit": 4, "country": "us", "lang": "en"}
    answer = _ask(phone, MAPS, params)
    places = answer.get("data", [])
    return [{key: value for key, value in place.items() if key not in _DROPPED_OF_PLACE} for place in places]


def _search_weather(phone: Phone, days: int, latitude: Value, longitude: Value) -> dict[str, Any] | None:
    latitude, longitude = _here_or(phone, latitude, longitude)
    if days < 0:
        raise ToolError("ValueError", f"Days must be positive integer, found {days=}.")
    answer = _ask(phone, WEATHER, {"q": f"{latitude}, {longitude}", "days": days + 1})
    try:
        forecast = answer["forecast"]["forecastday"][days]
        found = {
            **forecast["day"],
            **forecast["astro"],
            **answer["location"],
            "temperature_unit": "Celsius",
            "distance_unit": "Kilometer",
            **(answer["current"] if days == 0 else {}),
        }
    except (KeyError, IndexError):
        return None
    for key, name in _WEATHER_KEYS.items():
        if key in found:
            value = found.pop(key)
            if name is not None:
                found[name] = value
    return found


def _search_stock(phone: Phone, query: str) -> dict[str, Any] | None:
    answer = _ask(phone, STOCKS, {"query": query})
    try:
        stock: dict[str, Any] = dict(answer["data"]["stock"][0])
        stock["symbol"] = stock["symbol"].split(":")[0]
        return stock
    except (KeyError, IndexError):
        return None


def _convert_currency(phone: Phone, amount: Value, from_currency_code: str, to_currency_code: str) -> float:
    for code in (from_currency_code, to_currency_code):
        if code.upper() not in CODES:
            raise ToolError("ValueError", f"{code} is not a known 3 letter ISO 4217 currency code")
    params = {"from": from_currency_code.upper(), "to": to_currency_code.upper(), "amount": amount}
    answer = _ask(phone, CURRENCY, params)
    try:
        return float(answer["result"]["convertedAmount"])
    except KeyError:
        raise ToolError("RuntimeError", "Conversion failed") from None


_POINT = (Parameter("latitude", MAYBE_NUMBER, None), Parameter("longitude", MAYBE_NUMBER, None))


def _tool(name: str, parameters: tuple[Parameter, ...], run: Any) -> Tool:
    return Tool(name, "rapid_api_search_tools", parameters, run)


TOOLS = (
    _tool("search_lat_lon", (Parameter("latitude", NUMBER), Parameter("longitude", NUMBER)), _search_lat_lon),
    _tool("search_location_around_lat_lon", (Parameter("location", STRING), *_POINT), _search_location),
    _tool("search_weather_around_lat_lon", (Parameter("days", INTEGER, 0), *_POINT), _search_weather),
    _tool("search_stock", (Parameter("query", STRING),), _search_stock),
    _tool(
        "convert_currency",
        (
            Parameter("amount", AMOUNT),
            Parameter("from_currency_code", STRING),
            Parameter("to_currency_code", STRING),
        ),
        _convert_currency,
    ),
)
