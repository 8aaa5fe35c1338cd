"""The viewer: it answers on its own address alone, only reads, follows an experiment that runs, and ends on Ctrl-C."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from experiments import SURE, measure
from rbsuite.cli import run
from rbsuite.store import ExperimentStore
from rbsuite.view.server import HOST

OPTIONS: dict[str, Any] = {"memory": ("none", "reasoningbank"), "orders": 2, "model": (f"sim/learner:{SURE}",)}
TOKEN = "token"


class Said(NamedTuple):
    """An answer."""

    status: int
    headers: http.client.HTTPMessage
    text: str


def ask(address: str, path: str = "", method: str = "GET", host: str = "") -> Said:
    parts = urlsplit(address)
    with closing(http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)) as connection:
        connection.request(method, parts.path + path, headers={"Host": host or parts.netloc})
        reply = connection.getresponse()
        return Said(reply.status, reply.headers, reply.read().decode())


def test_who_is_answered_and_what(home: Path, address: str) -> None:
    measure(home / "e", **OPTIONS, limit=6).close()
    (home / "broken").mkdir()
    (home / "broken" / "experiment.sqlite").write_text("no")
    port = urlsplit(address).port
    for wrong in (
        ask(f"http://{HOST}:{port}/"),
        ask(address.replace(TOKEN, "guess")),
        ask(address, "e/nosuch/"),
        ask(address, "e/..%2F..%2Fetc/"),
    ):
        assert wrong.status == 404
    assert ask(address, host="example.invalid").status == 403
    assert ask(address, method="POST").status == 405
    index = ask(address)
    assert 'href="e/e/"' in index.text
    assert "is not an experiment store" in index.text
    page = ask(address, "e/e/")
    policy = str(page.headers["content-security-policy"])
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "unsafe" not in policy
    assert "ask(" in page.text
    for path in ("e/e/state", "e/e/nosuch", "e/e/rows?run=0&start=0"):
        assert ask(address, path).headers["content-security-policy"] == "default-src 'none'"
        assert ask(address, path).headers["cache-control"] == "no-store"
    rows = [json.loads(line) for line in ask(address, "e/e/rows?run=2&start=4").text.splitlines()]
    with ExperimentStore.open(home / "e", readonly=True) as store:
        info = store.manifest.runs[2]
        kept = list(store.records(info.id))
    assert [row[:2] for row in rows] == [[one.task_id, one.score] for one in kept[4:]]
    record = json.loads(ask(address, "e/e/record?run=2&position=5").text)
    assert record["rollouts"][0]["steps"][0][1] == kept[5].rollouts[0].trajectory.steps[0].observation.text
    query = "picture 0 of the"
    found = json.loads(ask(address, f"e/e/search?run=2&q={query.replace(' ', '+')}").text)
    assert found == [one.position for one in kept if query in one.rollouts[0].trajectory.query]
    for bad, status in (
        ("record?run=2&position=99", 404),
        ("record?run=99&position=0", 404),
        ("rows?run=x&start=0", 400),
        ("rows?run=0", 400),
    ):
        said = ask(address, f"e/e/{bad}")
        assert said.status == status
        assert "Traceback" not in said.text


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from rbsuite.cli import main; main()", "view", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", address)
        assert "There are no experiments here yet." in ask(address).text
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert error.splitlines()[-1] == "Stopped."
    assert "Traceback" not in error


def test_what_is_missing_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["view", str(tmp_path / "nowhere")]) == 2
    assert "nowhere cannot be read" in capsys.readouterr().err
    for name in [name for name in sys.modules if name.startswith("rbsuite.view.server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert run(["view", str(tmp_path)]) == 2
    assert "pip install 'rbsuite[view]'" in capsys.readouterr().err
