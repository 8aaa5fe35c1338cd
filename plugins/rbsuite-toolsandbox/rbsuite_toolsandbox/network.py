"""Answers of the five web services that upstream's tools use: recorded ones, and those of an atlas written by this project.

A recorded answer is an object ``{url, params, response}``, as in upstream's requests. What was not recorded is answered from the atlas: a
few places, their weather, shares and exchange rates, in the form of the services' answers. So nothing needs a network or a key, and the
same request always has the same answer.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

_HOST = "https://{}.p.rapidapi.com/{}"
GEOCODING = _HOST.format("trueway-geocoding", "ReverseGeocode")
MAPS = _HOST.format("maps-data", "searchmaps.php")
WEATHER = _HOST.format("weatherapi-com", "forecast.json")
STOCKS = _HOST.format("real-time-finance-data", "search")
CURRENCY = _HOST.format("currency-converter18", "api/v1/convert")
SERVICES = (GEOCODING, MAPS, WEATHER, STOCKS, CURRENCY)

_NEAR_NAME = 85
"""The WRatio from which a place or share counts as a match."""

_DAYS = 11
"""Days in a forecast."""

_ADDRESS_WITHIN, _WEATHER_WITHIN = 0.02, 1.5
"""Distance in degrees within which a point has an address and weather."""

Params = Mapping[str, Any]


class Network:
    """Answers requests.

    Args:
        recorded: recorded answers, which take precedence. If a request occurs twice, the first answer is used.
        atlas: what answers all other requests; ``None``: nothing does.
    """

    def __init__(self, recorded: Iterable[Mapping[str, Any]] = (), atlas: Atlas | None = None) -> None:
        self._recorded: dict[str, Any] = {}
        self._atlas = atlas
        for fixture in recorded:
            self._recorded.setdefault(_key(fixture["url"], fixture["params"]), fixture["response"])

    def get(self, url: str, params: Params) -> Any:
        """The answer to a request, which the caller may change freely; for an unknown thing, an empty one."""
        found = self._recorded.get(_key(url, params))
        if found is not None:
            return copy.deepcopy(found)
        return {} if self._atlas is None else self._atlas.answer(url, params)


class Atlas:
    """A small world that replaces the services.

    Args:
        data: ``places`` (name, aliases, address, phone_number, latitude, longitude, type), ``weather`` (name, region, country, tz_id,
            latitude, longitude, temperature), ``shares`` (names, symbol, ...) and ``rates`` (units of a currency for a US dollar).
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._places: Sequence[Params] = data["places"]
        self._weather: Sequence[Params] = data["weather"]
        self._shares: Sequence[Params] = data["shares"]
        self._rates: Mapping[str, float] = data["rates"]

    def answer(self, url: str, params: Params) -> Any:
        """The answer of a service; an empty one if the atlas does not know what was requested."""
        answers: Mapping[str, Callable[[Params], Any]] = {
            GEOCODING: self._address,
            MAPS: self._found,
            WEATHER: self._forecast,
            STOCKS: self._share,
            CURRENCY: self._converted,
        }
        return answers[url](params)

    def _address(self, params: Params) -> Any:
        latitude, longitude = map(float, params["location"].split(","))
        near = _nearest(self._places, latitude, longitude, _ADDRESS_WITHIN)
        return {"results": [{"address": f"{near['name']} {near['address']}"}]} if near else {"results": []}

    def _found(self, params: Params) -> Any:
        ranked = []
        for place in self._places:
            score = _likeness(params["query"], (place["name"], *place["aliases"]))
            if score >= _NEAR_NAME:
                away = _degrees(place, params["lat"], params["lng"])
                ranked.append((-score, away, place))
        ranked.sort(key=lambda entry: entry[:2])
        kept = [place for _, _, place in ranked[: params["limit"]]]
        return {"data": [{key: value for key, value in place.items() if key != "aliases"} for place in kept]}

    def _forecast(self, params: Params) -> Any:
        latitude, longitude = map(float, params["q"].split(", "))
        near = _nearest(self._weather, latitude, longitude, _WEATHER_WITHIN)
        if near is None:
            return {}
        mean = near["temperature"]
        days = [
            {
                "day": {
                    "maxtemp_c": round(mean + 4.5 + day * 7 % 5 * 0.5, 1),
                    "mintemp_c": round(mean - 6.0 + day * 3 % 4 * 0.5, 1),
                    "avgtemp_c": round(mean - 1.0 + day * 5 % 3 * 0.5, 1),
                    "maxwind_kph": 12.0 + day % 4,
                    "avghumidity": 50 + day * 11 % 30,
                },
                "astro": {"sunrise": "07:20 AM", "sunset": "05:05 PM"},
            }
            for day in range(min(params["days"], _DAYS))
        ]
        return {
            "location": {key: near[key] for key in ("name", "region", "country", "tz_id")},
            "current": {"temp_c": mean, "feelslike_c": round(mean - 0.5, 1), "wind_kph": 9.0, "humidity": 58},
            "forecast": {"forecastday": days},
        }

    def _share(self, params: Params) -> Any:
        scores = [(_likeness(params["query"], share["names"]), share) for share in self._shares]
        best, share = max(scores, key=lambda entry: entry[0])
        if best < _NEAR_NAME:
            return {"data": {"stock": []}}
        return {"data": {"stock": [{key: value for key, value in share.items() if key != "names"}]}}

    def _converted(self, params: Params) -> Any:
        if params["from"] not in self._rates or params["to"] not in self._rates:
            return {}
        amount = params["amount"] / self._rates[params["from"]] * self._rates[params["to"]]
        return {"result": {"convertedAmount": round(amount, 2)}}


@lru_cache(maxsize=1)
def atlas() -> Atlas:
    """This project's atlas."""
    return Atlas(json.loads(Path(__file__).with_name("atlas.json").read_text("utf-8")))


def _likeness(asked: str, names: Iterable[str]) -> float:
    from rapidfuzz import fuzz, utils

    return max(fuzz.WRatio(asked, name, processor=utils.default_process) for name in names)


def _degrees(place: Params, latitude: float, longitude: float) -> float:
    return math.hypot(place["latitude"] - latitude, place["longitude"] - longitude)


def _nearest(places: Sequence[Params], latitude: float, longitude: float, within: float) -> Params | None:
    away, place = min(((_degrees(place, latitude, longitude), place) for place in places), key=lambda entry: entry[0])
    return place if away <= within else None


def _key(url: str, params: Params) -> str:
    return json.dumps([url, params], sort_keys=True)
