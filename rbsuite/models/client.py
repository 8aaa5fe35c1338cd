"""What those who ask a model hold of it: usage is metered per purpose, seeds are derived, limits are kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rbsuite.models.base import ChatModel, Completion, ModelRequest, Purpose
from rbsuite.models.gate import Entrance
from rbsuite.models.limits import RolloutBudget
from rbsuite.models.usable import normalised
from rbsuite.seeds import derive_seed
from rbsuite.trajectory import Message, ToolSpec, Usage


@dataclass
class Ledger:
    """Usage by purpose.

    Attributes:
        usage: cost of the calls that were answered.
        started: calls that were sent to the model, whether they were answered, failed or were cancelled.
        cached: calls that a cache answered.
        budget: what agent and user may spend; ``None``: any amount.
    """

    usage: dict[str, Usage] = field(default_factory=dict)
    started: int = 0
    cached: int = 0
    budget: RolloutBudget | None = None

    def add(self, purpose: str, usage: Usage) -> None:
        """Count one call."""
        spent = self.usage.get(purpose)
        self.usage[purpose] = usage if spent is None else spent + usage

    def take(self, usage: Mapping[str, Usage]) -> None:
        """Count what was counted elsewhere, by purpose."""
        for purpose, cost in usage.items():
            self.add(purpose, cost)

    def snapshot(self) -> Mapping[str, Usage]:
        """The usage so far, by purpose in a fixed order."""
        return dict(sorted(self.usage.items()))

    @property
    def total(self) -> Usage:
        """Everything together."""
        return sum(self.usage.values(), Usage())


class ModelHandle:
    """What an agent, judge, memory or simulated user holds of a model: it can complete requests, and nothing else.

    Args:
        model: the model as bound to the task.
        purpose: what all its calls are for.
        seed: calls get seeds derived from it and their number.
        gate: where its calls enter the experiment's gate.
        ledger: where the usage is counted.
        temperature: the temperature where a call names none.
        group: what all calls about the task in this stream share.
        max_tokens: limit on a reply; ``None``: the provider's default.
        seconds: limit on a call's time; ``None``: the model's own.
        notify: told of every call that was answered: usage and seconds.
    """

    def __init__(
        self,
        model: ChatModel,
        purpose: Purpose,
        seed: int,
        gate: Entrance,
        ledger: Ledger,
        temperature: float | None = None,
        group: int = 0,
        max_tokens: int | None = None,
        seconds: float | None = None,
        notify: Callable[[Usage, float], None] | None = None,
    ) -> None:
        self._model = model
        self._purpose: Purpose = purpose
        self._session = derive_seed(seed, purpose)
        self._gate = gate
        self._ledger = ledger
        self._temperature = temperature
        self._group = group
        self._max_tokens = max_tokens
        self._seconds = seconds
        self._budget = ledger.budget if purpose in ("agent", "user") else None
        self._notify = notify
        self._calls = 0

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        temperature: float | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        """Ask the model.

        Raises:
            ModelError: the model failed.
            BudgetSpent: the rollout has spent what it may.
            LimitReached: the experiment has.
        """
        if self._budget is not None:
            self._budget.begin()
        request = ModelRequest(
            messages=tuple(messages),
            purpose=self._purpose,
            tools=tuple(tools),
            temperature=self._temperature if temperature is None else temperature,
            seed=derive_seed(self._session, self._calls),
            session=self._session,
            group=self._group,
            schema=schema,
            max_tokens=self._max_tokens,
            seconds=self._seconds,
        )
        self._calls += 1
        started = time.perf_counter() if self._notify is not None else 0.0
        completion = normalised(await self._gate.complete(self._model, request, self._ledger))
        self._ledger.add(self._purpose, completion.usage)
        if self._budget is not None:
            self._budget.add(request, completion)
        if self._notify is not None:
            self._notify(completion.usage, time.perf_counter() - started)
        return completion
