"""An experiment as tables of typed columns: CSV for spreadsheets, Parquet for DuckDB, pandas and the like."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from rbsuite import tables
from rbsuite.errors import UsageError
from rbsuite.store import ExperimentStore
from rbsuite.store.redaction import CANARY, KEPT, left_out
from rbsuite.tables import Difference, ItemResult, RecallResult, Result, RolloutResult, Row, Table, TaskResult

KINDS: Mapping[str, type[Row]] = {
    "conditions": Result,
    "comparisons": Difference,
    "tasks": TaskResult,
    "rollouts": RolloutResult,
    "recalls": RecallResult,
    "items": ItemResult,
}
"""The tables by the name of their file, with the class of their rows."""

NAMES = KEPT | {"condition", "baseline", "embedder", "group", "verdict"}
"""Columns whose texts are names or ids; for a private benchmark, the texts of other columns are left out."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def tables_of(store: ExperimentStore) -> Iterator[tuple[str, Table[Any]]]:
    """The tables of an experiment by name."""
    from rbsuite.statistics.summary import summarise

    summary = summarise(store)
    yield "conditions", tables.results(store, summary)
    yield "comparisons", tables.comparisons(store, summary)
    yield "tasks", tables.tasks(store)
    yield "rollouts", tables.rollouts(store, trajectories=False)
    yield "recalls", tables.recalls(store)
    yield "items", tables.items(store)


def column_types(kind: type[Row]) -> Mapping[str, type]:
    """The type of each column of a table; any of them may have no value in a row."""
    hints = get_type_hints(kind)
    found = {}
    for name in Table(kind, ()).columns:
        [found[name]] = [one for one in get_args(hints[name]) or (hints[name],) if one is not NoneType]
    return found


def _cell(name: str, value: Any, hidden: bool) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if not isinstance(value, str):
        return value
    if hidden and name not in NAMES:
        return left_out(value)
    return value.encode("utf-8", "backslashreplace").decode("utf-8")  # a lone surrogate cannot be in a file


def write_csv(store: ExperimentStore, place: Path, hidden: bool) -> int:
    """One CSV file per table, in UTF-8; a cell without a value is empty.

    A text that a spreadsheet would take for a formula is prefixed with an apostrophe: models write these texts.
    """
    for name, table in tables_of(store):
        with (place / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(table.columns)
            for row in table:
                cells = (_cell(column, getattr(row, column), hidden) for column in table.columns)
                writer.writerow(
                    [f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in cells]
                )
    return len(KINDS)


def check_parquet() -> None:
    """Check that Parquet can be written.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import_module("pyarrow.parquet")
    except ImportError:
        raise UsageError(
            "Parquet needs pyarrow, which is not installed.", "Run: pip install 'rbsuite[parquet]'"
        ) from None


def write_parquet(store: ExperimentStore, place: Path, hidden: bool) -> int:
    """One Parquet file per table; every column is nullable, and has its type even if no row has a value."""
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    arrow_types = {str: arrow.string(), int: arrow.int64(), float: arrow.float64(), bool: arrow.bool_()}
    for name, table in tables_of(store):
        types = column_types(KINDS[name])
        marks = {b"rbsuite.canary": CANARY.encode()} if hidden else {}
        schema = arrow.schema([(column, arrow_types[one]) for column, one in types.items()], metadata=marks)
        columns = {column: [_cell(column, getattr(row, column), hidden) for row in table] for column in types}
        parquet.write_table(arrow.table(columns, schema=schema), place / f"{name}.parquet")
    return len(KINDS)
