"""Rows of one kind as a table: printed, in a notebook, or as a data frame if pandas is installed."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from rbsuite.errors import UsageError
from rbsuite.report.text import table

if TYPE_CHECKING:
    import pandas

from rbsuite.tables.rows import Row

_R = TypeVar("_R", bound=Row)
SHOWN_ROWS = 20
"""How many rows a table shows when it is printed."""


class Table(Sequence[_R], Generic[_R]):
    """Rows of one kind. Shown as a table when it is printed, or is the last expression in a notebook cell.

    Args:
        kind: the class of the rows.
        rows: the rows.
    """

    def __init__(self, kind: type[_R], rows: Iterable[_R]) -> None:
        self._kind = kind
        self._rows = tuple(rows)

    @property
    def columns(self) -> Sequence[str]:
        """The names of the columns."""
        return [one.name for one in fields(self._kind) if one.metadata.get("column", True)]

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a data frame, one column for each of :attr:`columns`.

        Raises:
            UsageError: pandas is not installed.
        """
        try:
            library: Any = import_module("pandas")
        except ImportError:
            raise UsageError("data frames need pandas, which is not installed.", "Run: pip install pandas") from None
        cells = [[getattr(row, name) for name in self.columns] for row in self._rows]
        return library.DataFrame(cells, columns=list(self.columns))

    @overload
    def __getitem__(self, index: int) -> _R: ...
    @overload
    def __getitem__(self, index: slice) -> Table[_R]: ...
    def __getitem__(self, index: int | slice) -> _R | Table[_R]:
        return Table(self._kind, self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[_R]:
        return iter(self._rows)

    def __repr__(self) -> str:
        shown = [list(self.columns), *self._shown()]
        return table(shown) + self._rest()

    def _repr_html_(self) -> str:
        def line(cells: Iterable[str], kind: str) -> str:
            return "<tr>" + "".join(f"<{kind}>{html.escape(cell)}</{kind}>" for cell in cells) + "</tr>"

        body = "".join(line(cells, "td") for cells in self._shown())
        return f"<table>{line(self.columns, 'th')}{body}</table>{html.escape(self._rest())}"

    def _shown(self) -> Iterator[list[str]]:
        for row in self._rows[:SHOWN_ROWS]:
            yield [_cell(getattr(row, name)) for name in self.columns]

    def _rest(self) -> str:
        more = len(self._rows) - SHOWN_ROWS
        return f"\n... and {more} more rows" if more > 0 else ""


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = "" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
