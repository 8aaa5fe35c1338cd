"""Seeded random tool calls: valid ones, nearly valid ones and junk."""

from __future__ import annotations

import random
from typing import Any

from rbsuite_dialogue.database import Database
from rbsuite_tau_bench.differential.airline_arguments import AirlineArguments
from rbsuite_tau_bench.differential.arguments import ArgumentMaker, Arguments
from rbsuite_tau_bench.differential.retail_arguments import RetailArguments
from rbsuite_tau_bench.world import World

Call = tuple[str, Arguments]
"""A tool's name and its arguments."""

_UNKNOWN_TOOLS = ("", "Think", "get_order")
_UNKNOWN_PARAMETERS = ("extra", "data", "self", "order id", "")
_JUNK: tuple[Any, ...] = (
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
    float("nan"),
    float("inf"),
    "",
    " ",
    "x",
    "yes",
    "0",
    "éß\ud800\u2028'\"\\",
    [],
    {},
    [[]],
    [None],
    ["x", 1],
    [{}],
    {"a": 1},
    {"payment_id": 1, "amount": 2},
    {"flight_number": "HAT001", "date": "2024-05-20"},
    [{"payment_id": "x", "amount": "1"}],
    [{"flight_number": ["HAT001"], "date": {}}],
    "gift_card",
    "certificate",
)


class CallMaker:
    """Makes calls for worlds of one domain.

    Args:
        domain: ``retail`` or ``airline``.
        database: the domain's.
        seed: of all choices.
    """

    def __init__(self, domain: str, database: Database, seed: int) -> None:
        self._rng = random.Random(seed)
        makers: dict[str, type[ArgumentMaker]] = {"retail": RetailArguments, "airline": AirlineArguments}
        self._maker = makers[domain](database, self._rng)

    def call(self, world: World) -> Call:
        """The next call, made for this world in its present state."""
        rng = self._rng
        if rng.random() < 0.005:
            return rng.choice(_UNKNOWN_TOOLS), {}
        name = rng.choice(world.tool_names)
        arguments: Arguments = getattr(self._maker, name)(world)
        choice = rng.random()
        if choice < 0.06:
            for parameter in rng.sample(sorted(arguments), min(len(arguments), rng.randint(1, 2))):
                del arguments[parameter]
        elif choice < 0.10:
            arguments[rng.choice(_UNKNOWN_PARAMETERS)] = 1
        elif choice < 0.38 and arguments:
            parameter = rng.choice(sorted(arguments))
            arguments[parameter] = self._spoiled(arguments[parameter])
        return name, arguments

    def _spoiled(self, value: Any) -> Any:
        """``value`` made junk, or changed a little, at any depth."""
        rng = self._rng
        if isinstance(value, list) and value and rng.random() < 0.6:
            return self._spoiled_list(value)
        if isinstance(value, dict) and value and rng.random() < 0.7:
            key = rng.choice(sorted(value))
            changed = {**value, key: self._spoiled(value[key])}
            if rng.random() < 0.3:
                del changed[key]
            return changed
        if isinstance(value, str) and rng.random() < 0.4:
            return rng.choice([value + "x", value.upper(), value.lower(), value[:-1], [value], {value: value}])
        if isinstance(value, int | float) and rng.random() < 0.5:
            return rng.choice([value + 1, -value, float(value), str(value), value * 1000])
        return rng.choice(_JUNK)

    def _spoiled_list(self, value: list[Any]) -> list[Any]:
        place = self._rng.randrange(len(value))
        kind = self._rng.randrange(4)
        if kind == 0:
            return [*value, value[place]]
        if kind == 1:
            return value[:place] + value[place + 1 :]
        return [self._spoiled(entry) if at == place else entry for at, entry in enumerate(value)]
