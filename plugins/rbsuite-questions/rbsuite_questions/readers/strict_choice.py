"""The ``rbsuite`` convention for choices.

The letter after the last "answer", else a boxed letter, else a last line that is nothing but a letter; else unparsed. Nothing is guessed:
an article, a pronoun or two letters are no answer.
"""

from __future__ import annotations

import re

from rbsuite_questions.readers.base import UNPARSED, Reading, choice, option_letters
from rbsuite_questions.readers.strict_integer import last_box
from rbsuite_questions.readers.texts import ascii_width, lines_from_the_end, without_thinking

_MARKUP = r"(?:[\s*_$`\"'({\[]|\\(?:boxed|fbox|text|math)(?:bf|rm|it|sf)?(?=\s*\{)|\\[(\[])*+"
_ANSWER = re.compile(
    rf"(?i:answer)[\s*_]*+(?P<verb>(?i:is\b)?[\s*_]*+:?){_MARKUP}(?:(?i:option|choice)\b{_MARKUP})?(?P<letter>[A-Za-z])(?![\w'’])"
)
_CLOSING = r"[*_$`\"')}\]]*+"
_SECOND = re.compile(
    rf"{_CLOSING}\s*+(?:(?:[,/&+\-–]|\\&|(?:,\s*)?(?:and|or)\b)\s*+){_MARKUP}(?P<letter>[A-Za-z])(?!\w)"
)
_PROSE = re.compile(r"[ \t]++(?!(?:because|since|as|due|given|for|and|or)\b)[a-z]")
_CLAUSE_END = re.compile(rf"{_CLOSING}[ \t]*+(?:[.,;:!?\n)]|$)")
_ALONE = re.compile(rf"{_MARKUP}([A-Za-z])[*_$`\"')}}\].\s\\]*+")
_LONGEST = 100


def read_strict_choice(output: str, n_choices: int) -> Reading:
    """Read the letter of an option; ``how`` is ``answer_line``, ``boxed`` or ``last_line``.

    Raises:
        UsageError: see :func:`rbsuite_questions.readers.base.option_letters`.
    """
    letters = option_letters(n_choices)
    text = ascii_width(without_thinking(output))
    found: re.Match[str] | None = None
    for match in _ANSWER.finditer(text):
        if _states(match, text):
            found = match
    if found is not None:
        # Another option beside the letter hedges: "A, B", "A or B".
        second = _SECOND.match(text, found.end())
        like = letters if found["letter"].isupper() else letters.lower()
        hedges = second is not None and second["letter"] in like
        letter = None if hedges else found["letter"].upper()
        return choice(letter, letters, "answer_line")
    for how, candidate in (("boxed", last_box(text)), ("last_line", next(lines_from_the_end(text), None))):
        alone = _ALONE.fullmatch(candidate) if candidate and len(candidate) <= _LONGEST else None
        if alone:
            return choice(alone[1].upper(), letters, how)
    return UNPARSED


def _states(match: re.Match[str], text: str) -> bool:
    """Whether the letter is a label and not a word ("a", "I") or the letter of something else."""
    letter = match["letter"]
    bracketed = text[match.end() : match.end() + 1] in tuple(")}]*$") and not text[match.start("letter") - 1].isspace()
    if bracketed:
        return True
    if letter.islower() or not match["verb"].strip(" \t\n*_"):
        return bool(_CLAUSE_END.match(text, match.end()))
    return letter not in "AI" or not _PROSE.match(text, match.end())
