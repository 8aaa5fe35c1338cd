"""Corrupted arguments: replaced by junk or changed slightly, at any depth."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

JUNK: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2.5,
    -0.0,
    10**20,
    1e308,
    "",
    " ",
    "x",
    "yes",
    "0",
    "éß\u2028'\"\\",
    [],
    {},
    [None],
    ["x", 1],
    [{}],
    {"a": 1},
    {"payment_id": 1, "amount": 2},
    {"flight_number": "HAT001", "date": "2024-05-20"},
    [{"payment_id": "x", "amount": "1"}],
)


class Spoiler:
    """Spoils values.

    Args:
        rng: makes all choices.
        junk: what values are replaced by, besides :data:`JUNK`.
    """

    def __init__(self, rng: random.Random, junk: Sequence[Any] = ()) -> None:
        self._rng = rng
        self._junk = (*JUNK, *junk)

    def spoiled(self, value: Any) -> Any:
        """The value, corrupted."""
        rng = self._rng
        if isinstance(value, list) and value and rng.random() < 0.6:
            return self._spoiled_list(value)
        if isinstance(value, dict) and value and rng.random() < 0.7:
            key = rng.choice(sorted(value))
            changed = {**value, key: self.spoiled(value[key])}
            if rng.random() < 0.3:
                del changed[key]
            return changed
        if isinstance(value, str) and rng.random() < 0.4:
            return rng.choice([value + "x", value.upper(), value.lower(), value[:-1], [value], {value: value}])
        if isinstance(value, int | float) and rng.random() < 0.5:
            return rng.choice([value + 1, -value, float(value), str(value), value * 1000])
        return rng.choice(self._junk)

    def _spoiled_list(self, value: list[Any]) -> list[Any]:
        place = self._rng.randrange(len(value))
        kind = self._rng.randrange(4)
        if kind == 0:
            return [*value, value[place]]
        if kind == 1:
            return value[:place] + value[place + 1 :]
        return [self.spoiled(entry) if at == place else entry for at, entry in enumerate(value)]
