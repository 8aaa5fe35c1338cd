"""mem0 as a memory of rbsuite. Skipped where it is not installed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import rbsuite
from rbsuite.fencing import fences
from rbsuite.memories.bank import Bank
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.prompts import Prompts
from rbsuite.retrieval.hashing import HashEmbedder
from rbsuite.testing import check_plugin, require_kept
from rbsuite.testing.practice import PracticeView, experience, tasks

if not find_spec("mem0"):
    pytest.skip("mem0 is not installed (uv run --group mem0 pytest plugins/rbsuite-mem0)", allow_module_level=True)

OPTIONS: dict[str, Any] = {"memory": ["none", "mem0", "reasoningbank"], "limit": 10, "orders": 1}


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rbsuite.Experiment]:
    with rbsuite.evaluate("tau-bench", out=tmp_path_factory.mktemp("mem0") / "out", **OPTIONS) as done:
        yield done


def prompts() -> Prompts:
    return Prompts([Path(str(import_module("rbsuite_mem0").__file__)).with_name("prompts")])


def view(answer: str | None) -> tuple[PracticeView, list[ModelRequest], list[str]]:
    """What the memory may use on the first practice task; ``None``: the model never answers."""
    requests: list[ModelRequest] = []
    counted: list[str] = []

    async def reply(request: ModelRequest) -> Completion:
        requests.append(request)
        if answer is None:
            await asyncio.Event().wait()
        return Completion(str(answer))

    made = PracticeView(Bank(HashEmbedder(512)), tasks().tasks[0], prompts(), 1, reply)
    made.count = counted.append  # type: ignore[method-assign]
    return made, requests, counted


def mem0(**options: Any) -> rbsuite.Memory:
    return import_module("rbsuite_mem0.memory").Mem0(**options)  # type: ignore[no-any-return]


def test_the_plugin_keeps_every_rule_that_applies_and_all_do() -> None:
    findings = check_plugin("mem0")
    require_kept(findings)
    assert {one.outcome for one in findings} == {"kept"}


def test_it_learns_through_our_model_and_helps(experiment: rbsuite.Experiment) -> None:
    off, on, _ = experiment.summary().conditions
    assert on.success.mean > off.success.mean
    assert on.recalled > 0.5
    assert on.usage["memory"].calls == 10
    assert on.memory_seconds > 0 == off.memory_seconds
    for run in experiment.runs:
        for record in experiment.records(run.id):
            for op in record.ops:
                assert (op.provenance.task_id, op.provenance.position) == (record.task_id, record.position)


def test_running_ahead_and_running_again_change_nothing(experiment: rbsuite.Experiment, tmp_path: Path) -> None:
    for speculate in ("off", "6"):
        with rbsuite.evaluate(
            "tau-bench", out=tmp_path / speculate, execution=rbsuite.Execution(speculate=speculate), **OPTIONS
        ) as again:
            assert again.digest == experiment.digest


def test_its_models_prompt_is_mem0s_with_the_material_in_a_fence_and_no_date() -> None:
    given, requests, counted = view(
        'Here it is:\n```json\n{"memory": [{"id": "0", "text": "Look twice."}, "x", {"text": 3}]}\n```'
    )
    ops = asyncio.run(mem0().absorb(experience(0), given))
    assert [op.item.content for op in ops if op.item is not None] == [
        "Look twice."
    ]  # of both rollouts: the second is a repetition
    assert ops[0].provenance.rollouts == (0,)
    assert counted.count("extraction_dropped") == 2 * len(requests)
    system, material = (message.text for message in requests[0].messages)
    assert "Memory Extractor" in system
    assert "What to look for" in system
    [fenced] = fences(material)
    assert (fenced.start, fenced.end) == (0, len(material))
    assert experience(0).query in fenced.text
    assert "Outcome: success" in fenced.text
    assert "## Current Date\nnot known" in fenced.text


def test_a_conversation_leaves_nothing_behind_but_its_facts() -> None:
    given, requests, _ = view('{"memory": []}')
    memory = mem0()
    for number in (0, 1):
        asyncio.run(memory.absorb(experience(number), given))
        assert experience(number).query in requests[-1].messages[1].text
    assert experience(0).query not in requests[-1].messages[1].text


def test_a_reply_that_cannot_be_read_is_counted() -> None:
    given, requests, counted = view('{"memory": [{"id": "0", "te')
    assert not asyncio.run(mem0(guided=False).absorb(experience(0), given))
    assert counted == ["extraction_malformed"] * 2
    assert "What to look for" not in requests[0].messages[0].text


@pytest.mark.parametrize(
    ("reply", "learned"),
    [
        ('{"memory": []}\n```\n{"memory": [{"text": "x"}]}\n```', []),
        ('{"memory": []}\n> {"memory": [{"text": "x"}]}', []),
        ('<think>{"memory": [{"text": "x"}]}', []),
        ('{"memory": []}\n{"memory": [{"text": "x"}]}', []),
        ('> {"memory": [{"text": "x"}]}', ["x"]),
        ('{"memory": [{"text": "x"}]}\n{"memory": [{"text": "x"}]}', ["x"]),
    ],
)
def test_facts_that_are_quoted_or_contradicted_are_not_learned(reply: str, learned: list[str]) -> None:
    given, _, _ = view(reply)
    ops = asyncio.run(mem0().absorb(experience(0), given))
    assert [op.item.content for op in ops if op.item is not None] == learned


def test_a_call_that_is_cut_off_leaves_no_thread_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("rbsuite_mem0.product"), "THREADS", ThreadPoolExecutor(1))
    given, requests, _ = view(None)
    memory = mem0()

    async def cut_off() -> None:
        call = asyncio.create_task(memory.absorb(experience(0), given))  # type: ignore[arg-type]
        while not requests:
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        answering, _, _ = view('{"memory": [{"id": "0", "text": "Look twice."}]}')
        assert len(await memory.absorb(experience(0), answering)) == 1

    asyncio.run(asyncio.wait_for(cut_off(), 60))


def test_texts_without_features_are_harmless() -> None:
    given, _, _ = view('{"memory": [{"id": "0", "text": "!!!"}]}')
    memory = mem0(threshold=0.0)
    [op] = asyncio.run(memory.absorb(experience(1), given))[:1]
    bank = Bank(HashEmbedder(512))
    asyncio.run(bank.apply(1, [op]))
    known = PracticeView(bank, tasks().tasks[1], prompts(), 1)
    for query in ("Where is it?", "???", " "):
        recall = asyncio.run(memory.recall(rbsuite.RecallRequest("parcel-0", "north", query), known))
        assert recall.text == "" or "!!!" in recall.text


QUIET = """
import os, sys

reached = []

def hook(event, arguments):
    if event == "socket.connect":
        reached.append(arguments[1])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        reached.append(arguments[0])

sys.addaudithook(hook)
import rbsuite

with rbsuite.evaluate("tau-bench", memory=["mem0"], limit=4, orders=1, out=sys.argv[1]) as done:
    assert done.complete
import mem0.memory.telemetry
assert mem0.memory.telemetry.client_telemetry.posthog is None
outside = [place for place in reached if place[0] not in ("127.0.0.1", "::1") and place not in ("127.0.0.1", "localhost")]
print(len(reached), outside, sorted(os.listdir(os.environ["HOME"])))
"""


def test_it_reaches_nobody_and_writes_nothing_to_the_home_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("MEM0_TELEMETRY", "MEM0_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    done = subprocess.run(
        [sys.executable, "-c", QUIET, str(tmp_path / "out")], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(maxsplit=1)[1].strip() == "[] []"
    assert done.stderr == ""
