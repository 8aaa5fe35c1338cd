"""How a board's figures and marks are written, both on the page and in Markdown."""

from __future__ import annotations

from rbsuite.leaderboard.boards import SUCCESS, Board
from rbsuite.leaderboard.submission import BoardRow, Interval
from rbsuite.leaderboard.table import BoardTable, TableRow, is_conditional
from rbsuite.statistics.intervals import ORDERS_NEEDED


def about(table: BoardTable) -> list[str]:
    """The text above a board, as lines."""
    board = table.place.board
    of = f"{board.environment}, split {board.split}" + (f", {board.domain}" if board.domain else "")
    lines = [
        f"{of}: {board.tasks} tasks. Ranked by {headline_name(board)}; all ranges hold together in 95 % of boards"
        " (paired by task, Holm over all pairs)."
    ]
    if board.simulated:
        lines.append("SIMULATED: every model here is a simulation; these figures say nothing about a real one.")
    if board.note:
        lines.append(board.note)
    if table.unpaired:
        lines.append(
            "Some rows learned on different orders: these are compared task by task, and each brings its own spread over orders."
        )
    if table.groups:
        lines.append(
            f"Tasks come in {table.groups} groups: two rows are told apart only where they would be on new groups too."
        )
    if any(is_conditional(row.row) for row in table.rows):
        lines.append(
            f"Rows that learned on fewer than {ORDERS_NEEDED} orders are marked: their ranks hold for these orders alone."
        )
    if any(not row.verified for row in table.rows):
        lines.append("Rows marked as claimed were not recomputed from their logs when this was built.")
    return lines


def state(row: TableRow) -> str:
    """Whether a row was recomputed, and its other marks."""
    marks = ["verified" if row.verified else "claimed"]
    marks += ["simulated"] if row.submission.measured.simulated else []
    marks += ["ground truth"] if row.submission.feedback == "ground_truth" else []
    marks += ["these orders alone"] if is_conditional(row.row) else []
    marks += [f"{row.row.undeclared_orders} undeclared orders"] if row.row.undeclared_orders else []
    return ", ".join(marks)


def gain_text(row: BoardRow) -> str:
    """The gain over the baseline memory in points, with its interval."""
    if row.gain is None or row.gain.difference.mean is None:
        return "baseline" if row.baseline else "-"
    gained = row.gain.difference
    bounds = (
        "" if gained.low is None or gained.high is None else f" [{100 * gained.low:+.1f}, {100 * gained.high:+.1f}]"
    )
    return f"{100 * (gained.mean or 0.0):+.1f}{bounds}"


def bounded(value: Interval) -> str:
    """A share in percent with its interval."""
    if value.mean is None:
        return "-"
    bounds = "" if value.low is None or value.high is None else f" [{100 * value.low:.1f}, {100 * value.high:.1f}]"
    return f"{100 * value.mean:.1f}{bounds}"


def percent(value: float | None) -> str:
    """A share in percent."""
    return "-" if value is None else f"{100 * value:.1f}"


def number(value: float | None, digits: int) -> str:
    """A number with this many digits after the decimal point."""
    return "-" if value is None else f"{value:.{digits}f}"


def headline_name(board: Board) -> str:
    """The name of the headline's column."""
    return "success %" if board.headline == SUCCESS else f"{board.headline.replace('_', ' ')} %"
