"""Reads a judge's reply: success, failure, or nothing that can be relied on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from rbsuite.reading.labels import Label as Line
from rbsuite.reading.labels import find_labels, text_of
from rbsuite.reading.layers import Layer, Undecided, Unreadable, first_read
from rbsuite.reading.values import objects_with, read_values, text_of_value
from rbsuite.verdict import Label, Verdict

_Said = Literal["success", "failure", "partial"]

_FINAL = r"(?:(?:my|the|overall|final|our)[ \t]+){0,3}"
_LABELS = {
    "verdict": rf"{_FINAL}(?:verdict|judge?ment)(?: is)?",
    "other": rf"{_FINAL}(?:status|outcome|decision|conclusion|result|assessment|evaluation|label|answer)(?: is)?",
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
_REASONS = ("reasoning", "rationale", "reason", "explanation", "analysis", "justification", "thoughts", "thought")

_LONGEST_WORD = 20
_LONGEST_HEDGE = 60
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
_UNSURE = re.compile(
    rf"""(?ix){_MARK}*+(?:or|and|vs|versus|nor|if|unless|would|could|might|was\ not|is\ not|criteri|rate|condition|in\ part)\b
    |[ \t*_`"']*+\?|[ \t]*+[/|]"""
)
_HEDGED = re.compile(r"(?i)\b(?:partial(?:ly)?|partly|in part)\b")
_OPPOSITE = {
    True: re.compile(rf"(?i){_MARK}*+(?:{_BAD})\b"),
    False: re.compile(rf"(?i){_MARK}*+(?:{_GOOD})\b"),
}
"""What follows immediately and says the opposite of a success, and of a failure."""


def parse_verdict(reply: str, source: str = "self") -> Verdict | None:
    """The verdict in a judge's reply; ``None`` if it gives none, see :func:`read_verdict`."""
    try:
        return read_verdict(reply, source)
    except Unreadable:
        return None


def read_verdict(reply: str, source: str = "self") -> Verdict:
    """Read a judge's reply: the line ``Verdict: success`` or ``Verdict: failure``, or an object with the key ``verdict``.

    The word is read at the beginning of what the line says: ``not a success`` is a failure, ``partial success`` and ``success or failure``
    are not verdicts, and neither are two that contradict each other. The rationale is what comes under ``Reasoning``, else what follows
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
    return None if said is None or said == "partial" else (said, "")


def _read(layer: Layer) -> tuple[Label, str] | None:
    labels = find_labels(layer, _LABELS)
    objects = objects_with(read_values(layer).found, _KEYS)
    found = [_of_value(value) for _, value in objects]
    for name in ("verdict", "other"):
        lines = [(label, _line_of(layer, labels, place)) for place, label in enumerate(labels) if label.name == name]
        found += [_said(line) for _, line in lines]
        told = {said for said in found if said is not None}
        if len(told) > 1:
            contradiction = "it gives verdicts that contradict each other"
            raise Undecided(contradiction) if name == "verdict" else Unreadable(contradiction)
        said = told.pop() if told else None
        if said == "partial":
            raise Unreadable("a verdict is success or failure, and nothing in between")
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


def _of_value(value: object) -> _Said | None:
    if isinstance(value, bool):
        return "success" if value else "failure"
    return _said(value) if isinstance(value, str) else None


def _said(line: str) -> _Said | None:
    """What a line says at its beginning; ``None`` if that is neither, or both."""
    match = _VALUE.match(line[:1_000])
    if match is None:
        return None
    if match["part"]:
        return "partial"
    rest, good = match["rest"], bool(match["good"])
    if _UNSURE.match(rest) or _OPPOSITE[good].match(rest) or (match["not"] and not good):
        return None
    if _HEDGED.search(rest[:_LONGEST_HEDGE]):
        return "partial"
    return "success" if good and not match["not"] else "failure"


def _rationale(layer: Layer, labels: Sequence[Line], lines: Sequence[tuple[Line, str]]) -> str:
    """What comes under the last label of reasons, up to a verdict; else what follows the verdict on its line."""
    reasons = [label for label in labels if label.name == "reasoning"]
    if reasons:
        end = next((label.start for label, _ in lines if label.start > reasons[-1].start), len(layer.text))
        return text_of(layer, reasons[-1], end)
    match = _VALUE.match(lines[-1][1][:1_000]) if lines else None
    return match["rest"].strip(" \t*_`\"'.:;,-–—()") if match else ""
