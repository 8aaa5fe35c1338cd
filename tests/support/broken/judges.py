"""A judge that keeps every rule for judges, and for each rule one that breaks it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rbsuite.errors import ModelError
from rbsuite.fencing import fence
from rbsuite.judges.base import JudgeRequest, JudgeServices
from rbsuite.judges.verdicts import parse_verdict
from rbsuite.options import Option
from rbsuite.specs import JudgeSpec
from rbsuite.trajectory import Message
from rbsuite.transcript import render_transcript
from rbsuite.verdict import Verdict


class Good:
    """Asks its model."""

    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        prompt = (
            f"Was it right?\n{self.shown(render_transcript(request.trajectory))}\nWrite Verdict: success or failure."
        )
        reply = await services.complete([Message("user", prompt)], temperature=0.0)
        return parse_verdict(reply.text, "good") or self.unread()

    def shown(self, text: str) -> str:
        return fence(text, "record")

    def unread(self) -> Verdict:
        return Verdict("unknown", None, "the reply cannot be read", "good")


GOOD = JudgeSpec("good", "asks its model", f"{__name__}:Good")


class NoJudge:
    pass


class WithOption(Good):
    def __init__(self, k: int) -> None:
        assert k == 0


class _Changed(Good):
    """Says something else in the end."""

    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        return self.changed(await super().judge(request, services), request)

    def changed(self, verdict: Verdict, request: JudgeRequest) -> Verdict:
        raise NotImplementedError


class OddLabel(_Changed):
    def changed(self, verdict: Verdict, request: JudgeRequest) -> Verdict:
        return replace(verdict, label="good")  # type: ignore[arg-type]


class Anonymous(_Changed):
    def changed(self, verdict: Verdict, request: JudgeRequest) -> Verdict:
        return replace(verdict, source="")


class Random(_Changed):
    def changed(self, verdict: Verdict, request: JudgeRequest) -> Verdict:
        return replace(verdict, rationale=str(random.Random().random()))


class GlobalChance(_Changed):
    def changed(self, verdict: Verdict, request: JudgeRequest) -> Verdict:
        random.random()
        return verdict


class Counts(_Changed):
    def __init__(self) -> None:
        self.count = 0

    def changed(self, verdict: Verdict, request: JudgeRequest) -> Verdict:
        self.count += 1
        return replace(verdict, rationale=f"This is number {self.count}.")


class Peeks(_Changed):
    def changed(self, verdict: Verdict, request: JudgeRequest) -> Verdict:
        return verdict if request.score is None else replace(verdict, label="success" if request.score else "failure")


class NeedsTurns(_Changed):
    def changed(self, verdict: Verdict, request: JudgeRequest) -> Verdict:
        return replace(verdict, rationale=request.trajectory.steps[0].action.text)


class Guesses(Good):
    def unread(self) -> Verdict:
        return Verdict("failure", None, "the reply cannot be read", "good")


class MakesUp(Good):
    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        try:
            return await super().judge(request, services)
        except ModelError:
            return Verdict("failure", None, "the model failed", "good")


class Bare(Good):
    def shown(self, text: str) -> str:
        return text


def _of(judge: type[Any], **changed: Any) -> JudgeSpec:
    return replace(GOOD, name="broken", factory=f"{__name__}:{judge.__name__}", **changed)


BROKEN: Mapping[str, JudgeSpec] = {
    "name": replace(GOOD, name="my judge"),
    "summary": replace(GOOD, name="broken", summary=" "),
    "factory": _of(NoJudge),
    "options": _of(WithOption, options=(Option("k", "int", 0, "how many", minimum=1),)),
    "import": replace(GOOD, name="broken", factory="broken.work:Judge"),
    "returns": _of(OddLabel),
    "source": _of(Anonymous),
    "repeatable": _of(Random),
    "own-chance": _of(GlobalChance),
    "no-state": _of(Counts),
    "truth": _of(Peeks),
    "odd-rollouts": _of(NeedsTurns),
    "any-reply": _of(Guesses),
    "model-fails": _of(MakesUp),
    "fenced": _of(Bare),
}
"""A spec for each rule."""
