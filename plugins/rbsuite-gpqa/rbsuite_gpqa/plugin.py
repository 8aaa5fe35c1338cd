"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec, Option, Split

CITATION = (
    "David Rein, Betty Li Hou, Asa Cooper Stickland, Jackson Petty, Richard Yuanzhe Pang, Julien Dirani, Julian Michael, "
    "Samuel R. Bowman: GPQA: A Graduate-Level Google-Proof Q&A Benchmark. arXiv:2311.12022, 2023."
)

_READER = Option("reader", "str", "rbsuite", "convention that asks for answers and reads them")
_SEED = Option("choice_seed", "int", 0, "seed of the order of choices, which each question draws for itself", minimum=0)

_NOTES = (
    "One turn: a question with four choices in an order that depends on choice_seed and the question alone.",
    "The reader's id and the unparsed share stand beside every score: scores of different readers must not be mixed.",
    "Its authors ask that examples are not revealed in plain text: exports leave the text out unless told to reveal it.",
    "Data that is not imported is read from the hub: Idavidrein/gpqa at 633f5ee89ab8, which is gated (accept its conditions "
    "on its page, then `hf auth login`). --data takes a file (JSON lines, parquet, CSV), a directory laid out as on the hub, "
    "a pack, or the word hub.",
    "Chance level 25 %. The sample split was written by this project; its scores compare with nothing published.",
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """GPQA."""
    return [
        EnvironmentSpec(
            name="gpqa",
            summary="graduate-level biology, physics and chemistry with four choices",
            factory="rbsuite_gpqa.environment:Gpqa",
            options=(_READER, _SEED),
            version="1",
            splits=(
                Split(
                    "sample", "30 questions written by this project, in families that share a technique", bundled=True
                ),
                Split("diamond", "the 198 questions that experts agree on and others get wrong"),
                Split("main", "448 questions"),
                Split("extended", "546 questions"),
            ),
            domains=("biology", "chemistry", "physics"),
            action_mode="text",
            max_steps=10,
            refine="continue",
            agent="text",
            pack="gpqa",
            importer="rbsuite_gpqa.environment:IMPORTER",
            citation=CITATION,
            data_licence="CC-BY-4.0, gated; the sample: Apache-2.0",
            homepage="https://github.com/idavidrein/gpqa",
            notes=_NOTES,
            private=True,
        )
    ]
