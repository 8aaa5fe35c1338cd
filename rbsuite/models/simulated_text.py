"""How the simulated learner words what it does: its replies in the forms that the prompts ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import NamedTuple

from rbsuite.environments.solution import Skill
from rbsuite.errors import ModelError
from rbsuite.models.base import ModelRequest
from rbsuite.trajectory import Action, Message, ToolCall

STOP = "###STOP###"
NOTHING_LEFT = "I have done what I can for this request."
SLIP = "I have lost the thread of this request and stop here."
MALFORMED = "There was a lot to learn from this one, and I will keep it in mind for the next."
AGREE = "Yes, please go ahead."

CHECK = "Check this answer"
EARLIER = "# Earlier attempts at this task"

_ROLLOUT = re.compile(r"^Rollout (\d+)$", re.MULTILINE)
_TOLD_STEP = re.compile(r"^Step \d+, action id ", re.MULTILINE)
_LISTED = re.compile(r"^action id (\d+): ", re.MULTILINE)


def no_solution(name: str) -> ModelError:
    """The error of a simulated model on a task without a reference solution."""
    return ModelError(
        f"{name} is a simulation and acts only on tasks with a reference solution.", "Choose a real model with --model."
    )


class Turn(NamedTuple):
    """An action, with what is thought at it."""

    thought: str
    action: Action


def word(turns: Sequence[Turn], request: ModelRequest, position: int) -> tuple[str, tuple[ToolCall, ...]]:
    """The first of the turns to take, or where a plan is asked for all of them, in the form that the request asks for.

    That is a native tool call where tools are offered; else the form that the system prompt describes: ``Thought/Action`` text, a plan of
    named actions or one of them as JSON; else plain text.

    Args:
        turns: at least one.
        request: what is answered.
        position: turns taken before.
    """
    thought, action = turns[0]
    system = "\n".join(message.content for message in request.messages if message.role == "system")
    if request.tools:
        if action.kind == "tool":
            return thought, (ToolCall(f"call_{position}", action.name, action.arguments),)
    elif '"executable_plan"' in system:
        return _as_plan(turns), ()
    elif '"action_id"' in system:
        said = f"{thought} {'' if action.kind == 'choice' else action.text}".strip()
        return json.dumps({"reasoning": said, "action_id": action.index}), ()
    elif "Action:" in system:
        return _as_text_protocol(thought, action), ()
    return f"{thought} {action.text}".strip(), ()


def _as_plan(turns: Sequence[Turn]) -> str:
    """All turns up to the first that chooses nothing; if that is the first, an empty plan that says why."""
    chosen = list(takewhile(lambda turn: turn.action.kind == "choice", turns))
    said = [turn.thought for turn in chosen] or [turns[0].thought, turns[0].action.text]
    steps = [{"action_id": turn.action.index, "action_name": turn.action.text} for turn in chosen]
    names = ", ".join(turn.action.text for turn in chosen)
    reasoning = " ".join(filter(None, said))
    plan = {"reasoning_and_reflection": reasoning, "language_plan": names, "executable_plan": steps}
    return json.dumps(plan, ensure_ascii=False)


def _as_text_protocol(thought: str, action: Action) -> str:
    call = (
        {"name": action.name, "arguments": dict(action.arguments)}
        if action.kind == "tool"
        else {"name": "respond", "arguments": {"content": action.text}}
    )
    return f"Thought:\n{thought or 'I go on with the request.'}\nAction:\n{json.dumps(call, ensure_ascii=False)}"


def progress(messages: Sequence[Message]) -> tuple[int, int]:
    """How often the agent was asked to check its answer, and how many turns it has taken since.

    A turn is a message of its own, or a line of a history that a message tells.
    """
    checks = turns = 0
    for message in messages:
        if message.role == "user" and message.content.startswith(CHECK):
            checks, turns = checks + 1, 0
        if message.role == "user":
            turns += len(_TOLD_STEP.findall(message.content))
        elif message.role == "assistant":
            turns += 1
    return checks, turns


def named_actions(messages: Sequence[Message]) -> Sequence[int]:
    """The ids of the actions that a system prompt lists: those that count up from 0. What else looks so was recalled."""
    ids: list[int] = []
    for message in messages:
        if message.role == "system":
            for number in map(int, _LISTED.findall(message.content)):
                if number == len(ids):
                    ids.append(number)
    return ids


def attempts_showing(prompt: str, symptom: str) -> int:
    """How many of the earlier attempts that a prompt shows have a mistake's symptom in them."""
    _, shown, attempts = prompt.partition(EARLIER)
    return attempts.count(symptom) if shown else 0


def user_reply(messages: Sequence[Message], lines: Sequence[str]) -> str:
    """What the simulated customer says: its lines in order, consent when asked for more, and a stop once the agent asks nothing.

    Where the prompt asks whether a reply is acceptable (a yes/no check by ``true`` or ``false``) it says ``true``.
    """
    last = messages[-1].content if messages else ""
    if "true" in last and "false" in last:
        return "true"
    spoken = sum(message.role == "assistant" for message in messages)
    heard = next((message.content for message in reversed(messages) if message.role == "user"), "")
    satisfied = spoken > 0 and not heard.rstrip().endswith("?")
    said = STOP if satisfied else next(iter(lines[spoken:]), AGREE)
    if any("User Response:" in message.content for message in messages if message.role == "system"):
        return said if said == STOP else f"Thought:\nI answer what I was asked.\n\nUser Response:\n{said}"
    return said


def verdict(right: bool) -> str:
    """A judge's reply."""
    reason = (
        "Every part of the request was carried out." if right else "Part of the request was not carried out as asked."
    )
    return f"Reasoning: {reason}\nVerdict: {'success' if right else 'failure'}"


def selection(prompt: str, skills: Iterable[Skill]) -> str:
    """A selector's reply: the index of the rollout that shows the fewest mistakes, the first of equals."""
    marks = list(_ROLLOUT.finditer(prompt))
    bounds = [mark.start() for mark in marks[1:]] + [len(prompt)]
    symptoms = [skill.symptom for skill in skills] + [SLIP]
    mistakes = [
        (sum(symptom in prompt[mark.end() : end] for symptom in symptoms), int(mark.group(1)))
        for mark, end in zip(marks, bounds, strict=False)
    ]
    best = min(mistakes, default=(0, 0))[1]
    return json.dumps({"index": best, "analysis": "It shows the fewest mistakes."})
