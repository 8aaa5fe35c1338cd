"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec, Option, Split
from rbsuite_questions.declare import question_spec

CITATION = (
    "Yubo Wang et al.: MMLU-Pro: A More Robust and Challenging Multi-Task Language Understanding Benchmark. "
    "arXiv:2406.01574, 2024."
)
CATEGORIES = (
    "math",
    "physics",
    "chemistry",
    "law",
    "engineering",
    "other",
    "economics",
    "health",
    "psychology",
    "business",
    "biology",
    "philosophy",
    "computer science",
    "history",
)
_SHOTS = Option(
    "shots",
    "int",
    -1,
    "worked examples of the category in the prompt; -1: five if the data has any, otherwise none",
    minimum=-1,
    maximum=5,
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """MMLU-Pro."""
    return [
        question_spec(
            "mmlu-pro",
            "questions in 14 categories with up to ten choices",
            "rbsuite_mmlu_pro.environment:MmluPro",
            reader="mmlu-pro",
            options=(_SHOTS,),
            turn="a question with up to ten choices in the order of the file.",
            hub="TIGER-Lab/MMLU-Pro at 527feea0afed",
            chance="11.09 % on the whole test split, not 10 %: questions have 3 to 10 choices",
            notes=(
                "The reader mmlu-pro is for comparisons with published figures; unlike upstream's scripts, it does not guess where "
                "nothing can be read. rbsuite is the strict one.",
                "Worked examples come from the validation split; data without it (a pack with only the test split) is asked zero-shot, "
                "and the result says so.",
                "Upstream has silently changed 48 rows of the test split; the manifest says how many rows are from the older release.",
            ),
            splits=(
                Split("sample", "42 questions written by this project, three per category", bundled=True),
                Split("test", "upstream's 12,032 questions"),
                Split("validation", "upstream's 70 worked examples, as questions; asked zero-shot"),
            ),
            domains=CATEGORIES,
            citation=CITATION,
            data_licence="MIT by its card on the hub, Apache-2.0 by its repository; the sample: Apache-2.0",
            homepage="https://github.com/TIGER-AI-Lab/MMLU-Pro",
        )
    ]
