"""A small environment of questions for tests of the core: sums with integer answers, and capitals with four choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rbsuite.environments.solution import Skill
from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec, Option, Split
from rbsuite.task import TaskSet
from rbsuite_questions.environment import QuestionEnvironment
from rbsuite_questions.question import Question, QuestionResources, WorkedExample, choice_order
from rbsuite_questions.readers import Kind
from rbsuite_questions.sets import make_tasks

SKILLS = (
    Skill("quiz/carry", "Carry the one", "Write each carry above the next column.", "I leave the carries out."),
    Skill("quiz/map", "Look at the map", "Find the country on a map first.", "I name the largest city."),
)
CAPITALS = (("Peru", "Lima"), ("Kenya", "Nairobi"), ("Norway", "Oslo"), ("Japan", "Tokyo"), ("Chad", "N'Djamena"))
SECRET = "Which of these towns"


class Sums(QuestionEnvironment):
    """What is 25 + 38?"""

    kind: ClassVar[Kind] = "integer"

    @classmethod
    def load(cls, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        questions = [
            Question(
                f"sum-{n}", f"What is {25 * n} + 38?", 25 * n + 38, (), "sums", f"g{n % 3}", "quiz/carry", 25 * n + 28
            )
            for n in range(1, 13)
        ]
        return TaskSet(
            "sums", split, make_tasks(questions, domain), {"pack": "made here"}, QuestionResources(SKILLS[:1])
        )


class Capitals(QuestionEnvironment):
    """Four towns, one of them a capital."""

    protocol_shots: ClassVar[int] = 5

    @classmethod
    def load(cls, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        questions = [
            Question(
                f"capital-{n}", f"{SECRET} is the capital of {land}?", 0, _towns(n, town), f"d{n % 2}", "", "quiz/map"
            )
            for n, (land, town) in enumerate(CAPITALS)
        ]
        tasks = make_tasks(questions, domain, lambda one: choice_order(0, one.id, 4))
        example = WorkedExample("Which is the capital of Togo?", ("Lome", "Kara"), "Lome is on the coast.", "A")
        examples = {"d0": (example,), "d1": (example, example)}
        return TaskSet("capitals", split, tasks, {"pack": "made here"}, QuestionResources(SKILLS[1:], examples))


def _towns(number: int, right: str) -> tuple[str, ...]:
    others = [town for _, town in CAPITALS if town != right]
    return (right, *(others[(number + step) % 4] for step in range(3)))


def _spec(name: str, factory: str, **more: bool) -> EnvironmentSpec:
    return EnvironmentSpec(
        name,
        f"{name} for tests",
        f"{__name__}:{factory}",
        options=(Option("reader", "str", "rbsuite", "reads answers"),),
        splits=(Split("sample", "all of them", bundled=True),),
        agent="text",
        max_steps=6,
        **more,
    )


class QuizPlugin:
    """Declares both; the capitals are private."""

    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        return [_spec("sums", "Sums"), _spec("capitals", "Capitals", private=True)]
