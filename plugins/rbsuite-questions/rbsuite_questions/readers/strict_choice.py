"""The ``rbsuite`` convention for choices.

The letter named by the last statement of the answer, else a boxed letter, else a last line that is nothing but a letter; else unparsed.
Nothing is guessed: an article, a pronoun or two letters are not an answer.
"""

from __future__ import annotations

import re

from rbsuite.models.reasoning import separate
from rbsuite_questions.readers.base import UNPARSED, Reading, choice, option_letters
from rbsuite_questions.readers.integers import list_boxes
from rbsuite_questions.readers.own import read_own
from rbsuite_questions.readers.statements import (
    Statement,
    is_denied_after,
    is_own,
    is_own_box,
    statements_from_the_end,
)
from rbsuite_questions.readers.texts import ascii_width, last_line

_MARKUP = r"(?:[\s*_$`\"'“「『({\[]|\\(?:boxed|fbox|text|math)(?:bf|rm|it|sf)?(?=\s*\{)|\\[(\[])*+"
_LATIN = r"[A-Za-z0-9_'’À-ɏ]"
_NAMES = (
    r"(?:(?i:option|choice|letter|either|opción|opcion|opção|letra|alternativa|lettre|buchstabe|la|вариант)"
    rf"(?!{_LATIN})|a(?= letra| alternativa| opção)|选项|選項|選択肢)"
)
_LETTER = re.compile(rf"{_MARKUP}(?:{_NAMES}{_MARKUP}){{0,2}}(?P<letter>[A-Za-z])(?!{_LATIN})")
_NAMED_BEFORE = re.compile(
    r"(?<!\bor)(?<!\band)(?<!\bnor)(?<!\bnot)(?:\A|[\s(*$\"'])([A-Z])[)*$\"']*\s+is\s+(?:indeed\s+|thus\s+|therefore\s+)?(?:the|our|my)\s+"
    r"(?:(?:only|correct|right|best|final)\s+)*[*_]*\Z"
)
_CLOSING = r"[*_$`\"'”」』)}\]]*+"
_SECOND = re.compile(
    rf"{_CLOSING}\s*+(?:(?:[,/&+\-–、]|\\&|(?:,\s*)?(?:and|or|und|oder|et|ou|y|o)\b|或|和|또는)\s*+){_MARKUP}(?P<letter>[A-Za-z])(?!\w)"
)
_PROSE = re.compile(r"[ \t]++(?!(?:because|since|as|due|given|for|and|or)\b)[a-z]")
_CLAUSE_END = re.compile(rf"{_CLOSING}[ \t]*+(?:[.,;:!\n)。、，]|[^\x00-ɏ]|$)")
_CONFIRMED = re.compile(rf"{_CLOSING}[ \t]++is[ \t]++(?:the[ \t]++)?(?:correct|right|best)\b")
_ALONE = re.compile(rf"{_MARKUP}([A-Za-z])[*_$`\"')}}\].\s\\]*+")
_LABEL = re.compile(r"(?:\s|\\(?:text|math)(?:bf|rm|it)?\s*\{)*+(?:\(([A-Z])\)|([A-Z])[).:]).*", re.DOTALL)
_LONGEST = 100


def read_strict_choice(output: str, n_choices: int) -> Reading:
    """Read the letter of an option; ``how`` is ``answer_line``, ``boxed`` or ``last_line``.

    Raises:
        UsageError: see :func:`rbsuite_questions.readers.base.option_letters`.
    """
    letters = option_letters(n_choices)
    return read_own(output, lambda text: _letter(text, letters))


def read_strict_choice_anywhere(output: str, n_choices: int) -> Reading:
    """Read a letter as ``rbsuite/2`` did: in fences and quotes as outside them."""
    return _letter(ascii_width(separate(output)[1]), option_letters(n_choices))


def _letter(text: str, letters: str) -> Reading:
    for statement in statements_from_the_end(text):
        found = _LETTER.match(text, statement.end)
        if found is not None and _states(statement, found, text) and is_own(statement, text):
            letter = None if _hedges(found, text, letters) else found["letter"].upper()
            return choice(letter, letters, "answer_line")
        before = _NAMED_BEFORE.search(text[max(0, statement.start - _LONGEST) : statement.start])
        if before is not None and not is_denied_after(text, statement.end) and is_own(statement, text):
            return choice(before[1], letters, "answer_line")
    box = next((content for start, content, end in reversed(list_boxes(text)) if is_own_box(text, start, end)), "")
    labelled = _LABEL.fullmatch(box)
    if labelled:
        return choice(labelled[1] or labelled[2], letters, "boxed")
    for how, candidate in (("boxed", box), ("last_line", last_line(text))):
        alone = _ALONE.fullmatch(candidate) if candidate and len(candidate) <= _LONGEST else None
        if alone:
            return choice(alone[1].upper(), letters, how)
    return UNPARSED


def _states(statement: Statement, found: re.Match[str], text: str) -> bool:
    """Whether the letter is a label rather than a word ("a", "I") or the letter of something else, and is given as the answer."""
    letter, end = found["letter"], found.end()
    after = text[end : end + 8].lstrip(")]}*$_\"' ")
    if after.startswith("?") or (not statement.linked and is_denied_after(text, end)):
        return False
    bracketed = text[end : end + 1] in tuple(")}]*$") and not text[found.start("letter") - 1].isspace()
    if bracketed:
        return True
    if letter.islower() or not statement.linked:
        return bool(_CLAUSE_END.match(text, end) or _CONFIRMED.match(text, end))
    return letter not in "AI" or not _PROSE.match(text, end)


def _hedges(match: re.Match[str], text: str, letters: str) -> bool:
    """Whether another option is named together with the letter: "A, B", "A or B"."""
    second = _SECOND.match(text, match.end())
    return second is not None and second["letter"] in (letters if match["letter"].isupper() else letters.lower())
