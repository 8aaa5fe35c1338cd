"""What an experiment spends on model calls, over all its processes and sessions; once a limit is reached, no further call is started."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, MutableSequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from rbsuite.errors import LimitReached
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.models.limits import OPTIONS, Limits, amount, money, tokens_of, unpriced
from rbsuite.trajectory import Spent, Usage

COLUMNS = 4
"""Numbers in a row: calls, tokens, dollars, calls without a price."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers that processes share. Row 0 is what earlier sessions and other commands spent; each further row belongs to one process.

    Each row has one writer, so nothing is locked: what another process has spent is seen at once, or a moment later.

    Attributes:
        numbers: the rows, one after another, of calls, tokens, dollars and calls without a price.
    """

    numbers: MutableSequence[float]

    @classmethod
    def for_processes(cls, processes: int) -> Counts:
        """Counts of this process and of ``processes`` others, which receive them when they are started."""
        if not processes:
            return cls([0.0] * (2 * COLUMNS))
        from multiprocessing import get_context

        return cls(get_context("spawn").RawArray("d", (2 + processes) * COLUMNS))

    def row(self, number: int) -> Spent:
        """The contents of a row."""
        calls, tokens, cost, without = self.numbers[number * COLUMNS : (number + 1) * COLUMNS]
        return Spent(int(calls), int(tokens), cost, int(without))

    def add(self, number: int, calls: int = 0, tokens: int = 0, cost: float = 0.0, unpriced: int = 0) -> None:
        """Add to a row."""
        numbers, at = self.numbers, number * COLUMNS
        numbers[at] += calls
        numbers[at + 1] += tokens
        numbers[at + 2] += cost
        numbers[at + 3] += unpriced

    def write(self, number: int, spent: Spent) -> None:
        """Set the contents of a row."""
        for place, value in enumerate((spent.calls, spent.tokens, spent.cost, spent.unpriced)):
            self.numbers[number * COLUMNS + place] = value

    @property
    def session(self) -> Spent:
        """What the processes of this command have spent."""
        return sum((self.row(number) for number in range(1, len(self.numbers) // COLUMNS)), Spent())

    @property
    def total(self) -> Spent:
        """What was spent in total."""
        return self.row(0) + self.session


class Meter:
    """One process's share of what an experiment spends.

    Args:
        limits: how much may be spent; for the time, what is left of it.
        counts: shared with the other processes.
        row: this process's row, from 1.
        until: when the time is over, in seconds of :func:`time.time`; ``None``: never.
        spent_more: told after every call.
    """

    def __init__(
        self,
        limits: Limits,
        counts: Counts,
        row: int = 1,
        *,
        until: float | None = None,
        spent_more: Callable[[], None] | None = None,
    ) -> None:
        self._limits = limits
        self._counts = counts
        self._row = row
        self._at = row * COLUMNS
        self._until = until
        self._spent_more = spent_more
        self._limited = until is not None or limits != Limits()
        self._prices: dict[str, tuple[float, int]] = {}

    async def enter(self) -> None:
        """Like :meth:`begin`, for meters that may have to ask elsewhere first. Raises what that raises."""
        self.begin()

    def begin(self) -> None:
        """Count a call that is about to be made.

        Raises:
            LimitReached: it may not be made.
            UsageError: money is limited, and calls were made whose price is not known.
        """
        if self._limited:
            self._refuse_more()
        self._counts.numbers[self._at] += 1

    async def pause(self, seconds: float) -> None:
        """See :func:`pause`."""
        left = math.inf if self._until is None else self._until - time.time()
        await asyncio.sleep(min(seconds, max(0.0, left)))
        if seconds >= left:
            raise self._reached("seconds")

    def _refuse_more(self) -> None:
        total = self._counts.total
        limits = self._limits
        if total.unpriced and limits.cost is not None:
            raise unpriced("max-cost")
        name = limits.reached(cost=total.cost, tokens=total.tokens, calls=total.calls)
        if not name and self._until is not None and time.time() >= self._until:
            name = "seconds"
        if name:
            raise self._reached(name)

    def _reached(self, name: str) -> LimitReached:
        total, limit = self._counts.total, amount(name, getattr(self._limits, name))
        told = ", ".join(amount(one, getattr(total, one)) for one in ("calls", "tokens"))
        return LimitReached(f"--{OPTIONS[name]} is reached ({limit}); spent: {told}, {money(total)}.", OPTIONS[name])

    def elsewhere(self, usage: Usage) -> None:
        """Count what was spent on anything other than the experiment's models. It cannot be refused: it has already been spent."""
        priced = usage.cost is not None
        self._counts.add(self._row, usage.calls, usage.tokens, usage.cost or 0.0, 0 if priced else usage.calls)
        if self._spent_more is not None:
            self._spent_more()

    def end(self, model: str, request: ModelRequest, completion: Completion | None) -> None:
        """Count what a call cost.

        Args:
            model: its name.
            request: what was asked.
            completion: what came back; ``None``: the call was cut off, and its cost is estimated.
        """
        cost = None if completion is None else completion.usage.cost
        self.count(model, tokens_of(request, completion), cost, answered=completion is not None)

    def count(self, model: str, tokens: int, cost: float | None, *, answered: bool = True) -> None:
        """Count what a call cost.

        Args:
            model: its name.
            tokens: sent and received.
            cost: in dollars; ``None``: not known.
            answered: whether there was an answer; without one, an unknown cost is not held against a limit on money.
        """
        known = self._prices.get(model, (0.0, 0))
        if cost is not None:
            self._prices[model] = (known[0] + cost, known[1] + tokens)
        elif known[1]:
            cost = known[0] / known[1] * tokens  # as its other calls cost
        numbers, at = self._counts.numbers, self._at
        numbers[at + 1] += tokens
        if cost is not None:
            numbers[at + 2] += cost
        elif answered:
            numbers[at + 3] += 1
        if self._spent_more is not None:
            self._spent_more()


_METER: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def within_time(meter: Meter) -> Iterator[None]:
    """Lets the waiting of everything in this context, see :func:`pause`, end when the experiment's time is over."""
    token = _METER.set(meter)
    try:
        yield
    finally:
        _METER.reset(token)


async def pause(seconds: float) -> None:
    """Let some time pass: before a call is tried again, or may start.

    Raises:
        LimitReached: the experiment's time is over, before or after that.
    """
    meter = _METER.get()
    await (asyncio.sleep(seconds) if meter is None else meter.pause(seconds))
