"""The gate that all model calls of an experiment pass: how many are under way, which goes first, and how many a model can take.

A model that is called over a network has a :class:`Pace`: a limit of its own that grows while calls are answered and shrinks when the
server says that it is overloaded (additive increase, multiplicative decrease: Chiu and Jain, Computer Networks and ISDN Systems 17, 1989).
A call that waits to be retried holds no place.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count

from rbsuite.models.meter import pause
from rbsuite.redact import reply_secrets

DECREASE = 0.9
"""What is left of a limit after an overload. A server with a hard limit L then sees between 0.9 L and L calls, 0.95 L on average."""
HALVING = 0.5
"""What is left of a limit after an overload that comes before a whole round of calls was answered: the limit is far off."""


class Pace:
    """How many calls to one model may be under way, depending on what its server can take.

    The limit starts where the gate says. Until the first overload, every answer adds one, so that the limit doubles with every round of
    calls; from then on, a whole round of calls adds one. It grows only while it is reached. An overload multiplies it by :data:`DECREASE`
    or :data:`HALVING`; a further one counts only if its call was sent after that.
    """

    def __init__(self) -> None:
        self.limit = 0.0
        """Calls that may be under way; 0: not started."""
        self.running = 0
        """Calls that are under way."""
        self.told: Callable[[int | None], None] | None = None
        """If the limit is kept elsewhere, this is told the outcome of a call: ``None`` for an answer, the epoch for an overload."""
        self._most = 0
        self._epoch = 0
        self._answers = 0
        self._due = -math.inf

    @property
    def epoch(self) -> int:
        """How often the limit has been lowered."""
        return self._epoch

    def begin(self, start: int, most: int) -> None:
        """Set where the limit starts and what it never exceeds; only the first call counts."""
        if not self._most:
            self.limit, self._most = float(min(start, most)), most

    def follow(self, epoch: int) -> None:
        """Take over how often the limit has been lowered, if it is kept elsewhere."""
        self._epoch = epoch

    def wait(self, now: float, rate: float) -> float:
        """Reserve the next start of a call at a rate; returns how many seconds away it is. A second's worth of calls may start at once.

        Args:
            now: seconds of a monotonic clock.
            rate: calls per minute.
        """
        apart = 60.0 / rate
        start = max(self._due, now - max(0.0, 1.0 - apart))
        self._due = start + apart
        return max(0.0, start - now)

    def answered(self) -> None:
        """A call was answered."""
        if self.told is not None:
            self.told(None)
            return
        self._answers += 1
        if self.limit and self.running >= int(self.limit):
            self.limit = min(self._most, self.limit + (1.0 / self.limit if self._epoch else 1.0))

    def overloaded(self, epoch: int) -> None:
        """The server said that it is overloaded, to a call that was sent in this epoch."""
        if self.told is not None:
            self.told(epoch)
            return
        if epoch == self._epoch:
            left = DECREASE if self._answers >= self.limit and self._epoch else HALVING
            self._epoch, self._answers = self._epoch + 1, 0
            self.limit = max(1.0, min(self.limit, float(self.running)) * left)


class Gate:
    """Limits how many calls of an experiment are under way.

    Args:
        most: concurrent calls.
        start: where the limit of each model with a :class:`Pace` starts; 0: at ``most``.
        rate: calls per minute to each such model; ``None``: any number.
    """

    def __init__(self, most: int, start: int = 0, rate: float | None = None) -> None:
        self._most = most
        self._start = start or most
        self._rate = rate
        self._running = 0
        self._waiting: dict[Pace | None, dict[Line, list[tuple[int, int, asyncio.Future[None]]]]] = {}
        self._numbers = count()
        self.secrets = reply_secrets()
        """What is masked in replies."""

    def line(self) -> Line:
        """A new line for one stream."""
        return Line(self)

    def know(self, pace: Pace, model: str) -> None:
        """Note which model a pace belongs to. It matters to a gate that shares its places with others (:mod:`rbsuite.models.shared`)."""

    async def enter(self, pace: Pace | None, line: Line, position: int) -> None:
        """Take a place, at once or when its turn comes, and wait for the start of the call; :meth:`leave` gives it back.

        Raises:
            LimitReached: the experiment's time is over before the call may start.
        """
        if pace is None and self._running < self._most:
            self._running += 1
            return
        await self._place(pace, line, position)
        if pace is None or self._rate is None:
            return
        if wait := pace.wait(asyncio.get_running_loop().time(), self._rate):
            try:
                await pause(wait)
            except BaseException:
                self.leave(pace)
                raise

    async def _place(self, pace: Pace | None, line: Line, position: int) -> None:
        if pace is not None:
            pace.begin(self._start, self._most)
        if self._running < self._most and (pace is None or pace.running < int(pace.limit)):
            self._take(pace)
            return
        place = asyncio.get_running_loop().create_future()
        queue = self._waiting.setdefault(pace, {}).setdefault(line, [])
        heapq.heappush(queue, (position, next(self._numbers), place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave(pace)
            raise

    def leave(self, pace: Pace | None) -> None:
        """Give a place back; it goes to the waiting call whose turn is nearest."""
        self._running -= 1
        if pace is not None:
            pace.running -= 1
        while self._waiting and self._running < self._most and (first := self._first()) is not None:
            pace, line = first
            *_, place = heapq.heappop(self._waiting[pace][line])
            self._take(pace)
            place.set_result(None)

    def roomy(self, pace: Pace) -> bool:
        """Whether nobody waits and at least half the places are free, both of this pace and of the gate; never if there is a rate limit."""
        free = 2 * self._running <= self._most and 2 * pace.running <= int(pace.limit)
        return free and self._rate is None and not self._waiting

    def _take(self, pace: Pace | None) -> None:
        self._running += 1
        if pace is not None:
            pace.running += 1

    def _first(self) -> tuple[Pace | None, Line] | None:
        """Whose call goes first: the one nearest to its stream's current task, and among equals the one that came first."""
        best: tuple[int, int] | None = None
        found = None
        for pace, lines in list(self._waiting.items()):
            if pace is not None and pace.running >= int(pace.limit):
                continue
            for line, queue in list(lines.items()):
                while queue and queue[0][2].done():  # cancelled
                    heapq.heappop(queue)
                if not queue:
                    del lines[line]
                    continue
                position, number, _ = queue[0]
                rank = (position - line.head, number)
                if best is None or rank < best:
                    best, found = rank, (pace, line)
            if not lines:
                del self._waiting[pace]
        return found


class Line:
    """The calls of one stream waiting at the gate; those of the task whose turn it is go first.

    Attributes:
        head: the position of that task, the lowest that is not committed.
    """

    __slots__ = ("gate", "head")

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.head = 0


class Slot:
    """The place that a call has at the gate, while it is under way.

    Args:
        gate: the gate.
        pace: of the model that is called.
        line: where it enters again after a pause, and
        position: of its task there.
    """

    __slots__ = ("_gate", "_held", "_line", "_position", "epoch", "pace")

    def __init__(self, gate: Gate, pace: Pace, line: Line, position: int) -> None:
        self._gate = gate
        self.pace = pace
        self._line = line
        self._position = position
        self._held = True
        self.epoch = pace.epoch

    def leave(self) -> None:
        """Give the place back, if it is held."""
        if self._held:
            self._held = False
            self._gate.leave(self.pace)

    async def pause(self, seconds: float) -> None:
        """Give the place back for some time, after a failure.

        Raises:
            LimitReached: the experiment's time is over.
        """
        self.leave()
        await pause(seconds)
        await self.again()

    async def again(self) -> None:
        """Take a place again. Raises as :meth:`Gate.enter`."""
        await self._gate.enter(self.pace, self._line, self._position)
        self._held = True
        self.epoch = self.pace.epoch
        await pause(0)  # it may have been its turn only after that


_SLOT: ContextVar[Slot | None] = ContextVar("slot", default=None)


@contextmanager
def slot(gate: Gate, pace: Pace, line: Line, position: int) -> Iterator[None]:
    """Hold a place for the calls in this context; it is given back at the end."""
    held = Slot(gate, pace, line, position)
    token = _SLOT.set(held)
    try:
        yield
    finally:
        _SLOT.reset(token)
        held.leave()


def held_slot(pace: Pace) -> Slot | None:
    """The place that the current call, to a model with this pace, holds; ``None``: it did not pass a gate."""
    held = _SLOT.get()
    return held if held is not None and held.pace is pace else None
