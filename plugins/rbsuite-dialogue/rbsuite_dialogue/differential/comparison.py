"""Makes the same calls to a world and to upstream, and reports the first difference."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

from rbsuite_dialogue.differential.upstream import Upstream

CALLS_PER_EPISODE = 250
CALLS_PER_HASH = 25
CALLS_PER_FORK = 10

Call = tuple[Any, ...]
"""What a world's ``call`` takes: a tool's name, its arguments, and the caller if there are two sides."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the world and upstream diverge: how the episode started, the call after which they diverged, and what each returned."""

    start: str
    number: int
    call: Call
    ours: object
    theirs: object


@dataclass(frozen=True, slots=True)
class Report:
    """What a comparison found.

    Attributes:
        compared: calls that went through both.
        deviated: calls that could not be compared because a documented deviation took effect.
        hashes: states compared by their hash.
        difference: the first one; ``None`` if everything was equal.
    """

    compared: int
    deviated: int
    hashes: int
    difference: Difference | None


class World(Protocol):
    """What is compared."""

    @property
    def deviations(self) -> frozenset[str]:
        """The deviations from upstream that took effect so far."""
        ...

    @property
    def call(self) -> Callable[..., Any]:
        """Calls a tool, and returns what upstream answers to the same call."""
        ...

    def fork(self) -> Self:
        """An independent world in the same state."""
        ...


W = TypeVar("W", bound=World)


class Comparison:
    """Compares episodes, and counts.

    Args:
        upstream: the other side.
        incomparable: the deviations that crash upstream, or after which it behaves differently; calls that cause them are made on neither
            side.
    """

    def __init__(self, upstream: Upstream, incomparable: Collection[str]) -> None:
        self._upstream = upstream
        self._incomparable = incomparable
        self._compared = self._deviated = self._hashes = 0

    def report(self, difference: Difference | None = None) -> Report:
        """What was found so far."""
        return Report(self._compared, self._deviated, self._hashes, difference)

    def episode(
        self, start: str, world: W, make: Callable[[W], Call], state: Callable[[W], object]
    ) -> Difference | None:
        """Play an episode, which upstream has started too, to its end or to the first difference.

        Args:
            start: what the episode starts from, for the report.
            world: the world at its start.
            make: makes the next call, for the world in its current state.
            state: returns the hashes of a world's state, as upstream does.
        """
        for number in range(1, CALLS_PER_EPISODE + 1):
            # Through JSON, as a model's call arrives.
            call: Call = tuple(json.loads(json.dumps(make(world))))
            if number % CALLS_PER_FORK == 0:
                world = world.fork()
            probe = world.fork()
            probe.call(*call)
            if probe.deviations & frozenset(self._incomparable):
                self._deviated += 1
                continue
            self._compared += 1
            ours, theirs = world.call(*call), self._upstream.ask(call=call)
            if comparable(ours) != comparable(theirs):
                return Difference(start, number, call, ours, theirs)
            if number % CALLS_PER_HASH == 0:
                self._hashes += 1
                ours, theirs = state(world), self._upstream.ask(hash=True)
                if ours != theirs:
                    return Difference(start, number, call, ours, theirs)
        return None


def comparable(answer: Any) -> Any:
    """An observation, alone or with additional data, without what differs between versions of Python and pydantic."""
    if isinstance(answer, list | tuple):
        return [comparable(one) for one in answer]
    if not isinstance(answer, str):
        return answer
    answer = re.sub(r"errors\.pydantic\.dev/[\d.]+/", "errors.pydantic.dev/", answer)
    answer = re.sub(r"\. Did you mean '.*'\?$| and no __dict__ for setting new attributes$", "", answer)
    return re.sub(r"^Error: .*\(<string>, line \d+\)$", "Error: syntax", answer, flags=re.DOTALL)
