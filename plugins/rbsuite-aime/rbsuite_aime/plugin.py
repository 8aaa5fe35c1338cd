"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec, Option, Split

CITATION = (
    "Mathematical Association of America: American Invitational Mathematics Examination (AIME), 2024, 2025, 2026."
)

_READER = Option("reader", "str", "rbsuite", "convention that asks for answers and reads them")

_NOTES = (
    "One turn: a problem, and an answer that is an integer from 0 to 999; answers are compared as integers (025 is 25).",
    "The reader's id and the unparsed share stand beside every score: scores of different readers must not be mixed.",
    "Data that is not imported is read from the hub at pinned revisions: Maxwell-Jia/AIME_2024 (8d88b2876a82), "
    "math-ai/aime25 (563bb8404243), math-ai/aime26 (79037aebdb65). --data takes a file (JSON lines, parquet, CSV), a "
    "directory laid out as on the hub, a pack, or the word hub.",
    "Chance level 0.1 %. The sample split was written by this project; its scores compare with nothing published.",
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """AIME."""
    return [
        EnvironmentSpec(
            name="aime",
            summary="competition mathematics with integer answers from 0 to 999",
            factory="rbsuite_aime.environment:Aime",
            options=(_READER,),
            version="1",
            splits=(
                Split(
                    "sample", "28 problems written by this project, in 7 families that share a technique", bundled=True
                ),
                Split("2024", "the 30 problems of AIME I and II 2024"),
                Split("2025", "the 30 problems of AIME I and II 2025"),
                Split("2026", "the 30 problems of AIME I and II 2026"),
                Split("all", "all three years; of a pack or a directory those that it has"),
            ),
            domains=("2024", "2025", "2026"),
            action_mode="text",
            max_steps=10,
            refine="continue",
            agent="text",
            pack="aime",
            importer="rbsuite_aime.environment:IMPORTER",
            citation=CITATION,
            data_licence="problems (c) Mathematical Association of America, not part of this distribution; the sample: Apache-2.0",
            homepage="https://maa.org/maa-invitational-competitions/",
            notes=_NOTES,
        )
    ]
