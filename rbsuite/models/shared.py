"""Limits that workers on several machines share: one :class:`Desk` for all of them, where places, rates and budgets are kept.

Each worker has a :class:`SharedGate` and a :class:`SharedMeter`, which ask the desk. A call of a model that is in the worker's own process
asks nobody for a place: what limits it is the machine.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from rbsuite.errors import RbsuiteError
from rbsuite.models.gate import Gate, Line, Pace
from rbsuite.models.limits import Limits
from rbsuite.models.meter import COLUMNS, Counts, Meter
from rbsuite.trajectory import Spent, Usage


class Window(Protocol):
    """The desk, as one worker reaches it. What gives nothing back is sent and not waited for."""

    async def enter(self, model: str, head: int, position: int) -> int:
        """Wait for a place and the start of a call; gives how often the model's limit has been lowered."""

    def leave(self, model: str) -> None:
        """Give a place back."""

    def told(self, model: str, epoch: int | None) -> None:
        """Say what a call has come to, see :attr:`rbsuite.models.gate.Pace.told`."""

    async def begin(self) -> RbsuiteError | None:
        """Count a call that is to be made; gives why it may not be."""

    def count(self, model: str, tokens: int, cost: float | None, answered: bool) -> None:
        """Count what a call has come to, see :meth:`rbsuite.models.meter.Meter.count`."""

    def elsewhere(self, usage: Usage) -> None:
        """Count what was spent by others than the experiment's models."""


@dataclass
class _Worker:
    """What the desk knows of a worker: its line, its meter, the places that it holds, and whether it has gone."""

    line: Line
    meter: Meter
    held: Counter[str] = field(default_factory=Counter)
    gone: bool = False


class Desk:
    """Keeps the limits of an experiment for all of its workers. Its methods are called on one event loop.

    Args:
        most: see :class:`rbsuite.models.gate.Gate`; ``start`` and ``rate``: the same.
        limits: what the experiment may spend.
        before: what it has spent before.
        until: see :class:`rbsuite.models.meter.Meter`; of this machine's clock.
    """

    def __init__(
        self, most: int, start: int, rate: float | None, limits: Limits, before: Spent, until: float | None
    ) -> None:
        self._gate = Gate(most, start, rate)
        self._limits = limits
        self._until = until
        self._paces: dict[str, Pace] = {}
        self._workers: dict[str, _Worker] = {}
        self._numbers = [0.0] * COLUMNS
        self._counts = Counts(self._numbers)
        self._counts.write(0, before)

    async def enter(self, worker: str, model: str, head: int, position: int) -> int:
        """See :meth:`Window.enter`; a worker that has gone meanwhile holds nothing."""
        known, pace = self._known(worker), self._paces.setdefault(model, Pace())
        known.line.head = head
        await self._gate.enter(pace, known.line, position)
        if known.gone:
            self._gate.leave(pace)
        else:
            known.held[model] += 1
        return pace.epoch

    def leave(self, worker: str, model: str) -> None:
        """See :meth:`Window.leave`."""
        known = self._known(worker)
        if known.held[model]:
            known.held[model] -= 1
            self._gate.leave(self._paces[model])

    def told(self, worker: str, model: str, epoch: int | None) -> None:
        """See :meth:`Window.told`."""
        pace = self._paces.setdefault(model, Pace())
        if epoch is None:
            pace.answered()
        else:
            pace.overloaded(epoch)

    def begin(self, worker: str) -> RbsuiteError | None:
        """See :meth:`Window.begin`."""
        try:
            self._known(worker).meter.begin()
        except RbsuiteError as refusal:
            return refusal
        return None

    def count(self, worker: str, model: str, tokens: int, cost: float | None, answered: bool) -> None:
        """See :meth:`Window.count`."""
        self._known(worker).meter.count(model, tokens, cost, answered=answered)

    def elsewhere(self, worker: str, usage: Usage) -> None:
        """See :meth:`Window.elsewhere`."""
        self._known(worker).meter.elsewhere(usage)

    def before(self, spent: Spent) -> None:
        """Note what the experiment has spent elsewhere by now: in earlier sessions, and by other commands that work on it."""
        self._counts.write(0, spent)

    def gone(self, worker: str) -> None:
        """Take back the places of a worker that is no more; what it has spent stays counted."""
        known = self._known(worker)
        known.gone = True
        for model, places in known.held.items():
            for _ in range(places):
                self._gate.leave(self._paces[model])
        known.held.clear()

    def _known(self, worker: str) -> _Worker:
        if worker not in self._workers:
            row = len(self._numbers) // COLUMNS
            self._numbers.extend([0.0] * COLUMNS)
            meter = Meter(self._limits, self._counts, row, until=self._until)
            self._workers[worker] = _Worker(self._gate.line(), meter)
        return self._workers[worker]


class SharedGate(Gate):
    """A worker's gate, which asks the desk for the places of models that are asked over a network.

    Args:
        window: the desk.
        most: calls under way at once of models in this process.
    """

    def __init__(self, window: Window, most: int) -> None:
        super().__init__(most)
        self._window = window
        self._models: dict[Pace, str] = {}

    def know(self, pace: Pace, model: str) -> None:
        """See :meth:`rbsuite.models.gate.Gate.know`."""
        self._models[pace] = model
        pace.told = lambda epoch: self._window.told(model, epoch)

    async def enter(self, pace: Pace | None, line: Line, position: int) -> None:
        """See :meth:`rbsuite.models.gate.Gate.enter`."""
        model = None if pace is None else self._models.get(pace)
        if pace is None or model is None:
            await super().enter(pace, line, position)
            return
        entering = asyncio.ensure_future(self._window.enter(model, line.head, position))
        try:
            pace.follow(await asyncio.shield(entering))
        except asyncio.CancelledError:
            # The place may come yet; nobody will want it then.
            entering.add_done_callback(lambda done: None if done.cancelled() else self._window.leave(model))
            raise

    def leave(self, pace: Pace | None) -> None:
        """See :meth:`rbsuite.models.gate.Gate.leave`."""
        model = None if pace is None else self._models.get(pace)
        if model is None:
            super().leave(pace)
        else:
            self._window.leave(model)


class SharedMeter(Meter):
    """A worker's meter, which asks the desk whether a call may be made.

    Args:
        window: the desk.
        counts: what this worker spends, in row 1.
    """

    def __init__(self, window: Window, counts: Counts) -> None:
        super().__init__(Limits(), counts)
        self._window = window

    async def enter(self) -> None:
        """See :meth:`rbsuite.models.meter.Meter.enter`."""
        if (refusal := await self._window.begin()) is not None:
            raise refusal
        self.begin()

    def count(self, model: str, tokens: int, cost: float | None, *, answered: bool = True) -> None:
        """See :meth:`rbsuite.models.meter.Meter.count`."""
        super().count(model, tokens, cost, answered=answered)
        self._window.count(model, tokens, cost, answered)

    def elsewhere(self, usage: Usage) -> None:
        """See :meth:`rbsuite.models.meter.Meter.elsewhere`."""
        super().elsewhere(usage)
        self._window.elsewhere(usage)
