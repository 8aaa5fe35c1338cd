"""A reference solution as a conversation: an agent that asks, looks up, acts, has the user act, and closes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rbsuite.environments.solution import Solution
from rbsuite.trajectory import Action

ASK_WHO: Mapping[str, str] = {
    "retail": "Happy to help. Who do I have the pleasure with, and which email or zip is your account under?",
    "airline": "Happy to help. Could I have your user id, and the reservation it is about if there is one?",
}
"""An agent's first question in the domains that tau-bench and tau2-bench share."""

_ASK_MORE = (
    "I have your account in front of me. What else belongs to your request?",
    "Understood. Is there anything more I have to know about it?",
)
_ASK_CONSENT = "I now have all I need. Shall I go ahead exactly as you said?"
_CLOSING = "That settles your request. Thank you for getting in touch."
_FIGURES = "That settles your request. As for what you asked to know: {figures}. Thank you for getting in touch."
_REQUEST = "Please use {tool}{arguments} on your side. What does it show?"
_REPORT = "I have done that, and it went through."


@dataclass(frozen=True, slots=True)
class Step:
    """A reference action.

    Attributes:
        action: the call.
        by_user: whether the user makes it.
        settles: whether everything has to be known before it, as before a change.
    """

    action: Action
    by_user: bool = False
    settles: bool = False


def conversation(
    ask_who: str, lines: Sequence[str], steps: Sequence[Step], outputs: Sequence[str], *, closes: bool = True
) -> Solution:
    """The solution.

    Args:
        ask_who: the agent's first question.
        lines: what the user says, opening first.
        steps: the reference actions of both sides.
        outputs: what the user has to be told.
        closes: whether the agent has the last word.
    """
    user = [Action(line) for line in lines]
    for step in steps:
        if step.by_user:
            user += [step.action, Action(_REPORT)]
    return Solution(tuple(_agent(ask_who, len(lines) - 1, steps, outputs, closes)), tuple(user))


def _agent(ask_who: str, answers: int, steps: Sequence[Step], outputs: Sequence[str], closes: bool) -> Iterator[Action]:
    """The agent's behaviour: it asks who is there, looks things up, asks the rest, acts, and closes."""
    gold = [_request(step.action) if step.by_user else step.action for step in steps]
    first = next((place for place, step in enumerate(steps) if step.settles or step.by_user), len(gold))
    middle = [_ASK_MORE[place % len(_ASK_MORE)] for place in range(answers - 2)]
    asked = [ask_who, *middle, _ASK_CONSENT][: max(answers, 0)]
    questions = [Action(text) for text in asked]
    yield from (*questions[:1], *gold[:first], *questions[1:], *gold[first:])
    if closes:
        figures = "; ".join(outputs)
        yield Action(_FIGURES.format(figures=figures) if figures else _CLOSING)


def _request(action: Action) -> Action:
    call = action.calls[0]
    given = ", ".join(f"{name} = {value}" for name, value in call.arguments.items())
    return Action(_REQUEST.format(tool=call.name, arguments=f" with {given}" if given else ""))
