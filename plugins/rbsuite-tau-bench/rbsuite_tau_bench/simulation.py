"""Reference solutions of tau-bench's tasks, for the oracle, ``rbsuite verify`` and the simulated learner.

A solution is the whole behaviour of an agent that talks to the scripted user: what it asks, the reference tool calls, and
a closing statement with the figures that were asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rbsuite.environments.replay import play_actions
from rbsuite.environments.solution import Pitfall, Solution
from rbsuite.seeds import derive_seed
from rbsuite.task import Task
from rbsuite.trajectory import Action
from rbsuite_tau_bench import skills
from rbsuite_tau_bench.airline_mistakes import airline_mistakes
from rbsuite_tau_bench.dialogue import user_lines
from rbsuite_tau_bench.domains import DOMAINS
from rbsuite_tau_bench.mistakes import Draft, Edits, Mistake
from rbsuite_tau_bench.retail_mistakes import retail_mistakes

if TYPE_CHECKING:
    from rbsuite_tau_bench.environment import TauBench

MOST_PITFALLS = 3
MOST_PITFALLS_WITH_TRAP = 2
"""Where a task has a trap of its own, that one and at most one more."""

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
_GENERIC = (skills.RETAIL_TRANSFER, skills.AIRLINE_TRANSFER)
"""Skills whose mistake fits every task; they only fill in where a task invites no other."""


def build_solution(task: Task, environment: TauBench) -> Solution:
    """The task's reference solution, with pitfalls that were seen to fail.

    Args:
        task: the task.
        environment: a fresh environment over the task's set; candidates for pitfalls are tried out in it.
    """
    payload = task.payload
    writes = DOMAINS[task.domain].writes
    changes = any(action["name"] in writes for action in payload["actions"])
    lines = tuple(payload.get("dialogue") or user_lines(str(payload["instruction"]), consents=changes))
    actions = tuple(_actions(task, len(lines)))
    draft = Draft(
        instruction=str(payload["instruction"]),
        user_id=str(payload["user_id"]),
        actions=actions,
        writes=tuple(index for index, action in enumerate(actions) if action.name in writes),
        plain_closing=Action(text=_CLOSING) if actions[-1].kind == "text" else actions[-1],
        tables=environment.database(task.domain),
    )
    pitfalls = _choose(task, _failing(task, draft, lines, environment))
    return Solution(actions, tuple(Pitfall(skill, edits) for skill, edits in pitfalls), lines)


def edited(actions: Sequence[Action], edits: Edits) -> Iterator[Action]:
    """The actions with some of them replaced."""
    for index, action in enumerate(actions):
        yield from edits.get(index, (action,))


def _actions(task: Task, lines: int) -> Iterator[Action]:
    """The agent's behaviour: it asks who is there, looks things up, asks the rest, acts, and closes."""
    gold = [Action("tool", name=action["name"], arguments=action["kwargs"]) for action in task.payload["actions"]]
    kinds = DOMAINS[task.domain].kinds
    first = next((i for i, action in enumerate(gold) if kinds.get(action.name) in ("write", "terminating")), len(gold))
    asks = [Action(text=text) for text in _asks(task.domain, lines - 1)]
    yield from asks[:1]
    yield from gold[:first]
    yield from asks[1:]
    yield from gold[first:]
    if not any(kinds.get(action.name) == "terminating" for action in gold):
        figures = "; ".join(task.payload["outputs"])
        yield Action(text=_FIGURES.format(figures=figures) if figures else _CLOSING)


def _asks(domain: str, count: int) -> list[str]:
    """Questions for the given number of answers."""
    middle = [_ASK_MORE[i % len(_ASK_MORE)] for i in range(max(0, count - 2))]
    return [_ASK_WHO[domain], *middle, _ASK_CONSENT][:count] if count > 1 else [_ASK_WHO[domain]][:count]


def _failing(task: Task, draft: Draft, lines: Sequence[str], environment: TauBench) -> Mapping[str, Edits]:
    """For each skill the first candidate that makes the task fail, in the order of the skills."""
    found: dict[str, Edits] = {}
    candidates: Iterator[Mistake] = (retail_mistakes if task.domain == "retail" else airline_mistakes)(draft)
    for skill, edits in candidates:
        if skill not in found and play_actions(environment, task, tuple(edited(draft.actions, edits)), lines) < 1.0:
            found[skill] = edits
    return found


def _choose(task: Task, found: Mapping[str, Edits]) -> list[Mistake]:
    """At most three: the trap that the task is grouped by first, then by a hash, so that no skill crowds out another."""
    trap = skills.TRAPS.get(task.group, "")
    order = sorted(found, key=lambda skill: (skill != trap, skill in _GENERIC, derive_seed("pitfall", task.id, skill)))
    chosen: list[Mistake] = []
    for skill in order:
        full = len(chosen) >= (MOST_PITFALLS_WITH_TRAP if trap else MOST_PITFALLS)
        if full or (skill in _GENERIC and chosen) or any(edits == found[skill] for _, edits in chosen):
            continue
        chosen.append((skill, found[skill]))
    return chosen
