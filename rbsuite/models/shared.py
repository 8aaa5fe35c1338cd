"""Limits that workers on several machines share: one :class:`Desk` for all of them, where places, rates and budgets are kept.

Each worker has a :class:`SharedGate` and a :class:`SharedMeter`, which ask the desk. A call to a model in the worker's own process needs
no place from the desk: what limits it is the machine. When the desk has room, a worker keeps a place from one call to the next for
:data:`LEASE` seconds, so that a stream of quick calls does not have to ask for each.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from rbsuite.errors import LimitReached, RbsuiteError
from rbsuite.models.gate import Gate, Line, Pace
from rbsuite.models.limits import Limits
from rbsuite.models.meter import COLUMNS, Counts, Meter, within_time
from rbsuite.trajectory import Spent, Usage

LEASE = 1.0
"""Seconds for which a worker need not ask again, once the desk has said that it has room."""
IDLE = 0.02
"""Seconds that a place is kept without a call."""


class DeskWindow(Protocol):
    """The desk, as one worker reaches it. Methods that return nothing send their message without waiting."""

    async def enter(self, model: str, head: int, position: int) -> tuple[int, bool]:
        """Wait for a place and the start of a call; returns how often the model's limit has been lowered, and whether there is room."""

    def leave(self, model: str) -> None:
        """Give a place back."""

    def told(self, model: str, epoch: int | None, answers: int = 1) -> None:
        """Report the outcome of a call, see :attr:`rbsuite.models.gate.Pace.told`, or that ``answers`` calls were answered."""

    async def begin(self) -> RbsuiteError | None:
        """Count a call that is about to be made; returns why it may not be made, if so."""

    def count(self, model: str, tokens: int, cost: float | None, answered: bool) -> None:
        """Count what a call cost, see :meth:`rbsuite.models.meter.Meter.count`."""

    def elsewhere(self, usage: Usage) -> None:
        """Count what was spent on anything other than the experiment's models."""


@dataclass
class _Worker:
    """What the desk knows about a worker: its line, its meter, the places that it holds, and whether it has gone."""

    line: Line
    meter: Meter
    held: Counter[str] = field(default_factory=Counter)
    gone: bool = False


class Desk:
    """Keeps the limits of an experiment for all of its workers. Its methods are called on one event loop.

    Args:
        most: see :class:`rbsuite.models.gate.Gate`; also for ``start`` and ``rate``.
        limits: what the experiment may spend.
        before: what it has spent before.
        until: see :class:`rbsuite.models.meter.Meter`; by this machine's clock.
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

    async def enter(self, worker: str, model: str, head: int, position: int) -> tuple[int, bool]:
        """See :meth:`DeskWindow.enter`; a worker that has gone in the meantime gets no place."""
        known, pace = self._known(worker), self._paces.setdefault(model, Pace())
        known.line.head = head
        with within_time(known.meter):
            try:
                await self._gate.enter(pace, known.line, position)
            except LimitReached:
                return pace.epoch, False  # it holds no place, and :meth:`begin` refuses its call
        if known.gone:
            self._gate.leave(pace)
        else:
            known.held[model] += 1
        return pace.epoch, self._gate.roomy(pace)

    def leave(self, worker: str, model: str) -> None:
        """See :meth:`DeskWindow.leave`."""
        known = self._known(worker)
        if known.held[model]:
            known.held[model] -= 1
            self._gate.leave(self._paces[model])

    def told(self, worker: str, model: str, epoch: int | None, answers: int = 1) -> None:
        """See :meth:`DeskWindow.told`."""
        pace = self._paces.setdefault(model, Pace())
        if epoch is None:
            for _ in range(answers):
                pace.answered()
        else:
            pace.overloaded(epoch)

    def begin(self, worker: str) -> RbsuiteError | None:
        """See :meth:`DeskWindow.begin`."""
        try:
            self._known(worker).meter.begin()
        except RbsuiteError as refusal:
            return refusal
        return None

    def count(self, worker: str, model: str, tokens: int, cost: float | None, answered: bool) -> None:
        """See :meth:`DeskWindow.count`."""
        self._known(worker).meter.count(model, tokens, cost, answered=answered)

    def elsewhere(self, worker: str, usage: Usage) -> None:
        """See :meth:`DeskWindow.elsewhere`."""
        self._known(worker).meter.elsewhere(usage)

    def before(self, spent: Spent) -> None:
        """Note what the experiment has spent elsewhere so far: in earlier sessions, and through other commands that work on it."""
        self._counts.write(0, spent)

    def gone(self, worker: str) -> None:
        """Take back the places of a worker that has gone; what it has spent stays counted."""
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


@dataclass
class _Lease:
    """What a worker need not ask the desk about a model.

    Attributes:
        until: when it ends, in seconds of the event loop's clock.
        idle: timers that give back the places that no call holds, the oldest first.
        answers: answered calls that the desk does not know about yet.
    """

    until: float = 0.0
    idle: list[asyncio.TimerHandle] = field(default_factory=list)
    answers: int = 0


class SharedGate(Gate):
    """A worker's gate, which asks the desk for places for models that are called over a network.

    Args:
        window: the desk.
        most: concurrent calls to models in this process.
    """

    def __init__(self, window: DeskWindow, most: int) -> None:
        super().__init__(most)
        self._window = window
        self._models: dict[Pace, str] = {}
        self._leases: dict[str, _Lease] = {}

    def know(self, pace: Pace, model: str) -> None:
        """See :meth:`rbsuite.models.gate.Gate.know`."""
        lease = self._leases[model] = _Lease()
        self._models[pace] = model

        def told(epoch: int | None) -> None:
            if epoch is None:
                lease.answers += 1
                if asyncio.get_running_loop().time() < lease.until:
                    return
            self._tell(model, lease)
            if epoch is not None:
                lease.until = 0.0
                self._window.told(model, epoch)

        pace.told = told

    async def enter(self, pace: Pace | None, line: Line, position: int) -> None:
        """See :meth:`rbsuite.models.gate.Gate.enter`."""
        model = None if pace is None else self._models.get(pace)
        if pace is None or model is None:
            await super().enter(pace, line, position)
            return
        lease, loop = self._leases[model], asyncio.get_running_loop()
        if lease.idle and loop.time() < lease.until:
            lease.idle.pop().cancel()
            return
        self._tell(model, lease)
        entering = asyncio.ensure_future(self._window.enter(model, line.head, position))
        try:
            epoch, room = await asyncio.shield(entering)
        except asyncio.CancelledError:
            # The place may still be granted; nobody will want it then.
            entering.add_done_callback(lambda done: None if done.cancelled() else self._window.leave(model))
            raise
        pace.follow(epoch)
        lease.until = loop.time() + LEASE if room else 0.0

    def leave(self, pace: Pace | None) -> None:
        """See :meth:`rbsuite.models.gate.Gate.leave`."""
        model = None if pace is None else self._models.get(pace)
        if model is None:
            super().leave(pace)
            return
        lease, loop = self._leases[model], asyncio.get_running_loop()
        if loop.time() < lease.until:
            lease.idle.append(loop.call_later(IDLE, self._give_back, model, lease))
        else:
            self._window.leave(model)

    def _give_back(self, model: str, lease: _Lease) -> None:
        del lease.idle[0]
        self._tell(model, lease)
        self._window.leave(model)

    def _tell(self, model: str, lease: _Lease) -> None:
        if lease.answers:
            answers, lease.answers = lease.answers, 0
            self._window.told(model, None, answers)


class SharedMeter(Meter):
    """A worker's meter, which asks the desk whether a call may be made.

    Args:
        window: the desk.
        counts: what this worker spends, in row 1.
        seconds: how long the experiment may take; ``None``: any time.
        until: when that is over, see :class:`rbsuite.models.meter.Meter`.
    """

    def __init__(
        self, window: DeskWindow, counts: Counts, seconds: float | None = None, until: float | None = None
    ) -> None:
        super().__init__(Limits(seconds=seconds), counts, until=until)
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
