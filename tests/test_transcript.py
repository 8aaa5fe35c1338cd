"""Trajectories as text: what is shown, and what never is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rbsuite.jsonable import canonical
from rbsuite.trajectory import (
    BROKEN_ENDS,
    END_REASONS,
    Action,
    Message,
    Observation,
    Step,
    Trajectory,
    Usage,
)
from rbsuite.transcript import fence, render_action, render_transcript

SECRET = "SECRET"


def whole() -> Trajectory:
    """A trajectory in which everything that must not be shown says so."""
    brief = Observation(f"{SECRET} greeting", turn="user", messages=(Message("system", f"{SECRET} brief"),))
    tools = Observation("What is it?", messages=(Message("system", "policy"),), data={"page": 1})
    steps = (
        Step("user", brief, Action(text="I want a refund")),
        Step("agent", tools, Action("tool", name="find", arguments={"id": "#1"}, thought="look first"), 0.25),
        Step("agent", Observation("found it", role="tool"), Action(text="Here it is."), 0.75),
        Step("user", Observation(f"{SECRET} heard", turn="user"), Action(text="Thanks")),
        Step("agent", Observation("Thanks"), Action("choice", index=2, text="close")),
    )
    final = Observation(f"{SECRET} end", turn="user")
    return Trajectory("t1", 0, 7, "q", steps, final, "finished", score=0.123, truth={"answer": SECRET})


def test_transcript_reads_turn_by_turn() -> None:
    assert render_transcript(whole()).splitlines() == [
        "Observation: What is it?",
        "Thought 1: look first",
        'Action 1: find({"id": "#1"})',
        "Result: found it",
        "Action 2: Here it is.",
        "Observation: Thanks",
        "Action 3: choose 2: close",
        "End: finished",
    ]


def test_neither_truth_nor_brief_is_ever_rendered() -> None:
    for text in (render_transcript(whole()), render_transcript(whole(), limit=0), render_transcript(whole().shown())):
        assert SECRET not in text
        assert not any(word in text for word in ("0.123", "0.25", "0.75", "reward", "score", "truth", "policy"))


def test_shown_and_whole_are_rendered_alike() -> None:
    assert render_transcript(whole().shown()) == render_transcript(whole())


def test_last_observation_of_the_agent_is_shown() -> None:
    trajectory = replace(whole(), final=Observation("Goodbye"))
    assert render_transcript(trajectory).splitlines()[-2:] == ["Observation: Goodbye", "End: finished"]


def test_long_observation_is_cut_and_the_cut_is_marked() -> None:
    trajectory = replace(whole(), steps=(Step("agent", Observation("x" * 700), Action(text="y" * 700)),), final=None)
    first, action, _ = render_transcript(trajectory).splitlines()
    assert first == f"Observation: {'x' * 600} [100 more characters]"
    assert action == f"Action 1: {'y' * 700}", "what the agent did is never cut"
    assert render_transcript(trajectory, limit=0).splitlines()[0] == f"Observation: {'x' * 700}"


def test_shown_strips_and_keeps() -> None:
    shown = whole().shown()
    assert SECRET not in canonical(shown)
    assert shown.score is None
    assert shown.truth == {}
    assert {step.reward for step in shown.steps} == {None}
    assert shown.final is None
    assert [step.action for step in shown.steps] == [step.action for step in whole().steps]
    kept = [step.observation for step in shown.steps if step.actor == "agent"]
    assert kept == [step.observation for step in whole().steps if step.actor == "agent"]
    assert shown.shown() == shown


TEXT = st.text(max_size=60) | st.text(alphabet="<>end of record0123456789abcdef \n", max_size=60)


@given(TEXT, st.sampled_from(["record", "request"]))
def test_fence_cannot_be_closed_from_inside(text: str, label: str) -> None:
    fenced = fence(text, label)
    first, last = fenced.split("\n", 1)[0], fenced.rsplit("\n", 1)[1]
    assert fenced == f"{first}\n{text}\n{last}"
    assert last not in text
    assert first not in text
    assert last == first.replace(f"<<{label}", f"<<end of {label}")


@given(TEXT)
def test_a_fence_around_a_fence_has_markers_of_its_own(text: str) -> None:
    inner = fence(text, "record")
    outer = fence(inner, "record")
    assert outer.count(outer.rsplit("\n", 1)[1]) == 1
    assert fence(text, "record") == inner


def test_fence_bears_lone_surrogates() -> None:
    assert "\ud800" in fence("\ud800", "record")


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.none(), max_size=3))
def test_tool_call_stands_on_one_line(arguments: dict[str, Any]) -> None:
    rendered = render_action(Action("tool", name="find", arguments=arguments))
    assert rendered.startswith("find({")
    assert "\n" not in rendered


def test_broken_ends_are_those_that_say_nothing_about_the_agent() -> None:
    assert frozenset({"env_error", "model_error"}) == BROKEN_ENDS
    assert [end for end in END_REASONS if replace(whole(), end=end).broken] == ["env_error", "model_error"]
    assert whole().agent_steps == 3


def test_usage_adds_up_and_an_unknown_price_stays_unknown() -> None:
    assert Usage(1, 2, 3, 0.5) + Usage(1, 1, 1, 0.25) == Usage(2, 3, 4, 0.75)
    assert (Usage(1, 2, 3, None) + Usage(cost=1.0)).cost is None
    assert Usage(1, 2, 3).tokens == 5
