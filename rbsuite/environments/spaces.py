"""gymnasium spaces for records. Agents never see them; they make environments checkable by gymnasium's tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import Space

from rbsuite.trajectory import Action, Observation

_ALPHABET = "abcdefghijklmnopqrstuvwxyz ABCXYZ0123456789.,?!#-_'\"{}[]\n\u00e9\u4e2d"


class RecordSpace(Space[Observation]):
    """All instances of a record class."""

    def __init__(self, record: type[Observation], seed: int | np.random.Generator | None = None) -> None:
        super().__init__(seed=seed)
        self._record = record

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is such a record."""
        return isinstance(x, self._record)

    def sample(self, mask: Any = None, probability: Any = None) -> Observation:
        """An observation of random text."""
        return self._record(text=_text(self.np_random))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordSpace) and other._record is self._record

    def __hash__(self) -> int:
        return hash((RecordSpace, self._record))


class ActionSpace(Space[Action]):
    """All actions: texts, tool calls, choices.

    Args:
        tools: names that sampled calls use, besides made-up ones.
        choices: number of named actions; with it samples are choices.
    """

    def __init__(
        self, tools: Sequence[str] = (), choices: int = 0, seed: int | np.random.Generator | None = None
    ) -> None:
        super().__init__(seed=seed)
        self._tools = tuple(tools)
        self._choices = choices

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is an action."""
        return isinstance(x, Action)

    def sample(self, mask: Any = None, probability: Any = None) -> Action:
        """A random action, most often an invalid one."""
        generator = self.np_random
        if self._choices:
            return Action(kind="choice", index=int(generator.integers(self._choices)))
        if generator.integers(2):
            return Action(kind="text", text=_text(generator))
        names = (*self._tools, "no_such_tool")
        arguments = {_text(generator, 8): _text(generator, 8) for _ in range(int(generator.integers(3)))}
        return Action(kind="tool", name=names[int(generator.integers(len(names)))], arguments=arguments)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ActionSpace) and (other._tools, other._choices) == (self._tools, self._choices)

    def __hash__(self) -> int:
        return hash((ActionSpace, self._tools, self._choices))


def _text(generator: np.random.Generator, longest: int = 40) -> str:
    letters = generator.integers(len(_ALPHABET), size=int(generator.integers(longest)))
    return "".join(_ALPHABET[int(letter)] for letter in letters)
