# ruff: noqa: F401, F811 (the fixtures are those of the model's own tests)
"""Replies of the wrong form: whatever a server says where, it is read as far as it can be, or one call fails in one line."""

from __future__ import annotations

import asyncio
import copy
import gzip
import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rbsuite.errors import ModelError, ModelUnusable, RbsuiteError
from rbsuite.models import direct
from rbsuite.models.direct import DirectModel
from rbsuite.models.provider import ProviderModel
from rbsuite.models.retry import Backoff
from rbsuite.models.usable import message_of
from rbsuite.models.wire import message_to_wire, parse_arguments
from rbsuite.serve.http import Answer, HttpServer, Request
from rbsuite.store.codec import dumps
from rbsuite.trajectory import ToolCall

from .test_provider_models import (
    Ask,
    Reply,
    Server,
    answer,
    ask,
    kind,
    loop,
    running_server,
    server,
    simple,
    tool_call,
)

pytestmark = pytest.mark.filterwarnings("ignore")

directly = pytest.mark.parametrize("kind", [DirectModel], ids=["direct"])


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize("levels", [101, 199, 400, 900])
def test_arguments_that_are_nested_too_deeply_are_kept_raw(ask: Ask, levels: int) -> None:
    text = '{"q": ' + "[" * levels + "]" * levels + "}"
    [call] = ask(answer(None, "tool_calls", [tool_call(text)])).tool_calls
    assert (call.arguments, call.raw) == ({}, text)


def test_arguments_that_can_be_stored_are_read() -> None:
    arguments = {"q": nested(90)}
    assert parse_arguments(json.dumps(arguments)) == parse_arguments(arguments) == (arguments, "")


@pytest.mark.parametrize(
    ("arguments", "raw"),
    [
        ({"a": math.nan}, '{"a": NaN}'),
        ({"a": [math.inf]}, '{"a": [Infinity]}'),
        ({"a": nested(199)}, '{"a": ' + "[" * 199 + "]" * 199 + "}"),
        ([1], "[1]"),
    ],
)
@directly
def test_arguments_that_are_not_encoded_are_kept_raw_if_they_cannot_be_stored(
    ask: Ask, arguments: Any, raw: str
) -> None:
    [call] = ask(
        answer(None, "tool_calls", [{**tool_call(""), "function": {"name": "f", "arguments": arguments}}])
    ).tool_calls
    assert (call.arguments, call.raw) == ({}, raw)


@directly
def test_what_is_well_formed_in_a_reply_is_read(ask: Ask) -> None:
    given = answer("hello")
    given.body["choices"][0]["message"] |= {"thinking_blocks": 5, "reasoning_details": {"data": 1}, "annotations": 7}
    given.body["choices"][0] |= {"provider_specific_fields": 3, "finish_reason": ["stop"]}
    given.body["usage"] |= {"prompt_tokens_details": 5, "completion_tokens": "many"}
    reply = ask(given, name="openai/gpt-4o-mini")
    assert (reply.text, reply.reasoning, reply.given, reply.finish_reason) == ("hello", "", {}, "stop")
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cost) == (11, 0, None)
    given.body["choices"][0]["message"]["content"] = [5, {"type": "text", "text": "hel"}, {"text": [1]}, "lo", None]
    assert ask(given).text == "hello"


@directly
def test_a_call_whose_name_or_id_is_not_a_text(ask: Ask) -> None:
    odd = {"id": [1], "function": {"name": {"a": 1}, "arguments": "{}"}}
    assert ask(answer(None, "tool_calls", [odd])).tool_calls == (ToolCall("call_0", "", {}),)


ODD: list[Any] = [
    *(None, True, 0, 5, -1.5, math.nan, 10**30, "", "x", "\ud800", [], [None], ["x"], [5], [[]], {}, {"a": 1}),
    *({"type": 5, "text": 5}, {"signature": 1, "thinking": math.nan}, [{"data": math.inf}], nested(150), nested(900)),
    *({"message": nested(600)}, {"thinking": {"type": "thinking", "thinking": 5}, "type": "thinking"}),
]
FULL = {
    "choices": [
        {
            "finish_reason": "stop",
            "error": {"message": "no", "code": 500},
            "provider_specific_fields": {"native_finish_reason": "stop", "error": {"message": "no"}},
            "message": {
                "content": [{"type": "text", "text": "hi"}, {"type": "thinking", "thinking": [{"text": "hm"}]}],
                "tool_calls": [
                    {"id": "c", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"google": {"s": "t"}}}
                ],
                "function_call": {"name": "f", "arguments": "{}"},
                "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}],
                "reasoning_details": [{"data": "d"}],
                "reasoning_content": "hm",
                "reasoning": "hm",
                "refusal": "no",
                "annotations": [{"type": "url"}],
                "provider_specific_fields": {"refusal": "no", "thinking_blocks": [{"signature": "s"}]},
            },
        }
    ],
    "usage": {
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 1},
        "cost": 0.1,
    },
    "error": {"message": "no", "code": 500},
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def spoilt() -> Iterator[Any]:
    """The full reply with each of the odd values in each place."""
    for path in places(FULL):
        for value in ODD:
            body: Any = copy.deepcopy(FULL)
            at = body
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value
            yield body


@pytest.mark.usefixtures("server")
def test_any_value_in_any_place_gives_a_completion_or_a_failure(loop: asyncio.Runner) -> None:
    bodies, failures = list(spoilt()), []
    now: list[Any] = []

    async def handle(request: Request) -> Answer:
        return Answer.of(now[-1])

    async def ask_all() -> None:
        async with HttpServer(handle) as odd:
            model = DirectModel("openai/gpt-4o-mini", retries=0, backoff=Backoff(0.001, 0.001), base_url=odd.url)
            for body in bodies:
                now[:] = [body]
                try:
                    reply = await model.complete(simple())
                except RbsuiteError as error:
                    failures.append(str(error))
                    continue
                calls = [[call.id, call.name, call.arguments, call.raw] for call in reply.tool_calls]
                dumps([reply.text, reply.reasoning, calls])
                json.dumps(message_to_wire(message_of(reply)), allow_nan=False)
            await model.aclose()

    loop.run(ask_all())
    assert not [words for words in failures if "\n" in words]
    assert len(failures) < len(bodies) / 4


@contextmanager
def raw_server(*lines: str, body: Iterator[bytes] | bytes = b"") -> Iterator[str]:
    """A server that says just this; gives its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            requests.append(self.path)
            self.wfile.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
            try:
                for piece in [body] if isinstance(body, bytes) else body:
                    self.wfile.write(piece)
            except ConnectionError:
                pass

        def log_message(self, *told: Any) -> None:
            pass

    requests: list[str] = []
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{made.server_port}/v1"
        assert len(requests) == 1, "it was asked again"
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@directly
def test_a_redirect_is_not_followed_and_says_where_it_leads(ask: Ask, server: Server, status: int) -> None:
    place = server.url.replace("//", "//me:pass-word@") + "/chat/completions?key=abcdefgh"
    with (
        raw_server(f"HTTP/1.1 {status} Moved", f"Location: {place}", "Content-Length: 0") as url,
        pytest.raises(ModelUnusable, match="redirects to ") as caught,
    ):
        ask(answer("from elsewhere"), base_url=url)
    assert f"redirects to {server.url}/chat/completions, which is not followed." in str(caught.value)
    assert "Change the base URL" in caught.value.remedy
    assert server.requests == []


@pytest.mark.parametrize("location", ["", "http://[", "/v2/x"])
@directly
def test_a_redirect_to_anywhere_is_one_line(ask: Ask, location: str) -> None:
    with (
        raw_server("HTTP/1.1 302 Found", f"Location: {location}", "Content-Length: 0") as url,
        pytest.raises(ModelUnusable, match="the server redirects to") as caught,
    ):
        ask(answer(), base_url=url)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("packed", [False, True])
@directly
def test_a_reply_without_end_is_given_up(ask: Ask, monkeypatch: pytest.MonkeyPatch, status: int, packed: bool) -> None:
    monkeypatch.setattr(direct.Server.__init__, "__defaults__", (direct.KEY_VARIABLE, 1 << 20))

    def endless() -> Iterator[bytes]:
        while True:
            yield b"10000\r\n" + b" " * 0x10000 + b"\r\n"

    bomb = gzip.compress(b" " * (64 << 20))
    lines = ["Content-Encoding: gzip", f"Content-Length: {len(bomb)}"] if packed else ["Transfer-Encoding: chunked"]
    with (
        raw_server(f"HTTP/1.1 {status} OK", *lines, body=bomb if packed else endless()) as url,
        pytest.raises(ModelError, match="it is longer than 1,048,576 bytes"),
    ):
        ask(answer(), base_url=url)
