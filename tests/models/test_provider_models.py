"""Models of providers, through litellm and directly, against a real server on this machine that speaks chat completions."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import pytest

from rbsuite.errors import ModelError, ModelUnusable
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.models.direct import DirectModel
from rbsuite.models.litellm_model import LiteLLMModel
from rbsuite.models.provider import ProviderModel
from rbsuite.models.retry import Backoff
from rbsuite.models.settings import ModelSettings
from rbsuite.trajectory import Image, Message, ToolCall, ToolSpec

# litellm and pydantic warn about litellm's own code.
pytestmark = pytest.mark.filterwarnings("ignore")

SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
KEY = "sk-test-0123456789abcdef"
_T = TypeVar("_T")


@dataclass
class Reply:
    """What the server says to one request."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    trickle: bool = False


class Server(ThreadingHTTPServer):
    """Says the planned replies in turn, the last one for ever, and keeps the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: list[Reply] = []
        self.requests: list[dict[str, Any]] = []
        self.authorizations: list[str] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def plan(self, *replies: Reply) -> None:
        self.replies, self.requests, self.authorizations = list(replies), [], []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        self.server.authorizations.append(self.headers.get("Authorization", ""))
        reply = self.server.replies.pop(0) if len(self.server.replies) > 1 else self.server.replies[0]
        if reply.delay and not self.server.released.wait(reply.delay):
            return
        data = json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **reply.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        for start in range(0, len(data), 8 if reply.trickle else len(data)):
            self.wfile.write(data[start : start + (8 if reply.trickle else len(data))])
            if reply.trickle and self.server.released.wait(0.1):
                return

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client has had enough
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        pass


def answer(text: str | None = "hello", finish: str = "stop", calls: list[dict[str, Any]] | None = None) -> Reply:
    message = {"role": "assistant", "content": text} | ({"tool_calls": calls} if calls else {})
    return Reply(
        body={
            "id": "r1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "finish_reason": finish, "message": message}],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        }
    )


def failure(status: int, message: str = "no", code: str = "", **headers: str) -> Reply:
    return Reply(status, {"error": {"message": message, "type": "error", "code": code or None}}, headers)


def tool_call(arguments: str, id: str = "call_9", name: str = "find") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner
        runner.run(LiteLLMModel("openai/m").aclose())


@pytest.fixture(scope="module")
def running_server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def server(running_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return running_server


Ask = Callable[..., Completion]
Kind = type[ProviderModel]


@pytest.fixture(params=[LiteLLMModel, DirectModel], ids=["litellm", "direct"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """How the model is asked; both ways keep to one contract."""
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def ask(server: Server, loop: asyncio.Runner, kind: Kind) -> Ask:
    """Plan the server's replies and ask the model once."""

    def run(*replies: Reply, request: ModelRequest | None = None, name: str = "openai/m", **options: Any) -> Completion:
        server.plan(*replies)
        settings: dict[str, Any] = {
            "timeout": 20.0,
            "retries": 2,
            "backoff": Backoff(first=0.01),
            "base_url": server.url,
        }
        model = kind(name, **(settings | options))

        async def once() -> Completion:
            try:
                return await model.complete(request or simple())
            finally:
                if kind is DirectModel:  # litellm keeps its connections for all its models
                    await model.aclose()

        return loop.run(_noiseless(once()))

    return run


async def _noiseless(call: Coroutine[Any, Any, _T]) -> _T:
    """Run a call and see to it that nothing is printed."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            return await call
    finally:
        assert (out.getvalue(), err.getvalue()) == ("", "")


def simple(**changes: Any) -> ModelRequest:
    return ModelRequest(messages=(Message("user", "hi"),), purpose="agent", **changes)


def test_text_and_usage(ask: Ask, server: Server) -> None:
    reply = ask(answer("good day"), request=simple(seed=3 + (5 << 40), temperature=0.25, max_tokens=9))
    assert (reply.text, reply.tool_calls, reply.finish_reason) == ("good day", (), "stop")
    assert (reply.usage.calls, reply.usage.input_tokens, reply.usage.output_tokens) == (1, 11, 7)
    sent = server.requests[0]
    assert (sent["seed"], sent["temperature"], sent["max_tokens"], sent["model"]) == (3, 0.25, 9, "m")
    assert "tools" not in sent
    assert server.authorizations == [f"Bearer {KEY}"]


def test_temperature_is_left_to_the_provider_when_not_given(ask: Ask, server: Server) -> None:
    ask(answer())
    assert "temperature" not in server.requests[0]
    assert "max_tokens" not in server.requests[0]


def test_unknown_price_is_none_and_known_price_counts(ask: Ask) -> None:
    assert ask(answer()).usage.cost is None
    known = ask(answer(), name="openai/gpt-4o-mini").usage.cost
    assert known is not None
    assert 0 < known < 0.001


def test_reply_without_token_counts_has_no_price(ask: Ask) -> None:
    reply = answer()
    del reply.body["usage"]
    usage = ask(reply, name="openai/gpt-4o-mini").usage
    assert (usage.calls, usage.tokens, usage.cost) == (1, 0, None)


def test_tool_calls_both_ways(ask: Ask, server: Server) -> None:
    find = ToolSpec("find", "finds", {"type": "object", "properties": {"q": {"type": "string"}}})
    history = (
        Message("system", "be brief"),
        Message("user", "look"),
        Message("assistant", "", (ToolCall("c1", "find", {"q": "ä"}), ToolCall("c2", "find", {}, raw="{oops"))),
        Message("tool", "nothing", tool_call_id="c1", name="find"),
        Message("tool", "Error", tool_call_id="c2", name="find"),
    )
    request = ModelRequest(messages=history, purpose="agent", tools=(find, ToolSpec("stop", "stops")))
    reply = ask(
        answer(None, "tool_calls", [tool_call('{"q": "x", "n": 2}'), tool_call("", id="call_10")]), request=request
    )
    assert reply.tool_calls == (ToolCall("call_9", "find", {"q": "x", "n": 2}), ToolCall("call_10", "find", {}))
    assert (reply.text, reply.finish_reason) == ("", "tool_calls")

    sent = server.requests[0]
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["find", "stop"]
    assert sent["tools"][1]["function"]["parameters"] == {"type": "object", "properties": {}}
    called = sent["messages"][2]["tool_calls"]
    assert [(call["id"], json.loads(call["function"]["arguments"])) for call in called] == [
        ("c1", {"q": "ä"}),
        ("c2", {}),
    ]
    assert [message.get("tool_call_id") for message in sent["messages"][3:]] == ["c1", "c2"]
    assert [message["role"] for message in sent["messages"]] == ["system", "user", "assistant", "tool", "tool"]


@pytest.mark.parametrize("text", ["{not json", "[1, 2]", '"word"', "7", '{"x": NaN}', '{"x": 1e999}', "{" * 5000])
def test_unreadable_arguments_are_kept_raw(ask: Ask, text: str) -> None:
    call = ask(answer(None, "stop", [tool_call(text)])).tool_calls[0]
    assert (call.arguments, call.raw, call.name) == ({}, text, "find")


@pytest.mark.parametrize(
    ("given", "expected"), [("length", "length"), ("content_filter", "content_filter"), ("something_new", "stop")]
)
def test_finish_reasons(ask: Ask, given: str, expected: str) -> None:
    assert ask(answer("cut", given)).finish_reason == expected


def test_lone_surrogates_do_not_break_the_request(ask: Ask, server: Server) -> None:
    request = ModelRequest(messages=(Message("user", "a\ud800b"),), purpose="agent")
    assert ask(answer(), request=request).text == "hello"
    assert server.requests[0]["messages"][0]["content"] == "a?b"


def test_rate_limit_waits_as_long_as_asked_then_succeeds(
    ask: Ask, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await real_sleep(0)

    monkeypatch.setattr("rbsuite.models.tries.asyncio.sleep", sleep)
    reply = ask(
        failure(429, "slow down", **{"Retry-After": "7"}), failure(429, **{"Retry-After": "9999"}), answer("at last")
    )
    assert reply.text == "at last"
    assert [wait for wait in waits if wait] == [7.0, 60.0]
    assert len(server.requests) == 3
    assert server.requests[0] == server.requests[2]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_transient_failures_are_retried(ask: Ask, server: Server, status: int) -> None:
    assert ask(failure(status), answer("up again")).text == "up again"
    assert len(server.requests) == 2


def test_gives_up_after_the_retries(ask: Ask, server: Server) -> None:
    with pytest.raises(ModelError, match=r"model 'openai/m': .*overloaded \(tried 3 times\)\. ") as caught:
        ask(failure(500, "overloaded"))
    assert len(server.requests) == 3
    assert caught.value.__cause__ is None
    assert "\n" not in str(caught.value)


def test_rate_limit_to_the_end_advises_fewer_calls_at_once(ask: Ask) -> None:
    with pytest.raises(ModelError, match="rate limited: slow down") as caught:
        ask(failure(429, "slow down"), retries=1)
    assert "--concurrency" in caught.value.remedy


def test_waits_come_from_the_seed() -> None:
    backoff = Backoff(first=1.0, longest=60.0)
    assert backoff.delay(3, 5) == backoff.delay(3, 5)
    assert backoff.delay(3, 5) != backoff.delay(3, 6)
    assert all(min(60, 2 ** (n - 1)) / 2 <= backoff.delay(n, 1) <= min(60, 2 ** (n - 1)) for n in range(1, 200))


@pytest.mark.parametrize(
    ("status", "message", "advice"),
    [
        (401, f"Incorrect API key provided: {KEY}", "Check the value of OPENAI_API_KEY."),
        (403, "not allowed", "may not use this model"),
        (404, "no such model", "Check the model name"),
        (400, "bad thing", "Check --model"),
        (422, "bad shape", "Check --model"),
        (429, "You exceeded your current quota, please check your plan", "credit or quota is used up"),
    ],
)
def test_permanent_failures_stop_at_once_with_advice(
    ask: Ask, server: Server, status: int, message: str, advice: str
) -> None:
    # What every further call would meet too stops the run; a request that is refused fails only its rollout.
    kind = ModelError if status in (400, 422) else ModelUnusable
    with pytest.raises(kind) as caught:
        ask(failure(status, message))
    assert len(server.requests) == 1
    assert advice in caught.value.remedy
    assert KEY not in str(caught.value)
    assert "Bearer" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_missing_key_names_the_variable_without_a_call(
    server: Server, loop: asyncio.Runner, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    server.plan(answer())
    others = [("anthropic/m", "ANTHROPIC_API_KEY")] if kind is LiteLLMModel else []
    for name, variable in [("openai/m", "OPENAI_API_KEY"), *others]:
        with pytest.raises(ModelUnusable) as caught:
            loop.run(_noiseless(kind(name, timeout=20, retries=0).complete(simple())))
        assert caught.value.remedy == f"Set the environment variable {variable}."
    assert server.requests == []


def test_server_of_ones_own_needs_no_key(ask: Ask, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    assert ask(answer("free"), base_url=None).text == "free"


@pytest.mark.parametrize("key", ["none", "EMPTY", "true", "0"])
def test_a_placeholder_is_a_key(ask: Ask, server: Server, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    assert ask(answer("hello"), base_url=None).text == "hello"
    assert server.authorizations == [f"Bearer {key}"]


@pytest.mark.parametrize("kind", [LiteLLMModel])  # the other way is for one provider's form alone
def test_unknown_provider_is_one_line(ask: Ask, server: Server) -> None:
    with pytest.raises(ModelError, match=r"model 'nowhere/m'") as caught:
        ask(answer(), name="nowhere/m", base_url=None)
    assert "\n" not in str(caught.value)
    assert server.requests == []


def test_context_overflow_and_refusal_are_outcomes(ask: Ask, server: Server) -> None:
    overflow = ask(failure(400, "This model's maximum context length is 10 tokens.", "context_length_exceeded"))
    assert (overflow.finish_reason, overflow.text, overflow.usage.calls) == ("context_overflow", "", 1)
    assert len(server.requests) == 1
    refusal = ask(failure(400, "Your request was rejected as a result of our safety system. content_policy_violation"))
    assert refusal.finish_reason == "content_filter"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens."),
        (413, "Request exceeds the maximum size"),
        (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 and 500"),
        (429, "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 42000."),
        (500, "the request exceeds the available context size. try increasing the context size"),
    ],
)
def test_an_overflow_is_an_outcome_whatever_its_status(ask: Ask, server: Server, status: int, words: str) -> None:
    assert ask(failure(status, words), retries=0).finish_reason == "context_overflow"
    assert len(server.requests) == 1


@pytest.mark.parametrize("words", ["Your input requires moderation", "Your prompt was flagged by our safety system."])
def test_moderation_of_one_request_is_an_outcome(ask: Ask, words: str) -> None:
    assert ask(failure(403, words)).finish_reason == "content_filter"


@pytest.mark.parametrize(
    ("words", "headers", "seconds"),
    [
        ("You exceeded your current quota. Please retry in 4.5s.", {}, 4.5),
        ("You exceeded your current quota, see the docs", {"Retry-After": "7"}, 7.0),
        ("Rate limit reached. Please try again in 6500ms.", {}, 6.5),
        ("Rate limit reached, try again in 2 minutes", {}, 60.0),
    ],
)
def test_a_limit_that_passes_is_waited_for(
    ask: Ask, words: str, headers: dict[str, str], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    real_sleep = asyncio.sleep

    async def sleep(wait: float) -> None:
        waits.append(wait)
        await real_sleep(0)

    monkeypatch.setattr("rbsuite.models.tries.asyncio.sleep", sleep)
    assert ask(failure(429, words, **headers), answer("at last")).text == "at last"
    assert [wait for wait in waits if wait] == [seconds]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (
            "temperature",
            "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) is supported.",
        ),
        ("temperature", "invalid temperature: only 1 is allowed for this model"),
        ("temperature", "`temperature` is deprecated for this model."),
        ("seed", "Extra inputs are not permitted: seed"),
        ("seed", "Unrecognized request argument supplied: seed"),
        ("name", "messages.1.name: Extra inputs are not permitted"),
        ("name", "property 'messages.1.name' is unsupported"),
        ("response_format", "This model does not support response format `json_schema`."),
        ("response_format", "'response_format.type' must be 'text' or 'json_object'"),
    ],
)
def test_a_refused_field_is_left_out_and_told_once(
    server: Server, kind: Kind, field: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.plan(failure(400, words), answer("yes"), answer("again"))
    history = (
        Message("user", "look"),
        Message("assistant", "", (ToolCall("c1", "find"),)),
        Message("tool", "nothing", tool_call_id="c1", name="find"),
    )

    async def twice() -> list[str]:
        model = kind("openai/m", base_url=server.url, timeout=20, retries=0)
        request = ModelRequest(history, "agent", (ToolSpec("find", "finds"),), temperature=0.0, schema=SCHEMA)
        found = [(await model.complete(request)).text for _ in range(2)]
        await model.aclose()
        return found

    with caplog.at_level(logging.WARNING, "rbsuite"):
        assert asyncio.run(_noiseless(twice())) == ["yes", "again"]
    sent = [field in request or any(field in message for message in request["messages"]) for request in server.requests]
    assert sent == [True, False, False]
    assert caplog.text.count(f"does not support {field}") == 1
    # A tool's own name is no such field.
    assert server.requests[-1]["tools"][0]["function"]["name"] == "find"
    assert server.requests[-1]["messages"][1]["tool_calls"][0]["function"]["name"] == "find"


def test_counts_that_no_model_has_are_none(ask: Ask) -> None:
    reply = answer("fine")
    reply.body["usage"] = {"prompt_tokens": 10**30, "completion_tokens": 7, "total_tokens": 10**30}
    usage = ask(reply, name="openai/gpt-4o-mini").usage
    assert (usage.input_tokens, usage.output_tokens, usage.cost) == (0, 7, None)


def test_calls_of_one_id_are_told_apart(ask: Ask) -> None:
    calls = ask(answer(None, "tool_calls", [tool_call("{}", id="c"), tool_call("{}", id="c")])).tool_calls
    assert [call.id for call in calls] == ["c", "c_1"]


def test_refused_temperature_is_left_out(ask: Ask, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    refusal = failure(400, "Unsupported value: 'temperature' does not support 0 with this model.", "unsupported_value")
    with caplog.at_level(logging.WARNING, "rbsuite"):
        assert ask(refusal, answer("warm"), request=simple(temperature=0.0)).text == "warm"
    assert ["temperature" in request for request in server.requests] == [True, False]
    assert "temperature" in caplog.text


@pytest.mark.parametrize(
    "words",
    [
        "Invalid content type. image_url is only supported by certain models.",
        "openai/m is not a multimodal model",
        "At most 0 image(s) may be provided in one request.",
        "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
    ],
)
def test_refused_images_are_described(words: str, server: Server, kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    server.plan(failure(400, words), answer("seen"), answer("again"))
    seen = Message("user", ("Look:", Image.of(b"\x89PNG", description="a photo")))

    async def twice() -> list[str]:
        model = kind("openai/m", base_url=server.url, timeout=20, retries=0)
        found = [(await model.complete(ModelRequest((seen,), "agent"))).text for _ in range(2)]
        await model.aclose()
        return found

    with caplog.at_level(logging.WARNING, "rbsuite"):
        assert asyncio.run(_noiseless(twice())) == ["seen", "again"]
    sent = [request["messages"][0]["content"] for request in server.requests]
    assert [part["type"] for part in sent[0]] == ["text", "image_url"]
    assert sent[1:] == ["Look:\n[a photo]"] * 2
    assert caplog.text.count("does not accept images") == 1


@pytest.mark.parametrize("body", ["<html>", {"choices": []}, {"detail": "hm"}, []])
def test_reply_that_is_no_completion_is_a_model_error(ask: Ask, body: Any) -> None:
    with pytest.raises(ModelError, match="model 'openai/m'"):
        ask(Reply(200, body))


def test_hanging_server_times_out(ask: Ask) -> None:
    with pytest.raises(ModelError, match=r"tried 2 times") as caught:
        ask(Reply(200, answer().body, delay=30), timeout=0.3, retries=1)
    assert "Check the connection" in caught.value.remedy


def test_reply_that_trickles_in_times_out(ask: Ask) -> None:
    with pytest.raises(ModelError, match=r"no answer within 0.4 s"):
        ask(Reply(200, answer().body, trickle=True), timeout=0.4, retries=0)


def test_unreachable_server_shows_no_credentials(ask: Ask) -> None:
    with pytest.raises(ModelError) as caught:
        ask(answer(), base_url="http://someone:hunter2secret@127.0.0.1:9/v1", retries=1)
    assert "hunter2secret" not in str(caught.value)


def test_log_lines_hold_no_key(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "rbsuite"):
        ask(failure(500, f"failed for Authorization: Bearer {KEY}"), answer())
    assert "call 2 follows" in caplog.text
    assert KEY not in caplog.text


def test_connections_are_closed_and_reopened(server: Server, kind: Kind) -> None:
    server.plan(answer())

    async def once() -> str:
        model = kind("openai/m", base_url=server.url, timeout=20, retries=0)
        first = await model.complete(simple())
        await model.aclose()
        second = await model.complete(simple())
        await model.aclose()
        return first.text + second.text

    assert [asyncio.run(_noiseless(once())) for _ in range(2)] == ["hellohello"] * 2


def test_settings_and_further_fields_reach_the_server(ask: Ask, server: Server) -> None:
    settings = ModelSettings.parse(
        "openai/m:max_tokens=50,top_p=0.5,reasoning_effort=low,omit=seed,body.top_k=20,body.a.b=true"
    )
    ask(answer(), settings=settings, request=simple(max_tokens=9, temperature=0.0))
    [sent] = server.requests
    assert {
        name: sent.get(name)
        for name in ("max_tokens", "top_p", "reasoning_effort", "seed", "top_k", "a", "temperature")
    } == {
        "max_tokens": 50,
        "top_p": 0.5,
        "reasoning_effort": "low",
        "seed": None,
        "top_k": 20,
        "a": {"b": True},
        "temperature": 0.0,
    }


def test_prices_that_are_set_are_the_cost(ask: Ask) -> None:
    reply = ask(answer(), settings=ModelSettings.parse("openai/m:input_price=1000,output_price=10000"))
    assert reply.usage.cost == pytest.approx((11 * 1000 + 7 * 10000) / 1e6)


OTHER_NAME = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
)
TOO_HIGH = "max_tokens is too large: 900. This model supports at most 400 completion tokens, whereas you provided 900."
NO_ROOM = "This model's maximum context length is 1000 tokens and your request has 320 input tokens; max_tokens is too large: 900."


@pytest.mark.parametrize(
    ("said", "then", "later"),
    [
        (OTHER_NAME, {"max_completion_tokens": 900}, {"max_completion_tokens": 900}),
        (TOO_HIGH, {"max_tokens": 400}, {"max_tokens": 400}),
        (NO_ROOM, {"max_tokens": 680}, {"max_tokens": 900}),
    ],
)
def test_a_limit_that_a_model_refuses_is_sent_as_it_takes_it(
    server: Server, loop: asyncio.Runner, said: str, then: dict[str, int], later: dict[str, int]
) -> None:
    server.plan(failure(400, said), answer())
    model = LiteLLMModel("openai/m", base_url=server.url, timeout=20, retries=0)
    for _ in range(2):
        assert loop.run(_noiseless(model.complete(simple(max_tokens=900)))).text == "hello"
    sent = [
        {name: one[name] for name in ("max_tokens", "max_completion_tokens") if name in one} for one in server.requests
    ]
    assert sent == [{"max_tokens": 900}, then, later]


def test_a_conversation_without_room_for_a_reply_is_an_overflow(ask: Ask) -> None:
    said = "This model's maximum context length is 1000 tokens and your request has 1320 input tokens; max_tokens is too large: 900."
    assert ask(failure(400, said), request=simple(max_tokens=900)).finish_reason == "context_overflow"


def test_the_time_of_a_call_is_what_its_purpose_has_unless_the_model_says_otherwise(ask: Ask) -> None:
    with pytest.raises(ModelError, match=r"no answer within 0\.3 s"):
        ask(Reply(delay=2.0), retries=0, request=simple(seconds=0.3))
    with pytest.raises(ModelError, match=r"no answer within 0\.2 s"):
        ask(
            Reply(delay=2.0),
            retries=0,
            request=simple(seconds=9.0),
            settings=ModelSettings.parse("openai/m:timeout=0.2"),
        )
