"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec, Split
from rbsuite_questions.declare import question_spec

CITATION = (
    "Mathematical Association of America: American Invitational Mathematics Examination (AIME), 2024, 2025, 2026."
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """AIME."""
    return [
        question_spec(
            "aime",
            "competition mathematics with integer answers from 0 to 999",
            "rbsuite_aime.environment:Aime",
            kind="integer",
            turn="a problem, and an answer that is an integer from 0 to 999; answers are compared as integers (025 is 25).",
            hub="Maxwell-Jia/AIME_2024 at 8d88b2876a82, math-ai/aime25 at 563bb8404243, math-ai/aime26 at 79037aebdb65",
            chance="0.1 %",
            splits=(
                Split(
                    "sample", "28 problems written by this project, in 7 families that share a technique", bundled=True
                ),
                Split("2024", "the 30 problems of AIME I and II 2024"),
                Split("2025", "the 30 problems of AIME I and II 2025"),
                Split("2026", "the 30 problems of AIME I and II 2026"),
                Split("all", "all three years, or those that a pack or directory has"),
            ),
            domains=("2024", "2025", "2026", "sample"),
            citation=CITATION,
            data_licence="problems (c) Mathematical Association of America, not part of this distribution; the sample: Apache-2.0",
            homepage="https://maa.org/maa-invitational-competitions/",
        )
    ]
