"""Where an output states an answer ("the answer is", in several languages), and whether it states it as its own.

An answer that the text calls wrong, denies, asks for, supposes, or attributes to someone else is not the output's answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rbsuite_questions.readers.integers import MOST
from rbsuite_questions.readers.texts import latest

_WINDOW = 120
"""Characters before and after a statement that show whose it is; never beyond its line."""

# Every branch begins with a different letter: the search then skips all other characters at once.
_NOUN = re.compile(
    "a(?:nswer|ntwort|ntwoord)|A(?:nswer|NSWER|ntwort|ntwoord)|c(?:orrect (?:option|choice)|evap|âu trả lời)|"
    "C(?:orrect (?:option|choice)|evap|âu trả lời)|r(?:ight (?:option|choice)|éponse|es(?:pue|po)sta|isposta)|"
    "R(?:ight (?:option|choice)|éponse|es(?:pue|po)sta|isposta)|b(?:est (?:option|choice))|B(?:est (?:option|choice))|"
    "s(?:var)|S(?:var)|o(?:dpowiedź)|O(?:dpowiedź)|j(?:awaban)|J(?:awaban)|đ(?:áp án)|Đ(?:áp án)|"
    "о(?:твет)|О(?:твет)|उ(?:त्तर)|ا(?:لإجابة|لجواب)|ค(?:ำตอบ)|答(?:案|え)|解(?:答)|正(?:解)|정(?:답)|답"
)
_LINK = re.compile(
    r"(?:[ ]+(?i:to|for)[ ]+(?:this|the)[ ]+(?:problem|question|puzzle|equation|system|exercise|task)\b)?"
    r"[\s*_]*+(?:(?:choice|option|letter|correcta|correcte|correta|corretta|finale?|đúng|الصحيحة|الصحيح|nya)\b[\s*_]*+)?"
    r"(?P<verb>(?:(?i:is|equals|(?:should|must|would|will|has to) be|turns out to be|comes (?:out )?to)"
    r"|ist|lautet|est|es|é|è|jest|là|är|er|adalah)\b|应该是|應該是|应为|應為|是|为|為|は|은|는|هو|هي|है|คือ|=)?"
    r"(?:[\s*_]*+(?:therefore|thus|then|hence|indeed|clearly|simply|just|also|donc|entonces|daher)\b,?)?"
    r"[\s*_]*+(?P<mark>:|->|→|—|–)?"
)

_DET = r"(?:(?:the|an?|any|this|that|such|its|his|her|their|your|my|our)\s+)?"
_WORDS = (
    r"(?:(?!(?:so|thus|hence|therefore|then|and|but|or|because|since|as|the|an?|my|our|this|that|is|are|was)\b)"
    r"[^\W\d_][\w\-]*\s+){0,2}"
)
_SAY = r"(?:think|say|claim|believe|conclude|argue|guess|assume|answer|expect|mean|choose|pick|suppose)"
_BEFORE = re.compile(
    rf"""(?ix)(?:
    \b(?:wrong|incorrect|false|mistaken|erroneous|invalid|bad|flawed|naive|naïve|tempting|tentative|initial|first|earlier|previous
        |original|old|former|preliminary|provisional|another|other|alternative|hypothetical|impossible|sample|example|trap|distractor
        |(?<!only\s)(?:possible|plausible)|falsche[nrs]?|mauvaise|fausse|неправильный|неверный)\s+{_WORDS}
  | (?:\b(?:not|never|cannot|neither|nor|unlike|without|than)|n['’]t|\b(?:rul(?:e[sd]?|ing)\s+out|eliminat(?:e[sd]?|ing)
        |reject(?:s|ed|ing)?|exclud(?:e[sd]?|ing)|discard(?:s|ed|ing)?|dismiss(?:es|ed|ing)?|instead\s+of))\s+
        (?:(?:{_SAY}|see|clear|certain|sure|obvious|true)\s+)?(?:that\s+|if\s+|whether\s+|how\s+|why\s+)?{_DET}{_WORDS}
  | \b(?:if|suppose|supposing|assume|assuming|whether|unless|why|imagine|says|thinks|claims|claimed|believes|believed|argues|argued
        |said|thought|guessed|guesses|answered)\s+(?:that\s+)?{_DET}{_WORDS}
  | \b(?:some|others|many|most|people|students?|they|you|one|someone|he|she)\s+(?:(?:may|might|would|could|will|can|often)\s+){{0,2}}
        (?:{_SAY}\s+)?(?:that\s+)?{_DET}{_WORDS}
  | \b(?:wrong|incorrect|mistaken?|error|tempting|fallacy|trap)\b[^.!?;,]{{0,30}}\bto\s+(?:{_SAY}\s+)?(?:that\s+)?{_DET}{_WORDS}
  | \b(?:wrote|writes|said|says|claims?|claimed|answered|replied)\s*[:,]?\s*["“'‘]\s*{_DET}{_WORDS}
  | \b(?:user|student|teacher|human|someone|friend)[^.!?]{{0,20}}:\s*["“]?\s*{_DET}{_WORDS}
  | \b(?:his|her|their|your|someone\s+else['’]s)\s+{_WORDS}
  | \b(?!(?:problem|question|puzzle|exercise|task|today|it|that|here|what|let|there)['’])[^\W\d_]+['’]s\s+{_WORDS}
  | \b(?:seine?|ihre?|son|sa|leur|su|sus|tu|его|её|их)\s+{_WORDS}
  | (?:错误|不正确|不对|错|誤った|間違った|学生|學生|同学|他|她|他们|你|彼|彼女|틀린|잘못된|그|학생)(?:的|の|의)?\s*
  | 오
    )\Z"""
)
_AFTER = re.compile(
    r"""(?ix)[)\]}*_$"'”’\s\\]*+(?:\?
    | (?:is|was|are|would\ be|can\ be|could\ be|must\ be|has\ been|seems|looks)\s+(?:(?:\w+ly|also|thus|therefore|already)\s+)?
        (?:wrong|incorrect|false|mistaken|impossible|invalid|out\b|ruled|eliminated|excluded|rejected|discarded
        |an?\s+(?:trap|distractor|mistake|common|wrong)|not\s+(?:the|right|correct|valid|possible|an?\s+(?:answer|option)|our|it\b))
    | (?:is|was)n['’]t\s | can(?:not|['’]t)\s+be\b | (?:does|did|can|could)(?:\ not|n['’]t)\s+(?:work|hold|fit|satisfy|be)\b
    | (?:fails|contradicts|violates)\b)"""
)
_BOX_BEFORE = re.compile(
    r"""(?ix)(?:
    (?:\b(?:not|never|neither|unlike|than|instead\ of|rather\ than|rul(?:e|ed|ing)\ out|reject(?:ing)?|discard(?:ing)?|if|whether
      |wrong|incorrect|wrongly|incorrectly|mistakenly|erroneously)|n['’]t)\s+
      (?:(?:equal\ to|simply|just|it\ is|the\ (?:value|result|answer)|g[ie]ve|giving|get|getting|be(?:\ equal\ to)?)\s+)?
  | (?:\A|[.!?;(]\s*)(?:wrong|incorrect|not)\s*:\s*
  | \b(?:students?|people|someone|others)\b[^.!?;]{0,60}\b(?:gets?|got|obtains?|obtained|writes?|wrote|finds?|found)\s+
    )(?:[$({\[\s]|\\[(\[])*\Z"""
)
_OPENING = re.compile(r"(?:[\s*_:$({\[]|\\[\[(])*")


@dataclass(frozen=True, slots=True)
class Statement:
    """A place where an output speaks of its answer.

    Attributes:
        start: where the noun begins.
        end: where what is stated begins, after any white space and markup.
        linked: whether a verb or a mark such as a colon leads to it.
    """

    start: int
    end: int
    linked: bool


def statements_from_the_end(text: str) -> Iterator[Statement]:
    """The last :data:`~rbsuite_questions.readers.integers.MOST` statements, last first, both the output's own and others."""
    for noun in reversed(latest(_NOUN, text, MOST)):
        link = _LINK.match(text, noun.end())
        assert link is not None  # every part of it is optional
        yield Statement(noun.start(), link.end(), bool(link["verb"] or link["mark"]))


def is_own(statement: Statement, text: str) -> bool:
    """Whether nothing before a statement denies it or attributes it to someone else."""
    return not _denied(text, statement.start)


def is_denied_after(text: str, end: int) -> bool:
    """Whether the text goes on to deny what ends there, or asks for it."""
    return _AFTER.match(text, end, end + _WINDOW) is not None


def is_own_box(text: str, start: int, end: int) -> bool:
    """Whether a box is put forward as the answer: not denied before or after it, nor part of a statement that is."""
    line = _line_before(text, start)
    if _BOX_BEFORE.search(line) or is_denied_after(text, end):
        return False
    noun = next(iter(latest(_NOUN, line, 1)), None)
    if noun is None:
        return True
    link = _LINK.match(line, noun.end())
    assert link is not None  # every part of it is optional
    leads = _OPENING.fullmatch(line, link.end()) is not None
    return not (leads and _denied(line, noun.start()))


def denies_an_answer(line: str) -> bool:
    """Whether a line speaks of an answer that is not its own."""
    return any(_denied(line, noun.start()) for noun in latest(_NOUN, line, MOST))


def _denied(text: str, start: int) -> bool:
    return _BEFORE.search(_line_before(text, start)) is not None


def _line_before(text: str, start: int) -> str:
    window = text[max(0, start - _WINDOW) : start]
    return window.rpartition("\n")[2].replace("*", "").replace("_", "")
