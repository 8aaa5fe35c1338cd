"""The whole pipeline over HTTP: a provider's model is reached, through litellm and directly, at a server of the test's own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ITEM = "# Memory Item 1\n## Title\nAsk first\n## Description\nWhen in doubt.\n## Content\nAsk before you hand over."


class Provider(ThreadingHTTPServer):
    """Speaks the chat completions protocol: hands over as agent, gives one line as user, a verdict as judge, an item as extractor."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict[str, Any]] = []
        self.embedded: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        embeds = self.path.endswith("/embeddings")
        (self.server.embedded if embeds else self.server.requests).append(request)
        vectors = [{"index": at, "embedding": [len(text), 1.0]} for at, text in enumerate(request.get("input", ()))]
        body = json.dumps(
            {"data": vectors, "usage": {"prompt_tokens": 5}}
            if embeds
            else {
                "id": "c",
                "object": "chat.completion",
                "created": 1,
                "model": request["model"],
                "choices": [{"index": 0, "finish_reason": "stop", "message": message_for(request)}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Be silent."""


def message_for(request: dict[str, Any]) -> dict[str, Any]:
    prompt = request["messages"][-1]["content"] or ""
    if '"executable_plan"' in str(request["messages"][0]["content"]):
        plan = [] if "What was done so far" in prompt else [{"action_id": 12}, {"action_id": 50}, {"action_id": 0}]
        return {"role": "assistant", "content": json.dumps({"language_plan": "I look.", "executable_plan": plan})}
    if request.get("tools"):
        call = {"name": "transfer_to_human_agents", "arguments": json.dumps({"summary": "I cannot do it."})}
        return {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": call}]}
    if "Verdict:" in prompt:
        return {"role": "assistant", "content": "Reasoning: it handed over.\nVerdict: failure"}
    if "# Memory Item 1" in prompt:
        return {"role": "assistant", "content": ITEM}
    return {"role": "assistant", "content": "I want to send back a lamp."}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize("transport", ["litellm", "auto"])
def test_a_provider_s_model_runs_the_whole_comparison(provider: Provider, tmp_path: Path, transport: str) -> None:
    pytest.importorskip("rbsuite_tau_bench")
    options = "--env tau-bench --model openai/some-model --limit 2 --orders 1 --seed 3 --json --speculate off"
    options += f" --transport {transport}"
    # A process of its own, as for a user: litellm keeps connections in globals, which other tests of this process have used.
    program = [sys.executable, "-c", "from rbsuite.cli import main; main()", "eval", *options.split()]
    result = subprocess.run(
        [*program, "--out", str(tmp_path / "x")], capture_output=True, text=True, timeout=180, check=False
    )
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["simulated"] is False
    none, memory = document["conditions"]
    # Two tasks, each: the user's opening, one turn of the agent, one verdict; with memory one extraction more.
    assert {purpose: usage["calls"] for purpose, usage in none["usage"].items()} == {"agent": 2, "judge": 2, "user": 2}
    assert memory["usage"]["memory"]["calls"] == 2
    assert none["usage"]["agent"]["input_tokens"] == 200
    assert len(provider.requests) == 6 + 8
    agents = [request for request in provider.requests if request.get("tools")]
    assert ["Ask before you hand over." in request["messages"][0]["content"] for request in agents].count(True) == 1
    assert "sk-test" not in result.stdout + result.stderr
    assert not any(b"sk-test" in file.read_bytes() for file in (tmp_path / "x").iterdir() if file.is_file())


CACHED = """
import json, sys
import rbsuite
out, cache = sys.argv[1:]
options = {"memory": ["reasoningbank"], "limit": 2, "orders": 1, "model": "openai/m", "embedder": "litellm:openai/e"}
execution = rbsuite.Execution(cache=cache)
with rbsuite.evaluate("tau-bench", out=out, execution=execution, **options) as experiment:
    records = [record for run in experiment.store.manifest.runs for record in experiment.store.records(run.id)]
    usage = experiment.summary().conditions[0].usage
    print(json.dumps({
        "digest": experiment.digest,
        "cached": sum(record.notes.get("cached_calls", 0) for record in records),
        "calls": {purpose: spent.calls for purpose, spent in usage.items()},
        "cost": [spent.cost for spent in usage.values()],
        "way": experiment.store.manifest.facts["about"]["transports"],
        "imported": [name for name in ("litellm", "openai", "httpx") if name in sys.modules],
    }))
"""


def test_a_cache_gives_the_same_for_nothing_and_embedding_is_counted(provider: Provider, tmp_path: Path) -> None:
    pytest.importorskip("rbsuite_tau_bench")
    found = []
    for out in ("first", "second"):
        program = [
            sys.executable,
            "-W",
            "error::ResourceWarning",
            "-c",
            CACHED,
            str(tmp_path / out),
            str(tmp_path / "c"),
        ]
        result = subprocess.run(program, capture_output=True, text=True, timeout=180, check=False)
        assert (result.returncode, result.stderr) == (0, "")
        found.append(json.loads(result.stdout))
    first, second = found
    asked = sum(calls for purpose, calls in first["calls"].items() if purpose != "embed")
    assert len(provider.requests) == asked
    assert first["calls"]["embed"] == len(provider.embedded) // 2 > 0
    assert first["cached"] == 0
    assert second["cached"] == asked
    assert second["digest"] == first["digest"]
    assert second["calls"] == first["calls"]
    assert first["way"] == {"openai/m": "direct"}
    assert first["imported"] == second["imported"] == []


def test_a_provider_s_model_plans_named_actions(provider: Provider, tmp_path: Path) -> None:
    pytest.importorskip("rbsuite_eb_habitat")
    options = "--env eb-habitat --model openai/some-model --domain base --limit 2 --orders 1 --memory none --json"
    program = [sys.executable, "-c", "from rbsuite.cli import main; main()", "eval", *options.split()]
    result = subprocess.run(
        [*program, "--out", str(tmp_path / "x")], capture_output=True, text=True, timeout=180, check=False
    )
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["env"], document["simulated"]) == ("eb-habitat[symbolic]", False)
    (condition,) = document["conditions"]
    # A plan whose second action fails, so that its third is dropped, and an empty plan.
    assert (condition["usage"]["agent"]["calls"], condition["steps"], condition["failures"]) == (4, 3.0, 0)
    asked = [
        request["messages"] for request in provider.requests if "executable_plan" in request["messages"][0]["content"]
    ]
    assert [len(messages) for messages in asked] == [2] * 4
    told = [messages[1]["content"].splitlines() for messages in asked if "What was done" in messages[1]["content"]]
    assert [len(lines) for lines in told] == [13, 13]
    assert all("action id 12, navigate to the sofa, env feedback: Last action executed" in lines[6] for lines in told)
    assert all("Last action is invalid" in lines[7] for lines in told)
