"""Reads a judge's reply: success, failure, or nothing that can be relied on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice

from rbsuite.judges.said import Plain, Said, concludes, openly, plainly, rest_of, said_by
from rbsuite.models.reasoning import in_lower_case
from rbsuite.reading.labels import Label as Line
from rbsuite.reading.labels import find_labels, text_of
from rbsuite.reading.layers import MOST, Layer, Unclear, Unreadable, first_read
from rbsuite.reading.values import Values, objects_with, read_values, text_of_value, values_in, without_values
from rbsuite.verdict import Label, Verdict

_FINAL = r"(?:(?:my|the|overall|final|our|revised|updated|corrected|actual)[ \t]+){0,3}"
_OTHER = r"(?:status|outcome|decision|conclusion|result|assessment|evaluation|label|answer|(?:最终)?(?:结论|结果|答案))(?: is)?"
_SIGN = "(?:[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]{1,4}[ \t*_]{0,6})?+"
"""A picture before a label."""
_LABELS = {
    "verdict": rf"{_SIGN}{_FINAL}(?:verdict|judge?ment|(?:最终)?(?:判定|裁决))"
    r"(?: is|[ \t]*\((?:success|failure)[^\w\n]{1,3}[^()\n]{1,20}\))?",
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
    "conclusion",
    "overall",
)
"""Keys of an object with a verdict that may contradict it, besides those that begin with ``final`` and the like."""
_ABOUT = frozenset(("is", "was", "has", "the", "task", "goal", "agent", "request", "overall", "fully"))
_DONE = (
    "success",
    "successful",
    "succeeded",
    "passed",
    "correct",
    "completed",
    "complete",
    "accomplished",
    "achieved",
    "done",
    "solved",
)
_DONE_OR_NOT = dict.fromkeys((*_DONE, "fulfilled", "resolved"), True) | dict.fromkeys(("failed", "failure"), False)
"""What words of keys, besides those that tell what it is about, say of success if they are true."""
_REASONS = ("reasoning", "rationale", "reason", "explanation", "analysis", "justification", "thoughts", "thought")

_LONGEST_WORD = 20
_LONGEST_HEDGE = 60
_NAMES = ("verdict", "judgment", "judgement")
_CLAUSE_LEAD = re.compile(
    r"""(?ix)(?:\A(?:\W{0,12}+(?:edit|correction|update|note|conclusion|answer|reasoning)[:：])?+
        |[.!?;,…>—–。！？，]|[*_]{2}[ \t]++(?=[*_]))[^\w\n"'“‘`/]{0,12}+
    (?:(?:but|so|and|yet|thus|therefore|hence|however|then|now|i\ conclude|that|my|the|our|own|final|overall|actual|real|revised|updated
        |corrected|new|second|correct|right|proper|appropriate|true)\b[^\w\n"'“‘`]{1,8}+){0,6}+\Z"""
)
"""What stands before the word at the beginning of a clause that gives a verdict."""
_SUPPOSED = re.compile(r"(?i)\b(?:if|unless|whether|had|were|suppos\w*|assum\w*)\b")
_REPORTED = re.compile(
    r"(?i)\b(?:sa(?:id|ys?)|claim\w*|state[ds]|t(?:old|ells?)|print\w*|return\w*|ask\w*|wr(?:ote|ites?)|reads|report\w*)\b"
)
_MINE = re.compile(r"(?i)\b(?:my|so|thus|therefore|hence)\b")
"""What says that a clause only supposes or reports a verdict."""
_GIVES = re.compile(
    r"(?i)(?:verdict|judge?ment)[*_]{0,3}[ \t]{0,3}(?:[:：=>\]】]|->|[-–—](?=[ \t])|(?:is|was|remains|must be|should be)\b)"
)
_WORD_LINE = re.compile(
    r"(?i)[ \t*_`(]{0,12}(?:(?:correction|edit|update|wait|actually|no|sorry|final(?: answer)?)[:,.]?[ \t*_`]{1,8})?"
    r"(?P<word>success(?:ful)?|fail(?:ure|ed)?|unsuccessful)[ \t*_`).!]{0,12}"
)
_HEADED = re.compile(r"(?:[:：][*_\s]{0,8}+|^[ \t]*+#[^\n]*+\s{0,8}+)\Z", re.MULTILINE)
_CLEAR_WORD = re.compile(r"(?i)(?:success(?:ful)?|succeeded|fail(?:ure|ed)?)\b")
_OPEN_SENTENCE = re.compile(r"[.!?\n]")
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s|\n")
_MOST_WORDS = 300
"""How often a reply may say one of the words of verdicts: many times what any does."""
_FAR = 200
"""How far the text around a word is looked at."""
_OBJECT_LEAD = re.compile(
    r"""(?ix)\A(?:[^\w\n]|_)*+(?:\d{1,3}[.)][^\w\n]*+)?\Z|[.!?。！？][^\w\n]*+\Z|\bhere\b[^\n]{0,80}:[^\w\n]*+\Z
    |\b(?:verdict|judge?ment)\b[^\w\n]*+(?:is[^\w\n]*+)?\Z"""
)
"""What stands before an object that is not just mentioned."""
_OWN_LEAD = re.compile(r"(?i)\b(?:i|my|here|so|thus|therefore|hence|final|answer|verdict|judge?ment)\b[^\n]{0,80}\Z")
_TOLD = re.compile(r"(?i)[^\w\n]*+(?:is|was|in|from|appears|came)\b")
"""What follows an object that is only mentioned."""
_OBJECT_END = re.compile(r"(?:[^\w\n]|_){0,2000}+(?:$|(?=[A-Z]))", re.MULTILINE)
_IN_BOX = re.compile(r"\\boxed\{(?:\\[a-z]{4,6}\{)?([^{}\n]{1,30})\}")
_FENCED_OBJECT = re.compile(r"(?:`{3,}|~{3,})[\w-]{0,20}\s{0,20}\{")
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
    are not verdicts, and neither are two that contradict each other, nor one that its line takes back, or that another line, key, picture
    or later sentence openly denies. A word such as ``yes`` or ``passed`` that only begins a longer statement is none if that limits or
    denies it. One in a fence, a quote or an object is denied by any sentence outside that gives the opposite. An object that a sentence
    only mentions is none. The rationale is what comes under ``Reasoning``, else what follows the verdict, on one line.

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
    said = said_by(word) if len(reply) <= _LONGEST_HEDGE and len(word) <= _LONGEST_WORD and word.isalpha() else None
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
    if len(told_by) > _MOST_WORDS:
        raise Unclear("it has too many lines with verdicts")
    for names in (("verdict",), ("final", "other")):
        lines = [(label, line) for label, line in told_by if label.name in names]
        found += [said_by(line, layer.text[label.start : label.value]) for label, line in lines]
        told = {said for said in found if said is not None}
        if told:
            others = (openly(line, alone=label.name == "other") for label, line in told_by if label.name not in names)
            told |= {said for said in others if said is not None}
        if told:
            own = prose[lines[0][0].start :] if lines else prose
            apart = (*before, own) if not lines or _says_more(own) else before
            told |= {said for text in apart for said in _stated(text)}
            told |= {*_boxed(prose), *_fenced_last(layer)}
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
        lead = _before(prose, start)
        alone = start in after or (_OBJECT_LEAD.search(lead) and _OBJECT_END.match(prose, end))
        given = not _TOLD.match(prose, end) and (
            _OBJECT_LEAD.search(lead) or (_OWN_LEAD.search(lead) and not _supposes(lead))
        )
        found += [
            (mine, told)
            for mine, told in objects_with([value], _KEYS)
            if alone or (given and not mine.keys().isdisjoint(_OWN))
        ]
    return found


def _says_more(text: str) -> bool:
    """Whether a text that begins with a verdict has further words that may state one: mostly it has none, and this is quick to see."""
    lower = text.lower()
    return any(sum(map(lower.count, words)) > 1 for words in (("verdict", "judg"), ("succe", "pass", "fail")))


def _stated(text: str) -> set[Plain]:
    """The verdicts that a text openly gives: in clauses that name the verdict or conclude, in lines of one word, and in its end."""
    said = set(_sentences(text))
    for place in (*_places(text, "succe"), *_places(text, "fail")):
        if len(said) > 1:
            return said
        before, after = _before(text, place), _after(text, place)
        line = _WORD_LINE.fullmatch(before + after)
        if line and not _HEADED.search(text[max(0, place - len(before) - _FAR) : place - len(before)]):
            said |= _plain(line["word"])
        word = _CLEAR_WORD.match(after)
        if (
            word
            and concludes(sentence := _SENTENCE_END.split(before)[-1], after[word.end() :])
            and not _supposes(sentence)
        ):
            said |= _plain(word[0])
    end = text.rstrip()[-_FAR:]
    last = _SENTENCE_END.split(end)[-1]
    return said if _HEADED.search(end.removesuffix(last)) else said | _plain(last, alone=True)


def _boxed(text: str) -> Iterator[Plain]:
    """The verdicts in boxes."""
    for found in islice(_IN_BOX.finditer(text), MOST) if "\\boxed" in text else ():
        yield from _plain(found[1], alone=True)


def _fenced_last(layer: Layer) -> Iterator[Said]:
    """What a fenced object says that ends a layer: it is as much a part of the answer as what stands before it."""
    text = layer.text.rstrip()
    for mark in ("```", "~~~"):
        start = text.rfind("\n" + mark, 0, -len(mark)) + 1 if text.endswith(mark) else 0
        if start and _FENCED_OBJECT.match(text, start):
            values = values_in(text[start:])
            yield from (
                said for mine, told in objects_with(values.found, _KEYS[:4]) for said in _of_object(mine, told) if said
            )


def _sentences(text: str) -> Iterator[Plain]:
    """The verdicts in clauses that name the verdict, in order."""
    for place in sorted(found for name in _NAMES for found in _places(text, name)):
        after = _after(text, place)
        given = _GIVES.match(after)
        before = _before(text, place) if given else ""
        if given and _CLAUSE_LEAD.search(before) and not _supposes(_OPEN_SENTENCE.split(before)[-1]):
            yield from _plain(after[given.end() :])


def _supposes(sentence: str) -> bool:
    """Whether a sentence only supposes or reports what follows."""
    return bool(_SUPPOSED.search(sentence) or _REPORTED.search(_MINE.split(sentence)[-1]))


def _places(text: str, word: str) -> Sequence[int]:
    """Where a word occurs, in either case.

    Raises:
        Unclear: it does so too often.
    """
    places = [match.start() for match in islice(re.finditer(word, in_lower_case(text)), _MOST_WORDS + 1)]
    if len(places) > _MOST_WORDS:
        raise Unclear(f"it says {word!r} too often")
    return places


def _before(text: str, place: int) -> str:
    """What stands before a place on its line, as far as it matters."""
    begin = max(0, place - _FAR)
    return text[max(begin, text.rfind("\n", begin, place) + 1) : place]


def _after(text: str, place: int) -> str:
    """What stands at and after a place on its line, as far as it matters."""
    return text[place : place + _FAR].partition("\n")[0]


def _plain(text: str, *, alone: bool = False) -> set[Plain]:
    """The verdict at the beginning of a text, see :func:`plainly`."""
    said = plainly(text, alone=alone)
    return set() if said is None else {said}


def _line_of(layer: Layer, labels: Sequence[Line], place: int) -> str:
    """What a label says: the rest of its line, or the next line that is not blank, up to the next label."""
    label = labels[place]
    if label.rest:
        return label.rest
    end = labels[place + 1].start if place + 1 < len(labels) else len(layer.outside)
    return layer.outside[label.value : min(end, label.value + 2_000)].lstrip("=-_ \t\n").partition("\n")[0]


def _of_object(mine: Mapping[str, object], value: object) -> Sequence[Said | None]:
    """What an object says under the key that counts, and, if that is a verdict, openly under further ones."""
    first = _of_value(value)
    if first is None:
        return [None]
    others = [
        (key, it)
        for key, it in mine.items()
        if key in _KEYS or key in _FURTHER or key.startswith(("final", "revised", "corrected"))
    ]
    denied = any(isinstance(it, bool) and _means(key) is not None and _means(key) is not it for key, it in mine.items())
    return [
        first,
        "failure" if denied and first == "success" else None,
        *(_of_value(it) if isinstance(it, bool) or key in _QUESTIONS else openly(it) for key, it in others),
    ]


def _means(key: str) -> bool | None:
    """What a key such as ``task_completed`` says of success if it is true; ``None`` for other keys."""
    words = [word for word in key.split("_") if word not in _ABOUT] if len(key) <= _LONGEST_HEDGE else []
    return _DONE_OR_NOT.get(words[0]) if len(words) == 1 else None


def _of_value(value: object) -> Said | None:
    if isinstance(value, bool):
        return "success" if value else "failure"
    if isinstance(value, dict):
        return next(
            (_of_value(told) for _, told in objects_with([value], _KEYS, 0) if not isinstance(told, dict)), None
        )
    return said_by(value) if isinstance(value, str) else None


def _rationale(layer: Layer, labels: Sequence[Line], lines: Sequence[tuple[Line, str]]) -> str:
    """What comes under the last label of reasons, up to a verdict; else what follows the verdict on its line."""
    reasons = [label for label in labels if label.name == "reasoning"]
    if reasons:
        end = next((label.start for label, _ in lines if label.start > reasons[-1].start), len(layer.text))
        return text_of(layer, reasons[-1], end)
    return rest_of(lines[-1][1]) if lines else ""
