"""Spaces of observations and actions. Agents never see them; they let Gymnasium's tools check an environment and try it at random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import Space

from rbsuite.trajectory import Action, Observation, ToolSpec

if TYPE_CHECKING:
    from rbsuite.specs import ActionMode

_ALPHABET = "abcdefghijklmnopqrstuvwxyz ABCXYZ0123456789.,?!#-_'\"{}[]\n\u00e9\u4e2d"
_UNKNOWN_TOOL = ToolSpec("no_such_tool", "")


class ObservationSpace(Space[Observation]):
    """All observations."""

    def __init__(self, seed: int | np.random.Generator | None = None) -> None:
        super().__init__(seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        """Never."""
        return False

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is an observation."""
        return isinstance(x, Observation)

    def sample(self, mask: Any = None, probability: Any = None) -> Observation:
        """An observation of random text."""
        return Observation(_text(self.np_random))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObservationSpace)

    def __hash__(self) -> int:
        return hash(ObservationSpace)


class ActionSpace(Space[Action]):
    """All actions. Invalid ones are actions too: an environment answers them with an observation.

    Samples fit the observation that was offered last: calls of its tools, or indices of its choices.

    Args:
        mode: what is sampled; see :class:`rbsuite.specs.EnvironmentSpec`.
        seed: of the samples.
    """

    def __init__(self, mode: ActionMode = "text", seed: int | np.random.Generator | None = None) -> None:
        super().__init__(seed=seed)
        self._mode = mode
        self._tools: tuple[ToolSpec, ...] = ()
        self._choices: tuple[str, ...] = ()

    @property
    def is_np_flattenable(self) -> bool:
        """Never."""
        return False

    def offer(self, observation: Observation) -> None:
        """From now on, sample from what an observation offers. One that offers nothing changes nothing."""
        self._tools = observation.tools or self._tools
        self._choices = observation.choices or self._choices

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is an action."""
        return isinstance(x, Action)

    def sample(self, mask: Any = None, probability: Any = None) -> Action:
        """A random action."""
        generator = self.np_random
        if self._mode == "choice":
            index = int(generator.integers(max(1, len(self._choices))))
            return Action.choose(index, self._choices[index] if self._choices else "")
        if self._mode == "text" or generator.integers(2):
            return Action(_text(generator))
        tools = (*self._tools, _UNKNOWN_TOOL)
        tool = tools[int(generator.integers(len(tools)))]
        return Action.call(tool.name, _value(generator, {"type": "object", **tool.parameters}), id="sampled")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ActionSpace) and other._mode == self._mode

    def __hash__(self) -> int:
        return hash((ActionSpace, self._mode))


def _text(generator: np.random.Generator, longest: int = 40) -> str:
    letters = generator.integers(len(_ALPHABET), size=int(generator.integers(longest)))
    return "".join(_ALPHABET[int(letter)] for letter in letters)


def _value(generator: np.random.Generator, schema: Mapping[str, Any]) -> Any:
    """A random value of a JSON schema; a text if the schema is not understood."""
    if schema.get("enum"):
        return schema["enum"][int(generator.integers(len(schema["enum"])))]
    match schema.get("type"):
        case "object":
            properties: Mapping[str, Any] = schema.get("properties", {})
            return {name: _value(generator, inner) for name, inner in properties.items()}
        case "array":
            return [_value(generator, schema.get("items", {})) for _ in range(int(generator.integers(3)))]
        case "integer":
            return int(generator.integers(-2, 10))
        case "number":
            return float(generator.integers(-8, 40)) / 4
        case "boolean":
            return bool(generator.integers(2))
    return _text(generator, 12)
