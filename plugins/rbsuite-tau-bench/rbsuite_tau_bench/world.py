"""The world of a tau-bench task: call tools, see their observations, compare end states.

A world is a thin layer over a database that all worlds share, so thousands of them can be alive. It matches upstream (``Env.step`` and
``get_data_hash`` in ``tau_bench/envs/base.py``, commit 59a200c) observation by observation and hash by hash, quirks included, apart from
the :data:`DEVIATIONS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from rbsuite.errors import UnknownNameError
from rbsuite_dialogue import deviations
from rbsuite_dialogue.overlay import Overlay
from rbsuite_dialogue.values import UnusableArgument, Value, plain
from rbsuite_tau_bench import domains
from rbsuite_tau_bench.pack import Pack
from rbsuite_tau_bench.tools import (
    COPIED_ARGUMENTS,
    FOURTH_CERTIFICATE,
    Kind,
    Tool,
)

FIDELITIES = ("upstream",)

DEVIATIONS: Mapping[str, str] = MappingProxyType(
    {
        **deviations.DEVIATIONS,
        FOURTH_CERTIFICATE: "a fourth certificate for a user gave an error observation; upstream's episode crashes",
        COPIED_ARGUMENTS: "a booking's history grew; upstream then changes the recorded arguments of the booking too",
    }
)
"""Where a world can depart from upstream, by the names that :attr:`World.deviations` uses."""

Changes: TypeAlias = tuple[tuple[str, str, str], ...]
"""Sorted (table, key, canonical text of the record) for the records that differ from the shipped ones."""


class World:
    """A domain's database and tools. Not safe for calls from several threads at once.

    Args:
        domain: ``retail`` or ``airline``.
        pack: the data; worlds made from one :class:`Pack` share its database, a path is read again each time.
        fidelity: ``upstream`` keeps upstream's quirks.

    Raises:
        UnknownNameError: no such domain or fidelity.
        DataError: the data is missing or malformed.
    """

    __slots__ = ("_domain", "_overlay", "fidelity")

    def __init__(self, domain: str, pack: Pack | str | Path, *, fidelity: str = "upstream") -> None:
        if fidelity not in FIDELITIES:
            raise UnknownNameError("fidelity", fidelity, FIDELITIES)
        self._domain = domains.domain(domain)
        self.fidelity = fidelity
        source = pack if isinstance(pack, Pack) else Pack(pack)
        self._overlay = Overlay(source.database(domain))

    @property
    def domain(self) -> str:
        """The domain's name."""
        return self._domain.name

    @property
    def tool_names(self) -> tuple[str, ...]:
        """The names of the tools, in upstream's order."""
        return tuple(self._domain.by_name)

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """What each tool does: ``read``, ``write``, ``none`` or ``terminating``."""
        return self._domain.kinds

    @property
    def writes(self) -> frozenset[str]:
        """The names of the tools that can change the database."""
        return self._domain.writes

    @property
    def terminating(self) -> frozenset[str]:
        """The names of the tools whose call ends the episode, even one that fails."""
        return self._domain.terminating

    @property
    def deviations(self) -> frozenset[str]:
        """The names of the :data:`DEVIATIONS` that have taken effect in this world so far, including those before a fork."""
        return self._overlay.deviations

    def call(self, name: str, arguments: Mapping[str, Value]) -> str:
        """Call a tool and return its observation; anything wrong with the call is an observation too.

        Args:
            name: name of the tool; if there is no such tool, the observation is ``Unknown action <name>``.
            arguments: the tool's arguments as JSON values. They are copied: neither side changes the other's.
        """
        tool = self._domain.by_name.get(name) if isinstance(name, str) else None
        if tool is None:
            return f"Unknown action {name}"
        try:
            return tool.invoke(data=self._overlay, **self._keywords(tool, arguments))
        except UnusableArgument as error:
            self._overlay.note(deviations.REFUSED_ARGUMENTS)
            return f"Error: {error}"
        except Exception as error:
            return f"Error: {error}"

    def _keywords(self, tool: Tool, arguments: Mapping[str, Value]) -> dict[str, Value]:
        """A private copy of the arguments, refused with the text Python gives upstream if they cannot be keywords."""
        if not isinstance(arguments, Mapping):
            raise TypeError(f"{self._path(tool)}() argument after ** must be a mapping, not {type(arguments).__name__}")
        if "data" in arguments:
            raise TypeError(f"{self._path(tool)}() got multiple values for keyword argument 'data'")
        if not all(isinstance(name, str) for name in arguments):
            raise TypeError("keywords must be strings")
        return {str(name): plain(value) for name, value in arguments.items()}

    def _path(self, tool: Tool) -> str:
        """The path of the tool's function in upstream, which two of Python's error texts show."""
        return f"tau_bench.envs.{self.domain}.tools.{tool.name}.{tool.invoke.__qualname__}"

    def changes(self) -> Changes:
        """What differs from the shipped database; a record that was changed and changed back is not listed.

        Two worlds over the same data are in equal states, according to upstream's hash, if and only if these are equal.
        """
        found = self._overlay.changes()
        return tuple(sorted((table, key, text) for table, records in found.items() for key, text in records.items()))

    def state_hash(self) -> str:
        """Upstream's hash of the whole database in its current state: sha256, 64 hex digits."""
        return self._overlay.database.digest(self._overlay.changes())

    def fork(self) -> World:
        """An independent world in the same state."""
        twin = object.__new__(World)
        twin._domain = self._domain
        twin.fidelity = self.fidelity
        twin._overlay = self._overlay.fork()
        return twin
