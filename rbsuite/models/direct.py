"""Servers that speak OpenAI's chat completions, called over HTTP by rbsuite itself.

litellm is not imported: that takes seconds, and its calls cost many times as much CPU. ``aiohttp``, which litellm requires too, is
imported when a server is set up: importing it at the first call would stop the event loop for a third of a second.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from rbsuite.models.prices import price
from rbsuite.models.provider import PREFIX, ProviderModel, own_server
from rbsuite.models.provider_errors import NotCompletion
from rbsuite.redact import redact

if TYPE_CHECKING:
    import aiohttp

OFFICIAL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
KEEP_ALIVE = 4.0
"""Seconds that a connection is kept unused; common servers close one after 5."""
LONGEST_REPLY = 64 << 20
"""Bytes of a reply of a model, at most."""
_LONGEST_WORDS = 2000
_LONGEST_PLACE = 150


class HttpFailure(Exception):
    """An answer that says that a call failed.

    Attributes:
        status_code: the HTTP status.
        litellm_response_headers: the answer's headers, under the name that litellm gives them.
    """

    def __init__(self, words: str, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(words)
        self.status_code = status
        self.litellm_response_headers = headers


class BrokenConnection(ConnectionError):
    """There was no connection, it broke, or what arrived is not a complete answer."""


class Server:
    """A server and the connections to it, which belong to the running event loop.

    Args:
        base_url: its address, e.g. ``http://127.0.0.1:8000/v1``; a user and password in it are sent in place of the key.
        key: the environment variable that holds the key; if it is not set, the word ``none`` is sent.
        most: bytes of the longest answer that is read, once it is decompressed.
    """

    def __init__(self, base_url: str, key: str = KEY_VARIABLE, most: int = LONGEST_REPLY) -> None:
        import aiohttp  # noqa: F401

        parts = urlsplit(base_url)
        host = parts.netloc.rpartition("@")[2]
        self._base = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), parts.query, ""))
        self._login = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
        self._proxy = None if proxy_bypass(host) else getproxies().get(parts.scheme)
        self._key = key
        self._most = most
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        """The JSON object that a request is answered with.

        A redirect is not followed: it would take the request to a server that the user has not named, perhaps on another machine.

        Raises:
            HttpFailure: the answer says that the call failed, or is a redirect.
            BrokenConnection: there was no complete answer.
            NotCompletion: the answer is not an object, or is too long.
        """
        import aiohttp

        session = self._session
        if session is None or self._loop is not asyncio.get_running_loop():
            session = self._open()
        told = {"Content-Type": "application/json", "Authorization": self._authorization(), **headers}
        base, _, query = self._base.partition("?")
        url = f"{base}{path}?{query}" if query else base + path
        data = json.dumps(body).encode("ascii")
        try:
            async with session.post(url, data=data, headers=told, proxy=self._proxy, allow_redirects=False) as response:
                if 300 <= response.status < 400:
                    raise HttpFailure(_elsewhere(url, response.headers.get("Location", "")), response.status, {})
                content = await self._content(response)
        except aiohttp.InvalidURL:
            raise HttpFailure("the base URL is not a URL", 404, {}) from None
        except (aiohttp.ClientError, OSError) as error:
            raise BrokenConnection(str(error) or type(error).__name__) from None
        if response.status >= 400:
            raise HttpFailure(_words(content, response.status), response.status, dict(response.headers))
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            raise BrokenConnection("the body of the answer is not JSON") from None
        if not isinstance(answer, dict):
            raise NotCompletion("it is not a JSON object")
        if "choices" not in answer and answer.get("error"):  # this is how gateways report their provider's failures
            code = answer["error"].get("code") if isinstance(answer["error"], dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else 400
            raise HttpFailure(_words(content, status), status, dict(response.headers))
        return answer

    async def _content(self, response: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > self._most:
                response.close()
                raise NotCompletion(f"it is longer than {self._most:,} bytes")
        return bytes(content)

    async def aclose(self) -> None:
        """Close its connections; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        self._loop = asyncio.get_running_loop()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE),
            timeout=aiohttp.ClientTimeout(total=None),  # callers have a limit of their own
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self._session

    def _authorization(self) -> str:
        if self._login is not None:
            return f"Basic {base64.b64encode(':'.join(self._login).encode()).decode('ascii')}"
        return f"Bearer {os.environ.get(self._key) or 'none'}"


class DirectModel(ProviderModel):
    """A model behind a server that speaks OpenAI's chat completions. See :class:`rbsuite.models.provider.ProviderModel`.

    Args:
        name: ``openai/MODEL``; the server is asked for ``MODEL``.
        server: the server, to be closed by the caller; ``None``: that of ``base_url``, or of its environment variable, or OpenAI's own.
        options: see :class:`rbsuite.models.provider.ProviderModel`.
    """

    def __init__(self, name: str, *, server: Server | None = None, **options: Any) -> None:
        super().__init__(name, **options)
        self._own = own_server(name, self._base_url)
        self._given = server is not None
        self._server = server or Server(self._own or OFFICIAL)

    async def aclose(self) -> None:
        """Close its connections, unless others share them; a later call opens new ones."""
        if not self._given:
            await self._server.aclose()

    async def _send(self, body: dict[str, Any], headers: Mapping[str, str], seconds: float) -> Any:
        if not self._given and self._own is None and not os.environ.get(KEY_VARIABLE):
            raise HttpFailure("missing credentials", 401, {})
        fields = {name: value for name, value in body.items() if name != "extra_body"}
        sent = {"model": self._name.removeprefix(PREFIX), **fields, **body.get("extra_body", {})}
        return as_objects(await self._server.post("/chat/completions", sent, headers))

    def _cost(self, response: Any) -> float | None:
        return price(self._name, response.usage)


def _elsewhere(url: str, location: str) -> str:
    """What a redirect says: where it leads, without credentials and query."""
    try:
        parts = urlsplit(urljoin(url, location))
        where = redact(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")))
    except ValueError:
        where = "an address that is not one"
    return f"the server redirects to {where[:_LONGEST_PLACE] if location else 'no address'}, which is not followed"


def as_objects(answer: Mapping[str, Any]) -> SimpleNamespace:
    """An answer with attributes in place of keys, as far as :func:`rbsuite.models.wire.completion_from_wire` looks for them.

    Raises:
        NotCompletion: it is not a chat completion.
    """
    choices = answer.get("choices")
    if not isinstance(choices, list):
        raise NotCompletion("it has no choices")
    try:
        made = [_choice(choice) for choice in choices]
    except (TypeError, AttributeError, KeyError, RecursionError):
        raise NotCompletion("its choices have a different form") from None
    usage = answer.get("usage")
    usage = SimpleNamespace(**usage) if isinstance(usage, dict) else None
    return SimpleNamespace(**{**answer, "choices": made, "usage": usage})


def _choice(choice: Mapping[str, Any]) -> SimpleNamespace:
    message = choice["message"]
    calls = [
        SimpleNamespace(**{"id": None, **call, "function": _function(call["function"])})
        for call in message.get("tool_calls") or ()
    ]
    told = SimpleNamespace(**{"content": None, **message, "tool_calls": calls})
    if isinstance(old := message.get("function_call"), dict):
        told.function_call = _function(old)
    return SimpleNamespace(**{"finish_reason": None, **choice, "message": told})


def _function(function: Mapping[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(name=function.get("name"), arguments=function.get("arguments"))


def _words(content: bytes, status: int) -> str:
    """What an answer says about a failure, with the code and parameter that it names."""
    text = content[: 20 * _LONGEST_WORDS].decode("utf-8", "replace")
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return text.strip()[:_LONGEST_WORDS] or f"HTTP status {status}"
    about = said.get("error") or said if isinstance(said, dict) else said
    if not isinstance(about, dict):
        return str(about)[:_LONGEST_WORDS]
    words = next((about[name] for name in ("message", "detail", "msg", "error") if about.get(name)), None)
    words = (words if isinstance(words, str) else json.dumps(words or about))[:_LONGEST_WORDS]
    further = [str(about[name]) for name in ("code", "param") if isinstance(about.get(name), str) and about[name]]
    further = [one for one in further if one not in words]
    return f"{words} ({', '.join(further)})" if further else words
