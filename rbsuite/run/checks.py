"""Checks of what plugins return, made where it enters the core.

One function per contract; those of an environment's episodes are in :mod:`rbsuite.environments.checks`. Each returns the value, or
raises a one-line :class:`~rbsuite.errors.PluginError` that says what was expected; who is to blame is added by
:meth:`rbsuite.run.roles.Roles.blaming`, or given as ``owner``.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import get_args

from rbsuite.environments.checks import all_of, check_grade, parts_of, refuse
from rbsuite.errors import PLUGIN_REMEDY, PluginError, in_words
from rbsuite.experience import MemoryOp, Recall, Recalled
from rbsuite.jsonable import canonical, is_number, is_whole
from rbsuite.models.limits import MOST_COST, MOST_TOKENS
from rbsuite.models.reasoning import thought_and_said
from rbsuite.record import ALL, RolloutRecord
from rbsuite.scaling.base import Group
from rbsuite.store.restoring import restore
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, ToolCall, Usage
from rbsuite.verdict import Label, Verdict

_NONE: tuple[ToolCall, ...] = ()
_LABELS = get_args(Label)
_TASK_SET: Mapping[str, type] = {"environment": str, "split": str, "content": str, "source": Mapping, "private": bool}


def check_recall(value: object, owner: str = "") -> Recall:
    """What a memory's ``recall`` returned."""
    if not isinstance(value, Recall):
        refuse("recall", "a Recall", in_words(value), owner)
    all_of("recall", "a Recall whose items are Recalled", value.items, Recalled, owner)
    for item in value.items:
        known = isinstance(item.item_id, str) and is_number(item.score)
        if not known or not (is_whole(item.revision) and is_whole(item.rank)):
            refuse(
                "recall",
                "Recalled items with an id, a whole revision and rank, and a number as score",
                repr(item),
                owner,
            )
    for name, text in (("text", value.text), ("reason", value.reason), ("index", value.index)):
        if not isinstance(text, str):
            refuse("recall", f"a Recall whose {name} is a str", in_words(text), owner)
    return value


def check_ops(value: object, owner: str = "") -> tuple[MemoryOp, ...]:
    """What a memory's ``absorb`` returned, as a tuple. Adding the very same item twice adds it once."""
    ops = all_of("absorb", "a list of MemoryOp", value, MemoryOp, owner)
    return tuple(op for place, op in enumerate(ops) if op.op != "add" or op not in ops[:place])


def check_verdict(value: object, owner: str = "") -> Verdict:
    """What a judge's ``judge`` returned."""
    if not isinstance(value, Verdict):
        refuse("judge", "a Verdict", in_words(value), owner)
    if value.label not in _LABELS:
        refuse("judge", f"a Verdict whose label is one of {', '.join(_LABELS)}", repr(value.label), owner)
    score = value.score
    if score is not None and not (is_number(score) and 0 <= score <= 1):
        refuse("judge", "a Verdict whose score is None or a number from 0 to 1", repr(score), owner)
    for name, text in (("rationale", value.rationale), ("source", value.source)):
        if not isinstance(text, str):
            refuse("judge", f"a Verdict whose {name} is a str", in_words(text), owner)
    return value


def check_spent(usage: Usage, seconds: float, owner: str = "") -> Usage:
    """What a memory says it has spent elsewhere."""
    counts = (usage.calls, usage.input_tokens, usage.output_tokens) if isinstance(usage, Usage) else (-1,)
    cost = usage.cost if isinstance(usage, Usage) else None
    whole = all(is_whole(count) and 0 <= count <= MOST_TOKENS for count in counts)
    priced = cost is None or (is_number(cost) and 0 <= cost <= MOST_COST)
    if not whole or not priced or not is_number(seconds) or seconds < 0:
        raise PluginError(
            "spend must be given a Usage of whole counts, with a cost that is None or a number, and a number of seconds,"
            f" not {usage!r} and {seconds!r}.",
            PLUGIN_REMEDY,
            owner=owner,
        )
    return usage


def check_index(value: object, count: int, owner: str = "", *, averages: bool = False) -> int:
    """What a selector's ``select`` returned for ``count`` rollouts; one that averages may also return :data:`rbsuite.record.ALL`."""
    if averages and value == ALL and not isinstance(value, bool):
        return ALL
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < count:
        shown = str(value) if isinstance(value, int) else in_words(value)
        refuse("select", f"the index of one of {count} rollouts, from 0", shown, owner)
    return value


def check_group(value: object, owner: str = "", *, averages: bool = False, made: Sequence[RolloutRecord] = ()) -> Group:
    """What a scaling's ``run`` returned; its selection may be anything that the selector may return.

    Rollouts other than those that the suite has ``made`` for it are checked as a whole, and come back as a store would return them.
    """
    if not isinstance(value, Group):
        refuse("run", "a Group", in_words(value), owner)
    if not all_of("run", "a Group whose rollouts are RolloutRecord", value.rollouts, RolloutRecord, owner):
        refuse("run", "a Group of at least one rollout", "an empty one", owner)
    if not all(any(one is other for other in made) for one in value.rollouts):
        value = replace(value, rollouts=tuple(_checked_record(one, owner) for one in value.rollouts))
    selected = value.selected
    if averages and selected == ALL and not isinstance(selected, bool):
        return value
    if isinstance(selected, bool) or not isinstance(selected, int) or not 0 <= selected < len(value.rollouts):
        refuse(
            "run",
            f"a Group whose selected is the index of one of its {len(value.rollouts)} rollouts",
            repr(selected),
            owner,
        )
    return value


def _checked_record(record: RolloutRecord, owner: str) -> RolloutRecord:
    try:
        restored: RolloutRecord = restore(RolloutRecord, json.loads(canonical(record)))
        if restored.verdict is not None:
            check_verdict(restored.verdict)
        if restored.trajectory.grade is not None:
            check_grade(restored.trajectory.grade)
        for usage in restored.usage.values():
            check_spent(usage, 0.0)
    except (TypeError, ValueError, PluginError) as error:
        why = error.message if isinstance(error, PluginError) else f"{error}."
        raise PluginError(
            f"run returned a rollout that is not well-formed: {why}", PLUGIN_REMEDY, owner=owner
        ) from error
    return restored


def check_action(value: object, owner: str = "") -> Action:
    """What the ``act`` of an agent or a user returned; thoughts in its text are separated from what is said, whoever made it."""
    if not isinstance(value, Action):
        refuse("act", "an Action", in_words(value), owner)
    if not isinstance(value.text, str):
        refuse("act", "an Action whose text is a str", in_words(value.text), owner)
    if value.thought is not None and not isinstance(value.thought, str):
        refuse("act", "an Action whose thought is a str", in_words(value.thought), owner)
    if value.index is not None and not is_whole(value.index):
        refuse("act", "an Action whose index is None or a whole number", in_words(value.index), owner)
    if value.calls is not _NONE:
        parts_of("act", "an Action whose calls are", value.calls, ToolCall, owner)
    thought, said = thought_and_said(value.text)
    if said == value.text:
        return value
    return replace(value, text=said, thought=" ".join(filter(None, (value.thought, thought))))


def check_embedder_id(value: object, owner: str = "") -> str:
    """The ``id`` of an embedder."""
    if type(value) is not str:
        raise PluginError(f"its id must be a str, not {in_words(value)}.", PLUGIN_REMEDY, owner=owner)
    return value


def tell(method: str, call: Callable[..., object], *arguments: object, owner: str = "") -> None:
    """Call a method that returns nothing: there must be nothing to wait for, since nobody would."""
    value = call(*arguments)
    if value is not None and isinstance(value, Awaitable):
        refuse(method, "None", in_words(value), owner)


def check_model_name(value: object, owner: str = "") -> str:
    """The ``name`` of a model."""
    if not isinstance(value, str):
        raise PluginError(f"its name must be a str, not {in_words(value)}.", PLUGIN_REMEDY, owner=owner)
    return value


def check_tasks(value: object, owner: str = "") -> TaskSet:
    """What an environment's ``tasks`` returned."""
    if not isinstance(value, TaskSet):
        refuse("tasks", "a TaskSet", in_words(value), owner)
    for name, kind in _TASK_SET.items():
        if not isinstance(getattr(value, name), kind):
            refuse("tasks", f"a TaskSet whose {name} is a {kind.__name__}", in_words(getattr(value, name)), owner)
    try:
        canonical(value.source)
    except TypeError as error:
        refuse("tasks", "a TaskSet whose source is plain data", f"one of which {error}", owner)
    if value.asks is not None and not callable(value.asks):
        refuse("tasks", "a TaskSet whose asks is None or a function", in_words(value.asks), owner)
    for task in all_of("tasks", "a TaskSet whose tasks are Task", value.tasks, Task, owner):
        for name in ("id", "group", "domain", "query"):
            if type(getattr(task, name)) is not str:  # a subclass may compare as it likes
                given = f"{in_words(getattr(task, name))} in task {task.id!r}"
                refuse("tasks", f"Tasks whose {name} is a str", given, owner)
        if not isinstance(task.payload, Mapping):
            refuse("tasks", "Tasks whose payload is a mapping", f"{in_words(task.payload)} in task {task.id!r}", owner)
        if task.difficulty is not None and not is_number(task.difficulty):
            given = f"{in_words(task.difficulty)} in task {task.id!r}"
            refuse("tasks", "Tasks whose difficulty is None or a number", given, owner)
    return value
