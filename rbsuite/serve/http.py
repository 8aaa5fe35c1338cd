"""As much HTTP/1.1 as a chat server needs, with answers that can go wrong on purpose."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

Manner = Literal["whole", "cut", "reset", "hang", "drip"]

LONGEST_BODY = 64 << 20
"""Bytes of a request that are read, at most."""
DRIP = 0.1
"""Seconds between two pieces of a dripping answer."""
PIECE = 8
"""Bytes of such a piece."""
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    413: "Content Too Large",
    429: "Too Many Requests",
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


Handler = Callable[[Request], Awaitable[Answer]]


class HttpServer:
    """A server that runs while it is used as an asynchronous context manager.

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
            while (request := await _read(reader)) is not None:
                if not await _send(writer, await self._handler(request)):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass  # the client is gone, or it does not speak HTTP
        except asyncio.CancelledError:
            pass  # the server closes; if this were raised again, asyncio would report it
        finally:
            self._connections.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request on a connection; ``None``: there is none."""
    first = await reader.readline()
    if not first.strip():
        return None
    method, target, _ = first.decode("latin-1").split(maxsplit=2)
    headers: dict[str, str] = {}
    while line := (await reader.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", 0))
    if not 0 <= length <= LONGEST_BODY:
        raise ValueError("the body is too long")
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
