"""A model that keeps every rule for models, and for each rule one that breaks it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rbsuite.models.base import Completion, ModelRequest
from rbsuite.options import Option
from rbsuite.specs import ModelSpec
from rbsuite.trajectory import ToolCall, Usage


class Good:
    """Says how long the last message is, or looks something up where it can."""

    def __init__(self, name: str = "broken") -> None:
        self.name = name

    async def complete(self, request: ModelRequest) -> Completion:
        await asyncio.sleep(0)
        text = request.messages[-1].text
        usage = Usage(1, sum(len(message.text) for message in request.messages), 3, 0.0)
        calls = tuple(ToolCall("1", tool.name, {"parcel": "1"}) for tool in request.tools[:1])
        return Completion(f"That was {text!r}.", calls, usage)

    async def aclose(self) -> None: ...


class GoodOne(Good):
    def __init__(self) -> None:
        super().__init__("good")


class Spaced(Good):
    def __init__(self) -> None:
        super().__init__("my model")


class NotSimulated(Good):
    def __init__(self) -> None:
        super().__init__("sim/broken")


GOOD = ModelSpec("good", "repeats what it hears", f"{__name__}:GoodOne")


class NoComplete:
    name = "broken"

    async def aclose(self) -> None: ...


class WithOption(Good):
    def __init__(self, k: int) -> None:
        super().__init__()


class OtherName(Good):
    def __init__(self) -> None:
        super().__init__("other")


class SaysText(Good):
    async def complete(self, request: ModelRequest) -> Any:
        return (await super().complete(request)).text


class CostsNothing(Good):
    async def complete(self, request: ModelRequest) -> Completion:
        return replace(await super().complete(request), usage=Usage())


class CallsUnasked(Good):
    async def complete(self, request: ModelRequest) -> Completion:
        return replace(await super().complete(request), tool_calls=(ToolCall("1", "look"),))


class Random(Good):
    async def complete(self, request: ModelRequest) -> Completion:
        return replace(await super().complete(request), reasoning=str(random.Random().random()))


class GlobalChance(Good):
    async def complete(self, request: ModelRequest) -> Completion:
        random.random()
        return await super().complete(request)


class Counts(Good):
    count = 0

    async def complete(self, request: ModelRequest) -> Completion:
        self.count += 1
        return replace(await super().complete(request), reasoning=f"This is number {self.count}.")


class MixesUp(Good):
    async def complete(self, request: ModelRequest) -> Completion:
        self.request = request
        await asyncio.sleep(0)
        return await super().complete(self.request)


class NeverGrades(Good):
    async def complete(self, request: ModelRequest) -> Completion:
        if request.purpose == "grade":
            raise KeyError(request.purpose)
        return await super().complete(request)


class NeedsText(Good):
    async def complete(self, request: ModelRequest) -> Completion:
        done = await super().complete(request)
        return replace(done, reasoning=request.messages[-1].text[0])


class ClosesOnce(Good):
    open = True

    async def aclose(self) -> None:
        if not self.open:
            raise RuntimeError("closed")
        self.open = False


def _of(model: type[Any], **changed: Any) -> ModelSpec:
    return replace(GOOD, name="broken", factory=f"{__name__}:{model.__name__}", **changed)


BROKEN: Mapping[str, ModelSpec] = {
    "name": replace(_of(Spaced), name="my model"),
    "summary": replace(_of(Good), summary=""),
    "factory": _of(NoComplete),
    "options": _of(WithOption, options=(Option("k", "int", 0, "how many", minimum=1),)),
    "import": replace(GOOD, name="broken", factory="broken.work:Model"),
    "model-name": _of(OtherName),
    "simulated": replace(_of(NotSimulated), name="sim/broken"),
    "returns": _of(SaysText),
    "usage": _of(CostsNothing),
    "tools": _of(CallsUnasked),
    "repeatable": _of(Random),
    "own-chance": _of(GlobalChance),
    "no-state": _of(Counts),
    "side-by-side": _of(MixesUp),
    "purposes": _of(NeverGrades),
    "odd-requests": _of(NeedsText),
    "closes": _of(ClosesOnce),
}
"""A spec for each rule."""
