"""MMLU-Pro as an environment: where the questions come from, and how their rows are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from rbsuite.errors import DataError, UnknownNameError
from rbsuite_mmlu_pro.releases import changed_rows, count_releases, row_hash
from rbsuite_mmlu_pro.skills import LESSONS
from rbsuite_questions.environment import ALL_SHOTS, QuestionEnvironment
from rbsuite_questions.question import Question, QuestionSet, WorkedExample
from rbsuite_questions.readers import LETTERS
from rbsuite_questions.rows import HUB, HubSource, Row, Table, cell, doubtful_choices, find_columns, is_text
from rbsuite_questions.sets import Benchmark, Collection, QuestionImporter, read_sample, sample_lessons

SAMPLE = Path(__file__).parent / "sample"
REPOSITORY = "TIGER-Lab/MMLU-Pro"
REVISION = "527feea0afed1de15a8c115abf7be4c912123315"
TEST, VALIDATION = "mmlu_pro_test", "mmlu_pro_validation"
ROWS = {"test": 12_032, "validation": 70}

_COLUMNS = {
    "id": ("question_id",),
    "text": ("question",),
    "options": ("options",),
    "answer": ("answer",),
    "index": ("answer_index",),
    "category": ("category",),
    "src": ("src",),
    "reasoning": ("cot_content",),
}
_CONTENT = "23e965065b86ede3d50b3f4e91655bab0c98497e5ce104f249e94a62e989597a"
"""Digest of the 12,032 questions and answers behind upstream's runs of October 2024."""

_NAMED = 10
"""How many rows of a kind are named."""

_OPENING = re.compile(r"\A\s*A: *(?:Let's think step by step\.)?\s*")
_CLOSING = re.compile(r"\s*(?:So|Thus|Therefore|Hence)?,?\s*the answer is \(?[A-J]\)?\.?\s*\Z", re.IGNORECASE)


def read_questions(table: Table, collection: Collection) -> Sequence[Question]:
    """The questions of a table, in its order.

    Raises:
        DataError: the table does not have MMLU-Pro's schema.
    """
    columns = find_columns(table, _COLUMNS, optional=("src", "reasoning", "index"))
    return [_question(table, number, row, columns) for number, row in enumerate(table.rows)]


def _question(table: Table, number: int, row: Row, columns: Mapping[str, str]) -> Question:
    options = tuple(cell(table, number, columns["options"], _is_options, "a list of 1 to 10 strings"))
    answer = cell(
        table, number, columns["answer"], lambda value: _is_letter(value, len(options)), "the letter of an option"
    )
    category = str(cell(table, number, columns["category"], is_text, "a non-empty string"))
    skill = f"mmlu-pro/{category}"
    wrong = str(row.get("wrong", ""))
    return Question(
        id=str(row[columns["id"]]),
        text=str(cell(table, number, columns["text"], is_text, "a non-empty string")).strip(),
        answer=LETTERS.index(answer),
        choices=tuple(option.strip() for option in options),
        domain=category,
        group=str(row.get(columns.get("src", "")) or category),
        skill=skill if skill in LESSONS else "",
        wrong=LETTERS.index(wrong) if _is_letter(wrong, len(options)) else None,
    )


def _is_options(value: Any) -> bool:
    return isinstance(value, list | tuple) and 1 <= len(value) <= 10 and all(isinstance(one, str) for one in value)


def _is_letter(value: Any, n: int) -> bool:
    return isinstance(value, str) and len(value) == 1 and value in LETTERS[:n]


BENCHMARK = Benchmark(
    name="mmlu-pro",
    collections=(
        Collection(
            TEST,
            HubSource(REPOSITORY, REVISION, "test", rows=ROWS["test"]),
            {_CONTENT: "TIGER-AI-Lab/MMLU-Pro at f418b116db00b065c2aea046518d8fcf74d39872"},
        ),
        Collection(VALIDATION, HubSource(REPOSITORY, REVISION, "validation", rows=ROWS["validation"]), {}),
    ),
    read=read_questions,
    licence="MIT by its card on the hub, Apache-2.0 by its repository",
    told_apart=True,
)

IMPORTER = QuestionImporter(BENCHMARK)
"""What the environment's spec names as its importer; it has no state."""


class MmluPro(QuestionEnvironment):
    """A question with up to ten choices, in the order of the file.

    Args:
        reader: see :class:`rbsuite_questions.environment.QuestionEnvironment`.
        shots: see :class:`rbsuite_questions.environment.QuestionEnvironment`.
    """

    name: ClassVar[str] = "mmlu-pro"
    data_splits = tuple(ROWS)
    protocol_shots: ClassVar[int] = 5

    def __init__(self, *, reader: str = "mmlu-pro", shots: int = ALL_SHOTS) -> None:
        super().__init__(reader=reader, shots=shots)

    def read(self, split: str, data: str) -> QuestionSet:
        """See :class:`rbsuite_questions.environment.QuestionEnvironment`."""
        if split == "sample":
            return _sample()
        if split not in ROWS:
            raise UnknownNameError("split of mmlu-pro", split, ["sample", *ROWS])
        name = f"mmlu_pro_{split}"
        table = BENCHMARK.table(name, data)
        questions = BENCHMARK.questions(name, table)
        source = BENCHMARK.source(name, table, questions) | _doubts(table)
        examples: Mapping[str, tuple[WorkedExample, ...]] = {}
        if split == "test":
            changed = [one for one in questions if one.id in changed_rows()]
            counts = count_releases((one.id, row_hash(one.text, one.choices, LETTERS[one.answer])) for one in changed)
            if sum(counts.values()):
                told = f"{counts['newer']} newer, {counts['older']} older, {counts['other']} other"
                source |= {"changed_rows": told}
            worked = _validation(data)
            if worked is not None:
                examples = worked_examples(worked)
                source |= {f"validation {key}": value for key, value in worked.source.items()}
        return QuestionSet(questions, source, LESSONS, examples)

    def facts(self) -> Mapping[str, Any]:
        """Besides the usual ones: which release the rows that upstream changed come from, and rows that contradict themselves."""
        noted = {key: self.source[key] for key in ("changed_rows", "doubtful_rows") if key in self.source}
        return {**super().facts(), **noted}

    def at_hand(self, split: str, *, data: str = "") -> bool:
        """See :meth:`rbsuite.Environment.at_hand`."""
        return split == "sample" or BENCHMARK.at_hand([f"mmlu_pro_{split}"], data)


def worked_examples(table: Table) -> Mapping[str, tuple[WorkedExample, ...]]:
    """The worked examples of a validation table by category; the closing phrase of each is left to the reader's form.

    Raises:
        DataError: the table does not have MMLU-Pro's schema.
    """
    questions = read_questions(table, BENCHMARK.collection(VALIDATION))
    found: dict[str, list[WorkedExample]] = {}
    for row, question in zip(table.rows, questions, strict=True):
        reasoning = _CLOSING.sub("", _OPENING.sub("", str(row.get("cot_content", ""))))
        example = WorkedExample(question.text, question.choices, reasoning, LETTERS[question.answer])
        found.setdefault(question.domain, []).append(example)
    return {category: tuple(examples) for category, examples in found.items()}


def _validation(data: str) -> Table | None:
    """The validation table that belongs to the test data; ``None`` if it has none."""
    if not data and not BENCHMARK.at_hand([TEST], data):
        data = HUB  # test came from the hub
    if data != HUB and VALIDATION not in BENCHMARK.present(data):
        if not Path(data).is_dir() or TEST in BENCHMARK.present(data) or not data:
            return None
        try:
            return BENCHMARK.table(VALIDATION, data)
        except DataError:
            return None
    return BENCHMARK.table(VALIDATION, data)


def _doubts(table: Table) -> dict[str, str]:
    """The rows that contradict themselves, in words; the letter counts, as in upstream's scripts."""
    found = doubtful_choices(table, find_columns(table, _COLUMNS, optional=("src", "reasoning", "index")))
    words = "; ".join(f"{what}: {', '.join(ids[:_NAMED])}{' ...' * (len(ids) > _NAMED)}" for what, ids in found.items())
    return {"doubtful_rows": words} if words else {}


def _sample() -> QuestionSet:
    table = read_sample(SAMPLE / "mmlu_pro_sample.jsonl")
    worked = read_sample(SAMPLE / "mmlu_pro_validation.jsonl")
    questions = [
        replace(one, group=str(row["family"]), skill=f"mmlu-pro/{row['family']}")
        for one, row in zip(read_questions(table, BENCHMARK.collection(TEST)), table.rows, strict=True)
    ]
    return QuestionSet(questions, table.source, sample_lessons(table.rows, "mmlu-pro"), worked_examples(worked))
