"""Whatever a record holds comes back equal (property tests), and no field of a record is forgotten."""

from __future__ import annotations

import json
import math
import tempfile
from dataclasses import fields, replace
from datetime import date
from enum import Enum
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rbsuite.errors import StoreError
from rbsuite.experience import MemoryItem, MemoryOp, Provenance, Recall, Recalled
from rbsuite.jsonable import canonical
from rbsuite.oplog import GENESIS, chain
from rbsuite.record import Condition, Manifest, RecallEvent, RolloutRecord, RunInfo, TaskRecord, commit_id_of
from rbsuite.store import ExperimentStore, experiment_digest
from rbsuite.store.codec import dumps, pack, unpack
from rbsuite.trajectory import (
    END_REASONS,
    Action,
    Grade,
    Image,
    Message,
    Observation,
    Step,
    ToolCall,
    ToolResult,
    ToolSpec,
    Trajectory,
    Usage,
)
from rbsuite.verdict import Verdict

any_text = st.text(st.characters(), max_size=8)  # with surrogates and NUL
text = any_text | st.sampled_from(
    ["", "\ud800", "\udfff\ud800", "\ud83d\ude00", "\x00", "caf\u00e9 " * 80, "long " * 1200]
)
number = st.floats(allow_nan=False, allow_infinity=False)
maybe = st.none() | number | st.sampled_from([0, 1, 0.0, -0.0])
share = st.floats(0, 1) | st.sampled_from([0, 1, 0.0, -0.0])
small = st.integers(0, 1000)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | number | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
data = st.dictionaries(text, json_value, max_size=3)
counters = st.dictionaries(text, number, max_size=2)
usages = st.dictionaries(text, st.builds(Usage, small, small, small, st.none() | st.floats(0, 1e12)), max_size=2)


def some(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=2).map(tuple)


tool_calls = st.builds(ToolCall, text, text, data, text)
images = st.builds(Image, text, text | st.just("data " * 200), text)
messages = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    text | some(text | images),
    some(tool_calls),
    text,
    text,
)
observations = st.builds(
    Observation,
    text,
    st.sampled_from(["agent", "user", "over"]),
    st.sampled_from(["user", "tool"]),
    some(messages),
    some(st.builds(ToolSpec, text, text, data)),
    some(text),
    some(images),
    some(st.builds(ToolResult, text, text, text)),
    data,
)
actions = st.builds(Action, text, some(tool_calls), st.none() | st.integers(-1, 2**60), text)
actors = st.sampled_from(["agent", "user"])
steps = st.builds(Step, actors, observations, actions, maybe, some(actors))
grades = st.builds(Grade, share, counters, data)
trajectories = st.builds(
    Trajectory,
    text,
    small,
    st.integers(0, 2**63 - 1),
    text,
    some(steps),
    st.none() | observations,
    st.sampled_from(END_REASONS),
    text,
    st.none() | grades,
)
verdicts = st.none() | st.builds(
    Verdict, st.sampled_from(["success", "failure", "unknown"]), st.none() | share, text, text
)
rollouts = st.builds(RolloutRecord, trajectories, verdicts, usages, some(text), number)
provenances = st.builds(Provenance, text, small, some(small), text, text)
items = st.builds(MemoryItem, text, text, text, text, text, text, text, text, provenances, small, some(text), counters)
kinds = st.sampled_from(["add", "update", "delete", "link", "score", "put_document"])
ops = st.builds(MemoryOp, kinds, provenances, st.none() | items, text, text, counters, text, text, text)
recalls = st.builds(
    RecallEvent,
    st.integers(-1, 8),
    st.sampled_from(["task", "step", "retry"]),
    small,
    small,
    st.builds(Recall, some(st.builds(Recalled, text, small, number, small)), text, text, text),
)


@st.composite
def records(draw: st.DrawFn) -> TaskRecord:
    made = draw(some(ops))
    group = tuple(draw(st.lists(rollouts, min_size=1, max_size=2)))
    return TaskRecord(
        task_id=draw(text),
        position=0,
        commit_id="",
        read_version=0,
        version=1,
        rollouts=group,
        selected=draw(st.integers(0, len(group) - 1)),
        recalls=draw(some(recalls)),
        ops=made,
        state_hash=chain(GENESIS, 1, made),
        usage=draw(usages),
        notes=draw(st.dictionaries(text, small, max_size=2)),
        memory_seconds=draw(st.floats(0.0, allow_infinity=False)),
    )


def run_of(task_id: str, run: str = "r") -> RunInfo:
    return RunInfo(run, Condition("m", "s", "a", "x", "j"), 0, "native", 1, (task_id,))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(records(), text)
def test_record_comes_back_equal(samples: ModuleType, record: TaskRecord, run: str) -> None:
    record = replace(record, commit_id=commit_id_of(run, 0, record.task_id))
    with tempfile.TemporaryDirectory() as place:
        with ExperimentStore.create(place, samples.made_of([run_of(record.task_id, run)])) as store:
            assert store.commit(run, record)
            assert not store.commit(run, record)
            digest = experiment_digest(store)
        with ExperimentStore.open(place, readonly=True) as store:
            back = store.record(run, 0)
            assert back == record
            assert canonical(back) == canonical(record)  # tells 0 from 0.0 and True from 1
            assert store.verify_chain(run) == record.state_hash
            assert len(list(store.results(run))) == len(record.rollouts)
            assert experiment_digest(store) == digest


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(), max_size=6000) | text)
def test_column_text_comes_back_equal(value: str) -> None:
    assert unpack(pack(value)) == value


class Answer(Enum):
    """Has no JSON form."""

    YES = "yes"


anything = st.recursive(
    json_value
    | st.floats()
    | st.sampled_from([2**64, Answer.YES, UUID(int=1), date(2026, 1, 2), b"bytes", {1: 2}, {None: 1}, object()]),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


def nested(depth: int) -> Any:
    value: Any = {"at": "the end"}
    for _ in range(depth):
        value = [value]
    return value


def endless() -> Any:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


@pytest.mark.parametrize("value", [math.nan, endless(), nested(300), UUID(int=1)])
@pytest.mark.parametrize("place", ["thought", "arguments", "data"])
def test_what_has_no_json_form_is_refused_wherever_it_stands(samples: ModuleType, value: Any, place: str) -> None:
    action = Action(thought=value if place == "thought" else "")
    if place == "arguments":
        action = Action(calls=(ToolCall("1", "tool", {"value": value}),))
    seen = Observation("seen", data={"value": value} if place == "data" else {})
    rollout = RolloutRecord(
        Trajectory("t", 0, 0, "query", (Step("agent", seen, action),), None, "finished"), None, {}, (), 0.0
    )
    record = TaskRecord("t", 0, "c", 0, 1, (rollout,), 0, (), (), chain(GENESIS, 1, ()), {}, {})
    with (
        tempfile.TemporaryDirectory() as directory,
        ExperimentStore.create(directory, samples.made_of([run_of("t")])) as store,
        pytest.raises(StoreError, match="cannot be stored"),
    ):
        store.commit("r", record)


@settings(deadline=None)
@given(anything)
def test_json_is_written_as_the_standard_library_would(value: Any) -> None:
    try:
        expected = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError):
        with pytest.raises((TypeError, ValueError)):
            dumps(value)
    else:
        assert json.loads(dumps(value)) == json.loads(expected)


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["frequency", "max_tokens", "embedder"]), st.integers() | number | st.none() | st.booleans()
    ),
    text,
)
def test_manifest_comes_back_equal(samples: ModuleType, config: dict[str, Any], name: str) -> None:
    made = samples.made_of([run_of(name, name)], config, {"versions": {"rbsuite": "1"}})
    with tempfile.TemporaryDirectory() as place:
        ExperimentStore.create(place, made).close()
        with ExperimentStore.open(place) as store:
            assert store.manifest == made


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        (Step, 5),
        (Observation, 9),
        (Action, 4),
        (Message, 5),
        (Image, 3),
        (ToolResult, 3),
        (Grade, 3),
        (ToolCall, 4),
        (ToolSpec, 3),
        (Trajectory, 9),
        (Usage, 4),
        (Verdict, 4),
        (Recall, 4),
        (Recalled, 4),
        (RecallEvent, 5),
        (RolloutRecord, 5),
        (TaskRecord, 13),
        (MemoryOp, 9),
        (MemoryItem, 12),
        (Provenance, 5),
        (Condition, 9),
        (RunInfo, 8),
        (Manifest, 3),
    ],
)
def test_a_new_field_needs_a_new_schema(kind: type, count: int) -> None:
    """Fails when a record type changes: then the codec, the schema version and a migration must follow."""
    assert len(fields(kind)) == count
