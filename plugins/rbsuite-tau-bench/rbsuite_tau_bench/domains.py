"""The two domains of tau-bench: their tables and tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from rbsuite.errors import UnknownNameError
from rbsuite_tau_bench import airline, retail
from rbsuite_tau_bench.tools import Kind, Tool


@dataclass(frozen=True)
class Domain:
    """One domain.

    Attributes:
        name: ``retail`` or ``airline``.
        tables: the tables of its database; each is a file of that name.
        tools: in upstream's order.
    """

    name: str
    tables: tuple[str, ...]
    tools: tuple[Tool, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Tool]:
        """The tools by name, in upstream's order."""
        return MappingProxyType({tool.name: tool for tool in self.tools})

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """What each tool does to the world."""
        return MappingProxyType({tool.name: tool.kind for tool in self.tools})

    @cached_property
    def writes(self) -> frozenset[str]:
        """The names of the tools that can change the database."""
        return frozenset(tool.name for tool in self.tools if tool.kind == "write")

    @cached_property
    def terminating(self) -> frozenset[str]:
        """The names of the tools that end the episode."""
        return frozenset(tool.name for tool in self.tools if tool.kind == "terminating")


DOMAINS: Mapping[str, Domain] = MappingProxyType(
    {
        "retail": Domain("retail", retail.TABLES, retail.TOOLS),
        "airline": Domain("airline", airline.TABLES, airline.TOOLS),
    }
)


def domain(name: str) -> Domain:
    """The domain with this name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in DOMAINS:
        raise UnknownNameError("tau-bench domain", name, DOMAINS)
    return DOMAINS[name]
