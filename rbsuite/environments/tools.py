"""Worlds whose tools are methods: the schema of a tool comes from its method, and what is wrong with a call becomes its result."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from rbsuite.environments.base import SyncEpisode
from rbsuite.environments.users import STOP
from rbsuite.trajectory import Action, Message, Observation, ToolCall, ToolResult, ToolSpec

_F = TypeVar("_F", bound=Callable[..., str])

_TYPES: Mapping[type, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    tuple: "array",
    dict: "object",
}
_ACCEPTED: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


class ToolError(Exception):
    """Raised by a tool for a call that cannot be carried out; the agent is shown the message."""


def tool(method: _F) -> _F:
    """Offer a method of a :class:`ToolEpisode` to the agent.

    Its parameters need annotations (``str``, ``int``, ``float``, ``bool``, lists, ``dict``, ``Literal``, or one of these ``| None``); a
    meaning may be given with ``Annotated[str, "the meaning"]``. Those with a default may be left out. The docstring describes the tool.
    """
    method.__rbsuite_tool__ = True  # type: ignore[attr-defined]
    return method


def tool_spec(function: Callable[..., Any]) -> ToolSpec:
    """A function as a tool: name, docstring, and the JSON schema of its parameters.

    Raises:
        TypeError: a parameter has no annotation, or one that JSON cannot hold.
    """
    hints = get_type_hints(function, include_extras=True)
    properties, required = {}, []
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "self":
            continue
        if name not in hints:
            raise TypeError(f"parameter {name!r} of tool {function.__name__!r} has no annotation")
        properties[name] = _schema(hints[name], f"parameter {name!r} of tool {function.__name__!r}")
        if parameter.default is parameter.empty:
            required.append(name)
    schema = {"type": "object", "properties": properties, "required": required}
    return ToolSpec(function.__name__, inspect.getdoc(function) or "", schema)


class ToolEpisode(SyncEpisode):
    """An episode whose tools are its methods marked with :func:`tool`. Each call of an action is carried out, in order.

    If the agent says something, the episode ends; override :meth:`hear` to answer it. If a user takes part, what is said goes to the other
    side; the user speaks first, and ends the episode by saying ``###STOP###``; the spec then says ``refine="retry"``. A call of a tool that
    does not exist, or with arguments that do not fit, is answered with an error and not carried out; one whose tool raises
    :class:`ToolError` is answered with an error too.

    Args:
        text: what the agent sees first; if a user takes part, the agent's greeting.
        policy: the rules that the agent is given.
        user: the user's instruction; ``None``: no user takes part.
    """

    def __init__(self, text: str, policy: str = "", *, user: str | None = None) -> None:
        self.tools = {
            name: getattr(self, name)
            for base in reversed(type(self).__mro__)
            for name, member in vars(base).items()
            if getattr(member, "__rbsuite_tool__", False)
        }
        self._specs = {name: _spec_of(getattr(type(self), name)) for name in self.tools}
        self._rules = (Message("system", policy),) if policy else ()
        self._dialogue, self._begun = user is not None, user is None
        if user is None:
            self.observation = self._opening(text)
        else:
            self.observation = Observation(text, "user", messages=(Message("system", user),))

    def act(self, action: Action) -> Observation:
        """Carry out the calls of an action, or hear what it says."""
        if self.observation.turn == "user":
            if STOP in action.text:
                return Observation("", turn="over")
            begun, self._begun = self._begun, True
            return Observation(action.text) if begun else self._opening(action.text)
        if not action.calls:
            return self.hear(action.text)
        return Observation.of_results([ToolResult(call.id, call.name, self._result(call)) for call in action.calls])

    def hear(self, text: str) -> Observation:
        """What happens when the agent says something: it is the user's turn, or if no user takes part, the episode ends."""
        return Observation(text, turn="user") if self._dialogue else Observation("Goodbye.", turn="over")

    def closes(self, action: Action) -> bool:
        """Whether an action only says something, and that ends the episode."""
        return not (action.calls or self._dialogue) and type(self).hear is ToolEpisode.hear

    def _opening(self, text: str) -> Observation:
        return Observation(text, messages=self._rules, tools=tuple(self._specs.values()))

    def _result(self, call: ToolCall) -> str:
        spec = self._specs.get(call.name)
        if spec is None:
            return f"Error: there is no tool {call.name!r}; the tools are {', '.join(self._specs)}."
        if call.raw:
            return "Error: the arguments are not a JSON object."
        fault = _misfit(spec, call.arguments)
        if fault:
            return f"Error: {fault}."
        try:
            return str(self.tools[call.name](**call.arguments))
        except ToolError as error:
            return f"Error: {error}"


_spec_of = cache(tool_spec)
"""Annotations are read once per method, not for every episode."""


def _schema(hint: Any, where: str) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        meanings = [extra for extra in arguments[1:] if isinstance(extra, str)]
        return {**_schema(arguments[0], where), **({"description": meanings[0]} if meanings else {})}
    if origin in (Union, UnionType):
        (inner, *others) = [one for one in arguments if one is not NoneType]
        if not others:
            return {**_schema(inner, where), "nullable": True}
    elif origin is Literal:
        return {"type": _TYPES[type(arguments[0])], "enum": list(arguments)}
    elif (origin or hint) in (list, tuple):
        items = {"items": _schema(arguments[0], where)} if arguments else {}
        return {"type": "array", **items}
    elif (origin or hint) in _TYPES:
        return {"type": _TYPES[origin or hint]}
    raise TypeError(f"{where} is annotated with {hint!r}, which is nothing that JSON can hold")


def _misfit(spec: ToolSpec, arguments: Mapping[str, Any]) -> str:
    """What is wrong with the arguments of a call; empty if they fit."""
    properties = spec.parameters["properties"]
    for name in spec.parameters["required"]:
        if name not in arguments:
            return f"{spec.name} needs the argument {name!r}"
    for name, value in arguments.items():
        if name not in properties:
            return f"{spec.name} has no argument {name!r}"
        schema = properties[name]
        if value is None and schema.get("nullable"):
            continue
        wrong = isinstance(value, bool) != (schema["type"] == "boolean")
        if wrong or not isinstance(value, _ACCEPTED[schema["type"]]):
            return f"the argument {name!r} of {spec.name} must be of type {schema['type']}"
        if value not in schema.get("enum", [value]):
            return f"the argument {name!r} of {spec.name} must be one of {', '.join(map(repr, schema['enum']))}"
    return ""
