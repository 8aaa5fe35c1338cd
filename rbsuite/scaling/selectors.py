"""Selectors: which of several rollouts counts as the task's answer.

Source of ``best-of-n``, ``random`` (pass@1) and ``oracle`` (pass@k): ReasoningBank, arXiv 2509.25140, section 4.3.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping

from rbsuite.errors import ModelError
from rbsuite.scaling.base import Choice, SelectorServices
from rbsuite.trajectory import BROKEN_ENDS, Message, Trajectory
from rbsuite.transcript import fence, render_transcript

ATTEMPTS = 2
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


class BestOfN:
    """``best-of-n``: a model sees all transcripts at once and names the best. A reply that cannot be read twice leaves the first."""

    async def select(self, choice: Choice, services: SelectorServices) -> int:
        """The model's choice."""
        transcripts = [fence(render_transcript(trajectory), "record") for trajectory in choice.trajectories]
        prompt = services.render("scaling/best_of_n.j2", query=fence(choice.query, "request"), rollouts=transcripts)
        for _ in range(ATTEMPTS):
            try:
                reply = (await services.complete([Message("user", prompt)], temperature=0.0)).text
            except ModelError:
                break
            index = parse_index(reply, len(transcripts))
            if index is not None:
                return index
        services.count("selection_unread")
        return 0


class RandomSelector:
    """``random``: any rollout, by seed. Its success rate is pass@1."""

    async def select(self, choice: Choice, services: SelectorServices) -> int:
        """A random index."""
        return services.rng.randrange(len(choice.trajectories))


class OracleSelector:
    """``oracle``: a rollout that succeeded if there is one, by the ground truth. Its success rate is pass@k: a bound, not a policy."""

    async def select(self, choice: Choice, services: SelectorServices) -> int:
        """The first of those with the best score."""
        scores = [-1.0 if score is None else score for score in choice.scores]
        return scores.index(max(scores))


class MajoritySelector:
    """``majority``: the answer that most rollouts give; the first of equals. Broken rollouts and empty answers have no vote."""

    async def select(self, choice: Choice, services: SelectorServices) -> int:
        """The first rollout with the most frequent answer."""
        answers = [final_answer(trajectory) for trajectory in choice.trajectories]
        votes = Counter(answer for answer in answers if answer)
        if not votes:
            return 0
        most = max(votes.values())
        return next(index for index, answer in enumerate(answers) if answer and votes[answer] == most)


def parse_index(reply: str, n: int) -> int | None:
    """The index in a reply ``{"index": ..., "analysis": ...}``; ``None`` if it cannot be read or is out of range."""
    found = _OBJECT.search(reply)
    try:
        value = json.loads(found.group()) if found else None
    except ValueError:
        return None
    index = value.get("index") if isinstance(value, Mapping) else None
    return index if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < n else None


def final_answer(trajectory: Trajectory) -> str:
    """The agent's last text, without case and spacing; empty for a broken rollout."""
    if trajectory.end in BROKEN_ENDS:
        return ""
    said = [step.action.text for step in trajectory.steps if step.actor == "agent" and step.action.kind == "text"]
    return " ".join(said[-1].casefold().split()) if said else ""
