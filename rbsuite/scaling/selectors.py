"""Selectors: which of several rollouts counts as the task's answer.

Source of ``best-of-n``, ``random`` (pass@1) and ``oracle`` (pass@k): ReasoningBank, arXiv 2509.25140.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial

from rbsuite.errors import ModelError
from rbsuite.fencing import fence
from rbsuite.reading.asking import ask_for
from rbsuite.reading.fitting import Room, fitted
from rbsuite.reading.labels import find_labels
from rbsuite.reading.layers import Layer, Unclear, Unreadable
from rbsuite.reading.stances import check_stands, first_own
from rbsuite.reading.values import objects_with, read_values, without_values
from rbsuite.reading.words import chosen, whole_number
from rbsuite.record import ALL
from rbsuite.scaling.base import Choice, SelectorServices
from rbsuite.trajectory import BROKEN_ENDS, Trajectory
from rbsuite.transcript import BUDGET

_KEYS = ("index", "best_index", "best", "best_rollout", "selected_index", "selected", "choice", "rollout")
_LABELS = {
    "index": r"(?:the[ \t]+)?(?:(?:best|selected|chosen|final)(?:[ \t_]+(?:index|rollout|choice|attempt|one))?|index|choice|selection)"
}
_BEST = re.compile(
    r"\b(?:rollout|attempt) (\d{1,9}) is (?:the )?best(?: one| rollout| attempt)?[.!]?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_LONGEST = 40

FORM = '{"analysis": "...", "index": NUMBER}'
"""What a reply should look like, for a model that got it wrong."""


class BestOfN:
    """``best-of-n``: a model sees all transcripts at once and names the best. If its reply is unreadable twice, the first one counts.

    Args:
        budget: tokens of all transcripts together; 0: no limit.
    """

    def __init__(self, budget: int = 2 * BUDGET) -> None:
        self._budget = budget

    async def select(self, choice: Choice, services: SelectorServices) -> int:
        """The model's choice."""
        number = len(choice.trajectories)

        def prompt(room: Room) -> str:
            rules = room.rules(choice.trajectories[0])
            return services.render(
                "scaling/best_of_n.j2",
                query=fence(choice.query, "request"),
                rules=fence(rules, "rules") if rules else "",
                rollouts=[fence(room.transcript(one, of=number), "record") for one in choice.trajectories],
            )

        asked = fitted(services, prompt, self._budget)
        try:
            read = partial(read_index, n=number)
            return await ask_for(services, asked, temperature=0.0, read=read, form=FORM)
        except (ModelError, Unreadable):
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
    """``majority``: the answer that most rollouts give; a tie goes to the first. Broken rollouts and empty answers have no vote."""

    async def select(self, choice: Choice, services: SelectorServices) -> int:
        """The first rollout with the most frequent answer."""
        answers = [final_answer(trajectory) for trajectory in choice.trajectories]
        votes = Counter(answer for answer in answers if answer)
        if not votes:
            return 0
        most = max(votes.values())
        return next(index for index, answer in enumerate(answers) if answer and votes[answer] == most)


class MeanSelector:
    """``mean``: all rollouts count, and the task's score is their mean: the same expectation as ``random``, with less variance."""

    async def select(self, choice: Choice, services: SelectorServices) -> int:
        """All of them."""
        return ALL


def parse_index(reply: str, n: int) -> int | None:
    """The index in a selector's reply; ``None`` if there is none, see :func:`read_index`."""
    try:
        return read_index(reply, n)
    except Unreadable:
        return None


def read_index(reply: str, n: int) -> int:
    """Read a selector's reply ``{"index": ..., "analysis": ...}``, a line ``Index: ...``, or a number alone.

    Args:
        reply: may contain other text around the object, even braces.
        n: number of rollouts.

    Raises:
        Unreadable: there is no index, there are several (one may be in a sentence such as ``I choose 2.``), or it is not a whole number
            in [0, n).
    """

    named: set[int] = set()

    def read(layer: Layer) -> int:
        values = read_values(layer)
        if values.twice:
            raise Unclear("an object says different things under one key")
        prose = without_values(layer, values)
        named.update(chosen(prose))
        told: list[object] = []
        for mine, value in objects_with(values.found, _KEYS):
            told += [value, *(mine[key] for key in _KEYS if whole_number(mine.get(key)) is not None)]
        alone = layer.outside.strip()
        if not told and len(alone) <= _LONGEST and not alone.startswith(("[", "{")):
            told = [alone] if whole_number(alone) is not None else []
        labels = find_labels(Layer(prose, prose), _LABELS)
        told += [label.rest for label in labels if not told or whole_number(label.rest) is not None]
        if not told:
            named.update(map(int, _BEST.findall(prose)))
            raise Unreadable("its JSON is not closed" if values.cut else 'there is no JSON object with the key "index"')
        check_stands(prose, values, labels)
        indices = {whole_number(value) for value in told} | named
        if len(indices) > 1 or values.more:
            raise Unclear("it names several rollouts")
        index = indices.pop()
        if index is None or not 0 <= index < n:
            raise Unreadable(f"the index must be a whole number from 0 to {n - 1}")
        return index

    return first_own(reply, read)


def final_answer(trajectory: Trajectory) -> str:
    """What counts as a rollout's answer; empty for a broken rollout, or if no answer could be read.

    If the environment reads answers, it is the one that it read (``answer`` in the data of the last observation), else the agent's
    last text, with case and spacing normalized.
    """
    if trajectory.end in BROKEN_ENDS:
        return ""
    if trajectory.final is not None and "answer" in trajectory.final.data:
        return str(trajectory.final.data["answer"])
    said = [step.action.text for step in trajectory.steps if step.actor == "agent" and step.action.speaks]
    return " ".join(said[-1].casefold().split()) if said else ""
