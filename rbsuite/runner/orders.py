"""Orders: in which sequence a stream meets its tasks."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.seeds import rng


def seeded_order(tasks: Sequence[str], seed: int) -> tuple[str, ...]:
    """The tasks in the order that a seed gives; a permutation of ``tasks``."""
    shuffled = list(tasks)
    rng(seed, "order").shuffle(shuffled)
    return tuple(shuffled)
