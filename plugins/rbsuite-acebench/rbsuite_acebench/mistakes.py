"""What the simulated learner can get wrong. The calls are inside texts, which its own search does not look into, so they are listed for
it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rbsuite.environments.solution import Mistake, Solution
from rbsuite.learner.candidates import Played, candidates, rank
from rbsuite.seeds import unit
from rbsuite.task import Task
from rbsuite.trajectory import Action, Observation, ToolCall, ToolSpec
from rbsuite_acebench.calls import Unparsable, read_message
from rbsuite_acebench.cases import AGENT, Item, Protocol
from rbsuite_acebench.checker import check_item
from rbsuite_acebench.gold import PROCESS, call_text, grade_script, output_of

_SHARES = (0.5, 0.9)
"""Below the first threshold an item has one mistake, below the second two, otherwise three."""


def find_mistakes(
    task: Task, item: Item, starts: Mapping[str, Mapping[str, Any]], protocol: Protocol, solution: Solution
) -> Sequence[Mistake]:
    """The mistakes of a task, any of which makes it fail: one to three for an agent item, one for any other.

    Args:
        task: the task.
        item: the item that it is.
        starts: the start values of the worlds.
        protocol: how it is graded.
        solution: its solution.
    """
    if item.category not in AGENT:
        kind = item.category.partition("_")[2]
        wrong = next((output for output in _wrong_outputs(item) if check_item(item, output) is not None), None)
        return [] if wrong is None else [Mistake(f"{item.domain}/answer/{kind}", {0: (Action(wrong),)})]
    draw = unit("mistakes", task.id)
    wanted = 1 + sum(draw >= share for share in _SHARES)
    found: list[Mistake] = []
    for mistake in _agent_mistakes(task, item, solution):
        if any(mistake.skill == other.skill or mistake.edits.keys() & other.edits.keys() for other in found):
            continue
        script = [done.text for done in _carried_out(solution.actions, mistake)]
        if grade_script(item, starts, protocol, script)[0][PROCESS] < 1.0:
            found.append(mistake)
        if len(found) == wanted:
            break
    return found


def _agent_mistakes(task: Task, item: Item, solution: Solution) -> Sequence[Mistake]:
    """What the learner finds in the calls of the solution, written as messages again; best-ranked first."""
    called = [_as_calls(action) for action in solution.actions]
    seen = Observation("\n".join(action.text for action in solution.user), tools=tuple(_tools(item)))
    played = Played(task, replace(solution, actions=tuple(called)), [seen] * len(called))
    found = [mistake for mistake in candidates(played) if not mistake.skill.endswith("/untold")]
    found.sort(key=lambda mistake: rank(played, mistake))
    return [
        Mistake(one.skill, {place: tuple(map(_as_message, edit)) for place, edit in one.edits.items()}) for one in found
    ]


def _as_calls(action: Action) -> Action:
    try:
        calls = read_message(action.text, strict=True) if action.text.startswith("[") else []
    except Unparsable:
        return action
    return Action(calls=tuple(ToolCall("", call.name, dict(call.arguments)) for call in calls)) if calls else action


def _as_message(action: Action) -> Action:
    if not action.calls:
        return action
    return Action(f"[{', '.join(call_text(call.name, call.arguments) for call in action.calls)}]")


def _tools(item: Item) -> Iterator[ToolSpec]:
    for function in item.entry["function"]:
        yield ToolSpec(str(function["name"]), str(function.get("description", "")), function.get("parameters") or {})


def _carried_out(actions: Sequence[Action], mistake: Mistake) -> Iterator[Action]:
    for place, action in enumerate(actions):
        yield from mistake.edits.get(place, (action,))


def _wrong_outputs(item: Item) -> Iterator[str]:
    """Outputs of someone who lacks the skill that this kind of item needs: a call, a detail or the right function is missing."""
    functions = item.entry["function"]
    if item.category.startswith("special"):
        yield f"[{functions[0]['name']}()]"
        return
    answer = item.ground_truth[0] if isinstance(item.ground_truth, list) else item.ground_truth
    if len(answer) > 1:
        yield output_of(dict(list(answer.items())[:1]))
    name, arguments = next(iter(answer.items()))
    for left_out in reversed(list(arguments)):
        rest = {key: value for key, value in arguments.items() if key != left_out}
        yield output_of({**answer, name: rest})
    yield f"[{functions[0]['name']}_other()]"
