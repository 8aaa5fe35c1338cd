"""What the five worlds have in common, and the phone itself.

The classes, their methods, parameters and defaults have upstream's names: calls go by name, and Python's own messages about wrong arguments
contain them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rbsuite_acebench.worlds.replies import REPLIES, Language


class World:
    """A world: start values that calls change.

    Args:
        start: the start values, by attribute; used without a copy, so it must be the world's own.
        language: of its answers.
    """

    SAVED: ClassVar[tuple[str, ...]] = ()
    """The attributes that count as its state."""

    def __init__(self, start: Mapping[str, Any], language: Language) -> None:
        self.__dict__.update(start)
        self._language = language
        self._texts = REPLIES[language]

    def _configure(self, config: Mapping[str, Any]) -> None:
        """Apply a task's settings; upstream calls this ``_load_scenario``, twice: with the class's own part, then with BaseApi's."""

    def _say(self, key: str, **values: object) -> str:
        return self._texts[key].format(**values)

    def _no(self, key: str, **values: object) -> dict[str, Any]:
        return {"status": False, "message": self._say(key, **values)}

    def _yes(self, key: str, **values: object) -> dict[str, Any]:
        return {"status": True, "message": self._say(key, **values)}


class BaseApi(World):
    """A phone that may have Wi-Fi on and may be logged in."""

    SAVED: ClassVar[tuple[str, ...]] = ("wifi", "logged_in")
    wifi: bool
    logged_in: bool

    def _configure(self, config: Mapping[str, Any]) -> None:
        self.wifi = config.get("wifi", False)
        self.logged_in = config.get("logged_in", True)

    def turn_on_wifi(self) -> Any:
        """Turn Wi-Fi on."""
        self.wifi = True
        return self._yes("wifi_on")

    def login_device(self) -> Any:
        """Log the device in."""
        self.logged_in = True
        return self._yes("logged_in")
