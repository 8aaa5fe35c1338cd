"""Questions of question-answering benchmarks as records, and the tasks made of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rbsuite.environments.solution import Lesson
from rbsuite.errors import DataError
from rbsuite.seeds import derive_seed
from rbsuite.task import Task
from rbsuite_questions.readers.base import LETTERS

INTEGERS = 1000
"""Integer answers range from 0 to 999."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question with one right answer.

    Attributes:
        id: unique within its set.
        text: the question.
        answer: the right answer: an integer from 0 to 999, or the index of the right choice.
        choices: the texts of the choices; empty if the answer is an integer.
        domain, group: see :class:`rbsuite.Task`.
        skill: id of the skill it exercises, for the simulated learner; empty for none.
        wrong: the answer of someone who lacks the skill; ``None``: any other one, chosen by the question's id.
        difficulty: a rank, if there is one.
    """

    id: str
    text: str
    answer: int
    choices: tuple[str, ...] = ()
    domain: str = ""
    group: str = ""
    skill: str = ""
    wrong: int | None = None
    difficulty: float | None = None

    @property
    def chance(self) -> float:
        """What guessing scores."""
        return 1 / (len(self.choices) or INTEGERS)


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """A question with its solution, for prompts with examples.

    Attributes:
        text, choices: as in :class:`Question`.
        reasoning: the solution without its closing line.
        answer: the answer as it is written: digits, or a letter.
    """

    text: str
    choices: tuple[str, ...]
    reasoning: str
    answer: str


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """The questions of a split, and what belongs to them.

    Attributes:
        questions: in native order.
        source: where they come from, for the manifest.
        lessons: the lessons of their skills, for the simulated learner, by skill id.
        examples: worked examples by domain.
    """

    questions: Sequence[Question]
    source: Mapping[str, str] = field(default_factory=dict)
    lessons: Mapping[str, Lesson] = field(default_factory=dict)
    examples: Mapping[str, tuple[WorkedExample, ...]] = field(default_factory=dict)


def choice_order(seed: int, question_id: str, n: int) -> list[int]:
    """The order in which ``n`` choices are shown: choice ``order[i]`` comes at position ``i``.

    It depends only on the seed and the question, not on its position in a file, on filters or on repeats.
    """
    return random.Random(f"{seed}:{question_id}").sample(range(n), n)


def question_text(text: str, choices: Sequence[str]) -> str:
    """A question as it is shown: its text, and each choice after its letter."""
    if not choices:
        return text
    return "\n".join([text, "", *(f"{letter}) {choice}" for letter, choice in zip(LETTERS, choices, strict=False))])


def asked(text: str, choices: Sequence[str]) -> str:
    """What a question asks, for :func:`rbsuite.twins.find_twins`: the order of the choices does not matter."""
    return "\n".join([text, *sorted(choices)])


def make_task(question: Question, order: Sequence[int] | None = None) -> Task:
    """The task of a question.

    Args:
        question: the question.
        order: the order of its choices; ``None``: as they are.

    Raises:
        DataError: the answer is not an integer from 0 to 999, or not one of the choices.
    """
    n = len(question.choices) or INTEGERS
    if len(question.choices) > len(LETTERS) or not 0 <= question.answer < n:
        wanted = f"one of its {n} choices" if question.choices else "an integer from 0 to 999"
        raise DataError(f"question {question.id}: the answer {question.answer} is not {wanted}.", "Fix the data.")
    answer, wrong, choices = question.answer, _wrong(question, n), question.choices
    if choices and order is not None:
        choices = tuple(choices[index] for index in order)
        answer, wrong = order.index(answer), order.index(wrong)
    written = LETTERS.__getitem__ if choices else str
    payload = {
        "text": question.text,
        "choices": choices,
        "answer": written(answer),
        "wrong": written(wrong),
        "skill": question.skill,
        "order": tuple(order) if choices and order is not None else (),
    }
    query = question_text(question.text, choices)
    group = question.group or question.id
    return Task(question.id, group, question.domain, query, payload, question.difficulty)


def make_tasks(
    questions: Iterable[Question], domain: str = "", order: Callable[[Question], Sequence[int] | None] = lambda _: None
) -> tuple[Task, ...]:
    """The tasks of questions.

    Args:
        questions: the questions, in order.
        domain: only those of this domain; empty: all.
        order: the order in which a question shows its choices; if it returns ``None``: as they are.

    Raises:
        DataError: a question has no right answer, or none is left.
    """
    tasks = tuple(make_task(question, order(question)) for question in questions if domain in ("", question.domain))
    if not tasks:
        raise DataError(f"no question is in the domain {domain!r}." if domain else "there are no questions.", "")
    return tasks


def _wrong(question: Question, n: int) -> int:
    if question.wrong is not None and 0 <= question.wrong < n:
        return question.wrong
    return (question.answer + 1 + derive_seed("wrong", question.id) % max(1, n - 1)) % n
