"""The results of an experiment as rows: typed objects, and data frames if pandas is installed."""

from __future__ import annotations

from rbsuite.tables.building import comparisons, helped, items, recalls, results, rollouts, tasks
from rbsuite.tables.rows import (
    Difference,
    HelpedResult,
    ItemResult,
    RecallResult,
    Result,
    RolloutResult,
    Row,
    TaskResult,
)
from rbsuite.tables.table import Table

__all__ = [
    "Difference",
    "HelpedResult",
    "ItemResult",
    "RecallResult",
    "Result",
    "RolloutResult",
    "Row",
    "Table",
    "TaskResult",
    "comparisons",
    "helped",
    "items",
    "recalls",
    "results",
    "rollouts",
    "tasks",
]
