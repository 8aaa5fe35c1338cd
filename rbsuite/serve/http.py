"""As much HTTP/1.1 as a chat server needs, with answers that can go wrong on purpose."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit

Manner = Literal["whole", "cut", "reset", "hang", "drip"]

LONGEST_BODY = 64 << 20
"""Bytes of a request that are read, at most."""
LONGEST_HEAD = 64 << 10
"""Bytes of its headers, at most."""
MOST_HEADERS = 100
"""How many headers it may have."""
PATIENCE = 30.0
"""Seconds that a connection may be idle, and that a request may take to arrive."""
MOST_CONNECTIONS = 1000
"""Connections that are served at a time."""
DRIP = 0.1
"""Seconds between two pieces of a dripping answer."""
PIECE = 8
"""Bytes of such a piece."""
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    413: "Content Too Large",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request.

    Attributes:
        method: in capitals.
        path: without the query.
        headers: with names in lower case.
        body: as received.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer.

    Attributes:
        status: the HTTP status.
        body: its bytes.
        headers: besides type and length.
        content_type: of the body.
        manner: how it is sent: ``whole``; ``cut``: the connection is closed halfway; ``reset``: it is broken before anything is sent;
            ``hang``: nothing is ever sent; ``drip``: a few bytes at a time.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    manner: Manner = "whole"

    @classmethod
    def of(cls, value: Any, status: int = 200, **headers: str) -> Answer:
        """A JSON answer; lone surrogates stay escaped."""
        return cls(status, json.dumps(value).encode("ascii"), headers)


class _Unread(Exception):
    """A request that is not read to its end; the connection is closed after the answer."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.answer = _refusal(status, words)


def _refusal(status: int, words: str) -> Answer:
    return Answer.of({"error": {"message": words, "type": "error", "param": None, "code": None}}, status)


Handler = Callable[[Request], Awaitable[Answer]]


class HttpServer:
    """A server that runs while it is used as an asynchronous context manager.

    A web page that is open in a browser on this machine can send requests here. So those that come from a page are refused, and at a
    loopback address those for another host, whose name a page's owner may let lead here.

    Args:
        handler: answers requests.
        host: the address to listen on.
        port: the port; 0: any that is free.

    Raises:
        OSError: on entering, if the address is not available.
    """

    def __init__(self, handler: Handler, host: str = "127.0.0.1", port: int = 0) -> None:
        self._handler = handler
        self._host = host
        self._port = port
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> HttpServer:
        self._server = await asyncio.start_server(self._connected, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://{self._host}:{self._port}/v1"

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if len(self._connections) > MOST_CONNECTIONS:
                raise _Unread(503, f"more than {MOST_CONNECTIONS:,} connections")
            while (request := await _read(reader)) is not None:
                if not await _send(writer, self._of_a_page(request) or await self._handler(request)):
                    break
        except _Unread as refused:
            with suppress(ConnectionError):
                await _send(writer, refused.answer)
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass  # the client is gone, or it does not speak HTTP
        except asyncio.CancelledError:
            pass  # the server closes; if this were raised again, asyncio would report it
        finally:
            self._connections.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _of_a_page(self, request: Request) -> Answer | None:
        """The answer to a request that a web page may have sent; ``None``: no page has."""
        if "origin" in request.headers:
            return _refusal(403, "requests of web pages are not answered")
        host = request.headers.get("host", "")
        if not host or not _is_loopback(self._host) or _is_loopback(f"//{host}"):
            return None
        return _refusal(403, f"this is {self._host}, and the request is for another host")


def _is_loopback(host: str) -> bool:
    """Whether a host, or the one in an address, is this machine."""
    try:
        name = urlsplit(host).hostname if host.startswith("//") else host
        return name == "localhost" or ip_address(name or "").is_loopback
    except ValueError:
        return False


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request on a connection; ``None``: there is none.

    Raises:
        _Unread: it is too long, or takes too long.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            first = await reader.readline()
    except TimeoutError:
        return None
    if not first.strip():
        return None
    try:
        async with asyncio.timeout(PATIENCE):
            return await _begun(first, reader)
    except TimeoutError:
        raise _Unread(408, f"the request did not arrive within {PATIENCE:g} s") from None


async def _begun(first: bytes, reader: asyncio.StreamReader) -> Request:
    """The request that begins with a line."""
    method, target, _ = first.decode("latin-1").split(maxsplit=2)
    headers: dict[str, str] = {}
    size = count = 0
    while line := (await reader.readline()).decode("latin-1").strip():
        size, count = size + len(line), count + 1
        if size > LONGEST_HEAD or count > MOST_HEADERS:
            raise _Unread(431, f"more than {MOST_HEADERS} headers, or more than {LONGEST_HEAD:,} bytes of them")
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", 0))
    if not 0 <= length <= LONGEST_BODY:
        raise _Unread(413, f"a body may have {LONGEST_BODY:,} bytes")
    body = await reader.readexactly(length)
    return Request(method.upper(), target.partition("?")[0], headers, body)


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> bool:
    """Send an answer. Returns whether the connection can be used again."""
    if answer.manner == "hang":
        await asyncio.Event().wait()  # until the server closes
    if answer.manner == "reset":
        writer.transport.abort()
        return False
    headers = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body)), **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Error')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    if answer.manner == "cut":
        writer.write(answer.body[: len(answer.body) // 2])
    elif answer.manner == "drip":
        for start in range(0, len(answer.body), PIECE):
            writer.write(answer.body[start : start + PIECE])
            await writer.drain()
            await asyncio.sleep(DRIP)
    else:
        writer.write(answer.body)
    await writer.drain()
    return answer.manner == "whole"
