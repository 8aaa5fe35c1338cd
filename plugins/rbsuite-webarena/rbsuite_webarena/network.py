"""A browser's requests to servers, recorded through the DevTools protocol and reported as HAR entries."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websocket import WebSocket, WebSocketException, create_connection

from rbsuite_web.browser import Browser

_SECONDS = 10.0
_MOST = 5_000
"""Requests kept per episode; later ones replace the earliest."""

_HEARD = ("Network.requestWillBeSent", "Network.requestWillBeSentExtraInfo", "Network.responseReceived")


@dataclass(slots=True)
class _Hop:
    """A request and its response.

    Attributes:
        at: when it was made, in seconds.
        request: the request in HAR form.
        response: likewise; empty: none yet.
        extra: whether the headers that were actually sent are reported separately.
    """

    at: float
    request: dict[str, Any]
    response: dict[str, Any] = field(default_factory=dict)
    extra: bool = False

    def answer(self, told: Mapping[str, Any], extra: bool) -> None:
        """Record a response."""
        headers = _headers(told["headers"])
        place = next((one["value"] for one in headers if one["name"].lower() == "location"), "")
        self.response = {"status": told["status"], "headers": headers, "redirectURL": place, "content": {}}
        self.extra = extra


@dataclass(slots=True)
class _Chain:
    """A request and those that it was redirected to, all with the same id.

    Attributes:
        hops: the requests, in order.
        sent: the headers that were actually sent, in order. They may arrive before or after the request they belong to.
    """

    hops: list[_Hop] = field(default_factory=list)
    sent: list[list[dict[str, str]]] = field(default_factory=list)

    def answered(self) -> list[_Hop]:
        """The requests with a response, with the headers that were sent."""
        for hop, headers in zip([one for one in self.hops if one.extra], self.sent, strict=False):
            hop.request["headers"] = headers
        return [one for one in self.hops if one.response]


class NetworkTrace:
    """Listens to the tabs of an episode, each from the moment it is first seen.

    Args:
        browser: the browser, at the episode's first page.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        address = str(browser.driver.capabilities["goog:chromeOptions"]["debuggerAddress"])
        self._port = urlsplit(f"//{address}").port
        self._sockets: dict[str, WebSocket] = {}
        self._lock = threading.Lock()
        self._chains: dict[str, _Chain] = {}
        self.look()

    def look(self) -> None:
        """Listen to new tabs."""
        for tab in self._browser.tabs():
            if tab not in self._sockets:
                with self._browser.failing("does not report its requests"):
                    socket = create_connection(
                        f"ws://127.0.0.1:{self._port}/devtools/page/{tab}",
                        timeout=_SECONDS,
                        suppress_origin=True,
                        http_no_proxy=["127.0.0.1"],
                    )
                    self._sockets[tab] = socket
                    socket.send(json.dumps({"id": 1, "method": "Network.enable", "params": {"maxPostDataSize": 65536}}))
                    while json.loads(socket.recv()).get("id") != 1:
                        pass
                    socket.settimeout(None)
                threading.Thread(target=self._listen, args=(socket, tab), name=f"network of {tab}", daemon=True).start()

    def entries(self) -> list[Mapping[str, Any]]:
        """The answered requests, in order, once no more have come for a moment."""
        known: list[int] = []
        for _ in range(20):
            with self._lock:
                found = sorted(
                    (one for chain in self._chains.values() for one in chain.answered()), key=lambda one: one.at
                )
                counts = [len(found), sum(len(chain.sent) for chain in self._chains.values())]
            if counts == known:
                break
            known = counts
            time.sleep(0.05)
        return [{"request": one.request, "response": one.response} for one in found]

    def close(self) -> None:
        """Stop listening."""
        for socket in self._sockets.values():
            with contextlib.suppress(OSError, WebSocketException):
                socket.shutdown()  # type: ignore[no-untyped-call]

    def _listen(self, socket: WebSocket, tab: str) -> None:
        with contextlib.suppress(OSError, WebSocketException, ValueError, KeyError):
            while message := socket.recv():
                event = json.loads(message)
                with self._lock:
                    self.heard(event.get("method", ""), event.get("params", {}), tab)

    def heard(self, method: str, told: Mapping[str, Any], tab: str) -> None:
        """Record an event of the DevTools protocol, by its name and parameters, from a tab."""
        if method not in _HEARD:
            return
        chain = self._chains.setdefault(f"{tab} {told['requestId']}", _Chain())
        while len(self._chains) > _MOST:
            del self._chains[next(iter(self._chains))]
        if method == "Network.requestWillBeSentExtraInfo":
            chain.sent.append(_headers(told["headers"]))
        elif method == "Network.requestWillBeSent":
            if chain.hops and "redirectResponse" in told:
                chain.hops[-1].answer(told["redirectResponse"], told.get("redirectHasExtraInfo", False))
            chain.hops.append(_Hop(told["timestamp"], _request(told["request"])))
        elif chain.hops:
            chain.hops[-1].answer(told["response"], told.get("hasExtraInfo", False))


def _request(told: Mapping[str, Any]) -> dict[str, Any]:
    made = {"url": told["url"], "method": told["method"], "headers": _headers(told["headers"])}
    if "postData" in told:
        kind = next((value for name, value in told["headers"].items() if name.lower() == "content-type"), "")
        made["postData"] = {"mimeType": kind, "text": told["postData"]}
    return made


def _headers(told: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in told.items()]
