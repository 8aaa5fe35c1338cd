"""What every convention for reading answers has in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from rbsuite.errors import UsageError

Kind = Literal["integer", "choice"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader took from an output.

    Attributes:
        value: ``"204"`` for an integer, ``"B"`` for a choice; ``None``: unparsed, which is wrong and counted as unparsed.
        how: where the value was found, e.g. ``"boxed"`` or ``"answer_line"``; ``"none"`` exactly when the value is ``None``.
        text: what the convention extracts before normalising it, even if no value results; ``""`` for nothing.
    """

    value: str | None
    how: str
    text: str = ""

    @property
    def parsed(self) -> bool:
        """Whether there is a value."""
        return self.value is not None


UNPARSED = Reading(None, "none")


@dataclass(frozen=True, slots=True)
class ReaderInfo:
    """A reader in a listing.

    Attributes:
        name: what a user chooses it by.
        version: version of the convention as implemented here; incremented with every change in what it reads.
        summary: one line.
        kinds: what it can read.
        benchmarks: for which benchmarks the harness itself uses this convention; empty: it is not tied to any.
        harness: where the convention comes from.
        revision: commit or version of the harness.
        files: the files of the harness that define it.
        requires: distribution that must be installed; ``""`` for none.
    """

    name: str
    version: int
    summary: str
    kinds: tuple[Kind, ...]
    benchmarks: tuple[str, ...] = ()
    harness: str = "rbsuite"
    revision: str = ""
    files: tuple[str, ...] = ()
    requires: str = ""

    @property
    def id(self) -> str:
        """Name and version, e.g. ``rbsuite/3``; printed next to every score."""
        return f"{self.name}/{self.version}"


class Reader(Protocol):
    """A convention for reading answers. Reading is a function of its arguments alone and never raises on any output."""

    @property
    def info(self) -> ReaderInfo:
        """What the reader is."""

    @property
    def id(self) -> str:
        """Name and version, e.g. ``rbsuite/3``."""

    def read_integer(self, output: str) -> Reading:
        """Read an integer.

        Args:
            output: everything the model wrote.

        Raises:
            UsageError: this convention does not read integers.
        """

    def read_choice(self, output: str, n_choices: int, options: Sequence[str] = ()) -> Reading:
        """Read the letter of a choice.

        Args:
            output: everything the model wrote.
            n_choices: how many options the question has, 1 to 26; a letter beyond them yields no value.
            options: their texts in order, for conventions that recognise an option by its text; others ignore them.

        Raises:
            UsageError: this convention does not read choices, or ``n_choices`` is out of range.
        """

    def is_right(self, reading: Reading, gold: str, kind: Kind) -> bool:
        """Whether a reading is the right answer, in the convention's own notion of equality.

        Args:
            reading: a reading of this reader.
            gold: the right answer: an integer in decimal digits, or a letter.
            kind: kind of the answer.
        """


class BaseReader:
    """Common behaviour: an id, refusal of kinds that a convention does not read, plain equality."""

    info: ClassVar[ReaderInfo]

    @property
    def id(self) -> str:
        """Name and version, e.g. ``rbsuite/3``."""
        return self.info.id

    def read_integer(self, output: str) -> Reading:
        """Refuse; readers of integers override this."""
        raise _unsupported(self.info, "integer")

    def read_choice(self, output: str, n_choices: int, options: Sequence[str] = ()) -> Reading:
        """Refuse; readers of choices override this."""
        raise _unsupported(self.info, "choice")

    def is_right(self, reading: Reading, gold: str, kind: Kind) -> bool:
        """Equality of integers (``025`` is 25), or of letters."""
        if reading.value is None:
            return False
        if kind == "choice":
            return reading.value == gold
        return is_digits(reading.value) and is_digits(gold) and int(reading.value) == int(gold)


def option_letters(n_choices: int) -> str:
    """The letters of a question's options, ``"ABCD"`` for 4.

    Raises:
        UsageError: there are no options, or more than 26.
    """
    if not 1 <= n_choices <= len(LETTERS):
        raise UsageError(
            f"a question with {n_choices} options cannot be read by letter.", f"Give 1 to {len(LETTERS)} options."
        )
    return LETTERS[:n_choices]


def choice(letter: str | None, letters: str, how: str) -> Reading:
    """A reading of a letter, unparsed if the letter is ``None`` or not an option; ``text`` keeps what was found."""
    if letter is None:
        return UNPARSED
    if len(letter) == 1 and letter in letters:
        return Reading(letter, how, letter)
    return Reading(None, "none", letter)


def is_digits(text: str) -> bool:
    """Whether a text is a short integer in ASCII digits."""
    return text.isascii() and text.isdecimal() and len(text) <= 100


def _unsupported(info: ReaderInfo, kind: Kind) -> UsageError:
    other = "rbsuite" if info.name != "rbsuite" else "another reader"
    noun = {"integer": "integer answers", "choice": "choices"}[kind]
    return UsageError(f"the reader {info.name!r} does not read {noun}.", f"Choose one that does, such as {other!r}.")
