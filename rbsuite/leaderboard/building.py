"""Writes boards for people and for programs: Markdown, CSV, JSON, and a self-contained page."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rbsuite.errors import UsageError
from rbsuite.files import written
from rbsuite.inert import inert
from rbsuite.jsonable import plain
from rbsuite.leaderboard.boards import BoardPlace
from rbsuite.leaderboard.page import board_page, index_page
from rbsuite.leaderboard.receipts import checked
from rbsuite.leaderboard.references import Figure, read_references
from rbsuite.leaderboard.submission import Submission, dump_text
from rbsuite.leaderboard.table import BoardTable, TableRow, make_table
from rbsuite.leaderboard.validating import Neighbours, read_submission
from rbsuite.leaderboard.wording import about, bounded, gain_text, headline_name, number, percent, state

_MARKDOWN = re.compile(r"([\\`*_\[\]#!|<>~&$])")


@dataclass(frozen=True, slots=True)
class Built:
    """What was built.

    Attributes:
        faults: the faults of submissions that their boards do not accept, by ``BOARD/NAME``; if there are any, nothing was written.
        tables: the boards.
        files: the files that were written.
    """

    faults: Mapping[str, Sequence[str]]
    tables: Sequence[BoardTable]
    files: Sequence[Path]


def read_tables(
    places: Sequence[BoardPlace], receipts: Path, *, recompute: bool = True
) -> tuple[Sequence[BoardTable], Mapping[str, Sequence[str]]]:
    """The tables of boards, and the faults of submissions that are left out of them.

    Args:
        places: the boards.
        receipts: the directory in which receipts of past checks are kept.
        recompute: whether numbers are recomputed; otherwise rows are shown as claimed.
    """
    tables, faults = [], {}
    for place in places:
        found: list[tuple[Path, Submission, bool]] = []
        neighbours = Neighbours.of(place)
        for directory in place.submissions:
            if recompute:
                result = checked(directory, place, receipts)
                submission, wrong = result.submission, list(result.faults)
            else:
                submission, wrong = read_submission(directory)
            if submission is not None:
                wrong += neighbours.faults(submission, place, directory.name)
            if wrong or submission is None:
                faults[f"{place.name}/{directory.name}"] = wrong
            else:
                found.append((directory, submission, recompute))
        if not any(name.startswith(f"{place.name}/") for name in faults):
            tables.append(make_table(place, found))
    return tables, faults


def build(root: Path, places: Sequence[BoardPlace], out: Path, receipts: Path, *, recompute: bool = True) -> Built:
    """Write everything about boards.

    Args:
        root: the directory of boards, for its published figures.
        places: the boards to build.
        out: the output directory; files with the same names are replaced.
        receipts: see :mod:`rbsuite.leaderboard.receipts`.
        recompute: see :func:`read_tables`.

    Raises:
        UsageError: ``out`` cannot be written, or pygal is missing.
    """
    tables, faults = read_tables(places, receipts, recompute=recompute)
    if faults:
        return Built(faults, tables, ())
    figures = read_references(root)
    texts: dict[str, str] = {}
    for table in tables:
        name, own = table.place.name, [one for one in figures if table.place.name in one.boards]
        texts[f"{name}.md"] = markdown(table, own)
        texts[f"{name}.csv"] = csv_text(table)
        texts[f"{name}.json"] = dump_text(document(table, own))
        texts[f"{name}.html"] = board_page(table, own)
    texts["index.html"] = index_page(tables, figures)
    return Built({}, tables, _write(out, texts))


def _write(out: Path, texts: Mapping[str, str]) -> list[Path]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".build-"):  # don't start if nothing can be written
            pass
        for name, text in texts.items():
            with written(out / name, "utf-8") as stream:
                stream.write(text)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}.", "Choose another --out.") from error
    return [out / name for name in texts]


def figures_of(table: BoardTable, row: TableRow) -> dict[str, Any]:
    """A row's figures by column, as plain data, in the order of the CSV's columns."""
    one, sub = row.row, row.submission
    values: dict[str, Any] = {
        "rank": row.rank_text,
        "system": sub.system,
        "organization": sub.submitting_organization,
        "model": sub.model_name,
        "logged_model": one.model,
        "memory": one.memory,
        "scaling": one.scaling,
        "baseline": one.baseline,
        "headline": one.headline.mean,
        "headline_low": one.headline.low,
        "headline_high": one.headline.high,
        "gain": None,
        "gain_low": None,
        "gain_high": None,
        "gain_p_holm": None,
        "pass^1": None,
        "pass^2": None,
        "pass^3": None,
        "pass^4": None,
        "steps": one.steps,
        "tokens": one.tokens,
        "dollars": one.dollars,
        "orders": one.orders,
        "undeclared_orders": one.undeclared_orders,
        "rollouts": one.rollouts,
        "failures": one.failures,
        "judge_accuracy": one.judge_accuracy.mean,
        "simulated": sub.measured.simulated,
        "verified": row.verified,
        "pareto": row.front,
        "feedback": sub.feedback,
        "date": sub.submission_date,
        "submission": row.directory,
    }
    if one.gain is not None:
        gained = one.gain.difference
        values |= {
            "gain": gained.mean,
            "gain_low": gained.low,
            "gain_high": gained.high,
            "gain_p_holm": one.gain.p_holm,
        }
    values |= {f"pass^{passed.k}": passed.value.mean for passed in one.passes if passed.k <= 4}
    return values | {f"differs: {name}": value for name, value in row.differing.items()}


def document(table: BoardTable, references: Sequence[Figure]) -> dict[str, Any]:
    """A board as one JSON document."""
    board = table.place.board
    return {
        "board": table.place.name,
        "title": board.title,
        "environment": board.environment,
        "split": board.split,
        "domain": board.domain,
        "task_set": board.task_set,
        "tasks": board.tasks,
        "baseline": board.baseline,
        "headline": board.headline,
        "simulated": board.simulated,
        "cost": table.cost,
        "groups": table.groups,
        "rows": [
            {
                **figures_of(table, row),
                "condition": row.row.label,
                "gain_against": None if row.row.gain is None else plain(row.row.gain),
                "passes": plain(row.row.passes),
                "compared": [
                    {
                        "with": table.rows[one.other].name,
                        "difference": one.difference,
                        "half_width": one.reach,
                        "p_holm": one.p_holm,
                        "same_streams": one.same_streams,
                        "by_group": one.by_group,
                        "conditional": one.conditional,
                        "cost_ratio": one.cost,
                    }
                    for one in row.comparisons
                ],
                "logs": plain(row.submission.logs),
            }
            for row in table.rows
        ],
        "published": plain(references),
    }


def csv_text(table: BoardTable) -> str:
    """A board as CSV; an apostrophe is put before any text that a spreadsheet would take for a formula."""
    target = io.StringIO()
    rows = [figures_of(table, row) for row in table.rows]
    names = list(rows[0]) if rows else ["rank", "system", "organization", "model", "memory", "scaling", "headline"]
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in names])
    return target.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        text = inert(" ".join(value.split()))
        return f"'{text}" if text.startswith(("=", "+", "-", "@")) and text != "-" else text
    return "" if value is None else value


def markdown(table: BoardTable, references: Sequence[Figure]) -> str:
    """A board as Markdown."""
    board = table.place.board
    names = ["rank", "system", "organization", "model", "memory", "scaling", headline_name(board), "gain", "pass^1",
             "steps", "tokens", "$", "failed", "judge %", "orders", "checked", *table.columns]  # fmt: skip
    lines = [f"# {_md(board.title)}", ""]
    lines += [_md(text) for text in about(table)]
    lines += ["", _line(names), _line(["---"] * len(names))] if table.rows else ["", "There are no submissions yet."]
    for row in table.rows:
        one, sub = row.row, row.submission
        passed = next((passed.value.mean for passed in one.passes if passed.k == 1), None)
        cells = [
            row.rank_text, sub.system, sub.submitting_organization, row.model, one.memory, one.scaling,
            bounded(one.headline), gain_text(one), "" if passed is None else f"{passed:.3f}", number(one.steps, 1),
            number(one.tokens, 0), number(one.dollars, 4), f"{one.failures}", percent(one.judge_accuracy.mean), f"{one.orders}",
            state(row), *(row.differing[name] for name in table.columns),
        ]  # fmt: skip
        lines.append(_line([_md(cell) for cell in cells]))
    if references:
        lines += ["", "## Published figures", "", "Not recomputed here, and not ranked with the rows above.", ""]
        lines += [_line(["system", "model", "subset", "metric", "value", "source"]), _line(["---"] * 6)]
        lines += [
            _line(
                [
                    _md(cell)
                    for cell in (one.system, one.model, one.subset, one.metric, f"{one.value:g} {one.unit}", one.source)
                ]
            )
            for one in references
        ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _md(text: str) -> str:
    """Text escaped so that Markdown shows it literally."""
    return _MARKDOWN.sub(r"\\\1", inert(" ".join(text.split())))
