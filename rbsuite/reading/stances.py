"""What a reply's own words make of an answer: that it is taken back after it was given, or that it is only quoted and not followed.

Only clear words count, in the first person or about the answer itself; a reply in which they stand is asked for again.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from rbsuite.reading.labels import Label
from rbsuite.reading.layers import Layer, Unclear, Unreadable, first_read
from rbsuite.reading.values import Values

T = TypeVar("T")

_FAR = 1_000
"""How far words after an answer are looked at, from their beginning and from their end."""
_BESIDE = 40
"""How far a sentence is looked at before a value that it may mention."""
_IN_SENTENCE = re.compile(r"[\w,;，、][ \t*_`\"'“„«‘]*+\Z")
_GOES_ON = re.compile(r"[^\w\n]{0,40}\w")
_ODD_SPACE = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")
"""Those that are plain in what is outside fences and quotes."""
_NEAR = 400
"""How far words before an answer are looked at."""
_AUXILIARY = r"(?:do|did|will|would|should|must|can|could|shall)"
_NOT = rf"(?:{_AUXILIARY}(?:[ ]not|n['’]t)|cannot|can['’]t|won['’]t|shan['’]t|never)"
_IS = r"(?:['’]s|[ ](?:is|was))[ ](?:only[ ]|just[ ]|merely[ ]|clearly[ ])?"
_ENDS = r"(?=\W*(?:$|[.,;!?)]))"
_IT = rf"(?:(?:it|this|them|these|those|so)\b|that\b{_ENDS})"
_DISOWNED = re.compile(
    rf"""(?imx)(?:^[\W_]*+|[.;:,!?…)—–"'”’*_]\s*+|\b(?:so|and|but|which|therefore|hence)\s++)
    (?:(?:so|and|but|therefore|hence|then)[ ,]++)*+(?:
    (?:i|we)(?:['’](?:ll|d|ve)|[ ](?:{_AUXILIARY}(?![ ]not\b)|have(?![ ]not\b)|therefore|just|also|\w+ly)\b)*+(?:
        [ ](?:ignore|disregard|reject|(?:refuse|decline)(?=[ ]to\b|\W*(?:$|[.,;!?)])))\b
        |[ ](?:ignored|disregarded|rejected|refused|declined)[ ]{_IT}
        |[ ](?:should|must)(?:[ ]not|n['’]t)\b
        |[ ](?:did[ ]not|didn['’]t)[ ](?:\w+ly[ ])?(?:write|say|make|propose|mean)[ ]{_IT}
        |(?:[ ](?!did\b|didn){_NOT}|(?:[ ]am|['’]m)[ ]not)[ ](?:going[ ]to[ ])?(?:\w+ly[ ])?
            (?!(?:have|know|see|need|find|think|expect|want|remember|understand|choose|include|repeat|keep|add|change)\b)
            (?:(?:follow|obey|comply)\b|\w++[ ]{_IT}))
    |(?:that|this|it){_IS}what[ ](?!(?:the[ ])?(?:i|we|you|user|customer|policy|rules?)\b)(?:\w++[ ]){{1,4}}?
        (?:says?|said|claims?|claimed|tells?|told|writes?|wrote|contains?|contained|reads?)\b
    |(?:that|this|it|the[ ]above){_IS}an?[ ](?:\w++[ ])?(?:injection|trick|attack|quote|quotation)\b
    )(?P<rest>[^\n.;!?]*+)"""
)
_CONDITION = re.compile(
    r"\b(?:until|till|before|unless|without|else|others?|further|more|again|any\w*|yet|than|if|besides)\b",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"""(?imx)(?:
    ^[\W_]*+(?:(?:oh|hm+|but|no|ah|oops)\b[\s,.!…—–-]++)*+(?:
        (?:wait|hold[ ]on|stop)(?=\s*+(?:[,.!…—–:-]|$)|[ ](?:no|that|this|actually|i)\b)
        |actually\b|no(?=[,.!:]|$|[ ]wait\b)|oops\b|(?:instead|rather)(?=,)|correction(?=[:,.])
        |(?:that|this|it)(?:['’]s|[ ](?:is|was))[ ](?:wrong|incorrect|a[ ]mistake|an[ ]error|not[ ](?:right|correct|true))\b)
    |(?:^[\W_]*+|[.;!?…—–]\s*+)(?:(?:no|wait|sorry|but|oh)\b[\s,.!…—–-]*+)*+(?:
        on[ ](?:second[ ]thoughts?|reflection)\b|scratch[ ]that\b|never[ ]?mind\b
        |i[ ](?:take|took)[ ](?:that|this|it)[ ]back\b|i[ ](?:have[ ])?(?:made[ ]a[ ]mistake|changed?[ ]my[ ]mind|misspoke)\b
        |i[ ](?:really[ ])?meant\b))"""
)
_LEADING = re.compile(r"(?<=[^\W_])[*_\"'”’)]{0,3}[:：][\W_]*+(?:(?:\w{1,8} )?action[\W\d_]*+)?+\Z", re.IGNORECASE)
_CLAUSE = re.compile(r"[.,;!?\n]|\b(?:so|but|instead)\b", re.IGNORECASE)
_NOT_DONE = re.compile(
    rf"""(?ix)\b(?:{_NOT}|not)[ ](?:\w++[ ])?(?:do|doing|follow|obey|run|call|execute|use|perform|take|make|write|send|say)\b
    |\b(?:ignor|refus|declin|reject|disregard)(?:e|ed|es|ing)?\b"""
)


def disowns(after: str) -> bool:
    """Whether the words after an answer say that it is someone else's, or that it is not followed, e.g. "I ignore it."."""
    return any(_CONDITION.search(found["rest"]) is None for part in _parts(after) for found in _DISOWNED.finditer(part))


def takes_back(after: str) -> bool:
    """Whether the words after an answer take it back, e.g. "Wait, that is wrong.", "Actually, ..." or "No, I meant ..."."""
    return any(_TAKEN_BACK.search(part) for part in _parts(after))


def check_stands(prose: str, values: Values, labels: Sequence[Label], *, others: bool = False) -> None:
    """Check that the words after the answer of a layer do not take it back.

    Args:
        prose: the layer without its values.
        values: those of the layer.
        labels: those of the layer.
        others: whether words count, too, that say that the answer is someone else's.

    Raises:
        Unclear: they do.
    """
    ends = [*(end for _, end in values.spans[-1:]), *(end_of_line(prose, label.value) for label in labels[-1:])]
    after = prose[max(ends, default=len(prose)) :]
    if takes_back(after) or (others and disowns(after)):
        raise Unclear("the words after its answer take it back")


def own_values(values: Values) -> Sequence[Any]:
    """The values that are not mentioned in a sentence, between its words.

    Raises:
        Unclear: all are.
    """
    text = values.text
    own = [
        value
        for value, (start, end) in zip(values.found, values.spans, strict=True)
        if not (_IN_SENTENCE.search(text[max(0, start - _BESIDE) : start]) and _GOES_ON.match(text, end))
    ]
    if values.found and not own:
        raise Unclear("it is not clear whether what stands in a sentence is its answer or only mentioned")
    return own


def end_of_line(text: str, at: int) -> int:
    """Where the line ends that a place is on."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def leads_to_denied(before: str) -> bool:
    """Whether the words before a place end with a colon, and say that what follows is not done, e.g. "I won't do this:"."""
    colon = _LEADING.search(near := before[-_NEAR:])
    if colon is None:
        return False
    clause = _CLAUSE.split(near[: colon.start()])[-1]
    return _NOT_DONE.search(clause) is not None and _CONDITION.search(clause) is None


def first_own(
    reply: str, read: Callable[[Layer], T | None], otherwise: Callable[[str], T | None] = lambda text: None
) -> T:
    """As :func:`rbsuite.reading.layers.first_read`, but what stands in fences and quotes does not count if the words beside it deny it.

    Args:
        reply: the model's text.
        read: reads a layer.
        otherwise: reads the whole reply if no layer says anything.

    Raises:
        Unreadable: nothing can be read.
        Unclear: the first layer that says anything contradicts itself.
    """
    denied = False

    def own(layer: Layer) -> T | None:
        nonlocal denied
        if denied:
            return None
        fault: Unreadable | None = None
        try:
            found = read(layer)
        except Unclear:
            raise
        except Unreadable as problem:
            found, fault = None, problem
        if found is None and _denies_quotes(layer):
            denied = True
            raise Unreadable("its own words deny what it quotes")
        if fault is not None:
            raise fault
        return found

    return first_read(reply, own, otherwise)


def _denies_quotes(layer: Layer) -> bool:
    """Whether the words before or after what a layer quotes deny it."""
    text, outside = layer.text, layer.outside
    if text != outside and not text.isascii():
        text = _ODD_SPACE.sub(" ", text)
    if text == outside:
        return False
    places = range(len(text) + 1)
    first = bisect_left(places, True, key=lambda place: text[:place] != outside[:place]) - 1
    end = bisect_left(places, True, key=lambda place: text[place:] == outside[place:])
    after = outside[end:]
    return disowns(after) or takes_back(after) or leads_to_denied(outside[max(0, first - _NEAR) : first])


def _parts(text: str) -> tuple[str, ...]:
    return (text,) if len(text) <= 2 * _FAR else (text[:_FAR], text[-_FAR:])
