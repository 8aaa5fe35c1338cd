"""GPQA as an environment: where the questions come from, and how their rows are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from rbsuite.answers import Kind
from rbsuite.environments.question import QuestionEnvironment
from rbsuite.environments.question_data import Question, QuestionResources, choice_order
from rbsuite.environments.question_rows import HubSource, Row, Table, cell, find_columns, is_text
from rbsuite.environments.question_sets import (
    Benchmark,
    Collection,
    QuestionImporter,
    make_tasks,
    read_sample,
    sample_skills,
)
from rbsuite.environments.solution import Skill
from rbsuite.errors import UnknownNameError
from rbsuite.task import TaskSet

SAMPLE = Path(__file__).parent / "sample" / "gpqa_sample.jsonl"
REPOSITORY = "Idavidrein/gpqa"
REVISION = "633f5ee89ab8ad4522a9f850766b73f62147ffdd"
_SIMPLE_EVALS = {
    "41d1213cd7a4998605a26c2798500652572007161b3a92817ba46b35befcd305": "gpqa_diamond.csv as openai/simple-evals has it"
}
ROWS = {"diamond": 198, "main": 448, "extended": 546}

CHOICES = ("Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")
"""The columns of the choices, the right one first."""

_COLUMNS = {
    "text": ("Question",),
    **{name: (name,) for name in CHOICES},
    "id": ("Record ID",),
    "domain": ("High-level domain",),
    "group": ("Subdomain",),
}

SKILLS = (
    Skill(
        "gpqa/biology",
        "Trace the mechanism step by step",
        "Name each molecule or cell that takes part, follow the effect through every step, and drop a choice where it breaks.",
        "I take the choice whose terms sound closest to the question and trace no mechanism.",
    ),
    Skill(
        "gpqa/chemistry",
        "Balance before you compare",
        "Write down the balanced reaction with its stereochemistry, and count atoms, charge and equivalents in every choice.",
        "I go by the reagent's usual product and do not check atoms or charge.",
    ),
    Skill(
        "gpqa/physics",
        "Let units and limits decide",
        "Derive the result in symbols, check its units and limiting cases, and put in numbers only at the end.",
        "I put numbers into the first formula that comes to mind and look at no limiting case.",
    ),
)
"""For official data, one a domain: general advice in this project's words."""


def read_questions(table: Table, collection: Collection) -> Sequence[Question]:
    """The questions of a table, their right choice first.

    Raises:
        DataError: the table is not of GPQA's schema.
    """
    columns = find_columns(table, _COLUMNS, optional=("id", "domain", "group"))
    return [_question(table, number, row, columns) for number, row in enumerate(table.rows)]


def _question(table: Table, number: int, row: Row, columns: Any) -> Question:
    choices = tuple(str(cell(table, number, columns[name], is_text, "a text")).strip() for name in CHOICES)
    domain = str(row.get(columns.get("domain", ""), "")).strip().lower()
    skill = f"gpqa/{domain}"
    wrong = str(row.get("wrong", "")).strip()
    return Question(
        id=str(row.get(columns.get("id", "")) or number + 1),
        text=str(cell(table, number, columns["text"], is_text, "a text")).strip(),
        answer=0,
        choices=choices,
        domain=domain,
        group=str(row.get(columns.get("group", "")) or domain),
        skill=skill if any(skill == known.id for known in SKILLS) else "",
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
        tasks: the task set; default: the sample.
        reader: see :class:`rbsuite.environments.question.QuestionEnvironment`.
        choice_seed: the seed by which the tasks were loaded.
    """

    kind: ClassVar[Kind] = "choice"
    load_options: ClassVar[tuple[str, ...]] = ("choice_seed",)

    def __init__(self, tasks: TaskSet | None = None, *, reader: str = "rbsuite", choice_seed: int = 0) -> None:
        super().__init__(
            tasks if tasks is not None else type(self).load("sample", choice_seed=choice_seed), reader=reader
        )

    @classmethod
    def load(cls, split: str, *, domain: str = "", data: str = "", choice_seed: int = 0) -> TaskSet:
        """See :meth:`rbsuite.Environment.load`.

        Args:
            choice_seed: seed of the order of choices.
        """
        if split not in ("sample", *ROWS):
            raise UnknownNameError("split of gpqa", split, ["sample", *ROWS])
        skills: tuple[Skill, ...] = SKILLS
        if split == "sample":
            table = read_sample(SAMPLE)
            skills = sample_skills(table.rows, "gpqa")
            questions = _with_families(table)
            source = dict(table.source)
        else:
            table = BENCHMARK.table(f"gpqa_{split}", data)
            questions = BENCHMARK.questions(f"gpqa_{split}", table)
            source = BENCHMARK.source(f"gpqa_{split}", table, questions)
        tasks = make_tasks(questions, domain, lambda one: choice_order(choice_seed, one.id, len(one.choices)))
        return TaskSet("gpqa", split, tasks, {**source, "choice_seed": str(choice_seed)}, QuestionResources(skills))

    @classmethod
    def at_hand(cls, split: str, *, data: str = "") -> bool:
        """See :meth:`rbsuite.Environment.at_hand`."""
        return split == "sample" or BENCHMARK.at_hand([f"gpqa_{split}"], data)


def _with_families(table: Table) -> Sequence[Question]:
    from dataclasses import replace

    questions = read_questions(table, BENCHMARK.collections[0])
    families = [str(row["family"]) for row in table.rows]
    return [replace(one, group=family, skill=f"gpqa/{family}") for one, family in zip(questions, families, strict=True)]
