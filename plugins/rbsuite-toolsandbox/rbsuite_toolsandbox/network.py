"""Recorded answers of the five web services that upstream's tools ask.

A fixture is an object ``{url, params, response}``, as in upstream's requests. What was not recorded has no answer.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from typing import Any

from rbsuite_toolsandbox.arguments import ToolError

_HOST = "https://{}.p.rapidapi.com/{}"
GEOCODING = _HOST.format("trueway-geocoding", "ReverseGeocode")
MAPS = _HOST.format("maps-data", "searchmaps.php")
WEATHER = _HOST.format("weatherapi-com", "forecast.json")
STOCKS = _HOST.format("real-time-finance-data", "search")
CURRENCY = _HOST.format("currency-converter18", "api/v1/convert")
SERVICES = (GEOCODING, MAPS, WEATHER, STOCKS, CURRENCY)


class Network:
    """Answers requests from fixtures.

    Args:
        fixtures: what was recorded. Where a request occurs twice, the first answer stands.

    Attributes:
        asked: how many requests were made.
    """

    def __init__(self, fixtures: Iterable[Mapping[str, Any]] = ()) -> None:
        self._answers: dict[str, Any] = {}
        for fixture in fixtures:
            self._answers.setdefault(_key(fixture["url"], fixture["params"]), fixture["response"])

    def get(self, url: str, params: Mapping[str, Any]) -> Any:
        """The answer to a request, for the caller to change as it likes.

        Raises:
            ToolError: nothing was recorded for it.
        """
        key = _key(url, params)
        if key not in self._answers:
            raise ToolError("ConnectionError", "No answer to this request was recorded")
        return copy.deepcopy(self._answers[key])


def _key(url: str, params: Mapping[str, Any]) -> str:
    return json.dumps([url, params], sort_keys=True)
