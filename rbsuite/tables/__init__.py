"""What an experiment came to as rows: typed objects, and data frames where pandas is installed."""

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
