"""Small environments of questions: sums with integer answers, and capitals with four choices."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, ClassVar

from rbsuite.environments.solution import Lesson
from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import BUILTIN, Plugins
from rbsuite.specs import EnvironmentSpec, Split
from rbsuite_questions.declare import question_spec
from rbsuite_questions.environment import QuestionEnvironment
from rbsuite_questions.question import Question, QuestionSet, WorkedExample, choice_order
from rbsuite_questions.readers import Kind

CARRY = {"quiz/carry": Lesson("Carry the one", "Write each carry above the next column.", "I leave the carries out.")}
MAP = {"quiz/map": Lesson("Look at the map", "Find the country on a map first.", "I name the largest city.")}
CAPITALS = (("Peru", "Lima"), ("Kenya", "Nairobi"), ("Norway", "Oslo"), ("Japan", "Tokyo"), ("Chad", "N'Djamena"))


class Sums(QuestionEnvironment):
    """What is 25 + 38?"""

    name: ClassVar[str] = "sums"
    kind: ClassVar[Kind] = "integer"

    def read(self, split: str, data: str) -> QuestionSet:
        questions = [
            Question(
                f"sum-{n}", f"What is {25 * n} + 38?", 25 * n + 38, (), "sums", f"g{n % 3}", "quiz/carry", 25 * n + 28
            )
            for n in range(1, 13)
        ]
        return QuestionSet(questions, {"pack": "made here"}, CARRY)


class Capitals(QuestionEnvironment):
    """Four towns, one of them a capital."""

    name: ClassVar[str] = "capitals"
    protocol_shots: ClassVar[int] = 5

    def read(self, split: str, data: str) -> QuestionSet:
        questions = [
            Question(
                f"capital-{n}", f"Which is the capital of {land}?", 0, _towns(n, town), f"d{n % 2}", "", "quiz/map"
            )
            for n, (land, town) in enumerate(CAPITALS)
        ]
        example = WorkedExample("Which is the capital of Togo?", ("Lome", "Kara"), "Lome is on the coast.", "A")
        examples = {"d0": (example,), "d1": (example, example)}
        return QuestionSet(questions, {"pack": "made here"}, MAP, examples)

    def order(self, question: Question) -> Sequence[int]:
        return choice_order(0, question.id, 4)


def _towns(number: int, right: str) -> tuple[str, ...]:
    others = [town for _, town in CAPITALS if town != right]
    return (right, *(others[(number + step) % 4] for step in range(3)))


def _spec(name: str, factory: str, **more: Any) -> EnvironmentSpec:
    return question_spec(
        name,
        f"{name} for tests",
        f"{__name__}:{factory}",
        turn="a question.",
        hub="nowhere",
        chance="low",
        splits=(Split("sample", "all of them", bundled=True),),
        **more,
    )


class QuizPlugin:
    """Declares both; the capitals are private."""

    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        return [_spec("sums", "Sums", kind="integer"), _spec("capitals", "Capitals", private=True)]


def quiz_plugins(*more: object) -> Plugins:
    """The built-in plugins, that of this distribution, the quiz, and the given ones, whatever else is installed."""
    found = Plugins()
    for module in (*BUILTIN, "rbsuite_questions.plugin"):
        found.register(import_module(module), module, "built in")
    for number, plugin in enumerate(more or (QuizPlugin(),)):
        found.register(plugin, f"quiz-{number}")
    return found
