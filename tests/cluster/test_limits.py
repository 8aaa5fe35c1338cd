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

from processes import Evaluation
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
        return Answer.of({"choices": [{"message": {"content": "The answer is (A)."}, "finish_reason": "stop"}]})


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


def test_eight_workers_keep_one_limit_with_the_key_that_is_named(
    cluster: Any, watching: Watching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    options = (
        "--env", "mmlu-pro", "--model", f"openai/m:api_base={watching.url}", "--memory", "none", "--judge", "none",
        "--limit", "6", "--orders", "8", "--quiet", "--json", "--executor", "ray", "--ray-address", cluster.address,
        "--ray-resources", "cpu=0.5", "--ray-env", "OPENAI_API_KEY,NO_PROXY", "--concurrency", "3",
    )  # fmt: skip
    done = Evaluation(options, tmp_path / "compiled").run(tmp_path / "x")
    assert done.returncode == 0, done.stderr
    assert len(watching.times) == 48
    assert watching.keys == {f"Bearer {KEY}"}
    assert 2 <= watching.most <= 3
    assert KEY not in done.stdout + done.stderr
    session = Path(re.sub(r"/sockets/.*", "", cluster.head_node.plasma_store_socket_name))
    kept = [path for path in (*session.rglob("*"), *tmp_path.rglob("*")) if path.is_file()]
    assert kept
    assert not [path for path in kept if KEY.encode() in path.read_bytes()]
