"""What the makers of random arguments have in common."""

# ruff: noqa: D102 (each method makes the arguments of the tool of the same name)

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from rbsuite_dialogue.database import Database
from rbsuite_dialogue.differential.expressions import Expressions
from rbsuite_tau_bench.world import World

Arguments = dict[str, Any]


class ArgumentMaker:
    """Makes arguments, mostly valid in the world's current state, for each tool: one method per tool, named after it.

    It uses only a few users, so that changes accumulate.
    """

    def __init__(self, database: Database, rng: random.Random) -> None:
        self.rng = rng
        self.tables = database.tables
        self._users = rng.sample(sorted(self.tables["users"]), min(10, len(self.tables["users"])))
        self._expressions = Expressions(rng)

    def calculate(self, world: World) -> Arguments:
        return {"expression": self._expressions.text()}

    def get_user_details(self, world: World) -> Arguments:
        return {"user_id": self._user_id()}

    def think(self, world: World) -> Arguments:
        return {"thought": "hm"}

    def transfer_to_human_agents(self, world: World) -> Arguments:
        return {"summary": "no"}

    def _one_of(self, choices: Sequence[str]) -> str:
        return self.rng.choice(choices)

    def _user_id(self) -> str:
        """One of the few users, occasionally any user."""
        return self.rng.choice(self._users if self.rng.random() < 0.9 else sorted(self.tables["users"]))

    def _method(self, world: World, user_id: str) -> str:
        """A payment method of the user, occasionally of somebody else."""
        owner = user_id if self.rng.random() < 0.9 else self._user_id()
        methods = self._record(world, "get_user_details", user_id=owner).get("payment_methods") or ["none_1"]
        return self._one_of(sorted(methods))

    def _record(self, world: World, tool: str, **key: str) -> dict[str, Any]:
        """A record as the world shows it now; empty if it does not exist."""
        text = world.call(tool, key)
        found = {} if text.startswith("Error") else json.loads(text)
        return found if isinstance(found, dict) else {}
