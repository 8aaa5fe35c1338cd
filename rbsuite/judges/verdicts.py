"""Reads a judge's reply: success, failure, or nothing that can be relied on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Literal

from rbsuite.models.reasoning import in_lower_case
from rbsuite.reading.labels import Label as Line
from rbsuite.reading.labels import find_labels, text_of
from rbsuite.reading.layers import MOST, Layer, Unclear, Unreadable, first_read
from rbsuite.reading.values import Values, objects_with, read_values, text_of_value, without_values
from rbsuite.verdict import Label, Verdict

_Plain = Literal["success", "failure"]
_Said = Literal[_Plain, "partial", "both"]

_FINAL = r"(?:(?:my|the|overall|final|our|revised|updated|corrected|actual)[ \t]+){0,3}"
_OTHER = r"(?:status|outcome|decision|conclusion|result|assessment|evaluation|label|answer)(?: is)?"
_SIGN = "(?:[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]{1,4}[ \t*_]{0,6})?+"
"""A picture before a label."""
_LABELS = {
    "verdict": rf"{_SIGN}{_FINAL}(?:verdict|judge?ment|判定|裁决)(?: is|[ \t]*\((?:success|failure)[^\w\n]{{1,3}}[^()\n]{{1,20}}\))?",
    "final": rf"(?:(?:my|the|our)[ \t]+)?(?:overall|final|revised|updated|corrected|actual)[ \t]+{_OTHER}",
    "other": rf"{_FINAL}{_OTHER}",
    "reasoning": r"(?:reasoning|reasons?|rationale|explanation|analysis|justification|thoughts?)",
}
_KEYS = (
    "verdict",
    "final_verdict",
    "judgment",
    "judgement",
    "label",
    "status",
    "outcome",
    "decision",
    "result",
    "success",
)
_OWN = frozenset(_KEYS[:4])
"""Keys that only a verdict has; the others are also those of a tool's result."""
_QUESTIONS = ("success", "passed", "correct", "successful", "is_success", "is_successful")
"""Keys of an object that ``yes`` and ``no`` answer."""
_FURTHER = (
    *_QUESTIONS[1:],
    "final_decision",
    "final_outcome",
    "final_answer",
    "conclusion",
    "overall",
)
"""Keys of an object with a verdict that may contradict it."""
_REASONS = ("reasoning", "rationale", "reason", "explanation", "analysis", "justification", "thoughts", "thought")

_LONGEST_WORD = 20
_LONGEST_HEDGE = 60
_LONGEST_TURN = 200
_MARK = r"(?:[^\w\n]|_)"
_FILLER = (
    r"(?:(?:a|an|the|it|this|that|is|was|has|attempt|agent|task|run|rollout|trajectory|record|request|overall|clearly|clear|complete|full"
    r"|completely|fully|entirely|totally|did|does"
    r"|i|would|say|judged?|rated|as|answer|verdict|therefore|thus|so|s|text|boxed|mathrm|textbf|be|deemed|considered|to|final|been|my)\b(?:[^\w\n]|_)+){0,12}+"
)
_GOOD = r"success(?:ful(?:ly)?)?|succeed(?:s|ed)?|pass(?:ed)?|true|yes|accomplished|completed|correct|成功"
_BAD = r"fail(?:ure|ed|s|ing)?|unsuccessful(?:ly)?|false|no|incomplete|incorrect|wrong|失败|失敗"
_VALUE = re.compile(
    rf"""(?ix){_MARK}*+{_FILLER}
    (?:(?P<part>partial(?:ly)?|mixed|mostly|almost|nearly|near|limited|half|partly|some|moderate|potential|possible|likely|probabl[ey]|maybe)\b
      |(?P<not>(?:not|no|never|neither|without|isn['’]t|wasn['’]t|didn['’]t|n['’]t)\b
        {_MARK}+(?:an?\b{_MARK}+|yet\b{_MARK}+|fully\b{_MARK}+)?(?=success|fail|pass|complet|accompl|succeed))?
       (?:(?P<good>{_GOOD})|(?P<bad>{_BAD}))\b)
    (?P<rest>[^\n]*+)"""
)
_CLEAR = r"success(?:ful(?:ly)?)?|succeed(?:s|ed)?|pass(?:ed)?|fail(?:ure|ed|s)?|unsuccessful(?:ly)?"
"""Words of a verdict that hardly say anything else."""
_DENIED = (
    r"(?:not|never|hardly|barely|no\ longer|denied|out\ of|ruled\ out|rejected|refused|excluded|precluded|refuted|disputed|contested"
    r"|doubt\w*|unlikely|questionable|impossible|unprove[nd]|unsupported|unwarranted|unjustified|unclear|uncertain|missing|absent"
    r"|lacking|withheld|retracted|withdrawn|revoked|overturned|invalid|wrong|false|incorrect)"
)
_UNSURE = re.compile(
    rf"""(?ix){_MARK}*+(?:or|and|vs|versus|nor|if|unless|would|could|might|was\ not|is\ not|criteri|rate|condition|in\ part)\b
    |[ \t*_`"']*+(?:\?
      |(?:cannot|can['’]t|can\ not|isn['’]t|wasn['’]t|ha[sd](?:\ not|n['’]t))\b
      |(?:is|was|are|has\ been|must\ be|should\ be)[ \t]+(?:(?:to|be|being|been|thus|therefore|hereby|\w{{1,20}}ly)[ \t]+){{0,3}}
       {_DENIED}\b)
    |[ \t]++(?:not|never|d(?:id|oes)(?:\ not|n['’]t))\b(?!{_MARK}+(?:an?\b{_MARK}+)?(?:{_CLEAR}|partial)\b)
    |[ \t]*+[/|]"""
)
_CLAUSE = "because|due|since|as|of|by|to|for|when|if|that"
_STRUCK = re.compile(r"(?i)<(?:s|del|strike)>|~~")
_WORD = re.compile(r"[^\W_]")
_OPENLY = re.compile(rf"(?i){_MARK}*+{_FILLER}(?:{_CLEAR}|correct|incorrect|wrong)\b")
_HEDGED = re.compile(r"(?i)\b(?:partial(?:ly)?|partly|in part)\b")
_OPPOSITE = {
    True: re.compile(rf"(?i){_MARK}*+(?:{_BAD})\b"),
    False: re.compile(rf"(?i){_MARK}*+(?:{_GOOD})\b"),
}
"""What follows immediately and says the opposite of a success, and of a failure."""
_CORRECTED = {
    good: re.compile(
        rf"""(?ix)(?:\A|[^\w\s]|\b(?:but|or|and)\b)\s*+(?:i\ mean(?:t)?|on\ (?:(?:second|further)\ )?(?:reflection|thoughts?|consideration)
            |wait|actually|correction
            |(?:or\ )?rather|sorry|(?:scratch|strike)\ that|make\ (?:that|it)|changed?\ (?:my\ mind|it|this)
            |re(?:vised|considered|vising|considering)|overruled|no(?=,))\b{_MARK}++{_FILLER}(?:{opposite})\b"""
    )
    for good, opposite in (
        (True, r"fail(?:ure|ed|s)|unsuccessful|incorrect|wrong"),
        (False, r"success(?:ful)?|succeed(?:s|ed)?|pass(?:ed)?"),
    )
}
"""What takes a success back, and a failure."""
_EQUATED = {
    good: re.compile(
        rf"""(?ix)[ \t*_`"']*+(?:is|was)\b
            (?:[ \t]+(?!(?:without|no|not|after|despite|and|{_CLAUSE})\b)\w{{1,20}}){{0,3}}[ \t]+(?:{opposite})\b"""
    )
    for good, opposite in ((True, "fail(?:ure|ed)|unsuccessful"), (False, "success(?:ful)?|passed"))
}
"""What says of a success that it is a failure, and the reverse."""
_NAMES = ("verdict", "judgment", "judgement")
_CLAUSE_LEAD = re.compile(
    r"""(?ix)(?:\A(?:\W{0,12}+(?:edit|correction|update|note|conclusion|answer|reasoning)[:：])?+
        |[.!?;,…>—–。！？，]|[*_]{2}[ \t]++(?=[*_]))[^\w\n"'“‘`/]{0,12}+
    (?:(?:but|so|and|yet|thus|therefore|hence|however|then|now|i\ conclude|that|my|the|our|own|final|overall|actual|real|revised|updated
        |corrected|true)\b[^\w\n"'“‘`]{1,8}+){0,6}+\Z"""
)
"""What stands before the word at the beginning of a clause that gives a verdict."""
_SUPPOSED = re.compile(
    r"""(?ix)\b(?:if|unless|whether|had|were|suppos\w*+|assum\w*+
      |(?:sa(?:id|ys?)|claim\w*+|state[ds]|t(?:old|ells?)|print\w*+|return\w*+|ask\w*+)\b(?![^.!?\n]*\b(?:my|so|thus|therefore|hence)\b))\b
    [^.!?\n]*+\Z"""
)
"""What says that a clause only supposes or reports a verdict."""
_GIVES = re.compile(
    r"(?i)(?:verdict|judge?ment)[*_]{0,3}[ \t]{0,3}(?:[:：=>\]】]|->|[-–—](?=[ \t])|(?:is|was|remains|must be|should be)\b)"
)
_PLAINLY = re.compile(rf"(?i){_MARK}*+{_FILLER}(?:(?:not|didn['’]t)\b{_MARK}+(?:an?\b{_MARK}+)?)?(?:{_CLEAR})\b")
_WORD_LINE = re.compile(
    r"(?i)[ \t*_`(]{0,12}(?:(?:correction|edit|update|wait|actually|no|sorry|final(?: answer)?)[:,.]?[ \t*_`]{1,8})?"
    r"(?P<word>success(?:ful)?|fail(?:ure|ed)?|unsuccessful)[ \t*_`).!]{0,12}"
)
_HEADED = re.compile(r"(?:[:：][*_\s]{0,8}+|^[ \t]*+#[^\n]*+\s{0,8}+)\Z", re.MULTILINE)
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s|\n")
_FAR = 200
"""How far the text around a word is looked at."""
_OBJECT_LEAD = re.compile(
    r"""(?ix)\A(?:[^\w\n]|_)*+(?:\d{1,3}[.)][^\w\n]*+)?\Z|[.!?。！？][^\w\n]*+\Z|\bhere\b[^\n]{0,80}:[^\w\n]*+\Z
    |\b(?:verdict|judge?ment)\b[^\w\n]*+(?:is[^\w\n]*+)?\Z"""
)
"""What stands before an object that is not just mentioned."""
_OBJECT_END = re.compile(r"(?:[^\w\n]|_){0,2000}+(?:$|(?=[A-Z]))", re.MULTILINE)
_BOXED = re.compile(r"\\[a-z]{4,6}\{|[{}$]")


def parse_verdict(reply: str, source: str = "self") -> Verdict | None:
    """The verdict in a judge's reply; ``None`` if it gives none, see :func:`read_verdict`."""
    try:
        return read_verdict(reply, source)
    except Unreadable:
        return None


def read_verdict(reply: str, source: str = "self") -> Verdict:
    """Read a judge's reply: the line ``Verdict: success`` or ``Verdict: failure``, or an object with the key ``verdict``.

    The word is read at the beginning of what the line says: ``not a success`` is a failure, ``partial success`` and ``success or failure``
    are not verdicts, and neither are two that contradict each other, nor one that its line takes back, or that another line, key or later
    sentence openly denies. One in a fence, a quote or an object is denied by any sentence outside that gives the opposite. An object that a
    sentence only mentions is none unless its key says so. The rationale is what comes under ``Reasoning``, else what follows the verdict,
    on one line.

    Args:
        reply: the model's text.
        source: id of the judge.

    Raises:
        Unreadable: there is no verdict, or more than one.
    """
    label, rationale = first_read(reply, partial(_read, outer=[]), _bare)
    return Verdict(label, None, rationale, source)


def _bare(reply: str) -> tuple[Label, str] | None:
    """The verdict of a reply that is one word."""
    reply = reply.strip()
    word = _BOXED.sub("", reply[:_LONGEST_HEDGE]).strip(" \t\n*_`\"'.!#")
    said = _said(word) if len(reply) <= _LONGEST_HEDGE and len(word) <= _LONGEST_WORD and word.isalpha() else None
    return None if said is None or said == "partial" or said == "both" else (said, "")


def _read(layer: Layer, outer: list[str]) -> tuple[Label, str] | None:
    """What a layer says.

    Args:
        layer: what is read.
        outer: the prose of the layers read before; that of this one is added.
    """
    labels = find_labels(layer, _LABELS)
    values = read_values(layer)
    if values.more:
        raise Unclear("it holds too many objects")
    if values.twice:
        raise Unclear("an object says different things under one key")
    prose, before = without_values(layer, values), tuple(outer)
    outer.append(prose)
    objects = _objects(prose, labels, values)
    found = [said for mine, value in objects for said in _of_object(mine, value)]
    told_by = [
        (label, _line_of(layer, labels, place)) for place, label in enumerate(labels) if label.name != "reasoning"
    ]
    for names in (("verdict",), ("final", "other")):
        lines = [(label, line) for label, line in told_by if label.name in names]
        found += [_said(line) for _, line in lines]
        told = {said for said in found if said is not None}
        if told:
            others = (_openly(line, alone=label.name == "other") for label, line in told_by if label.name not in names)
            told |= {said for said in others if said is not None}
        if told:
            own = prose[lines[0][0].start :] if lines else prose
            apart = (*before, own) if not lines or _says_more(own) else before
            told |= {said for text in apart for said in _stated(text)}
        said = told.pop() if told else None
        if told or said == "both":
            raise Unclear("it gives verdicts that contradict each other")
        if said == "partial":
            raise Unclear("a verdict is success or failure, and nothing in between")
        if said is not None:
            reasons = [text_of_value(mine[key]) for mine, _ in objects for key in _REASONS if key in mine]
            reason = next(filter(None, reasons), "") or _rationale(layer, labels, lines)
            return said, " ".join(reason.split())
        if lines or objects:
            raise Unreadable(
                f"what it gives as verdict, {lines[-1][1][:60]!r}, is neither success nor failure"
                if lines
                else "the verdict is neither success nor failure"
            )
    if sum(len(_places(prose, name)) for name in _NAMES) == 1:
        for sentence in _sentences(prose):
            return sentence, " ".join(_rationale(layer, labels, ()).split())
    return None


def _objects(prose: str, labels: Sequence[Line], values: Values) -> Sequence[tuple[Mapping[str, object], object]]:
    """The objects with a verdict, without those that a sentence only mentions, such as a tool's result."""
    after = {label.value for label in labels if label.name != "reasoning"}
    found: list[tuple[Mapping[str, object], object]] = []
    for value, (start, end) in zip(values.found, values.spans, strict=True):
        alone = start in after or (_OBJECT_LEAD.search(_before(prose, start)) and _OBJECT_END.match(prose, end))
        found += [
            (mine, told) for mine, told in objects_with([value], _KEYS) if alone or not mine.keys().isdisjoint(_OWN)
        ]
    return found


def _says_more(text: str) -> bool:
    """Whether a text that begins with a verdict has further words that may state one: mostly it has none, and this is quick to see."""
    lower = text.lower()
    return any(sum(map(lower.count, words)) > 1 for words in (("verdict", "judg"), ("succe", "pass", "fail")))


def _stated(text: str) -> set[_Plain]:
    """The verdicts that a text openly gives: in clauses that name the verdict, in lines of one word, and in its last sentence."""
    said = set(_sentences(text))
    for place in (*_places(text, "success"), *_places(text, "fail")):
        before = _before(text, place)
        line = _WORD_LINE.fullmatch(before + _after(text, place))
        if line and not _HEADED.search(text[max(0, place - len(before) - _FAR) : place - len(before)]):
            said |= set(_plainly(line["word"]))
    end = text.rstrip()[-_FAR:]
    last = _SENTENCE_END.split(end)[-1]
    plain = _PLAINLY.match(last)
    if plain and not _WORD.search(last, plain.end()) and not _HEADED.search(end.removesuffix(last)):
        said |= set(_plainly(last))
    return said


def _sentences(text: str) -> Iterator[_Plain]:
    """The verdicts in clauses that name the verdict, in order."""
    for place in sorted(found for name in _NAMES for found in _places(text, name)):
        before, after = _before(text, place), _after(text, place)
        given = _GIVES.match(after)
        if given and _CLAUSE_LEAD.search(before) and not _SUPPOSED.search(before):
            yield from _plainly(after[given.end() :])


def _places(text: str, word: str) -> Sequence[int]:
    """Where a word occurs, in either case.

    Raises:
        Unclear: it does so too often.
    """
    places = [match.start() for match in islice(re.finditer(word, in_lower_case(text)), MOST + 1)]
    if len(places) > MOST:
        raise Unclear(f"it says {word!r} too often")
    return places


def _before(text: str, place: int) -> str:
    """What stands before a place on its line, as far as it matters."""
    begin = max(0, place - _FAR)
    return text[max(begin, text.rfind("\n", begin, place) + 1) : place]


def _after(text: str, place: int) -> str:
    """What stands at and after a place on its line, as far as it matters."""
    return text[place : place + _FAR].partition("\n")[0]


def _plainly(text: str) -> Iterator[_Plain]:
    """The verdict at the beginning of a text, if it is in words that hardly say anything else."""
    said = _said(text) if _PLAINLY.match(text) else None
    if said == "success" or said == "failure":
        yield said


def _line_of(layer: Layer, labels: Sequence[Line], place: int) -> str:
    """What a label says: the rest of its line, or the next line that is not blank, up to the next label."""
    label = labels[place]
    if label.rest:
        return label.rest
    end = labels[place + 1].start if place + 1 < len(labels) else len(layer.outside)
    return layer.outside[label.value : min(end, label.value + 2_000)].lstrip("=-_ \t\n").partition("\n")[0]


def _of_object(mine: Mapping[str, object], value: object) -> Sequence[_Said | None]:
    """What an object says under the key that counts, and, if that is a verdict, openly under further ones."""
    first = _of_value(value)
    if first is None:
        return [None]
    others = [(key, mine[key]) for key in (*_KEYS, *_FURTHER) if key in mine]
    return [
        first,
        *(_of_value(it) if isinstance(it, bool) or key in _QUESTIONS else _openly(it) for key, it in others),
    ]


def _openly(line: object, *, alone: bool = False) -> _Said | None:
    """What a line that need not be a verdict says of success in so many words.

    Args:
        line: the line; what is not text says nothing.
        alone: whether it says nothing if further words follow.
    """
    match = _OPENLY.match(line[:1_000]) if isinstance(line, str) else None
    if match is None or not isinstance(line, str) or (alone and _WORD.search(line, match.end())):
        return None
    return _said(line)


def _of_value(value: object) -> _Said | None:
    if isinstance(value, bool):
        return "success" if value else "failure"
    if isinstance(value, dict):
        return next(
            (_of_value(told) for _, told in objects_with([value], _KEYS, 0) if not isinstance(told, dict)), None
        )
    return _said(value) if isinstance(value, str) else None


def _said(line: str) -> _Said | None:
    """What a line says at its beginning; ``None`` if that is neither, or open; both if the rest takes it back."""
    match = _VALUE.match(line[:1_000])
    if match is None:
        return None
    if match["part"]:
        return "partial"
    rest, good = match["rest"][:_LONGEST_TURN], bool(match["good"])
    if _STRUCK.search(line[:1_000]):
        return "both"
    if _UNSURE.match(rest) or _OPPOSITE[good].match(rest) or (match["not"] and not good):
        return None
    success = good and not match["not"]
    if _CORRECTED[success].search(rest) or _EQUATED[success].match(rest):
        return "both"
    if _HEDGED.search(rest[:_LONGEST_HEDGE]):
        return "partial"
    return "success" if success else "failure"


def _rationale(layer: Layer, labels: Sequence[Line], lines: Sequence[tuple[Line, str]]) -> str:
    """What comes under the last label of reasons, up to a verdict; else what follows the verdict on its line."""
    reasons = [label for label in labels if label.name == "reasoning"]
    if reasons:
        end = next((label.start for label, _ in lines if label.start > reasons[-1].start), len(layer.text))
        return text_of(layer, reasons[-1], end)
    match = _VALUE.match(lines[-1][1][:1_000]) if lines else None
    return match["rest"].strip(" \t*_`\"'.:;,-–—()") if match else ""
