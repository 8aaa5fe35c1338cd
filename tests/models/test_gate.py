"""How many model calls are under way at once, and which goes first."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from calls import calls_at
from rbsuite.errors import LimitReached
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.models.client import Ledger
from rbsuite.models.direct import DirectModel
from rbsuite.models.gate import Gate, Line, Pace
from rbsuite.models.limits import Limits
from rbsuite.models.meter import Counts, Meter, within_time
from rbsuite.models.retry import Backoff
from rbsuite.serve.faults import failure
from rbsuite.serve.http import Answer, HttpServer, Request
from rbsuite.trajectory import Message

ASK = ModelRequest((Message("user", "hi"),), "agent")
ANSWER = {"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}


@dataclass
class Narrow:
    """A server that has so many calls in flight, and answers 429 to more; keeps how full it was."""

    allowed: int
    latency: float
    running: int = 0
    refused: int = 0
    area: float = 0.0
    changed: float = field(default_factory=time.monotonic)
    marks: list[tuple[float, float]] = field(default_factory=list)

    def move(self, by: int) -> None:
        now = time.monotonic()
        self.area += self.running * (now - self.changed)
        self.changed, self.running = now, self.running + by

    async def handle(self, request: Request) -> Answer:
        if self.running >= self.allowed:
            self.refused += 1
            return failure(429, "too many requests at once")
        self.move(1)
        await asyncio.sleep(self.latency)
        self.move(-1)
        self.marks.append((self.changed, self.area))
        return Answer.of(ANSWER)

    def filled(self, start: float, end: float) -> float:
        """The share of its room that was in use, between the answers at two shares of all."""
        (t0, a0), (t1, a1) = (self.marks[int(share * (len(self.marks) - 1))] for share in (start, end))
        return (a1 - a0) / (t1 - t0) / self.allowed


async def ask_all(narrow: Narrow, gate: Gate, calls: int) -> int:
    async with HttpServer(narrow.handle) as server:
        model = DirectModel("openai/m", base_url=server.url, backoff=Backoff(first=0.5))
        line, ledger = gate.line(), Ledger()
        request = ModelRequest((Message("user", "hi"),), "agent")

        async def one(position: int) -> str:
            return (await calls_at(line, position).complete(model, request, ledger)).text

        answers = await asyncio.gather(*map(one, range(calls)))
        await model.aclose()
    return answers.count("hello")


@pytest.mark.parametrize(("most", "start"), [(256, 10), (128, 0)])
def test_a_limit_is_found_from_both_sides(most: int, start: int) -> None:
    shares = []
    for _ in range(3):  # whatever else the machine does makes a try worse, and never better
        best, narrow = Narrow(allowed=40, latency=0.25), Narrow(allowed=40, latency=0.25)
        assert asyncio.run(ask_all(best, Gate(40), 300)) == 300
        assert asyncio.run(ask_all(narrow, Gate(most, start), 700)) == 700
        assert 0 < narrow.refused < 350
        shares.append(narrow.filled(0.4, 0.9) / best.filled(0.2, 0.8))
        if shares[-1] > 0.85:
            return
    raise AssertionError(shares)


def test_no_more_are_under_way_than_the_bound() -> None:
    narrow = Narrow(allowed=3, latency=0.02)
    assert asyncio.run(ask_all(narrow, Gate(3), 30)) == 30
    assert narrow.refused == 0


class Slow:
    """Answers when it is told to, and keeps whom it was asked by."""

    name = "house/slow"

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.running = 0

    async def complete(self, request: ModelRequest) -> Completion:
        self.asked.append(request.seed)
        await asyncio.sleep(0.001)
        return Completion("hello")

    async def aclose(self) -> None:
        pass


async def order_of(gate: Gate, asked: list[tuple[Line, int]]) -> list[int]:
    """In which order calls go through; they are told apart by their number."""
    model, ledger = Slow(), Ledger()

    async def one(number: int, line: Line, position: int) -> None:
        await calls_at(line, position).complete(model, ModelRequest(ASK.messages, "agent", seed=number), ledger)

    await asyncio.gather(*(one(number, *where) for number, where in enumerate(asked)))
    assert ledger.started == len(asked)
    return model.asked


def test_the_task_whose_turn_it_is_goes_first() -> None:
    gate = Gate(1)
    early, late = gate.line(), gate.line()
    early.head, late.head = 2, 7
    # The first goes at once; then the two whose turn it is, then those that run ahead, the nearest first.
    asked = [(early, 9), (early, 5), (late, 8), (late, 7), (early, 3), (early, 2)]
    assert asyncio.run(order_of(gate, asked)) == [0, 3, 5, 2, 4, 1]


def test_a_cancelled_call_leaves_its_place_to_others() -> None:
    async def run() -> list[int]:
        gate, model, ledger = Gate(1), Slow(), Ledger()
        line = gate.line()
        calls = [
            asyncio.ensure_future(
                calls_at(line, number).complete(model, ModelRequest(ASK.messages, "agent", seed=number), ledger)
            )
            for number in range(4)
        ]
        await asyncio.sleep(0)
        calls[1].cancel()
        calls[0].cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert ledger.started == 3  # the one that waited for its place has cost nothing
        return model.asked

    assert asyncio.run(run()) == [0, 2, 3]


def test_overloads_of_one_round_count_once() -> None:
    pace = Pace()
    pace.begin(40, 100)
    pace.running = 40
    sent = pace.epoch
    for _ in range(10):
        pace.overloaded(sent)
    assert pace.limit == 20
    pace.running = 20
    for _ in range(30):
        pace.answered()
    assert 20.5 < pace.limit < 22  # a round of calls adds one
    pace.overloaded(pace.epoch)
    assert 18 <= pace.limit < 19  # near by, little is given up


def test_a_call_does_not_wait_for_its_start_when_the_time_is_over() -> None:
    async def ask() -> None:
        gate, pace = Gate(1, rate=1), Pace()
        await gate.enter(pace, gate.line(), 0)
        gate.leave(pace)
        meter = Meter(Limits(seconds=0.1), Counts.for_processes(0), until=time.time() + 0.1)
        with within_time(meter), pytest.raises(LimitReached, match="--max-time is reached"):
            await gate.enter(pace, gate.line(), 0)
        assert pace.running == 0, "it gives its place back"

    started = time.monotonic()
    asyncio.run(ask())
    assert time.monotonic() - started < 20, "its start is a minute away"
