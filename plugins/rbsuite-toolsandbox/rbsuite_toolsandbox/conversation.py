"""A conversation of user, agent and execution environment over a phone: one rollout of a scenario.

Follows ``Scenario.play`` in ``tool_sandbox/common/scenario.py`` and ``tool_sandbox/roles/execution_environment.py`` (apple/ToolSandbox,
165848b9). A tool call is a message from the agent to the execution environment. Upstream writes it as Python and runs it; here it is
carried out as a call, and no text from the agent is ever run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

from rbsuite.errors import RbsuiteError
from rbsuite_toolsandbox.arguments import ToolError
from rbsuite_toolsandbox.network import Network
from rbsuite_toolsandbox.scenario import Entry, Scenario, State
from rbsuite_toolsandbox.tools.base import Tool
from rbsuite_toolsandbox.tools.catalogue import END_CONVERSATION, SCRAMBLED, TOOLS, UNSCRAMBLED
from rbsuite_toolsandbox.world import Ids, Phone

AGENT, USER, ENVIRONMENT = "AGENT", "USER", "EXECUTION_ENVIRONMENT"

ALL_ORDERS = 4
"""Parallel calls for which every order is tried, as in upstream. For more, orders that cannot matter are skipped."""

_MOST_TRIED = 4000
"""Maximum number of calls tried to see whether an order of many parallel calls fails."""

BOUNDED_ORDERS = "bounded-orders"
"""Deviation: not every order of many parallel calls was tried."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as a model makes it: the tool's name (scrambled if names are) and the arguments by name."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Made:
    """The outcome of a call: the text of the observation, and either the exception or the trace."""

    text: str
    exception: str | None
    trace: str | None


class Conversation:
    """A scenario as it is being played.

    Args:
        scenario: the scenario.
        state: the world that it starts in.
        network: answers of web services.

    Attributes:
        entries: all messages so far, including those before the start; index = message index.
        active: whether the conversation is still going on.
        crash: why the scenario crashed in upstream's sense, or ``""``.
        used_network: whether a tool that is answered from fixtures was called.
        deviations: what was done differently from upstream.
    """

    def __init__(self, scenario: Scenario, state: State, network: Network) -> None:
        self.scenario = scenario
        self.entries: list[Entry] = list(scenario.messages)
        self.active = True
        self.crash = ""
        self.used_network = False
        self.deviations: frozenset[str] = frozenset()
        self._phone = Phone(state.tables.fork(), state.now, Ids(), network)
        self._last = len(self.entries) - 1 + scenario.max_messages
        self._calls = 0

    @property
    def phone(self) -> Phone:
        """The phone in its current state."""
        return self._phone

    @property
    def over(self) -> bool:
        """Whether the conversation has ended, crashed, or reached the limit on messages."""
        return not self.active or bool(self.crash) or self.full

    @property
    def full(self) -> bool:
        """Whether the limit on messages has been reached."""
        return len(self.entries) - 1 >= self._last

    def fork(self) -> Conversation:
        """An independent copy in the same state."""
        twin = object.__new__(Conversation)
        twin.__dict__.update(self.__dict__)
        twin.entries = list(self.entries)
        twin._phone = self._phone.fork(Ids(self._phone.ids.made))
        return twin

    def say(self, sender: str, text: str) -> None:
        """The agent or the user says something to the other."""
        recipient = USER if sender == AGENT else AGENT
        self._append(Entry(sender, recipient, text, visible_to=(sender, recipient)))

    def call(self, sender: str, calls: Sequence[Call]) -> list[tuple[int, str]]:
        """The agent or the user calls tools, all at once; returns the position of each call and its result, in the order of upstream's
        messages.

        Nothing is returned if a call to an unknown tool crashes the scenario, or if the limit on messages is reached before the calls are
        carried out.
        """
        tools = [self._tool(sender, call.name) for call in calls]
        unknown = next((call.name for call, tool in zip(calls, tools, strict=True) if tool is None), None)
        if unknown is not None:
            self.crash = self._unknown(sender, unknown)
            return []
        made = [(tool, dict(call.arguments)) for tool, call in zip(tools, calls, strict=True) if tool is not None]
        first = len(self.entries)
        try:
            requests = [
                self._request(sender, call.name, tool, arguments)
                for call, (tool, arguments) in zip(calls, made, strict=True)
            ]
        except (ValueError, RecursionError) as error:  # arguments that cannot be written down, such as infinities
            self.crash = f"{type(error).__name__}: {error}"
            return []
        for request in requests:
            self._append(request)
        if self.full:
            return []
        responses = self._carry_out(self.entries[first:], made)
        for _, response in responses:
            self._append(response)
        return [(place, response.content) for place, response in responses]

    def _tool(self, sender: str, name: str) -> Tool | None:
        """The tool that a name refers to for a sender, if that sender may call it."""
        if sender == USER:
            return TOOLS[name] if name == END_CONVERSATION else None
        if self.scenario.scrambled_names:
            name = UNSCRAMBLED.get(name, "")
        return TOOLS[name] if name in self.scenario.agent_tools else None

    def _unknown(self, sender: str, name: str) -> str:
        """What upstream says when it crashes, with the tools in order; upstream lists them in the order of a set."""
        offered = (END_CONVERSATION,) if sender == USER else self.scenario.agent_tools
        shown = sorted(
            SCRAMBLED[tool] if self.scenario.scrambled_names and sender == AGENT else tool for tool in offered
        )
        options = f"{{{', '.join(map(repr, shown))}}}" if shown else "set()"
        text = f"Agent tool call agent_facing_tool_name={name!r} is not a known allowed tool. "
        return f"KeyError: {f'{text}Options are available_tool_names={options}'!r}"

    def _request(self, sender: str, name: str, tool: Tool, arguments: Mapping[str, Any]) -> Entry:
        if sender == USER:
            label, function = "call_user", None
        else:
            self._calls += 1
            label, function = f"call_{self._calls}", name
        code = f"{label}_parameters = {dict(arguments)}\n{label}_response = {tool.name}(**{label}_parameters)\n"
        return Entry(
            sender,
            ENVIRONMENT,
            f"{code}print(repr({label}_response))",
            function_name=function,
            visible_to=(sender, ENVIRONMENT),
        )

    def _append(self, entry: Entry) -> None:
        self.entries.append(replace(entry, active=self.active))

    def _carry_out(
        self, requests: Sequence[Entry], made: Sequence[tuple[Tool, dict[str, Any]]]
    ) -> list[tuple[int, Entry]]:
        """The responses to parallel calls.

        Every order must succeed. If all do, the results of the requested order count; otherwise those of the first order, in lexicographic
        sequence, in which a call fails.
        """
        self._phone.index = len(self.entries)
        self.used_network = self.used_network or any(tool.module == "rapid_api_search_tools" for tool, _ in made)
        ids, chosen = self._phone.ids, None
        for order in self._orders(made):
            phone = self._phone.fork(ids) if len(made) > 1 else self._phone
            active = [self.active]
            outcome = [_run(phone, *made[place], active) for place in order]
            failed = any(one.exception is not None for one in outcome)
            if chosen is None or failed:
                chosen = (phone, order, outcome, active[0])
            if failed:
                break
        assert chosen is not None
        self._phone, order, outcome, self.active = chosen
        if not self.active:
            self.entries[-1] = replace(self.entries[-1], active=False)
        return [(place, _response(requests[place], one)) for place, one in zip(order, outcome, strict=True)]

    def _orders(self, made: Sequence[tuple[Tool, dict[str, Any]]]) -> Iterator[tuple[int, ...]]:
        """The orders to try: all or, for many calls, the requested one and the first that fails, if any."""
        if len(made) <= ALL_ORDERS:
            yield from permutations(range(len(made)))
            return
        yield tuple(range(len(made)))
        found = self._first_failing(made)
        if found is not None:
            yield found

    def _first_failing(self, made: Sequence[tuple[Tool, dict[str, Any]]]) -> tuple[int, ...] | None:
        """The first order in which a call fails.

        The search goes prefix by prefix. What comes after a prefix depends on which calls are left and on the order of the writes in it, so
        prefixes that agree in both are followed only once.
        """
        known: set[tuple[frozenset[int], tuple[int, ...]]] = set()
        tried = 0

        def follow(prefix: tuple[int, ...], writes: tuple[int, ...], phone: Phone) -> tuple[int, ...] | None:
            nonlocal tried
            key = (frozenset(prefix), writes)
            if key in known:
                return None
            for place in range(len(made)):
                if place in prefix:
                    continue
                if tried >= _MOST_TRIED:
                    self.deviations |= {BOUNDED_ORDERS}
                    return None
                tried += 1
                after = phone.fork(Ids())
                failed = _run(after, *made[place], [True]).exception is not None
                longer = (*prefix, place)
                if failed:
                    return (*longer, *(other for other in range(len(made)) if other not in longer))
                wrote = (*writes, place) if _writes(made[place][0]) else writes
                found = follow(longer, wrote, after)
                if found is not None:
                    return found
            known.add(key)
            return None

        return follow((), (), self._phone)


def _writes(tool: Tool) -> bool:
    return tool.name.startswith(("add_", "modify_", "remove_", "set_", "send_", "end_"))


def _run(phone: Phone, tool: Tool, arguments: dict[str, Any], active: list[bool]) -> _Made:
    """Carry out one call. ``active`` says whether the conversation goes on, which one tool changes."""
    try:
        if (name := _no_literal(arguments)) is not None:
            raise ToolError("NameError", f"name '{name}' is not defined")
        result, traced = tool.call(phone, arguments)
        if tool.name == END_CONVERSATION:
            if not active[0]:
                raise ToolError("ValueError", "Conversation already ended")
            active[0] = False
    except ToolError as error:
        return _failed(error.kind, str(error))
    except (ImportError, RecursionError, RbsuiteError):
        raise
    except Exception as error:  # what Python or a library says about odd arguments is the observation, as in upstream
        kind = type(error)
        prefix = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        return _failed(f"{prefix}{kind.__qualname__}", str(error))
    trace = json.dumps({"tool_name": tool.name, "arguments": traced, "result": result}, ensure_ascii=False)
    return _Made(repr(result), None, trace)


def _failed(kind: str, text: str) -> _Made:
    """A failed call: of an exception as Python prints it, the last line is shown."""
    line = (f"{kind}: {text}" if text else kind).rstrip().split("\n")[-1]
    return _Made(line, line, None)


def _no_literal(value: Any) -> str | None:
    """A part of a value that has no literal in Python: an infinity or a NaN. Upstream's code then fails with a NameError."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf"
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((name for one in inner if (name := _no_literal(one)) is not None), None)


def _response(request: Entry, made: _Made) -> Entry:
    return Entry(
        ENVIRONMENT,
        request.sender,
        made.text,
        function_name=request.function_name,
        exception=made.exception,
        trace=None if made.trace is None else (made.trace,),
        visible_to=(ENVIRONMENT, request.sender),
    )
