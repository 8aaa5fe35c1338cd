"""AIME as an environment: where the problems come from, and how their copies' columns are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from rbsuite.errors import DataError, UnknownNameError
from rbsuite_aime.topics import LESSONS, skill_of
from rbsuite_questions.environment import QuestionEnvironment
from rbsuite_questions.question import Question, QuestionSet
from rbsuite_questions.readers import Kind
from rbsuite_questions.rows import HubSource, Table, cell, find_columns, integer_cell, is_text
from rbsuite_questions.sets import Benchmark, Collection, QuestionImporter, read_sample, sample_lessons

SAMPLE = Path(__file__).parent / "sample" / "aime_sample.jsonl"
YEARS = ("2024", "2025", "2026")
PER_YEAR = 30
PER_PART = 15

_YEAR = re.compile(r"(20\d\d)\b")
_PART = re.compile(r"-(I{1,2})-(\d{1,4})$")

_COLUMNS = {
    "text": ("problem", "Problem", "question", "Question"),
    "answer": ("answer", "Answer"),
    "id": ("id", "ID", "problem_idx"),
    "year": ("year", "Year"),
}
"""Copies of the same thirty problems name their columns differently."""

_MATHARENA = "eth-sri/matharena at 81f103e38b1df076afa65ee0a3ffbe148d42e6d2"
_HUB = {
    "2024": HubSource("Maxwell-Jia/AIME_2024", "8d88b2876a82a080e2f172cc9b25d0d9d2cb4792", "train", rows=PER_YEAR),
    "2025": HubSource("math-ai/aime25", "563bb8404243c5f09de6ec262f2db674fe5bce9b", "test", rows=PER_YEAR),
    "2026": HubSource("math-ai/aime26", "79037aebdb6580008fb960d17cb21fd3099083e3", "test", rows=PER_YEAR),
}
_CONTENT = {
    "2024": {"71861d90600a05c1a99fc8c202e32a308cdfffa20480cac161025c3b1c678a9b": _MATHARENA},
    "2025": {"cb6968f21f057a217a43284dc0694f36909ceac82f7ec282a9c3d0c35af72e92": _MATHARENA},
}


def read_questions(table: Table, collection: Collection) -> Sequence[Question]:
    """The problems of one year; if the table has a column for the year, only those of that year.

    Raises:
        DataError: the table does not have AIME's schema, has no problem of the year, or has ids of another year or of nonexistent problems;
            or it has 15 problems and does not say from which part.
    """
    year = collection.name.rpartition("_")[2]
    columns = find_columns(table, _COLUMNS, optional=("id", "year"))
    questions: list[Question] = []
    for number, row in enumerate(table.rows):
        if "year" in columns and str(row.get(columns["year"])) not in (year, "None", ""):
            continue
        text = cell(table, number, columns["text"], is_text, "a non-empty string")
        answer = integer_cell(table, number, columns["answer"])
        name = str(row.get(columns["id"], "")) if "id" in columns else ""
        _check_id(table, number, name, year)
        questions.append(_question(name or str(number + 1), text.strip(), answer, year, len(questions)))
    if not questions:
        raise DataError(f"{table.name} has no problems from {year}.", f"Choose another --split, or the data of {year}.")
    told = [one for one in questions if _PART.search(one.id)]
    if len(told) == len(questions) or len(questions) == PER_YEAR:
        return questions
    if len(questions) == PER_PART:
        raise DataError(
            f"{table.name} has {PER_PART} problems and does not say whether they are from AIME {year} I or II.",
            f"Give ids such as {year}-II-3, or all {PER_YEAR} problems.",
        )
    # If only some of a year's problems are given, their position in the file says nothing about the exam.
    return [one if one in told else replace(one, group=year, difficulty=None) for one in questions]


def _check_id(table: Table, number: int, name: str, year: str) -> None:
    other = _YEAR.match(name)
    if other and other.group(1) != year:
        raise DataError(
            f"{table.name}, row {number + 1}: the problem {name} is from {other.group(1)}, not {year}.",
            f"Choose --split {other.group(1)}, or name the data of {year}.",
        )
    part = _PART.search(name)
    if part and not 1 <= int(part.group(2)) <= PER_PART:
        raise DataError(
            f"{table.name}, row {number + 1}: there is no problem {name}; a part has {PER_PART}.", "Fix the data."
        )


def _question(name: str, text: str, answer: int, year: str, place: int) -> Question:
    part = _PART.search(name)
    exam = f"{year}-{part.group(1)}" if part else f"{year}-{'I' if place < PER_PART else 'II'}"
    return Question(
        id=name if name.startswith(year) else f"{year}-{name}",
        text=text,
        answer=answer,
        domain=year,
        group=exam,
        skill=skill_of(text),
        difficulty=float(int(part.group(2)) if part else place % PER_PART + 1),
    )


BENCHMARK = Benchmark(
    name="aime",
    collections=tuple(Collection(f"aime_{year}", _HUB[year], _CONTENT.get(year, {})) for year in YEARS),
    read=read_questions,
    licence="(c) Mathematical Association of America",
    text_columns=("answer", "Answer"),
)

IMPORTER = QuestionImporter(BENCHMARK)
"""What the environment's spec names as its importer; it has no state."""


class Aime(QuestionEnvironment):
    """A problem whose answer is an integer from 0 to 999; its domain is the year."""

    name: ClassVar[str] = "aime"
    data_splits = (*YEARS, "all")
    kind: ClassVar[Kind] = "integer"

    def read(self, split: str, data: str) -> QuestionSet:
        """See :class:`rbsuite_questions.environment.QuestionEnvironment`."""
        if split == "sample":
            return _sample()
        if split not in (*YEARS, "all"):
            raise UnknownNameError("split of aime", split, ["sample", *YEARS, "all"])
        source: dict[str, str] = {}
        questions: list[Question] = []
        for year in _years(split, data):
            name = f"aime_{year}"
            table = BENCHMARK.table(name, data)
            found = BENCHMARK.questions(name, table)
            source.update({f"{year} {key}": value for key, value in BENCHMARK.source(name, table, found).items()})
            questions += found
        return QuestionSet(questions, source, LESSONS)

    def at_hand(self, split: str, *, data: str = "") -> bool:
        """See :meth:`rbsuite.Environment.at_hand`."""
        return split == "sample" or BENCHMARK.at_hand([f"aime_{year}" for year in _years(split, data)], data)


def _years(split: str, data: str) -> Sequence[str]:
    """The years of a split: for ``all``, those that the data has, if it says so."""
    if split != "all":
        return [split]
    if Path(data).is_file():
        raise DataError(f"{data} is one file, but the split 'all' covers several years.", "Name a year with --split.")
    there = BENCHMARK.present(data)
    return [year for year in YEARS if f"aime_{year}" in there] or YEARS


def _sample() -> QuestionSet:
    table = read_sample(SAMPLE)
    questions = [
        Question(
            id=str(row["id"]),
            text=str(row["problem"]),
            answer=int(row["answer"]),
            domain="sample",
            group=str(row["family"]),
            skill=f"aime/{row['family']}",
            wrong=int(row["wrong"]),
        )
        for row in table.rows
    ]
    return QuestionSet(questions, table.source, sample_lessons(table.rows, "aime"))
