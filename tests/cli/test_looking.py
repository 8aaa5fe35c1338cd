"""Looking closer from the terminal: one task side by side, tasks won and lost, two experiments, small curves."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments import core_plugins, measure
from rbsuite.cli import run
from rbsuite.report.sparks import BARS
from rbsuite.statistics.summary import summarise
from rbsuite.store import ExperimentStore
from toy import ToyPlugin


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("looking")
    measure(place / "e", memory=("none", "reasoningbank"), orders=2).close()
    measure(place / "other", memory=("none", "reasoningbank:k=2"), orders=2).close()
    return place


@pytest.fixture
def shown(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.chdir(place)

    def shown(arguments: Sequence[str]) -> str:
        assert run(list(arguments), core_plugins(ToyPlugin())) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return shown


def test_flips_are_the_differences_that_compare_averages(place: Path, shown: Any) -> None:
    text = shown(["compare", "e", "--flips"])
    [listed] = json.loads(shown(["compare", "e", "--flips", "--json"]))["flips"]
    with ExperimentStore.open(place / "e", readonly=True) as store:
        [comparison] = summarise(store).comparisons
    total = sum(flip["difference"] for flip in listed["flips"]) / listed["tasks"]
    assert total == pytest.approx(comparison.difference.mean)
    won = sum(flip["difference"] > 0 for flip in listed["flips"])
    assert f"{won} tasks won, {len(listed['flips']) - won} lost" in text


def test_show_says_why_memory_helped(shown: Any) -> None:
    [listed] = json.loads(shown(["compare", "e", "--flips", "--json"]))["flips"]
    task = listed["flips"][0]["task"]
    text, document = shown(["show", "e", task, "--against", "none"]), json.loads(shown(["show", "e", task, "--json"]))
    memory, control = document["sides"]
    assert (memory["condition"]["memory"], control["condition"]["memory"]) == ("reasoningbank", "none")
    assert memory["record"]["rollouts"][0]["trajectory"]["grade"]["score"] == 1
    recalled = [found for event in memory["record"]["recalls"] for found in event["recall"]["items"]]
    assert all(f"{found['score']:.3f}  {found['item_id']}" in text for found in recalled)
    # The prompt that was sent holds what was recalled, at the place that is named; the control's holds none.
    index, at = memory["prompt"]["memory_at"]
    sent = memory["prompt"]["messages"][index]["content"]
    assert sent[at:].startswith(memory["record"]["recalls"][0]["recall"]["text"])
    assert control["prompt"]["memory_at"] is None
    assert f"is in message {index + 1}, from character {at + 1}" in text
    assert "does: There are none." in text
    rollouts = [side["record"]["rollouts"][0] for side in document["sides"]]
    right = [(one["verdict"]["label"] == "success") == one["trajectory"]["grade"]["score"] for one in rollouts]
    assert (text.count("(right)"), text.count("(wrong)")) == (sum(right), 2 - sum(right))


def test_the_prompt_is_that_which_the_model_got(place: Path) -> None:
    """What is made again from the store is what an observer of the calls would have seen: the tokens agree with those that were counted."""
    import asyncio

    from rbsuite.run.prompt_sent import prompt_sent

    plugins = core_plugins(ToyPlugin())
    with ExperimentStore.open(place / "e", readonly=True) as store:
        for info in store.manifest.runs:
            for record in store.records(info.id):
                prompt = asyncio.run(prompt_sent(store, info, record, 0, plugins))
                assert prompt is not None
                assert prompt.changed == ()
                tokens = sum(len(message.text) for message in prompt.messages) / 4
                assert record.rollouts[0].usage["agent"].input_tokens == pytest.approx(tokens, abs=2)


def test_diff_names_what_differs_and_pairs_the_outcomes(shown: Any) -> None:
    text, document = shown(["diff", "e", "other"]), json.loads(shown(["diff", "e", "other", "--json"]))
    assert set(document["differences"]) == {"memory"}
    none, memory = document["conditions"]
    assert none["paired"]["difference"] == 0
    assert memory["b"]["memory"] == "reasoningbank:k=2"
    assert memory["paired"]["difference"] == pytest.approx(memory["b_mean"] - memory["a_mean"])
    assert "B - A, paired" in text


def test_diff_of_other_tasks_says_what_memory_brought_in_both(shown: Any, place: Path) -> None:
    measure(place / "fewer", memory=("none", "reasoningbank"), orders=2, limit=9).close()
    text, document = shown(["diff", "e", "fewer"]), json.loads(shown(["diff", "e", "fewer", "--json"]))
    tasks = document["tasks"]
    assert 1 < tasks["both"] == tasks["b"] < tasks["a"]
    assert "Gain from memory" in text
    assert document["not_paired_because"].startswith("task set")
    with (
        ExperimentStore.open(place / "e", readonly=True) as a,
        ExperimentStore.open(place / "fewer", readonly=True) as b,
    ):
        sides = zip(summarise(a).conditions, summarise(b).conditions, document["over_tasks"], strict=True)
        for ours, theirs, found in sides:
            both = ours.scores.keys() & theirs.scores.keys()
            mean = sum(theirs.scores[task] - ours.scores[task] for task in both) / len(both)
            assert found["difference"]["mean"] == pytest.approx(mean)
            assert found["tasks_of_both"] == len(both) == tasks["both"]
    (gain,) = document["gains"]
    assert gain["difference"]["mean"] == pytest.approx(gain["b"]["difference"] - gain["a"]["difference"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "e", "apples/99"], "unknown task of e 'apples/99'. Did you mean"),
        (["show", "e", "apples/0", "--memory", "awm"], "unknown --memory"),
        (["show", "e", "apples/0", "--order", "7"], "not committed in order 7"),
        (["show", "e", "apples/0", "--rollout", "3"], "has 1 rollouts"),
        (["diff", "e", "e"], "named twice"),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    place: Path, arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    assert run(arguments, core_plugins(ToyPlugin())) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert words in captured.err


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_curves_are_drawn_on_a_terminal_that_can(place: Path, encoding: str) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from rbsuite.cli import main; main(['compare', 'e'])"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "90"}
    done = subprocess.Popen(command, cwd=place, stdout=theirs, stderr=subprocess.PIPE, env=environment)
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 65536):
            written += piece
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert done.wait(60) == 0
    done.stderr.close() if done.stderr else None
    drawn = any(bar in written.decode() for bar in BARS)
    assert drawn == (encoding == "utf-8")
