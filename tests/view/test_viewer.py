"""The viewer: it answers on its own address alone, only reads, follows an experiment that runs, and ends on Ctrl-C."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from browsers import look, requests, until
from experiments import SURE, core_plugins, measure, prepare
from experiments import run as run_plan
from rbsuite.cli import run
from rbsuite.run.directory import open_experiment
from rbsuite.store import ExperimentStore
from rbsuite.view.server import HOST, Viewer, serve
from toy import ToyPlugin

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


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "experiments"
    place.mkdir()
    return place


@pytest.fixture
def address(home: Path) -> Iterator[str]:
    """A viewer in a thread of its own."""
    listening = socket.socket()
    listening.bind((HOST, 0))
    loop = asyncio.new_event_loop()
    work = loop.create_task(serve(Viewer(home, TOKEN, core_plugins(ToyPlugin())), listening))

    def go_on() -> None:
        with closing(loop):
            try:
                loop.run_until_complete(work)
            except asyncio.CancelledError:
                loop.run_until_complete(loop.shutdown_default_executor())

    thread = threading.Thread(target=go_on)
    thread.start()
    yield f"http://{HOST}:{listening.getsockname()[1]}/{TOKEN}/"
    loop.call_soon_threadsafe(work.cancel)
    thread.join(30)
    assert not thread.is_alive()


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


def test_a_page_follows_an_experiment_that_runs(home: Path, address: str, browser: Any, capsys: Any) -> None:
    plan = prepare(ToyPlugin(), **OPTIONS, limit=8)
    open_experiment(plan, home / "live").close()
    look(browser)
    requests(browser)
    browser.get(f"{address}e/live/")
    until(lambda: "0 of 32 tasks" in browser.find_element("id", "state").text)
    run_plan(plan, home / "live").close()
    until(lambda: "32 of 32 tasks" in browser.find_element("id", "state").text)
    until(lambda: len(browser.find_elements("css selector", "#list tr.row")) == 16)
    sections = until(lambda: browser.find_elements("css selector", "#learning .chart"))
    assert sections
    capsys.readouterr()
    assert run(["compare", str(home / "live"), "--json"], core_plugins(ToyPlugin())) == 0
    printed = json.loads(capsys.readouterr().out)["comparisons"][0]["difference"]
    shown = "return document.querySelector('[data-from=\"/comparisons/0/difference\"]')?.textContent"
    until(lambda: browser.execute_script(shown) == f"{100 * printed:+.1f}")
    browser.execute_script("document.querySelector('#list tr.row').click()")
    until(lambda: browser.find_elements("css selector", "tr.details .steps"))
    browser.execute_script("document.getElementById('deep').checked = true")
    browser.execute_script(
        "const one = document.getElementById('find'); one.value = 'picture 1'; one.dispatchEvent(new Event('input'))"
    )
    until(lambda: "of 16 pairs" in (text := browser.find_element("id", "count").text) and not text.startswith("16"))
    assert {urlsplit(url).netloc for url in requests(browser) if not url.startswith("data:")} == {
        urlsplit(address).netloc
    }
    assert [one for one in browser.get_log("browser") if one["level"] == "SEVERE"] == []
    browser.get("about:blank")  # it asks no more


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from rbsuite.cli import main; main()", "view", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", address)
        assert "There is no experiment here yet." in ask(address).text
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
