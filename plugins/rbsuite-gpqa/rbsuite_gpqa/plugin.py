"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec, Option, Split
from rbsuite_questions.declare import question_spec

CITATION = (
    "David Rein, Betty Li Hou, Asa Cooper Stickland, Jackson Petty, Richard Yuanzhe Pang, Julien Dirani, Julian Michael, "
    "Samuel R. Bowman: GPQA: A Graduate-Level Google-Proof Q&A Benchmark. arXiv:2311.12022, 2023."
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """GPQA."""
    return [
        question_spec(
            "gpqa",
            "graduate-level biology, physics and chemistry with four choices",
            "rbsuite_gpqa.environment:Gpqa",
            options=(
                Option(
                    "choice_seed",
                    "int",
                    0,
                    "seed of the order of choices, drawn for each question",
                    minimum=0,
                ),
            ),
            turn="a question with four choices in an order that depends only on choice_seed and the question.",
            hub="Idavidrein/gpqa at 633f5ee89ab8, which is gated (accept its conditions on its page, then `hf auth login`)",
            chance="25 %",
            notes=(
                "Its authors ask that examples are not revealed in plain text: exports leave the text out unless told to reveal it.",
            ),
            splits=(
                Split(
                    "sample", "30 questions written by this project, in families that share a technique", bundled=True
                ),
                Split("diamond", "the 198 questions that experts agree on and others get wrong"),
                Split("main", "448 questions"),
                Split("extended", "546 questions"),
            ),
            domains=("biology", "chemistry", "physics"),
            citation=CITATION,
            data_licence="CC-BY-4.0, gated; the sample: Apache-2.0",
            homepage="https://github.com/idavidrein/gpqa",
            private=True,
        )
    ]
