"""Worlds as their users see them: calls, end states, forks. On this project's own sample data."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

import rbsuite_tau_bench
from rbsuite.errors import UnknownNameError
from rbsuite_dialogue.values import MAX_NESTING
from rbsuite_tau_bench import Pack, World
from rbsuite_tau_bench.differential.calls import Call, CallMaker
from rbsuite_tau_bench.world import DEVIATIONS

SAMPLE = Pack(Path(rbsuite_tau_bench.__file__).parent / "sample")
DOMAINS = ["retail", "airline"]
domains = pytest.mark.parametrize("domain", DOMAINS)


@dataclass(frozen=True, eq=False)
class Pair:
    """A forked world, a world that was never forked, and the calls that both have made."""

    forked: World
    alone: World
    calls: list[Call]


def played(domain: str, seed: int, count: int) -> tuple[World, list[Call], list[str]]:
    """A world after random calls, with the calls and what they gave."""
    world, maker = World(domain, SAMPLE), CallMaker(domain, SAMPLE.database(domain), seed)
    calls, observations = [], []
    for _ in range(count):
        calls.append(json.loads(json.dumps(maker.call(world))))
        observations.append(world.call(*calls[-1]))
    return world, calls, observations


# --- what a world says of itself ------------------------------------------------------------------------------------------


def test_tools_and_their_kinds() -> None:
    retail, airline = World("retail", SAMPLE), World("airline", SAMPLE)
    assert (len(retail.tool_names), len(airline.tool_names)) == (16, 14)
    assert retail.terminating == airline.terminating == {"transfer_to_human_agents"}
    assert "cancel_pending_order" in retail.writes
    assert "get_order_details" not in retail.writes
    assert airline.kinds["think"] == "none"
    assert airline.kinds["search_direct_flight"] == "read"
    assert set(airline.kinds) == set(airline.tool_names)


@domains
def test_tools_are_those_of_the_schemas_with_their_parameters(domain: str) -> None:
    world = World(domain, SAMPLE)
    schemas = [tool["function"] for tool in SAMPLE.tools(domain)]
    assert tuple(schema["name"] for schema in schemas) == world.tool_names
    for schema in schemas:
        parameters = schema["parameters"]["required"]
        observation = world.call(schema["name"], {})
        assert all(f"'{parameter}'" in observation for parameter in parameters), observation
        assert ("missing" in observation) == bool(parameters)


def test_unknown_domains_and_fidelities_are_errors() -> None:
    with pytest.raises(UnknownNameError, match="telecom"):
        World("telecom", SAMPLE)
    with pytest.raises(UnknownNameError, match="upstream"):
        World("retail", SAMPLE, fidelity="perfect")


def test_a_path_is_as_good_as_a_pack() -> None:
    assert World("retail", SAMPLE.path).state_hash() == World("retail", SAMPLE).state_hash()


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys; from rbsuite_tau_bench import World, Pack; "
        "print([name for name in ('gymnasium', 'numpy', 'litellm', 'scipy') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "[]"


# --- calls ----------------------------------------------------------------------------------------------------------------


@domains
@pytest.mark.parametrize("name", ["", "respond", "Think", None, ["think"]])
def test_an_unknown_tool_is_an_observation(domain: str, name: Any) -> None:
    assert World(domain, SAMPLE).call(name, {}) == f"Unknown action {name}"


@pytest.mark.parametrize(
    ("arguments", "observation"),
    [
        ({}, "Error: Think.invoke() missing 1 required positional argument: 'thought'"),
        ({"thought": "a", "x": 1}, "Error: Think.invoke() got an unexpected keyword argument 'x'"),
        (
            {"data": 1},
            "Error: tau_bench.envs.retail.tools.think.Think.invoke() got multiple values for keyword argument 'data'",
        ),
        ({1: 2}, "Error: keywords must be strings"),
        (
            [1],
            "Error: tau_bench.envs.retail.tools.think.Think.invoke() argument after ** must be a mapping, not list",
        ),
        (
            None,
            "Error: tau_bench.envs.retail.tools.think.Think.invoke() argument after ** must be a mapping, not NoneType",
        ),
    ],
)
def test_arguments_that_do_not_fit_give_pythons_texts(arguments: Any, observation: str) -> None:
    assert World("retail", SAMPLE).call("think", arguments) == observation


def test_missing_arguments_are_named_in_order() -> None:
    assert World("retail", SAMPLE).call("modify_user_address", {"zip": "1", "user_id": "u", "city": "c"}) == (
        "Error: ModifyUserAddress.invoke() missing 4 required positional arguments: "
        "'address1', 'address2', 'state', and 'country'"
    )


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "thought",
    [{1, 2}, {1: 2}, b"x", object(), deep(MAX_NESTING + 1), deep(100_000), 10**5000],
    ids=["set", "number as key", "bytes", "object", "too deep", "far too deep", "huge"],
)
def test_arguments_beyond_json_are_refused_and_flagged(thought: Any) -> None:
    world = World("retail", SAMPLE)
    assert world.call("think", {"thought": thought}).startswith("Error: ")
    assert world.deviations == {"refused-arguments"}
    while isinstance(thought, dict) and "a" in thought:  # take it apart: Python would recurse to free it
        thought = thought.pop("a")


@given(
    domain=st.sampled_from(DOMAINS),
    data=st.data(),
    arguments=st.dictionaries(
        st.text(max_size=2),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
        ),
        max_size=3,
    ),
)
def test_no_arguments_break_a_world(domain: str, data: st.DataObject, arguments: dict[str, Any]) -> None:
    world = World(domain, SAMPLE)
    name = data.draw(st.sampled_from(world.tool_names))
    schemas = {tool["function"]["name"]: tool["function"]["parameters"] for tool in SAMPLE.tools(domain)}
    values = list(arguments.values())
    fitting = dict(zip(schemas[name]["required"], values + [None] * 12, strict=False))
    assert isinstance(world.call(name, fitting), str)
    assert isinstance(world.call(name, arguments), str)
    assert len(world.state_hash()) == 64


@domains
def test_neither_side_changes_the_others_arguments(domain: str) -> None:
    world, maker = World(domain, SAMPLE), CallMaker(domain, SAMPLE.database(domain), 5)
    kept = []
    for _ in range(300):
        name, arguments = maker.call(world)
        kept.append((arguments, json.dumps(arguments)))
        world.call(name, arguments)
    assert all(json.dumps(arguments) == text for arguments, text in kept)
    before = world.state_hash()
    for arguments, _ in kept:
        for value in arguments.values():
            if isinstance(value, list | dict):
                value.clear()
    assert world.state_hash() == before


# --- states ---------------------------------------------------------------------------------------------------------------


@domains
@pytest.mark.parametrize("seed", range(4))
def test_the_same_calls_give_the_same_observations_and_state(domain: str, seed: int) -> None:
    world, calls, observations = played(domain, seed, 150)
    again = World(domain, SAMPLE)
    assert [again.call(*call) for call in calls] == observations
    assert again.changes() == world.changes() != ()
    assert again.state_hash() == world.state_hash()


@domains
def test_a_world_changes_only_by_writes(domain: str) -> None:
    world, maker = World(domain, SAMPLE), CallMaker(domain, SAMPLE.database(domain), 9)
    changed = set()
    for _ in range(400):
        name, arguments = maker.call(world)
        before = world.changes()
        world.call(name, arguments)
        if world.changes() != before:
            changed.add(name)
    assert changed == world.writes


@domains
def test_worlds_over_one_pack_do_not_see_each_other(domain: str) -> None:
    fresh = World(domain, SAMPLE).state_hash()
    assert played(domain, 3, 200)[0].state_hash() != fresh
    assert World(domain, SAMPLE).state_hash() == fresh
    assert World(domain, Pack(SAMPLE.path)).state_hash() == fresh


@domains
def test_changes_tell_apart_what_the_hash_tells_apart(domain: str) -> None:
    by_hash: dict[str, set[object]] = {}
    for seed in range(6):
        world, maker = World(domain, SAMPLE), CallMaker(domain, SAMPLE.database(domain), seed)
        for _ in range(40):
            by_hash.setdefault(world.state_hash(), set()).add(world.changes())
            world.call(*maker.call(world))
    assert all(len(changes) == 1 for changes in by_hash.values())
    assert len(set.union(*by_hash.values())) == len(by_hash) > 20


def test_a_record_changed_back_counts_as_unchanged() -> None:
    world = World("retail", SAMPLE)
    fresh = world.state_hash()
    user_id = next(iter(SAMPLE.database("retail").tables["users"]))
    address = json.loads(world.call("get_user_details", {"user_id": user_id}))["address"]
    world.call("modify_user_address", {"user_id": user_id, **address, "city": "Elsewhere"})
    assert [(table, key) for table, key, _ in world.changes()] == [("users", user_id)]
    assert world.state_hash() != fresh
    world.call("modify_user_address", {"user_id": user_id, **address})
    assert world.changes() == ()
    assert world.state_hash() == fresh


class Forks(RuleBasedStateMachine):
    """Worlds forked from each other, each beside a world that made the same calls with no fork at all."""

    worlds = Bundle("worlds")

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[Pair] = []
        self.shipped = [World(domain, SAMPLE).state_hash() for domain in DOMAINS]

    @initialize(target=worlds, domain=st.sampled_from(DOMAINS))
    def start(self, domain: str) -> Pair:
        self.pairs.append(Pair(World(domain, SAMPLE), World(domain, SAMPLE), []))
        return self.pairs[-1]

    @rule(target=worlds, pair=worlds)
    def fork(self, pair: Pair) -> Pair:
        alone = World(pair.alone.domain, SAMPLE)
        for call in pair.calls:
            alone.call(*call)
        self.pairs.append(Pair(pair.forked.fork(), alone, list(pair.calls)))
        return self.pairs[-1]

    @rule(pair=worlds, seed=st.integers(0, 10_000), count=st.integers(1, 6))
    def play(self, pair: Pair, seed: int, count: int) -> None:
        maker = CallMaker(pair.alone.domain, SAMPLE.database(pair.alone.domain), seed)
        for _ in range(count):
            call = json.loads(json.dumps(maker.call(pair.alone)))
            pair.calls.append(call)
            assert pair.forked.call(*call) == pair.alone.call(*call)

    @invariant()
    def every_world_is_in_the_state_of_its_own_calls(self) -> None:
        for pair in self.pairs:
            assert pair.forked.changes() == pair.alone.changes()
            assert pair.forked.deviations == pair.alone.deviations

    def teardown(self) -> None:
        assert [World(domain, SAMPLE).state_hash() for domain in DOMAINS] == self.shipped


TestForks = Forks.TestCase
TestForks.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)


# --- deviations -----------------------------------------------------------------------------------------------------------


def test_deviations_are_flagged_when_they_take_effect_and_survive_a_fork() -> None:
    world = World("airline", SAMPLE)
    user_id = next(iter(SAMPLE.database("airline").tables["users"]))
    world.call("calculate", {"expression": "2**10"})
    for _ in range(3):
        assert world.call("send_certificate", {"user_id": user_id, "amount": 50}).startswith("Certificate ")
    assert world.deviations == frozenset()
    before = world.state_hash()
    assert world.call("send_certificate", {"user_id": user_id, "amount": 50}).startswith("Error: ")
    assert world.state_hash() == before
    assert world.deviations == {"fourth-certificate"}
    twin = world.fork()
    assert twin.call("calculate", {"expression": "9**9**9"}).startswith("Error: ")
    assert twin.deviations == {"fourth-certificate", "bounded-calculator"}
    assert world.deviations == {"fourth-certificate"}
    assert twin.deviations <= set(DEVIATIONS)


def test_a_booking_whose_history_grows_is_flagged() -> None:
    world = World("airline", SAMPLE)
    user_id = next(iter(SAMPLE.database("airline").tables["users"]))
    booking = dict.fromkeys(("origin", "destination", "flight_type", "cabin", "insurance"), "no")
    empty: dict[str, Any] = {"flights": [], "passengers": [], "payment_methods": []}
    arguments = {"user_id": user_id, **booking, **empty, "total_baggages": 0, "nonfree_baggages": 0}
    assert json.loads(world.call("book_reservation", arguments))["reservation_id"] == "HATHAT"
    assert world.deviations == frozenset()
    world.call("cancel_reservation", {"reservation_id": "HATHAT"})
    assert world.deviations == {"copied-arguments"}
    assert arguments["payment_methods"] == []
