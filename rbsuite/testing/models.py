"""The rules for in-process models. Models answer requests about a practice task; a model bound to tasks is bound to that one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, get_args

from rbsuite.environments.base import is_task_aware
from rbsuite.errors import ModelError, ModelUnusable, told
from rbsuite.jsonable import canonical
from rbsuite.models.base import ChatModel, Completion, FinishReason, ModelRequest, Purpose
from rbsuite.specs import ModelSpec
from rbsuite.testing.plain import unplain
from rbsuite.testing.practice import RULES as DEPOT_RULES
from rbsuite.testing.practice import ToolPractice, tasks
from rbsuite.testing.rules import Broken, NotTried, Rule, require, rule
from rbsuite.testing.subjects import Subject, bearing, common_rules, lacking, own_chance, repeatable
from rbsuite.trajectory import Image, Message, ToolSpec

KIND = "model"
LOOK = ToolSpec(
    "look",
    "Looks a parcel up.",
    {"type": "object", "properties": {"parcel": {"type": "string"}}, "required": ["parcel"]},
)


class ModelSubject(Subject[ModelSpec]):
    """A model."""

    _tools: Sequence[ToolSpec] | None = None

    async def model(self) -> tuple[ChatModel, ChatModel]:
        """A new model, as created and as it acts on the practice task."""
        model: ChatModel = self.make()
        made: object = model
        if not is_task_aware(made):
            return model, model
        environment = ToolPractice()
        return model, await made.for_task(tasks().tasks[0], environment, environment)

    async def complete(self, *requests: ModelRequest) -> list[Completion]:
        """A new model's answers to requests, one after the other."""
        made, model = await self.model()
        try:
            return [await model.complete(request) for request in requests]
        finally:
            await made.aclose()

    async def tools(self) -> Sequence[ToolSpec]:
        """What it can be offered: a tool, or nothing if it says that it accepts none."""
        if self._tools is None:
            try:
                await self.complete(request(tools=(LOOK,)))
                self._tools = (LOOK,)
            except ModelUnusable:
                self._tools = ()
        return self._tools

    async def use(self) -> str:
        """A new model's answers to a few requests."""
        tools = await self.tools()
        cold = [request(temperature=0.0), request(tools=tools, temperature=0.0), request(seed=2, temperature=0.0)]
        return canonical(await self.complete(*cold))


def request(
    text: str = "", *, purpose: Purpose = "agent", tools: Sequence[ToolSpec] = (), seed: int = 1, **more: Any
) -> ModelRequest:
    """A short request about the practice task."""
    messages = (Message("system", DEPOT_RULES), Message("user", text or tasks().tasks[0].query))
    return ModelRequest(messages, purpose, tuple(tools), seed=seed, session=seed, group=3, max_tokens=32, **more)


@rule(
    KIND,
    "model-name",
    "Set `name` to the name of the spec: results show it.",
    after=("factory",),
)
async def model_name(subject: ModelSubject) -> None:
    """Its name is the one under which it is declared."""
    made, model = await subject.model()
    await made.aclose()
    for one in (made, model):
        require(
            one.name.partition(":")[0] == subject.spec.name,
            f"its name is {one.name!r}, but the spec's is {subject.spec.name!r}",
        )


@rule(
    KIND,
    "simulated",
    "Name simulations sim/... and declare ModelSpec(simulated=True): results then say so everywhere.",
)
async def simulated(subject: ModelSubject) -> None:
    """A model whose name begins with sim/ says in its spec that it is simulated, and only such a model does."""
    named = subject.spec.name.startswith("sim/")
    require(
        named == subject.spec.simulated,
        f"it is called {subject.spec.name!r}, but says simulated={subject.spec.simulated}",
    )


@rule(
    KIND,
    "returns",
    "Return Completion(text, tool_calls, usage, finish_reason).",
    after=("factory",),
)
async def returns(subject: ModelSubject) -> None:
    """It gives a Completion: text, tool calls, why it ended."""
    for done in await subject.complete(request(), request(tools=await subject.tools())):
        require(isinstance(done, Completion), f"complete gave {type(done).__name__}, not a Completion")
        require(isinstance(done.text, str), f"the text is a {type(done.text).__name__}")
        require(done.finish_reason in get_args(FinishReason), f"it ended for the reason {done.finish_reason!r}")


@rule(
    KIND,
    "usage",
    "Set Completion.usage to Usage(calls, input_tokens, output_tokens, cost).",
    after=("returns",),
)
async def usage(subject: ModelSubject) -> None:
    """It reports what a call cost: at least one call, tokens in and out, and money or that the price is unknown."""
    short, long = await subject.complete(request(), request("Where is it? " * 200))
    for one in (short.usage, long.usage):
        require(one.calls >= 1, f"a call counts as {one.calls}")
        least = min(one.input_tokens, one.output_tokens, 0.0 if one.cost is None else one.cost)
        require(least >= 0, f"a call costs {one}")
    require(long.usage.input_tokens > short.usage.input_tokens, "a longer request has no more tokens than a short one")


@rule(
    KIND,
    "tools",
    "Leave tool_calls empty where no tools are offered; arguments that cannot be read go into ToolCall.raw.",
    after=("returns",),
)
async def tools(subject: ModelSubject) -> None:
    """It calls only tools that it is offered, with arguments that are plain data."""
    if not await subject.tools():
        raise NotTried("it does not support tools, and says so")
    without, offered = await subject.complete(request(), request(tools=(LOOK,)))
    require(not without.tool_calls, "it calls a tool where none is offered")
    for call in offered.tool_calls:
        require(call.name == LOOK.name, f"it calls {call.name!r}, which is not offered")
        require(not unplain(call.arguments), f"the arguments of a call hold {unplain(call.arguments)}")


@rule(
    KIND,
    "no-state",
    "Keep nothing between calls except what makes them faster.",
    after=("repeatable",),
)
async def no_state(subject: ModelSubject) -> None:
    """A reply does not depend on what was asked before: the request holds the whole conversation."""
    one, other = request(temperature=0.0), request("And the one beside it?", temperature=0.0)
    alone = canonical((await subject.complete(one))[0])
    after = canonical((await subject.complete(other, other, one))[-1])
    require(alone == after, "what was asked before changes a reply")


@rule(
    KIND,
    "side-by-side",
    "Keep what a call works with in local variables.",
    after=("no-state",),
)
async def side_by_side(subject: ModelSubject) -> None:
    """Concurrent calls get the same replies as calls made one after the other."""
    asked = [request(f"Where is parcel {number}?", temperature=0.0) for number in range(3)]
    alone = await subject.complete(*asked)
    made, model = await subject.model()
    try:
        beside = await asyncio.gather(*map(model.complete, asked))
    finally:
        await made.aclose()
    require(canonical(alone) == canonical(beside), "asked at the same time, it replies differently")


@rule(
    KIND,
    "purposes",
    "Do not look at ModelRequest.purpose, or handle every purpose.",
    after=("returns",),
)
async def purposes(subject: ModelSubject) -> None:
    """It answers whoever asks: agent, user, judge, memory, selector, grader."""
    for purpose in get_args(Purpose):
        with bearing(f"asked by {purpose!r}", ModelError):
            await subject.complete(request(purpose=purpose))


@rule(
    KIND,
    "odd-requests",
    "Raise rbsuite.errors.ModelError for what it cannot do, and nothing else.",
    after=("returns",),
)
async def odd_requests(subject: ModelSubject) -> None:
    """It copes with every request, or says that it cannot with a ModelError: empty texts, images, no system prompt, very long."""
    picture = Message("user", ("See this.", Image.of(b"x")))
    odd = {
        "an empty message": (Message("user", ""),),
        "an image": (picture,),
        "the assistant's words last": (Message("user", "Hm?"), Message("assistant", "Hm.")),
        "a tool's result": (Message("user", "Hm?"), Message("tool", "x", tool_call_id="1", name="look")),
        "odd signs": (Message("user", "\x00\u00e9\U0001f600 {% %} <|im_end|>"),),
    }
    for what, messages in odd.items():
        with bearing(what, ModelError):
            await subject.complete(ModelRequest(messages, "agent", max_tokens=16))


@rule(
    KIND,
    "closes",
    "Release in `aclose` whatever was opened, and nothing if nothing was.",
    after=("factory",),
)
async def closes(subject: ModelSubject) -> None:
    """It can be closed, even twice, and without ever having been called."""
    model: ChatModel = subject.make()
    for _ in range(2):
        try:
            await model.aclose()
        except Exception as error:
            raise Broken(f"aclose raised {told(error)}") from error


RULES: tuple[Rule[Any], ...] = (
    *common_rules(KIND, lacking("name", "complete", "aclose")),
    model_name,
    simulated,
    returns,
    usage,
    tools,
    repeatable(KIND, "Derive all randomness from ModelRequest.seed; at temperature 0 use none.", "returns"),
    own_chance(KIND, "Draw from rbsuite.seeds.rng(request.seed, ...).", "repeatable"),
    no_state,
    side_by_side,
    purposes,
    odd_requests,
    closes,
)
"""The rules, in the order in which they are checked."""
