"""What a task says: how its world starts, what its user wants, and how it is graded. Read from upstream's form of a task."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from rbsuite_dialogue.values import Value
from rbsuite_tau2_bench.toolkit import Side

Basis = Literal["DB", "ACTION", "COMMUNICATE", "ENV_ASSERTION", "NL_ASSERTION"]
BASES: tuple[Basis, ...] = get_args(Basis)
_DEFAULT_BASIS: tuple[Basis, ...] = ("DB", "COMMUNICATE")
_TASK_FIELDS = ("reason_for_call", "known_info", "unknown_info", "task_instructions")


class Malformed(ValueError):
    """A task that does not have upstream's form; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool.

    Attributes:
        name: the tool.
        arguments: its arguments.
        requestor: who makes it.
        compared: the arguments by which it is recognised; ``None``: those that a call gives.
    """

    name: str
    arguments: Mapping[str, Value]
    requestor: Side = "assistant"
    compared: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A call to a function of one side, which need not be one of its tools.

    Attributes:
        side: the side.
        name: the function.
        arguments: its arguments.
        expected: what a check has to return.
    """

    side: Side
    name: str
    arguments: Mapping[str, Value]
    expected: bool = True


@dataclass(frozen=True, slots=True)
class Said:
    """A message of an earlier conversation.

    Attributes:
        role: ``user``, ``assistant`` or ``tool``.
        text: what was said, or what a call returned.
        calls: the calls that were made, with their ids.
        id: for a result, the id of its call.
    """

    role: str
    text: str
    calls: tuple[tuple[str, Call], ...] = ()
    id: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A task.

    Attributes:
        id: upstream's id.
        persona: what the user is like.
        wishes: what the user wants and knows, by upstream's names; a single text is under ``""``.
        ticket: the task as a solo agent gets it.
        agent_data, user_data: what the databases contain in addition to what was shipped.
        functions: calls that set the world up.
        history: the conversation so far.
        actions: the reference actions; ``None``: none are given.
        assertions: checks of the world at the end; ``None``: none are given.
        communicate: what the agent has to say.
        nl_assertions: what a judge has to find true.
        basis: what the reward is made of.
        group: tasks of one group share a user or a trap.
        dialogue: what a scripted user says, opening first; empty: derived from its wishes.
        user_tools: the tools that the user is offered; ``None``: all.
    """

    id: str
    persona: str
    wishes: Mapping[str, str]
    ticket: str
    agent_data: Mapping[str, Value] | None
    user_data: Mapping[str, Value] | None
    functions: tuple[Function, ...]
    history: tuple[Said, ...]
    actions: tuple[Call, ...] | None
    assertions: tuple[Function, ...] | None
    communicate: tuple[str, ...]
    nl_assertions: tuple[str, ...]
    basis: tuple[Basis, ...]
    user_tools: tuple[str, ...] | None
    group: str
    dialogue: tuple[str, ...] = ()

    @property
    def graded(self) -> bool:
        """Whether there is anything to compare the environment with."""
        return self.actions is not None or self.assertions is not None


def read_scenario(entry: Mapping[str, Any]) -> Scenario:
    """A task from upstream's form.

    Raises:
        Malformed: it does not have that form.
    """
    user = _mapping(entry, "user_scenario")
    state = _mapping(entry, "initial_state")
    data = _mapping(state, "initialization_data")
    criteria = _mapping(entry, "evaluation_criteria")
    basis = criteria.get("reward_basis")
    basis = _DEFAULT_BASIS if basis is None else tuple(_texts(criteria, "reward_basis"))
    if unknown := [one for one in basis if one not in BASES]:
        raise Malformed(f"reward basis {unknown[0]!r} is unknown")
    tools = entry.get("user_tools")
    return Scenario(
        id=str(entry["id"]),
        persona=_text(user, "persona"),
        wishes=_wishes(user.get("instructions")),
        ticket=_text(entry, "ticket"),
        agent_data=_mapping(data, "agent_data") or None,
        user_data=_mapping(data, "user_data") or None,
        functions=tuple(map(_function, _list(state, "initialization_actions"))),
        history=tuple(map(_said, _list(state, "message_history"))),
        actions=None if criteria.get("actions") is None else tuple(map(_call, _list(criteria, "actions"))),
        assertions=(
            None if criteria.get("env_assertions") is None else tuple(map(_function, _list(criteria, "env_assertions")))
        ),
        communicate=tuple(_texts(criteria, "communicate_info")),
        nl_assertions=tuple(_texts(criteria, "nl_assertions")),
        basis=basis,
        user_tools=None if tools is None else tuple(_texts(entry, "user_tools")),
        group=_text(entry, "group") or _group(entry, user),
        dialogue=tuple(_texts(entry, "dialogue")),
    )


def _group(entry: Mapping[str, Any], user: Mapping[str, Any]) -> str:
    """For telecom, the fault, which is in brackets in the id; otherwise what the user knows about themselves, hashed."""
    identifier = str(entry["id"])
    if identifier.startswith("["):
        return identifier[1:].partition("]")[0]
    instructions = user.get("instructions")
    known = instructions.get("known_info") if isinstance(instructions, dict) else None
    return hashlib.sha256(str(known).encode()).hexdigest()[:8] if known else identifier


def _wishes(instructions: Value) -> Mapping[str, str]:
    if isinstance(instructions, str):
        return {"": instructions}
    if not isinstance(instructions, dict):
        raise Malformed("user_scenario.instructions is neither text nor object")
    return {name: _text(instructions, name) for name in _TASK_FIELDS if instructions.get(name)}


def _call(entry: Value) -> Call:
    compared = entry.get("compare_args") if isinstance(entry, dict) else None
    return Call(
        _named(entry, "name"),
        _mapping(entry, "arguments"),
        _side(entry.get("requestor", "assistant")),
        None if compared is None else tuple(_texts(entry, "compare_args")),
    )


def _function(entry: Value) -> Function:
    name = _named(entry, "func_name")
    return Function(_side(entry.get("env_type")), name, _mapping(entry, "arguments"), entry.get("assert_value", True))


def _said(entry: Value) -> Said:
    role = _named(entry, "role")
    calls = []
    for one in _list(entry, "tool_calls"):
        name = _named(one, "name")
        calls.append((_text(one, "id"), Call(name, _mapping(one, "arguments"), _side(one.get("requestor", role)))))
    return Said(role, _text(entry, "content"), tuple(calls), _text(entry, "id"))


def _side(value: Value) -> Side:
    if value == "assistant" or value == "user":
        return "assistant" if value == "assistant" else "user"
    raise Malformed(f"{value!r} is neither assistant nor user")


def _named(entry: Value, name: str) -> str:
    if not isinstance(entry, dict) or not isinstance(entry.get(name), str):
        raise Malformed(f"an object has no {name}")
    return str(entry[name])


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if value is not None and not isinstance(value, str):
        raise Malformed(f"{name} is not text")
    return value or ""


def _mapping(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = entry.get(name)
    if value is not None and not isinstance(value, dict):
        raise Malformed(f"{name} is not an object")
    return value or {}


def _list(entry: Mapping[str, Any], name: str) -> list[Any]:
    value = entry.get(name)
    if value is not None and not isinstance(value, list):
        raise Malformed(f"{name} is not a list")
    return value or []


def _texts(entry: Mapping[str, Any], name: str) -> list[Any]:
    values = _list(entry, name)
    if not all(isinstance(value, str) for value in values):
        raise Malformed(f"{name} holds something other than text")
    return values
