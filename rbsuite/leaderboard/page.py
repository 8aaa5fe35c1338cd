"""The page of a board: one file, no network, no third-party script. What people submitted appears in it as text and never as markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from rbsuite.leaderboard.charts import cost_chart, learning_chart
from rbsuite.leaderboard.references import Figure
from rbsuite.leaderboard.submission import BoardRow
from rbsuite.leaderboard.table import BoardTable, TableRow
from rbsuite.leaderboard.wording import about, bounded, gain_text, headline_name, number, percent, state
from rbsuite.pages.rendering import render, templates
from rbsuite.report.figures import p_text

_PARTS = ("board.html", "index.html", "published.html", "page.css", "page.js")


def board_page(table: BoardTable, references: Sequence[Figure]) -> str:
    """The page of a board.

    Args:
        table: the board.
        references: published figures about the same benchmark.
    """
    return _render(
        "board.html",
        title=table.place.board.title,
        table=table,
        about=about(table),
        columns=_columns(table),
        rows=[_shown(table, row) for row in table.rows],
        memories=sorted({row.row.memory for row in table.rows}),
        models=sorted({row.model for row in table.rows}),
        chart=Markup(cost_chart(table)),
        references=references,
    )


def index_page(tables: Sequence[BoardTable], references: Sequence[Figure]) -> str:
    """The page that lists the boards and all published figures."""
    return _render("index.html", title="Leaderboards", tables=tables, references=references)


def _columns(table: BoardTable) -> list[tuple[str, str]]:
    """Name and kind of each column: text, or a number that sorts with the largest or the smallest first."""
    fixed = [
        ("rank", "up"),
        ("system", "text"),
        ("model", "text"),
        ("memory", "text"),
        ("scaling", "text"),
        (headline_name(table.place.board), "up" if table.place.board.lower_is_better else "down"),
        ("gain in points", "down"),
        ("pass^k", "down"),
        ("steps", "up"),
        ("tokens", "up"),
        ("$ per task", "up"),
        ("failed", "up"),
        ("judge %", "down"),
        ("orders", "down"),
        ("checked", "text"),
    ]
    return fixed + [(name, "text") for name in table.columns]


def _shown(table: BoardTable, row: TableRow) -> Mapping[str, Any]:
    """A row for the template: a text and a sort key per column."""
    one, sub = row.row, row.submission
    gain = None if one.gain is None else one.gain.difference.mean
    passes = [(passed.k, passed.value.mean) for passed in one.passes if passed.k <= 4 and passed.value.mean is not None]
    cells: list[tuple[str, float | str | None]] = [
        (row.rank_text, row.rank[0] * 1e6 + row.rank[1] if row.rank else None),
        (sub.system, sub.system.lower()),
        (row.model, row.model.lower()),
        (one.memory, one.memory),
        (one.scaling, one.scaling),
        (bounded(one.headline), one.headline.mean),
        (gain_text(one), gain),
        (" ".join(f"{value:.2f}" for _, value in passes) or "-", passes[-1][1] if passes else None),
        (number(one.steps, 1), one.steps),
        (f"{one.tokens:,.0f}", one.tokens),
        (number(one.dollars, 4), one.dollars),
        (f"{one.failures}", one.failures),
        (percent(one.judge_accuracy.mean), one.judge_accuracy.mean),
        (f"{one.orders}", one.orders),
        (state(row), state(row)),
        *((row.differing[name], row.differing[name].lower()) for name in table.columns),
    ]
    return {
        "row": row,
        "cells": cells,
        "facts": _facts(row),
        "compared": _compared(table, row),
        "gain": _gain_words(one),
        "curve": Markup("" if one.gain is None else learning_chart(one.gain)),
        "checks": _checks(row),
    }


def _facts(row: TableRow) -> list[tuple[str, str]]:
    """The configuration and the submitter, without empty entries."""
    one, sub = row.row, row.submission
    options = {name.replace("_", " "): value for name, value in sub.measured.options.items()}
    levels = {
        name: getattr(one, name)
        for name in ("memory", "scaling", "agent", "model", "judge", "embedder", "prompts", "temperature")
    }
    pairs: list[tuple[str, Any]] = [
        ("organization", sub.submitting_organization),
        ("contact", ", ".join(filter(None, (sub.contact_info.name, sub.contact_info.email, sub.contact_info.github)))),
        ("submitted", sub.submission_date),
        ("evaluated", sub.methodology.evaluation_date),
        ("model by", sub.model_organization),
        ("model released", sub.model_release.release_date),
        ("model snapshot", sub.model_release.snapshot),
        ("hardware", sub.hardware),
        ("cost", sub.cost_note),
        ("notes", sub.methodology.notes),
        ("feedback", sub.feedback.replace("_", " ")),
        *((f"{purpose} model", model) for purpose, model in sub.measured.models.items() if purpose != "agent"),
        *((name, value) for name, value in {**options, **levels}.items()),
        *((f"environment {name}", value) for name, value in sub.measured.environment.items()),
        ("rbsuite", sub.measured.rbsuite),
        ("rollouts", one.rollouts),
        ("not readable", one.unread),
        ("tasks with recall", percent(one.recalled)),
    ]
    return [(name, _text(value)) for name, value in pairs if value not in ("", None, [], [""], False)]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "yes" if value is True else str(value)


def _gain_words(one: BoardRow) -> str:
    if one.gain is None or one.gain.difference.mean is None:
        return ""
    gain = one.gain
    p = "" if gain.p_holm is None else f", Holm {p_text(gain.p_holm)}"
    least = "" if gain.detectable is None else f"; detectable {100 * gain.detectable:.1f} points"
    late = "" if gain.second_half.mean is None else f"; second half minus first {100 * gain.second_half.mean:+.1f}"
    given = "; for these orders alone" if gain.conditional else ""
    mixed = "" if gain.same_scaling else "; the baseline has a different scaling"
    return f"{gain_text(one)} points over {gain.against}{p}{least}{late}{given}{mixed}"


def _compared(table: BoardTable, row: TableRow) -> list[tuple[str, str, str, str, str]]:
    """The rows next to it: name, difference with its interval, whether it is settled, cost ratio, and how the rows are paired."""
    return [
        (
            table.rows[one.other].name,
            f"{100 * one.difference:+.1f} [{100 * max(-1, one.difference - one.reach):+.1f},"
            f" {100 * min(1, one.difference + one.reach):+.1f}]",
            p_text(one.p_holm).removeprefix("= "),
            "-" if one.cost is None else f"{one.cost:.2g}",
            ("tasks and orders" if one.same_streams else "tasks")
            + ("; wider by group" if one.by_group else "")
            + ("; these orders alone" if one.conditional else ""),
        )
        for one in row.comparisons
    ]


def _checks(row: TableRow) -> list[str]:
    if not row.verified:
        return ["Form and digests only: the numbers are the submitter's own."]
    sub = row.submission
    return [
        "Every number was recomputed from the logs.",
        "The hash chain over every record, and the chain of every bank, hold.",
        f"All {row.row.tasks} tasks in each of {row.row.orders} orders; what broke scores 0 and is counted.",
        "Environment, split, task set and fixed options are the board's.",
        *(
            ["Texts of the tasks were left out of the logs, as the benchmark's authors ask."]
            if sub.measured.redacted
            else []
        ),
        *(f"{log.path}: SHA-256 {log.sha256}" for log in sub.logs),
    ]


@cache
def _templates() -> Environment:
    return templates("rbsuite.leaderboard", _PARTS, style=["page.css"], script="page.js")


def _render(template: str, **values: Any) -> str:
    return render(_templates(), template, values)
