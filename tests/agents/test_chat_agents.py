"""The chat agents: system prompt, conversation, and how replies become actions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rbsuite.agents.base import Agent, AgentStart
from rbsuite.agents.builtin import rbsuite_agents
from rbsuite.agents.chat import ChatAgent, TextAgent
from rbsuite.agents.choice import PlannerAgent, StepwiseAgent
from rbsuite.agents.react import ActAgent, ReactAgent
from rbsuite.agents.tools import ToolsAgent
from rbsuite.errors import ContextOverflow, ParseFailure, ReplyRefused
from rbsuite.models.base import Completion, Reply
from rbsuite.prompts import Prompts
from rbsuite.reading.actions import parse_action, parse_strictly
from rbsuite.specs import load_object
from rbsuite.trajectory import Action, Image, Message, Observation, ToolCall, ToolResult, ToolSpec
from speed import cpu_seconds

TOOL = ToolSpec("look_up", "Looks an order up.", {"type": "object", "properties": {"order": {"type": "string"}}})
FIRST = Observation("I need help", messages=(Message("system", "POLICY"),), tools=(TOOL,))
CALL = ToolCall("c1", "look_up", {"order": "#1"})
CHOOSERS = (PlannerAgent, StepwiseAgent)


class Model:
    """Services with prepared completions, which keep what was asked."""

    def __init__(self, *completions: Completion | str) -> None:
        self.completions = [Completion(item) if isinstance(item, str) else item for item in completions]
        self.asked: list[tuple[list[Message], tuple[ToolSpec, ...]]] = []
        self.prompts = Prompts()

    def render(self, template: str, **variables: Any) -> str:
        return self.prompts.render(template, **variables)

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), *, temperature: float | None = None
    ) -> Completion:
        self.asked.append((list(messages), tuple(tools)))
        return self.completions.pop(0)


def play(agent: Agent, model: Model, *observations: Observation, memory: str = "") -> list[Action]:
    agent.start(AgentStart(model, memory, seed=1))

    async def run() -> list[Action]:
        return [await agent.act(observation) for observation in observations]

    return asyncio.run(run())


def result(text: str) -> Observation:
    return Observation(text, role="tool")


def test_tools_agent_offers_the_tools_on_every_turn() -> None:
    model = Model(Completion("", (CALL,)), "Done")
    actions = play(ToolsAgent(), model, FIRST, result("shipped"))
    assert actions == [Action(calls=(CALL,)), Action(text="Done")]
    assert [tools for _, tools in model.asked] == [(TOOL,), (TOOL,)]
    assert model.asked[0][0] == [Message("system", "POLICY"), Message("user", "I need help")]
    assert model.asked[1][0][2:] == [
        Message("assistant", "", tool_calls=(CALL,)),
        Message("tool", "shipped", tool_call_id="c1", name="look_up"),
    ]


SECOND = ToolCall("c2", "look_up", {"order": "#2"})
THIRD = ToolCall("c3", "look_up", {"order": "#3"})


def test_the_environment_gets_all_calls_and_the_conversation_keeps_the_one_that_was_answered() -> None:
    model = Model(Completion("One moment.", (CALL, SECOND)), "Done")
    actions = play(ToolsAgent(), model, FIRST, result("shipped"))
    assert actions[0] == Action("One moment.", (CALL, SECOND))
    assert model.asked[1][0][2:] == [
        Message("assistant", "One moment.", tool_calls=(CALL,)),
        Message("tool", "shipped", tool_call_id="c1", name="look_up"),
    ]


def test_each_result_answers_its_call_and_a_call_without_one_is_cut() -> None:
    model = Model(Completion("", (CALL, SECOND, THIRD)), "Done")
    seen = Observation.of_results([ToolResult("c1", "look_up", "shipped"), ToolResult("c3", "look_up", "lost")])
    play(ToolsAgent(), model, FIRST, seen)
    assert model.asked[1][0][2:] == [
        Message("assistant", "", tool_calls=(CALL, THIRD)),
        Message("tool", "shipped", tool_call_id="c1", name="look_up"),
        Message("tool", "lost", tool_call_id="c3", name="look_up"),
    ]


def test_images_of_a_result_follow_it() -> None:
    model = Model(Completion("", (CALL,)), "Done")
    image = Image.of(b"pixels")
    play(ToolsAgent(), model, FIRST, Observation("a photo", role="tool", images=(image,)))
    assert [message.content for message in model.asked[1][0][3:]] == ["a photo", (image,)]


@pytest.mark.parametrize("agent", [ToolsAgent, ActAgent, ReactAgent, TextAgent, PlannerAgent, StepwiseAgent])
def test_what_a_model_thinks_is_kept_with_the_step_and_never_said(agent: type[ChatAgent]) -> None:
    said = '{"action_id": 0, "executable_plan": [{"action_id": 0}]}' if agent in CHOOSERS else "Hello"
    replies = [Completion(said, reasoning=f"WONDER {number}") for number in range(3)]
    model = Model(*replies)
    first = replace(FIRST, choices=("wait",)) if agent in CHOOSERS else FIRST
    actions = play(agent(), model, first, Observation("more"), Observation("and more"))
    assert [action.thought for action in actions] == ["WONDER 0", "WONDER 1", "WONDER 2"]
    assert all("WONDER" not in message.text for messages, _ in model.asked for message in messages)


def test_a_call_that_was_taken_as_speech_leaves_no_open_call() -> None:
    call = ToolCall("c1", "respond", {"content": "Which order?"})
    model = Model(Completion("", (call,)), "Fine")
    play(ToolsAgent(), model, FIRST, Observation("#1"))
    assert model.asked[1][0][2:] == [Message("assistant", "Which order?"), Message("user", "#1")]


def test_unreadable_arguments_are_told_back_once_and_then_end_as_parse_failure() -> None:
    bad = Completion("", (ToolCall("c1", "look_up", {}, raw='{"order'),))
    model = Model(bad, Completion("", (CALL,)))
    assert play(ToolsAgent(), model, FIRST) == [Action(calls=(CALL,))]
    said, told = model.asked[1][0][2:]
    assert (said.role, said.text) == ("assistant", 'look_up({"order)')
    assert "not a JSON object" in told.text
    with pytest.raises(ParseFailure, match="look_up"):
        play(ToolsAgent(), Model(bad, bad), FIRST)


def test_an_action_that_cannot_be_read_is_told_back_once_unless_strict() -> None:
    bad, good = 'Action: {"name": "look_up"}', 'Action: {"name": "look_up", "arguments": {}}'
    model = Model(bad, good)
    assert play(ReactAgent(), model, FIRST) == [Action.call("look_up", {})]
    assert "'arguments'" in model.asked[1][0][-1].text
    for agent, replies in ((ReactAgent(), (bad, bad)), (ReactAgent(strict=True), (bad,))):
        with pytest.raises(ParseFailure):
            play(agent, Model(*replies), FIRST)


def test_a_call_without_arguments_is_fine() -> None:
    assert play(ToolsAgent(), Model(Completion("", (ToolCall("c", "list"),))), FIRST) == [
        Action(calls=(ToolCall("c", "list"),))
    ]


@pytest.mark.parametrize("agent", [ToolsAgent, ActAgent, ReactAgent, TextAgent])
def test_memory_is_the_end_of_the_system_prompt(agent: type[ChatAgent]) -> None:
    model = Model("hello", "again")
    play(agent(), model, FIRST, Observation("more"), memory="LESSON {{ 7 }}")
    for messages, _ in model.asked:
        assert messages[0].role == "system"
        assert messages[0].text.startswith("POLICY")
        assert messages[0].text.endswith("LESSON {{ 7 }}")
        assert [message.role for message in messages].count("system") == 1


@pytest.mark.parametrize("memory", ["", "LESSON"])
def test_without_policy_the_system_message_is_the_memory_alone(memory: str) -> None:
    model = Model("4")
    assert play(TextAgent(), model, Observation("2 + 2?"), memory=memory) == [Action(text="4")]
    assert [message.role for message in model.asked[0][0]] == (["system", "user"] if memory else ["user"])


def test_an_agent_starts_afresh_for_each_rollout() -> None:
    agent, model = ToolsAgent(), Model("a", "b")
    play(agent, model, FIRST, memory="OLD")
    play(agent, model, FIRST)
    assert model.asked[1][0] == [Message("system", "POLICY"), Message("user", "I need help")]


def test_react_keeps_the_thought_and_marks_results() -> None:
    reply = 'Thought:\nlook first\nAction:\n{"name": "look_up", "arguments": {"order": "#1"}}'
    model = Model(reply, "no JSON here", "x")
    actions = play(ReactAgent(), model, FIRST, result("shipped"), Observation("thanks"))
    assert actions[0] == Action.call("look_up", {"order": "#1"}, thought="look first")
    assert actions[1] == Action(text="no JSON here")
    assert model.asked[0][1] == ()
    assert json.dumps(TOOL.parameters) in model.asked[0][0][0].text
    assert model.asked[1][0][2:] == [Message("assistant", reply), Message("user", "API output: shipped")]
    assert model.asked[2][0][-1] == Message("user", "thanks")


def test_act_has_another_prompt_and_no_thought() -> None:
    reply = 'Thought: hm\nAction: {"name": "look_up", "arguments": {}}'
    model, other = Model(reply), Model(reply)
    assert play(ActAgent(), model, FIRST)[0].thought == ""
    play(ReactAgent(), other, FIRST)
    assert "Thought:" in other.asked[0][0][0].text
    assert "Thought:" not in model.asked[0][0][0].text


def test_the_last_action_counts() -> None:
    reply = 'Action: {"name": "a", "arguments": {}} Action: {"name": "b", "arguments": {"x": 1}}'
    assert parse_action(reply) == parse_strictly(reply) == Action.call("b", {"x": 1})
    made_up = 'Action: {"name": "a", "arguments": {}}\nAPI output: 5\nAction: {"name": "b", "arguments": {"x": 1}}'
    assert parse_action(made_up) == Action.call("a", {})


def test_respond_is_speech() -> None:
    assert parse_action('{"name": "respond", "arguments": {"content": "Hi"}}') == Action(text="Hi")


NO_ACTIONS = [
    "[]",
    "{}",
    '{"name": "a"}',
    '{"name": 1, "arguments": {}}',
    '{"name": "a", "arguments": []}',
    '{"name": "respond", "arguments": {}}',
    '{"name": "respond", "arguments": {"content": 5}}',
    "[" * 100_000,
]


@pytest.mark.parametrize("reply", NO_ACTIONS)
@pytest.mark.parametrize("read", [parse_action, parse_strictly])
def test_json_that_is_no_action_is_a_parse_failure(reply: str, read: Callable[[str], Action]) -> None:
    with pytest.raises(ParseFailure):
        read(reply)


@pytest.mark.parametrize("reply", ["42", "null", '"name arguments"', "9" * 5_000])
def test_json_without_brackets_is_speech_unless_strict(reply: str) -> None:
    assert parse_action(reply) == Action(text=reply)
    with pytest.raises(ParseFailure):
        parse_strictly(reply)


@given(st.text())
@example("0\u034f0")
def test_any_reply_is_read_or_refused(reply: str) -> None:
    for read in (parse_action, parse_strictly):
        try:
            action = read(reply)
        except ParseFailure:
            continue
        said = iter(reply)  # of which invisible characters are left out
        assert action.calls or all(char.isspace() or char in said for char in action.text)


@pytest.mark.parametrize("agent", [ToolsAgent, ReactAgent, TextAgent])
def test_a_conversation_that_is_too_long_and_a_withheld_reply_have_ends_of_their_own(agent: type[ChatAgent]) -> None:
    with pytest.raises(ContextOverflow):
        play(agent(), Model(Completion("", finish_reason="context_overflow")), FIRST)
    for said in ("", "I can"):
        with pytest.raises(ReplyRefused):
            play(agent(), Model(Completion(said, finish_reason="content_filter")), FIRST)


@pytest.mark.parametrize("agent", [ToolsAgent, ActAgent, ReactAgent, TextAgent])
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Completion("I would", finish_reason="length"), "cut at the limit of its length"),
        (Completion("", finish_reason="length", reasoning="hm"), "cut at the limit of its length"),
        (Completion("", reasoning="hm"), "all of it was thinking"),
        (Completion(" \n"), "it was empty"),
    ],
)
def test_what_is_no_answer_is_told_back_once_and_never_said(
    agent: type[ChatAgent], reply: Completion, words: str
) -> None:
    model = Model(reply, "Hello")
    assert play(agent(), model, FIRST) == [Action("Hello")]
    assert words in model.asked[1][0][-1].text
    assert all(message.text.strip() for message in model.asked[1][0])
    if agent is TextAgent and reply.text.strip():
        assert play(agent(), Model(reply, reply), FIRST) == [Action(reply.text)], "its environment reads what is there"
    else:
        with pytest.raises(ParseFailure, match=words):
            play(agent(), Model(reply, reply), FIRST)
    if agent in (ToolsAgent, TextAgent):
        assert play(agent(strict=True), Model(reply), FIRST) == [Action(reply.text, thought=reply.reasoning)]


def test_a_call_that_was_cut_is_no_call_but_an_action_that_is_closed_is_one() -> None:
    cut = Completion("", (CALL,), finish_reason="length")
    model = Model(cut, Completion("", (CALL,)))
    assert play(ToolsAgent(), model, FIRST) == [Action(calls=(CALL,))]
    assert not any(message.tool_calls for message in model.asked[1][0])
    rambling = 'Action: {"name": "look_up", "arguments": {}}\nAPI output: {"status": "shi'
    assert play(ReactAgent(), Model(Completion(rambling, finish_reason="length")), FIRST) == [
        Action.call("look_up", {})
    ]


@pytest.mark.parametrize("raw", ["{'order': '#1',}", '```json\n{"order": "#1"}\n```', '[{"order": "#1"}]'])
def test_loose_arguments_are_read_unless_strict(raw: str) -> None:
    loose = Completion("", (ToolCall("c1", "look_up", {}, raw),))
    assert play(ToolsAgent(), Model(loose, "Done"), FIRST, result("shipped"))[0] == Action(calls=(CALL,))
    with pytest.raises(ParseFailure, match="not a JSON object"):
        play(ToolsAgent(strict=True), Model(loose), FIRST)


def test_a_call_that_names_no_tool_is_told_back() -> None:
    model = Model(Completion("", (ToolCall("c1", ""),)), "Done")
    assert play(ToolsAgent(), model, FIRST) == [Action("Done")]
    assert "names no tool" in model.asked[1][0][-1].text


def test_what_the_provider_gave_stays_with_the_reply() -> None:
    blocks = {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "sig"}]}
    model = Model(Completion("", (CALL, SECOND), given=blocks), "Done")
    play(ToolsAgent(), model, FIRST, result("shipped"))
    back = model.asked[1][0][2]
    assert isinstance(back, Reply)
    assert (back.given, back.tool_calls) == (blocks, (CALL,))


def test_declared_agents_can_be_made() -> None:
    specs = {spec.name: spec for spec in rbsuite_agents()}
    assert set(specs) == {"tools", "react", "act", "text", "planner", "stepwise"}
    for spec in specs.values():
        assert callable(load_object(spec.factory, "core")().act)


def test_an_agent_turn_is_cheap() -> None:
    """30 us beside the model, with room for a busy machine."""
    turns, call = 3_000, Completion("", (CALL,))
    model = Model(*[call] * turns)
    observations = [FIRST, *[result("shipped")] * (turns - 1)]
    model.complete = _constant(call)  # type: ignore[method-assign]
    limit = turns * 60e-6
    assert cpu_seconds(lambda: play(ToolsAgent(), model, *observations), limit) < limit


def _constant(completion: Completion) -> Any:
    async def complete(*args: object, **kwargs: object) -> Completion:
        return completion

    return complete
