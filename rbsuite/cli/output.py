"""What commands print: plain tables that read the same on a terminal and in a pipe, and JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import Any

import click

MARGIN = "  "
WIDTH = 110


def echo_json(value: Any) -> None:
    """Print a value as indented JSON."""
    from rbsuite.jsonable import plain

    click.echo(json.dumps(plain(value), indent=2))


def table(rows: Sequence[Sequence[str]], indent: int = 0) -> str:
    """Rows as aligned columns, two blanks apart; no line ends in white space.

    Args:
        rows: cells; every row has as many.
        indent: blanks before each line.
    """
    if not rows:
        return ""
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (MARGIN.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join((" " * indent + line).rstrip() for line in lines)


def fields(pairs: Sequence[tuple[str, str]], width: int = WIDTH) -> str:
    """Labels with their texts, which are folded and aligned behind the longest label; pairs without a text are left out."""
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
    """A text on one line, without control characters (plugins and data wrote it, and terminals obey them)."""
    return "".join(character if character.isprintable() else "?" for character in " ".join(text.split()))
