"""What a text is worth as an answer: while an experiment runs, and again once it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from types import MappingProxyType
from typing import Any

from rbsuite.environments.rescorer import Rescorer
from rbsuite.trajectory import Grade, Trajectory
from rbsuite_questions.readers import READERS, Kind, Reader, Reading, get_reader
from rbsuite_questions.readers.base import UNPARSED


def read_answer(reader: Reader, kind: Kind, output: str, choices: Sequence[str]) -> Reading:
    """What a reader takes from an output.

    Args:
        reader: the reader.
        kind: kind of the answer.
        output: what the agent wrote.
        choices: the texts of the choices as shown; empty for an integer.
    """
    if kind == "integer":
        return reader.read_integer(output)
    return reader.read_choice(output, len(choices), choices)


def grade(reader: Reader, reading: Reading | None, details: Mapping[str, Any]) -> Grade:
    """The grade of what was read.

    Args:
        reader: what read it.
        reading: ``None`` if no answer was given.
        details: details of the question: ``gold``, ``kind`` and whatever else the truth should contain.
    """
    found = UNPARSED if reading is None else reading
    right = reader.is_right(found, details["gold"], details["kind"])
    truth = {**details, "answered": found.value, "how": found.how, "reader": reader.id, "unreadable": not found.parsed}
    return Grade(float(right), {"unparsed": float(not found.parsed)}, truth)


def _again(name: str, trajectory: Trajectory) -> Grade | None:
    if trajectory.grade is None:
        return None
    reader, truth = _reader(name), trajectory.grade.truth
    answered = trajectory.final is not None and trajectory.final.turn == "over"
    choices = [str(choice) for choice in trajectory.steps[0].observation.data.get("options", ())] if answered else []
    reading = read_answer(reader, truth["kind"], trajectory.steps[-1].action.text, choices) if answered else None
    return grade(reader, reading, truth)


@cache
def _reader(name: str) -> Reader:
    return get_reader(name)


def _rescorers(kind: Kind) -> Mapping[str, Rescorer]:
    fitting = {name: info for name, info in READERS.items() if kind in info.kinds}
    return MappingProxyType(
        {name: Rescorer(info.id, partial(_again, name), details=("answered",)) for name, info in fitting.items()}
    )


INTEGER_RESCORERS = _rescorers("integer")
CHOICE_RESCORERS = _rescorers("choice")
"""The readers of a kind of answer, for reading stored outputs again."""
