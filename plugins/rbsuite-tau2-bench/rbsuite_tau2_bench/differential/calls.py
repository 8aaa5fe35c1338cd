"""Seeded random tool calls of both sides: valid ones, nearly valid ones and junk."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rbsuite_tau2_bench.domains import DOMAINS
from rbsuite_tau2_bench.pack import Pack
from rbsuite_tau2_bench.scenario import Scenario
from rbsuite_tau2_bench.toolkit import Side

Made = tuple[str, dict[str, Any], Side]
"""A tool's name, its arguments, and who calls."""

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
    "12",
    "3.0",
    "éß\u2028'\"\\" * 9,
    [],
    {},
    [None],
    ["x", 1],
    [{}],
    {"a": 1},
    {"payment_id": 1, "amount": 2},
    {"flight_number": "HAT001", "date": "2024-05-20"},
    [{"payment_id": "x", "amount": "1"}],
    [{"payment_id": "x", "amount": 1.5}],
    [{"first_name": 1, "last_name": None}, {"dob": []}],
    {"apn_name": "broken"},
    {"apn_name": "internet", "mms_port": "80", "reset_at_reboot": "yes"},
    {"apn_name": "other", "extra": 1},
    "2g_only",
    "storage",
    "messaging",
)
_EXPRESSIONS = ("1 + 2", "(3 - 4) * 2.5", "10 / 0", "2 ** 3", "1 +", "7 // 2", "x", "((1)", "0.1 + 0.2", "-5", "1 2")


class CallMaker:
    """Makes calls for an episode that starts from a task.

    Args:
        domain: the domain.
        pack: its data.
        scenarios: tasks whose reference calls are made, whole and spoiled.
        seed: of all choices.
    """

    def __init__(self, domain: str, pack: Pack, scenarios: Sequence[Scenario], seed: int) -> None:
        self._rng = random.Random(seed)
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

    def call(self) -> Made:
        """The next call."""
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
            arguments[parameter] = rng.choice(self._values.get(parameter) or _JUNK)
        elif choice < 0.34 and arguments:
            parameter = rng.choice(sorted(arguments))
            arguments[parameter] = self._spoiled(arguments[parameter])
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
                values = list(_EXPRESSIONS)
            elif schema.get("enum"):
                values = schema["enum"]
            value = rng.choice(values) if values else rng.choice((1, 2, "x", 5.5))
            if schema.get("type") == "array" and not isinstance(value, list):
                value = [value] * rng.choice((1, 1, 2))
            made[name] = copy.deepcopy(value)
        return made

    def _harvest(self, value: Any, key: str) -> None:
        """Keep the values of a record under the names of their fields."""
        for name, one in _fields(value):
            self._values.setdefault(name, []).append(one)
        for name in ("user_id", "order_id", "reservation_id", "product_id", "flight_number", "task_id", "app_name"):
            if isinstance(value, dict) and value.get(name) == key:
                self._values.setdefault(name, []).append(key)

    def _spoiled(self, value: Any) -> Any:
        """``value`` made junk, or changed a little, at any depth."""
        rng = self._rng
        if isinstance(value, list) and value and rng.random() < 0.6:
            place = rng.randrange(len(value))
            kind = rng.randrange(4)
            if kind == 0:
                return [*value, value[place]]
            if kind == 1:
                return value[:place] + value[place + 1 :]
            return [self._spoiled(one) if at == place else one for at, one in enumerate(value)]
        if isinstance(value, dict) and value and rng.random() < 0.7:
            key = rng.choice(sorted(value))
            return {**value, key: self._spoiled(value[key])}
        if isinstance(value, str) and rng.random() < 0.4:
            return rng.choice([value + "x", value.upper(), value.lower(), value[:-1], [value], {value: value}])
        if isinstance(value, int | float) and rng.random() < 0.5:
            return rng.choice([value + 1, -value, float(value), str(value), value * 1000])
        return rng.choice(_JUNK)


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
