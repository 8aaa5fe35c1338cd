"""What a client makes of each fault of a server."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from rbsuite.errors import ModelError, ModelUnusable, RbsuiteError, UsageError
from rbsuite.hookspecs import hookimpl
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.models.direct import DirectModel
from rbsuite.models.litellm_model import LiteLLMModel
from rbsuite.models.provider import ProviderModel
from rbsuite.models.retry import Backoff
from rbsuite.plugins import Plugins, load_plugins
from rbsuite.retrieval.litellm_embedder import LitellmEmbedder
from rbsuite.serve.faults import HUGE, KINDS, NONE, TRANSIENT, Faults
from rbsuite.specs import ModelSpec
from rbsuite.trajectory import Message, ToolCall, ToolSpec, Usage

from .conftest import Serve

# litellm and pydantic warn about litellm's own code.
pytestmark = pytest.mark.filterwarnings("ignore")

CALL = ToolCall("c1", "find", {"q": "x"})
GOOD = Completion("", (CALL,), Usage(1, 5, 3), "tool_calls", "I think.")


class Caller:
    """Makes one call, and thinks."""

    name = "house/caller"

    async def complete(self, request: ModelRequest) -> Completion:
        return GOOD

    async def aclose(self) -> None:
        pass


class Declares:
    @hookimpl
    def rbsuite_models(self) -> Sequence[ModelSpec]:
        return [ModelSpec("house/caller", "makes a call", f"{__name__}:Caller")]


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return load_plugins([("caller", Declares())])


Kind = type[ProviderModel]


@pytest.fixture(params=[LiteLLMModel, DirectModel], ids=["litellm", "direct"])
def way(request: pytest.FixtureRequest) -> Kind:
    """How the server is asked."""
    chosen: Kind = request.param
    return chosen


def asked(way: Kind, url: str, *, timeout: float = 20.0) -> Completion | RbsuiteError:
    async def once() -> Completion | RbsuiteError:
        model = way("openai/house/caller", base_url=url, timeout=timeout, retries=1, backoff=Backoff(first=0.01))
        try:
            return await model.complete(ModelRequest((Message("user", "hi"),), "agent", (ToolSpec("find", "finds"),)))
        except RbsuiteError as error:
            return error
        finally:
            await model.aclose()

    return asyncio.run(once())


def calling(*calls: ToolCall, text: str = "") -> Completion:
    return Completion(text, calls, GOOD.usage, "tool_calls", "I think.")


def saying(text: str, finish: str = "stop", reasoning: str = "") -> Completion:
    return Completion(text, (), GOOD.usage, finish, reasoning)  # type: ignore[arg-type]


OUTCOMES: dict[str, Completion | tuple[type[RbsuiteError], str]] = {
    NONE: GOOD,
    # An outcome of the rollout.
    "context-overflow": Completion("", usage=Usage(1), finish_reason="context_overflow"),
    "refused-moderation": Completion("", usage=Usage(1), finish_reason="content_filter"),
    "content-filter": saying("", "content_filter"),
    "refusal": saying("", "content_filter"),
    "length": saying("I would", "length", "I think."),
    "length-in-call": Completion("", (CALL,), GOOD.usage, "length", "I think."),
    # No call can succeed.
    "model-not-found": (ModelUnusable, "Check the model name"),
    "bad-key": (ModelUnusable, "OPENAI_API_KEY"),
    "no-credit": (ModelUnusable, "credit or quota is used up"),
    # Read as far as it can be, and told back to the model by the environment where it cannot.
    "bad-arguments": calling(ToolCall("c1", "find", {}, '{"q": "x"')),
    "list-arguments": calling(ToolCall("c1", "find", {}, '[{"q": "x"}]')),
    "empty-arguments": calling(ToolCall("c1", "find")),
    "null-arguments": calling(ToolCall("c1", "find")),
    "doubly-encoded-arguments": GOOD,
    "loose-arguments": calling(ToolCall("c1", "find", {}, "```json\n{'q': 'x',}\n```")),
    "function-call": calling(ToolCall("call_0", "find", {"q": "x"})),
    "thinking": replace(GOOD, reasoning="I think.\nI could say ###STOP### now, or not."),
    "unknown-tool": calling(ToolCall("c1", "no_such_tool", {"q": "x"})),
    "several-calls": calling(CALL, ToolCall("c1-again", "find", {"q": "x"})),
    "call-beside-text": calling(CALL, text="Let me look that up."),
    "impossible-usage": Completion("", (CALL,), Usage(1, 0, 3), "tool_calls", "I think."),
    "no-usage": Completion("", (CALL,), Usage(1), "tool_calls", "I think."),
    "null-content": saying(""),
    "huge": saying(("word " * (HUGE // 5)).strip()),
    "nul": saying("a\x00b"),
    "surrogates": saying("a\ud800b"),
}


@pytest.mark.parametrize("kind", OUTCOMES)
def test_every_fault_has_its_outcome(serve: Serve, plugins: Plugins, way: Kind, kind: str) -> None:
    url, faults = serve(["house/caller"], plugins, Faults(script=[kind]))
    outcome, expected = asked(way, url), OUTCOMES[kind]
    if isinstance(expected, Completion):
        assert isinstance(outcome, Completion)
        assert (outcome.text.strip(), outcome.tool_calls) == (expected.text, expected.tool_calls)
        assert (outcome.finish_reason, outcome.reasoning) == (expected.finish_reason, expected.reasoning)
        assert outcome.usage.tokens == expected.usage.tokens
    else:
        assert isinstance(outcome, expected[0])
        assert expected[1] in str(outcome)
        assert "\n" not in str(outcome)
    assert faults.met.total() == 1


@pytest.mark.parametrize("kind", [*TRANSIENT, "hang", "drip"])
def test_what_may_pass_is_tried_again(serve: Serve, plugins: Plugins, way: Kind, kind: str) -> None:
    patience = 0.6 if kind in ("hang", "drip") else 20.0
    url, faults = serve(["house/caller"], plugins, Faults(script=[kind]))
    outcome = asked(way, url, timeout=patience)
    assert isinstance(outcome, Completion), outcome
    assert outcome.tool_calls == GOOD.tool_calls
    assert faults.met == {kind: 1, NONE: 1}
    url, faults = serve(["house/caller"], plugins, Faults({kind: 1.0}))
    failed = asked(way, url, timeout=patience)
    assert type(failed) is ModelError
    assert "(tried 2 times)" in str(failed)
    assert faults.met == {kind: 2}


def test_calls_without_ids_can_be_told_apart(serve: Serve, plugins: Plugins, way: Kind) -> None:
    url, _ = serve(["house/caller"], plugins, Faults(script=["no-ids"]))
    outcome = asked(way, url)
    assert isinstance(outcome, Completion)
    assert outcome.tool_calls[0].id


def test_no_kind_is_left_out() -> None:
    assert {*OUTCOMES, *TRANSIENT, "hang", "drip", "no-ids"} == {NONE, *KINDS}


def test_faults_do_not_depend_on_what_else_is_asked() -> None:
    def drawn(requests: Sequence[str]) -> dict[str, list[str]]:
        faults, met = Faults({"transient": 0.3, "length": 0.2}, seed=7), dict[str, list[str]]()
        for request in requests:
            met.setdefault(request, []).append(faults.next(request))
        return met

    alone = drawn(["a"] * 50)
    assert drawn(["b", "a", "c"] * 50)["a"] == alone["a"]
    assert 10 < sum(kind != NONE for kind in alone["a"]) < 40
    for shares in ({"429": 1.5}, {"429": -0.1}, {"nonsense": 0.1}):
        with pytest.raises(UsageError):
            Faults(shares)


def post(url: str, path: str, body: Any) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(str(urlsplit(url).netloc), timeout=20)
    try:
        data = body if isinstance(body, bytes) else json.dumps(body)
        connection.request("POST", path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_stream_says_what_the_whole_says(serve: Serve, plugins: Plugins) -> None:
    url, _ = serve(["house/caller"], plugins, Faults(script=[NONE, "call-beside-text"]))
    body = {"model": "house/caller", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    _, whole = post(url, "/v1/chat/completions", {**body, "stream": False})
    message = json.loads(whole)["choices"][0]["message"]
    _, data = post(url, "/v1/chat/completions", body)
    lines = [line.removeprefix("data: ") for line in data.decode().split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    chunks = [json.loads(line) for line in lines]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert "".join(delta.get("content", "") for delta in deltas) == "Let me look that up."
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == message["reasoning_content"]
    assert [call["function"] for delta in deltas for call in delta.get("tool_calls", ())] == [
        call["function"] for call in message["tool_calls"]
    ]
    assert chunks[-1]["usage"]["total_tokens"] == 8


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/v1/chat/completions", b"{", 400, ""),
        ("/v1/chat/completions", [], 400, "must be a JSON object"),
        ("/v1/chat/completions", {"model": "house/caller"}, 400, "messages must be"),
        ("/v1/chat/completions", {"model": "gpt"}, 404, "does not exist"),
        ("/v1/chat/completions", {"model": "house/caller", "messages": [{"role": "bard"}]}, 400, "needs a role"),
        ("/v1/nowhere", {}, 404, "/v1/nowhere"),
    ],
)
def test_bad_requests_are_told(serve: Serve, plugins: Plugins, path: str, body: Any, status: int, words: str) -> None:
    url, _ = serve(["house/caller"], plugins)
    got, data = post(url, path, body)
    assert got == status
    assert words in json.loads(data)["error"]["message"]


def test_embeddings_go_through(serve: Serve, plugins: Plugins) -> None:
    url, faults = serve(["house/caller"], plugins, Faults(script=["503"]))

    async def embed() -> Any:
        embedder = LitellmEmbedder("openai/hash", api_base=url, backoff=Backoff(first=0.01))
        return await embedder.embed(["a red house", "a red house", "quite another thing"])

    vectors = asyncio.run(embed())
    assert vectors[0] @ vectors[1] == pytest.approx(1.0)
    assert vectors[0] @ vectors[2] < 0.5
    assert faults.met == {"503": 1, NONE: 1}
