"""Worlds and episodes against what upstream was recorded to do: every observation, every state hash, every reward."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rbsuite.environments.base import PlainServices
from rbsuite.environments.users import STOP
from rbsuite.trajectory import Action
from rbsuite_tau_bench import Pack, World
from rbsuite_tau_bench.environment import TauBench

PACKS = os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[4] / "shared" / "packs"
ROOT = Path(PACKS) / "tau-bench"

pytestmark = pytest.mark.skipif(not (ROOT / "records").is_dir(), reason=f"no tau-bench pack with records in {ROOT}")


@pytest.fixture(scope="module")
def pack() -> Pack:
    return Pack(ROOT)


def records(name: str) -> Iterator[dict[str, Any]]:
    with (ROOT / "records" / f"{name}.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def comparable(observation: str) -> str:
    """Without what differs between Python versions: the wording of syntax errors and suggestions for argument names."""
    observation = re.sub(r"^Error: .*\(<string>, line \d+\)$", "Error: syntax", observation)
    return re.sub(r"\. Did you mean '.*'\?$", "", observation)


@pytest.mark.parametrize(
    ("domain", "hash_of_the_shipped_data"),
    [
        ("retail", "5a4b2cb59f4d12dea7e4adff24a7f8fada510ead49372ea4a729a82bbb5f49b5"),
        ("airline", "4587e6b48ad2b2c4f3e1fecb40aabec7bb2286513273b8f8cec3f5865222f290"),
    ],
)
def test_a_fresh_world_has_upstreams_hash(pack: Pack, domain: str, hash_of_the_shipped_data: str) -> None:
    assert World(domain, pack).state_hash() == hash_of_the_shipped_data


@pytest.mark.parametrize("domain", ["retail", "airline"])
def test_random_calls_give_the_recorded_observations_and_hashes(pack: Pack, domain: str) -> None:
    world, episode, hashes = World(domain, pack), None, 0
    for record in records(f"fuzz_{domain}"):
        if record["episode"] != episode:
            world, episode = World(domain, pack), record["episode"]
        observation = world.call(record["name"], record["kwargs"])
        assert comparable(observation) == comparable(record["observation"]), record["i"]
        if record.get("db_hash"):
            assert world.state_hash() == record["db_hash"], record["i"]
            hashes += 1
    assert hashes >= 20


@pytest.mark.parametrize("name", ["replay_retail_dev", "replay_retail_train", "replay_airline_test_even"])
def test_gold_actions_give_the_recorded_observations_end_states_and_rewards(pack: Pack, name: str) -> None:
    environment = TauBench()
    services = PlainServices(environment)
    for split in {record["split"] for record in records(name)}:
        tasks = environment.tasks(split, data=str(ROOT))
    for record in records(name):
        world = World(record["domain"], pack)
        task = tasks.by_id[f"{record['domain']}/{record['split']}/{record['task_id']}"]
        episode = environment.begin(task, seed=0, services=services)
        for words in ("Hello.", " ".join(record["outputs"]), "Go on."):
            episode.observation = episode.act(Action(words))
        for call in record["calls"]:
            observation = world.call(call["name"], call["kwargs"])
            assert comparable(observation) == comparable(call["observation"]), task.id
            episode.observation = episode.act(Action.call(call["name"], call["kwargs"]))
            assert episode.observation.text == observation, task.id
            assert (episode.observation.turn == "over") == call["done"], task.id
        if record["ended_by"] == "user_stop":
            for words in ("Done.", STOP):
                episode.observation = episode.act(Action(words))
        assert episode.grade("finished").score == record["reward"], task.id
        assert world.state_hash() == record["final_hash"], task.id
        assert (world.changes() == ()) == (record["final_hash"] == record["initial_hash"]), task.id


def test_known_quirks_give_the_recorded_observations_and_hashes(pack: Pack) -> None:
    raised = []
    for record in records("edge_cases"):
        world = World(record["domain"], pack)
        for call in record["calls"]:
            observation = world.call(call["name"], call["kwargs"])
            if "raised" in call:
                raised.append(call["name"])
                assert observation.startswith("Error: ")
            else:
                assert comparable(observation) == comparable(call["observation"]), record["case"]
            assert world.state_hash() == call["db_hash"], record["case"]
    assert raised == ["send_certificate"]


@pytest.mark.parametrize(("domain", "split"), [("retail", "test"), ("retail", "dev"), ("airline", "test")])
def test_gold_end_states_differ_by_changes_exactly_when_they_differ_by_hash(
    pack: Pack, domain: str, split: str
) -> None:
    by_hash: dict[str, set[object]] = {}
    for task in pack.tasks(domain, split):
        world = World(domain, pack)
        for action in task["actions"]:
            if action["name"] not in world.terminating:
                world.call(action["name"], action["kwargs"])
        by_hash.setdefault(world.state_hash(), set()).add(world.changes())
    assert all(len(changes) == 1 for changes in by_hash.values())
    assert len(set.union(*by_hash.values())) == len(by_hash)
