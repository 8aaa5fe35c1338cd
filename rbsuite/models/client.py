"""The model calls of a task: limited, counted by purpose, passed through the gate, and checked before anybody reads a reply.

Replies are kept until the task is committed, in case an attempt is discarded and made again. This has two effects. A call that is repeated
word for word with the same seed is not paid for twice. And a nondeterministic model stays fair: if it were asked anew, a rollout that
happened to make a read that has since changed would get a second chance where another would not, and the committed results would lean
towards the rollouts that memory does not touch. Once a reply has been given, it is final.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Coroutine, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rbsuite.errors import PLUGIN_REMEDY, LimitReached, ModelError, PluginError, in_words, is_mistake
from rbsuite.models.base import ChatModel, Completion, ModelRequest, Purpose
from rbsuite.models.gate import Line, slot
from rbsuite.models.limits import RolloutBudget, with_usage
from rbsuite.models.meter import Meter
from rbsuite.models.usable import masked, normalised
from rbsuite.trajectory import ToolCall, Usage, misfit

T = TypeVar("T")
_NONE: tuple[ToolCall, ...] = ()


@dataclass
class Ledger:
    """Usage by purpose.

    Attributes:
        usage: cost of the calls that were answered.
        started: calls that were sent to the model, whether they were answered, failed or were cancelled.
        cached: calls that a cache answered.
        budget: what agent and user may spend; ``None``: any amount.
        elsewhere: seconds spent on anything other than the experiment's models.
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


class TaskCalls:
    """Makes the model calls of one task.

    Args:
        line: where they enter the experiment's gate.
        position: the task's place in the stream.
        meter: counts what the experiment spends.
    """

    def __init__(self, line: Line, position: int, meter: Meter) -> None:
        self._line = line
        self._position = position
        self._meter = meter
        self._given: dict[tuple[Purpose, int], list[tuple[ModelRequest, Completion]]] = {}
        self.saved = Usage()
        """What the replies that were reused would have cost."""
        self.refused: LimitReached | None = None
        """Why a call was not made: the experiment has reached a limit, and the task must not be committed without the missing reply."""

    async def complete(self, model: ChatModel, request: ModelRequest, ledger: Ledger) -> Completion:
        """Ask a model.

        Args:
            model: the model as bound to the task.
            request: what is asked; no two calls of an attempt have the same purpose and seed.
            ledger: where the usage is counted.

        Returns:
            The reply, with keys masked and the model's thinking separated from its answer.

        Raises:
            ModelError: the model failed.
            BudgetSpent: the rollout's budget is spent.
            LimitReached: the experiment has reached a limit.
        """
        budget = ledger.budget if request.purpose in ("agent", "user") else None
        if budget is not None:
            budget.begin()
        gate, pace = self._line.gate, getattr(model, "pace", None)
        try:
            await gate.enter(pace, self._line, self._position)
        except LimitReached as stop:
            self.refused = stop
            raise
        # A call that is cancelled while it waits for its place has cost nothing.
        ledger.started += 1
        if pace is None:
            try:
                reply = await self._reply(model, request)
            finally:
                gate.leave(None)
        else:
            with slot(gate, pace, self._line, self._position):
                reply = await self._reply(model, request)
        ledger.cached += reply.cached
        completion = normalised(masked(reply, gate.secrets))
        ledger.add(request.purpose, completion.usage)
        if budget is not None:
            budget.add(request, completion)
        return completion

    async def _reply(self, model: ChatModel, request: ModelRequest) -> Completion:
        """What the model replied earlier to the very same request, or replies now. A failure is not kept."""
        given = self._given.setdefault((request.purpose, request.seed), [])
        for asked, reply in given:
            if asked == request:
                self.saved += reply.usage
                return reply
        try:
            await self._meter.enter()
        except LimitReached as stop:
            self.refused = stop
            raise
        try:
            # A model with a pace limits the time of each of its tries itself.
            limit = request.seconds if getattr(model, "pace", None) is None else None
            reply = await (model.complete(request) if limit is None else _within(limit, model, request))
        except BaseException as error:
            if isinstance(error, LimitReached):
                self.refused = error
            if isinstance(error, asyncio.CancelledError):
                self._meter.end(model.name, request, None)
            if not is_mistake(error):
                raise
            raise PluginError.of(f"model {model.name!r}", error, PLUGIN_REMEDY) from error
        _check(reply, model.name)
        reply = with_usage(reply)
        self._meter.end(model.name, request, reply)
        given.append((request, reply))
        return reply


async def _within(seconds: float, model: ChatModel, request: ModelRequest) -> Completion:
    """What a model replies, within a time that is only measured from where it first waits: a model that computes never does.

    Raises:
        ModelError: it did not reply in time.
    """
    made = model.complete(request)
    call = made if type(made) is types.CoroutineType else _awaited(made)
    try:
        waits = call.send(None)
    except StopIteration as end:
        reply: Completion = end.value
        return reply
    try:
        async with asyncio.timeout(seconds) as limit:
            return await _rest(call, waits)
    except TimeoutError:
        if not limit.expired():
            raise
    raise ModelError(f"model {model.name!r}: no answer within {seconds:g} s.", "Give it more time with --call-time.")


async def _awaited(made: Awaitable[Completion]) -> Completion:
    return await made


@types.coroutine
def _rest(call: Coroutine[Any, Any, T], waits: Any) -> Generator[Any, Any, T]:
    """What a coroutine returns that was begun and waits for something."""
    while True:
        try:
            yield waits
        except BaseException as error:
            try:
                waits = call.throw(error)
            except StopIteration as end:
                returned: T = end.value
                return returned
        else:
            returned = yield from call
            return returned


def _check(reply: object, model: str) -> None:
    if (
        type(reply) is Completion
        and type(reply.text) is str
        and type(reply.reasoning) is str
        and type(reply.usage) is Usage
        and reply.tool_calls is _NONE
    ):  # as it nearly always is
        return
    if not isinstance(reply, Completion):
        wanted, given = "a Completion", in_words(reply)
    elif not isinstance(reply.text, str):
        wanted, given = "a Completion whose text is a str", in_words(reply.text)
    elif not isinstance(reply.reasoning, str):
        wanted, given = "a Completion whose reasoning is a str", in_words(reply.reasoning)
    elif not isinstance(reply.usage, Usage):
        wanted, given = "a Completion whose usage is a Usage", in_words(reply.usage)
    elif not isinstance(reply.tool_calls, tuple) or [one for one in reply.tool_calls if not isinstance(one, ToolCall)]:
        wanted, given = "a Completion whose tool_calls are a tuple of ToolCall", in_words(reply.tool_calls)
    else:
        for call in reply.tool_calls:
            if found := misfit(call):
                wanted, given = "proper tool_calls", found
                break
        else:
            return
    raise PluginError(f"complete must return {wanted}, not {given}.", PLUGIN_REMEDY, owner=f"model {model!r}")
