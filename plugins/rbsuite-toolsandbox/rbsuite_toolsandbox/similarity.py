"""How similar rows of a table are to the rows that a milestone looks for.

Follows ``tool_sandbox/common/evaluation.py`` and ``tool_trace_extractors.py`` (apple/ToolSandbox, 165848b9), with polars 0.20.31's
treatment of null: a null cell has no similarity to a value, and the mean over columns leaves it out.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import permutations
from typing import Any

from rbsuite_toolsandbox.rouge import rouge_l
from rbsuite_toolsandbox.scenario import Column, Constraint
from rbsuite_toolsandbox.tables import Row, zero_of

_BRUTE_FORCE = 4
"""Maximum number of rows for which all assignments are tried."""

_NO_TOLERANCES: Mapping[str, float] = {}
_ROUGE_COLUMNS = frozenset({("SANDBOX", "content"), ("CONTACT", "relationship")})
_ROUGE_COLUMNS |= {("MESSAGING", "content"), ("REMINDER", "content")}
_ONE_COLUMNS = frozenset({"openai_tool_call_id", "openai_function_name", "tool_call_exception"})
_MISSING = object()

Rows = Sequence[Row]


def constraint_similarity(constraint: Constraint, rows: Rows, reference: Rows) -> float:
    """The similarity that a constraint finds, in [0, 1].

    Args:
        constraint: the constraint.
        rows: the table as of the snapshot.
        reference: the table as of the reference's snapshot; empty if there is none.
    """
    match constraint.similarity:
        case "snapshot_similarity":
            return _snapshot(constraint, rows, constraint.target)
        case "addition_similarity":
            return _addition(constraint, rows, reference)
        case "removal_similarity":
            return _addition(constraint, reference, rows)
        case "update_similarity":
            filled, known = _filled(constraint, rows), _filled(constraint, reference)
            if len(filled) != len(known):
                return 0.0
            return _snapshot(constraint, _without(filled, known), _filled(constraint, constraint.target))
        case "tool_trace_dependant_similarity":
            return _dependant(constraint, rows, reference)
        case _:
            return float(list(rows) == list(reference))


def is_close(value: Any, reference: Any, tolerance: float | None) -> bool:
    """Whether two values are equal or, if there is a tolerance, two numbers are within it."""
    if tolerance is not None and isinstance(value, (int, float)) and isinstance(reference, (int, float)):
        return abs(value - reference) <= tolerance
    return bool(value == reference)


def _addition(constraint: Constraint, rows: Rows, reference: Rows) -> float:
    """How similar what was added to the reference is to the target; 0 unless the reference is still complete."""
    filled, known = _filled(constraint, rows), _filled(constraint, reference)
    counts = Counter(_key(row) for row in known)
    if sum(counts[_key(row)] for row in filled) != len(known):
        return 0.0
    return _snapshot(constraint, _without(filled, known), _filled(constraint, constraint.target))


def _without(rows: Rows, others: Rows) -> Rows:
    known = {_key(row) for row in others}
    return [row for row in rows if _key(row) not in known]


def _filled(constraint: Constraint, rows: Rows) -> Rows:
    """Rows with zeros in place of nulls; otherwise upstream's joins would lose them."""
    return [{column: zero_of(column) if value is None else value for column, value in row.items()} for row in rows]


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row.values())


def _snapshot(constraint: Constraint, rows: Rows, target: Rows) -> float:
    """The best assignment of rows to the target's rows: the geometric mean over rows and columns."""
    if len(rows) != len(target):
        return 0.0
    costs = [[_row_cost(constraint, row, wanted) for row in rows] for wanted in target]
    if any(math.isnan(cost) for line in costs for cost in line):
        return 0.0
    cheapest = _assigned(costs)
    return 0.0 if math.isinf(cheapest) else math.exp(-cheapest / len(target))


def _assigned(costs: list[list[float]]) -> float:
    """The cost of the cheapest assignment; infinite if there is none."""
    size = len(costs)
    if size <= _BRUTE_FORCE:
        return min(sum(costs[line][column] for line, column in enumerate(order)) for order in permutations(range(size)))
    from scipy.optimize import linear_sum_assignment

    try:
        lines, columns = linear_sum_assignment(costs)
    except ValueError:
        return math.inf
    return sum((costs[line][column] for line, column in zip(lines, columns, strict=True)), 0.0)


def _row_cost(constraint: Constraint, row: Row, wanted: Row) -> float:
    """The mean over columns of minus the logarithm of the similarity; NaN if no column has one."""
    logarithms = []
    for column, value in wanted.items():
        if column not in row:
            return math.inf
        similarity = _cell(constraint, column, row[column], value)
        if similarity is not None:
            logarithms.append(-math.log(similarity) if similarity > 0 else math.inf)
    return sum(logarithms) / len(logarithms) if logarithms else math.nan


def _cell(constraint: Constraint, column: str, cell: Any, wanted: Any) -> float | None:
    """The similarity of a cell to a value; ``None``: null."""
    given = constraint.columns.get(column) or default_column(constraint.table, column)
    match given.similarity:
        case "column_one_similarity":
            return 1.0
        case "column_close_similarity":
            return float(is_close(wanted, cell, given.tolerances.get(column)))
        case "column_tool_trace_exact_match_similarity":
            return float(cell is not None and _trace_fits(cell, wanted, given.tolerances))
        case "column_contains_similarity":
            return None if cell is None else float(wanted in cell)
        case "column_rouge_l_similarity":
            return None if cell is None else rouge_l(wanted, cell)
        case _:
            if wanted is None:
                return float(cell is None)
            return None if cell is None else float(cell == wanted)


@lru_cache(maxsize=128)
def default_column(table: str, column: str) -> Column:
    """How a column is compared if a milestone does not say."""
    if column in _ONE_COLUMNS:
        name = "column_one_similarity"
    elif column == "tool_trace":
        name = "column_tool_trace_exact_match_similarity"
    elif (table, column) in _ROUGE_COLUMNS:
        name = "column_rouge_l_similarity"
    else:
        name = "column_exact_match_similarity"
    return Column(name, _NO_TOLERANCES)


def _trace_fits(traces: Sequence[str], golden: str, tolerances: Mapping[str, float]) -> bool:
    """Whether one of the traces matches one of the golden ones. Arguments that the golden ones leave out are ignored."""
    return any(
        trace["tool_name"] == wanted["tool_name"]
        and all(
            is_close(trace["arguments"].get(name, _MISSING), value, tolerances.get(name))
            for name, value in wanted["arguments"].items()
        )
        for wanted in golden_traces(golden)
        for trace in map(read_trace, traces)
    )


@lru_cache(maxsize=4096)
def golden_traces(text: str) -> list[Any]:
    """The traces that a milestone's text names: one, or a list. Not to be changed."""
    traces = json.loads(text)
    return traces if isinstance(traces, list) else [traces]


@lru_cache(maxsize=1024)
def read_trace(text: str) -> Any:
    """The trace of a call as an object. Not to be changed."""
    return json.loads(text)


def _dependant(constraint: Constraint, rows: Rows, reference: Rows) -> float:
    """The best similarity to the target once it is filled with what an earlier call's trace contains."""
    traces = reference[0]["tool_trace"]
    if traces is None:
        return 0.0
    wanted = constraint.target[0]
    found = 0.0
    for values in extracted(constraint.extractor, traces):
        if constraint.fill_to == "content":
            try:
                filled = wanted["content"].format(**values)
            except (IndexError, KeyError):
                return 0.0
        else:
            filled = _filled_traces(wanted["tool_trace"], values)
        found = max(found, _snapshot(constraint, rows, [{**wanted, constraint.fill_to: filled}]))
    return found


def _filled_traces(golden: str, values: Mapping[str, Any]) -> str:
    """The golden traces with values added to their arguments, both with the values taking precedence and with the arguments doing so."""
    filled = []
    for trace in golden_traces(golden):
        filled.append({**trace, "arguments": {**trace["arguments"], **values}})
        filled.append({**trace, "arguments": {**values, **trace["arguments"]}})
    return json.dumps(filled, ensure_ascii=False)


def extracted(extractor: str, traces: Sequence[str]) -> list[Mapping[str, Any]]:
    """What an extractor finds in traces; those that it cannot read are skipped."""
    found: list[Mapping[str, Any]] = []
    for text in traces:
        try:
            found += _EXTRACTORS[extractor](read_trace(text)["result"])
        except (KeyError, IndexError, TypeError, ValueError):
            continue
    return found


def _texts(name: str, number: float) -> list[Mapping[str, Any]]:
    """A number as texts with 0 to 3 decimals."""
    return [{name: f"{number:.{decimals}f}"} for decimals in range(4)]


_EXTRACTORS: Mapping[str, Callable[[Any], list[Mapping[str, Any]]]] = {
    "search_weather_around_lat_lon_temperature_extractor": lambda result: _texts(
        "temperature", float(result["current_temperature"])
    ),
    "result_to_timestamp0_extractor": lambda result: [{"timestamp_0": float(result)}],
    "result_to_timestamp1_extractor": lambda result: [{"timestamp_1": float(result)}],
    "days_extractor": lambda result: [{"days": int(result["days"])}],
    "lat_lon_dict_extractor": lambda result: [{key: result[key] for key in ("latitude", "longitude")}],
    "current_temperature_extractor": lambda result: [{"amount": float(result["current_temperature"])}],
    "result_to_temperature_extractor": lambda result: _texts("temperature", float(result)),
    "result_to_reminder_timestamp_lowerbound_extractor": lambda result: [
        {"reminder_timestamp_lowerbound": float(result)}
    ],
    "min_temperature_amount_extractor": lambda result: [{"amount": float(result["min_temperature"])}],
    "min_temperature_extractor": lambda result: _texts("min_temperature", float(result)),
}
