"""Reference solutions of tau-bench's tasks, for the oracle, ``rbsuite verify`` and the simulated learner.

A solution is the whole behaviour of an agent that talks to the scripted user: what it asks, the reference tool calls, and
a closing statement with the figures that were asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from rbsuite.environments.solution import Solution
from rbsuite.task import Task
from rbsuite.trajectory import Action
from rbsuite_dialogue.lines import user_lines
from rbsuite_tau_bench.domains import DOMAINS

_ASK_WHO = {
    "retail": "Happy to help. Who do I have the pleasure with, and which email or zip is your account under?",
    "airline": "Happy to help. Could I have your user id, and the reservation it is about if there is one?",
}
_ASK_MORE = (
    "I have your account in front of me. What else belongs to your request?",
    "Understood. Is there anything more I have to know about it?",
)
_ASK_CONSENT = "I now have all I need. Shall I go ahead exactly as you said?"
_CLOSING = "That settles your request. Thank you for getting in touch."
_FIGURES = "That settles your request. As for what you asked to know: {figures}. Thank you for getting in touch."


def build_solution(task: Task) -> Solution:
    """The task's reference actions with a dialogue: the bundled one, or one worked out from the instruction."""
    payload = task.payload
    consents = any(action["name"] in DOMAINS[task.domain].writes for action in payload["actions"])
    lines = tuple(payload.get("dialogue") or user_lines(str(payload["instruction"]), consents=consents))
    return Solution(tuple(_actions(task, len(lines) - 1)), tuple(Action(line) for line in lines))


def _actions(task: Task, answers: int) -> Iterator[Action]:
    """The agent's behaviour: it asks who is there, looks things up, asks the rest, acts, and closes."""
    gold = [Action.call(action["name"], action["kwargs"]) for action in task.payload["actions"]]
    kinds = [DOMAINS[task.domain].kinds.get(action["name"]) for action in task.payload["actions"]]
    first = next((place for place, kind in enumerate(kinds) if kind in ("write", "terminating")), len(gold))
    middle = [_ASK_MORE[place % len(_ASK_MORE)] for place in range(answers - 2)]
    asked = [_ASK_WHO[task.domain], *middle, _ASK_CONSENT][: max(answers, 0)]
    questions = [Action(text) for text in asked]
    yield from (*questions[:1], *gold[:first], *questions[1:], *gold[first:])
    if "terminating" not in kinds:
        figures = "; ".join(task.payload["outputs"])
        yield Action(_FIGURES.format(figures=figures) if figures else _CLOSING)
