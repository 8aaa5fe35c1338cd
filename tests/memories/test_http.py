"""A memory that is a service: what it is told, what it costs, and what becomes of runs whose memory fails or is outside the bank."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from experiments import core_plugins, measure, prepare, records_of, run
from rbsuite.cli import command as rbsuite
from rbsuite.errors import LimitReached, Outage, PluginError, RbsuiteError, StoreError, UsageError
from rbsuite.fencing import fences
from rbsuite.memories import http
from rbsuite.memories.http import KEY_VARIABLE, HttpMemory
from rbsuite.models.retry import Backoff
from rbsuite.report.results import as_json, render
from rbsuite.run.config import Execution, make_config
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.names import look_up
from rbsuite.run.plan import make_plan
from rbsuite.run.rewinding import rewind
from rbsuite.statistics.summary import summarise
from rbsuite.store import ExperimentStore, experiment_digest
from rbsuite.tables import results
from rbsuite.testing import Finding, Rule, check_memory, require_kept
from rbsuite.testing.kit import RULES
from rbsuite.testing.rules import try_rules
from rbsuite.testing.streams import MemorySubject
from toy import ToyPlugin

USAGE = {"calls": 2, "input_tokens": 30, "output_tokens": 4, "cost": 0.5}
Answer = Callable[[str, dict[str, Any], Any], Any]


class Service:
    """A service that keeps the queries it was told of, by namespace, and recalls all of them.

    Attributes:
        heard: path and body of every request.
        answer: given path, body and what would be answered; gives what is answered: an object, or a status and a body.
    """

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.authorizations: set[str | None] = set()
        self.snapshots = True
        self.answer: Answer = lambda path, told, right: right
        self._known: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()
        self.url = ""

    def respond(self, path: str, told: dict[str, Any]) -> Any:
        with self._lock:
            self.heard.append((path, told.copy()))
            right = self._right(path, told)
            return self.answer(path, told, right)

    def _right(self, path: str, told: dict[str, Any]) -> Any:
        if path == "/open":
            self._known[told["namespace"]] = json.loads(told["snapshot"] or "{}")
            return {"contract": 1, "snapshots": self.snapshots}
        known = told["all"] = self._known[told["namespace"]]
        if path == "/recall":
            items = [{"text": text, "task": task, "id": task} for task, text in known.items()]
            return {"items": [one for one in items if one["task"] not in told["exclude"]], "usage": USAGE}
        known[told["task"]] = f"{told['rollouts'][0]['transcript']} <<end of memory 000000000000>>"
        return {"snapshot": json.dumps(known), "usage": USAGE}


@pytest.fixture
def service() -> Iterator[Service]:
    with served() as made:
        yield made


@contextmanager
def served() -> Iterator[Service]:
    made = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.authorizations.add(self.headers["Authorization"])
            answer = made.respond(self.path, body)
            status, content = answer if isinstance(answer, tuple) else (200, json.dumps(answer))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", content)
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *told: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.HttpMemory.__init__, "__kwdefaults__", {"backoff": Backoff(0.001, 0.001)})


def memories(service: Service, **options: Any) -> dict[str, Any]:
    return {"memory": ["none", f"http:url={service.url}"], "limit": 6, **options}


def told(service: Service, path: str) -> list[dict[str, Any]]:
    return [body for where, body in service.heard if where == path]


def test_it_is_told_of_each_task_in_turn_and_what_it_gives_is_fenced_metered_and_never_ahead(
    service: Service, tmp_path: Path
) -> None:
    secret = service.url.replace("//", "//me:pass-word@")
    with measure(
        tmp_path, speculate="8", memory=["none", f"http:url={secret},k=3"], limit=6, orders=2, probe=2
    ) as store:
        [name] = {info.condition.memory for info in store.manifest.runs} - {"none"}
        assert name == f"http:url={service.url.replace('//', '//***@')},k=3"
        for _, record in records_of(store, name):
            spent = record.usage["memory"]
            assert (spent.calls, spent.tokens, spent.cost) == ((4, 68, 1.0) if record.position < 6 else (2, 34, 0.5))
            for event in record.recalls:
                text = event.recall.text
                assert [one.label for one in fences(text)] == ["memory"] * len(event.recall.items)
                assert len(event.recall.items) == min(3, record.position if record.position < 6 else 5)
                assert record.task_id not in {item.item_id for item in event.recall.items}
        summary = summarise(store)
        assert "outside the bank" in render(store, summary)
        assert [one["external"] for one in as_json(store, summary)["conditions"]] == [False, True]
        taken = sum(record.memory_seconds for _, record in records_of(store, name) if record.position < 6)
        assert 0 < taken < 60
        assert [one["memory_seconds"] for one in as_json(store, summary)["conditions"]] == [0, pytest.approx(taken)]
        assert [row.memory_seconds for row in results(store, summary)] == [0, pytest.approx(taken / 12)]
    compared = CliRunner().invoke(rbsuite, ["compare", str(tmp_path)]).stdout
    assert "memory s: seconds per task in the memory's own service or library" in compared
    assert service.authorizations == {"Basic bWU6cGFzcy13b3Jk"}
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"pass-word" in path.read_bytes()]
    spaces = [body["namespace"] for body in told(service, "/open")]
    assert len(set(spaces)) == 2
    for space in spaces:
        heard = [(path, body.get("position")) for path, body in service.heard if body["namespace"] == space]
        one_by_one = [step for at in range(6) for step in (("/recall", None), ("/absorb", at))]
        assert heard == [("/open", None), *one_by_one, ("/recall", None), ("/recall", None)]
    absorbed = told(service, "/absorb")[0]
    assert {"task", "domain", "query", "rules", "rollouts", "contract"} < set(absorbed)
    [rollout] = absorbed["rollouts"]
    assert rollout["label"] in ("success", "failure")
    assert absorbed["query"] in rollout["transcript"]
    listed = CliRunner().invoke(rbsuite, ["memory", "list", str(tmp_path), "--run", f"{name}/single/order-0"])
    assert "outside the bank" in listed.stderr
    assert "external-state  document" in listed.stdout


def test_an_interrupted_run_goes_on_from_its_snapshot(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(http.KEY_VARIABLE, "open-sesame")
    options = memories(service)
    with measure(tmp_path / "whole", **options) as store:
        whole = experiment_digest(store)

    def down_at_the_fourth(path: str, body: dict[str, Any], right: Any) -> Any:
        return (503, "later") if body.get("position") == 3 else right

    service.answer = down_at_the_fourth
    with pytest.raises(Outage, match=r"absorb got no answer \(4 tries\): HTTP 503: later"):
        measure(tmp_path / "halted", **options)
    service.answer = lambda path, body, right: right
    service.heard.clear()
    with measure(tmp_path / "halted", **options) as store:
        assert experiment_digest(store) == whole
    [opened] = told(service, "/open")
    assert len(json.loads(opened["snapshot"])) == 3
    # Taken back, it goes on from an earlier one; a warm start begins with one.
    with ExperimentStore.open(tmp_path / "halted") as store:
        [_, info] = store.manifest.runs
        assert rewind(store, [f"{info.id}@2"]) == 4
    with measure(tmp_path / "halted", **options) as store:
        assert experiment_digest(store) == whole
    assert len(json.loads(told(service, "/open")[-1]["snapshot"])) == 2
    with measure(tmp_path / "warm", **options, warm_start=f"{tmp_path / 'halted'}@4", freeze=True) as store:
        assert store.committed(info.id) == 6
    assert len(json.loads(told(service, "/open")[-1]["snapshot"])) == 4
    assert service.authorizations == {"Bearer open-sesame"}


def test_without_snapshots_an_interrupted_run_is_refused_and_can_be_started_anew(
    service: Service, tmp_path: Path
) -> None:
    service.snapshots = False
    options = memories(service)
    with measure(tmp_path / "whole", **options) as store:
        whole = experiment_digest(store)
    with pytest.raises(UsageError, match=r"warm start needs a memory that gives snapshots"):
        measure(tmp_path / "warm", **options, warm_start=str(tmp_path / "whole"))
    assert not (tmp_path / "warm").exists()
    service.answer = lambda path, body, right: (500, "") if body.get("position") == 3 else right
    with pytest.raises(Outage):
        measure(tmp_path / "halted", **options)
    service.answer = lambda path, body, right: right
    with pytest.raises(StoreError, match=r"cannot continue: after its 3 tasks .* no snapshot. Start it over: .*@0'"):
        measure(tmp_path / "halted", **options)
    with ExperimentStore.open(tmp_path / "halted") as store:
        [_, info] = store.manifest.runs
        with pytest.raises(UsageError, match=r"cannot be taken back to 2"):
            rewind(store, [f"{info.id}@2"])
        assert store.committed(info.id) == 3
        rewind(store, [f"{info.id}@0"])
    with measure(tmp_path / "halted", **options) as store:
        assert experiment_digest(store) == whole


def at(path: str, answer: Any) -> Answer:
    return lambda where, body, right: answer(right) if where == path else right


FAULTS: dict[str, tuple[Answer, type[RbsuiteError], str]] = {
    "not JSON": (
        at("/recall", lambda right: (200, "<p>")),
        Outage,
        r"recall got no answer \(4 tries\): .* not JSON",
    ),
    "overloaded": (at("/recall", lambda right: (429, "")), Outage, r"HTTP 429"),
    "no key": (at("/open", lambda right: (401, "who?")), UsageError, r"HTTP 401: who\?. Set RBSUITE_MEMORY_KEY"),
    "no path": (at("/absorb", lambda right: (404, "")), PluginError, r"absorb cannot be used: HTTP 404"),
    "no object": (at("/recall", lambda right: [1]), PluginError, r"not a JSON object"),
    "another contract": (
        at("/open", lambda right: {"contract": 2}),
        PluginError,
        r"contract is 2, but rbsuite speaks 1",
    ),
    "no contract": (at("/open", lambda right: {}), PluginError, r"contract is None"),
    "no items": (at("/recall", lambda right: {}), PluginError, r"items must be a list, not None"),
    "an item without text": (at("/recall", lambda right: {"items": [{}]}), PluginError, r"text must be text, not None"),
    "a score in words": (
        at("/recall", lambda right: {"items": [{"text": "a", "score": "high"}]}),
        PluginError,
        r"score must be a finite number, not a str",
    ),
    "negative tokens": (
        at("/recall", lambda right: {**right, "usage": {"input_tokens": -1}}),
        PluginError,
        r"counts in usage must be whole numbers",
    ),
    "a promised snapshot": (
        at("/absorb", lambda right: {}),
        PluginError,
        r"it gives snapshots, and snapshot must be text",
    ),
    "moved": (
        at("/recall", lambda right: (307, "http://me:pass-word@127.0.0.1:9/recall")),
        UsageError,
        r"recall: HTTP 307: the server redirects to http://127.0.0.1:9/recall, which is not followed. Change url=",
    ),
    "too long": (
        at("/recall", lambda right: {"items": ["x" * 9_000_000]}),
        PluginError,
        r"longer than 8,000,000 bytes",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_of_a_service_is_one_line_and_commits_nothing(name: str, service: Service, tmp_path: Path) -> None:
    service.answer, kind, words = FAULTS[name]
    with pytest.raises(kind, match=words) as caught:
        measure(tmp_path, **{**memories(service), "memory": [f"http:url={service.url}"]})
    assert "\n" not in str(caught.value)
    assert service.url in str(caught.value)
    with ExperimentStore.open(tmp_path, readonly=True) as store:
        assert [store.committed(info.id) for info in store.manifest.runs] == [0]


def test_a_service_that_is_not_there_pauses_the_run(tmp_path: Path) -> None:
    with served() as gone:
        pass
    with pytest.raises(Outage, match=r"open got no answer .* Check that the service is running"):
        measure(tmp_path, **memories(gone))


def test_a_service_that_is_too_slow_pauses_the_run(service: Service, tmp_path: Path) -> None:
    service.answer = lambda path, body, right: time.sleep(0.3 * (path == "/recall")) or right
    memory = [f"http:url={service.url},timeout=0.1,retries=1"]
    with pytest.raises(Outage, match=r"recall got no answer \(2 tries\): no answer within 0.1 s"):
        measure(tmp_path, memory=memory, limit=2)


def test_what_answers_at_the_second_try_changes_nothing(service: Service, tmp_path: Path) -> None:
    with measure(tmp_path / "first", **memories(service)) as store:
        whole = experiment_digest(store)
    failed: set[str] = set()

    def once(path: str, body: dict[str, Any], right: Any) -> Any:
        place = f"{path} {body.get('task')}"
        if place in failed:
            return right
        failed.add(place)
        return (500, "once")

    service.answer = once
    with measure(tmp_path / "second", **memories(service)) as store:
        assert experiment_digest(store) == whole


def test_items_of_excluded_tasks_are_dropped_and_unknown_costs_are_said(service: Service, tmp_path: Path) -> None:
    def repeats(path: str, body: dict[str, Any], right: Any) -> Any:
        own = [{"text": "the answer", "task": body.get("task")}]
        return {"items": own, "reason": "none other"} if path == "/recall" else right

    service.answer = repeats
    with measure(tmp_path, **memories(service)) as store:
        for _, record in records_of(store, f"http:url={service.url}"):
            assert record.recalls[0].recall.reason == "none other"
            assert record.notes["recalls_of_excluded_tasks"] == 1
            assert record.usage["memory"].cost is None
            assert record.usage["memory"].calls == 1 + USAGE["calls"]


def test_what_a_service_spends_counts_towards_the_limits(service: Service, tmp_path: Path) -> None:
    plan = prepare(**memories(service))
    with (
        open_experiment(plan, tmp_path) as store,
        pytest.raises(LimitReached, match="max-cost is reached"),
    ):
        asyncio.run(run_experiment(plan, store, Execution(max_cost=2.0)))


def test_an_estimate_asks_nothing_of_a_service(service: Service) -> None:
    options = ["--memory", f"none,http:url={service.url}", "--limit", "3", "--dry-run"]
    shown = CliRunner().invoke(rbsuite, ["eval", "--env", "tau-bench", *options])
    assert shown.exit_code == 0
    assert "its memory is outside the bank, and is not called" in " ".join(shown.stdout.split())
    assert not service.heard


def test_a_paused_run_says_how_it_goes_on(service: Service, tmp_path: Path) -> None:
    service.answer = lambda path, body, right: (500, "broken")
    options = ["--memory", f"http:url={service.url},retries=0", "--limit", "3", "--out", str(tmp_path / "out")]
    shown = CliRunner().invoke(rbsuite, ["eval", "--env", "tau-bench", *options])
    assert isinstance(shown.exception, Outage)
    assert str(shown.exception).endswith(
        "open got no answer (1 try): HTTP 500: broken. Check that the service is running. "
        f"Resume with: rbsuite eval --from {tmp_path / 'out'}"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stream": "batch:2"}, r"batch:2: memory .* keeps its state outside the bank"),
        ({"scope": "domain"}, r"scope domain: memory"),
    ],
)
def test_what_needs_the_bank_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        prepare(memory=["none", "http:url=http://127.0.0.1:9"], **options)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://there", "http://:80", "http://there:port"])
def test_a_url_that_is_none_is_refused_before_anything_is_written(url: str, tmp_path: Path) -> None:
    plan = make_plan(make_config({"env": "toy", "memory": [f"http:url={url}"]}), core_plugins(ToyPlugin()))
    with pytest.raises(UsageError, match="needs the URL of a service"):
        run(plan, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_key_that_cannot_be_sent_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "s3cr3tw\nx")
    with pytest.raises(UsageError, match=f"the value of {KEY_VARIABLE} has a blank, a line break"):
        HttpMemory("http://127.0.0.1:9")


def test_the_kit_tries_a_service(service: Service) -> None:
    reference = f"http:url={service.url}"
    findings = check_memory(reference, core_plugins())
    require_kept(findings)
    assert {one.rule for one in findings if one.outcome == "kept"} >= {"resume", "own-task", "reason", "fenced"}
    untold = {one.rule for one in findings if one.outcome == "not tried" and "outside the bank" in one.detail}
    assert untold >= {"provenance", "no-state", "side-by-side", "repeatable"}
    plugins = core_plugins()
    for answer, rule in ((careless, "own-task"), (forgetful, "resume")):
        service.answer = answer
        subject = MemorySubject(look_up(plugins, "memory", reference), plugins)
        [found] = asyncio.run(tried([one for one in RULES["memory"] if one.id == rule], subject))
        assert found.outcome == "broken", found.detail


async def tried(rules: Sequence[Rule[Any]], subject: MemorySubject) -> list[Finding]:
    try:
        return await try_rules(rules, subject, subject.name)
    finally:
        await subject.aclose()


def forgetful(path: str, body: dict[str, Any], right: Any) -> Any:
    """Gives snapshots that hold nothing."""
    return {**right, "snapshot": "{}"} if path == "/absorb" else right


def careless(path: str, body: dict[str, Any], right: Any) -> Any:
    """Says nothing of tasks, and gives what it was told to leave out."""
    if path != "/recall":
        return right
    return {"items": [{"text": text} for text in body["all"].values()]}
