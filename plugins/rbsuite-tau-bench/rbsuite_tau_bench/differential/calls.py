"""Seeded random tool calls: valid ones, nearly valid ones and junk."""

from __future__ import annotations

import random
from typing import Any

from rbsuite_dialogue.database import Database
from rbsuite_dialogue.differential.spoiling import Spoiler
from rbsuite_tau_bench.differential.airline_arguments import AirlineArguments
from rbsuite_tau_bench.differential.arguments import ArgumentMaker, Arguments
from rbsuite_tau_bench.differential.retail_arguments import RetailArguments
from rbsuite_tau_bench.world import World

Call = tuple[str, Arguments]
"""A tool's name and its arguments."""

_UNKNOWN_TOOLS = ("", "Think", "get_order")
_UNKNOWN_PARAMETERS = ("extra", "data", "self", "order id", "")
_JUNK: tuple[Any, ...] = (
    float("nan"),
    float("inf"),
    "\ud800",
    [[]],
    [{"flight_number": ["HAT001"], "date": {}}],
    "gift_card",
    "certificate",
)


class CallMaker:
    """Makes calls for worlds of one domain.

    Args:
        domain: ``retail`` or ``airline``.
        database: the domain's database.
        seed: seed of all choices.
    """

    def __init__(self, domain: str, database: Database, seed: int) -> None:
        self._rng = random.Random(seed)
        self._spoiler = Spoiler(self._rng, _JUNK)
        makers: dict[str, type[ArgumentMaker]] = {"retail": RetailArguments, "airline": AirlineArguments}
        self._maker = makers[domain](database, self._rng)

    def call(self, world: World) -> Call:
        """The next call, made for this world in its current state."""
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
            arguments[parameter] = self._spoiler.spoiled(arguments[parameter])
        return name, arguments
