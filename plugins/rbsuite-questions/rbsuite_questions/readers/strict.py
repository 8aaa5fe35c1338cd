"""The ``rbsuite`` convention: strict, without guesses. What it accepts and rejects is listed in ``docs/answers.md``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rbsuite_questions.readers.base import BaseReader, ReaderInfo, Reading
from rbsuite_questions.readers.strict_choice import read_strict_choice, read_strict_choice_anywhere
from rbsuite_questions.readers.strict_integer import read_strict_integer, read_strict_integer_anywhere


class StrictReader(BaseReader):
    """Reads what an output states as its answer, in any common form, and nothing that it does not state."""

    info: ClassVar[ReaderInfo] = ReaderInfo(
        name="rbsuite",
        version=3,
        summary="strict: a box, an answer line or a bare last line; no guesses",
        kinds=("integer", "choice"),
    )

    def read_integer(self, output: str) -> Reading:
        """Read an integer from 0 to 999."""
        return read_strict_integer(output)

    def read_choice(self, output: str, n_choices: int, options: Sequence[str] = ()) -> Reading:
        """Read a letter; the options' texts are not used."""
        return read_strict_choice(output, n_choices)


class StrictReader2(StrictReader):
    """The version before: it also read answers in fences and quotes, and fewer wrappings."""

    info: ClassVar[ReaderInfo] = replace(StrictReader.info, version=2)

    def read_integer(self, output: str) -> Reading:
        """Read an integer from 0 to 999."""
        return read_strict_integer_anywhere(output)

    def read_choice(self, output: str, n_choices: int, options: Sequence[str] = ()) -> Reading:
        """Read a letter; the options' texts are not used."""
        return read_strict_choice_anywhere(output, n_choices)
