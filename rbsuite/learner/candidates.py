"""Ways to go wrong on a task, from its solution and from what was seen when it was played; whether the task then fails is not checked here.

Every candidate has the id of the skill that avoids it: ``DOMAIN/STEP/KIND``, where the step is a tool, or the verb of a named
action, and the kind is one of ``leave-out``, ``choice``, ``order``, ``stop-early``, ``twice``, ``overdo`` and, for one of the user's
steps, ``unasked``; ``DOMAIN/argument/NAME`` for an argument, whichever tools take it; ``DOMAIN/answer/untold`` and
``DOMAIN/answer/wrong`` for what is said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rbsuite.environments.solution import Mistake, Solution
from rbsuite.environments.users import asks_for
from rbsuite.learner.skills import ANSWER, ARGUMENT
from rbsuite.seeds import derive_seed, unit
from rbsuite.task import Task
from rbsuite.trajectory import Action, Observation, ToolCall, ToolSpec

BLAND = "That is all I can say about it."
"""What is said in place of an answer that is left out."""
NO_REQUEST = "Is there more that I have to know about it?"
"""What is said in place of a request to the user."""
NO_DOMAIN = "ordinary"
"""The domain in the id of a skill if a task has none."""
OPTIONS = "options"
"""The key of :attr:`~rbsuite.trajectory.Observation.data` with the answers that a question offers, as they would be said."""

_WEIGHTS: Mapping[str, float] = {"leave-out": 1.5, "stop-early": 2.0, "twice": 2.0, "overdo": 4.0}
"""Kinds of mistakes that are tried later than others: the higher, the later."""
_PARTICLES = frozenset(["at", "down", "for", "from", "in", "into", "off", "on", "out", "to", "up"])
_TOKEN = re.compile(r"#?[A-Za-z0-9_]+(?:[-:][A-Za-z0-9_]+)*")
_INTEGER = re.compile(r"-?\d+(?!.*\d)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Played:
    """A solution that was played.

    Attributes:
        task: the task.
        solution: its solution.
        seen: what the agent saw before each of the actions.
    """

    task: Task
    solution: Solution
    seen: Sequence[Observation]

    @property
    def domain(self) -> str:
        """The first part of the ids of the task's skills."""
        return self.task.domain.replace("/", " ") or NO_DOMAIN

    @property
    def tools(self) -> Sequence[ToolSpec]:
        """The tools that were offered last."""
        return next((observation.tools for observation in reversed(self.seen) if observation.tools), ())

    def mistake(self, step: str, kind: str, edits: Mapping[int, tuple[Action, ...]]) -> Mistake:
        """A mistake on the task."""
        return Mistake(f"{self.domain}/{step.replace('/', ' ')}/{kind.replace('/', ' ')}", edits)

    def draw(self, place: int, label: str) -> int:
        """A number that depends only on the task, a place in its solution and a label."""
        return derive_seed("pitfall", self.task.id, place, label)

    def earlier(self, place: int) -> str:
        """What the agent had seen before an action."""
        return "\n".join(observation.text for observation in self.seen[: place + 1])


def candidates(played: Played) -> Iterator[Mistake]:
    """All ways to go wrong, in the order of the solution."""
    actions = played.solution.actions
    done = [place for place, action in enumerate(actions) if not action.speaks]
    for place, action in enumerate(actions):
        if action.speaks:
            yield from _spoken(played, place)
            continue
        step = step_name(action)
        yield played.mistake(step, "leave-out", {place: ()})
        yield played.mistake(step, "twice", {place: (action, action)})
        if place in done[len(done) // 2 : -1]:
            yield played.mistake(step, "stop-early", {later: () for later in done if later >= place})
        if place + 1 in done:
            yield played.mistake(step, "order", {place: (actions[place + 1],), place + 1: (action,)})
        if action.index is not None:
            yield from _other_choices(played, place)
        for number in range(len(action.calls)):
            yield from _other_arguments(played, place, number)
    yield from _overdone(played)


def rank(played: Played, mistake: Mistake) -> float:
    """When a mistake is tried: those with a low rank first.

    It depends on the skill alone, so that similar tasks get pitfalls of the same skills; the more of the offered tools take an argument,
    the earlier it comes.
    """
    _, step, kind = mistake.skill.split("/")
    takers = sum(kind in tool.parameters.get("properties", {}) for tool in played.tools) if step == ARGUMENT else 1
    return unit("rank", mistake.skill) * _WEIGHTS.get(kind, 1.0) / max(1, takers)


def step_name(action: Action) -> str:
    """The tool that an action calls first, or the verb of a named action: ``go-to`` of ``go to the kitchen``."""
    if action.calls:
        return action.calls[0].name
    first, *others = action.text.lower().split() or [f"action {action.index}"]
    return "-".join([first, *(word for word in others[:1] if word in _PARTICLES)])


def _spoken(played: Played, place: int) -> Iterator[Mistake]:
    """What can be said wrongly. A question to the user stays: without it, the conversation would be a different one."""
    action = played.solution.actions[place]
    of_user = [call.name for done in played.solution.user for call in done.calls]
    asked = next((name for name in of_user if asks_for(action.text, name)), None)
    if asked is not None:
        yield played.mistake(asked, "unasked", {place: (replace(action, text=NO_REQUEST),)})
        return
    offered = played.seen[place].data.get(OPTIONS, ()) if place < len(played.seen) else ()
    others = [str(option) for option in offered if str(option) != action.text]
    if others:
        other = others[played.draw(place, ANSWER) % len(others)]
        yield played.mistake(ANSWER, "wrong", {place: (replace(action, text=other),)})
    elif len(played.solution.actions) == 1 and (number := _INTEGER.search(action.text)):
        near = str(int(number.group()) + 1 + played.draw(place, ANSWER) % 2)
        text = action.text[: number.start()] + near + action.text[number.end() :]
        yield played.mistake(ANSWER, "wrong", {place: (replace(action, text=text),)})
    elif action.text and not action.text.rstrip().endswith("?"):
        yield played.mistake(ANSWER, "untold", {place: (replace(action, text=BLAND),)})


def _other_choices(played: Played, place: int) -> Iterator[Mistake]:
    """Another named action with the same verb."""
    action = played.solution.actions[place]
    names = next((seen.choices for seen in reversed(played.seen[: place + 1]) if seen.choices), ())
    step = step_name(action)
    others = [
        other
        for index, name in enumerate(names)
        if index != action.index and step_name(other := Action.choose(index, name)) == step
    ]
    start = played.draw(place, "choice")
    for offset in range(min(2, len(others))):
        yield played.mistake(step, "choice", {place: (others[(start + offset) % len(others)],)})


def _other_arguments(played: Played, place: int, number: int) -> Iterator[Mistake]:
    """Another value for each argument of a call."""
    action = played.solution.actions[place]
    call = action.calls[number]
    for name, value in call.arguments.items():
        around = _Around(played, place, call, name)
        for other in around.others(value, around.schema)[:2]:
            changed = ToolCall(call.id, call.name, {**call.arguments, name: other})
            calls = (*action.calls[:number], changed, *action.calls[number + 1 :])
            yield played.mistake(ARGUMENT, name, {place: (replace(action, calls=calls),)})


def _overdone(played: Played) -> Iterator[Mistake]:
    """Before the last action, a call to a tool that the solution does not use, with arguments that it passes to other tools."""
    actions = played.solution.actions
    calls = [call for action in actions for call in action.calls]
    known = {name: value for call in reversed(calls) for name, value in call.arguments.items()}
    used = {call.name for call in calls}
    for tool in played.tools if calls else ():
        properties = tool.parameters.get("properties", {})
        allowed = {name: schema["enum"][0] for name, schema in properties.items() if schema.get("enum")}
        values = {name: known.get(name, allowed.get(name)) for name in tool.parameters.get("required", ())}
        if tool.name not in used and values and None not in values.values() and values.keys() & known.keys():
            edits = {len(actions) - 1: (Action.call(tool.name, values), actions[-1])}
            yield played.mistake(tool.name, "overdo", edits)


class _Around:
    """The context of an argument, from which another value can be taken.

    Args:
        played: the solution.
        place: the action.
        call: the call.
        name: the argument.
    """

    def __init__(self, played: Played, place: int, call: ToolCall, name: str) -> None:
        tools = next((seen.tools for seen in reversed(played.seen[: place + 1]) if seen.tools), ())
        parameters = next((tool.parameters for tool in tools if tool.name == call.name), {})
        self.schema: Any = parameters.get("properties", {}).get(name, {})
        self._start = played.draw(place, name)
        self._text = f"{played.earlier(place)}\n{json.dumps(dict(call.arguments), default=str)}"

    def others(self, value: Any, schema: Any) -> list[Any]:
        """Values that might be mistaken for the right one; none if nothing is like it."""
        schema = schema if isinstance(schema, Mapping) else {}
        if isinstance(value, bool):
            return [not value]
        if allowed := [other for other in schema.get("enum", ()) if other != value]:
            return self._turned(allowed)
        if isinstance(value, int | float):
            return [value + 1, value - 1] if value > 1 else [value + 1]
        if isinstance(value, str):
            tokens = dict.fromkeys(_TOKEN.findall(self._text))
            alike = [token for token in tokens if token != value and _shape(token) == _shape(value)]
            return self._turned(alike) if _distinct(value) else []
        if isinstance(value, list | tuple) and value:
            firsts = [[other, *value[1:]] for other in self.others(value[0], schema.get("items"))]
            return [*firsts[:1], list(value[:-1])] if len(value) > 1 else firsts
        if isinstance(value, Mapping):
            properties = schema.get("properties", {})
            return [
                {**value, key: other} for key in value for other in self.others(value[key], properties.get(key))[:1]
            ]
        return []

    def _turned(self, values: list[Any]) -> list[Any]:
        start = self._start % len(values) if values else 0
        return [*values[start:], *values[:start]]


def _shape(text: str) -> str:
    """What two values of the same kind have in common: ``#W123`` and ``#W456``, ``gift_card_12`` and ``credit_card_34``."""
    return re.sub(r"[a-z]+", "a", re.sub(r"[A-Z]", "A", re.sub(r"\d", "0", text)))


def _distinct(text: str) -> bool:
    """Whether a text's shape says enough: it has a digit, or all its letters are capitals; a plain word looks like any other."""
    return _TOKEN.fullmatch(text) is not None and (any(map(str.isdigit, text)) or text.isupper())
