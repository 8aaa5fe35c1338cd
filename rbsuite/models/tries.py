"""One call to a provider, tried until it is answered: transient failures are retried with growing waits, whatever is asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from rbsuite.events import ModelWaiting
from rbsuite.models.gate import Pace, Slot, held_slot
from rbsuite.models.meter import pause
from rbsuite.models.provider_errors import FailureKind, classify, detail, overloads, retry_after
from rbsuite.models.retry import DEFAULT_BACKOFF, Backoff

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Failed(Exception):
    """A call that failed for good.

    Attributes:
        error: what was raised last; it may contain headers and addresses, so no other error should be raised from it.
        kind: what it means.
        failures: how often the call failed.
    """

    def __init__(self, error: Exception, kind: FailureKind, failures: int) -> None:
        super().__init__(kind)
        self.error = error
        self.kind = kind
        self.failures = failures


class Tries:
    """Makes calls of one model.

    Args:
        label: what messages call it.
        timeout: seconds that one try may take.
        retries: how often a call is retried after a transient failure.
        backoff: the waits in between.
        waiting: told before each wait.
        pace: how many of its calls may be under way, shared with others; ``None``: one of its own. While a call waits to be retried,
            it gives up its place at the gate.
    """

    def __init__(
        self,
        label: str,
        timeout: float,
        retries: int,
        backoff: Backoff = DEFAULT_BACKOFF,
        waiting: Callable[[ModelWaiting], None] | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.pace = pace or Pace()
        self.timeout = timeout
        self._label = label
        self._retries = retries
        self._backoff = backoff
        self._waiting = waiting

    async def answer(
        self,
        send: Callable[[], Awaitable[_T]],
        seed: int,
        library: Any = None,
        seconds: float | None = None,
        mend: Callable[[Exception, FailureKind], bool] | None = None,
    ) -> _T:
        """What a call returns.

        Args:
            send: makes the call.
            seed: what the jitter is derived from.
            library: the module whose error classes tell what a failure means; ``None``: its status alone does.
            seconds: time limit for one try, if it differs from that of all calls.
            mend: changes the call after a failure, so that it is made again at once; returns whether it did.

        Raises:
            Failed: it failed for good, or still failed after all retries.
            LimitReached: the experiment's time was over before it was answered.
        """
        held, failures = held_slot(self.pace), 0
        while True:
            try:
                # The limit also ends a reply that trickles in.
                async with asyncio.timeout(seconds or self.timeout):
                    answer = await send()
            except Exception as error:
                kind = classify(error, library)
                if mend is not None and mend(error, kind):
                    continue
                failures += 1
                if kind != "transient" or failures > self._retries:
                    self._note(error, held)
                    raise Failed(error, kind, failures) from None
                await self._wait(error, failures, seed, held)
            else:
                self.pace.answered()
                return answer

    def _note(self, error: Exception, held: Slot | None) -> None:
        if held is not None and overloads(error):
            self.pace.overloaded(held.epoch)

    async def _wait(self, error: Exception, failures: int, seed: int, held: Slot | None) -> None:
        self._note(error, held)
        delay = self._backoff.delay(failures, seed, retry_after(error))
        told = {"model": self._label, "call": failures + 1, "delay": delay}
        _log.info("%s: %s; call %d follows in %.1f s", self._label, detail(error), failures + 1, delay, extra=told)
        if self._waiting is not None:
            self._waiting(ModelWaiting(self._label, detail(error), failures, delay))
        await (pause(delay) if held is None else held.pause(delay))
