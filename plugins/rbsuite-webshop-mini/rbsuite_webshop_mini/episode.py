"""One rollout in the shop."""

from __future__ import annotations

import re
from typing import Any

from rbsuite import EndReason, Grade
from rbsuite_web.episode import NavigationTools, PageTools, WebEpisode
from rbsuite_web.pool import Lease
from rbsuite_webshop_mini.server import ShopServer

RULES = "The site is a small shop. Do what you are asked and nothing else; what you order, change or send cannot be taken back."
_SHOWN = "http://shop.test"


class ShopEpisode(PageTools, NavigationTools, WebEpisode):
    """One rollout. It has its own shop, which ends with it.

    Args:
        lease: the browser, at the shop's first page.
        server: the shop.
        goal: what the agent is asked.
        wanted: the state that the shop must have at the end, and the answer, if one is asked for.
        images: see :class:`rbsuite_web.episode.WebEpisode`.
    """

    def __init__(
        self, lease: Lease, server: ShopServer, goal: str, wanted: tuple[dict[str, Any], str], *, images: bool
    ) -> None:
        self._server = server
        self._state, self._answer = wanted
        super().__init__(lease, goal, RULES, images=images)

    def permitted(self, url: str) -> bool:
        """Only the episode's own shop."""
        return url == self._server.origin or url.startswith(f"{self._server.origin}/")

    def told(self, url: str) -> str:
        """Without the port, which changes."""
        return url.replace(self._server.origin, _SHOWN, 1) if url.startswith(self._server.origin) else url

    def meant(self, url: str) -> str:
        """With the port."""
        return url.replace(_SHOWN, self._server.origin, 1) if url.startswith(_SHOWN) else url

    def grade(self, end: EndReason) -> Grade:
        """Success is the wanted state of the shop, to the last item, and the right answer if one is asked for."""
        state = self._server.shop.lasting() == self._state
        answer = not self._answer or self._answer in re.findall(r"\d+", self.answered or "")[:1]
        return Grade(float(state and answer), {}, {"state": state, "answer": answer})

    def close(self) -> None:
        """Return the browser, and close the shop."""
        super().close()
        self._server.close()
