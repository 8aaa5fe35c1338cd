"""The agents of named actions: plans, replanning, replies that cannot be read, and how the episode is ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.agents.base import Agent, AgentStart
from rbsuite.agents.choice import PlannerAgent, StepwiseAgent
from rbsuite.agents.plans import read_plan, read_plan_strictly, read_step, read_step_strictly
from rbsuite.errors import EnvironmentFailure
from rbsuite.fencing import fence, fences
from rbsuite.models.base import Completion
from rbsuite.prompts import Prompts
from rbsuite.trajectory import NO_CHOICE, Action, Message, Observation, ToolSpec

NAMES = ("find a cup", "pick up the cup", "put down the cup")
FIRST = Observation("Bring me a cup", messages=(Message("system", "RULES"),), choices=NAMES)
GOOD = Observation("It worked.", data={"valid": True})
BAD = Observation("It failed.", data={"valid": False})
CHECK = Observation("Check this answer before it counts.", data={"check": True})


class Model:
    """Services with prepared replies, which keep what was asked."""

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.asked: list[list[Message]] = []
        self.prompts = Prompts()

    def render(self, template: str, **variables: Any) -> str:
        return self.prompts.render(template, **variables)

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        temperature: float | None = None,
        schema: Any = None,
    ) -> Completion:
        self.asked.append(list(messages))
        self.schema = schema
        return Completion(self.replies.pop(0))


def play(agent: Agent, model: Model, *observations: Observation, memory: str = "") -> list[Action]:
    agent.start(AgentStart(model, memory, seed=1))

    async def run() -> list[Action]:
        return [await agent.act(observation) for observation in observations]

    return asyncio.run(run())


def plan(*ids: Any, why: str = "I see.", words: str = "First this.") -> str:
    steps = [{"action_id": number, "action_name": "whatever"} for number in ids]
    return json.dumps({"reasoning_and_reflection": why, "language_plan": words, "executable_plan": steps})


def chosen(actions: Sequence[Action]) -> list[int | None]:
    return [action.index for action in actions]


def test_a_plan_is_carried_out_with_one_call() -> None:
    model = Model(plan(0, 1, 2))
    actions = play(PlannerAgent(), model, FIRST, GOOD, GOOD)
    assert chosen(actions) == [0, 1, 2]
    assert [action.text for action in actions] == list(NAMES)
    assert [action.thought for action in actions] == ["I see. First this.", "", ""]
    assert len(model.asked) == 1
    system, user = model.asked[0]
    assert system.text.startswith("RULES\n")
    assert "action id 2: put down the cup" in system.text
    assert user.text.startswith(f"{fence('Bring me a cup', 'request')}\n\nReply with one JSON object")
    assert '"executable_plan"' in user.text.splitlines()[-1], "the form stands last"


@pytest.mark.parametrize("agent", [PlannerAgent, StepwiseAgent])
def test_what_the_environment_says_before_the_task_is_kept(agent: type[Agent]) -> None:
    said = (Message("system", "RULES"), Message("user", "Hello."), Message("assistant", "What can I do?"))
    model = Model(plan(0) if agent is PlannerAgent else json.dumps({"action_id": 0}))
    play(agent(), model, Observation("Bring me a cup", messages=said, choices=NAMES))
    *before, task = model.asked[0][1:]
    assert before == list(said[1:])
    words = fence("Bring me a cup", "request") if agent is PlannerAgent else "Bring me a cup"
    assert task.text.partition("\n\nReply with")[0] == words


def test_a_failed_action_and_a_plan_used_up_lead_to_a_new_plan_with_the_history() -> None:
    model = Model(plan(0, 1, 2), plan(0), plan(2))
    actions = play(PlannerAgent(), model, FIRST, GOOD, BAD, GOOD, memory="REMEMBERED")
    assert chosen(actions) == [0, 1, 0, 2]
    assert [len(asked) for asked in model.asked] == [2, 2, 2]
    assert all("REMEMBERED" in asked[0].text for asked in model.asked)
    said = model.asked[2][1].text
    assert said.startswith(f"{fence('Bring me a cup', 'request')}\n\nWhat was done so far.")
    [_, history] = fences(said)
    assert history.text.splitlines() == [
        "Step 0, action id 0, find a cup, env feedback: It worked.",
        "Step 1, action id 1, pick up the cup, env feedback: It failed.",
        "Step 2, action id 0, find a cup, env feedback: It worked.",
    ]


@pytest.mark.parametrize(
    "reply",
    [
        "no JSON",
        "[]",
        "{}",
        plan(3),
        plan(-1),
        plan("1"),
        plan(True),
        plan(1.0),
        '{"executable_plan": [1]}',
        "[" * 9999,
    ],
)
def test_a_reply_that_cannot_be_read_is_a_choice_of_nothing_and_the_same_is_asked_again(reply: str) -> None:
    """So does upstream."""
    model = Model(reply, plan(1))
    refused = Observation("No action was carried out.", data={"valid": False})
    actions = play(PlannerAgent(strict=True), model, FIRST, refused)
    assert actions[0] == Action.choose(NO_CHOICE, reply)
    assert chosen(actions) == [NO_CHOICE, 1]
    assert model.asked[0] == model.asked[1]


@pytest.mark.parametrize("agent", [PlannerAgent, StepwiseAgent])
def test_a_reply_that_cannot_be_read_is_told_back_once_and_then_counts(
    agent: type[PlannerAgent] | type[StepwiseAgent],
) -> None:
    good = plan(1) if agent is PlannerAgent else '{"action_id": 1}'
    model = Model("mumble", good, "mumble", plan(9), good)
    refused = Observation("No action was carried out.", data={"valid": False})
    assert chosen(play(agent(), model, FIRST, GOOD, refused)) == [1, NO_CHOICE, 1]
    first, again, second, third, last = model.asked
    key = "executable_plan" if agent is PlannerAgent else "action_id"
    for asked, follow in ((first, again), (second, third)):
        assert [message.role for message in follow[len(asked) :]] == ["assistant", "user"]
        assert key in follow[-1].text
    assert "could not be read" in "".join(message.text for message in last)
    with pytest.raises(IndexError):
        play(agent(strict=True), Model("mumble"), FIRST, refused)


def test_a_plan_is_cut_at_the_first_id_that_does_not_exist() -> None:
    model = Model(plan(0, 1, 7, 2), plan(2))
    assert chosen(play(PlannerAgent(), model, FIRST, GOOD, GOOD)) == [0, 1, 2]


def test_the_empty_plan_ends_the_episode_and_is_kept_when_it_is_to_be_checked() -> None:
    model = Model(plan(0), plan(why="Done.", words=""), plan(1, 2))
    actions = play(PlannerAgent(), model, FIRST, GOOD, CHECK, GOOD)
    assert actions[1] == Action(text="", thought="Done.")
    assert chosen(actions) == [0, None, 1, 2]
    assert [message.role for message in model.asked[2]] == ["system", "user", "assistant", "user"]
    assert model.asked[2][2].text == plan(why="Done.", words="")
    assert model.asked[2][3].text.startswith(f"{CHECK.text}\n\nReply with one JSON object")


def test_memory_is_exchanged_between_plans() -> None:
    model = Model(plan(0), plan(1))
    agent = PlannerAgent()
    agent.start(AgentStart(model, "OLD", seed=1))
    asyncio.run(agent.act(FIRST))
    agent.remember("NEW")
    asyncio.run(agent.act(GOOD))
    assert "OLD" in model.asked[0][0].text
    assert "NEW" in model.asked[1][0].text
    assert "OLD" not in model.asked[1][0].text


OTHER = ("open the box", "close the box", "shake the box", "leave")


@pytest.mark.parametrize("agent", [PlannerAgent, StepwiseAgent])
def test_named_actions_that_change_are_listed_anew_and_read_by_the_new_list(agent: type[Agent]) -> None:
    stepwise = [json.dumps({"action_id": 0}), json.dumps({"action_id": 3})]
    model = Model(*([plan(0, 1), plan(3)] if agent is PlannerAgent else stepwise))
    changed = Observation("It worked.", choices=OTHER, data={"valid": True})
    actions = play(agent(), model, FIRST, changed, memory="REMEMBERED")
    assert [(action.index, action.text) for action in actions] == [(0, NAMES[0]), (3, OTHER[3])]
    first, second = (asked[0].text for asked in model.asked)
    assert "action id 2: put down the cup" in first
    assert "RULES" in second
    assert "REMEMBERED" in second
    assert "action id 3: leave" in second
    assert NAMES[2] not in second


@pytest.mark.parametrize("agent", [PlannerAgent, StepwiseAgent])
def test_an_environment_that_names_no_actions_is_at_fault(agent: type[Agent]) -> None:
    with pytest.raises(EnvironmentFailure, match="names no actions"):
        play(agent(), Model(), Observation("Bring me a cup"))


@pytest.mark.parametrize(
    ("ids", "indices"), [([1, 9, "x"], (1,)), ([1, 9.5], (1,)), ([1, float("inf")], (1,)), ([0, 1.0], ())]
)
def test_what_stands_behind_the_first_id_that_does_not_exist_is_not_looked_at(
    ids: list[Any], indices: tuple[int]
) -> None:
    assert read_plan_strictly(plan(*ids), 3).indices == indices


@pytest.mark.parametrize(
    ("items", "readable", "strictly"),
    [
        ([], True, True),
        ({}, False, True),
        ("", False, True),
        (None, False, False),
        (0, False, False),
        ({"a": 1}, False, False),
    ],
)
def test_only_what_is_empty_is_an_empty_plan(items: Any, readable: bool, strictly: bool) -> None:
    said = json.dumps({"executable_plan": items})
    assert (read_plan(said, 3).indices, read_plan(said, 3).readable) == ((), readable)
    found = read_plan_strictly(said, 3)
    assert (found.indices, found.readable) == ((), strictly)


def test_stepwise_names_one_action_a_reply_in_a_conversation() -> None:
    replies = [
        json.dumps({"reasoning": " Look. ", "action_id": 0}),
        "mumble",
        '```json\n{"action_id": 1}\n```',
        json.dumps({"reasoning": "Done.", "action_id": None}),
    ]
    model = Model(*replies)
    actions = play(StepwiseAgent(strict=True), model, FIRST, GOOD, BAD, GOOD, memory="REMEMBERED")
    assert actions == [
        Action.choose(0, NAMES[0], thought="Look."),
        Action.choose(NO_CHOICE, "mumble"),
        Action.choose(1, NAMES[1]),
        Action(text="", thought="Done."),
    ]
    assert [message.role for message in model.asked[3]] == ["system", *["user", "assistant"] * 3, "user"]
    assert "REMEMBERED" in model.asked[3][0].text
    assert "action id 1: pick up the cup" in model.asked[3][0].text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 6) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["action_id", "executable_plan", "reasoning", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON.map(json.dumps) | st.text(max_size=30))
def test_any_reply_gives_valid_indices_or_none(reply: str) -> None:
    for read in (read_plan, read_step, read_plan_strictly, read_step_strictly):
        found = read(reply, 4)
        assert all(type(index) is int and 0 <= index < 4 for index in found.indices)
        assert found.readable or not found.indices
    assert len(read_step(reply, 4).indices) <= 1


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.integers(1, 12))
def test_a_plan_holds_its_valid_beginning(ids: list[int], n: int) -> None:
    found = read_plan(plan(*ids), n)
    valid = [number for place, number in enumerate(ids) if all(before < n for before in ids[: place + 1])]
    assert list(found.indices) == valid
    assert found.readable is bool(valid)


@pytest.mark.parametrize(
    ("agent", "reply"), [(PlannerAgent, plan(0)), (StepwiseAgent, json.dumps({"reasoning": "I see.", "action_id": 0}))]
)
def test_the_schema_that_is_sent_along_is_the_form_that_is_asked_for(agent: type[Any], reply: str) -> None:
    model = Model(reply)
    play(agent(schema=True), model, FIRST)
    assert list(json.loads(reply)) == model.schema["required"]
    assert all(f'"{key}"' in model.asked[0][0].text for key in model.schema["required"])
    model = Model(reply)
    play(agent(), model, FIRST)
    assert model.schema is None
