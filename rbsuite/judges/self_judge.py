"""``self``: the model judges the trajectory alone, at temperature 0, without ground truth.

Source: ReasoningBank (arXiv 2509.25140): the agent's own backbone labels its trajectories success or failure.
"""

from __future__ import annotations

import re

from rbsuite.errors import ModelError
from rbsuite.fencing import fence
from rbsuite.judges.base import JudgeRequest, JudgeServices
from rbsuite.trajectory import Message
from rbsuite.transcript import BUDGET, render_transcript, rules_of, share_of
from rbsuite.verdict import Verdict

SOURCE = "self"
ASKED = 2

_MARK = r"(?:[^\w\n]|_)"
"""Decoration: anything on the line but letters and digits."""
_VERDICT = re.compile(
    rf"^{_MARK}*verdict(?={_MARK}|\n){_MARK}*(?:\n{_MARK}*)?(success|failure){_MARK}*$", re.IGNORECASE | re.MULTILINE
)
_REASONING = re.compile(rf"^{_MARK}*reasoning(?={_MARK}|\n){_MARK}*", re.IGNORECASE | re.MULTILINE)


def parse_verdict(reply: str) -> Verdict | None:
    """Read a judge's reply: the last line ``Verdict: success`` or ``Verdict: failure`` counts; ``None`` if there is none.

    Decoration around the words is borne; a sentence that merely contains one of them ("unsuccessful") is not a verdict. The rationale is
    all between the last ``Reasoning:`` and the verdict, on one line.
    """
    verdicts = list(_VERDICT.finditer(reply))
    if not verdicts:
        return None
    last = verdicts[-1]
    reasons = list(_REASONING.finditer(reply, 0, last.start()))
    rationale = " ".join(reply[reasons[-1].end() : last.start()].split()) if reasons else ""
    return Verdict("success" if last.group(1).lower() == "success" else "failure", None, rationale, SOURCE)


class SelfJudge:
    """Asks the judge's model; asks once more if the reply cannot be read; then the verdict is ``unknown``.

    Args:
        budget: characters of the transcript, and half of it of the rules that the agent was given; 0: no limit.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget

    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        """The model's verdict on the trajectory."""
        rules = rules_of(request.trajectory, budget=share_of(self._budget, 2))
        prompt = services.render(
            "judge/self.j2",
            query=fence(request.query, "request"),
            rules=fence(rules, "rules") if rules else "",
            transcript=fence(render_transcript(request.trajectory, budget=self._budget), "record"),
        )
        for _ in range(ASKED):
            try:
                completion = await services.complete([Message("user", prompt)], temperature=0.0)
            except ModelError as error:
                return Verdict("unknown", None, f"the judge's model failed: {error.message}", SOURCE)
            verdict = parse_verdict(completion.text)
            if verdict is not None:
                return verdict
        return Verdict("unknown", None, "the judge's reply could not be read", SOURCE)
