"""Leaving items out: what is planted is found, a task that is run again as it was comes to the same, and a stop costs nothing."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import rbsuite
from experiments import core_plugins, measure
from rbsuite.cli import run
from rbsuite.errors import StoreError
from rbsuite.experience import Experience, MemoryOp, Recall, RecallRequest
from rbsuite.memories.base import BankView
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.plugins import Plugins
from rbsuite.prompts import Prompts
from rbsuite.run.attribution import FILE_NAME, Journal, left_out, trials_of
from rbsuite.seeds import derive_seed
from rbsuite.specs import MemorySpec, ModelSpec
from rbsuite.task import Task
from rbsuite.trajectory import Usage
from toy import ToyPlugin

PLANTED = {
    "Look twice": ("Count once more before the answer is given.", 0.4),
    "Be brief": ("Short sentences please everybody who reads them.", 0.0),
    "Trust the first glance": ("Whatever seems right at once needs no second look.", -0.4),
}
"""Titles of items with their content, and by how much each changes the chance of success."""


class Planting:
    """Learns the planted items from the first task and recalls each for about half of the others."""

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        if view.list():
            return []
        return [MemoryOp.add(experience, content, title=title) for title, (content, _) in PLANTED.items()]

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        found = [item for item in view.list() if derive_seed(request.task_id, item.title) % 100 < 60]
        return Recall.of(found, "\n".join(f"{item.title}: {item.content}" for item in found))


class Swayed:
    """Knows the answer; whether it gives it is chance, which the planted items in its prompt change."""

    name = "swayed"

    def __init__(self, answer: str = "") -> None:
        self._answer = answer

    async def for_task(self, task: Task, environment: Any, opener: Any) -> Swayed:
        return Swayed(str(task.payload["answer"]))

    async def complete(self, request: ModelRequest) -> Completion:
        prompt = "\n".join(message.text for message in request.messages)
        chance = 0.5 + sum(change for content, change in PLANTED.values() if content in prompt)
        right = random.Random(request.session).random() < chance
        return Completion(self._answer if right else "There are none.", usage=Usage(1, len(prompt) // 4, 5, 0.001))

    async def aclose(self) -> None:
        pass


def plugins() -> Plugins:
    memory = MemorySpec("planting", "plants items", f"{__name__}:Planting")
    model = ModelSpec("test/swayed", "is swayed", f"{__name__}:Swayed", simulated=True)
    return core_plugins(ToyPlugin(memories=[memory], models=[model]))


OPTIONS: dict[str, Any] = {"memory": ("none", "planting"), "model": "test/swayed", "judge": "ground-truth", "orders": 3}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("attribution") / "e"
    rbsuite.evaluate("toy", plugins=plugins(), out=place, **OPTIONS).close()
    return place


def attribute(place: Path, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run(["attribute", str(place), *arguments], plugins()) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def test_what_is_planted_is_ranked_so(planted: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    journal = ("--journal", str(tmp_path / "j"))
    told = json.loads(attribute(planted, capsys, *journal, "--dry-run", "--json"))
    found = json.loads(attribute(planted, capsys, *journal, "--json"))
    items = [one for one in found["effects"] if one["kind"] == "item"]
    clusters = [one for one in found["effects"] if one["kind"] == "cluster"]
    assert [one["title"] for one in clusters] == list(PLANTED)
    for ranked in (items, clusters):
        groups: dict[str, list[float]] = {title: [] for title in PLANTED}
        for one in ranked:
            groups[one["title"]].append(one["with_minus_without"]["mean"])
        helpful, useless, harmful = groups.values()
        assert min(helpful) > 0
        assert set(useless) == {0}
        assert max(harmful) < 0
    helpful, useless, harmful = (one["with_minus_without"]["ci95"] for one in clusters)
    assert helpful[0] > 0
    assert useless[0] < 0 < useless[1]
    assert harmful[1] < 0
    assert helpful[0] < 0.4 < helpful[1]  # what was planted
    assert harmful[0] < -0.4 < harmful[1]
    # What was estimated is what it took: the model's calls are as long as they were, but for the item.
    assert told["left"] == told["trials"]
    assert found["spent"]["calls"] == told["estimate"]["calls"] == told["trials"]
    text = attribute(planted, capsys, *journal)
    assert "Look twice" in text
    assert "Simulated" in text


PARALLEL = {"scaling": ("parallel:2",), "selector": "majority", "stream": "batch:3", "speculate": "4"}


@pytest.mark.parametrize(
    ("memory", "options"),
    [
        ("reasoningbank", PARALLEL),
        ("reflexion", {"scaling": ("sequential:2",)}),
        *((name, {}) for name in ("ace", "remem", "random")),
    ],
)
def test_with_nothing_left_out_a_task_comes_to_the_same(memory: str, options: dict[str, Any], tmp_path: Path) -> None:
    with measure(tmp_path, memory=("none", memory), limit=8, **options) as store:
        condition = store.manifest.runs[1].condition
        found = left_out(store, condition, 3, 1)
    rbsuite.attribute(tmp_path, memory=memory, items=3, clusters=1, again=True, plugins=core_plugins(ToyPlugin()))
    journal = Journal(tmp_path / FILE_NAME)
    assert found
    for one in found:
        for trial, stored in zip(one.trials, one.stored, strict=True):
            control, without = journal.get(trial.control), journal.get(trial)
            assert control is not None
            assert without is not None
            assert control.score == stored
            assert set(trial.without) & set(control.recalled)
            assert not set(trial.without) & set(without.recalled)


def test_a_stop_costs_nothing(planted: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    few = ("--items", "3", "--clusters", "0", "--quiet")
    whole = attribute(planted, capsys, *few, "--journal", str(tmp_path / "whole"), "--json")
    part = tmp_path / "part"
    stopped = attribute(planted, capsys, *few, "--journal", str(part), "--max-calls", "10", code=3)
    assert stopped.count("\n") == 1
    assert "--max-calls is reached" in stopped
    assert "The same command continues." in stopped
    assert len(part.read_text().splitlines()) == 10
    part.write_bytes(part.read_bytes() + b'{"run": "pla')  # the power went
    assert json.loads(attribute(planted, capsys, *few, "--journal", str(part), "--json")) == json.loads(whole)
    before = part.read_bytes()
    attribute(planted, capsys, *few, "--journal", str(part), "--max-calls", "1")  # nothing is left to be run
    assert part.read_bytes() == before
    assert sorted(before.splitlines()) == sorted((tmp_path / "whole").read_bytes().splitlines())


def test_what_cannot_be_run_again_is_one_line(
    planted: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no items were recalled by none" in attribute(planted, capsys, "--memory", "none", code=2)
    assert "unknown memory or condition" in attribute(planted, capsys, "--memory", "nosuch", code=2)
    bad = tmp_path / "bad"
    bad.write_text("{}\n")
    assert "is damaged" in attribute(planted, capsys, "--journal", str(bad), code=2)
    source = Prompts.source
    monkeypatch.setattr(Prompts, "source", lambda self, name: (source(self, name)[0] + "x", source(self, name)[1]))
    text = attribute(planted, capsys, "--journal", str(tmp_path / "j"), code=2)
    assert "cannot be run again as it was: the prompt template" in text
    assert not (tmp_path / "j").exists()


def test_trials_of_items_and_clusters_are_made_once(planted: Path) -> None:
    with rbsuite.Experiment(planted) as experiment:
        condition = experiment.conditions[1]
        found = left_out(experiment.store, condition, 100, 100)
        # Each cluster has one item in each bank: leaving it out is what leaving that item out is.
        assert len(trials_of(found)) == sum(len(one.trials) for one in found if one.kind == "item")
        assert len(found) == 3 * 3 + 3


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_a_journal_is_a_regular_file(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / FILE_NAME)
    with pytest.raises(StoreError, match="cannot be a journal: not a regular file"):
        Journal(tmp_path / FILE_NAME)
