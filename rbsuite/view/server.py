"""The viewer's pages and data over HTTP: for this machine only, behind a token in the address, and read-only."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from rbsuite.errors import RbsuiteError
from rbsuite.report.html.page import page
from rbsuite.view.watching import Watched, experiments, listed

if TYPE_CHECKING:
    from rbsuite.plugins import Plugins

HOST = "127.0.0.1"

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""The headers of every response."""
CLOSED = "default-src 'none'"
"""The policy of responses that are not pages."""

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class Viewer:
    """The application.

    Args:
        home: an experiment, or a directory of experiments.
        token: comes first in every path.
        plugins: where agents are looked up.
        reveal: whether the texts of private benchmarks are shown.
    """

    def __init__(self, home: Path, token: str, plugins: Plugins, *, reveal: bool = False) -> None:
        self._home, self._plugins, self._reveal = home, plugins, reveal
        self._watched: dict[str, Watched] = {}
        here, one = f"/{token}", f"/{token}/e/{{name}}"
        self.app = Starlette(
            routes=[
                Route(f"{here}/", self._index),
                Route(f"{one}/", self._page),
                Route(f"{one}/state", self._state),
                Route(f"{one}/sections", self._sections),
                Route(f"{one}/rows", self._rows),
                Route(f"{one}/record", self._record),
                Route(f"{one}/search", self._search),
            ],
            exception_handlers={RbsuiteError: _refused},
        )

    def close(self) -> None:
        """Close all stores."""
        for one in self._watched.values():
            one.close()

    async def _index(self, request: Request) -> Response:
        found = await run_in_threadpool(self._experiments)
        if self._home in found.values():
            return RedirectResponse(f"e/{quote(next(iter(found)))}/")
        rows = await run_in_threadpool(lambda: [listed(name, path) for name, path in found.items()])
        values = {"title": "Experiments", "directory": self._home.name, "experiments": rows}
        return _html(*page("experiments.html", values, connect="'none'"))

    async def _page(self, request: Request) -> Response:
        watched = await self._one(request)
        return _html(*await run_in_threadpool(watched.page, "" if watched.directory == self._home else "../../"))

    async def _state(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool((await self._one(request)).state))

    async def _sections(self, request: Request) -> Response:
        return JSONResponse((await self._one(request)).sections())

    async def _rows(self, request: Request) -> Response:
        watched = await self._one(request)
        found = watched.rows(_number(request, "run"), _number(request, "start"))
        return StreamingResponse(found, media_type="application/x-ndjson")

    async def _record(self, request: Request) -> Response:
        watched, run, position = await self._one(request), _number(request, "run"), _number(request, "position")
        return JSONResponse(await run_in_threadpool(lambda: asyncio.run(watched.record(run, position))))

    async def _search(self, request: Request) -> Response:
        watched, run = await self._one(request), _number(request, "run")
        words = request.query_params.get("q", "")

        def look(start: int) -> tuple[list[int], int | None]:
            return asyncio.run(watched.search(run, words, start))

        async def found() -> AsyncIterator[str]:
            start: int | None = 0
            before = "["
            while start is not None:
                some, start = await run_in_threadpool(look, start)
                for position in some:
                    yield f"{before}{position}"
                    before = ","
            yield "]" if before == "," else "[]"

        return StreamingResponse(found(), media_type="application/json")

    def _experiments(self) -> dict[str, Path]:
        try:
            return experiments(self._home)
        except OSError as error:
            raise HTTPException(404, f"{self._home.name} cannot be read: {error.strerror}.") from error

    async def _one(self, request: Request) -> Watched:
        """The experiment that is asked for, which must be in the list."""
        name = request.path_params["name"]
        if name not in self._watched:
            directory = (await run_in_threadpool(self._experiments)).get(name)
            if directory is None:
                raise HTTPException(404, "There is no such experiment.")
            made = await run_in_threadpool(lambda: Watched(directory, self._plugins, reveal=self._reveal))
            self._watched.setdefault(name, made)
        return self._watched[name]


def guarded(app: Asgi, hosts: frozenset[str]) -> Asgi:
    """An application that answers only requests to these hosts that only read; every response has strict headers.

    Args:
        app: the application.
        hosts: accepted values of the ``Host`` header: any other comes from a foreign page that had its name point here.
    """

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                more = [*HEADERS, (b"content-security-policy", CLOSED.encode())]
                message = {**message, "headers": [*message["headers"], *(one for one in more if one[0] not in given)]}
            await send(message)

        if host not in hosts:
            await PlainTextResponse("This server only answers on its own address.", 403)(scope, receive, sent)
        elif scope["method"] not in ("GET", "HEAD"):
            await PlainTextResponse("This server is read-only.", 405)(scope, receive, sent)
        else:
            await app(scope, receive, sent)

    return answer


async def serve(viewer: Viewer, listening: socket.socket) -> None:
    """Serve until this is cancelled; requests in progress are given a second.

    Args:
        viewer: the application.
        listening: a bound socket.
    """
    port = listening.getsockname()[1]
    app = guarded(viewer.app, frozenset(f"{name}:{port}" for name in (HOST, "localhost")))
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    config.timeout_graceful_shutdown = 1
    server = _Server(config)
    work = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(work)
    finally:
        server.should_exit = True
        await work
        viewer.close()


class _Server(uvicorn.Server):
    """Leaves signals to the command line."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _html(text: str, policy: str) -> Response:
    return HTMLResponse(text, headers={"content-security-policy": policy})


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise HTTPException(400, f"{name} is not a number.")
    return int(text)


async def _refused(request: Request, error: Exception) -> Response:
    return PlainTextResponse(error.message if isinstance(error, RbsuiteError) else "", 404)
