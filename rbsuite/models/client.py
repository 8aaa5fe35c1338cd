"""What those who ask a model hold of it: usage is metered per purpose, seeds are derived, limits are kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rbsuite.models.base import ChatModel, Completion, ModelRequest
from rbsuite.models.gate import Entrance
from rbsuite.models.limits import RolloutBudget
from rbsuite.models.usable import normalised
from rbsuite.seeds import derive_seed
from rbsuite.trajectory import Usage


@dataclass
class Ledger:
    """Usage by purpose.

    Attributes:
        usage: cost of the calls that were answered.
        started: calls that were sent to the model, whether they were answered, failed or were cancelled.
        cached: calls that a cache answered.
        budget: what agent and user may spend; ``None``: any amount.
        elsewhere: seconds that were spent elsewhere than on the experiment's models.
    """

    usage: dict[str, Usage] = field(default_factory=dict)
    started: int = 0
    cached: int = 0
    budget: RolloutBudget | None = None
    elsewhere: float = 0.0

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
        terms: what holds for all its calls: purpose, temperature where a call names none, group, limits on a reply and on its time.
        seed: calls get seeds derived from it and their number.
        gate: where its calls enter the experiment's gate.
        ledger: where the usage is counted.
        notify: told of every call that was answered: usage and seconds.
    """

    def __init__(
        self,
        model: ChatModel,
        terms: ModelRequest,
        seed: int,
        gate: Entrance,
        ledger: Ledger,
        notify: Callable[[Usage, float], None] | None = None,
    ) -> None:
        self._model = model
        self._terms = terms
        self._session = derive_seed(seed, terms.purpose)
        self._gate = gate
        self._ledger = ledger
        self._budget = ledger.budget if terms.purpose in ("agent", "user") else None
        self._notify = notify
        self._calls = 0

    async def complete(self, asked: ModelRequest) -> Completion:
        """Ask the model.

        Args:
            asked: messages, tools, temperature and schema; the rest of the request is made here.

        Raises:
            ModelError: the model failed.
            BudgetSpent: the rollout has spent what it may.
            LimitReached: the experiment has.
        """
        if self._budget is not None:
            self._budget.begin()
        terms = self._terms
        request = ModelRequest(
            messages=asked.messages,
            purpose=terms.purpose,
            tools=asked.tools,
            temperature=terms.temperature if asked.temperature is None else asked.temperature,
            seed=derive_seed(self._session, self._calls),
            session=self._session,
            group=terms.group,
            schema=asked.schema,
            max_tokens=terms.max_tokens,
            seconds=terms.seconds,
        )
        self._calls += 1
        started = time.perf_counter() if self._notify is not None else 0.0
        completion = normalised(await self._gate.complete(self._model, request, self._ledger))
        self._ledger.add(terms.purpose, completion.usage)
        if self._budget is not None:
            self._budget.add(request, completion)
        if self._notify is not None:
            self._notify(completion.usage, time.perf_counter() - started)
        return completion
