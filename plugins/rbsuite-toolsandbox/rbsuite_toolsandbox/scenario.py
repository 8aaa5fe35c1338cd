"""Scenarios as data: who said what before the start, which tools there are, and how a rollout is evaluated.

The schema is that of the pack (:mod:`rbsuite_toolsandbox.pack`). Everything that is read is checked here: names in the data are looked up
only in the tables of this package.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from rbsuite.errors import DataError
from rbsuite_toolsandbox.tables import COLUMNS, SANDBOX, SANDBOX_COLUMNS, Row, Tables
from rbsuite_toolsandbox.tools.catalogue import END_CONVERSATION, NETWORK_TOOLS, TOOLS

CATEGORIES = (
    "SINGLE_TOOL_CALL",
    "MULTIPLE_TOOL_CALL",
    "SINGLE_USER_TURN",
    "MULTIPLE_USER_TURN",
    "STATE_DEPENDENCY",
    "CANONICALIZATION",
    "INSUFFICIENT_INFORMATION",
)
"""What a scenario is about; several may apply."""

TOOL_SETS = (
    "NO_DISTRACTION_TOOLS",
    "THREE_DISTRACTION_TOOLS",
    "TEN_DISTRACTION_TOOLS",
    "ALL_TOOLS_AVAILABLE",
)
"""Which tools are offered besides those that are needed."""

AUGMENTATIONS = (
    "TOOL_NAME_SCRAMBLED",
    "TOOL_DESCRIPTION_SCRAMBLED",
    "ARG_DESCRIPTION_SCRAMBLED",
    "ARG_TYPE_SCRAMBLED",
)
"""What may be hidden about the tools."""

_OTHER_TAGS = ("COREFERENCE", "DISAMBIGUATION", "ARG_NAME_SCRAMBLED")
_ROLES = ("SYSTEM", "USER", "AGENT", "EXECUTION_ENVIRONMENT")

CONSTRAINTS = (
    "snapshot_similarity",
    "addition_similarity",
    "removal_similarity",
    "update_similarity",
    "tool_trace_dependant_similarity",
    "guardrail_similarity",
)
GUARDRAIL = "guardrail_similarity"
TRACE_DEPENDANT = "tool_trace_dependant_similarity"
COLUMN_SIMILARITIES = (
    "column_exact_match_similarity",
    "column_contains_similarity",
    "column_close_similarity",
    "column_one_similarity",
    "column_rouge_l_similarity",
    "column_tool_trace_exact_match_similarity",
)
EXTRACTORS = (
    "search_weather_around_lat_lon_temperature_extractor",
    "result_to_timestamp0_extractor",
    "result_to_timestamp1_extractor",
    "days_extractor",
    "lat_lon_dict_extractor",
    "current_temperature_extractor",
    "result_to_temperature_extractor",
    "result_to_reminder_timestamp_lowerbound_extractor",
    "min_temperature_amount_extractor",
    "min_temperature_extractor",
)
START = -1
"""The reference that means the user's first message."""

MOST_MESSAGES = 200
MOST_MILESTONES = 12

REMEDY = "Import the data again, or restore the file."


@dataclass(frozen=True, slots=True)
class Entry:
    """A message of the sandbox.

    Attributes:
        sender, recipient: roles.
        content: the text.
        function_name: the tool that was called, if the agent called one.
        active: whether the conversation goes on after it.
        exception: the text of the exception, in the response to a call that failed.
        trace: the traces of the calls that succeeded, each JSON.
        visible_to: the roles that see it; ``None`` if the data does not say.
    """

    sender: str
    recipient: str
    content: str
    function_name: str | None = None
    active: bool = True
    exception: str | None = None
    trace: tuple[str, ...] | None = None
    visible_to: tuple[str, ...] | None = None

    @property
    def row(self) -> Row:
        """The message as a row of upstream's database."""
        return {
            "sender": self.sender,
            "recipient": self.recipient,
            "content": self.content,
            "openai_tool_call_id": None,
            "openai_function_name": self.function_name,
            "conversation_active": self.active,
            "tool_call_exception": self.exception,
            "tool_trace": self.trace,
            "visible_to": self.visible_to,
        }


@dataclass(frozen=True, slots=True)
class State:
    """A world at the start.

    Attributes:
        tables: the databases.
        now: the time, in seconds since 1970.
    """

    tables: Tables
    now: float


@dataclass(frozen=True, slots=True)
class Column:
    """How the cells of a column are compared: the name of the similarity, and the tolerance of each argument."""

    similarity: str
    tolerances: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a milestone demands of one table.

    Attributes:
        table: the table.
        similarity: one of :data:`CONSTRAINTS`.
        reference: the milestone whose snapshot it is compared with, :data:`START`, or ``None``.
        target: the rows to look for.
        columns: by column, how it is compared, if not in the default way.
        fill_to: for :data:`TRACE_DEPENDANT`: the column that is filled with what the extractor finds.
        extractor: one of :data:`EXTRACTORS`, or ``""``.
    """

    table: str
    similarity: str
    reference: int | None
    target: tuple[Row, ...]
    columns: Mapping[str, Column]
    fill_to: str = ""
    extractor: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Milestones or minefields and the order in which they should be reached.

    Attributes:
        milestones: each a tuple of constraints.
        nodes: those that take part, in upstream's order.
        edges: pairs of nodes, the first of which comes first.
    """

    milestones: tuple[tuple[Constraint, ...], ...]
    nodes: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario.

    Attributes:
        name: its id.
        max_messages: messages after which it is cut.
        categories: its tags.
        agent_tools: the agent's tools by their own names, in the order of the catalogue.
        augmentations: what is hidden about the tools.
        state: the key of the world that it starts in.
        messages: all messages before the start.
        milestones, minefields: how it is evaluated.
    """

    name: str
    max_messages: int
    categories: tuple[str, ...]
    agent_tools: tuple[str, ...]
    augmentations: tuple[str, ...]
    state: str
    messages: tuple[Entry, ...]
    milestones: Graph
    minefields: Graph

    @property
    def scrambled_names(self) -> bool:
        """Whether the agent knows tools by other names."""
        return "TOOL_NAME_SCRAMBLED" in self.augmentations

    @property
    def first_user_message(self) -> int:
        """The index of the user's first message that is not an example for the simulated user."""
        return next(
            place
            for place, entry in enumerate(self.messages)
            if entry.sender == "USER" and entry.visible_to != ("USER",)
        )

    @property
    def uses_network(self) -> bool:
        """Whether a tool answered from fixtures is offered."""
        return any(name in NETWORK_TOOLS for name in self.agent_tools)


def read_scenario(data: Mapping[str, Any]) -> Scenario:
    """A scenario of a pack.

    Raises:
        DataError: something is missing, of the wrong type or unknown; the message names the scenario.
    """
    name = data.get("name")
    if not isinstance(name, str) or not name:
        raise _refused("a scenario", "has no name")
    where = f"scenario {name!r}"
    try:
        scenario = _read(where, name, data)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _refused(where, f"does not have the form of the schema ({type(error).__name__}: {error})") from None
    if not any(entry.sender == "USER" and entry.visible_to != ("USER",) for entry in scenario.messages):
        raise _refused(where, "has no message from the user")
    if (scenario.messages[-1].sender, scenario.messages[-1].recipient) != ("USER", "AGENT"):
        raise _refused(where, "must end its starting messages with one from the user to the agent")
    return scenario


def read_state(key: str, tables: Mapping[str, Any], now: float) -> State:
    """A world of a pack's ``states.json``.

    Raises:
        DataError: a table is missing, or has the wrong columns.
    """
    where = f"state {key!r}"
    if not isinstance(tables, Mapping) or set(tables) != set(COLUMNS):
        raise _refused(where, f"must have the tables {', '.join(COLUMNS)}")
    return State(Tables({name: _snapshots(f"{where}, {name}", name, tables[name]) for name in COLUMNS}), now)


def _snapshots(where: str, table: str, rows: Any) -> list[tuple[int, tuple[Row, ...]]]:
    if not isinstance(rows, list) or not rows:
        raise _refused(where, "is not a list of rows")
    found: dict[int, list[Row]] = {}
    for row in rows:
        if not isinstance(row, Mapping) or set(row) != {"sandbox_message_index", *COLUMNS[table]}:
            raise _refused(where, "has a row with other columns")
        index = row["sandbox_message_index"]
        if type(index) is not int or index < 0:
            raise _refused(where, "has a row whose sandbox_message_index is not a number")
        cells = {column: row[column] for column in COLUMNS[table]}
        held = found.setdefault(index, [])
        if any(value is not None for value in cells.values()):
            held.append(cells)
    return [(index, tuple(found[index])) for index in sorted(found)]


def _read(where: str, name: str, data: Mapping[str, Any]) -> Scenario:
    allowed, denied = data["tool_allow_list"], data["tool_deny_list"]
    for listed in (allowed or (), denied or ()):
        _known(where, "tool", listed, TOOLS)
    _known(where, "category", data["categories"], (*CATEGORIES, *TOOL_SETS, *AUGMENTATIONS, *_OTHER_TAGS))
    _known(where, "tool augmentation", data["tool_augmentation_list"], AUGMENTATIONS)
    most = data["max_messages"]
    if type(most) is not int or not 1 <= most <= MOST_MESSAGES:
        raise _refused(where, f"has max_messages outside 1 to {MOST_MESSAGES}")
    offered = [
        tool
        for tool in TOOLS
        if (allowed is None or tool in allowed) and (denied is None or tool not in denied) and tool != END_CONVERSATION
    ]
    return Scenario(
        name=name,
        max_messages=most,
        categories=tuple(data["categories"]),
        agent_tools=tuple(offered),
        augmentations=tuple(data["tool_augmentation_list"]),
        state=str(data["starting_state"]),
        messages=tuple(_entries(where, data["starting_messages"])),
        milestones=_graph(f"{where}, milestones", data["milestones"]),
        minefields=_graph(f"{where}, minefields", data["minefields"]),
    )


def _entries(where: str, rows: Sequence[Mapping[str, Any]]) -> Iterable[Entry]:
    for row in rows:
        if row["sender"] is None:  # the headguard
            continue
        visible = row["visible_to"]
        _known(where, "role", (row["sender"], row["recipient"], *(visible or ())), _ROLES)
        if not isinstance(row["content"], str):
            raise _refused(where, "has a message without text")
        yield Entry(
            row["sender"],
            row["recipient"],
            row["content"],
            active=row["conversation_active"] is not False,
            visible_to=None if visible is None else tuple(visible),
        )


def _graph(where: str, data: Mapping[str, Any]) -> Graph:
    number = len(data["milestones"])
    if number > MOST_MILESTONES:
        raise _refused(where, f"are more than the {MOST_MILESTONES} that are allowed")
    nodes = tuple(data["nodes"])
    edges = tuple((first, second) for first, second in data["edges"])
    if not all(type(node) is int and 0 <= node < number for node in (*nodes, *(end for edge in edges for end in edge))):
        raise _refused(where, "name a node that is not a milestone")
    before = _ancestors(where, nodes, edges)
    milestones = []
    for place, milestone in enumerate(data["milestones"]):
        constraints = tuple(
            _constraint(f"{where}, {place}", constraint) for constraint in milestone["snapshot_constraints"]
        )
        if all(constraint.similarity == GUARDRAIL for constraint in constraints):
            raise _refused(f"{where}, {place}", "requires nothing")
        for constraint in constraints:
            reference = constraint.reference
            if reference not in (None, START) and reference not in before.get(place, ()):
                raise _refused(f"{where}, {place}", f"refers to {reference}, which need not come before it")
        milestones.append(constraints)
    return Graph(tuple(milestones), nodes, edges)


def _ancestors(where: str, nodes: Sequence[int], edges: Sequence[tuple[int, int]]) -> Mapping[int, set[int]]:
    """By node, those that must come before it."""
    before: dict[int, set[int]] = {node: set() for node in nodes}
    for _ in nodes:
        for first, second in edges:
            before[second] |= {first} | before[first]
    if any(node in earlier for node, earlier in before.items()):
        raise _refused(where, "depend on each other in a cycle")
    return before


def _constraint(where: str, data: Mapping[str, Any]) -> Constraint:
    table, function = data["database_namespace"], data["constraint"]
    _known(where, "table", (table,), (SANDBOX, *COLUMNS))
    _known(where, "function", (function["name"],), CONSTRAINTS)
    kwargs = function.get("kwargs") or {}
    dependant = function["name"] == TRACE_DEPENDANT
    if set(kwargs) != ({"fill_to", "extractor"} if dependant else set()):
        raise _refused(where, f"gives {function['name']} the wrong arguments")
    if dependant:
        _known(where, "function", (kwargs["extractor"],), EXTRACTORS)
        _known(where, "column", (kwargs["fill_to"],), ("tool_trace", "content"))
    columns = SANDBOX_COLUMNS if table == SANDBOX else COLUMNS[table]
    rows = () if data.get("target") is None else tuple(data["target"]["rows"])
    for row in rows:
        _known(where, "column", row, columns)
        _check_target(where, row, kwargs.get("fill_to", ""))
    overrides = data.get("column_similarity_overrides") or {}
    _known(where, "column", overrides, columns)
    if function["name"] != GUARDRAIL and not rows:
        raise _refused(where, f"gives {function['name']} no target")
    reference = data["reference_milestone_node_index"]
    if reference is None and function["name"] not in ("snapshot_similarity",):
        raise _refused(where, f"gives {function['name']} no reference")
    return Constraint(
        table,
        function["name"],
        reference,
        tuple(dict(row) for row in rows),
        {column: _column(where, given) for column, given in overrides.items()},
        kwargs.get("fill_to", ""),
        kwargs.get("extractor", ""),
    )


def _check_target(where: str, row: Row, fill_to: str) -> None:
    """Refuse a row that cannot be compared with, or whose text has gaps other than the plain ones that an extractor fills."""
    if not all(value is None or isinstance(value, (str, int, float)) for value in row.values()):
        raise _refused(where, "looks for something that is not a plain value")
    content = row.get("content")
    if content is not None and not isinstance(content, str):
        raise _refused(where, "looks for content that is not text")
    if fill_to == "content":
        for _, name, form, conversion in Formatter().parse(content or ""):
            if name is not None and not (name.isidentifier() and not form and conversion is None):
                raise _refused(where, f"has a text with a placeholder that cannot be filled: {name[:40]!r}")
    if row.get("tool_trace") is not None:
        traces = json.loads(row["tool_trace"])
        for trace in traces if isinstance(traces, list) else [traces]:
            _known(where, "tool", (trace["tool_name"],), TOOLS)
            if not isinstance(trace["arguments"], dict):
                raise _refused(where, "looks for a call whose arguments are not given by name")


def _column(where: str, data: Mapping[str, Any]) -> Column:
    _known(where, "function", (data["name"],), COLUMN_SIMILARITIES)
    kwargs = data.get("kwargs") or {}
    if not set(kwargs) <= {"atol_dict"}:
        raise _refused(where, f"gives {data['name']} the wrong arguments")
    tolerances = {
        name: math.inf if value == "inf" else float(value) for name, value in kwargs.get("atol_dict", {}).items()
    }
    return Column(data["name"], tolerances)


def _known(where: str, what: str, names: Iterable[Any], known: Iterable[str]) -> None:
    """Refuse an unknown name."""
    allowed = frozenset(known)
    for name in names:
        if name not in allowed:
            raise _refused(where, f"names a {what} that is not known: {str(name)[:80]!r}")


def _refused(where: str, what: str) -> DataError:
    return DataError(f"toolsandbox data: {where} {what}.", REMEDY)
