"""Reference solutions of tau-bench's tasks, for the oracle, ``rbsuite verify`` and the simulated learner.

A solution is the whole behaviour of an agent that talks to the scripted user: what it asks, the reference tool calls, and
a closing statement with the requested figures.
"""

from __future__ import annotations

from rbsuite.environments.solution import Solution
from rbsuite.task import Task
from rbsuite.trajectory import Action
from rbsuite_dialogue.lines import user_lines
from rbsuite_dialogue.solution import ASK_WHO, Step, conversation
from rbsuite_tau_bench.domains import DOMAINS


def build_solution(task: Task) -> Solution:
    """The task's reference actions with a dialogue: the bundled one, or one derived from the instruction."""
    payload, domain = task.payload, DOMAINS[task.domain]
    consents = any(action["name"] in domain.writes for action in payload["actions"])
    lines = tuple(payload.get("dialogue") or user_lines(str(payload["instruction"]), consents=consents))
    kinds = [domain.kinds.get(action["name"]) for action in payload["actions"]]
    steps = [
        Step(Action.call(action["name"], action["kwargs"]), settles=kind in ("write", "terminating"))
        for action, kind in zip(payload["actions"], kinds, strict=True)
    ]
    return conversation(ASK_WHO[task.domain], lines, steps, payload["outputs"], closes="terminating" not in kinds)
