"""The items of a stored bank, folded from its operations alone, without an embedder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rbsuite.experience import MemoryItem, MemoryOp
from rbsuite.memories.effects import State, effects_of

if TYPE_CHECKING:
    from rbsuite.store import ExperimentStore


@dataclass(frozen=True, slots=True)
class FoldedItems:
    """The items of a run's bank.

    Attributes:
        live: the current ones, in the order they were added.
        ever: all that were ever in it, by id, each in its last form.
    """

    live: tuple[MemoryItem, ...]
    ever: Mapping[str, MemoryItem]


def folded_items(store: ExperimentStore, run: str, version: int | None = None) -> FoldedItems:
    """The items of a run's bank.

    Args:
        store: the experiment.
        run: id of the run.
        version: as of which version; ``None``: the latest.
    """
    live: dict[str, MemoryItem] = {}
    ever: dict[str, MemoryItem] = {}
    last: dict[str, int] = {}
    keys: dict[str, str] = {}
    state = State(live.get, lambda name: last.get(name, 0), keys.get)
    versions: dict[int, list[MemoryOp]] = {0: list(store.seed_ops(run))}
    for number, op in store.ops(run, version):
        versions.setdefault(number, []).append(op)
    for number, ops in versions.items():
        effects = effects_of(number, ops, state)
        keys |= effects.keys
        for name, item in effects.items:
            if item is None:
                live.pop(name, None)
            else:
                live[name] = ever[name] = item
                last[name] = item.revision
    return FoldedItems(tuple(live.values()), ever)
