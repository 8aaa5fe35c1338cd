"""Reading a store: everything is streamed, one page of tasks at a time, so that memory use does not grow with the experiment."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

from rbsuite.errors import StoreError
from rbsuite.experience import MemoryOp
from rbsuite.jsonable import Json
from rbsuite.oplog import chain, origin
from rbsuite.record import ALL, Manifest, RolloutRecord, TaskRecord
from rbsuite.store.adding import signatures
from rbsuite.store.codec import decode_body, inflate, loads, pack, unpack
from rbsuite.store.database import Database
from rbsuite.store.links import after_act, manifest_hash, run_link, standing_acts, task_link
from rbsuite.store.restoring import restore
from rbsuite.store.rows import (
    Failures,
    ResultRow,
    Row,
    TaskRow,
    decode_op,
    decode_recall,
    decode_rollout,
    decode_task,
    read_head,
    read_recalled,
    read_task_head,
    whole_number,
)
from rbsuite.store.schema import ORDINALS, POSITIONS, newest, task_key
from rbsuite.store.sealing import SELECT, Seal, linked, seed_id
from rbsuite.trajectory import BROKEN_ENDS

T = TypeVar("T")
_PAGE = 16
"""Number of tasks that are read at once with their trajectories."""

_LIGHT_PAGE = 256
"""Number of tasks that are read at once without them."""

_CHECKED_AT_ONCE = 64
"""Number of tasks that are compared with their links at once: their trajectories are held in memory in compressed form."""

_SHARED_KEPT = 64
"""Number of policies and tool lists that are kept decoded."""

_TASKS = (
    "SELECT position, task_id, commit_id, read_version, version, selected, state_hash, head"
    " FROM task WHERE id >= ? AND id < ? ORDER BY id"
)
_HEADS = "SELECT task, head FROM rollout WHERE id >= ? AND id < ? ORDER BY id"
_BODIES = "SELECT task, head, body FROM rollout JOIN trajectory USING (id) WHERE id >= ? AND id < ? ORDER BY id"
_RECALLS = (
    "SELECT task, rollout, phase, step, version, reason, index_name, items, characters, text"
    " FROM recall WHERE id >= ? AND id < ? ORDER BY id"
)
_WHOLE_ROLLOUTS = (
    "SELECT rollout.*, body FROM rollout LEFT JOIN trajectory USING (id)"
    " WHERE rollout.id >= ? AND rollout.id < ? ORDER BY rollout.id"
)
_OPS = "SELECT task, payload FROM op WHERE id >= ? AND id < ? ORDER BY id"
_SEED = "SELECT payload FROM seed WHERE id >= ? AND id < ? ORDER BY id"
_RESULTS = (
    "SELECT position, task_id, selected, task.head, ordinal, steps, rollout.head"
    " FROM rollout JOIN task ON task.id = rollout.task WHERE rollout.id >= ? AND rollout.id < ? ORDER BY rollout.id"
)
_FOUND = "SELECT task, items, characters FROM recall WHERE id >= ? AND id < ? ORDER BY id"
_KINDS = "SELECT task, kind FROM op WHERE id >= ? AND id < ? ORDER BY id"


@dataclass(frozen=True, slots=True)
class _Page:
    """Positions ``start`` to ``stop`` (excluded) of a run, by number."""

    run: int
    start: int
    stop: int

    @property
    def tasks(self) -> tuple[int, int]:
        """First and last (excluded) key of its tasks."""
        return task_key(self.run, self.start), task_key(self.run, self.stop)

    @property
    def parts(self) -> tuple[int, int]:
        """First and last (excluded) key of their parts."""
        first, last = self.tasks
        return first * ORDINALS, last * ORDINALS


class Reader:
    """Reads the tasks of an experiment's runs.

    A task is compared with its link in the chain over records (:mod:`rbsuite.store.links`) when it is first read.

    Args:
        database: the store.
        manifest: the store's manifest.
        checked: whether to compare; a change then raises a :class:`StoreError`.
        sealed: whether the store contains sealed texts (:mod:`rbsuite.store.sealing`) beside its columns.
        seal: decrypts them; without it records are read from the columns.
    """

    def __init__(
        self,
        database: Database,
        manifest: Manifest,
        *,
        checked: bool = True,
        sealed: bool = False,
        seal: Seal | None = None,
    ) -> None:
        self._database = database
        self._checked = checked
        self._sealed = sealed
        self._seal = seal
        self._known: dict[int, int] = {}
        self._begun: set[int] = set()
        self._tasks = [info.tasks for info in manifest.runs]
        self._runs: Mapping[str, int] = {info.id: index for index, info in enumerate(manifest.runs)}
        self._shared = lru_cache(maxsize=_SHARED_KEPT)(self._load_shared)

    def committed(self, run_id: str) -> int:
        """Number of committed tasks."""
        return self.state(run_id)[0]

    def state(self, run_id: str) -> tuple[int, str]:
        """The newest version of a run's bank and its hash chain; 0 and :meth:`start_hash` before the first task."""
        found = newest(self._database.rows, self._runs[run_id])
        if found is None or not isinstance(found[0], int) or not isinstance(found[1], str):
            raise self._changed(run_id, "where it ends")
        return found

    def last_link(self, run_id: str) -> str:
        """The link of the newest record: see :meth:`rbsuite.store.ExperimentStore.last_link`."""
        run = self._runs[run_id]
        first, last = task_key(run, 0), task_key(run + 1, 0)
        rows = self._database.rows(
            "SELECT record_hash FROM task WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1", (first, last)
        )
        return str(rows[0][0]) if rows else str(self._of_run("origin_hash", run_id))

    def start_hash(self, run_id: str) -> str:
        """The hash chain of the bank that a run started from."""
        return str(self._of_run("start_hash", run_id))

    def finished(self, run_id: str) -> bool:
        """Whether a run was marked as finished."""
        return bool(self._of_run("finished", run_id))

    def forget(self, run_id: str) -> None:
        """Note that a run was rewound: what is read of it next is compared again."""
        self._known.pop(self._runs[run_id], None)

    def _of_run(self, column: str, run_id: str) -> Any:
        rows = self._database.rows(f"SELECT {column} FROM run WHERE id = ?", (self._runs[run_id],))
        if not rows:
            raise self._changed(run_id, "in its row, which is missing")
        return rows[0][0]

    def records(self, run_id: str, start: int, stop: int | None, trajectories: bool) -> Iterator[TaskRecord]:
        """Committed records in order: see :meth:`rbsuite.store.ExperimentStore.records`."""
        for page in self._pages(run_id, start, stop, _PAGE if trajectories else _LIGHT_PAGE):
            if self._seal is not None:
                yield from self._opened(self._seal, run_id, page, trajectories)
                continue
            recalls, ops = self._by_position(_RECALLS, page), self._by_position(_OPS, page)
            rollouts = self._by_position(_BODIES if trajectories else _HEADS, page)
            rows = self._database.rows(_TASKS, page.tasks)
            self._in_order(run_id, page, [row[0] for row in rows], [row[1] for row in rows])
            for row in rows:
                position = row[0]
                with self._decoding(run_id, position):
                    record = decode_task(
                        row,
                        tuple(self._rollout(*columns) for columns in rollouts[position]),
                        tuple(decode_recall(columns) for columns in recalls[position]),
                    )
                    record = replace(record, ops=tuple(decode_op(payload) for (payload,) in ops[position]))
                yield record

    def _opened(self, seal: Seal, run_id: str, page: _Page, trajectories: bool) -> Iterator[TaskRecord]:
        """The records of a page, from their sealed form."""
        rows = self._database.rows(SELECT, page.tasks)
        self._in_order(run_id, page, [self._position(key) for key, _ in rows])
        for key, data in rows:
            with self._decoding(run_id, self._position(key)):
                record: TaskRecord = restore(TaskRecord, seal.open(key, data))
            yield record if trajectories else replace(record, rollouts=tuple(map(_without_steps, record.rollouts)))

    def seed_ops(self, run_id: str) -> tuple[MemoryOp, ...]:
        """What formed version 0: see :meth:`rbsuite.store.ExperimentStore.seed_ops`."""
        return self._seed_ops(run_id, self._checked)

    def _seed_ops(self, run_id: str, checked: bool) -> tuple[MemoryOp, ...]:
        run = self._runs[run_id]
        if checked:
            self._check_start(run_id)
        if self._seal is not None:
            with self._decoding(run_id, "the seed"):
                found = [self._seal.open(key, data) for key, data in self.sealed_seed(run)]
                return tuple(restore(MemoryOp, op) for ops in found for op in ops)
        rows = self._database.rows(_SEED, (run * ORDINALS, (run + 1) * ORDINALS))
        with self._decoding(run_id, "the seed"):
            return tuple(decode_op(payload) for (payload,) in rows)

    def sealed_seed(self, run: int) -> list[Row]:
        """The sealed part of a run's seed: one row or none."""
        return self.sealed_rows((seed_id(run), seed_id(run) + 1))

    def sealed_rows(self, keys: tuple[int, int]) -> list[Row]:
        """The sealed rows from one key to another (excluded)."""
        return self._database.rows(SELECT, keys) if self._sealed else []

    def ops(self, run_id: str, upto_version: int | None) -> Iterator[tuple[int, MemoryOp]]:
        """The operation log: see :meth:`rbsuite.store.ExperimentStore.ops`."""
        for page in self._pages(run_id, 0, upto_version, _LIGHT_PAGE):
            for position, ops in self._ops(run_id, page).items():
                for op in ops:
                    yield position + 1, op

    def _ops(self, run_id: str, page: _Page) -> Mapping[int, list[MemoryOp]]:
        """The operations of a page by position, in order."""
        if self._seal is not None:
            return {one.position: list(one.ops) for one in self._opened(self._seal, run_id, page, False)}
        found: defaultdict[int, list[MemoryOp]] = defaultdict(list)
        for task, payload in self._database.rows(_OPS, page.parts):
            position = self._position(task)
            with self._decoding(run_id, position):
                found[position].append(decode_op(payload))
        return found

    def results(self, run_id: str, details: Container[str] | None, start: int = 0) -> Iterator[ResultRow]:
        """All rollouts in brief: see :meth:`rbsuite.store.ExperimentStore.results`."""
        for page in self._pages(run_id, start, None, _LIGHT_PAGE):
            found, kinds = self._by_position(_FOUND, page), self._by_position(_KINDS, page)
            rows = self._database.rows(_RESULTS, page.parts)
            counting = [row for row in rows if row[4] == (0 if row[2] == ALL else row[2])]
            self._in_order(run_id, page, [row[0] for row in counting], [row[1] for row in counting])
            whole = {}
            if self._seal is not None:
                whole = {one.position: one for one in self._opened(self._seal, run_id, page, False)}
            for row in rows:
                with self._decoding(run_id, row[0]):
                    result = _result(row, found[row[0]], kinds[row[0]], details)
                    if whole:
                        result = _in_words(result, whole[row[0]].rollouts[row[4]], details)
                yield result

    def failures(self, run_id: str) -> Failures:
        """What broke: see :meth:`rbsuite.store.ExperimentStore.failures`."""
        run = self._runs[run_id]
        first, last = task_key(run, 0) * ORDINALS, task_key(run + 1, 0) * ORDINALS
        ends = sorted(BROKEN_ENDS)
        broken = f"end_reason IN ({', '.join('?' * len(ends))})"
        ((rollouts, count, task),) = self._database.rows(
            f"SELECT count(*), coalesce(sum({broken}), 0), min(CASE WHEN {broken} THEN task END)"
            " FROM rollout WHERE id >= ? AND id < ?",
            (*ends, *ends, first, last),
        )
        return Failures(rollouts, count, None if task is None else self._position(task))

    def verify_chain(self, run_id: str) -> str:
        """Recompute the hash chain: see :meth:`rbsuite.store.ExperimentStore.verify_chain`."""
        with self._decoding(run_id, "the seed"):
            state, expected = origin(self._seed_ops(run_id, False)), 0
        if state != self.start_hash(run_id):
            raise self._changed(run_id, "in its seed")
        for page in self._pages(run_id, 0, None, _LIGHT_PAGE, checked=False):
            ops = self._ops(run_id, page)
            for row in self._database.rows(_TASKS, page.tasks):
                position, version, stored = row[0], row[4], row[6]
                with self._decoding(run_id, position):
                    state = chain(state, version, ops.get(position, []))
                if position != expected or version != position + 1 or state != stored:
                    raise self._changed(run_id, f"at position {position}")
                expected += 1
        return state

    def _changed(self, run_id: str, where: str) -> StoreError:
        return StoreError(
            f"{self._database.path}: the log of run {run_id!r} was changed {where}.", "Restore the store from a copy."
        )

    def _pages(
        self, run_id: str, start: int, stop: int | None, size: int, *, checked: bool | None = None
    ) -> Iterator[_Page]:
        """The pages of what is committed, including what is committed meanwhile."""
        position = max(start, 0)
        while position < (end := min(self.committed(run_id), position + size, POSITIONS if stop is None else stop)):
            page = _Page(self._runs[run_id], position, end)
            if self._checked if checked is None else checked:
                self._check_start(run_id)
                self._check(run_id, page)
            yield page
            position = end

    def _in_order(self, run_id: str, page: _Page, positions: list[Any], names: list[Any] | None = None) -> None:
        """Check that every task of a page is there, each with the rollout that was selected, and under its name if it has one here."""
        own = self._tasks[page.run][page.start : page.stop]
        if positions != list(range(page.start, page.stop)) or names not in (None, [*map(pack, own)]):
            raise self._changed(run_id, f"between positions {page.start} and {page.stop - 1}")

    def _check_start(self, run_id: str) -> None:
        """Compare the manifest, a run's row and its seed with their hashes, once, and its mark with the number of its tasks.

        Raises:
            StoreError: something was changed.
        """
        run = self._runs[run_id]
        if run in self._begun:
            return
        meta = dict(self._database.rows("SELECT key, value FROM meta"))
        with self._decoding(run_id, "the manifest"):
            if manifest_hash(unpack(meta["manifest"])) != meta["manifest_hash"]:
                raise ValueError("it was changed")
        *row, origin_hash, finished = self._whole("SELECT * FROM run WHERE id = ?", (run,), run_id)
        parts = (run * ORDINALS, (run + 1) * ORDINALS)
        seed = self._database.rows("SELECT * FROM seed WHERE id >= ? AND id < ? ORDER BY id", parts)
        if (
            run_link(signatures(meta, len(self._runs))[run], row, [*seed, *map(linked, self.sealed_seed(run))])
            != origin_hash
        ):
            raise self._changed(run_id, "in its row or its seed")
        # Another process may have rewound the run between two queries.
        if finished and self.committed(run_id) != len(self._tasks[run]) and self.finished(run_id):
            raise self._changed(run_id, f"at position {self.committed(run_id)}, where tasks are missing")
        self._begun.add(run)

    def _check(self, run_id: str, page: _Page) -> None:
        """Compare every task of a page with its link, and remember up to where a run is as it was written.

        Raises:
            StoreError: a task is not.
        """
        known = self._known.get(page.run, 0)
        if page.stop <= known:
            return
        for start in range(max(page.start, min(known, page.stop)), page.stop, _CHECKED_AT_ONCE):
            part = _Page(page.run, start, min(start + _CHECKED_AT_ONCE, page.stop))
            wrong = self._first_changed(part)
            # Another process may have rewound the run between two queries.
            if (
                wrong is not None
                and (wrong := self._first_changed(part)) is not None
                and wrong < self.committed(run_id)
            ):
                raise self._changed(run_id, f"at position {wrong}")
        if page.start <= known:
            self._known[page.run] = page.stop

    def _first_changed(self, page: _Page) -> int | None:
        """The first position whose rows do not match its link; ``None`` if all do."""
        rows = self._database.rows
        acts = standing_acts(rows("SELECT position, link FROM act WHERE run = ? ORDER BY id", (page.run,)))
        before = rows(
            "SELECT record_hash FROM task WHERE id = ?" if page.start else "SELECT origin_hash FROM run WHERE id = ?",
            (task_key(page.run, page.start - 1) if page.start else page.run,),
        )
        previous = before[0][0] if before else ""
        bodies: defaultdict[int, list[tuple[Row, str | bytes]]] = defaultdict(list)
        for row in rows(_WHOLE_ROLLOUTS, page.parts):
            bodies[row[0] // ORDINALS].append((row[:-1], row[-1]))
        parts: defaultdict[int, list[Row]] = defaultdict(list)
        for table in ("recall", "op"):
            for part in rows(f"SELECT * FROM {table} WHERE id >= ? AND id < ? ORDER BY id", page.parts):
                parts[part[0] // ORDINALS].append(part)
        for row in self.sealed_rows(page.tasks):
            parts[row[0]].append(linked((row[0], row[1])))
        tasks = {task[0]: task for task in rows("SELECT * FROM task WHERE id >= ? AND id < ? ORDER BY id", page.tasks)}
        for position in range(page.start, page.stop):
            key = task_key(page.run, position)
            *task, link = tasks.get(key, (None,))
            if position in acts and isinstance(previous, str):
                previous = after_act(previous, acts[position])
            if not task or task_link(str(previous), task, bodies[key], parts[key]) != link:
                return position
            previous = link
        return None

    def _whole(self, sql: str, values: tuple[int, ...], run_id: str) -> Row:
        rows = self._database.rows(sql, values)
        if not rows:
            raise self._changed(run_id, "in its row, which is missing")
        return rows[0]

    def _by_position(self, sql: str, page: _Page) -> defaultdict[int, list[Row]]:
        """The rows of a query over parts of tasks, by position, without their first column."""
        rows: defaultdict[int, list[Row]] = defaultdict(list)
        for task, *columns in self._database.rows(sql, page.parts):
            rows[self._position(task)].append(tuple(columns))
        return rows

    def _position(self, task: Any) -> int:
        if not isinstance(task, int):  # no statement puts another value there, but a misplaced block of the file does
            raise StoreError(
                f"{self._database.path} is damaged: a row belongs to no task.", "Restore the store from a copy."
            )
        return task % POSITIONS

    def _rollout(self, head: str | bytes, body: str | bytes | None = None) -> RolloutRecord:
        if body is None:
            return decode_rollout(head)
        return decode_rollout(head, decode_body(unpack(body), self._resolve))

    def _resolve(self, value: Json, read: Callable[[Any], T], /) -> tuple[T, ...]:
        """Rows that are in a body directly or by their hash; shared rows are decoded once and shared again."""
        if not isinstance(value, str):
            return tuple(read(row) for row in value)
        return self._shared(value, read)

    def _load_shared(self, sha: str, read: Callable[[Any], Any]) -> tuple[Any, ...]:
        rows = self._database.rows("SELECT data FROM blob WHERE sha256 = ?", (sha,))
        if not rows:
            raise ValueError(f"nothing is stored under {sha}")
        data = inflate(rows[0][0])
        if hashlib.sha256(data).hexdigest() != sha:
            raise ValueError(f"what is stored under {sha} was changed")
        return tuple(read(row) for row in loads(data.decode("utf-8", "surrogatepass")))

    @contextmanager
    def _decoding(self, run_id: str, place: int | str) -> Iterator[None]:
        """Reports which record, by position or name, cannot be decoded, instead of why."""
        try:
            yield
        except (
            zlib.error,
            ValueError,
            TypeError,
            LookupError,
            AttributeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            what = place if isinstance(place, str) else f"the record at position {place}"
            raise StoreError(
                f"{self._database.path}: {what} of run {run_id!r} is damaged ({error}).",
                "Restore the store from a copy.",
            ) from error


def _without_steps(record: RolloutRecord) -> RolloutRecord:
    return replace(record, trajectory=replace(record.trajectory, query="", steps=(), final=None))


def _in_words(row: ResultRow, record: RolloutRecord, details: Container[str] | None) -> ResultRow:
    """A row with the texts of its record."""
    grade = record.trajectory.grade
    truth = {} if grade is None else grade.truth
    chosen = truth if details is None else {name: value for name, value in truth.items() if name in details}
    return replace(row, truth=chosen, error=record.trajectory.error)


@lru_cache(maxsize=256)
def _counts(kinds: tuple[Row, ...]) -> Mapping[str, int]:
    return Counter(unpack(kind) for (kind,) in kinds)


def _result(row: Row, recalls: list[Row], kinds: list[Row], details: Container[str] | None) -> ResultRow:
    position, task_id, selected, task_head, ordinal, steps, head = row
    made = read_head(head)
    truth = {} if made.grade is None else made.grade.truth
    whole = None
    if ordinal == max(selected, 0):
        shared_costs, notes, memory_seconds = read_task_head(task_head)
        whole = TaskRow(
            usage=shared_costs,
            notes=notes,
            items=len({item.item_id for items, _ in recalls if items != "[]" for item in read_recalled(items)}),
            characters=sum(whole_number(characters) for _, characters in recalls),
            ops=_counts(tuple(kinds)),
            memory_seconds=memory_seconds,
        )
    return ResultRow(
        task_id=unpack(task_id),
        position=position,
        rollout=made.rollout,
        selected=selected in (ordinal, ALL),
        end=made.end,
        score=None if made.grade is None else made.grade.score,
        label="" if made.verdict is None else made.verdict.label,
        steps=whole_number(steps),
        usage=made.usage,
        seconds=made.seconds,
        measures={} if made.grade is None else made.grade.measures,
        truth=truth if details is None else {name: value for name, value in truth.items() if name in details},
        error=made.error,
        whole=whole,
    )
