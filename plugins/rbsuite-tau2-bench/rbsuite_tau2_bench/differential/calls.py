"""Seeded random tool calls of both sides: valid ones, nearly valid ones and junk."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rbsuite_dialogue.differential.expressions import Expressions
from rbsuite_dialogue.differential.spoiling import JUNK, Spoiler
from rbsuite_tau2_bench.domains import DOMAINS
from rbsuite_tau2_bench.pack import Pack
from rbsuite_tau2_bench.scenario import Scenario
from rbsuite_tau2_bench.toolkit import Side
from rbsuite_tau2_bench.world import World

Made = tuple[str, dict[str, Any], Side]
"""A tool's name, its arguments, and the caller."""

_OTHER_NAMES = {
    "item_ids": "item_id",
    "new_item_ids": "item_id",
    "payment_method_id": "payment_methods",
    "payment_id": "payment_methods",
    "id": "line_id",
    "dob": "date_of_birth",
    "bill_id": "bill_ids",
}
_JUNK: tuple[Any, ...] = (
    "12",
    "3.0",
    "éß\u2028'\"\\" * 9,
    [{"payment_id": "x", "amount": 1.5}],
    [{"first_name": 1, "last_name": None}, {"dob": []}],
    {"apn_name": "broken"},
    {"apn_name": "internet", "mms_port": "80", "reset_at_reboot": "yes"},
    {"apn_name": "other", "extra": 1},
    "2g_only",
    "storage",
    "messaging",
)


class CallMaker:
    """Makes calls for an episode that starts from a task.

    Args:
        domain: the domain.
        pack: its data.
        scenarios: tasks whose reference calls are made, both intact and corrupted.
        seed: seed of all choices.
    """

    def __init__(self, domain: str, pack: Pack, scenarios: Sequence[Scenario], seed: int) -> None:
        self._rng = random.Random(seed)
        self._spoiler = Spoiler(self._rng, _JUNK)
        self._expressions = Expressions(self._rng)
        self._sides = {
            side: {entry["function"]["name"]: entry["function"] for entry in tools}
            for side, tools in pack.tools(domain).items()
        }
        self._calls = [call for scenario in scenarios for call in scenario.actions or ()]
        self._values: dict[str, list[Any]] = {}
        for call in self._calls:
            for name, value in call.arguments.items():
                self._values.setdefault(name, []).append(value)
        for database in pack.databases(domain):
            for table in database.tables.values() if database else ():
                for key, record in self._rng.sample(sorted(table.items()), min(12, len(table))):
                    self._harvest(record, key)
        self._kinds = DOMAINS[domain].kinds

    def call(self, _: World) -> Made:
        """The next call, whatever the world's state."""
        rng = self._rng
        choice = rng.random()
        if self._calls and choice < 0.5:
            known = rng.choice(self._calls)
            name, side = known.name, known.requestor
            arguments = copy.deepcopy(dict(known.arguments))
        else:
            side = rng.choice(sorted(self._sides))  # type: ignore[arg-type]
            name = rng.choice(sorted(self._sides[side]))
            arguments = self._generated(self._sides[side][name]["parameters"])
        choice = rng.random()
        if choice < 0.04 and arguments:
            del arguments[rng.choice(sorted(arguments))]
        elif choice < 0.06:
            arguments[rng.choice(("extra", "self", "tool_name", "requestor", "a b", ""))] = 1
        elif choice < 0.20 and arguments:
            parameter = rng.choice(sorted(arguments))
            arguments[parameter] = rng.choice(self._values.get(parameter) or JUNK)
        elif choice < 0.34 and arguments:
            parameter = rng.choice(sorted(arguments))
            arguments[parameter] = self._spoiler.spoiled(arguments[parameter])
        elif choice < 0.345:
            name += "_x"
        elif choice < 0.35:
            side = "user" if side == "assistant" else "assistant"
        return name, arguments, side

    def _generated(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        rng = self._rng
        made = {}
        for name, schema in parameters.get("properties", {}).items():
            if name not in parameters.get("required", ()) and rng.random() < 0.6:
                continue
            values = self._values.get(name) or self._values.get(_OTHER_NAMES.get(name, ""), [])
            if name == "expression":
                values = [self._expressions.text()]
            elif schema.get("enum"):
                values = schema["enum"]
            value = rng.choice(values) if values else rng.choice((1, 2, "x", 5.5))
            if schema.get("type") == "array" and not isinstance(value, list):
                value = [value] * rng.choice((1, 1, 2))
            made[name] = copy.deepcopy(value)
        return made

    def _harvest(self, value: Any, key: str) -> None:
        """Store the values of a record under the names of their fields."""
        for name, one in _fields(value):
            self._values.setdefault(name, []).append(one)
        for name in ("user_id", "order_id", "reservation_id", "product_id", "flight_number", "task_id", "app_name"):
            if isinstance(value, dict) and value.get(name) == key:
                self._values.setdefault(name, []).append(key)


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        if name == "payment_methods":
            yield from ((name, key) for key in value)
        for key, one in value.items():
            yield from _fields(one, key)
    elif isinstance(value, list):
        for one in value:
            yield from _fields(one, name)
    elif name and value is not None:
        yield name, value
