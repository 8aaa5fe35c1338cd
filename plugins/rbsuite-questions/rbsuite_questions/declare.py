"""What the declarations of question-answering benchmarks have in common. Importing it loads nothing heavy."""

from __future__ import annotations

from typing import Any

from rbsuite.specs import EnvironmentSpec, Measure, Option

UNPARSED = Measure("unparsed", "share of rollouts without a readable answer; they count as wrong")


def question_spec(
    name: str,
    summary: str,
    factory: str,
    *,
    kind: str = "choice",
    reader: str = "rbsuite",
    options: tuple[Option, ...] = (),
    turn: str,
    hub: str,
    chance: str,
    notes: tuple[str, ...] = (),
    **more: Any,
) -> EnvironmentSpec:
    """The declaration of a benchmark whose environment is a :class:`rbsuite_questions.environment.QuestionEnvironment`.

    Args:
        name: name of the environment and its pack.
        summary: one line.
        factory: the environment's class; its module has the importer, as ``IMPORTER``.
        kind: kind of the answers: ``integer`` or ``choice``.
        reader: the default reader.
        options: what the factory takes besides the reader.
        turn: what is asked, and what an answer is.
        hub: where data that has not been imported is read from: data sets with their revisions.
        chance: what guessing scores.
        notes: additional notes.
        more: what differs between benchmarks, as fields of :class:`rbsuite.specs.EnvironmentSpec`.
    """
    return EnvironmentSpec(
        name=name,
        summary=summary,
        factory=factory,
        options=(Option("reader", "str", reader, "convention for asking for answers and reading them"), *options),
        version="1",
        action_mode="text",
        max_steps=10,
        refine="continue",
        agent="text",
        pack=name,
        importer=f"{factory.partition(':')[0]}:IMPORTER",
        measures=(UNPARSED,),
        rescorers=f"rbsuite_questions.grading:{kind.upper()}_RESCORERS",
        notes=(
            f"One turn: {turn}",
            "Every score is shown with the reader's id and the unparsed share: scores of different readers must not be mixed.",
            *notes,
            f"Data that is not imported is read from the hub: {hub}. --data takes a file (JSON lines, parquet, CSV), a directory laid "
            "out as on the hub, a pack, or the word hub.",
            f"Chance level {chance}. The sample split was written by this project; its scores are not comparable with published ones.",
        ),
        **more,
    )
