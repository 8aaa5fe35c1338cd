"""Reference solutions of tau2-bench's tasks, for the oracle, ``rbsuite verify`` and the simulated learner."""

from __future__ import annotations

from rbsuite.environments.solution import Solution
from rbsuite.trajectory import Action
from rbsuite_dialogue.lines import user_lines
from rbsuite_dialogue.solution import ASK_WHO, Step, conversation
from rbsuite_tau2_bench.domains import DOMAINS
from rbsuite_tau2_bench.scenario import Scenario

_ASK_WHO = {
    **ASK_WHO,
    "telecom": "Happy to help. Could I have your name and the phone number it is about?",
    "mock": "Happy to help. What exactly shall I do?",
}


def build_solution(domain: str, scenario: Scenario) -> Solution:
    """The reference actions of both sides with a dialogue: the bundled one, or one derived from the user's wishes."""
    kinds = DOMAINS[domain].kinds
    actions = scenario.actions or ()
    consents = any(kinds.get(action.name) == "write" for action in actions)
    lines = scenario.dialogue or user_lines(" ".join(scenario.wishes.values()), consents=consents)
    steps = [
        Step(Action.call(one.name, one.arguments), one.requestor == "user", kinds.get(one.name) != "read")
        for one in actions
    ]
    return conversation(_ASK_WHO[domain], lines, steps, scenario.communicate)


def solo_solution(scenario: Scenario) -> Solution:
    """The reference actions of both sides, carried out by a solo agent."""
    calls = [Action.call(action.name, action.arguments) for action in scenario.actions or ()]
    return Solution((*calls, Action.call("done")))
