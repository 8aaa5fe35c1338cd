"""Keys of every shape are in no file and no stream of a run: neither when all goes well, nor in faults and crashes."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

# Put together here, so that no scanner takes them for keys that somebody lost.
KEYS = {
    "OPENAI_API_KEY": "sk-" + "proj-" + "Zq8vTn3LwXc5RbKd7MhPfGs2YjUa9EeC",
    "OLD_OPENAI_KEY": "sk-" + "Jv6tYb2NqWx8ZcLm4KpRdHs9GfUa3EiO",
    "ANTHROPIC_API_KEY": "sk-" + "ant-api03-" + "Xw7cVb5NmQa2ZsEd4RfTg6YhUj8IkOl0-PpAA",
    "GEMINI_API_KEY": "AI" + "zaSyB4kQ7wErT2yUiOpAsDfGhJkLzXcVbNm123",
    "AWS_ACCESS_KEY_ID": "AK" + "IAQ3EGRZT7XWVUPLMN",
    "AWS_SECRET_ACCESS_KEY": "wJalr" + "XUtnFEMI/K7MDENG+bPxRfiCYzzPLANTED9",
    "GATEWAY_TOKEN": "ey" + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.Tk9UQVJFQUxTSUdOQVRVUkUtcGxhbnRlZA",
}
PASSWORD = "hunter2-planted-in-the-address"
SEVERAL = " ".join(f"{name}={value}" for name, value in KEYS.items())


class Server(ThreadingHTTPServer):
    """Says back every header it gets, and all keys besides: in an answer, or in an error of a status."""

    daemon_threads = True
    status = 200

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        headers = "; ".join(f"{name}: {value}" for name, value in self.headers.items())
        told = f"{SEVERAL}; {headers}" if self.server.status == 200 else f"{headers}; {SEVERAL}"
        data = json.dumps(_answer(told) if self.server.status == 200 else {"error": {"message": told}}).encode()
        self.send_response(self.server.status)
        for name, value in (
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(data))),
            ("X-Key", SEVERAL),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _answer(told: str) -> dict[str, Any]:
    text = f"{told}\nVerdict: success\n# Memory Item 1\n## Title\n{told}\n## Description\n{told}\n## Content\n{told}\nANSWER: 7"
    message = {"role": "assistant", "content": text, "reasoning_content": told}
    choices = [{"index": 0, "finish_reason": "stop", "message": message}]
    usage = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}
    return {
        "id": SEVERAL,
        "object": "chat.completion",
        "created": 1,
        "model": SEVERAL,
        "choices": choices,
        "usage": usage,
    }


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join(5)


CRASH = """
import os
from rbsuite.memories.reasoningbank import ReasoningBank
from rbsuite.run.task_run import TaskRun
async def broken(self, *args, **kwargs):
    raise LookupError(f"cannot go on with {{dict(os.environ)}}")
{place} = broken
"""
CRASHES = {"a plugin": "ReasoningBank.absorb", "the core": "TaskRun.run"}


def run(tmp_path: Path, base: str, *options: str, before: str = "") -> tuple[int, bytes]:
    """Exit code, and everything that was written: both streams and all files."""
    program = f"{before}\nfrom rbsuite.cli import main\nmain()"
    arguments = [
        "eval",
        "--env",
        "aime",
        "--limit",
        "2",
        "--orders",
        "1",
        "--model",
        "openai/m",
        "--log",
        "events.jsonl",
    ]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.endswith(("_KEY", "_TOKEN", "_SECRET"))},
        **KEYS,
        "OPENAI_BASE_URL": base,
        "NO_PROXY": "127.0.0.1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments, *options],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        timeout=600,  # litellm is imported, on a machine that may be busy
    )
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    return done.returncode, b"\n".join([done.stdout, done.stderr, *files])


def leaks(written: bytes) -> list[str]:
    planted = {**KEYS, "password": PASSWORD, "header": base64.b64encode(f"me:{PASSWORD}".encode()).decode()}
    return [name for name, value in planted.items() if value.encode() in written]


def test_a_run_that_goes_well_writes_no_key(tmp_path: Path, server: Server) -> None:
    code, written = run(tmp_path, f"http://me:{PASSWORD}@{server.address}")
    assert code == 0, written[:2000]
    assert b"[redacted]" in written, "the replies held keys"
    assert leaks(written) == []


@pytest.mark.parametrize(
    "status", [401, pytest.param(400, marks=pytest.mark.slow), pytest.param(500, marks=pytest.mark.slow)]
)
def test_faults_that_say_the_headers_back_are_told_without_keys(tmp_path: Path, server: Server, status: int) -> None:
    server.status = status
    options = ["--memory", "none", "--retries", "0"]
    code, written = run(tmp_path, f"http://{server.address}", *options, before=NO_WAITS)
    assert code in (1, 2, 3), written[:2000]
    assert b"Bearer [redacted]" in written
    assert leaks(written) == []


NO_WAITS = "import rbsuite.models.retry as retry\nretry.Backoff.delay = lambda *args: 0.0"


@pytest.mark.slow
def test_an_address_that_nobody_answers_is_told_without_its_password(tmp_path: Path) -> None:
    code, written = run(tmp_path, f"http://me:{PASSWORD}@127.0.0.1:9/v1", before=NO_WAITS)
    assert code in (1, 2, 3), written[:2000]
    assert leaks(written) == []


@pytest.mark.parametrize("crash", CRASHES)
def test_a_crash_writes_no_key(tmp_path: Path, crash: str) -> None:
    code, written = run(tmp_path, "", "--model", "sim/learner", before=CRASH.format(place=CRASHES[crash]))
    assert code != 0
    assert b"cannot go on with" in written
    assert leaks(written) == []
