"""Requests that no client of ours makes: of the wrong form, too large, too slow, or of a web page. Each has an answer in one line."""

from __future__ import annotations

import copy
import json
import math
import socket
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest

from rbsuite.hookspecs import hookimpl
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.plugins import load_plugins
from rbsuite.serve import http
from rbsuite.specs import ModelSpec

from .conftest import Serve

CHAT, EMBEDDINGS = "/v1/chat/completions", "/v1/embeddings"


class Greeter:
    """Says hello."""

    name = "house/greeter"

    async def complete(self, request: ModelRequest) -> Completion:
        return Completion("hello")

    async def aclose(self) -> None:
        pass


class Declares:
    @hookimpl
    def rbsuite_models(self) -> Sequence[ModelSpec]:
        return [ModelSpec("house/greeter", "says hello", f"{__name__}:Greeter")]


@pytest.fixture
def place(serve: Serve) -> tuple[str, int]:
    """Host and port of a server."""
    return where(serve(["house/greeter"], load_plugins([("greeter", Declares())]))[0])


def where(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def say(place: tuple[str, int], sent: bytes) -> tuple[int, Any]:
    """Status and JSON of the answer to what is sent."""
    with socket.create_connection(place, 20) as connection:
        connection.sendall(sent)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(1 << 16) or b"HTTP/1.1 0 closed\r\n\r\n"
        head, _, body = answer.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
        while len(body) < length:
            body += connection.recv(1 << 16)
    return int(head.split()[1]), json.loads(body or b"null")


def post(place: tuple[str, int], path: str, body: Any, *headers: str) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", *headers, f"Content-Length: {len(data)}", "", ""]
    return say(place, "\r\n".join(lines).encode() + data)


@pytest.mark.parametrize(
    "body",
    [
        {"input": ["x"] * 3, "dimensions": 10**9},
        {"input": ["x"] * 3000},
        {"input": ["x"] * 2000, "dimensions": 65_536},
        *({"input": "x", "dimensions": value} for value in ([1], {}, "16", 16.5, True, math.inf, -5, 0, 10**30)),
        {"input": 5},
        {"input": [5]},
        b"[" * 100_000,
        b"null",
        b"\xff",
    ],
)
def test_embeddings_that_cannot_be_made_are_refused(place: tuple[str, int], body: Any) -> None:
    status, answer = post(place, EMBEDDINGS, body)
    assert status == 400
    assert "\n" not in answer["error"]["message"]


def test_embeddings_of_a_length(place: tuple[str, int]) -> None:
    status, answer = post(place, EMBEDDINGS, {"input": ["x", "y"], "dimensions": 65_536})
    assert (status, [len(one["embedding"]) for one in answer["data"]]) == (200, [65_536] * 2)


ODD: list[Any] = [
    None,
    True,
    5,
    -1.5,
    math.nan,
    10**30,
    "",
    "\ud800",
    [],
    [None],
    ["x"],
    {},
    {"a": [1]},
    [{"role": []}],
]
FULL = {
    "model": "house/greeter",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "u"}}]},
        {
            "role": "assistant",
            "name": "n",
            "content": "hm",
            "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "x"},
    ],
    "tools": [{"function": {"name": "f", "description": "d", "parameters": {}}}],
    "temperature": 0.5,
    "max_tokens": 5,
    "seed": 3,
}


def spoilt(value: Any) -> Iterator[Any]:
    """The value with each of the odd ones in each place of it."""
    yield from ODD
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        for odd in spoilt(inner):
            made = copy.copy(value)
            made[key] = odd
            yield made


def test_any_value_in_any_place_of_a_chat_has_an_answer(place: tuple[str, int]) -> None:
    statuses = {post(place, CHAT, json.dumps(body).encode())[0] for body in spoilt(FULL) if body}
    assert statuses == {200, 400, 404}
    assert post(place, CHAT, b"[" * 100_000)[0] == 400


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ([], 200),
        (["Host: 127.0.0.1:80"], 200),
        (["Host: localhost"], 200),
        (["Host: [::1]:8000"], 200),
        (["Host: evil.example"], 403),
        (["Host: 127.0.0.1.evil.example"], 403),
        (["Host: [::1"], 403),
        (["Host: localhost", "Origin: http://evil.example"], 403),
        (["Origin: null"], 403),
    ],
)
def test_a_web_page_is_not_answered(place: tuple[str, int], headers: list[str], wanted: int) -> None:
    status, answer = post(place, EMBEDDINGS, {"input": "x"}, "Content-Type: text/plain", *headers)
    assert status == wanted
    assert wanted == 200 or "\n" not in answer["error"]["message"]


@pytest.mark.parametrize("header", ["X: 1\r\n" * 101, f"X: {'a' * 30_000}\r\n" * 3])
def test_headers_without_end_are_not_read(place: tuple[str, int], header: str) -> None:
    status, answer = say(place, f"GET /v1/models HTTP/1.1\r\n{header}".encode())
    assert status == 431
    assert "more than 100 headers" in answer["error"]["message"]
    assert say(place, b"GET /v1/models HTTP/1.1\r\n" + b"X: 1\r\n" * 100 + b"\r\n")[0] == 200


def test_a_body_that_is_too_long_is_not_read(place: tuple[str, int]) -> None:
    assert say(place, b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n")[0] == 413


@pytest.mark.parametrize(
    "begun", [b"GET /v1/models HTTP/1.1\r\nX: 1", b"POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\n{"]
)
def test_a_request_that_does_not_arrive_is_given_up(
    place: tuple[str, int], monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(http, "PATIENCE", 0.1)
    assert say(place, begun)[0] == 408
    assert say(place, b"")[0] == 0
    assert say(place, b"GET /v1/mod")[0] == 0


def test_connections_are_limited(place: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_CONNECTIONS", 2)
    idle = [socket.create_connection(place, 20) for _ in range(2)]
    for connection in idle:  # both are served
        connection.sendall(b"GET /v1/models HTTP/1.1\r\n\r\n")
        assert connection.recv(9) == b"HTTP/1.1 "
    assert say(place, b"GET /v1/models HTTP/1.1\r\n\r\n")[0] == 503
    for connection in idle:
        connection.close()
