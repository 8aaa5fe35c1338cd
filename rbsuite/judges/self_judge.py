"""``self``: the model judges the trajectory alone, at temperature 0, without ground truth.

Source: ReasoningBank (arXiv 2509.25140): the agent's own backbone labels its trajectories success or failure.
"""

from __future__ import annotations

from rbsuite.errors import ModelError
from rbsuite.fencing import fence
from rbsuite.judges.base import JudgeRequest, JudgeServices
from rbsuite.judges.verdicts import read_verdict
from rbsuite.reading.asking import ask_for
from rbsuite.reading.fitting import Room, fitted
from rbsuite.reading.layers import Unreadable
from rbsuite.transcript import BUDGET, share_of
from rbsuite.verdict import Verdict

SOURCE = "self"
FORM = "Reasoning: ...\nVerdict: success or failure"
"""What a reply should look like, for a model that got it wrong."""


class SelfJudge:
    """Asks the judge's model, and once more, naming the fault, if the reply cannot be read; after that the verdict is ``unknown``, and
    counted as ``judge_unread``.

    Args:
        budget: tokens of the transcript; the rules that the agent was given get half as many; 0: no limit.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget

    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        """The model's verdict on the trajectory."""

        def prompt(room: Room) -> str:
            rules = room.rules(request.trajectory, most=share_of(self._budget, 2))
            return services.render(
                "judge/self.j2",
                query=fence(request.query, "request"),
                rules=fence(rules, "rules") if rules else "",
                transcript=fence(room.transcript(request.trajectory), "record"),
            )

        asked = fitted(services, prompt, self._budget)
        try:
            return await ask_for(services, asked, temperature=0.0, read=read_verdict, form=FORM)
        except ModelError as error:
            return Verdict("unknown", None, f"the judge's model failed: {error.message}", SOURCE)
        except Unreadable as fault:
            services.count("judge_unread")
            return Verdict("unknown", None, f"the judge's reply could not be read: {fault}", SOURCE)
