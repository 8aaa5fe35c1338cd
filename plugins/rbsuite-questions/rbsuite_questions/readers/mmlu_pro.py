"""The conventions of TIGER-AI-Lab/MMLU-Pro (commit f418b116): three patterns, one after the other, over the letters A to J.

In their final figures, the scripts replace an output that none of the patterns reads by a random guess. No guess is made here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rbsuite_questions.readers.base import UNPARSED, BaseReader, ReaderInfo, Reading, choice, option_letters
from rbsuite_questions.readers.texts import last_match

_PHRASE = re.compile(r"answer is \(?([A-J])")
_COLON = re.compile(r"[aA]nswer:\s*+([A-J])")
# The letter is not consumed: it may be the first letter of the next "Answer:".
_COLON_START = re.compile(r"[aA]nswer:\s*+(?=([A-J]))")
_LAST_LETTER = re.compile(r".*\b([A-J])\b", re.DOTALL)


class MmluProReader(BaseReader):
    """``evaluate_from_local.py``: the first match of the first two patterns, the last of the third."""

    info: ClassVar[ReaderInfo] = ReaderInfo(
        name="mmlu-pro",
        version=1,
        summary="first 'answer is (X)', else 'answer: X', else the last letter that stands alone",
        kinds=("choice",),
        benchmarks=("mmlu-pro",),
        harness="TIGER-AI-Lab/MMLU-Pro",
        revision="f418b116db00b065c2aea046518d8fcf74d39872",
        files=("evaluate_from_local.py",),
    )

    def read_choice(self, output: str, n_choices: int, options: Sequence[str] = ()) -> Reading:
        """Read a letter; ``how`` is ``phrase``, ``answer_line`` or ``last_letter``."""
        letters = option_letters(n_choices)
        if found := _PHRASE.search(output):
            return choice(found[1], letters, "phrase")
        if letter := _last_of_first_line(output):
            return choice(letter, letters, "answer_line")
        return _last_letter(output, letters)


class MmluProApiReader(MmluProReader):
    """``evaluate_from_api.py``: the same patterns as the local script, on the output without its ``**``."""

    info: ClassVar[ReaderInfo] = replace(
        MmluProReader.info,
        name="mmlu-pro-api",
        summary="as mmlu-pro, after every '**' is removed",
        files=("evaluate_from_api.py",),
    )

    def read_choice(self, output: str, n_choices: int, options: Sequence[str] = ()) -> Reading:
        """Read a letter; ``how`` is ``phrase``, ``answer_line`` or ``last_letter``."""
        return super().read_choice(output.replace("**", ""), n_choices, options)


class MmluProApixReader(BaseReader):
    """``evaluate_from_apiX.py``: the same patterns, the last match of each."""

    info: ClassVar[ReaderInfo] = replace(
        MmluProReader.info,
        name="mmlu-pro-apix",
        summary="last 'answer is (X)', else last 'answer: X', else the last letter that stands alone",
        files=("evaluate_from_apiX.py",),
    )

    def read_choice(self, output: str, n_choices: int, options: Sequence[str] = ()) -> Reading:
        """Read a letter; ``how`` is ``phrase``, ``answer_line`` or ``last_letter``."""
        letters = option_letters(n_choices)
        for how, pattern in (("phrase", _PHRASE), ("answer_line", _COLON)):
            if found := last_match(pattern, output):
                return choice(found[1], letters, how)
        return _last_letter(output, letters)


def _last_of_first_line(text: str) -> str | None:
    r"""The match of the first ``.*[aA]nswer:\s*([A-J])``, in linear time: the last match that starts on the first line with one."""
    found: str | None = None
    end = -1
    for match in _COLON_START.finditer(text):
        if found is None:
            end = text.find("\n", match.start())
        if found is not None and 0 <= end < match.start():
            break
        found = match[1]
    return found


def _last_letter(text: str, letters: str) -> Reading:
    """The last letter from A to J that stands alone. Upstream's look-ahead for "no other one follows" is quadratic; this is equivalent."""
    found = _LAST_LETTER.match(text)
    return choice(found[1], letters, "last_letter") if found else UNPARSED
