"""The hash chain over a bank's operations: equal chains mean equal banks, and a changed log is noticed.

Link ``v`` is SHA-256 over link ``v - 1`` and the canonical JSON of ``[v, operations of v]``; link 0 is :func:`origin`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from rbsuite.experience import MemoryOp
from rbsuite.jsonable import canonical

GENESIS = "0" * 64
"""The chain of an empty bank at version 0."""


def origin(seed: Sequence[MemoryOp]) -> str:
    """The chain of a bank at version 0.

    Args:
        seed: the operations that formed it, in order; none if the bank started empty.

    Returns:
        :data:`GENESIS` for an empty bank, else :func:`chain` of it, version 0 and ``seed``.

    Raises:
        TypeError: an operation contains a value that has no JSON form.
    """
    return chain(GENESIS, 0, seed) if seed else GENESIS


def chain(previous: str, version: int, ops: Sequence[MemoryOp]) -> str:
    """The chain after a version's operations.

    Args:
        previous: the chain at ``version - 1``, 64 hex digits; :func:`origin` before the first version.
        version: the version that the operations make, from 1.
        ops: the operations in order; may be empty, and then there still is a new link.

    Returns:
        64 hex digits.

    Raises:
        TypeError: an operation contains a value that has no JSON form.
    """
    text = canonical([version, list(ops)]) if ops else f"[{version},[]]"
    return hashlib.sha256(f"{previous}{text}".encode("ascii")).hexdigest()
