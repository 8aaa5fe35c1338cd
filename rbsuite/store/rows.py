"""Records as the values of table rows: runs, tasks, rollouts, recalls and operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rbsuite.errors import in_words
from rbsuite.experience import MemoryItem, MemoryOp, OpKind, Phase, Provenance, Recall, Recalled
from rbsuite.frozen import dataclass
from rbsuite.jsonable import is_number, plain
from rbsuite.record import ABOUT, ALL, Condition, Manifest, RecallEvent, RolloutRecord, RunInfo, TaskRecord
from rbsuite.store.codec import (
    SharedRows,
    dumps,
    encode_body,
    loads,
    pack,
    unpack,
    usage,
    usage_row,
    verdict,
    verdict_row,
)
from rbsuite.store.restoring import reader
from rbsuite.trajectory import EndReason, Grade, Observation, Step, Trajectory, Usage
from rbsuite.verdict import Label, Verdict

Row = tuple[Any, ...]

_LABEL, _END, _PHASE, _OP = reader(Label), reader(EndReason), reader(Phase), reader(OpKind)
_WORDS = reader(tuple[str, ...])
_NUMBER, _NUMBERS, _COUNTS = reader(float), reader(Mapping[str, float]), reader(Mapping[str, int])
_DATA = reader(Mapping[str, Any])
whole_number = reader(int)
"""The value of a column that is a whole number; another one is refused with a ``ValueError``."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """What belongs to a task as a whole, in brief.

    Attributes:
        usage: its cost by purpose.
        notes: its counts of things to report.
        items: how many distinct items its recalls found.
        characters: length of the text that its recalls showed to the agent; a recall shared by rollouts counts once.
        ops: its memory operations, by kind.
        memory_seconds: wall time that the memory spent in its own service or library.
    """

    usage: Mapping[str, Usage]
    notes: Mapping[str, int]
    items: int
    characters: int
    ops: Mapping[str, int]
    memory_seconds: float

    @property
    def recalled(self) -> bool:
        """Whether something was recalled, that is, whether any recall showed text to the agent."""
        return self.characters > 0


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One rollout in brief, for statistics.

    Attributes:
        task_id: the task.
        position: its position in the stream, from 0.
        rollout: index of the rollout within its task.
        selected: whether it counts as the task's answer; if all do, their mean is the answer.
        end: why the rollout ended.
        score: the environment's score in [0, 1], or ``None``.
        label: the verdict's label; empty for a broken rollout, which has no verdict.
        steps: turns of the agent.
        usage: cost of the rollout by purpose.
        seconds: wall time.
        measures: the environment's figures besides the score, by name.
        truth: details of the check that the environment kept.
        error: why the rollout broke; empty if it did not.
        whole: what belongs to the task as a whole; only on the selected rollout (the first if all count), so that sums over rows count it
            once.
    """

    task_id: str
    position: int
    rollout: int
    selected: bool
    end: str
    score: float | None
    label: str
    steps: int
    usage: Mapping[str, Usage]
    seconds: float
    measures: Mapping[str, float]
    truth: Mapping[str, Any]
    error: str
    whole: TaskRow | None


_READABLE = 256
"""The text of a recall is compressed above this many characters: few people read it in SQL, and it is long and much like the others."""

_READABLE_OP = 512
"""An operation is compressed above this many characters: a lesson keyed by a long task is most of what a short task stores."""

_SHORT_BODY = 1024
"""What happened in a rollout is compressed above this many characters: compressing less takes longer than writing it."""

UNDECLARED = "undeclared"
"""The kind of act that adds a run to an experiment whose declared runs are finished."""


@dataclass(frozen=True, slots=True)
class Act:
    """An act by which a run was rewound, or added.

    Attributes:
        run: the id of the run.
        kind: the reason: ``rewind`` or ``retry-failed``; :data:`UNDECLARED` if the run was added.
        position: how many tasks the run kept.
        tasks: how many tasks were discarded.
    """

    run: str
    kind: str
    position: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Failures:
    """What broke in a run.

    Attributes:
        rollouts: how many rollouts the run has.
        broken: how many of them ended for reasons unrelated to the agent.
        first: position of the first task with a broken rollout; ``None``: there is none.
    """

    rollouts: int
    broken: int
    first: int | None


@dataclass(frozen=True, slots=True)
class EncodedRecord:
    """A task record as column values, without the keys that the database assigns.

    Attributes:
        task: columns ``position`` to ``head`` of table ``task``.
        rollouts: columns of table ``rollout`` from ``end_reason`` on, and the trajectory's body.
        recalls: columns of table ``recall`` from ``rollout`` on.
        ops: columns of table ``op`` from ``kind`` on.
        shared: JSON that is stored once, by SHA-256.
    """

    task: Row
    rollouts: tuple[tuple[Row, str | bytes], ...]
    recalls: tuple[Row, ...]
    ops: tuple[Row, ...]
    shared: Mapping[str, str]


def encode_record(record: TaskRecord) -> EncodedRecord:
    """A task record as column values.

    Raises:
        ValueError: a number in it is not finite.
        TypeError: a value in it has no JSON form.
    """
    shared = SharedRows()
    seconds = [record.memory_seconds] if record.memory_seconds else []  # a time only if there is one
    return EncodedRecord(
        task=(
            record.position,
            pack(record.task_id),
            pack(record.commit_id),
            record.read_version,
            record.version,
            record.selected,
            record.state_hash,
            pack(dumps([usage_row(record.usage), record.notes, *seconds])),
        ),
        rollouts=tuple(_rollout_row(rollout, shared) for rollout in record.rollouts),
        recalls=tuple(_recall_row(event) for event in record.recalls),
        ops=tuple(op_row(op) for op in record.ops),
        shared=shared.texts,
    )


def read_task_head(head: str | bytes) -> tuple[Mapping[str, Usage], Mapping[str, int], float]:
    """The usage, the counts and the memory's seconds of a ``head`` column of table ``task``."""
    costs, notes, *seconds = loads(unpack(head))
    return usage(costs), _COUNTS(notes), float(_NUMBER(seconds[0])) if seconds else 0.0


def _rollout_row(record: RolloutRecord, shared: SharedRows) -> tuple[Row, str | bytes]:
    trajectory, judged, total = record.trajectory, record.verdict, sum(record.usage.values(), Usage())
    grade = trajectory.grade and [trajectory.grade.score, trajectory.grade.measures, trajectory.grade.truth]
    made = (trajectory.task_id, trajectory.rollout, trajectory.seed, trajectory.end, trajectory.error)
    row = (
        pack(trajectory.end),
        None if trajectory.score is None else _real(trajectory.score),
        "" if judged is None else pack(judged.label),
        "" if judged is None else pack(judged.source),
        trajectory.agent_steps,
        total.tokens,
        None if total.cost is None else _real(total.cost),
        _real(record.seconds),
        pack(dumps([*made, grade, verdict_row(judged), usage_row(record.usage), record.notes, record.seconds])),
    )
    return row, pack(encode_body(trajectory, shared.refer), _SHORT_BODY)


def _real(value: float) -> float:
    """A number as SQLite returns it: it has no negative zero."""
    return float(value) + 0.0


def decode_rollout(
    head: str | bytes, body: tuple[str, tuple[Step, ...], Observation | None] = ("", (), None)
) -> RolloutRecord:
    """A rollout from a ``head`` column, with the query, steps and final observation from its body."""
    made = read_head(head)
    trajectory = Trajectory(made.task_id, made.rollout, made.seed, *body, made.end, made.error, made.grade)
    return RolloutRecord(trajectory, made.verdict, made.usage, made.notes, made.seconds)


@dataclass(frozen=True, slots=True)
class RolloutHead:
    """A rollout without its steps: the ``head`` column of table ``rollout``. Fields as in the records."""

    task_id: str
    rollout: int
    seed: int
    end: EndReason
    error: str
    grade: Grade | None
    verdict: Verdict | None
    usage: Mapping[str, Usage]
    notes: tuple[str, ...]
    seconds: float


def read_head(head: str | bytes) -> RolloutHead:
    """The values in a ``head`` column of table ``rollout``.

    Raises:
        ValueError: it contains what no environment, judge or run gives: the store was changed.
    """
    task_id, rollout, seed, end, error, grade, judged, costs, notes, seconds = loads(unpack(head))
    _all(str, task_id, error)
    _all(int, rollout, seed)
    if grade is not None:
        _check_score(grade[0])
        grade = Grade(grade[0], _NUMBERS(grade[1]), _DATA(grade[2]))
    if judged is not None:
        _LABEL(judged[0])
        _check_score(judged[1])
        _all(str, *judged[2:])
    made = (verdict(judged), usage(costs), _WORDS(notes), _NUMBER(seconds))
    return RolloutHead(task_id, rollout, seed, _END(end), error, grade, *made)


def _check_score(score: object) -> None:
    if score is not None and (not is_number(score) or not 0 <= score <= 1):
        raise ValueError(f"its score is {score if type(score) in (int, float) else in_words(score)}")


def _recall_row(event: RecallEvent) -> Row:
    recall = event.recall
    items = dumps([[item.item_id, item.revision, item.score, item.rank] for item in recall.items])
    return (
        event.rollout,
        pack(event.phase),
        event.step,
        event.version,
        pack(recall.reason),
        pack(recall.index),
        pack(items),
        len(recall.text),
        pack(recall.text, _READABLE),
    )


def decode_recall(row: Row) -> RecallEvent:
    """A recall from a row of table ``recall``, from column ``rollout`` on."""
    rollout, phase, step, version, reason, index, items, _, text = row
    _all(int, rollout, step, version)
    recall = Recall(tuple(read_recalled(items)), unpack(text), unpack(reason), unpack(index))
    return RecallEvent(rollout, _PHASE(unpack(phase)), step, version, recall)


def read_recalled(items: str | bytes) -> Iterator[Recalled]:
    """The items in an ``items`` column of table ``recall``."""
    for item, revision, score, rank in loads(unpack(items)):
        _all(str, item)
        _all(int, revision, rank)
        yield Recalled(item, revision, _NUMBER(score), rank)


def op_row(op: MemoryOp) -> Row:
    """An operation as the columns ``kind`` to ``payload`` of the tables ``op`` and ``seed``."""
    target = op.item.id if op.item is not None else op.item_id or op.document
    # Without empty fields, which are most of an operation's fields.
    values = {key: value for key, value in _op_values(op).items() if value}
    return pack(op.op), pack(target), pack(dumps(values), _READABLE_OP)


_TEXTS = ("id", "title", "description", "content", "key", "experience", "kind", "domain")
"""The fields of an item that are texts."""


def _op_values(op: MemoryOp) -> dict[str, Any]:
    return {
        "op": op.op,
        "provenance": _provenance_row(op.provenance),
        "item": None if op.item is None else _item_values(op.item),
        "item_id": op.item_id,
        "target": op.target,
        "counters": op.counters,
        "document": op.document,
        "text": op.text,
        "reason": op.reason,
    }


def _provenance_row(value: Provenance) -> list[Any]:
    return [value.task_id, value.position, value.rollouts, value.label, value.source]


def _provenance(row: list[Any]) -> Provenance:
    task_id, position, rollouts, label, source = row
    _all(str, task_id, label, source)
    _all(int, position, *rollouts)
    return Provenance(task_id, position, tuple(rollouts), label, source)


def _item_values(item: MemoryItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "title": item.title,
        "description": item.description,
        "content": item.content,
        "key": item.key,
        "experience": item.experience,
        "kind": item.kind,
        "domain": item.domain,
        "provenance": _provenance_row(item.provenance),
        "revision": item.revision,
        "links": item.links,
        "counters": item.counters,
    }


def _all(kind: type, *values: object) -> None:
    """Refuse values of another type than the columns they become have; a whole number must fit in one.

    Raises:
        ValueError: one is.
    """
    for value in values:
        if type(value) is not kind:
            raise ValueError(f"{in_words(value)} stands where {in_words(kind())} should")
        if isinstance(value, int) and value.bit_length() > 63:
            raise ValueError("a number has more than 64 bits")


def decode_op(payload: str | bytes) -> MemoryOp:
    """An operation from a ``payload`` column."""
    values = loads(unpack(payload))
    values["provenance"] = _provenance(values["provenance"])
    _OP(values["op"])
    _all(str, *(values.get(name, "") for name in ("item_id", "target", "document", "text", "reason")))
    _NUMBERS(values.get("counters", {}))
    if "item" in values:
        item = values["item"]
        item["provenance"] = _provenance(item["provenance"])
        item["links"] = tuple(item["links"])
        _all(str, *(item[name] for name in _TEXTS), *item["links"])
        _all(int, item["revision"])
        _NUMBERS(item["counters"])
        values["item"] = MemoryItem(**item)
    return MemoryOp(**values)


def decode_task(row: Row, rollouts: tuple[RolloutRecord, ...], recalls: tuple[RecallEvent, ...]) -> TaskRecord:
    """A task record without its operations, from the columns ``position`` to ``head`` of table ``task``."""
    position, task_id, commit_id, read_version, version, selected, state_hash, head = row
    costs, notes, seconds = read_task_head(head)
    _all(int, position, read_version, version, selected)
    _all(str, state_hash)
    if selected != ALL and not 0 <= selected < len(rollouts):
        raise ValueError(f"rollout {selected} is selected of {len(rollouts)}")
    return TaskRecord(
        task_id=unpack(task_id),
        position=position,
        commit_id=unpack(commit_id),
        read_version=read_version,
        version=version,
        rollouts=rollouts,
        selected=selected,
        recalls=recalls,
        ops=(),
        state_hash=state_hash,
        usage=costs,
        notes=notes,
        memory_seconds=seconds,
    )


def encode_manifest(manifest: Manifest) -> str:
    """A manifest as JSON.

    Raises:
        ValueError, TypeError: as in :func:`rbsuite.store.codec.dumps`.
    """
    return dumps({"config": manifest.config, "facts": manifest.facts, "runs": [plain(run) for run in manifest.runs]})


_FACTS = ("environment", "rbsuite", "simulated", "task_set")
_OPTIONS = ("env", "split", "domain", "seed", "orders")
"""The facts and the options that every manifest has."""


def decode_manifest(text: str) -> Manifest:
    """A manifest from the text of :func:`encode_manifest`."""
    values = loads(text)
    facts, said, config = values["facts"], values["facts"].get(ABOUT, {}), values["config"]
    missing = [name for names, there in ((_FACTS, facts), (_OPTIONS, config)) for name in names if name not in there]
    if missing:
        raise ValueError(f"it does not say {missing[0]!r}")
    _all(str, config["env"], config["split"], config["domain"])
    _all(int, config["seed"], config["orders"])
    reader(tuple[int, ...])(config.get("looks") or [])
    environment, task_set = _DATA(facts["environment"]), _DATA(facts["task_set"])
    _all(str, facts["rbsuite"], environment.get("name"), environment.get("version"), task_set.get("hash"))
    for names in (config.get("model", []), facts.get("measures", []), facts.get("apart", [])):
        _WORDS(names)
    domains = set()
    for task, domain, group in _DATA(said).get("tasks", ()):
        _all(str, task, domain, group)
        domains.add(domain)
    for name in ("measures", "apart"):
        _DATA(said.get(name, {}))
    if not domains.issuperset(said.get("apart", {})):
        raise ValueError("it sets a domain apart that no task has")
    for name in ("controls", "external", "at_once"):
        _WORDS(said.get(name, []))
    return Manifest(config, facts, tuple(_run(run) for run in values["runs"]))


def encode_runs(runs: Sequence[RunInfo]) -> str:
    """Runs that are added to a manifest, as JSON."""
    return dumps([plain(run) for run in runs])


def decode_runs(text: str) -> tuple[RunInfo, ...]:
    """Runs from the text of :func:`encode_runs`."""
    return tuple(_run(run) for run in loads(text))


def _run(values: dict[str, Any]) -> RunInfo:
    _all(str, values["id"], values["order_name"], *values["condition"].values())
    _all(int, values["order"], values["seed"], values["probes"])
    return RunInfo(
        values["id"],
        Condition(**values["condition"]),
        values["order"],
        values["order_name"],
        values["seed"],
        _WORDS(values["tasks"]),
        values["probes"],
        values.get("declared", True),
    )


def run_row(info: RunInfo, start_hash: str) -> Row:
    """A run as the columns ``run_id`` to ``start_hash`` of table ``run``."""
    made = info.condition
    varied = (made.embedder, made.prompts, made.temperature)
    names = (info.id, made.memory, made.scaling, made.agent, made.model, made.judge, *varied)
    return (*(pack(name) for name in names), info.order, pack(info.order_name), len(info.tasks), start_hash)
