"""How the simulated learner words what it does: its replies, in the forms that the prompts ask for."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate, takewhile
from typing import NamedTuple

from rbsuite.environments.users import next_place
from rbsuite.errors import ModelError
from rbsuite.learner.skills import Skill
from rbsuite.models.base import ModelRequest
from rbsuite.trajectory import Action, Message, ToolCall, content_text

STOP = "###STOP###"
NOTHING_LEFT = "I have done what I can for this request."
SLIP = "I have lost the thread of this request and stop here."
MALFORMED = "There was a lot to learn from this one, and I will keep it in mind for the next."
AGREE = "Yes, please go ahead."

CHECK = "Check this answer"
EARLIER = "# Earlier attempts at this task"

_ROLLOUT = re.compile(r"^Rollout (\d+)$", re.MULTILINE)
_TOLD_STEP = re.compile(r"^Step \d+, action id ", re.MULTILINE)
_EARLIER = re.compile(r"^<<attempt (\w+)>>$.*?^<<end of attempt \1>>$", re.MULTILINE | re.DOTALL)
_LISTED = re.compile(r"^action id (\d+): ", re.MULTILINE)


def no_solution(name: str) -> ModelError:
    """The error of a simulated model on a task without a reference solution."""
    return ModelError(
        f"{name} is a simulation and acts only on tasks with a reference solution.", "Choose a real model with --model."
    )


class Turn(NamedTuple):
    """An action with its thought."""

    thought: str
    action: Action


class TurnPlan(NamedTuple):
    """Turns to take, with the number of moves made after each: a call, or a turn without calls, is one move."""

    turns: Sequence[Turn]
    moves: Sequence[int]

    @classmethod
    def of(cls, turns: Sequence[Turn]) -> TurnPlan:
        """The plan to take these turns."""
        return cls(turns, list(accumulate(len(turn.action.calls) or 1 for turn in turns)))

    def after(self, position: int) -> list[Turn]:
        """The turns that are left after ``position`` moves. Of calls made together, only some may have been carried out."""
        at = bisect_right(self.moves, position)
        left = list(self.turns[at:])
        done = position - (self.moves[at - 1] if at else 0)
        if left and done > 0:
            action = left[0].action
            left[0] = Turn("", replace(action, text="", calls=action.calls[done:]))
        return left


class Utterance(NamedTuple):
    """What the model says, the calls it makes, and what it thinks without saying it."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    thought: str = ""


def word(turns: Sequence[Turn], request: ModelRequest, position: int) -> Utterance:
    """The first of the turns to take, or all of them if a plan is asked for, in the form that the request asks for.

    That is native tool calls if tools are offered; else the form that the system prompt describes: ``Thought/Action`` text, a block of
    commands, a plan of named actions or one of them as JSON; else plain text.

    Args:
        turns: at least one.
        request: what is answered.
        position: number of moves made before; see :class:`TurnPlan`.
    """
    thought, action = turns[0]
    if request.tools:
        calls = [
            ToolCall(f"call_{place}", call.name, call.arguments, call.raw)
            for place, call in enumerate(action.calls, position)
        ]
        return Utterance(action.text, tuple(calls), thought)
    system = "\n".join(message.text for message in request.messages if message.role == "system")
    if '"executable_plan"' in system:
        return _as_plan(turns)
    if '"action_id"' in system:
        said = " ".join(filter(None, (thought, "" if action.index is not None else action.text)))
        return Utterance(json.dumps({"reasoning": "", "action_id": action.index}), (), said)
    if "```bash" in system and action.calls:
        command = str(action.calls[0].arguments.get("command", ""))
        return Utterance(f"THOUGHT: I go on with the request.\n\n```bash\n{command}\n```", (), thought)
    if "Action:" in system and '"arguments"' in system:
        act: dict[str, object] = {"name": "respond", "arguments": {"content": action.text}}
        if action.calls:
            act = {"name": action.calls[0].name, "arguments": dict(action.calls[0].arguments)}
        said = f"Thought:\nI go on with the request.\nAction:\n{json.dumps(act, ensure_ascii=False)}"
        return Utterance(said, (), thought)
    return Utterance(action.text, (), thought)


def _as_plan(turns: Sequence[Turn]) -> Utterance:
    """All turns up to the first that chooses nothing; if that is the first, an empty plan."""
    chosen = list(takewhile(lambda turn: turn.action.index is not None, turns))
    said = [turn.thought for turn in chosen] or [turns[0].thought, turns[0].action.text]
    steps = [{"action_id": turn.action.index, "action_name": turn.action.text} for turn in chosen]
    names = ", ".join(turn.action.text for turn in chosen)
    plan = {"reasoning_and_reflection": "", "language_plan": names, "executable_plan": steps}
    return Utterance(json.dumps(plan, ensure_ascii=False), (), " ".join(filter(None, said)))


class Heard:
    """What was heard of a conversation. Every request holds all of its messages, but each is read only once.

    Attributes:
        checks: how often the agent was asked to check its answer.
        made: how many moves it has made since: a message of its own, a call in one, or a line of a history that is part of a message.
        characters: the length of the messages.
    """

    def __init__(self) -> None:
        self._read: tuple[Message, ...] = ()
        self.checks = self.made = self.characters = 0

    def follow(self, messages: tuple[Message, ...]) -> Heard:
        """Read on; anew if what was read has changed."""
        known = len(self._read)
        if messages[:known] != self._read:
            self.checks = self.made = self.characters = known = 0
        self._read = messages
        for message in messages[known:]:
            content = message.content
            told = content if type(content) is str else content_text(content)
            self.characters += len(told)
            if message.role == "assistant":
                self.made += len(message.tool_calls) or 1
            elif message.role == "user":
                if told.startswith(CHECK):
                    self.checks, self.made = self.checks + 1, 0
                self.made += len(_TOLD_STEP.findall(told))
        return self


def named_actions(messages: Sequence[Message]) -> Sequence[int]:
    """The ids of the actions that a system prompt lists: those that count up from 0. Other lines that look like this were recalled."""
    ids: list[int] = []
    for message in messages:
        if message.role == "system":
            for number in map(int, _LISTED.findall(message.text)):
                if number == len(ids):
                    ids.append(number)
    return ids


def without_rollouts(prompt: str) -> tuple[str, Sequence[str]]:
    """A prompt without the earlier rollouts of the same task that it shows, and those rollouts.

    What the learner followed there it may or may not know again; reading its own words teaches it nothing.
    """
    before, heading, shown = prompt.partition(EARLIER)
    if not heading:
        return prompt, ()
    rollouts = [match.group() for match in _EARLIER.finditer(shown)]
    return before + heading + _EARLIER.sub("", shown), rollouts


def user_reply(request: ModelRequest, script: Sequence[Action]) -> Utterance:
    """What the simulated customer does: its script in order, consent when asked for more, and a stop once the agent asks nothing.

    The script's tool calls are made if tools are offered. If the prompt asks whether a reply is acceptable (a yes/no check answered by
    ``true`` or ``false``), it says ``true``.
    """
    messages = request.messages
    last = messages[-1].text if messages else ""
    if "true" in last and "false" in last:
        return Utterance("true")
    acts = [Turn("", action) for action in script if request.tools or not action.calls]
    done = Heard().follow(messages).made
    left = (
        TurnPlan.of(acts).after(done) if all(turn.action.speaks for turn in acts) else acts[_place(script, messages) :]
    )
    if left and left[0].action.calls:
        return word(left, request, done)
    answers_tool = bool(messages) and messages[-1].role == "tool"
    asked = done == 0 or answers_tool or last.rstrip().endswith("?")
    said = (left[0].action.text if left else AGREE) if asked else STOP
    if any("User Response:" in message.text for message in messages if message.role == "system") and said != STOP:
        said = f"Thought:\nI answer what I was asked.\n\nUser Response:\n{said}"
    return Utterance(said)


def _place(script: Sequence[Action], messages: Sequence[Message]) -> int:
    """How far the user is in a script with calls; see :func:`~rbsuite.environments.users.next_place`."""
    place, spoken, heard = 0, False, ""
    for message in messages:
        if message.role == "user":
            heard = message.text
        elif message.role == "assistant":
            place = next_place(script, place, heard if spoken else None) + 1
            spoken = spoken or not message.tool_calls
    return next_place(script, place, heard if spoken else None)


def verdict(right: bool) -> str:
    """A judge's reply."""
    reason = (
        "Every part of the request was carried out." if right else "Part of the request was not carried out as asked."
    )
    return f"Reasoning: {reason}\nVerdict: {'success' if right else 'failure'}"


def selection(prompt: str, skills: Iterable[Skill]) -> str:
    """A selector's reply: the index of the rollout that shows the fewest mistakes, the first among equals."""
    marks = list(_ROLLOUT.finditer(prompt))
    bounds = [mark.start() for mark in marks[1:]] + [len(prompt)]
    symptoms = [skill.symptom for skill in skills] + [SLIP]
    mistakes = [
        (sum(symptom in prompt[mark.end() : end] for symptom in symptoms), int(mark.group(1)))
        for mark, end in zip(marks, bounds, strict=False)
    ]
    best = min(mistakes, default=(0, 0))[1]
    return json.dumps({"index": best, "analysis": "It shows the fewest mistakes."})
