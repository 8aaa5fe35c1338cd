"""Reference solutions: actions derived from the milestones alone, for the oracle, ``rbsuite verify`` and the simulated learner.

Each milestone says what it wants to see: a setting, a call, a row, words. They are reached in the order of their graph; if that leaves a
choice, settings come first or the native order is used, whichever scores higher. What a later milestone takes from an earlier call's result
is read from that result, as the calls are carried out on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rbsuite.environments.solution import Solution
from rbsuite.trajectory import Action, ToolCall
from rbsuite_toolsandbox.arguments import TIMESTAMPS
from rbsuite_toolsandbox.conversation import AGENT, USER, Call, Conversation
from rbsuite_toolsandbox.evaluation import evaluate
from rbsuite_toolsandbox.scenario import GUARDRAIL, START, TRACE_DEPENDANT, Constraint, Graph
from rbsuite_toolsandbox.similarity import extracted, golden_traces
from rbsuite_toolsandbox.tables import CONTACT, MESSAGING, REMINDER, SANDBOX, SETTING
from rbsuite_toolsandbox.tools.catalogue import END_CONVERSATION, SCRAMBLED, TOOLS

GO_ON = "Please go on."
DONE = "Done."
CANNOT = "I am sorry, with what I have here I cannot do that."

_SETTERS = {
    "cellular": "set_cellular_service_status",
    "wifi": "set_wifi_status",
    "location_service": "set_location_service_status",
    "low_battery_mode": "set_low_battery_mode_status",
}
_PERMITTED_BY = (
    ("Location service is not enabled", "location_service"),
    ("Wifi is not enabled", "wifi"),
    ("Cellular service is not enabled", "cellular"),
    ("in low battery mode", "low_battery_mode"),
)
"""What has to be switched first, by the text of an error."""

_ADDED = {CONTACT: "add_contact", REMINDER: "add_reminder"}
_MODIFIED = {CONTACT: "modify_contact", REMINDER: "modify_reminder"}
_REMOVED = {CONTACT: ("remove_contact", "person_id"), REMINDER: ("remove_reminder", "reminder_id")}

_EVERYTHING = (("creation_timestamp_lowerbound", TIMESTAMPS[0]), ("is_self", False))
"""Arguments with which a search finds everything."""

_Deed = str | tuple[str, Mapping[str, Any]]
"""Words, or a tool with its arguments."""


def build_solution(start: Conversation, dialogue: Sequence[tuple[str, str]]) -> Solution:
    """The reference of a scenario.

    Args:
        start: the scenario at its start; it is left unchanged.
        dialogue: what agent and user say to each other before the agent acts, in pairs.
    """
    best = max((_Attempt(start, first, mend) for first in (True, False) for mend in (False, True)), key=_scored)
    scrambled = start.scenario.scrambled_names
    said = [Action(question) for question, _ in dialogue]
    done = [_action(deed, scrambled) for deed in best.deeds]
    spoken = sum(action.speaks for action in done)
    answers = [Action(answer) for _, answer in dialogue] + [Action(GO_ON)] * (spoken - 1)
    return Solution((*said, *done), (*answers, Action.call(END_CONVERSATION, id="call_user")))


def _scored(attempt: _Attempt) -> float:
    conversation = attempt.conversation
    scenario, tables = conversation.scenario, conversation.phone.tables
    first = scenario.first_user_message
    found = evaluate(scenario.milestones, scenario.minefields, conversation.entries, tables, first)
    return -1.0 if conversation.crash else found.similarity


def _action(deed: _Deed, scrambled: bool) -> Action:
    if isinstance(deed, str):
        return Action(deed)
    name, arguments = deed
    return Action(calls=(ToolCall(f"call_{name}", SCRAMBLED[name] if scrambled else name, dict(arguments)),))


class _Attempt:
    """Carries out what the milestones say.

    Args:
        start: the scenario at its start.
        settings_first: whether milestones about settings come before others.
        mend: whether to switch a setting that an error names.

    Attributes:
        deeds: what was done.
        conversation: the scenario after that.
    """

    def __init__(self, start: Conversation, settings_first: bool, mend: bool) -> None:
        self.conversation = start.fork()
        self.deeds: list[_Deed] = []
        self._mend = mend
        self._graph = start.scenario.milestones
        self._reached: dict[int, int] = {START: len(start.entries) - 1}
        for node in _sequence(self._graph, settings_first):
            self._reach([one for one in self._graph.milestones[node] if one.similarity != GUARDRAIL])
            self._reached[node] = len(self.conversation.entries) - 1
        if not self.deeds or not isinstance(self.deeds[-1], str):
            self._do(DONE if self._graph.milestones else CANNOT)

    def _reach(self, constraints: Sequence[Constraint]) -> None:
        """Do what a milestone wants: its calls and rows, and the first of the texts that it expects to be said."""
        called: dict[str, dict[str, Any]] = {}
        for constraint in constraints:
            for deed in self._wanted(constraint):
                if isinstance(deed, str):
                    if not called and not self._said_in(constraints, constraint):
                        self._do(deed)
                elif constraint.table == SANDBOX:
                    called.setdefault(deed[0], {}).update(deed[1])
                else:
                    self._do(deed)
        for name, arguments in called.items():
            self._do((name, self._complete(name, arguments)))

    def _complete(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments of a call, completed with values that the tool needs and no milestone specifies."""
        parameters = TOOLS[name].parameters
        missing: dict[str, Any] = {
            parameter.name: "nearby" if parameter.kind.types == (str,) else 0
            for parameter in parameters
            if parameter.required and parameter.name not in arguments
        }
        if name == "datetime_info_to_timestamp":
            moment = datetime.fromtimestamp(self._moment(), UTC)
            missing = {part: getattr(moment, part) for part in missing}
        elif not arguments:
            missing |= {key: value for key, value in _EVERYTHING if any(key == one.name for one in parameters)}
        return {**missing, **arguments}

    def _moment(self) -> float:
        """The time for which a reminder is wanted, or the clock's."""
        rows = (row for milestone in self._graph.milestones for constraint in milestone for row in constraint.target)
        wanted = (row["reminder_timestamp"] for row in rows if row.get("reminder_timestamp") is not None)
        return float(next(wanted, self.conversation.phone.now))

    @staticmethod
    def _said_in(constraints: Sequence[Constraint], constraint: Constraint) -> bool:
        """Whether an earlier constraint of the same milestone expects words: all constraints look at the same message."""
        before = constraints[: constraints.index(constraint)]
        return any(one.table == SANDBOX and one.target[0].get("content") is not None for one in before)

    def _wanted(self, constraint: Constraint) -> Iterator[_Deed]:
        """What leads to a constraint's target."""
        if constraint.table == SANDBOX:
            yield from self._shown(constraint)
            return
        for row in constraint.target:
            given = {name: value for name, value in row.items() if value is not None}
            if constraint.table == SETTING:
                now = self.conversation.phone.setting
                yield from ((_SETTERS[name], {"on": on}) for name, on in given.items() if now(name) != on)
            elif constraint.similarity == "removal_similarity":
                tool, key = _REMOVED[constraint.table]
                yield tool, {key: given[key]}
            elif constraint.table == MESSAGING:
                yield (
                    "send_message_with_phone_number",
                    {"phone_number": given["recipient_phone_number"], "content": given["content"]},
                )
            else:
                tools = _ADDED if constraint.similarity == "addition_similarity" else _MODIFIED
                tool = tools[constraint.table]
                names = {parameter.name for parameter in TOOLS[tool].parameters}
                yield tool, {name: value for name, value in given.items() if name in names}

    def _shown(self, constraint: Constraint) -> Iterator[_Deed]:
        """The words or the call in a message of the target."""
        row = constraint.target[0]
        values: Mapping[str, Any] = {}
        if constraint.similarity == TRACE_DEPENDANT and constraint.reference is not None:
            trace = self.conversation.entries[self._reached[constraint.reference]].trace or ()
            found = extracted(constraint.extractor, trace)
            values = found[0] if found else {}
        if row.get("tool_trace") is not None:
            trace_wanted = golden_traces(row["tool_trace"])[0]
            yield trace_wanted["tool_name"], {**trace_wanted["arguments"], **values}
        elif row.get("content") is not None and row.get("sender") == AGENT and row.get("recipient") == USER:
            yield _formatted(row["content"], values)

    def _do(self, deed: _Deed) -> None:
        conversation = self.conversation
        if isinstance(deed, str):
            if self.deeds and isinstance(self.deeds[-1], str):
                conversation.say(USER, GO_ON)
            conversation.say(AGENT, deed)
            self.deeds.append(deed)
            return
        if self.deeds and isinstance(self.deeds[-1], str):
            conversation.say(USER, GO_ON)
        name, arguments = deed
        if name not in conversation.scenario.agent_tools:
            return
        shown = SCRAMBLED[name] if conversation.scenario.scrambled_names else name
        before = conversation.fork()
        given = conversation.call(AGENT, [Call(shown, arguments)])
        mended = self._mended(name, arguments, given[0][1]) if self._mend and given else None
        if mended is None:
            self.deeds.append(deed)
            return
        self.conversation, self._mend = before, False
        for instead in mended:
            self._do(instead)
        self._mend = True

    def _mended(self, name: str, arguments: Mapping[str, Any], observed: str) -> Sequence[_Deed] | None:
        """What to do instead of a call that was refused because of a setting; ``None`` if it was not, or nothing helps."""
        setting = next((column for text, column in _PERMITTED_BY if text in observed), None)
        if setting is None:
            return None
        if _SETTERS[setting] in self.conversation.scenario.agent_tools:
            return (_SETTERS[setting], {"on": setting != "low_battery_mode"}), (name, arguments)
        if setting == "location_service" and name.endswith("_around_lat_lon"):
            phone = self.conversation.phone
            return ((name, {**arguments, **{part: phone.setting(part) for part in ("latitude", "longitude")}}),)
        return None


def _sequence(graph: Graph, settings_first: bool) -> list[int]:
    """The milestones in an order that the graph allows."""
    left, order = list(graph.nodes), []
    while left:
        free = [node for node in left if not any(b == node and a in left for a, b in graph.edges)]
        if settings_first:
            free.sort(key=lambda node: not _about_settings(graph.milestones[node]))
        order.append(free[0])
        left.remove(free[0])
    return order


def _about_settings(milestone: Sequence[Constraint]) -> bool:
    return all(constraint.table == SETTING for constraint in milestone if constraint.similarity != GUARDRAIL)


def _formatted(content: str, values: Mapping[str, Any]) -> str:
    try:
        return content.format(**values)
    except (KeyError, IndexError, ValueError):
        return content
