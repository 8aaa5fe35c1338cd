"""GPQA as an environment: where the questions come from, and how their rows are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from rbsuite.environments.solution import Lesson
from rbsuite.errors import UnknownNameError
from rbsuite_questions.environment import QuestionEnvironment
from rbsuite_questions.question import Question, QuestionSet, choice_order
from rbsuite_questions.rows import HubSource, Row, Table, cell, find_columns, is_text, text_cell
from rbsuite_questions.sets import Benchmark, Collection, QuestionImporter, read_sample, sample_lessons

SAMPLE = Path(__file__).parent / "sample" / "gpqa_sample.jsonl"
REPOSITORY = "Idavidrein/gpqa"
REVISION = "633f5ee89ab8ad4522a9f850766b73f62147ffdd"
_SIMPLE_EVALS = {
    "41d1213cd7a4998605a26c2798500652572007161b3a92817ba46b35befcd305": "gpqa_diamond.csv as openai/simple-evals has it"
}
ROWS = {"diamond": 198, "main": 448, "extended": 546}

CHOICES = ("Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")
"""The columns of the choices, the correct one first."""

_COLUMNS = {
    "text": ("Question",),
    **{name: (name,) for name in CHOICES},
    "id": ("Record ID",),
    "domain": ("High-level domain",),
    "group": ("Subdomain",),
}

LESSONS = {
    "gpqa/biology": Lesson(
        "Trace the mechanism step by step",
        "Name each molecule or cell that takes part, follow the effect through every step, and drop a choice where it breaks.",
        "I take the choice whose terms sound closest to the question and trace no mechanism.",
    ),
    "gpqa/chemistry": Lesson(
        "Balance before you compare",
        "Write down the balanced reaction with its stereochemistry, and count atoms, charge and equivalents in every choice.",
        "I go by the reagent's usual product and do not check atoms or charge.",
    ),
    "gpqa/physics": Lesson(
        "Let units and limits decide",
        "Derive the result in symbols, check its units and limiting cases, and put in numbers only at the end.",
        "I put numbers into the first formula that comes to mind and look at no limiting case.",
    ),
}
"""For official data, one per domain: general advice in this project's words."""


def read_questions(table: Table, collection: Collection) -> Sequence[Question]:
    """The questions of a table, with the correct choice first.

    Raises:
        DataError: the table does not have GPQA's schema.
    """
    columns = find_columns(table, _COLUMNS, optional=("id", "domain", "group"))
    return [_question(table, number, row, columns) for number, row in enumerate(table.rows)]


def _question(table: Table, number: int, row: Row, columns: Any) -> Question:
    choices = tuple(str(cell(table, number, columns[name], is_text, "a non-empty string")).strip() for name in CHOICES)
    domain = text_cell(row, columns.get("domain")).lower()
    skill = f"gpqa/{domain}"
    wrong = str(row.get("wrong", "")).strip()
    return Question(
        id=text_cell(row, columns.get("id")) or str(number + 1),
        text=str(cell(table, number, columns["text"], is_text, "a non-empty string")).strip(),
        answer=0,
        choices=choices,
        domain=domain,
        group=text_cell(row, columns.get("group")) or domain,
        skill=skill if skill in LESSONS else "",
        wrong=choices.index(wrong) if wrong in choices[1:] else None,
    )


BENCHMARK = Benchmark(
    name="gpqa",
    collections=tuple(
        Collection(
            f"gpqa_{name}",
            HubSource(REPOSITORY, REVISION, "train", f"gpqa_{name}", gated=True, rows=rows),
            _SIMPLE_EVALS if name == "diamond" else {},
        )
        for name, rows in ROWS.items()
    ),
    read=read_questions,
    licence="CC-BY-4.0; its authors ask that examples are not revealed in plain text online",
    text_columns=CHOICES,
)

IMPORTER = QuestionImporter(BENCHMARK)
"""What the environment's spec names as its importer; it has no state."""


class Gpqa(QuestionEnvironment):
    """A question with four choices.

    Args:
        reader: see :class:`rbsuite_questions.environment.QuestionEnvironment`.
        choice_seed: seed of the order of choices.
    """

    name: ClassVar[str] = "gpqa"
    data_splits = tuple(ROWS)

    def __init__(self, *, reader: str = "rbsuite", choice_seed: int = 0) -> None:
        super().__init__(reader=reader)
        self._choice_seed = choice_seed

    def read(self, split: str, data: str) -> QuestionSet:
        """See :class:`rbsuite_questions.environment.QuestionEnvironment`."""
        if split not in ("sample", *ROWS):
            raise UnknownNameError("split of gpqa", split, ["sample", *ROWS])
        seed = {"choice_seed": str(self._choice_seed)}
        if split == "sample":
            table = read_sample(SAMPLE)
            families = [str(row["family"]) for row in table.rows]
            sample = [
                replace(question, group=family, skill=f"gpqa/{family}")
                for question, family in zip(read_questions(table, BENCHMARK.collections[0]), families, strict=True)
            ]
            return QuestionSet(sample, {**table.source, **seed}, sample_lessons(table.rows, "gpqa"))
        table = BENCHMARK.table(f"gpqa_{split}", data)
        questions = BENCHMARK.questions(f"gpqa_{split}", table)
        return QuestionSet(questions, {**BENCHMARK.source(f"gpqa_{split}", table, questions), **seed}, LESSONS)

    def order(self, question: Question) -> Sequence[int]:
        """An order that depends only on the seed and the question: the data has the correct choice first."""
        return choice_order(self._choice_seed, question.id, len(question.choices))

    def at_hand(self, split: str, *, data: str = "") -> bool:
        """See :meth:`rbsuite.Environment.at_hand`."""
        return split == "sample" or BENCHMARK.at_hand([f"gpqa_{split}"], data)
