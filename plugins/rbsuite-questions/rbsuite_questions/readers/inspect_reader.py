"""The convention of inspect_evals 0.26.0 on inspect_ai 0.3.285: the answer is on a line ``ANSWER: X``, or on the last line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import ClassVar

from rbsuite_questions.readers.base import UNPARSED, BaseReader, Kind, ReaderInfo, Reading, option_letters
from rbsuite_questions.readers.inspect_numbers import parse_number
from rbsuite_questions.readers.texts import last_match

_DELIMITERS = re.compile(r"[$*\-#\s]*+")
_BOX = "\\boxed{"
_FORMATTING = "$,£€*_"
_FULL_STOP = re.compile(r"\.(?=\D|$)")
_MOST_WORDS = 1_000
"""Words of a line that are tried as numbers. Upstream tries all, but no line meant as an answer has that many."""

_TOKENS = r"[A-Za-z\d](?:[A-Za-z\d,]|\ ++(?=[A-Za-z\d,]))*+"
_DOLLARS = re.compile(rf"\$\s*+({_TOKENS})\s*+\$")
_BOLD = re.compile(rf"\*\*\s*+({_TOKENS})\s*+\*\*")
_PARENTHESES = re.compile(r"(?i)(^|[:,])(\s*+)\(([A-Za-z\d])\)(?=\s*+(?:[,.]|\Z)|[^\S\n]*+\n)")

# Upstream's two patterns let white space be matched in several ways, which takes quadratic time or worse. Here each is written out: a
# label that ends as it must, or else (second or third branch) the blanks that upstream is then left with, which are not an answer.
_RUN = r"[A-Za-z\d,][A-Za-z\d ,]*"
_LINE = re.compile(
    rf"(?im)^ANSWER\s*+:(?:\s*+({_RUN}+)(?=\s*+(?:\.|\Z)|[^\S\n]*+\n)"
    r"|(?=\s*+(?:\.|\Z))[^\S ]*+\ "
    r"|[^\S ]*+\ [^\S\n]*+\n)"
)
_LABEL_END = re.compile(r"[rR][\s$*()]*+:")
"""The end of a label before formatting is removed; if there is none, there is no label."""
_ANYWHERE = re.compile(rf"(?i)ANSWER\s*+:(?:\s*+({_RUN}+)(?!\w)|\s*+({_RUN})(?=[ ,])|[^\S ]*+\ (?!\w))")


class InspectReader(BaseReader):
    """The scorers of its AIME, GPQA and MMLU-Pro tasks."""

    info: ClassVar[ReaderInfo] = ReaderInfo(
        name="inspect",
        version=1,
        summary="last 'ANSWER: X'; for integers the last number of the last line, to 5 significant digits",
        kinds=("integer", "choice"),
        benchmarks=("aime", "gpqa", "mmlu-pro"),
        harness="UKGovernmentBEIS/inspect_evals",
        revision="0.26.0 on inspect_ai 0.3.285",
        files=("utils/aime_common.py", "scorer/_common.py", "scorer/_unicode.py", "solver/_multiple_choice.py"),
    )

    def read_integer(self, output: str) -> Reading:
        """Read the last number of the last line that contains more than delimiters, in 5 significant digits, e.g. ``1e+05`` for 100000.

        ``how`` is ``last_number``. A number that is not an integer is read as well.
        """
        for word in islice(_words_from_the_end(_unboxed(_last_line(output))), _MOST_WORDS):
            number = parse_number(word)
            if number is not None:
                return Reading(_rounded(number), "last_number", word)
        return UNPARSED

    def read_choice(self, output: str, n_choices: int, options: Sequence[str] = ()) -> Reading:
        """Read the last ``ANSWER: X`` line, else the last ``ANSWER: X`` anywhere; ``how`` is ``answer_line`` or ``answer_anywhere``."""
        letters = option_letters(n_choices)
        if not _LABEL_END.search(output):
            return UNPARSED
        text = _BOLD.sub(r"\1", _DOLLARS.sub(r"\1", output))
        text = _PARENTHESES.sub(r"\1\2\3", text)
        for how, pattern in (("answer_line", _LINE), ("answer_anywhere", _ANYWHERE)):
            found = last_match(pattern, text)
            if found is not None:
                # One letter of the options, with at most a stray comma.
                group = next(filter(None, found.groups()), "")
                tokens = [token for token in group.strip().upper().split(",") if token]
                if len(tokens) == 1 and len(tokens[0]) == 1 and tokens[0] in letters:
                    return Reading(tokens[0], how, tokens[0])
                return UNPARSED
        return UNPARSED

    def is_right(self, reading: Reading, gold: str, kind: Kind) -> bool:
        """Integers are equal when they agree in 5 significant digits."""
        if reading.value is None or kind == "choice":
            return reading.value == gold
        number = parse_number(_unformatted(gold.strip()))
        return number is not None and reading.value == _rounded(number)


def _rounded(number: float) -> str:
    return format(number, ".5g")


def _last_line(output: str) -> str:
    """The last line that does not consist of delimiters, or else the very last line."""
    lines = output.strip().splitlines()
    return next((line for line in reversed(lines) if not _DELIMITERS.fullmatch(line)), lines[-1] if lines else "")


def _unboxed(line: str) -> str:
    r"""The line without its first ``\boxed{`` and its last ``}``, as upstream's greedy pattern takes them."""
    start, end = line.find(_BOX), line.rfind("}")
    inner = start + len(_BOX)
    return line[:start] + line[inner:end] + line[end + 1 :] if start >= 0 and inner < end else line


def _words_from_the_end(line: str) -> Iterator[str]:
    """The words that could be numbers, last first."""
    text = line.strip().casefold()
    for mark in _FORMATTING:  # character by character: many times faster than a regular expression
        text = text.replace(f"\\{mark}", mark)
    return reversed(_FULL_STOP.sub("", _unformatted(text)).split())


def _unformatted(text: str) -> str:
    for mark in _FORMATTING:
        text = text.replace(mark, "")
    return text
