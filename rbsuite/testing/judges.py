"""The rules for judges. Judges are tried on rollouts of practice tasks, without a model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rbsuite.errors import ModelError, PluginError
from rbsuite.judges.base import Judge, JudgeRequest
from rbsuite.run.checks import check_verdict
from rbsuite.specs import JudgeSpec
from rbsuite.testing.practice import Answer, Fixed, PracticeServices, practised, trajectory
from rbsuite.testing.rules import Broken, Rule, require, rule
from rbsuite.testing.subjects import Subject, bearing, common_rules, lacking, own_chance, repeatable, require_fenced
from rbsuite.trajectory import NO_CHOICE, Action, Image, Observation, Step
from rbsuite.verdict import Verdict

KIND = "judge"
JUDGED = 6
"""Number of rollouts that are judged."""


class JudgeSubject(Subject[JudgeSpec]):
    """A judge."""

    def requests(self) -> Sequence[JudgeRequest]:
        """Rollouts to judge, alternating between right and wrong; with scores if the judge should have them."""
        made = []
        for number in range(JUDGED):
            right = bool(number % 2)
            one = trajectory(number, right=right)
            made.append(JudgeRequest(one.query, one, float(right) if self.spec.ground_truth else None))
        return made

    async def judge(self, judge: Judge, request: JudgeRequest, answer: Answer = practised, seed: int = 1) -> Verdict:
        """A verdict that meets the contract.

        Raises:
            PluginError: it does not.
        """
        services = PracticeServices(self.prompts, "judge", seed, answer)
        return check_verdict(await judge.judge(request, services))

    async def use(self) -> list[Verdict]:
        """Verdicts on all requests, from a new object."""
        judge = self.make()
        return [await self.judge(judge, request) for request in self.requests()]


@rule(
    KIND,
    "returns",
    'Return Verdict("success" | "failure" | "unknown", score, rationale, source).',
    after=("factory",),
)
async def returns(subject: JudgeSubject) -> None:
    """It gives a Verdict: success, failure or unknown, a score from 0 to 1 or none."""
    judge = subject.make()
    for request in subject.requests():
        try:
            verdict = await subject.judge(judge, request)
        except PluginError as error:
            raise Broken(error.message) from error
        require(isinstance(verdict.rationale, str), f"the rationale is a {type(verdict.rationale).__name__}")


@rule(
    KIND,
    "source",
    "Set Verdict.source to the judge's name: it goes into the provenance of what is learned.",
    after=("returns",),
)
async def source(subject: JudgeSubject) -> None:
    """A verdict says whose it is."""
    verdict = await subject.judge(subject.make(), subject.requests()[0])
    require(isinstance(verdict.source, str) and verdict.source.strip(), f"the source is {verdict.source!r}")


@rule(
    KIND,
    "no-state",
    "Keep nothing on the object between calls or across an await.",
    after=("repeatable",),
)
async def no_state(subject: JudgeSubject) -> None:
    """A verdict does not depend on what was judged before, nor on what is judged at the same time."""
    requests, judge = subject.requests(), subject.make()
    alone = [await subject.judge(subject.make(), request) for request in requests]
    after = [await subject.judge(judge, request) for request in [*requests, *requests]]
    require(after == [*alone, *alone], "verdicts of one object depend on what it judged before")
    beside = await asyncio.gather(*(subject.judge(judge, request) for request in requests))
    require(beside == alone, "verdicts get mixed up when several rollouts are judged at the same time")


@rule(
    KIND,
    "truth",
    "Do not read request.score, or declare JudgeSpec(ground_truth=True); without a score say `unknown`.",
    after=("no-state",),
)
async def truth(subject: JudgeSubject) -> None:
    """A judge whose spec does not say ground_truth does without the score; one that says so copes when there is none."""
    request = subject.requests()[0]
    if subject.spec.ground_truth:
        await subject.judge(subject.make(), replace(request, score=None))
        return
    low, high = [await subject.judge(subject.make(), replace(request, score=score)) for score in (0.0, 1.0)]
    require(low == high, "its verdict follows the environment's score")


@rule(
    KIND,
    "odd-rollouts",
    "Render them with rbsuite.transcript.render_transcript, which knows them all.",
    after=("returns",),
)
async def odd_rollouts(subject: JudgeSubject) -> None:
    """It copes with every rollout: none of the turns taken, cut short, images, choices, very long."""
    plain = trajectory(0)
    picture = Observation("A view.", images=(Image.of(b"x"),), choices=("left", "right"))
    odd = {
        "without a turn": replace(plain, steps=(), final=None, end="timeout"),
        "cut by a limit of steps": replace(plain, final=None, end="max_steps"),
        "that could not be read": replace(plain, end="parse_errors", error="no action"),
        "with images and choices": replace(plain, steps=(Step("agent", picture, Action.choose(NO_CHOICE, "up?")),)),
        "of 200,000 characters": trajectory(0, padding=200_000),
        "without a query": replace(plain, query=""),
    }
    for what, one in odd.items():
        request = JudgeRequest(one.query, one, 0.0 if subject.spec.ground_truth else None)
        with bearing(f"a rollout {what}"):
            await subject.judge(subject.make(), request)


@rule(
    KIND,
    "any-reply",
    "Read replies leniently (rbsuite.reading), ask once more, and then say `unknown`.",
    after=("returns",),
)
async def any_reply(subject: JudgeSubject) -> None:
    """Whatever its model replies, it gives a verdict; `unknown` where the reply gives none."""
    for text in ("", "I cannot say.", "{", "```json\n{}\n```", "Verdict:", "\x00" * 40, "null", "[[[[" * 200):
        answer = Fixed(text)
        with bearing(f"its model replied {text[:20]!r}"):
            verdict = await subject.judge(subject.make(), subject.requests()[0], answer)
            told = verdict.label == "unknown" or not answer.asked
            require(told, f"its model replied {text[:20]!r}, but it says {verdict.label!r}")


@rule(
    KIND,
    "model-fails",
    "Leave ModelError alone: the core says `unknown` then.",
    after=("returns",),
)
async def model_fails(subject: JudgeSubject) -> None:
    """Where its model fails, it says `unknown` or lets the ModelError pass; it raises nothing else and makes up no verdict."""
    answer = Fixed(ModelError("the model failed."))
    with bearing("its model failed", ModelError):
        verdict = await subject.judge(subject.make(), subject.requests()[0], answer)
        told = verdict.label == "unknown" or not answer.asked
        require(told, f"its model failed, but it says {verdict.label!r}")


@rule(
    KIND,
    "fenced",
    'Put transcripts and queries into rbsuite.fencing.fence(text, "label").',
    after=("returns",),
)
async def fenced(subject: JudgeSubject) -> None:
    """What users, environments and agents wrote is fenced in its prompts."""

    await require_fenced(subject, memory=("none",), judge=subject.name)


RULES: tuple[Rule[Any], ...] = (
    *common_rules(KIND, lacking("judge")),
    returns,
    source,
    repeatable(KIND, "Draw randomness from services.rng, and ask the model at temperature 0.", "returns"),
    own_chance(KIND, "Draw from services.rng.", "repeatable"),
    no_state,
    truth,
    odd_rollouts,
    any_reply,
    model_fails,
    fenced,
)
"""The rules, in the order in which they are checked."""
