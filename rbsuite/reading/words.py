"""Words that stand for a value: numbers, and statements that there is nothing to say."""

from __future__ import annotations

import re
from itertools import islice

from rbsuite.models.reasoning import in_lower_case
from rbsuite.reading.layers import MOST

_NUMBER = re.compile(
    r"\W*(?:(?:action|index|id|rollout|attempt|trajectory|option|experience|number|step|no|best|the|is)\b[\W_]*){0,4}"
    r"(-?\d{1,9})(?:\.0{1,9})?\W*(?<!%)",
    re.IGNORECASE,
)
_CHOSEN = re.compile(
    r"""(?mx)(?:i(?<!\wi)(?<!if[ ]i)(?:['’]ll)?(?:[ ](?!not|never|would|could|might|did)\w{1,12}+)?[ ](?:choose|pick|select|take|go[ ]with)
        |my(?<!\wmy)[ ](?:final[ ])?(?:choice|pick|selection|action)(?:[ ]is)?)[:*_`]{0,4}
    (?:[ ][*_`]{0,3}(?:the|action|index|id|rollout|attempt|number|option|trajectory|is)[:*_`]{0,4}|[_ ]id:?){0,5}
    [ ][*_`]{0,3}(\d{1,9})(?!\w|[.]\d)
    (?=[^\w\n]{0,12}$|[*_`]{0,3}[.,;!?)])"""
)
_SHORT = 600
_NOTHING = re.compile(
    r"""(?ix)\W*(?:(?:therefore|so|thus|hence|overall|in\ this\ case|answer|result|memory\ items?|items?|lessons?|insights?|workflows?
        |reflections?|additions?)\W+){0,2}
    (?:none|nothing|n/a|nil|null|keep|\[\s*\]|\{\s*\}
      |(?:there(?:\ (?:is|are|was|were)|['’]s)|i\ (?:have|see|find|found|learn(?:ed|t)?|add)|we\ (?:have|learn(?:ed|t)?))\ (?:really\ )?
         (?:nothing|no(?:ne)?|not\ any(?:thing)?)\b
      |no\ (?:(?:new|further|additional|more|other|general|useful|relevant|generali[sz]able|reusable|transferable|meaningful|memory)\ ){0,3}
         (?:items?|memor(?:y|ies)|lessons?|insights?|workflows?|reflections?|strateg(?:y|ies)|bullets?|additions?|changes?|entr(?:y|ies)
            |learnings?|knowledge|takeaways?)\b)
    (?P<rest>[^\n]{0,160})"""
)
_THINGS = r"(?:items?|memor(?:y|ies)|lessons?|insights?|workflows?|reflections?|bullets?|additions?|changes?|learnings?|takeaways?)"
_KIND = r"(?:\ (?:new|useful|relevant|reusable|general|memory|further|more|else))"
_LEARN = r"""(?:have|see|saw|find|found|learn(?:ed|t)?|add(?:ed)?|change[ds]?|keep|kept|take|took|store[ds]?|record(?:ed)?|propose[ds]?
    |suggest(?:ed)?|extract(?:ed)?|remember|save[ds]?|note[ds]?|draw|drew|want|write|wrote)"""
_WHAT = rf"(?:nothing|none|no{_KIND}{{0,2}}\ {_THINGS}){_KIND}{{0,2}}"
_TO_LEARN = (
    r"\ (?:to|worth)\ (?:learn|add|extract|distil|record|remember|stor|report|not|keep|sav|chang|updat)\w{0,4}\b"
)
_PLAINLY = re.compile(
    rf"""(?ix)\W*(?:(?:therefore|so|thus|overall|answer|result|conclusion|{_THINGS})\W+){{0,2}}
    (?:n/a|null
      |(?:nothing|none)\ (?:(?:is|was|needs|has|ought)\ )?to\ be\ (?:added|learn(?:ed|t)|changed|stored|kept|recorded)
      |{_WHAT}(?:{_TO_LEARN}(?P<rest>\ [^\n]{{1,80}})?|\ (?:here|this\ time|at\ all))?
      |(?:there(?:\ (?:is|are|was|were)|['’]s)|(?:the|my|our)\ \w{{1,20}}\ (?:lack|need|misse)s?
         |(?:i|we)(?:['’](?:ll|d)|\ (?:will|would|can|could|shall|therefore|have))?\ {_LEARN})
         \ {_WHAT}(?:{_TO_LEARN}(?P<further>\ [^\n]{{1,80}})?)?(?:\ (?:here|this\ time|at\ all))?
         (?:\ (?:from|in|of)\ (?:this|that|it|the)\b(?:\ \w{{1,20}}){{0,3}})?
         (?:,?\ (?:since|because|as|for)\ (?P<reason>[^\n]{{1,120}}))?
    )[\s.!*_`]*"""
)
_KEPT = re.compile(
    r"""(?ix)\W*(?:(?:therefore|so|thus|overall)\W+)?
    (?:(?:(?:i|we)(?:['’](?:ll|d)|\ (?:will|would))?\ )?(?:keep|leave)\ (?:it|them|all|everything|the\ (?:cheat\ ?)?sheet)
         (?:\ (?:all|of\ (?:it|them)|experiences|unchanged|untouched|as\ (?:it|they)\ (?:is|are|was|were)|as\ is)){0,2}
      |(?:it|the\ (?:cheat\ ?)?sheet)\ (?:stays|remains|is)\ (?:unchanged|as\ it\ is)
      |(?:i|we)\ (?:change|prune|remove)\ (?:nothing|none)(?:\ of\ them)?
      |(?:there(?:\ (?:is|are)|['’]s)\ )?(?:nothing|none|no\ changes?|no\ experiences?)
         (?:\ changes|\ to\ (?:change|make|update|prune|remove|take\ out))?
    )[\s.!*_`]*"""
)
_SENTENCE = re.compile(r"[.;!?][\s\"')]+|[—–]\s*|\b(?:so|and|thus|hence|therefore),?\s")
_LINE = re.compile(r"\S[^\n]*+")
_LONGEST = 200
_MORE = re.compile(r"\b(?:else|others?|further|more|additional|beyond|apart|yet|so far|until|if)\b", re.IGNORECASE)
_TURN = re.compile(
    r"\b(?:but|however|except|although|though|besides|unless|yet|should|must|needs? to|ought|instead|always|never)\b",
    re.IGNORECASE,
)
_CLOSING = 3
"""How many sentences at the end of a line may say something about the whole reply."""
_BLANK = re.compile(
    r"[*_`\s]*+(?:\[?(?:\.{2,}|…|\s)++\]?|\[\w[^\[\]\n]{0,60}\]|<\w[^<>\n]{0,60}>|\{\w[^{}\n]{0,60}\})[*_`\s]*+"
)
_HEADING = re.compile(r"^[ \t]*#[^\n]*$", re.MULTILINE)


def whole_number(value: object) -> int | None:
    """The whole number that a JSON value, or a text such as ``"1"``, ``"1.0"`` or ``"Attempt 1"``, stands for; else ``None``."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    found = _NUMBER.fullmatch(value) if isinstance(value, str) and len(value) <= 100 else None
    return int(found[1]) if found else None


def chosen(text: str) -> set[int]:
    """The numbers that sentences such as ``I choose rollout 2.`` name."""
    return {int(number) for number in _CHOSEN.findall(in_lower_case(text))}


def says_nothing(text: str) -> bool:
    """Whether a reply says that there is nothing to learn, add or change; such a reply is short and says nothing else."""
    if len(text) > _SHORT:
        return False
    lines = [line for line in _HEADING.sub("", text).splitlines() if line.strip(" \t-*_`.")]
    told = [found for found in map(_NOTHING.match, lines) if found is not None]
    if not told or len(lines) > 3:
        return False
    return not any(_TURN.search(found["rest"]) for found in told)


def states_nothing(text: str) -> bool:
    """Whether a sentence near the end of a line says that there is nothing to learn or add, whatever else the text says.

    A single word such as "none" says so only at the very end: above, it may be the answer to something else.
    """
    sentences = _closing_sentences(text)
    if any(is_nothing(words) and " " in words.strip() for words in sentences):
        return True
    last = _SENTENCE.split(text.rstrip("\n")[-_LONGEST:].rpartition("\n")[2])[-1]
    return is_nothing(last)


def states_no_change(text: str) -> bool:
    """Whether a sentence near the end of a line says that all is kept as it is."""
    return any(map(_KEPT.fullmatch, _closing_sentences(text)))


def is_placeholder(text: str) -> bool:
    """Whether a text stands in place of one that is to be filled in, such as ``...``, ``[Title]`` or ``None``."""
    return _BLANK.fullmatch(text) is not None or is_nothing(text)


def is_nothing(sentence: str) -> bool:
    """Whether a sentence says that there is nothing to learn or add; one that goes on to something else does not."""
    found = _PLAINLY.fullmatch(sentence) if len(sentence) <= _LONGEST else None
    if found is None:
        return False
    said = sentence[: found.start("reason")] if found["reason"] else sentence
    goes_on = " ".join(found[part] or "" for part in ("rest", "further", "reason"))
    return not (_TURN.search(goes_on) or _MORE.search(said))


def closes(paragraph: str) -> bool:
    """Whether a paragraph only says that there is nothing, or nothing more, to learn or add."""
    return len(paragraph) <= _LONGEST and " " in paragraph.strip() and _PLAINLY.fullmatch(paragraph) is not None


def _closing_sentences(text: str) -> list[str]:
    """The sentences of the lines, from the last of each back to one after which it turns to something else."""
    found: list[str] = []
    for line in islice(_LINE.finditer(text), MOST):
        end = line[0].rstrip()
        for words in reversed(_SENTENCE.split(end[-_LONGEST:])[-(1 if end.endswith(":") else _CLOSING) :]):
            found.append(words)
            if _TURN.search(words):
                break
    return found
