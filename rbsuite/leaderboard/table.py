"""A board as a table: its submissions are read, its rows compared and ranked, and what differs between them becomes columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rbsuite.leaderboard.boards import BoardPlace
from rbsuite.leaderboard.ranking import Pairs, ScoredRow, compare_all, groups_count, rank_ranges
from rbsuite.leaderboard.submission import BoardRow, Submission
from rbsuite.statistics.intervals import ORDERS_NEEDED

NEAREST = 10
"""Number of neighbouring rows with which a row's details compare it."""
_ALWAYS = frozenset({"memory", "scaling", "model", "orders", "baseline_orders", "seed"})
"""Options that have their own columns."""


@dataclass(frozen=True, slots=True)
class BoardComparison:
    """A row minus another.

    Attributes:
        other: the other row.
        difference: the difference of the headlines.
        reach: the half width of its 95 % interval, not adjusted.
        p_holm: its p value, adjusted.
        same_streams: whether their runs are paired.
        by_group: whether the interval is the wider one for new groups of tasks.
        conditional: whether it holds only for these orders, since one of the rows learned on too few to know how orders differ.
        cost: the ratio of the row's cost per task to the other's; ``None`` if unknown.
    """

    other: int
    difference: float
    reach: float
    p_holm: float
    same_streams: bool
    by_group: bool
    conditional: bool
    cost: float | None


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of the table.

    Attributes:
        rank: its best and worst possible rank; ``None`` if it is not ranked.
        submission: the submission it belongs to.
        directory: the submission's name.
        row: the condition.
        verified: whether its numbers were recomputed from its logs.
        front: whether no other row is better at the same or lower cost.
        differing: what differs on this board, by column.
        comparisons: the comparisons with the rows next to it.
    """

    rank: tuple[int, int] | None
    submission: Submission
    directory: str
    row: BoardRow
    verified: bool
    front: bool
    differing: Mapping[str, str]
    comparisons: Sequence[BoardComparison]

    @property
    def name(self) -> str:
        """The row's name: system and memory."""
        return f"{self.submission.system}: {self.row.label}"

    @property
    def model(self) -> str:
        """The submitter's name for the model, and the one in the logs if it is different."""
        said, logged = self.submission.model_name, self.row.model
        return said if said == logged else f"{said} ({logged})"

    @property
    def rank_text(self) -> str:
        """The range as it is shown: ``1`` or ``1-3``."""
        if self.rank is None:
            return "-"
        low, high = self.rank
        return f"{low}" if low == high else f"{low}-{high}"


@dataclass(frozen=True, slots=True)
class BoardTable:
    """A board with its rows, the best first.

    Attributes:
        place: the board.
        rows: the rows.
        columns: the columns for what differs.
        cost: the unit in which the cost of a row is counted: ``dollars`` if every price is known, else ``tokens``.
        unpaired: whether some rows learned on different orders, so that they share only tasks.
        groups: the number of groups of tasks if ranks allow for new ones; else 0.
    """

    place: BoardPlace
    rows: Sequence[TableRow]
    columns: Sequence[str]
    cost: str
    unpaired: bool
    groups: int


def make_table(place: BoardPlace, submissions: Sequence[tuple[Path, Submission, bool]]) -> BoardTable:
    """The table of a board.

    Args:
        place: the board.
        submissions: each with its directory, and whether it was verified.
    """
    found = [
        (path.name, submission, verified, row)
        for path, submission, verified in submissions
        for row in submission.measured.rows
    ]
    found.sort(key=lambda one: _order(place, one[3], one[0]))
    cost = "dollars" if found and all(one[3].dollars for one in found) else "tokens"
    pairs, ranges = _ranked(place, submissions, found)
    said = [_said(submission, row) for _, submission, _, row in found]
    columns = [
        name
        for name in dict.fromkeys(name for one in said for name in one)
        if len({one.get(name, "") for one in said}) > 1
    ]
    front = _front(place, [row for _, _, _, row in found], cost)
    rows = [
        TableRow(
            rank=ranges[number] if ranges else None,
            submission=submission,
            directory=name,
            row=row,
            verified=verified,
            front=number in front,
            differing={column: said[number].get(column, "") for column in columns},
            comparisons=_nearest(number, [row for _, _, _, row in found], pairs, cost),
        )
        for number, (name, submission, verified, row) in enumerate(found)
    ]
    unpaired = pairs is not None and not bool(pairs.same_streams.all())
    groups = groups_count(submissions[0][1].measured.groups) if pairs is not None else 0
    return BoardTable(place, rows, columns, cost, unpaired, groups)


def cost_of(row: BoardRow, kind: str) -> float | None:
    """The cost per task, in the board's unit of cost."""
    return row.dollars if kind == "dollars" else row.tokens


def _order(place: BoardPlace, row: BoardRow, name: str) -> tuple[float, str, str]:
    mean = row.headline.mean if row.headline.mean is not None else -1.0
    return (mean if place.board.lower_is_better else -mean, name, row.label)


def _ranked(
    place: BoardPlace,
    submissions: Sequence[tuple[Path, Submission, bool]],
    found: Sequence[tuple[str, Submission, bool, BoardRow]],
) -> tuple[Pairs | None, list[tuple[int, int]]]:
    if not found or place.board.tasks < 2:
        return None, []
    tasks = {task: number for number, task in enumerate(submissions[0][1].measured.task_ids)}
    entries = [_entry(submission, row, tasks) for _, submission, _, row in found]
    pairs = compare_all(entries, submissions[0][1].measured.groups)
    return pairs, rank_ranges(pairs, lower_is_better=place.board.lower_is_better)


def _entry(submission: Submission, row: BoardRow, tasks: Mapping[str, int]) -> ScoredRow:
    own = np.array([tasks[task] for task in submission.measured.task_ids])
    cells = np.zeros((len(tasks), len(row.runs)))
    keys = []
    for column, run in enumerate(row.runs):
        stream = own[run.order]
        cells[stream, column] = run.scores
        keys.append((run.seed, tuple(map(str, stream.tolist()))))
    return ScoredRow(cells, tuple(keys), row.exchangeable)


def is_conditional(row: BoardRow) -> bool:
    """Whether a row learned on too few orders to know how orders differ, so that findings hold only for these orders."""
    return not row.exchangeable and row.orders < ORDERS_NEEDED


def _cost_ratio(one: BoardRow, other: BoardRow, kind: str) -> float | None:
    own, against = cost_of(one, kind), cost_of(other, kind)
    return own / against if own is not None and against else None


def _nearest(number: int, rows: Sequence[BoardRow], pairs: Pairs | None, cost: str) -> list[BoardComparison]:
    if pairs is None:
        return []
    others = (other for other in range(len(rows)) if other != number)
    near = sorted(others, key=lambda other: (abs(other - number), other))
    return [
        BoardComparison(
            other,
            float(pairs.difference[number, other]),
            float(pairs.reach[number, other]),
            float(pairs.p_holm[number, other]),
            bool(pairs.same_streams[number, other]),
            bool(pairs.by_group[number, other]),
            is_conditional(rows[number]) or is_conditional(rows[other]),
            _cost_ratio(rows[number], rows[other], cost),
        )
        for other in sorted(near[:NEAREST])
    ]


def _front(place: BoardPlace, rows: Sequence[BoardRow], cost: str) -> set[int]:
    """The rows for which no other is better at the same or lower cost."""
    sign = -1.0 if place.board.lower_is_better else 1.0
    points = [
        (value, sign * row.headline.mean, number)
        for number, row in enumerate(rows)
        if (value := cost_of(row, cost)) is not None and row.headline.mean is not None
    ]
    front, best = set(), float("-inf")
    for _, score, number in sorted(points, key=lambda one: (one[0], -one[1], one[2])):
        if score > best:
            front.add(number)
            best = score
    return front


def _said(submission: Submission, row: BoardRow) -> dict[str, str]:
    """Everything in which rows of a board may differ, as text."""
    measured = submission.measured
    told = {name: getattr(row, name) for name in ("agent", "judge", "embedder", "prompts", "temperature")}
    told |= {name: _text(value) for name, value in measured.options.items() if name not in told and name not in _ALWAYS}
    told |= {f"{purpose} model": model for purpose, model in measured.models.items() if purpose != "agent"}
    told |= {"seeds": _text(sorted({run.seed for run in row.runs})), "rbsuite": measured.rbsuite}
    told |= {f"environment {name}": _text(value) for name, value in measured.environment.items()}
    told["feedback"] = submission.feedback.replace("_", " ")
    told |= {
        "evaluated": submission.methodology.evaluation_date,
        "model released": submission.model_release.release_date,
        "model snapshot": submission.model_release.snapshot,
        "hardware": submission.hardware,
    }
    return {name.replace("_", " "): value for name, value in told.items()}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
