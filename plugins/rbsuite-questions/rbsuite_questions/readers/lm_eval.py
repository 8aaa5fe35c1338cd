"""The conventions of EleutherAI/lm-evaluation-harness (commit 4e7e0d47).

``lm-eval`` reads AIME (``tasks/aime/utils.py``) and MMLU-Pro; ``lm-eval-strict`` and ``lm-eval-flex`` are the two filters of its
chain-of-thought GPQA tasks (``filters/extraction.py``). The metric lowers case and drops ASCII punctuation before it compares letters.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rbsuite_questions.readers.base import UNPARSED, BaseReader, Kind, ReaderInfo, Reading, choice, option_letters
from rbsuite_questions.readers.texts import last_match

_PHRASE = re.compile(r"answer is \(?([A-J])")
_STRICT = "The answer is "
_LABEL = re.compile(r"\([A-Z]\)")
_BRACE = re.compile(r"[{}]")
_INTEGER = re.compile(r"-?\d+", re.ASCII)
_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_REWRITES = (
    *((old, "") for old in ("\n", "\\!")),
    ("\\\\", "\\"),
    *((old, "") for old in ("\\left", "\\right", "^{\\circ}", "^\\circ", "\\$")),
)


class LmEvalReader(BaseReader):
    """AIME by string equality after normalisation, so that 025 is not 25; MMLU-Pro by the first ``answer is (X)``."""

    info: ClassVar[ReaderInfo] = ReaderInfo(
        name="lm-eval",
        version=1,
        summary="AIME: last box or the text between dollars, equal as a string; MMLU-Pro: first 'answer is (X)'",
        kinds=("integer", "choice"),
        benchmarks=("aime", "mmlu-pro"),
        harness="EleutherAI/lm-evaluation-harness",
        revision="4e7e0d47f33bc71070c1d38394bafbb52b117163",
        files=("lm_eval/tasks/aime/utils.py", "lm_eval/tasks/mmlu_pro/_default_template_yaml"),
    )

    def read_integer(self, output: str) -> Reading:
        """Read the last box, else what is between the first and the last ``$``, else the whole output.

        The harness accepts any text as an answer; here one that is not an integer after normalisation is unparsed, which is wrong as well.
        ``how`` is ``boxed``, ``dollars`` or ``whole``; leading zeros stay.
        """
        for how, text in (("boxed", _boxed(output)), ("dollars", _between_dollars(output)), ("whole", output)):
            if text is not None:
                normal = normal_math(text)
                return Reading(normal, how, normal) if _INTEGER.fullmatch(normal) else UNPARSED
        return UNPARSED

    def read_choice(self, output: str, n_choices: int, options: Sequence[str] = ()) -> Reading:
        """Read the first ``answer is (X)``; ``how`` is ``phrase``."""
        letters = option_letters(n_choices)
        found = _PHRASE.search(output)
        return choice(found[1] if found else None, letters, "phrase")

    def is_right(self, reading: Reading, gold: str, kind: Kind) -> bool:
        """Equality of strings; the right integer is normalised like the output."""
        return reading.value is not None and reading.value == (normal_math(gold) if kind == "integer" else gold)


class LmEvalStrictReader(BaseReader):
    """``strict-match`` of GPQA: the rest of the line after "The answer is ", without its last character."""

    info: ClassVar[ReaderInfo] = replace(
        LmEvalReader.info,
        name="lm-eval-strict",
        summary="GPQA strict-match: the whole line after 'The answer is ', except its last character",
        kinds=("choice",),
        benchmarks=("gpqa",),
        files=("lm_eval/filters/extraction.py", "lm_eval/tasks/gpqa/cot_zeroshot/_gpqa_cot_zeroshot_yaml"),
    )

    def read_choice(self, output: str, n_choices: int, options: Sequence[str] = ()) -> Reading:
        """Read the line after the first "The answer is " that is not at the end of a line; ``how`` is ``phrase``."""
        letters = option_letters(n_choices)
        start = output.find(_STRICT)
        while start >= 0:
            start += len(_STRICT)
            end = output.find("\n", start)
            rest = output[start : end if end >= 0 else len(output)]
            if rest:
                return _labelled(rest[:-1].strip(), letters, "phrase")
            start = output.find(_STRICT, start)
        return UNPARSED


class LmEvalFlexReader(BaseReader):
    """``flexible-extract`` of GPQA: the last ``(X)``, else the last text of an option, else the last ``: X``."""

    info: ClassVar[ReaderInfo] = replace(
        LmEvalStrictReader.info,
        name="lm-eval-flex",
        summary="GPQA flexible-extract: last '(X)', else last text of an option, else last ': X'",
    )

    def read_choice(self, output: str, n_choices: int, options: Sequence[str] = ()) -> Reading:
        """Read a letter; ``how`` is ``label``, ``option_text`` or ``colon``. Without the options' texts the second step is skipped."""
        letters = option_letters(n_choices)
        if label := last_match(_LABEL, output):
            return _labelled(label[0], letters, "label")
        if text := _last_option(output, options):
            return _labelled(text, letters, "option_text")
        colon = last_match(re.compile(rf":\s*+([A-{letters[-1]}])"), output)
        return _labelled(f"({colon[1]})", letters, "colon") if colon else UNPARSED


def normal_math(text: str) -> str:
    r"""A text after the harness's normalisation of MATH answers, as far as it can yield an integer.

    Its rewriting of fractions and roots is left out: text with ``/``, ``\frac`` or ``\sqrt`` does not become an integer by it.
    """
    for old, new in _REWRITES:
        text = text.replace(old, new)
    units = text.split("\\text{ ")
    if len(units) > 2:
        return ""
    text = units[0].replace("\\%", "").replace(" .", " 0.").replace("{.", "{0.")
    if text.startswith("."):
        text = f"0{text}"
    sides = text.split("=")
    if len(sides) == 2 and len(sides[0]) <= 2:
        text = sides[1]
    return text.replace(" ", "")


def _between_dollars(text: str) -> str | None:
    first, last = text.find("$"), text.rfind("$")
    return text[first + 1 : last] if first < last else None


def _boxed(text: str) -> str | None:
    r"""The content of the last ``\boxed``; an ``\fbox`` is looked for by the harness, but its content is never taken."""
    if "\\boxed " in text:
        return text.rpartition("\\boxed ")[2].partition("$")[0]
    start = text.rfind("\\boxed")
    if start < 0 or not text.startswith("\\boxed{", start):
        return None
    depth = 0
    for brace in _BRACE.finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return text[start + len("\\boxed{") : brace.start()]
    return None


def _labelled(text: str, letters: str, how: str) -> Reading:
    """A reading of an extracted text, which the metric compares ignoring case and ASCII punctuation."""
    letter = text.lower().translate(_ASCII_PUNCTUATION).upper()
    if len(letter) == 1 and letter in letters:
        return Reading(letter, how, text)
    return Reading(None, "none", text)


def _last_option(output: str, options: Sequence[str]) -> str:
    """The label of the option whose text comes last, or a text that the harness takes for an answer; ``""`` if there is none."""
    if not options:
        return ""
    texts = [_plain(one.strip()) for one in options]
    labels = {text: f"({chr(ord('A') + number)})" for number, text in enumerate(texts)}
    found = last_match(re.compile("|".join(re.escape(text) for text in texts)), _plain(output))
    text = found[0].strip() if found else ""
    return labels.get(text, text) if text else ""


def _plain(text: str) -> str:
    """In lower case, without any Unicode punctuation."""
    plain = text.lower()
    for mark in set(plain):
        if unicodedata.category(mark).startswith("P"):
            plain = plain.replace(mark, "")
    return plain
