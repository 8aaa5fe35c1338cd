"""How the simulated learner words what it does: its replies in the forms that the prompts ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from rbsuite.environments.solution import Skill
from rbsuite.errors import ModelError
from rbsuite.models.base import ModelRequest
from rbsuite.trajectory import Action, Message, ToolCall

STOP = "###STOP###"
NOTHING_LEFT = "I have done what I can for this request."
SLIP = "I have lost the thread of this request and stop here."
MALFORMED = "There was a lot to learn from this one, and I will keep it in mind for the next."
AGREE = "Yes, please go ahead."

_OUTCOME = re.compile(r"^Outcome(?: of rollout \d+)?: (success|failure|unknown)$", re.MULTILINE)
_LIMIT = re.compile(r"\bat most (\d+)\b")
_HEADING = re.compile(r"^# (Memory Item|Workflow) 1$", re.MULTILINE)
_ROLLOUT = re.compile(r"^Rollout (\d+)$", re.MULTILINE)


def no_solution(name: str) -> ModelError:
    """The error of a simulated model on a task without a reference solution."""
    return ModelError(
        f"{name} is a simulation and acts only on tasks with a reference solution.", "Choose a real model with --model."
    )


def word_action(thought: str, action: Action, request: ModelRequest, position: int) -> tuple[str, tuple[ToolCall, ...]]:
    """An action as native tool call, as ``Thought/Action`` text where the system prompt describes that form, or as plain text."""
    if request.tools:
        if action.kind == "tool":
            return thought, (ToolCall(f"call_{position}", action.name, action.arguments),)
    elif any("Action:" in message.content for message in request.messages if message.role == "system"):
        return _as_text_protocol(thought, action), ()
    if action.kind == "choice":
        return f"{thought}\n{json.dumps({'index': action.index})}".strip(), ()
    return f"{thought} {action.text}".strip(), ()


def _as_text_protocol(thought: str, action: Action) -> str:
    call = (
        {"name": action.name, "arguments": dict(action.arguments)}
        if action.kind == "tool"
        else {"name": "respond", "arguments": {"content": action.text}}
    )
    return f"Thought:\n{thought or 'I go on with the request.'}\nAction:\n{json.dumps(call, ensure_ascii=False)}"


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


def skills_seen(prompt: str, skills: Iterable[Skill]) -> list[Skill]:
    """The skills that the trajectories in a prompt are about, in the order they show.

    In one labelled a success those whose lesson was applied; in one labelled a failure those whose mistake was made.
    """
    marks = list(_OUTCOME.finditer(prompt))
    bounds = [mark.end() for mark in marks[1:]] + [len(prompt)]
    found: dict[str, tuple[int, Skill]] = {}
    candidates = list(skills)
    for mark, end in zip(marks, bounds, strict=True):
        for skill in candidates:
            sign = {"success": skill.lesson, "failure": skill.symptom}.get(mark.group(1), "")
            at = prompt.find(sign, mark.end(), end) if sign else -1
            if at >= 0:
                found.setdefault(skill.id, (at, skill))
    return [skill for _, skill in sorted(found.values(), key=lambda pair: pair[0])]


def items(prompt: str, seen: Sequence[Skill]) -> str:
    """An extractor's reply in the Markdown form that the prompt shows, within the number of items it allows."""
    limit = _LIMIT.search(prompt)
    heading = _HEADING.search(prompt)
    name = heading.group(1) if heading else "Memory Item"
    parts = [(skill.title, f"Applies wherever this comes up: {skill.title.lower()}.", skill.lesson) for skill in seen]
    if not parts:
        parts = [("Work in order", "A commonplace about any request.", "Take one thing after the other and be polite.")]
    kept = parts[: int(limit.group(1)) if limit else 3]
    return "\n\n".join(
        f"# {name} {number}\n## Title\n{title}\n## Description\n{description}\n## Content\n{content}"
        for number, (title, description, content) in enumerate(kept, start=1)
    )


def selection(prompt: str, skills: Iterable[Skill]) -> str:
    """A selector's reply: the index of the rollout that shows the fewest mistakes, the first of equals."""
    marks = list(_ROLLOUT.finditer(prompt))
    bounds = [mark.start() for mark in marks[1:]] + [len(prompt)]
    symptoms = [skill.symptom for skill in skills] + [SLIP]
    mistakes = [
        (sum(symptom in prompt[mark.end() : end] for symptom in symptoms), int(mark.group(1)))
        for mark, end in zip(marks, bounds, strict=True)
    ]
    best = min(mistakes, default=(0, 0))[1]
    return json.dumps({"index": best, "analysis": "It shows the fewest mistakes."})
