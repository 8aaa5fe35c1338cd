"""The litellm embedder against a real server on this machine that speaks OpenAI's embeddings."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from rbsuite.errors import LimitReached, ModelError, UsageError
from rbsuite.models.gate import Gate, Pace
from rbsuite.models.limits import Limits
from rbsuite.models.meter import Counts, Meter
from rbsuite.models.retry import Backoff
from rbsuite.retrieval.litellm_embedder import LitellmEmbedder
from rbsuite.trajectory import Spent, Usage

# litellm and pydantic warn about litellm's own code.
pytestmark = pytest.mark.filterwarnings("ignore")

KEY = "sk-test-0123456789abcdef"
QUICK = Backoff(first=0.001, longest=0.002)


class Server(ThreadingHTTPServer):
    """Answers with vectors made of each text's length; fails as told before that."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.failures = []
        self.requests = []
        self.keys = []
        self.dimension = 3
        self.change = list

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, body))
        self.server.keys.append(self.headers.get("Authorization", ""))
        if self.server.failures:
            status, message = self.server.failures.pop(0)
            return self.send(status, {"error": {"message": message, "type": "error", "code": None}})
        dimension = body.get("dimensions", self.server.dimension)
        entries = [
            {"object": "embedding", "index": place, "embedding": [float(len(text)), 2.0, *[0.0] * (dimension - 2)]}
            for place, text in enumerate(body["input"])
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        # Last first: the order of the answer is that of "index", not of the list.
        data = self.server.change(entries[::-1])
        return self.send(200, {"object": "list", "model": body["model"], "data": data, "usage": usage})

    def send(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if 300 <= status < 400:
            self.send_header("Location", body["error"]["message"])
        self.end_headers()
        self.wfile.write(data)

    def handle(self):
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(params=["litellm", "direct"], autouse=True)
def transport(request):
    """How it is asked; both ways keep to one contract."""
    return request.param


@pytest.fixture
def embedder(transport):
    def make(server, **options):
        return LitellmEmbedder("openai/m:small", api_base=server.url, backoff=QUICK, transport=transport, **options)

    return make


def embed(embedder, *texts):
    async def once():
        try:
            return await embedder.embed(texts)
        finally:
            if litellm := sys.modules.get("litellm"):
                await litellm.close_litellm_async_clients()
                litellm.in_memory_llm_clients_cache.flush_cache()

    return asyncio.run(once())


def unit(length, dimension=3):
    vector = np.array([length, 2.0, *[0.0] * (dimension - 2)])
    return vector / np.linalg.norm(vector)


def test_vectors_come_in_order_and_of_unit_norm(server, embedder):
    model = embedder(server)
    vectors = embed(model, "four", "sixsix", "x")
    np.testing.assert_allclose(vectors, [unit(4), unit(6), unit(1)], atol=1e-6)
    assert vectors.dtype == np.float32
    assert model.dimension == 3
    ((path, body),) = server.requests
    assert path == "/v1/embeddings"
    assert body["model"] == "m:small"
    assert body["input"] == ["four", "sixsix", "x"]
    assert server.keys == [f"Bearer {KEY}"]


def test_batches_prefix_and_dimension(server, embedder):
    model = embedder(server, batch=2, prefix="q: ", dimension=5)
    vectors = embed(model, "a", "bb", "ccc")
    np.testing.assert_allclose(vectors, [unit(4, 5), unit(5, 5), unit(6, 5)], atol=1e-6)
    assert [body["input"] for _, body in server.requests] == [["q: a", "q: bb"], ["q: ccc"]]
    assert {body["dimensions"] for _, body in server.requests} == {5}


def test_blank_texts_are_not_sent(server, embedder):
    vectors = embed(embedder(server), "", "four", "  \n")
    np.testing.assert_allclose(vectors, [np.zeros(3), unit(4), np.zeros(3)], atol=1e-6)
    assert server.requests[0][1]["input"] == ["four"]


def test_a_request_holds_so_many_tokens_at_most(server, embedder):
    model = embedder(server, batch_tokens=10)
    embed(model, "a" * 12, "b" * 12, "c" * 60, "d", "e")
    assert [[text[0] for text in body["input"]] for _, body in server.requests] == [["a", "b"], ["c"], ["d", "e"]]


def test_what_is_asked_is_counted(server, embedder):
    model = embedder(server, batch=1)
    server.failures = [(503, "busy")]
    embed(model, "four", "six")
    assert model.take_usage() == Usage(calls=2, input_tokens=2, cost=None)
    assert model.take_usage() == Usage()


def test_requests_pass_the_gate(server, embedder):
    model, gate, pace = embedder(server, batch=1), Gate(1), Pace()
    line = gate.line()
    model.through(line, pace, Meter(Limits(), Counts.for_processes(0)))

    async def several():
        entered = asyncio.create_task(gate.enter(None, line, 0))
        waiting = asyncio.create_task(model.embed(["four"]))
        await asyncio.sleep(0.05)
        assert not server.requests
        await entered
        gate.leave(None)
        vectors = await waiting
        await model.aclose()
        return vectors

    np.testing.assert_allclose(asyncio.run(several()), [unit(4)], atol=1e-6)
    assert pace.running == 0


def test_requests_count_for_the_limits_of_the_experiment(server, embedder):
    counts = Counts.for_processes(0)
    model = embedder(server, batch=1, input_price=2.0)
    model.through(Gate(1).line(), Pace(), Meter(Limits(calls=1), counts))
    with pytest.raises(LimitReached, match="--max-calls is reached"):
        embed(model, "four", "six")
    assert len(server.requests) == 1
    assert counts.total == Spent(calls=1, tokens=1, cost=2e-6)


def test_only_blank_texts(server, embedder):
    assert embed(embedder(server), "", " ").tolist() == [[0, 0, 0]] * 2


def test_transient_errors_are_tried_again(server, embedder):
    server.failures = [(429, "slow down"), (503, "busy")]
    np.testing.assert_allclose(embed(embedder(server), "four"), [unit(4)], atol=1e-6)
    assert len(server.requests) == 3


def test_it_gives_up_in_one_line_without_keys(server, embedder):
    server.failures = [(500, f"boom\nwith {KEY}")] * 9
    with pytest.raises(ModelError) as caught:
        embed(embedder(server, retries=1), "four")
    assert len(server.requests) <= 4  # two attempts of ours, each of which the client below litellm makes twice
    message = str(caught.value)
    assert "'openai/m:small'" in message
    assert "\n" not in message
    assert KEY not in message
    assert caught.value.__cause__ is None


def test_a_refused_key_is_not_tried_again(server, embedder):
    server.failures = [(401, f"Incorrect API key provided: {KEY}")] * 9
    with pytest.raises(ModelError, match="OPENAI_API_KEY") as caught:
        embed(embedder(server), "four")
    assert len(server.requests) == 1
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("transport", ["direct"], indirect=True)
def test_a_redirect_is_not_followed(server, embedder):
    server.failures = [(307, f"{server.url}/embeddings")]
    with pytest.raises(ModelError, match=r"redirects to .*/embeddings, which is not followed. Change the base URL"):
        embed(embedder(server), "four")
    assert len(server.requests) == 1


@pytest.mark.parametrize("transport", ["direct"], indirect=True)
def test_an_answer_without_end_is_given_up(server, embedder, monkeypatch):
    monkeypatch.setattr("rbsuite.retrieval.litellm_embedder.LONGEST_ANSWER", 100_000)
    server.dimension = 100_000
    with pytest.raises(ModelError, match="it is longer than 100,000 bytes"):
        embed(embedder(server), "four")
    assert len(server.requests) == 1


def test_no_server():
    model = LitellmEmbedder("openai/m", api_base="http://127.0.0.1:9/v1", retries=1, backoff=QUICK)
    with pytest.raises(ModelError, match="api_base"):
        embed(model, "four")


@pytest.mark.parametrize(
    "change",
    [
        lambda entries: entries[:1],
        lambda entries: [{**entry, "embedding": entry["embedding"][: 2 + entry["index"]]} for entry in entries],
        lambda entries: [{**entry, "embedding": []} for entry in entries],
    ],
)
def test_an_answer_of_another_shape_is_refused(server, change, embedder):
    server.change = change
    with pytest.raises(ModelError, match="shape"):
        embed(embedder(server), "four", "six")


def test_another_dimension_than_before_is_refused(server, embedder):
    model = embedder(server)
    embed(model, "four")
    server.dimension = 4
    with pytest.raises(ModelError, match="expected"):
        embed(model, "five")


def test_the_id_tells_models_apart_and_holds_no_secret():
    plain = LitellmEmbedder("openai/m")
    assert plain.id == "litellm/1:openai/m"
    ids = {
        plain.id,
        LitellmEmbedder("openai/m", dimension=5).id,
        LitellmEmbedder("openai/m", prefix="query: ").id,
        LitellmEmbedder("openai/m", api_base="https://user:secret@host/v1?key=secret").id,
    }
    assert len(ids) == 4
    assert "secret" not in "".join(ids)


def test_a_model_must_be_named():
    with pytest.raises(UsageError, match="litellm:MODEL"):
        LitellmEmbedder()


@pytest.mark.parametrize("address", ["http://[::bad/v1", "u:s3cr3tw@h", "ftp://h"])
def test_what_is_not_the_address_of_a_server_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"api_base=.* is not a URL") as caught:
        LitellmEmbedder("openai/x", api_base=address)
    assert "s3cr3tw" not in str(caught.value)
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    with pytest.raises(UsageError, match=r"OPENAI_BASE_URL=.* is not a URL"):
        LitellmEmbedder("openai/x")
