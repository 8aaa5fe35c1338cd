"""One desk limits all workers: calls under way, calls a minute and budgets; a worker that dies holds nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rbsuite.errors import LimitReached, RbsuiteError
from rbsuite.models.gate import Gate, Pace
from rbsuite.models.limits import Limits
from rbsuite.models.meter import Counts
from rbsuite.models.shared import Desk, SharedGate, SharedMeter
from rbsuite.testing.clock import run_virtual
from rbsuite.trajectory import Spent, Usage


class Direct:
    """The desk as a worker of the same process reaches it."""

    def __init__(self, desk: Desk, worker: str) -> None:
        self._desk, self._worker = desk, worker
        self.asked = 0

    async def enter(self, model: str, head: int, position: int) -> tuple[int, bool]:
        self.asked += 1
        return await self._desk.enter(self._worker, model, head, position)

    def leave(self, model: str) -> None:
        self._desk.leave(self._worker, model)

    def told(self, model: str, epoch: int | None, answers: int = 1) -> None:
        self._desk.told(self._worker, model, epoch, answers)

    async def begin(self) -> RbsuiteError | None:
        return self._desk.begin(self._worker)

    def count(self, model: str, tokens: int, cost: float | None, answered: bool) -> None:
        self._desk.count(self._worker, model, tokens, cost, answered)

    def elsewhere(self, usage: Usage) -> None:
        self._desk.elsewhere(self._worker, usage)


def desk(most: int = 100, rate: float | None = None, **limits: Any) -> Desk:
    return Desk(most, 0, rate, Limits(**limits), Spent(calls=2), None)


def gates(shared: Desk, workers: int) -> list[tuple[SharedGate, Pace]]:
    made = [(SharedGate(Direct(shared, f"{number}"), 100), Pace()) for number in range(workers)]
    for gate, pace in made:
        gate.know(pace, "a model")
    return made


def test_eight_workers_have_no_more_calls_under_way_than_one_may() -> None:
    under_way, most = 0, 0

    async def call(gate: SharedGate, pace: Pace, position: int) -> None:
        nonlocal under_way, most
        await gate.enter(pace, gate.line(), position)
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.1)
        under_way -= 1
        gate.leave(pace)

    async def ask() -> None:
        shared = desk(5)
        await asyncio.gather(*(call(*one, position) for one in gates(shared, 8) for position in range(10)))

    _, seconds = run_virtual(ask())
    assert most == 5
    assert seconds == pytest.approx(80 / 5 * 0.1)


@pytest.mark.parametrize("workers", [1, 8])
def test_calls_a_minute_are_those_of_all_workers(workers: int) -> None:
    async def ask() -> None:
        shared = desk(rate=120)
        made = gates(shared, workers)
        await asyncio.gather(*(gate.enter(pace, gate.line(), 0) for gate, pace in made * (80 // workers)))

    _, seconds = run_virtual(ask())
    assert seconds == pytest.approx((80 - 2) / 2)  # two a second, the first second's at once


def test_a_rate_holds_in_one_process_too() -> None:
    async def ask() -> None:
        gate, pace = Gate(100, rate=60), Pace()
        await asyncio.gather(*(gate.enter(pace, gate.line(), 0) for _ in range(11)))
        await gate.enter(None, gate.line(), 0)  # a model in this process does not wait

    assert run_virtual(ask())[1] == pytest.approx(10)


def test_an_overload_that_one_worker_meets_slows_all() -> None:
    async def ask() -> int:
        shared = desk(8)
        made = gates(shared, 2)
        for gate, pace in made:
            for _ in range(4):
                await gate.enter(pace, gate.line(), 0)
        made[0][1].overloaded(made[0][1].epoch)
        made[1][1].overloaded(made[1][1].epoch)  # sent before that
        for gate, pace in made:
            for _ in range(4):
                gate.leave(pace)
        entered = [asyncio.ensure_future(gate.enter(pace, gate.line(), 0)) for gate, pace in made for _ in range(4)]
        await asyncio.wait(entered, timeout=0.05)
        here = sum(one.done() for one in entered)
        for one in entered:
            one.cancel()
        await asyncio.gather(*entered, return_exceptions=True)
        return here

    assert asyncio.run(ask()) == 4


def test_quick_calls_need_not_ask_for_each_while_there_is_room_and_then_give_their_place_back() -> None:
    async def ask() -> None:
        shared = desk(2)
        window, pace = Direct(shared, "quick"), Pace()
        gate = SharedGate(window, 100)
        gate.know(pace, "a model")
        [(other, its), (third, last)] = gates(shared, 2)
        line = gate.line()
        for _ in range(100):
            await gate.enter(pace, line, 0)
            await asyncio.sleep(0.1)
            pace.answered()
            gate.leave(pace)
        assert window.asked == 10, "once a second"
        # One of two places is kept: the other is to be had at once, and the first a moment later.
        await other.enter(its, other.line(), 0)
        before = asyncio.get_running_loop().time()
        await third.enter(last, third.line(), 0)
        assert 0 < asyncio.get_running_loop().time() - before < 0.03
        # Now there is no room: whoever has a place gives it back after the call.
        waiting = asyncio.ensure_future(gate.enter(pace, line, 0))
        await asyncio.sleep(1)
        assert not waiting.done()
        other.leave(its)
        await waiting

    run_virtual(ask())


def test_what_a_dead_worker_held_and_what_nobody_waits_for_any_more_is_free() -> None:
    async def ask() -> None:
        shared = desk(1)
        (dead, its), (living, own), (third, last) = gates(shared, 3)
        await dead.enter(its, dead.line(), 0)
        waiting = asyncio.ensure_future(dead.enter(its, dead.line(), 1))
        cancelled = asyncio.ensure_future(living.enter(own, living.line(), 0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        cancelled.cancel()
        shared.gone("0")
        await asyncio.wait_for(third.enter(last, third.line(), 0), 1)
        third.leave(last)
        await asyncio.wait_for(waiting, 1)  # it was given the place, before or after, and has it no more
        await asyncio.wait_for(living.enter(own, living.line(), 0), 1)

    asyncio.run(ask())


def test_budgets_are_exact_over_all_workers() -> None:
    async def ask() -> tuple[int, str]:
        shared = desk(calls=10)
        meters = [SharedMeter(Direct(shared, f"{number}"), Counts.for_processes(0)) for number in range(3)]
        said = ""
        for number in range(20):
            try:
                await meters[number % 3].enter()
            except LimitReached as stop:
                said = str(stop)
        return sum(meter._counts.row(1).calls for meter in meters), said

    begun, said = asyncio.run(ask())
    assert begun == 8  # two were made before
    assert "--max-calls is reached (10 calls)" in said


def test_the_price_of_calls_is_known_to_all_workers() -> None:
    async def ask() -> None:
        shared = desk(cost=1.0)
        one, other = (SharedMeter(Direct(shared, name), Counts.for_processes(0)) for name in "ab")
        await one.enter()
        one.count("m", 100, 0.6)
        one.elsewhere(Usage(1, 10, 10, 0.5))
        with pytest.raises(LimitReached, match="--max-cost is reached"):
            await other.enter()

    asyncio.run(ask())
