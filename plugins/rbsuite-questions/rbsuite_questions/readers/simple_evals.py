"""The convention of openai/simple-evals (commit ee3b0318): the first ``Answer:`` of an output."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from rbsuite_questions.readers.base import UNPARSED, BaseReader, ReaderInfo, Reading, choice, option_letters
from rbsuite_questions.readers.integers import normal_integer

_LINE = re.compile(r"(?i)answer\s*+:\s*+([^\n]++)")


class SimpleEvalsReader(BaseReader):
    """Takes the first ``Answer:``.

    The harness leaves the comparison of integers to a model. No model is used here: the text it extracts is in ``text``, and the value is
    that text as an integer, normalised as in the ``rbsuite`` convention.
    """

    info: ClassVar[ReaderInfo] = ReaderInfo(
        name="simple-evals",
        version=2,
        summary="first 'Answer: X'; letters in upper case only; integers compared as integers, not by a model",
        kinds=("integer", "choice"),
        benchmarks=("gpqa",),
        harness="openai/simple-evals",
        revision="ee3b0318d8d1d9d72755a4120879be65f7c07e9e",
        files=("common.py", "gpqa_eval.py", "math_eval.py"),
    )

    def read_integer(self, output: str) -> Reading:
        """Read the rest of the first ``Answer:`` line; ``how`` is ``answer_line``."""
        found = _LINE.search(output)
        if found is None:
            return UNPARSED
        value = normal_integer(found[1])
        return Reading(value, "answer_line" if value else "none", found[1])

    def read_choice(self, output: str, n_choices: int, options: Sequence[str] = ()) -> Reading:
        """Read the first ``Answer:`` followed by a letter of the options; a lower-case letter is found, but is never right."""
        letters = option_letters(n_choices)
        found = re.search(rf"(?i)answer[ \t]*+:[ \t]*+\$?([A-{letters[-1]}])", output)
        return choice(found[1] if found else None, letters, "answer_line")
