"""The snapshots of memories whose state is outside the bank: where they are kept, and what happens if there are none.

When such a memory has absorbed a task, the task's record contains one more operation, which writes the bank's document
:data:`DOCUMENT`. So the bank knows which state belongs to each version: that is how runs are resumed, taken back and started
warm. If the memory has no snapshots, the document says so.
"""

from __future__ import annotations

from collections.abc import Iterable

from rbsuite.experience import Experience, MemoryOp
from rbsuite.memories.base import ExternalMemory

DOCUMENT = "external-state"
"""The document's name."""
LONGEST = 1_000_000
"""Characters of a snapshot, at most."""
_GIVEN, _LOST = "snapshot\n", "no snapshot"


async def kept(memory: ExternalMemory, experience: Experience) -> MemoryOp:
    """The operation that keeps a memory's state, after it has absorbed an experience.

    Raises:
        ValueError: the snapshot is not text, or is too long.
    """
    snapshot = await memory.snapshot()
    if snapshot is not None and (not isinstance(snapshot, str) or len(snapshot) > LONGEST):
        raise ValueError(f"a snapshot must be text of at most {LONGEST:,} characters, or None")
    return MemoryOp.put_document(experience, DOCUMENT, _LOST if snapshot is None else _GIVEN + snapshot)


def last_state(ops: Iterable[MemoryOp]) -> str:
    """The text of the document :data:`DOCUMENT` after the operations; ``""`` if none of them wrote it."""
    return next((op.text for op in reversed(list(ops)) if op.document == DOCUMENT), "")


def is_lost(document: str) -> bool:
    """Whether there was a state without a snapshot."""
    return document == _LOST


def snapshot_in(document: str) -> str | None:
    """The snapshot in the document; ``None``: nothing has been learned yet."""
    return document.removeprefix(_GIVEN) if document.startswith(_GIVEN) else None
