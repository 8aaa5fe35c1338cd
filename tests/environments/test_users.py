"""Simulated users: what they say, what they ask their model, and what their history keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.environments.builtin import rbsuite_users
from rbsuite.environments.users import STOP, ScriptedUser, User, UserStart, parse_react, parse_reflection
from rbsuite.errors import ModelError
from rbsuite.models.base import Completion
from rbsuite.prompts import Prompts
from rbsuite.specs import load_object
from rbsuite.trajectory import Action, Message, Observation, ToolCall, ToolSpec

SECRET = "You are Ada. You want a blue lamp."
OPENING = Observation("Hi! How can I help you today?", turn="user", messages=(Message("system", SECRET),))


class Replies:
    """Services whose model gives prepared replies and which keep the conversations they were asked with."""

    def __init__(self, *replies: str | Completion) -> None:
        self.replies = [Completion(one) if isinstance(one, str) else one for one in replies]
        self.asked: list[list[Message]] = []
        self.prompts = Prompts()

    def render(self, template: str, **variables: Any) -> str:
        return self.prompts.render(template, **variables)

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), *, temperature: float | None = None
    ) -> Completion:
        assert temperature is None
        self.asked.append(list(messages))
        return self.replies.pop(0)


def started(strategy: str, services: Replies, script: Sequence[str] = (), **options: str) -> User:
    [spec] = [spec for spec in rbsuite_users() if spec.name == strategy]
    user: User = load_object(spec.factory, strategy)(**options)
    user.start(UserStart(services, [Action(line) for line in script]))
    return user


def talk(strategy: str, services: Replies, *texts: str, fidelity: str = "upstream") -> list[str]:
    user = started(strategy, services, fidelity=fidelity)

    async def run() -> list[str]:
        said = [(await user.act(OPENING)).text]
        return [*said, *[(await user.act(Observation(text, turn="user"))).text for text in texts]]

    return asyncio.run(run())


def history(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Roles and texts without the system prompt."""
    assert messages[0].role == "system"
    return [(message.role, message.text) for message in messages[1:]]


def test_scripted_says_its_lines_and_then_stops() -> None:
    user = ScriptedUser([Action("a"), Action("b")])
    assert [asyncio.run(user.act(OPENING)) for _ in range(4)] == [Action("a"), Action("b"), Action(STOP), Action(STOP)]


def test_scripted_uses_its_tools_when_it_is_asked_to() -> None:
    script = [Action.call("look_up"), Action("a"), Action.call("reset_box"), Action("b"), Action.call("look_up")]
    user = ScriptedUser(script)
    unasked = user.fork(Replies())
    asked, shown = Observation("Please reset the box.", "user"), Observation("done", "user", "tool")
    heard = [OPENING, shown, asked, shown, asked]
    assert [asyncio.run(user.act(one)) for one in heard] == [*script[:4], Action(STOP)]
    other = Observation("Please wait.", "user")
    heard = [OPENING, shown, other, other]
    assert [asyncio.run(unasked.act(one)) for one in heard] == [*script[:2], script[3], Action(STOP)]


def test_llm_keeps_the_whole_conversation() -> None:
    services = Replies("I want a lamp", "Blue")
    assert talk("llm", services, "Which colour?") == ["I want a lamp", "Blue"]
    assert SECRET in services.asked[0][0].text
    assert STOP in services.asked[0][0].text
    assert history(services.asked[1]) == [
        ("user", OPENING.text),
        ("assistant", "I want a lamp"),
        ("user", "Which colour?"),
    ]


def test_react_history_keeps_the_raw_reply() -> None:
    raw = "Thought:\nbe brief\n\nUser Response:\nA lamp"
    services = Replies(raw, "User Response: Blue", f"Thought: done\nUser Response: {STOP}")
    assert talk("react", services, "x", "y") == ["be brief\n\nUser Response:\nA lamp", "Blue", STOP]
    assert ("assistant", raw) in history(services.asked[1])


def test_react_keeps_the_thought_to_itself_where_upstream_is_not_followed() -> None:
    assert talk("react", Replies("Thought: brief\nUser Response: A lamp"), fidelity="fixed") == ["A lamp"]


def test_verify_drops_rejected_replies_from_the_history() -> None:
    services = Replies("bad", "False", "good", "It is TRUE.", "next", "true")
    assert talk("verify", services, "Which colour?") == ["good", "next"]
    assert history(services.asked[4]) == [("user", OPENING.text), ("assistant", "good"), ("user", "Which colour?")]


def test_verify_gives_up_after_three_and_forgets_what_it_said() -> None:
    services = Replies("one", "no", "two", "no", "three", "no", "later", "true")
    assert talk("verify", services, "hello?") == ["three", "later"]
    assert history(services.asked[6]) == [("user", OPENING.text), ("user", "hello?")]


def test_verify_shows_the_checker_the_conversation_without_the_response_in_it() -> None:
    services = Replies("RESPONSE", "true")
    talk("verify", services)
    check = services.asked[1][0]
    assert check.role == "user"
    assert len(services.asked[1]) == 1
    assert check.text.count("RESPONSE") == 1
    assert f"Customer: {OPENING.text}" in check.text


def test_the_checker_sees_right_names_where_upstream_is_not_followed() -> None:
    services = Replies("hello", "true")
    talk("verify", services, fidelity="fixed")
    assert f"Agent: {OPENING.text}" in services.asked[1][0].text


@pytest.mark.parametrize(
    "answer", ["True.", "**true**", "It is TRUE.", "True, it follows the brief.", "It fits.\nVerdict: true"]
)
def test_the_checkers_word_approves(answer: str) -> None:
    assert talk("verify", Replies("a", answer, "b", "true"), fidelity="fixed") == ["a"]


@pytest.mark.parametrize(
    "answer",
    [
        "False. It is not true that this follows the brief.",
        "True to the brief, but it invents a name. False.",
        "True or false? I cannot say.",
        "true\nfalse",
        "False.\n> true",
        "<think>true</think>false",
        "Untrue",
    ],
)
def test_what_only_mentions_the_checkers_word_approves_nothing(answer: str) -> None:
    assert talk("verify", Replies("a", answer, "b", "true"), fidelity="fixed") == ["b"]
    assert talk("verify", Replies("a", answer, "b", "true")) == ["a"], "upstream looks for the word anywhere"


def test_reflection_retries_once_and_keeps_both_replies() -> None:
    services = Replies("first", "false", "Reflection: rude\nResponse: nicer", "second", "true", "third", "true")
    assert talk("reflection", services, "ok") == ["second", "third"]
    assert history(services.asked[3]) == [("user", OPENING.text), ("user", "nicer")]
    assert history(services.asked[5]) == [
        ("user", OPENING.text),
        ("assistant", "first"),
        ("assistant", "second"),
        ("user", "ok"),
    ]


def test_reflection_falls_back_to_the_first_reply() -> None:
    assert talk("reflection", Replies("first", "no", "Response: nicer", "second", "no")) == ["first"]


@pytest.mark.parametrize("reply", ["just words", "Thought: a Thought: b", "User Response: a User Response: b", ""])
def test_react_replies_that_upstream_gives_up_on(reply: str) -> None:
    with pytest.raises(ModelError, match="simulated user"):
        parse_react(reply)


@pytest.mark.parametrize("reply", ["no label", "Response: a Response: b"])
def test_reflections_that_upstream_gives_up_on(reply: str) -> None:
    with pytest.raises(ModelError):
        parse_reflection(reply)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("Thought: t\n\nUser Response: Hi\n```\nUser Response: quoted\n```", "Hi\n```\nUser Response: quoted\n```"),
        ("> User Response: quoted\nThought: t\nUser Response: Hi", "Hi"),
        ("**Thought:** t\n\n**User Response:** Hi", "Hi"),
        ("```\nThought: t\nUser Response: Hi\n```", "Hi"),
        ("Thought: t User Response: Hm. User Response: Hi", "Hi"),
        (f"Thought: not yet {STOP}\nUser Response: Hi", "Hi"),
        (f"I am done. {STOP}", STOP),
    ],
)
def test_what_is_said_is_what_follows_the_last_label_of_its_own(reply: str, words: str) -> None:
    assert parse_react(reply, upstream=False) == words


@pytest.mark.parametrize(("upstream", "words"), [(True, "** Hi"), (False, "Hi")])
def test_only_upstream_keeps_the_marks_of_a_label(upstream: bool, words: str) -> None:
    assert parse_reflection("Reflection: r\n**Response:** Hi", upstream=upstream) == words


@given(st.text(), st.booleans())
def test_react_reads_any_reply_or_says_why_not(reply: str, upstream: bool) -> None:
    try:
        words = parse_react(reply, upstream=upstream)
    except ModelError:
        assert reply.count("Thought:") != 1
        assert reply.count("User Response:") != 1
    else:
        assert words in reply


NO_ANSWERS = [
    (Completion(""), "it was empty"),
    (Completion("", reasoning="hm"), "all of it was thinking"),
    (Completion("I want a bl", finish_reason="length"), "cut at the limit"),
    (Completion("I", finish_reason="content_filter"), "withheld"),
]


@pytest.mark.parametrize(("reply", "words"), NO_ANSWERS)
@pytest.mark.parametrize("strategy", ["llm", "react", "verify", "reflection"])
def test_what_is_no_message_is_told_back_once_and_then_breaks_the_rollout(
    strategy: str, reply: Completion, words: str
) -> None:
    good = ["User Response: A lamp" if strategy == "react" else "A lamp"]
    good += ["true"] * (strategy in ("verify", "reflection"))
    services = Replies(reply, *good, *good)
    assert talk(strategy, services, "Which?") == ["A lamp", "A lamp"]
    assert words in services.asked[1][-1].text
    later = next(asked for asked in services.asked if len(asked) > 1 and asked[-1].text == "Which?")
    assert [text for _, text in history(later)] == [OPENING.text, good[0], "Which?"], "that stays out of the history"
    with pytest.raises(ModelError, match=f"the simulated user's model .*{words}"):
        talk(strategy, Replies(reply, reply))


def test_a_users_context_that_is_full_is_not_tried_again() -> None:
    with pytest.raises(ModelError, match=r"simulated user's model .*context"):
        talk("llm", Replies(Completion("", finish_reason="context_overflow")))


def test_a_react_reply_without_its_label_is_told_back() -> None:
    services = Replies("A lamp", "User Response: A lamp")
    assert talk("react", services) == ["A lamp"]
    assert "'User Response:'" in services.asked[1][-1].text


def test_a_user_who_only_thinks_of_stopping_goes_on_where_upstream_is_not_followed() -> None:
    thought = f"Thought: {STOP} would be rude.\nUser Response: Thanks"
    assert talk("react", Replies(thought), fidelity="fixed") == ["Thanks"]
    assert talk("react", Replies(thought)) == [STOP]


def test_arguments_of_a_users_calls_are_read_leniently() -> None:
    call = Completion("", (ToolCall("c", "look", {}, "{'at': 1}"),))
    user = started("llm", Replies(call))
    acted = asyncio.run(user.act(replace(OPENING, tools=(ToolSpec("look", "looks"),))))
    assert acted.calls == (ToolCall("c", "look", {"at": 1}),)


def test_a_user_may_call_its_tools_in_text() -> None:
    replies = Replies(
        'Action:\n{"name": "look", "arguments": {"at": "the router"}}',
        "Action: {}",
        'Action:\n{"name": "respond", "arguments": {"content": "It blinks."}}',
        f"{STOP}",
    )
    user = started("llm", replies, calls="text")

    async def run() -> list[Action]:
        offered = replace(OPENING, tools=(ToolSpec("look", "shows what a thing looks like"),))
        seen = (offered, Observation("a red light", turn="user", role="tool"), Observation("Thanks.", turn="user"))
        return [await user.act(one) for one in seen]

    looked, told, over = asyncio.run(run())
    assert [(call.name, call.arguments) for call in looked.calls] == [("look", {"at": "the router"})]
    assert (told.text, over.text) == ("It blinks.", STOP)
    assert "shows what a thing looks like" in replies.asked[0][0].text
    assert history(replies.asked[1])[-1] == ("user", "API output: a red light")
    assert "cannot be read" in replies.asked[2][-1].text


@pytest.mark.parametrize("strategy", [spec.name for spec in rbsuite_users()])
def test_a_fork_remembers_and_goes_its_own_way(strategy: str) -> None:
    services, other = Replies(*["User Response: true"] * 20), Replies(*["User Response: true"] * 20)
    user = started(strategy, services, ["opening", "one", "two"])
    asyncio.run(user.act(OPENING))
    fork = user.fork(other)
    texts = [asyncio.run(one.act(Observation("go on", turn="user"))).text for one in (user, fork, fork)]
    assert texts[0] == texts[1]
    if strategy == "scripted":
        assert texts == ["one", "one", "two"]
    else:
        said = [content for _, content in history(other.asked[0])]
        assert said == ["Hi! How can I help you today?", "User Response: true", "go on"]
