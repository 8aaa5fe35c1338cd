"""The chain over everything stored of a run: each link is the SHA-256 of the link before it and the raw rows of one task.

While the chain of the bank (:mod:`rbsuite.oplog`) tells whether two banks are equal, this one tells whether a file is as it was written: it
covers outcomes, verdicts, recalls, usage, wall times and the columns for people. Link 0 of a run (:func:`run_link`) is over the manifest,
the run's row and its seed. If a run was rewound, the chain continues from the act (:func:`after_act`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from rbsuite.errors import StoreError
from rbsuite.store.codec import pack

Row = Sequence[Any]


def manifest_hash(text: str) -> str:
    """The hash of a manifest, as it is stored."""
    return _link("manifest", [(pack(text),)])


def added_hash(previous: str, text: str) -> str:
    """The hash of added runs, as they are stored: it takes the place of the manifest in their links.

    Args:
        previous: the hash of the runs added before them, or :func:`manifest_hash`.
        text: the runs.
    """
    return _link(previous, [(pack(text),)])


def run_link(manifest: str, run: Row, seed: Iterable[Row]) -> str:
    """Link 0 of a run.

    Args:
        manifest: :func:`manifest_hash`, or :func:`added_hash`.
        run: the columns of its row, up to ``start_hash``.
        seed: the rows of its seed.
    """
    return _link(manifest, [run, *seed])


def task_link(previous: str, task: Row, rollouts: Iterable[tuple[Row, str | bytes]], parts: Iterable[Row]) -> str:
    """The link of a task.

    Args:
        previous: the link before it.
        task: its row, without the link itself.
        rollouts: the rows of its rollouts, each with the body of its trajectory.
        parts: the rows of its recalls and operations.
    """
    state = hashlib.sha256(str(previous).encode("ascii", "backslashreplace"))
    state.update(_text(task))
    for row, body in rollouts:
        if isinstance(body, bytes):
            state.update(_text((*row, len(body))))
            state.update(body)
        else:
            state.update(_text((*row, body)))
    for row in parts:
        state.update(_text(row))
    return state.hexdigest()


def act_link(previous: str, act: Row) -> str:
    """The link of an act on a run (rewinding it), which continues from the act before it; ``previous`` is empty for the first one."""
    return _link(previous, [act])


def after_act(link: str, act: str) -> str:
    """What the next task's link continues from after the act with link ``act`` rewound the run to the task of ``link``."""
    return _link(link, [(act,)])


def standing_acts(acts: Iterable[tuple[int, str]]) -> dict[int, str]:
    """For each position, the link of the act after which the task there was committed.

    Args:
        acts: position and link of a run's acts, in order. A later one at an earlier position undoes what followed the one before.

    Raises:
        StoreError: what is stored is neither.
    """
    standing: dict[int, str] = {}
    for position, link in acts:
        if type(position) is not int or type(link) is not str:
            raise StoreError(
                "the store is damaged: what is kept of an act on a run was changed.", "Restore it from a copy."
            )
        standing = {place: other for place, other in standing.items() if place < position}
        standing[position] = link
    return standing


def templates_hash(rows: Iterable[Row]) -> str:
    """The hash of the table of templates; ``rows`` are in the order of their keys."""
    return _link("templates", rows)


def _link(previous: str, rows: Iterable[Row]) -> str:
    state = hashlib.sha256(str(previous).encode("ascii", "backslashreplace"))
    for row in rows:
        state.update(_text(row))
    return state.hexdigest()


def _text(row: Row) -> bytes:
    """A row as text: identical for equal values of equal types, in every version of Python."""
    return ascii(tuple(row)).encode("ascii")
