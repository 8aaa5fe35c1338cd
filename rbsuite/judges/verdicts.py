"""Reads a judge's reply: success, failure, or nothing that can be relied on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from rbsuite.reading.labels import Label as Line
from rbsuite.reading.labels import find_labels, text_of
from rbsuite.reading.layers import Layer, Unclear, Unreadable, first_read
from rbsuite.reading.values import objects_with, read_values, text_of_value
from rbsuite.verdict import Label, Verdict

_Said = Literal["success", "failure", "partial", "both"]

_FINAL = r"(?:(?:my|the|overall|final|our|revised|updated|corrected|actual)[ \t]+){0,3}"
_OTHER = r"(?:status|outcome|decision|conclusion|result|assessment|evaluation|label|answer)(?: is)?"
_LABELS = {
    "verdict": rf"{_FINAL}(?:verdict|judge?ment)(?: is)?",
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
_FURTHER = (
    "passed",
    "correct",
    "successful",
    "is_success",
    "is_successful",
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
    r"|i|would|say|judged?|rated|as|answer|verdict|therefore|thus|so|s|text|boxed|mathrm|textbf|be|deemed|considered|to|final|been|my)\b(?:[^\w\n]|_)+){0,12}+"
)
_GOOD = r"success(?:ful(?:ly)?)?|succeed(?:s|ed)|pass(?:ed)?|true|yes|accomplished|completed|correct|成功"
_BAD = r"fail(?:ure|ed|s|ing)?|unsuccessful(?:ly)?|false|no|incomplete|incorrect|wrong|失败|失敗"
_VALUE = re.compile(
    rf"""(?ix){_MARK}*+{_FILLER}
    (?:(?P<part>partial(?:ly)?|mixed|mostly|almost|nearly|near|limited|half|partly|some|moderate|potential|possible|likely|probabl[ey]|maybe)\b
      |(?P<not>(?:not|no|never|neither|without|isn['’]t|wasn['’]t|n['’]t)\b{_MARK}+(?:an?\b{_MARK}+|yet\b{_MARK}+|fully\b{_MARK}+)?(?=success|fail|pass|complet|accompl|succeed))?
       (?:(?P<good>{_GOOD})|(?P<bad>{_BAD}))\b)
    (?P<rest>[^\n]*+)"""
)
_CLEAR = r"success(?:ful(?:ly)?)?|succeed(?:s|ed)|pass(?:ed)?|fail(?:ure|ed|s)?|unsuccessful(?:ly)?"
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
        (False, r"success(?:ful)?|succeed(?:s|ed)|pass(?:ed)?"),
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


def parse_verdict(reply: str, source: str = "self") -> Verdict | None:
    """The verdict in a judge's reply; ``None`` if it gives none, see :func:`read_verdict`."""
    try:
        return read_verdict(reply, source)
    except Unreadable:
        return None


def read_verdict(reply: str, source: str = "self") -> Verdict:
    """Read a judge's reply: the line ``Verdict: success`` or ``Verdict: failure``, or an object with the key ``verdict``.

    The word is read at the beginning of what the line says: ``not a success`` is a failure, ``partial success`` and ``success or failure``
    are not verdicts, and neither are two that contradict each other, nor one that its line takes back, or that another line or key openly
    denies. The rationale is what comes under ``Reasoning``, else what follows
    the verdict, on one line.

    Args:
        reply: the model's text.
        source: id of the judge.

    Raises:
        Unreadable: there is no verdict, or more than one.
    """
    label, rationale = first_read(reply, _read, _bare)
    return Verdict(label, None, rationale, source)


def _bare(reply: str) -> tuple[Label, str] | None:
    """The verdict of a reply that is one word."""
    word = reply.strip(" \t\n*_`\"'.!#")
    said = _said(word) if len(word) <= _LONGEST_WORD and word.isalpha() else None
    return None if said is None or said == "partial" or said == "both" else (said, "")


def _read(layer: Layer) -> tuple[Label, str] | None:
    labels = find_labels(layer, _LABELS)
    values = read_values(layer)
    objects = objects_with(values.found, _KEYS)
    if values.more:
        raise Unclear("it holds too many objects")
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
    return None


def _line_of(layer: Layer, labels: Sequence[Line], place: int) -> str:
    """What a label says: the rest of its line, or the next line that is not blank, up to the next label."""
    label = labels[place]
    if label.rest:
        return label.rest
    end = labels[place + 1].start if place + 1 < len(labels) else len(layer.outside)
    return layer.outside[label.value : min(end, label.value + 2_000)].strip().partition("\n")[0]


def _of_object(mine: Mapping[str, object], value: object) -> Sequence[_Said | None]:
    """What an object says under the key that counts, and, if that is a verdict, openly under further ones."""
    first = _of_value(value)
    if first is None:
        return [None]
    others = (mine[key] for key in (*_KEYS, *_FURTHER) if key in mine)
    return [first, *(_of_value(other) if isinstance(other, bool) else _openly(other) for other in others)]


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
