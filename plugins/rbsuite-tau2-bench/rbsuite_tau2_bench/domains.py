"""The four domains of tau2-bench: the records of both sides, their toolkits, and what keeps the sides in sync."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from rbsuite.errors import UnknownNameError
from rbsuite_dialogue.database import ONLY, Database, Shape
from rbsuite_dialogue.notation import SORTED_JSON
from rbsuite_dialogue.values import Record, Value
from rbsuite_tau2_bench import airline, mock, phone_tools, retail, telecom
from rbsuite_tau2_bench.schema import Misfit
from rbsuite_tau2_bench.schema import Record as Schema
from rbsuite_tau2_bench.toolkit import Kind, Toolkit


@dataclass(frozen=True)
class Part:
    """One side of a domain.

    Attributes:
        name: upstream's name of its database, which error texts show.
        toolkit: its tools.
        tables: the records by table, in upstream's order.
        shapes: those of the tables that are not mappings.
        keys: for tables that are lists, the field that contains the key.
    """

    name: str
    toolkit: type[Toolkit]
    tables: Mapping[str, Schema]
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    def database(self, data: Value) -> Database:
        """The database made from a file's contents, with every value converted as upstream's models do.

        Raises:
            ValueError: the data does not fit.
        """
        if not isinstance(data, dict):
            raise ValueError("not an object of tables")
        unknown = [name for name in data if name not in self.tables]
        missing = [name for name in self.tables if name not in data and self.shapes.get(name) != "record"]
        if unknown or missing:
            raise ValueError(f"unknown table {unknown[0]!r}" if unknown else f"no table {missing[0]!r}")
        return Database(
            {name: self._table(name, data.get(name, {})) for name in self.tables}, SORTED_JSON, self.shapes, self.name
        )

    def document(self, database: Database) -> dict[str, Any]:
        """What the file of a database would contain."""
        return {name: self._as_shipped(name, database.tables[name]) for name in self.tables}

    def _table(self, name: str, data: Value) -> dict[str, Record]:
        kind, shape = self.tables[name], self.shapes.get(name, "mapping")
        try:
            if shape == "record":
                return {ONLY: kind.make(_object(data, name))}
            if shape == "mapping":
                return {key: kind.make(_object(one, name)) for key, one in _object(data, name).items()}
            if not isinstance(data, list):
                raise ValueError(f"table {name!r} is not a list")
            records = [kind.make(_object(one, name)) for one in data]
            table: dict[str, Record] = {record[self.keys[name]]: record for record in records}
        except Misfit as error:
            raise ValueError(f"table {name!r}: {' '.join(str(error).split())}") from error
        if len(table) < len(records):
            raise ValueError(f"table {name!r} has two records with the same id")
        return table

    def _as_shipped(self, name: str, table: Mapping[str, Record]) -> Value:
        shape = self.shapes.get(name, "mapping")
        if shape == "record":
            return table[ONLY]
        return list(table.values()) if shape == "list" else dict(table)


def _object(value: Value, table: str) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise ValueError(f"a record of table {table!r} is not an object")
    return value


@dataclass(frozen=True)
class Domain:
    """One domain.

    Attributes:
        name: what users of rbsuite write.
        agent: the side of the agent.
        user: the side of the user, if it has tools.
        sync: keeps both sides in sync, called after every call; ``None``: nothing to do.
    """

    name: str
    agent: Part
    user: Part | None = None
    sync: Callable[[Any, Any], None] | None = None

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """What the tools of both sides do."""
        return {**(self.user.toolkit.kinds if self.user else {}), **self.agent.toolkit.kinds}


DOMAINS: Mapping[str, Domain] = MappingProxyType(
    {
        "retail": Domain("retail", Part("RetailDB", retail.RetailTools, retail.TABLES)),
        "airline": Domain("airline", Part("FlightDB", airline.AirlineTools, airline.TABLES)),
        "telecom": Domain(
            "telecom",
            Part(
                "TelecomDB",
                telecom.TelecomTools,
                telecom.TABLES,
                dict.fromkeys(telecom.TABLES, "list"),
                telecom.KEYS,
            ),
            Part(
                "TelecomUserDB",
                phone_tools.TelecomUserTools,
                phone_tools.TABLES,
                dict.fromkeys(phone_tools.TABLES, "record"),
            ),
            phone_tools.sync,
        ),
        "mock": Domain(
            "mock",
            Part("MockDB", mock.MockTools, mock.TABLES),
            Part("MockUserDB", mock.MockUserTools, mock.USER_TABLES),
        ),
    }
)


def domain(name: str) -> Domain:
    """The domain with this name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in DOMAINS:
        raise UnknownNameError("tau2-bench domain", name, DOMAINS)
    return DOMAINS[name]
