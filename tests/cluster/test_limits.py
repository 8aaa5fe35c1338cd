"""What all workers of a cluster may do together, as the server that they ask sees it; and the key that they ask with."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from processes import Evaluation, digest
from rbsuite.serve.http import Answer, HttpServer, Request

pytestmark = pytest.mark.slow

KEY = "a-key-of-this-test-0123456789"
LATENCY = 0.1


class Watching:
    """Answers every question with a letter, and keeps when it was asked, by what key, and how many were asked at once."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.keys: set[str] = set()
        self.most = self._running = 0
        self.url = ""

    async def handle(self, request: Request) -> Answer:
        self.times.append(time.monotonic())
        self.keys.add(request.headers.get("authorization", ""))
        self._running += 1
        self.most = max(self.most, self._running)
        await asyncio.sleep(LATENCY)
        self._running -= 1
        reply = {"message": {"content": "The answer is (A)."}, "finish_reason": "stop"}
        return Answer.of({"choices": [reply], "usage": {"prompt_tokens": 1000, "completion_tokens": 10}})


@pytest.fixture
def watching() -> Iterator[Watching]:
    made, ready, over, loop = Watching(), threading.Event(), asyncio.Event(), asyncio.new_event_loop()

    async def run() -> None:
        async with HttpServer(made.handle) as server:
            made.url = server.url
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert ready.wait(30)
    yield made
    loop.call_soon_threadsafe(over.set)
    thread.join(30)
    loop.close()


@pytest.fixture
def evaluation(watching: Watching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    """Eight runs of six calls, of a dollar each."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    model = f"openai/m:api_base={watching.url},input_price=1000,output_price=0"
    options = (
        "--env", "mmlu-pro", "--model", model, "--memory", "none", "--judge", "none",
        "--limit", "6", "--orders", "8", "--quiet", "--json", "--concurrency", "3",
    )  # fmt: skip
    return Evaluation(options, tmp_path / "compiled")


def on(cluster: Any, *more: str) -> tuple[str, ...]:
    return (
        "--executor", "ray", "--ray-address", cluster.address, "--ray-resources", "cpu=0.5",
        "--ray-env", "OPENAI_API_KEY,NO_PROXY", *more,
    )  # fmt: skip


def test_eight_workers_keep_one_limit_with_the_key_that_is_named(
    cluster: Any, watching: Watching, evaluation: Evaluation, tmp_path: Path
) -> None:
    done = evaluation.run(tmp_path / "x", *on(cluster))
    assert done.returncode == 0, done.stderr
    assert len(watching.times) == 48
    assert watching.keys == {f"Bearer {KEY}"}
    assert 2 <= watching.most <= 3
    assert KEY not in done.stdout + done.stderr
    session = Path(re.sub(r"/sockets/.*", "", cluster.head_node.plasma_store_socket_name))
    kept = [path for path in (*session.rglob("*"), *tmp_path.rglob("*")) if path.is_file()]
    assert kept
    assert not [path for path in kept if KEY.encode() in path.read_bytes()]


def test_eight_workers_keep_one_rate(cluster: Any, watching: Watching, evaluation: Evaluation, tmp_path: Path) -> None:
    """Eight calls a second, of which the first eight may come at once; each worker for itself would send all 48 at once."""
    done = evaluation.run(tmp_path / "x", *on(cluster, "--rate", "480", "--concurrency", "48"))
    assert done.returncode == 0, done.stderr
    assert len(watching.times) == 48
    late = 1.0  # what the first call may come late on a busy machine
    assert watching.times[-1] - watching.times[0] >= 40 / 8 - late


def test_a_budget_is_that_of_all_workers_and_what_was_stopped_goes_on_to_the_same_end(
    cluster: Any, watching: Watching, evaluation: Evaluation, tmp_path: Path
) -> None:
    assert evaluation.run(tmp_path / "local").returncode == 0
    watching.times.clear()
    stopped = evaluation.run(tmp_path / "x", *on(cluster, "--max-cost", "12"))
    assert stopped.returncode == 3
    assert "--max-cost is reached ($12" in stopped.stderr
    # A call's price is known when it is answered; two others may be under way then.
    assert 12 <= len(watching.times) <= 12 + 2
    stopped = evaluation.run(tmp_path / "x", *on(cluster, "--max-calls", "30"))
    assert stopped.returncode == 3
    assert "--max-calls is reached (30 calls)" in stopped.stderr
    assert len(watching.times) == 30
    done = evaluation.run(tmp_path / "x", *on(cluster))
    assert done.returncode == 0, done.stderr
    assert len(watching.times) == 48
    assert digest(tmp_path / "x") == digest(tmp_path / "local")
