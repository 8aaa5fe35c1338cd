"""What a model call costs besides the model: CPU, wall time against the ideal schedule, memory; and the same for inspect_ai.

A server on this machine answers every call with the same words after a set time. These run against it, one after the other, each in its own
process:

- single calls: litellm bare, litellm through rbsuite, and rbsuite's direct way: CPU ms per call, the least of several rounds; and rbsuite's
  own share of litellm through rbsuite, measured with an ``acompletion`` that returns a canned reply, since the two others vary by more than
  that between rounds;
- an experiment of rollouts with one call each (MMLU-Pro, memory none, no judge): CPU ms per rollout, wall time over the ideal schedule
  (rollouts / concurrency x latency), peak RSS;
- the same number of one-call samples in inspect_ai, installed from PyPI into its own environment in a temporary directory.

The machine should be otherwise idle: other load shows in the wall time and, through shared caches, in the CPU time.

    uv run python benchmarks/model_calls.py [--rollouts 2000] [--latency 0.2] [--concurrency 100] [--rounds 3] [--no-peer] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, patch

ANSWER = {
    "id": "r",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "The answer is (A)."}}
    ],
    "usage": {"prompt_tokens": 300, "completion_tokens": 7, "total_tokens": 307},
}
LIMITS = {"direct": 1.0, "over_litellm": 0.6, "wall": 1.15, "peer": 1 / 3}
"""CPU ms of a direct call, and of rbsuite over bare litellm; wall time over the ideal; CPU per rollout over the peer's per sample."""
PEER = """
import sys, time, json, resource
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate
url, count, concurrency, logs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
samples = [Sample(input=f"Question {n}: " + "which of these is right? " * 40, target="A") for n in range(count)]
task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=match())
wall, cpu = time.perf_counter(), time.process_time()
logged = eval(task, model="openai/m", model_base_url=url, max_connections=concurrency, max_samples=concurrency * 2,
              display="none", log_dir=logs, model_args={"responses_api": False})[0]
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
assert logged.status == "success", logged.error
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"wall_s": wall, "cpu_ms": 1000 * cpu / count, "peak_rss_mb": peak}))
"""


async def serve(latency: float) -> None:
    """Answer forever; prints the port. Does as little as possible, since it shares the machine with what is measured."""
    body = json.dumps(ANSWER).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await reader.readexactly(int(lengths[0]))
                await asyncio.sleep(latency)
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving(latency: float) -> Iterator[str]:
    """The URL of such a server in its own process."""
    command = [sys.executable, __file__, "--part", "serve", "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        finally:
            process.terminate()


async def single_calls(url: str, calls: int, concurrency: int, rounds: int) -> dict[str, float]:
    """CPU ms per call, the least of several rounds, each variant in turn."""
    from rbsuite.models.base import ModelRequest
    from rbsuite.models.direct import DirectModel
    from rbsuite.models.litellm_model import LiteLLMModel, load_litellm
    from rbsuite.models.wire import request_body
    from rbsuite.trajectory import Message

    text = "which of these is right? " * 40
    request = ModelRequest((Message("system", "Answer."), Message("user", text)), "agent", temperature=0.0)
    direct, through = DirectModel("openai/m", base_url=url), LiteLLMModel("openai/m", base_url=url)
    litellm, body = load_litellm(), request_body(request)
    options = {"base_url": url, "api_key": "none", "num_retries": 0, "max_retries": 0, "drop_params": True}

    async def bare() -> None:
        await litellm.acompletion(model="openai/m", **body, **options)

    ways: dict[str, Callable[[], Awaitable[object]]] = {
        "bare litellm": bare,
        "through litellm": lambda: through.complete(request),
        "direct": lambda: direct.complete(request),
    }
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds + 1):  # the first opens connections
        for name, call in ways.items():
            least[name] = min(least[name], await _round(call, calls, concurrency))
    given = await litellm.acompletion(model="openai/m", **body, **options)
    with patch.object(litellm, "acompletion", AsyncMock(return_value=given)):
        rests = [await _round(ways["through litellm"], calls, concurrency) for _ in range(rounds)]
    least["around litellm"] = min(rests)
    await direct.aclose()
    await through.aclose()
    return least


async def _round(call: Callable[[], Awaitable[object]], calls: int, concurrency: int) -> float:
    numbers = iter(range(calls))

    async def several() -> None:
        for _ in numbers:
            await call()

    started = time.process_time()
    await asyncio.gather(*(several() for _ in range(concurrency)))
    return 1000 * (time.process_time() - started) / calls


def experiment(data: str, rollouts: int, concurrency: int, transport: Any) -> dict[str, float]:
    """An experiment of rollouts with one call each."""
    from rbsuite.plugins import load_plugins
    from rbsuite.run.config import Execution, make_config
    from rbsuite.run.directory import open_experiment
    from rbsuite.run.executors import run_experiment
    from rbsuite.run.plan import make_plan

    options = {"env": "mmlu-pro", "split": "test", "data": data, "memory": ("none",), "judge": ("none",), "orders": 1}
    plan = make_plan(make_config(options, {"limit": rollouts, "model": ("openai/m",)}), load_plugins())
    # A little more than the limit on calls, so that the gate is the bottleneck and not the window.
    execution = Execution(concurrency, str(concurrency + concurrency // 10), transport=transport)
    with tempfile.TemporaryDirectory() as directory, open_experiment(plan, Path(directory) / "run") as store:
        wall, cpu = time.perf_counter(), time.process_time()
        asyncio.run(run_experiment(plan, store, execution))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall_s": wall, "cpu_ms": 1000 * cpu / rollouts, "peak_rss_mb": peak}


def install_peer(directory: Path) -> Path | None:
    """The interpreter of an environment that has inspect_ai; ``None`` if it cannot be installed."""
    python = directory / "bin" / "python"
    for command in (
        ["uv", "venv", "-q", "--python", sys.executable, str(directory)],
        # Without the project's exact versions: inspect_ai exits with code 1, silently, if openai is older than it requires.
        ["uv", "pip", "install", "-q", "--no-config", "--python", str(python), "inspect_ai", "openai"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"inspect_ai cannot be installed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
            return None
    return python


def packs() -> str:
    """The pack next to the repository, or nothing."""
    root = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[2] / "shared" / "packs")
    return str(root / "mmlu-pro") if (root / "mmlu-pro").is_dir() else ""


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Everything, in turn."""
    found: dict[str, list[dict[str, float]]] = {"direct": [], "litellm": [], "inspect_ai": [], "wide": []}
    with serving(given.latency) as url, tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none", "NO_PROXY": "127.0.0.1"}

        def part(*arguments: object, python: str = sys.executable) -> dict[str, float]:
            command = [python, *map(str, arguments)]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{command[1]} ended with code {done.returncode}: {done.stdout[-2000:]}")
            result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
            return result

        def rbsuite(transport: str, concurrency: int) -> dict[str, float]:
            size = ["--rollouts", given.rollouts, "--concurrency", concurrency]
            return part(__file__, "--part", "experiment", "--transport", transport, "--data", given.data, *size)

        peer = None if given.no_peer else install_peer(Path(directory) / "peer")
        calls = part(__file__, "--part", "calls", "--url", url, "--rounds", given.rounds)
        for number in range(given.rounds):
            found["direct"].append(rbsuite("direct", given.concurrency))
            if peer is not None:
                script = Path(directory) / "peer.py"
                script.write_text(PEER)
                logs = Path(directory) / f"logs-{number}"
                size = (given.rollouts, given.concurrency)
                found["inspect_ai"].append(part(script, url, *size, logs, python=str(peer)))
        found["litellm"].append(rbsuite("litellm", given.concurrency))
        found["wide"].append(rbsuite("direct", 1000))
        found["narrow"] = [rbsuite("direct", 1)] if given.rollouts <= 200 else []
    return {"calls": calls, **found}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and fail if a limit is exceeded."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rollouts", type=int, default=2000)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", default=packs(), help="an MMLU-Pro pack")
    parser.add_argument("--no-peer", action="store_true", help="leave inspect_ai out")
    parser.add_argument("--json", action="store_true")
    for internal in ("--part", "--url", "--transport"):
        parser.add_argument(internal, default="", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.part == "serve":
        asyncio.run(serve(given.latency))
    elif given.part == "calls":
        print(json.dumps(asyncio.run(single_calls(given.url, 400, given.concurrency, given.rounds))))
    elif given.part == "experiment":
        print(json.dumps(experiment(given.data, given.rollouts, given.concurrency, given.transport)))
    else:
        return report(given, measure(given))
    return 0


def report(given: argparse.Namespace, found: dict[str, Any]) -> int:
    """Print the results; returns 1 if a limit is exceeded."""
    calls = found["calls"]
    over = calls["around litellm"]
    ideal = given.rollouts / given.concurrency * given.latency
    least = {name: min(one["cpu_ms"] for one in rounds) for name, rounds in found.items() if name != "calls" and rounds}
    wall = min(one["wall_s"] for one in found["direct"]) / ideal
    passed = [calls["direct"] <= LIMITS["direct"], over <= LIMITS["over_litellm"], wall <= LIMITS["wall"]]
    ratio = least["direct"] / least["inspect_ai"] if "inspect_ai" in least else None
    passed += [ratio <= LIMITS["peer"]] if ratio is not None else []
    peak = {name: statistics.median(one["peak_rss_mb"] for one in found[name]) for name in ("direct", "wide")}
    if given.json:
        print(json.dumps({**found, "over_ideal": wall, "over_peer": ratio, "within_limits": all(passed)}, indent=2))
        return 0 if all(passed) else 1
    print(f"One call, CPU ms, the least of {given.rounds}: " + ", ".join(f"{k} {v:.2f}" for k, v in calls.items()))
    print(
        f"  direct: limit {LIMITS['direct']:g}; rbsuite around litellm: {over:.2f} (limit {LIMITS['over_litellm']:g})"
    )
    print(f"{given.rollouts:,} rollouts of one call, {1000 * given.latency:g} ms each, {given.concurrency} at once")
    print("  CPU ms per rollout: " + ", ".join(f"{name} {value:.2f}" for name, value in least.items()))
    print(f"  wall time over the ideal {ideal:g} s: {wall:.2f} (limit {LIMITS['wall']:g})")
    if ratio is not None:
        print(f"  CPU over inspect_ai's: {ratio:.2f} (limit {LIMITS['peer']:.2f})")
    print(f"Peak RSS: {peak['direct']:.0f} MB at {given.concurrency} at once, {peak['wide']:.0f} MB at 1,000")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    raise SystemExit(main())
