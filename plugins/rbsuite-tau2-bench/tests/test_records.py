"""Worlds and episodes against what upstream was recorded to do: every observation, error flag, pair of hashes and reward."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rbsuite.environments.base import PlainServices
from rbsuite.environments.users import STOP
from rbsuite.trajectory import Action
from rbsuite_dialogue.differential.comparison import comparable
from rbsuite_tau2_bench import Pack, World
from rbsuite_tau2_bench.environment import Tau2Bench

PACKS = os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[4] / "shared" / "packs"
ROOT = Path(PACKS) / "tau2-bench"

pytestmark = pytest.mark.skipif(not (ROOT / "records").is_dir(), reason=f"no tau2-bench pack with records in {ROOT}")

DOMAINS = ["mock", "telecom", "retail", "airline"]


@pytest.fixture(scope="module")
def pack() -> Pack:
    return Pack(ROOT)


def records(name: str) -> Iterator[dict[str, Any]]:
    with (ROOT / "records" / f"{name}.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


@pytest.mark.parametrize("domain", DOMAINS)
def test_random_calls_give_the_recorded_observations_flags_and_hashes(pack: Pack, domain: str) -> None:
    world, hashes = None, 0
    for record in records(f"fuzz_{domain}"):
        if record.get("reset"):
            # Upstream's process shares one VPN; the episode of calls 500 to 599, which is not in the record, broke it.
            world = World(domain, pack, record["init_task"], worn_vpn=record["i"] >= 500)
        else:
            seen, failed = world.call(record["name"], record["arguments"], record["requestor"])
            expected = comparable(record["observation"]), record["error"]
            assert (comparable(seen), failed) == expected, record["i"]
        if "db_hash" in record:
            assert list(world.hashes()) == record["db_hash"], record["i"]
            hashes += 1
    assert hashes == 30


@pytest.mark.parametrize("domain", DOMAINS)
def test_reference_actions_give_the_recorded_observations_states_and_rewards(pack: Pack, domain: str) -> None:
    environment = Tau2Bench()
    services = PlainServices(environment)
    small = environment.tasks("small", data=str(ROOT)).by_id if domain == "telecom" else {}
    tasks = {**environment.tasks("base", domain=domain, data=str(ROOT)).by_id, **small}
    for record in records(f"replay_{domain}"):
        where = record["task_id"]
        world = World(domain, pack, where)
        assert dict(zip(("agent", "user"), world.hashes(), strict=True)) == record["initial_hash"], where
        split = "base" if f"{domain}/base/{where}" in tasks else "small"
        episode = environment.begin(tasks[f"{domain}/{split}/{where}"], seed=0, services=services)
        episode.observation = episode.act(Action("Hello."))
        for call in record["calls"]:
            expected = comparable(call["observation"]), call["error"]
            seen, failed = world.call(call["name"], call["arguments"], call["requestor"])
            assert (comparable(seen), failed) == expected, where
            side = "user" if call["requestor"] == "user" else "agent"
            if episode.observation.turn != side:
                episode.observation = episode.act(Action("Go on."))
            episode.observation = episode.act(Action.call(call["name"], call["arguments"]))
            assert (episode.observation.text, episode.observation.turn) == (seen, side), where
        assert dict(zip(("agent", "user"), world.hashes(), strict=True)) == record["final_hash"], where
        if episode.observation.turn == "user":
            episode.observation = episode.act(Action("Thanks."))
        for words in (" ".join(record["communicate_info"]) or "Done.", STOP):
            episode.observation = episode.act(Action(words))
        grade = episode.grade("finished")
        components = {name: grade.truth[name] for name in ("db", "action", "communicate", "env_assertions")}
        assert components == {
            "db": float(record["db_match"]),
            "action": record["action_reward"],
            "communicate": record["communicate_reward"],
            "env_assertions": record["env_assertions_met"],
        }, where
        assert grade.score == record["reward_without_nl"], where


def test_replayed_references_and_doing_nothing_come_to_the_known_figures(capsys: pytest.CaptureFixture[str]) -> None:
    from rbsuite.cli import run

    figures = {"retail": (114, 114, 11), "airline": (50, 50, 23), "telecom": (114, 114, 0), "mock": (8, 10, 1)}
    assert run(["verify", "--env", "tau2-bench", "--split", "base", "--data", str(ROOT)]) == 0
    shown = capsys.readouterr().out
    for domain, (solved, tasks, floor) in figures.items():
        assert f"{domain}: references {solved}/{tasks}, doing nothing {floor}/{tasks}" in shown
    assert "it has no reference actions" in shown
    assert "its reference leaves out what the user does" in shown
    assert run(["verify", "--env", "tau2-bench", "--split", "small", "--data", str(ROOT)]) == 0
    assert run(["verify", "--env", "tau2-bench:solo=true", "--split", "base", "--data", str(ROOT)]) == 0
    shown = capsys.readouterr().out
    assert "telecom: references 114/114" in shown
    assert "it checks what is said, and an agent without a user says nothing" in shown


def test_nothing_of_the_sample_is_upstreams_text() -> None:
    sample = Path(__file__).parents[1] / "rbsuite_tau2_bench" / "sample"
    theirs = runs(" ".join(file.read_text() for file in sorted(ROOT.glob("*/*.md"))))
    theirs |= {run for file in ROOT.glob("*/tools.json") for run in runs(" ".join(texts(json.loads(file.read_text()))))}
    ours = [*sample.glob("*/*.md"), *sample.glob("*/tools.json")]
    assert len(ours) == 13
    for file in ours:
        text = file.read_text() if file.suffix == ".md" else " ".join(texts(json.loads(file.read_text())))
        assert not runs(text) & theirs, file


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from [one] if key == "description" and isinstance(one, str) else texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


def runs(text: str) -> set[tuple[str, ...]]:
    """The runs of eight words in a text."""
    words = [word.strip(".,:;()'\"`*#|-").lower() for word in text.split()]
    words = [word for word in words if word]
    return {tuple(words[place : place + 8]) for place in range(len(words) - 7)}
