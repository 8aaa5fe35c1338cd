"""A directory of ToolSandbox data, read at first use.

Layout: ``scenarios.jsonl`` (the base scenarios), ``augmented.jsonl`` (scenarios that differ from a base only in their tools),
``states.json`` (worlds and the frozen clock), ``tools.json`` (schemas of the tools) and, if there are any, ``fixtures.json`` (answers of
web services). Files are read as JSON; nothing in them is executed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from rbsuite.data.reading import PackFiles
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.files import Unusable, parse_json
from rbsuite_toolsandbox.conversation import Conversation
from rbsuite_toolsandbox.network import SERVICES, Network
from rbsuite_toolsandbox.scenario import REMEDY, Scenario, State, read_scenario, read_state
from rbsuite_toolsandbox.tools.catalogue import TOOLS

SCENARIOS, AUGMENTED, STATES, SCHEMAS = "scenarios.jsonl", "augmented.jsonl", "states.json", "tools.json"
FIXTURES = "fixtures.json"
FILES = (SCENARIOS, AUGMENTED, STATES, SCHEMAS)

_VARIANT_FIELDS = frozenset(
    {
        "name",
        "base",
        "max_messages",
        "categories",
        "tool_allow_list",
        "tool_deny_list",
        "tool_augmentation_list",
        "trace_tool",
    }
)


class Pack:
    """The data of one directory. What it returns is shared: treat it as immutable.

    Args:
        path: the directory.

    Raises:
        DataError: there is no such directory; or, from any member, a file is missing or malformed.
    """

    def __init__(self, path: str | Path) -> None:
        self._files = PackFiles(
            path, "toolsandbox", "Name a directory that holds ToolSandbox's data, or import it again."
        )
        self.path = self._files.path
        self._read: dict[str, Scenario] = {}

    @cached_property
    def base(self) -> Mapping[str, Mapping[str, Any]]:
        """The base scenarios by name, as data."""
        return self._by_name(SCENARIOS, self._lines(SCENARIOS))

    @cached_property
    def augmented(self) -> Mapping[str, Mapping[str, Any]]:
        """The augmented scenarios by name, as data, completed from their base."""
        if not (self.path / AUGMENTED).is_file():
            return {}
        found = []
        for line in self._lines(AUGMENTED):
            base = self.base.get(str(line.get("base")))
            if base is None or not set(line) <= _VARIANT_FIELDS:
                raise self._files.malformed(
                    AUGMENTED, f"malformed: {line.get('name')!r} has no base, or has other fields"
                )
            found.append({**base, **line})
        return self._by_name(AUGMENTED, found)

    @cached_property
    def states(self) -> Mapping[str, State]:
        """The worlds that scenarios start in."""
        data = self._files.read_json(STATES)
        if not isinstance(data, dict) or not isinstance(data.get("states"), dict):
            raise self._files.malformed(STATES, "not an object with states")
        now = data.get("frozen_now_posix")
        if not isinstance(now, (int, float)) or not math.isfinite(now):
            raise self._files.malformed(STATES, "missing frozen_now_posix, the time at which the clock stands still")
        return {key: read_state(key, tables, float(now)) for key, tables in data["states"].items()}

    @cached_property
    def schemas(self) -> Mapping[str, Mapping[str, Any]]:
        """The function schemas of the tools by name, with nothing hidden."""
        data = self._files.read_json(SCHEMAS)
        try:
            found = {entry["function"]["name"]: dict(entry["function"]) for entry in data["schemas"]["NONE"]}
        except (KeyError, TypeError):
            raise self._files.malformed(SCHEMAS, "not an object with function schemas") from None
        if unknown := sorted(set(found) ^ set(TOOLS)):
            raise self._files.malformed(SCHEMAS, f"not a list of the known tools: {unknown[0]!r} differs")
        return found

    @cached_property
    def fixtures(self) -> tuple[Mapping[str, Any], ...]:
        """Answers of web services."""
        return read_fixtures(self._files, FIXTURES) if (self.path / FIXTURES).is_file() else ()

    def scenario(self, name: str) -> Scenario:
        """A scenario.

        Raises:
            UnknownNameError: there is none with that name.
        """
        if name not in self._read:
            data = self.base.get(name) or self.augmented.get(name)
            if data is None:
                raise UnknownNameError("scenario of toolsandbox", name, (*self.base, *self.augmented))
            self._read[name] = read_scenario(data)
        return self._read[name]

    def state(self, scenario: Scenario) -> State:
        """The world that a scenario starts in."""
        if scenario.state not in self.states:
            raise DataError(f"toolsandbox data: scenario {scenario.name!r} has no state {scenario.state!r}.", REMEDY)
        return self.states[scenario.state]

    def conversation(self, name: str, network: Network) -> Conversation:
        """A scenario at its start."""
        scenario = self.scenario(name)
        return Conversation(scenario, self.state(scenario), network)

    def content_hash(self) -> str:
        """sha256 (64 hex digits) over what belongs to the scenarios besides themselves: worlds, tools and fixtures."""
        names = [name for name in (STATES, SCHEMAS, FIXTURES) if (self.path / name).is_file()]
        return self._files.content_hash(names)

    def _lines(self, name: str) -> Iterator[Mapping[str, Any]]:
        for number, line in enumerate(self._files.read_text(name).splitlines(), start=1):
            if not line.strip():
                continue
            try:
                value = parse_json(line)
            except Unusable as error:
                raise self._files.malformed(name, f"not valid JSON ({error}, line {number})") from error
            if not isinstance(value, dict):
                raise self._files.malformed(name, f"malformed: line {number} is not an object")
            yield value

    def _by_name(self, name: str, found: Any) -> Mapping[str, Mapping[str, Any]]:
        scenarios: dict[str, Mapping[str, Any]] = {}
        for data in found:
            if str(data.get("name")) in scenarios:
                raise self._files.malformed(name, f"malformed: it has two scenarios {data.get('name')!r}")
            scenarios[str(data.get("name"))] = data
        return scenarios


def read_fixtures(files: PackFiles, name: str) -> tuple[Mapping[str, Any], ...]:
    """The fixtures in a file.

    Raises:
        DataError: it is not a list of ``{url, params, response}``, or names a different service.
    """
    data = files.read_json(name)
    if not isinstance(data, list):
        raise files.malformed(name, "not a list of fixtures")
    for place, fixture in enumerate(data):
        fits = isinstance(fixture, dict) and set(fixture) == {"url", "params", "response"}
        if not fits or fixture["url"] not in SERVICES or not isinstance(fixture["params"], dict):
            raise files.malformed(
                name, f"malformed at {place}: a fixture is {{url, params, response}} of a known service"
            )
    return tuple(data)
