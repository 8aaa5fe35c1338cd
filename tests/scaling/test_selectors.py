"""Which of several rollouts counts."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.errors import ModelError
from rbsuite.models.base import Completion
from rbsuite.models.reasoning import thought_and_said
from rbsuite.reading.stances import takes_back
from rbsuite.scaling.base import Choice
from rbsuite.scaling.selectors import (
    BestOfN,
    MajoritySelector,
    OracleSelector,
    RandomSelector,
    final_answer,
    parse_index,
)
from rbsuite.trajectory import Action, EndReason, Message, Observation, Step, Trajectory


def said(*texts: str, end: EndReason = "finished") -> Trajectory:
    steps = tuple(Step("agent", Observation("So?"), Action(text=text)) for text in texts)
    return Trajectory("t", 0, 0, "q", steps, None, end)


class Services:
    """Gives scripted replies; ``None``: the model fails."""

    def __init__(self, *replies: str | None, seed: int = 0) -> None:
        self._replies = list(replies)
        self.rng = Random(seed)
        self.counts: Counter[str] = Counter()
        self.window = 0
        self.asked: list[tuple[Any, float | None]] = []
        self.rendered: dict[str, Any] = {}

    def render(self, template: str, **variables: Any) -> str:
        self.rendered = variables
        return template

    async def complete(self, messages: Sequence[Message], *, temperature: float | None = None) -> Completion:
        self.asked.append((messages, temperature))
        reply = self._replies.pop(0)
        if reply is None:
            raise ModelError("down.")
        return Completion(reply)

    def count(self, event: str) -> None:
        self.counts[event] += 1


THREE = Choice("the request", (said("a"), said("b"), said("c")))


@pytest.mark.parametrize(
    ("replies", "chosen", "calls", "unread"),
    [
        (['{"index": 2, "analysis": "best"}'], 2, 1, 0),
        (["I cannot say.", '{"index": 1}'], 1, 2, 0),
        (['{"index": 7}', '{"index": 1}'], 1, 2, 0),
        (["?", "??"], 0, 2, 1),
        ([None], 0, 1, 1),
        (["?", None], 0, 2, 1),
    ],
)
def test_best_of_n_asks_twice_at_most(replies: list[str | None], chosen: int, calls: int, unread: int) -> None:
    services = Services(*replies)
    assert asyncio.run(BestOfN().select(THREE, services)) == chosen
    assert [temperature for _, temperature in services.asked] == [0.0] * calls
    assert services.counts == Counter({"selection_unread": unread} if unread else {})


def test_best_of_n_sees_every_transcript_fenced_and_no_score() -> None:
    services = Services('{"index": 0}')
    asyncio.run(BestOfN().select(THREE, services))
    shown = services.rendered["rollouts"]
    assert [f"Action 1: {word}" in text for word, text in zip("abc", shown, strict=True)] == [True] * 3
    assert all(text.startswith("<<record ") for text in shown)
    assert services.rendered["query"].startswith("<<request ")


@pytest.mark.parametrize(
    ("reply", "index"),
    [
        ('{"index": 1, "analysis": "x"}', 1),
        ('```json\n{"analysis": "it {really} went on", "index": 0}\n```', 0),
        ('Here it is: {"index": 2} as you see {above}.', 2),
        ('{I think} {"index": 2}', 2),
        ('{"analysis": {"index": 0}, "index": 1}', 1),
        ('{"index": 3}', None),
        ('{"index": -1}', None),
        ('{"index": true}', None),
        ('{"index": 0} {"index": 1}', None),
        ('{"indices": 1}', None),
        ("[1]", None),
        ("", None),
        ('{"index": 1', None),
        ("{" * 50_000, None),
        ('{"index":' + "[" * 100_000, None),
    ],
)
def test_the_index_is_read_from_the_object_that_has_one(reply: str, index: int | None) -> None:
    assert parse_index(reply, 3) == index


@given(st.text(max_size=200), st.integers(1, 5))
def test_any_text_can_be_read(reply: str, n: int) -> None:
    index = parse_index(reply, n)
    assert index is None or 0 <= index < n


@given(
    st.integers(0, 4),
    st.text(alphabet=st.characters(exclude_characters="{}[]"), max_size=30).filter(lambda text: not takes_back(text)),
    st.text(max_size=30).filter(lambda text: thought_and_said(text) == ("", text)),
)
def test_the_index_survives_what_stands_around_it(index: int, before: str, analysis: str) -> None:
    written = json.dumps({"analysis": analysis, "index": index})
    assert parse_index(f"{before}{written}{before}", 5) == index


def test_random_is_seeded_and_fair() -> None:
    chosen = [asyncio.run(RandomSelector().select(THREE, Services(seed=seed))) for seed in range(300)]
    assert chosen == [asyncio.run(RandomSelector().select(THREE, Services(seed=seed))) for seed in range(300)]
    assert set(Counter(chosen)) == {0, 1, 2}
    assert min(Counter(chosen).values()) > 70


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [((0.0, 1.0, 1.0), 1), ((0.5, None, 0.2), 0), ((None, 0.0, 0.0), 1), ((None, None, None), 0), ((0.0, 0.0, 0.0), 0)],
)
def test_oracle_takes_the_first_of_the_best(scores: tuple[float | None, ...], chosen: int) -> None:
    choice = Choice("q", THREE.trajectories, scores)
    assert asyncio.run(OracleSelector().select(choice, Services())) == chosen


@pytest.mark.parametrize(
    ("trajectories", "chosen"),
    [
        ((said("7"), said("8"), said("8")), 1),
        ((said("7"), said("8"), said("7"), said("8")), 0),
        ((said("It is  Seven."), said("8"), said("it is seven.")), 0),
        ((said("x", "7"), said("y", "8"), said("z", "8")), 1),
        ((said(""), said(""), said("9")), 2),
        ((said("7", end="env_error"), said("7", end="model_error"), said("8")), 2),
        ((said(), said("")), 0),
        ((said("7", end="env_error"),), 0),
    ],
)
def test_majority(trajectories: tuple[Trajectory, ...], chosen: int) -> None:
    assert asyncio.run(MajoritySelector().select(Choice("q", trajectories), Services())) == chosen


def test_final_answer_is_the_last_text_and_no_tool_call() -> None:
    call = Step("agent", Observation("So?"), Action.call("look"))
    user = Step("user", Observation("And?"), Action(text="Thanks."))
    steps = (*said("I  Say\n7").steps, call, user)
    assert final_answer(Trajectory("t", 0, 0, "q", steps, None, "finished")) == "i say 7"
