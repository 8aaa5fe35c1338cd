"""What agents, users, judges, selectors, memories and episodes may use besides their own: prompts and one metered model."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Protocol

from rbsuite.models.base import Completion
from rbsuite.trajectory import Message, ToolSpec


class ModelServices(Protocol):
    """Prompts and a model whose cost is counted under the caller's purpose."""

    def render(self, template: str, **variables: Any) -> str:
        """Render a prompt template: the experiment's, else the plugin's, else the core's."""

    async def complete(self, messages: Sequence[Message], *, temperature: float | None = None) -> Completion:
        """Ask the model.

        Raises:
            ModelError: the model failed.
        """


class ToolServices(ModelServices, Protocol):
    """The same, with a model that may be offered tools; for those who take turns in an episode."""

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), *, temperature: float | None = None
    ) -> Completion:
        """Ask the model. Raises what :meth:`ModelServices.complete` raises."""


class SeededServices(ModelServices, Protocol):
    """The same, with randomness."""

    @property
    def rng(self) -> random.Random:
        """A generator seeded for the current rollout, or the current task and phase."""


class FittingServices(ModelServices, Protocol):
    """For those who show a model transcripts: how much it takes, and a place to count what had to be left out."""

    @property
    def window(self) -> int:
        """Tokens of a prompt that the model takes, leaving room for a reply; 0: not known."""

    def count(self, event: str) -> None:
        """Count an event for the report, e.g. ``"judge_unread"`` or ``"transcripts_cut"``."""
