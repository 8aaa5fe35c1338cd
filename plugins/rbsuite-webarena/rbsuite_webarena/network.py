"""What a browser asks of servers, listened to through the DevTools protocol and told in the form of HAR entries."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from websocket import WebSocket, WebSocketException, create_connection

from rbsuite_web.browser import Browser

_SECONDS = 10.0
_MOST = 5_000
"""Requests that are kept of an episode; later ones take the place of the earliest."""


class NetworkTrace:
    """Listens to the tabs of an episode, each from when it is first looked for.

    Args:
        browser: the browser, at the episode's first page.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        address = str(browser.driver.capabilities["goog:chromeOptions"]["debuggerAddress"])
        self._port = urlsplit(f"//{address}").port
        self._sockets: dict[str, WebSocket] = {}
        self._lock = threading.Lock()
        self._requests: dict[str, dict[str, Any]] = {}
        self.look()

    def look(self) -> None:
        """Listen to tabs that are new."""
        for tab in self._browser.tabs():
            if tab not in self._sockets:
                with self._browser.failing("cannot be listened to"):
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
        """The requests that were answered, in order, once no more has come for a moment."""
        known = -1
        for _ in range(20):
            with self._lock:
                found = [one for one in self._requests.values() if "response" in one]
            if len(found) == known:
                break
            known = len(found)
            time.sleep(0.05)
        return [{"request": one["request"], "response": one["response"]} for one in found]

    def close(self) -> None:
        """Listen no more."""
        for socket in self._sockets.values():
            with contextlib.suppress(OSError, WebSocketException):
                socket.shutdown()  # type: ignore[no-untyped-call]

    def _listen(self, socket: WebSocket, tab: str) -> None:
        with contextlib.suppress(OSError, WebSocketException, ValueError, KeyError):
            while message := socket.recv():
                event = json.loads(message)
                with self._lock:
                    self._heard(event.get("method", ""), event.get("params", {}), tab)

    def _heard(self, method: str, told: Mapping[str, Any], tab: str) -> None:
        key = f"{tab} {told.get('requestId')}"
        entry = self._requests.get(key)
        if method == "Network.requestWillBeSent":
            if entry is not None and "redirectResponse" in told:
                _answer(entry, told["redirectResponse"])
                self._requests[f"{key} before {len(self._requests)}"] = self._requests.pop(key)
            self._requests[key] = {"request": _request(told["request"])}
            while len(self._requests) > _MOST:
                del self._requests[next(iter(self._requests))]
        elif entry is None:
            return
        elif method == "Network.requestWillBeSentExtraInfo":
            entry["request"]["headers"] = _headers(told["headers"])
        elif method == "Network.responseReceived":
            _answer(entry, told["response"])


def _request(told: Mapping[str, Any]) -> dict[str, Any]:
    made = {"url": told["url"], "method": told["method"], "headers": _headers(told["headers"])}
    if "postData" in told:
        kind = next((value for name, value in told["headers"].items() if name.lower() == "content-type"), "")
        made["postData"] = {"mimeType": kind, "text": told["postData"]}
    return made


def _answer(entry: dict[str, Any], told: Mapping[str, Any]) -> None:
    headers = _headers(told["headers"])
    place = next((one["value"] for one in headers if one["name"].lower() == "location"), "")
    entry["response"] = {"status": told["status"], "headers": headers, "redirectURL": place, "content": {}}


def _headers(told: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in told.items()]
