"""Selectors: which of several rollouts counts as the task's answer.

Source of ``best-of-n``, ``random`` (pass@1) and ``oracle`` (pass@k): ReasoningBank, arXiv 2509.25140.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from rbsuite.errors import ModelError
from rbsuite.fencing import fence
from rbsuite.record import ALL
from rbsuite.scaling.base import Choice, SelectorServices
from rbsuite.trajectory import BROKEN_ENDS, Message, Trajectory
from rbsuite.transcript import BUDGET, render_transcript, rules_of, share_of

ASKED = 2
_BRACES = 64
"""Opening braces of a reply that are tried as the beginning of an object."""


class BestOfN:
    """``best-of-n``: a model sees all transcripts at once and names the best. A reply that cannot be read twice leaves the first.

    Args:
        budget: characters of all transcripts together; 0: no limit.
    """

    def __init__(self, budget: int = 2 * BUDGET) -> None:
        self._budget = budget

    async def select(self, choice: Choice, services: SelectorServices) -> int:
        """The model's choice."""
        each = share_of(self._budget, len(choice.trajectories))
        shown = [fence(render_transcript(trajectory, budget=each), "record") for trajectory in choice.trajectories]
        rules = rules_of(choice.trajectories[0])
        prompt = services.render(
            "scaling/best_of_n.j2",
            query=fence(choice.query, "request"),
            rules=fence(rules, "rules") if rules else "",
            rollouts=shown,
        )
        for _ in range(ASKED):
            try:
                reply = (await services.complete([Message("user", prompt)], temperature=0.0)).text
            except ModelError:
                break
            index = parse_index(reply, len(shown))
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


class MeanSelector:
    """``mean``: all rollouts count, and the task's score is their mean: the same expectation as ``random``, with less chance in it."""

    async def select(self, choice: Choice, services: SelectorServices) -> int:
        """All of them."""
        return ALL


def parse_index(reply: str, n: int) -> int | None:
    """The index in a reply ``{"index": ..., "analysis": ...}``: that of the first object which has one.

    Args:
        reply: may hold other text around the object, braces too.
        n: number of rollouts.

    Returns:
        The index; ``None`` if there is none, or it is not a whole number in [0, n).
    """
    for value in _objects(reply):
        if "index" in value:
            index = value["index"]
            return index if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < n else None
    return None


def _objects(reply: str) -> Iterator[Mapping[str, Any]]:
    """The JSON objects in a text, one after the other; not those inside of others."""
    decoder = json.JSONDecoder()
    at = 0
    for _ in range(_BRACES):
        at = reply.find("{", at)
        if at < 0:
            return
        try:
            value, end = decoder.raw_decode(reply, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        yield value
        at = end


def final_answer(trajectory: Trajectory) -> str:
    """What counts as a rollout's answer; empty for a broken rollout, or where no answer could be read.

    Where the environment reads answers it is the one that it read (``answer`` in the data of the last observation), else the agent's
    last text, without case and spacing.
    """
    if trajectory.end in BROKEN_ENDS:
        return ""
    if trajectory.final is not None and "answer" in trajectory.final.data:
        return str(trajectory.final.data["answer"])
    said = [step.action.text for step in trajectory.steps if step.actor == "agent" and step.action.speaks]
    return " ".join(said[-1].casefold().split()) if said else ""
