"""Plain text: tables that read the same on a terminal and in a pipe, labelled lines, folding."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from rbsuite.inert import inert

MARGIN = "  "
WIDTH = 110
NARROW = 80
"""Width of text that is read as a report rather than looked up."""


def table(rows: Sequence[Sequence[str]], indent: int = 0, *, right_from: int | None = None) -> str:
    """Rows as aligned columns, two spaces apart; no line ends in whitespace.

    Args:
        rows: cells; every row has the same number.
        indent: number of spaces before each line.
        right_from: the first of the right-aligned columns; ``None``: there are none.
    """
    if not rows:
        return ""
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    left = len(widths) if right_from is None else right_from
    lines = (
        MARGIN.join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join((" " * indent + line).rstrip() for line in lines)


def numbers(rows: Sequence[Sequence[str]], indent: int) -> str:
    """A table in which all columns but the first are right-aligned."""
    return table(rows, indent, right_from=1)


def fields(pairs: Sequence[tuple[str, str]], width: int = WIDTH) -> str:
    """Labels with their texts, which are folded and aligned after the longest label; pairs without a text are left out."""
    shown = [(label, text) for label, text in pairs if text]
    if not shown:
        return ""
    column = max(len(label) for label, _ in shown) + len(MARGIN)
    return "\n".join(
        textwrap.fill(
            one_line(text),
            width=max(width, column + 40),
            initial_indent=label.ljust(column),
            subsequent_indent=" " * column,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for label, text in shown
    )


def one_line(text: str) -> str:
    """A text on one line, inert: plugins, models and data wrote it, and must not add lines to a table or control the terminal."""
    return inert(" ".join(text.split()))


def fold(text: str, width: int = NARROW) -> str:
    """Text folded to a width."""
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def ceiling_table(figures: Mapping[str, float]) -> str:
    """What a benchmark's own answers score (:attr:`rbsuite.environments.solution.Ceiling.figures`), one figure per line."""
    return fields([(name, f"{value:.3f}") for name, value in figures.items()])


def told_text(told: Mapping[str, str | float]) -> str:
    """What an environment says about itself, e.g. ``reader rbsuite/1, shots 0``."""
    return ", ".join(
        f"{name.replace('_', ' ')} {value if isinstance(value, str) else f'{value:.4g}'}"
        for name, value in told.items()
    )
