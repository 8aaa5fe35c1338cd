"""Removes the text of private tasks from what is shared.

The authors of some benchmarks ask not to make examples public, so that models are not trained on them. For an experiment on such a
benchmark, an export contains figures, ids and letters; any other text is replaced by its length (short texts could be guessed from a hash).

If the task set itself is private (:attr:`rbsuite.task.TaskSet.private`), the experiment is confined to this machine: its store contains its
texts encrypted (:mod:`rbsuite.store.sealing`), and returns them only on request (:meth:`ExperimentStore.revealed`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from rbsuite.jsonable import Json, plain
from rbsuite.record import TaskRecord

if TYPE_CHECKING:
    from rbsuite.store.experiment import ExperimentStore

_T = TypeVar("_T")

CANARY = "Holds material of a benchmark that must not enter training data. rbsuite canary 88d3ee9a-8fad-4a25-a353-e9d54e0457c4"
"""Included in every export of a private benchmark, so that copies can be found and left out of a corpus."""

KEPT = frozenset(
    [
        *("type", "run", "id", "task_id", "commit_id", "state_hash", "head", "order_name", "tasks", "committed"),
        *("memory", "scaling", "agent", "model", "judge", "reader", "source", "label", "domain", "experience"),
        *("op", "item_id", "target", "document", "phase", "index", "links"),
        *("actor", "audience", "turn", "role", "kind", "end", "how", "gold", "answer", "answered"),
    ]
)
"""Keys whose texts are names, ids or letters. This lists what is kept, so a new field is left out until it is known to be safe."""


OPEN = frozenset(["truth", "data", "arguments", "parameters"])
"""Keys under which plugins and models choose the keys."""

_WORD = re.compile(r"[A-Za-z_]\w{0,39}", re.ASCII)
"""The form of keys chosen by plugins and models, unless they use a text as a key."""

_NOTHING = "[left out]"
"""Replaces a text of the ground truth, which may be one of few: its length would give it away."""
_LEFT_OUT = re.compile(r"\[left out(?:: \d+ characters)?\]")


def is_private(store: ExperimentStore) -> bool:
    """Whether an experiment's environment asks not to make its tasks public."""
    return bool(store.manifest.facts.get("environment", {}).get("private"))


def is_confined(store: ExperimentStore) -> bool:
    """Whether an experiment's tasks may not leave this machine."""
    return store.confined


def hidden(value: _T, key: str = "", kept: frozenset[str] = KEPT, *, lengths: bool = True) -> _T:
    """A record of a confined experiment, of the same types, without the texts that could show a task.

    Field names are rbsuite's own, so texts under :data:`KEPT` stay; under :data:`OPEN` keys are chosen by a plugin or a model, so no text
    stays, nor does a key that is not a word. A rollout's answer is removed from the truth entirely: a vote over lengths would be
    meaningless.

    Args:
        value: the record, or part of it.
        key: its key in the record.
        kept: the keys whose texts stay.
        lengths: whether a text is replaced by its length; not done under ``truth``.
    """
    made: Any = value
    if key in OPEN:
        kept = frozenset()
    lengths = lengths and key != "truth"
    if isinstance(value, str):
        if value and key not in kept:
            made = left_out(value) if lengths else _NOTHING
    elif isinstance(value, Mapping):
        items = value.items()
        made = {
            name if kept or _WORD.fullmatch(str(name)) else left_out(str(name)): hidden(
                item, str(name), kept, lengths=lengths
            )
            for name, item in items
            if (key, name) != ("truth", "answered")
        }
    elif isinstance(value, list | tuple):
        made = type(value)(hidden(item, key, kept, lengths=lengths) for item in value)
    elif is_dataclass(value) and not isinstance(value, type):
        parts = {one.name: hidden(getattr(value, one.name), one.name, kept, lengths=lengths) for one in fields(value)}
        made = replace(value, **parts)
    return made  # type: ignore[no-any-return]


def redact(value: Any, *, confined: bool = False) -> Json:
    """A record as plain data without the texts that could show a task.

    Args:
        value: the record.
        confined: whether the experiment is confined: then letters are left out too, see :func:`hidden`.
    """
    return hidden(plain(value)) if confined else _redact(plain(value), "")


def _redact(value: Json, key: str) -> Json:
    if isinstance(value, Mapping):
        return {name: _redact(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_redact(item, key) for item in value]
    if isinstance(value, str) and key not in KEPT:
        return left_out(value)
    return value


def hide_record(record: TaskRecord) -> TaskRecord:
    """A record of a confined experiment without what was said, recalled and learned; its hash chain covers what was learned."""
    return replace(
        record,
        rollouts=tuple(hidden(one, "rollouts") for one in record.rollouts),
        recalls=tuple(replace(one, recall=hidden(one.recall)) for one in record.recalls),
        ops=hidden(record.ops),
    )


def left_out(text: str) -> str:
    """What replaces a text; an empty text stays, and so does one that was already left out."""
    return f"[left out: {len(text)} characters]" if text and not _LEFT_OUT.fullmatch(text) else text
