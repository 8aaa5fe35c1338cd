"""Reading back: records, operations, result rows, the views for people, and a log that was tampered with."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from rbsuite.errors import StoreError
from rbsuite.experience import MemoryItem, MemoryOp, Provenance, Recall, Recalled
from rbsuite.oplog import GENESIS, chain
from rbsuite.record import RecallEvent, commit_id_of
from rbsuite.store import ExperimentStore
from rbsuite.store.codec import unpack
from rbsuite.store.rows import decode_op, op_row
from rbsuite.trajectory import Usage


def change(store: ExperimentStore, sql: str) -> None:
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute(sql).rowcount > 0
        connection.commit()


def test_records_come_back_equal(filled: ExperimentStore, samples: ModuleType) -> None:
    assert list(filled.records(samples.RUN)) == list(samples.records(5))
    assert list(filled.records(samples.RUN, start=3)) == list(samples.records(5))[3:]
    assert list(filled.records(samples.RUN, start=1, stop=2)) == list(samples.records(5))[1:2]
    assert list(filled.records(samples.RUN, start=5)) == []
    assert list(filled.records(samples.OFF)) == []


def test_order_of_keys_survives(filled: ExperimentStore, samples: ModuleType) -> None:
    tool = filled.record(samples.RUN, 0).rollouts[0].trajectory.steps[1].observation.tools[0]
    assert list(tool.parameters["properties"]) == ["z", "a"]


def test_single_record(filled: ExperimentStore, samples: ModuleType) -> None:
    assert filled.record(samples.RUN, 4) == list(samples.records(5))[4]
    for position in (5, -1):
        with pytest.raises(StoreError, match=f"no task at position {position}"):
            filled.record(samples.RUN, position)


def test_records_without_trajectories_have_all_the_rest(filled: ExperimentStore, samples: ModuleType) -> None:
    expected = [
        replace(
            record,
            rollouts=tuple(
                replace(rollout, trajectory=replace(rollout.trajectory, query="", steps=(), final=None))
                for rollout in record.rollouts
            ),
        )
        for record in samples.records(5)
    ]
    assert list(filled.records(samples.RUN, trajectories=False)) == expected


def test_runs_of_many_tasks_stay_apart(tmp_path: Path, samples: ModuleType) -> None:
    with ExperimentStore.create(tmp_path, samples.manifest(300)) as store:
        for on, off in zip(samples.records(300), samples.records(300, run=samples.OFF), strict=True):
            store.commit(samples.RUN, on)
            if off.position < 20:
                store.commit(samples.OFF, off)
        for run, tasks in ((samples.RUN, 300), (samples.OFF, 20)):
            expected = [commit_id_of(run, i, f"retail/test/{i}") for i in range(tasks)]
            assert [r.commit_id for r in store.records(run)] == expected
        assert [row.position for row in store.results(samples.RUN)] == [i for i in range(300) for _ in range(2)]
        assert len(list(store.ops(samples.RUN))) == 600
        assert store.verify_chain(samples.RUN) == store.state(samples.RUN)[1]


def test_operations_as_of_a_version(filled: ExperimentStore, samples: ModuleType) -> None:
    expected = [(record.version, op) for record in samples.records(5) for op in record.ops]
    assert list(filled.ops(samples.RUN)) == expected
    assert list(filled.ops(samples.RUN, 2)) == expected[:4]
    assert list(filled.ops(samples.RUN, 0)) == []
    assert list(filled.ops(samples.RUN, 99)) == expected


def test_operations_give_the_chain(filled: ExperimentStore, samples: ModuleType) -> None:
    state = GENESIS
    for version in range(1, 6):
        state = chain(state, version, [op for made, op in filled.ops(samples.RUN) if made == version])
    assert state == filled.state(samples.RUN)[1] == filled.verify_chain(samples.RUN)


def test_result_rows(filled: ExperimentStore, samples: ModuleType) -> None:
    rows = list(filled.results(samples.RUN))
    assert [(row.position, row.rollout, row.selected) for row in rows] == [
        (i, j, j == 1) for i in range(5) for j in range(2)
    ]
    row = rows[7]
    assert (row.task_id, row.end, row.score, row.label, row.steps, row.seconds) == (
        "retail/test/3", "finished", 1.0, "success", 4, 2.5,
    )  # fmt: skip
    assert row.usage == {"agent": Usage(4, 1000, 50, 0.25), "judge": Usage(1, 500, 5, None)}
    grade = filled.record(samples.RUN, 3).rollouts[1].trajectory.grade
    assert grade is not None
    assert (row.measures, row.truth) == (grade.measures, grade.truth)
    assert [row.whole is not None for row in rows[:4]] == [False, True] * 2
    wholes = [row.whole for row in rows if row.whole is not None]
    assert sum((whole.usage.get("memory", Usage()) for whole in wholes), Usage()) == Usage(5, 1500, 150, 0.625)
    assert [whole.notes for whole in wholes[:2]] == [{"extraction_malformed": 0}, {"extraction_malformed": 1}]
    records = list(filled.records(samples.RUN))
    for whole, record in zip(wholes, records, strict=True):
        assert whole.characters == sum(len(event.recall.text) for event in record.recalls)
        assert whole.items == len({item.item_id for event in record.recalls for item in event.recall.items})
        assert whole.ops == Counter(op.op for op in record.ops)
        assert whole.recalled == any(event.recall.text for event in record.recalls)
    assert {whole.recalled for whole in wholes} == {False, True}


def test_recalled_items_are_counted_once(store: ExperimentStore, samples: ModuleType) -> None:
    def event(rollout: int, *names: str) -> RecallEvent:
        return RecallEvent(
            rollout, "step", 0, 0, Recall(tuple(Recalled(n, 1, 0.5, i) for i, n in enumerate(names)), "", "none")
        )

    record = replace(samples.record(0, GENESIS), recalls=(event(-1, "a"), event(0, "a", "b"), event(0), event(1)))
    store.commit(samples.RUN, record)
    assert [row.whole.items for row in store.results(samples.RUN) if row.whole is not None] == [2]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE op SET payload = replace(payload, 'Lesson 2', 'Lesson X') WHERE payload LIKE '%Lesson 2%'",
        "DELETE FROM op WHERE id = (SELECT max(id) FROM op WHERE task = (SELECT id FROM task WHERE position = 2))",
        "UPDATE task SET state_hash = replace(state_hash, substr(state_hash, 1, 1), 'x') WHERE position = 2",
        "UPDATE task SET version = 9 WHERE position = 2",
    ],
    ids=["changed", "deleted", "hash", "version"],
)
def test_tampering_shows(filled: ExperimentStore, samples: ModuleType, sql: str) -> None:
    change(filled, sql)
    with pytest.raises(StoreError, match="changed at position 2"):
        filled.verify_chain(samples.RUN)


def test_what_all_tasks_share_is_stored_once(filled: ExperimentStore) -> None:
    with closing(sqlite3.connect(filled.path)) as connection:
        assert connection.execute("SELECT count(*) FROM blob").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM trajectory").fetchone() == (10,)


def test_views_can_be_read_by_people(filled: ExperimentStore, samples: ModuleType) -> None:
    with closing(sqlite3.connect(filled.path)) as connection:
        connection.row_factory = sqlite3.Row

        def rows(sql: str) -> list[dict[str, object]]:
            return [dict(row) for row in connection.execute(sql)]

        assert [(row["run_id"], row["committed"], row["tasks"]) for row in rows("SELECT * FROM v_runs")] == [
            (samples.OFF, 0, 10),
            (samples.RUN, 5, 10),
        ]
        results = rows("SELECT * FROM v_results")
        assert len(results) == 10
        wanted = {
            "memory": "reasoningbank",
            "task_id": "retail/test/1",
            "rollout": 1,
            "selected": 1,
            "score": 1.0,
            "verdict": "success",
        }
        assert wanted.items() <= results[3].items()
        assert (results[3]["steps"], results[3]["tokens"], results[3]["cost"]) == (4, 1555, None)
        recalls = rows("SELECT position, rank, item_id, score, reason FROM v_recalls")
        assert recalls[:2] == [
            {"position": 0, "rank": None, "item_id": None, "score": None, "reason": "empty bank"},
            {"position": 1, "rank": 0, "item_id": "item-0", "score": 0.9, "reason": ""},
        ]
        assert len(recalls) == 8
        ops = rows("SELECT version, kind, target, json_extract(payload, '$.item.title') AS title FROM v_ops")
        assert ops[2] == {"version": 2, "kind": "add", "target": "item-1", "title": "Check first"}


def test_an_operation_with_a_long_key_is_compressed_and_read_as_one_that_is_not() -> None:
    made = Provenance("t", 0, (0,), "success", "self")
    item = MemoryItem("i", "Check first", "d", "c", "a task of many words " * 50, "e", "strategy", "retail", made)
    op = MemoryOp("add", made, item)
    *_, payload = op_row(op)
    assert isinstance(payload, bytes)
    assert len(payload) < len(unpack(payload)) / 2
    assert decode_op(payload) == decode_op(unpack(payload)) == op
