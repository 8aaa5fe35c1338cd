"""What a line says of success at its beginning, and whether it takes that back."""

from __future__ import annotations

import re
from typing import Literal

Plain = Literal["success", "failure"]
Said = Literal[Plain, "partial", "both"]

_LONGEST = 1_000
_LONGEST_HEDGE = 60
_LONGEST_TURN = 200
_LONGEST_CLAUSE = 100
_MARK = r"(?:[^\w\n]|_)"
_FILLER = (
    r"(?:(?:a|an|the|it|this|that|is|was|has|attempt|agent|task|run|rollout|trajectory|record|request|work|overall|clearly|clear|complete|full"
    r"|completely|fully|entirely|totally|did|does|should|really|label|conclu(?:sion|de)|in[ ]conclusion|decision|assessment|outcome"
    r"|i|would|say|judged?|rated|as|answer|verdict|judge?ment|therefore|thus|hence|so|s|text|boxed|mathrm|textbf|be|deemed|considered|to"
    r"|final|been|my|correct[ ](?:answer|verdict|label))\b(?:[^\w\n]|_)+){0,12}+"
)
_GOOD = r"success(?:ful(?:ly)?)?|succeed(?:s|ed)?|pass(?:ed)?|true|yes|accomplished|completed|correct|成功"
_BAD = r"fail(?:ure|ed|s|ing)?|unsuccessful(?:ly)?|false|no|incomplete|incorrect|wrong|失败|失敗"
_VALUE = re.compile(
    rf"""(?ix)(?P<lead>{_MARK}*+(?:x\]{_MARK}*+)?+){_FILLER}
    (?:(?P<part>partial(?:ly)?|mixed|mostly|almost|nearly|near|limited|half|partly|some|moderate|potential|possible|likely|probabl[ey]|maybe)\b
      |(?P<not>(?:not|no|never|neither|without|isn['’]t|wasn['’]t|didn['’]t|n['’]t)\b
        {_MARK}+(?:an?\b{_MARK}+|yet\b{_MARK}+|fully\b{_MARK}+)?(?=success|fail|pass|complet|accompl|succeed))?
       (?:(?P<good>{_GOOD})|(?P<bad>{_BAD}))\b)
    (?P<rest>[^\n]*+)"""
)
_CLEAR = r"success(?:ful(?:ly)?)?|succeed(?:s|ed)?|pass(?:ed)?|fail(?:ure|ed|s)?|unsuccessful(?:ly)?"
"""Words of a verdict that hardly say anything else."""
_SURE = frozenset(("success", "successful", "failure", "unsuccessful", "成功", "失败", "失敗"))
"""Words that are a verdict whatever follows; others are one if they stand alone, and may be only the beginning of what is told."""
_ANSWERS = frozenset(("yes", "no"))
"""Words that answer a question, which may be another one."""
_WHOLE = _SURE | _ANSWERS | {"pass", "true", "false", "correct"}
"""Words that are no verdict if they describe the next word."""
_UNREACHED = (
    r"(?:denied|ruled\ out|rejected|refused|excluded|precluded|refuted|disputed|contested|doubt\w*|unlikely|questionable|impossible"
    r"|un(?:prove[nd]|confirmed|verified)|unsupported|unwarranted|unjustified|unclear|uncertain|withheld|retracted|withdrawn|revoked|overturned|unmet|avoided"
    r"|averted|(?:not|never)[ \t]+(?:(?:yet|fully|really|at\ all)[ \t]+)?(?:achieved|reached|met|attained|obtained|made|done|prove[nd]"
    r"|shown|confirmed|established|found|given|granted|possible|warranted|satisfied|the\ case))"
)
_DENIED = (
    rf"(?:{_UNREACHED}|claimed|assumed|alleged|not|never|hardly|barely|no\ longer|out\ of|missing|absent"
    r"|lacking|invalid|wrong|false|incorrect)"
)
_END = r"(?=[ \t*_`\"')\]]*(?:[.,;:!)—–→]|-[->]|\Z))"
"""Where a clause ends."""
_GOES_ON = r"[\"'’”)]?[ \t]++(?=\w)"
_JOINS = (
    r"(?:because|due|since|as|of|by|to|for|when|where|that|with|without|within|in|on|at|after|before|despite|although|though|thanks|given"
    r"|per|under|from|overall|here|but|yet|while|even|so|is|was|are|has|ha[sd]|must|should|cannot|can|not|never|did|does|the|this|it|its|all"
    r"|every\w*|each|both|i|my|based|according|via|through|indeed|clearly|changed|actually|really"
    r"|(?:completion|completed?|agent|user|task|attempt|run|outcome|result|execution|rollout|trajectory|resolution|verdict|label)"
    r"(?![ \t]+(?:is|was|were|ha[sd]|not|never|un\w+|criteri\w+|conditions?|rate)\b))\b"
)
"""What may follow a word of a verdict without being what the word describes."""
_UNSURE = re.compile(
    rf"""(?ix){_MARK}*+(?:or|and|vs|versus|nor|if|unless|would|could|might|was\ not|is\ not|in\ part)\b
    |{_MARK}*+0(?:\.0+)?(?:/\d+)?[ \t]*%?{_END}
    |[ \t*_`"']*+(?:\?
      |(?:cannot|can['’]t|can\ not|isn['’]t|wasn['’]t|ha[sd](?:\ not|n['’]t))\b
      |(?:is|was|are|has\ been|must\ be|should\ be)[ \t]+(?:(?:to|be|being|been|thus|therefore|hereby|\w{{1,20}}ly)[ \t]+){{0,3}}
       {_DENIED}\b)
    |[ \t]++(?:not|never|d(?:id|oes)(?:\ not|n['’]t))\b(?!{_MARK}+(?:an?\b{_MARK}+)?(?:{_CLEAR}|partial)\b)
    |[ \t]*+[/|]"""
)
_DESCRIBES = re.compile(rf"(?i){_GOES_ON}(?!{_JOINS})")
_LOOSELY = re.compile(
    r"(?i)[\"'’”)*_`]*+(?:,[ \t]*(?:but|then|however|except|although|though|yet|only|not)\b|[ \t]*="
    r"|[ \t]++(?!(?:because|due|since|to|as)\b)\w)"
)
"""What follows a word that is part of a longer statement."""
_LIMITS = {
    True: re.compile(
        r"(?i)\b(?:but|however|except|not|none|nothing|only|incorrectly|wrongly|unsuccessfully|at first|once|initially"
        r"|\d+[ \t]+(?:out[ \t]+)?of[ \t]+\d+)\b"
    ),
    False: re.compile(r"(?i)\b(?:but|however|except|at first|once|initially)\b"),
}
"""What limits a longer statement to a part of the task."""
_EQUATES = {
    True: re.compile(r"(?i)[ \t*_`\"'’”]*+(?:is|was|of|in|on|for|with|until)\b"),
    False: re.compile(r"(?i)[ \t*_`\"'’”]*+(?:is|was)\b"),
}
"""What follows a success, and a failure, that may be only that of a step."""
_STRUCK = re.compile(r"(?i)<(?:s|del|strike)>|~~|\[[ \t]\]")
_CROSS = "❌✗✘✖❎⛔🚫👎🔴☐"
_CHECK = "✅✔✓☑👍🟢"
_SIGNS = re.compile(rf"[{_CROSS}{_CHECK}]")
_WORD = re.compile(r"[^\W_]")
_OPENLY = re.compile(rf"(?i){_MARK}*+{_FILLER}(?:(?:{_CLEAR}|correct|incorrect|wrong)\b|成功|失败|失敗)")
_HEDGED = re.compile(r"(?i)\b(?:partial(?:ly)?|partly|in part)\b")
_AGAINST = {
    True: re.compile(r"(?i)\b(?:fail(?:ure|ed|s)|unsuccessful|incorrect|wrong)\b|失败|失敗"),
    False: re.compile(r"(?i)\b(?:success(?:ful(?:ly)?)?|succeed(?:s|ed)?|pass(?:ed)?)\b|成功"),
}
"""What may say the opposite of a success, and of a failure."""
_AGAINST_ALL = {
    True: ("fail", "unsucc", "wrong", "incorrect", "失"),
    False: ("succe", "pass", "成"),
}
"""One of these is in every such word: mostly none is there, and this is quick to see."""
_OPPOSITE = {
    True: re.compile(
        rf"(?ix){_MARK}*+(?:{_UNREACHED}\b|(?:{_BAD}|not|never)\b{_END})|[ \t*_`:=>/|–—-]*+(?:fail(?:ure|ed|s)?|unsuccessful)\b"
    ),
    False: re.compile(rf"(?i){_MARK}*+(?:{_GOOD})\b{_END}|[ \t*_`:=>/|–—-]*+(?:success(?:ful)?|succeed(?:s|ed)?)\b"),
}
"""What follows immediately and says the opposite of a success, and of a failure."""
_EXCUSED = re.compile(
    r"(?i)(?:\b(?:no|not|never|without|neither|nor|any|zero|after|despite|although|though|from|nothing)|n['’]t)"
    r"(?:[ \t]+[\w-]+){0,3}[ \t]*\Z"
)
"""What stands before a word of the opposite class that says nothing against the verdict."""
_CHANGED = r"(?:[ ](?:my|the))?(?:[ ](?:mind|it|this|verdict|answer|judge?ment|label))?"
_TURN = (
    r"(?:(?:i[ ])?meant?|(?:up)?on[ ](?:(?:second|further|closer)[ ])?(?:reflection|thoughts?|(?:re)?consideration|review|inspection)"
    r"|after[ ](?:review|reflection|consideration)|in[ ](?:truth|fact|reality)|wait|actually|really|correction|(?:or[ ])?rather|sorry"
    rf"|(?:scratch|strike)[ ]that|make[ ](?:that|it)|(?:chang|revis)(?:ed?|ing)?{_CHANGED}|reconsider(?:ed|ing)?{_CHANGED}"
    r"|overruled|take[ ](?:that|it|this)[ ]back|apolog\w+|then|finally|ultimately|no(?=,))"
)
_CORRECTED = re.compile(
    rf"(?i)(?:\A|[^\w\s]|\b(?:but|or|and)\b)\s*+(?=\w)(?:{_FILLER}{_TURN}\b{_MARK}++){{1,4}}{_FILLER}\Z|\bbut\s++{_FILLER}\Z"
)
"""What stands before a word that takes a verdict back."""
_TURNED = re.compile(rf"(?i)\b(?:{_TURN}|but)\b")
_BARE = re.compile(rf"(?i)(?:\A|[^\w\s'’:])\s*+{_FILLER}\Z")
"""What stands before a word that is all that its clause says."""
_CONCLUDED = re.compile(
    rf"(?i)(?:\A|[^\w\s'’])\s*+(?=\w)(?=[^\n]*\b(?:therefore|thus|hence|so|verdict|label|judge?ment|conclu(?:sion|de))\b){_FILLER}\Z"
)
"""The same, where the clause concludes from others or names the verdict."""
_CLAUSE_END = re.compile(_END)
_PLAINLY = re.compile(rf"(?i){_MARK}*+{_FILLER}(?:(?:not|didn['’]t)\b{_MARK}+(?:an?\b{_MARK}+)?)?(?:{_CLEAR})\b")


def said_by(line: str, before: str = "") -> Said | None:
    """What a line says at its beginning; ``None`` if that is neither, or open; both if the rest takes it back.

    Args:
        line: the line.
        before: what stands before it, whose pictures count.
    """
    match = _VALUE.match(line[:_LONGEST])
    if match is None:
        return None
    if match["part"]:
        return "partial"
    success = bool(match["good"]) and not match["not"]
    rest = match["rest"][:_LONGEST_TURN]
    if _STRUCK.search(line[:_LONGEST]) or _is_marked(before + match["lead"] + rest, success):
        return "both"
    if not _WORD.search(rest):
        return None if "?" in rest or (match["not"] and match["bad"]) else "success" if success else "failure"
    if (match["not"] and match["bad"]) or _UNSURE.match(rest) or _OPPOSITE[success].match(rest):
        return None
    lower = rest.lower()
    word = "not" if match["not"] else (match["good"] or match["bad"]).lower()
    if _is_denied(word, rest, success, any(map(lower.__contains__, _AGAINST_ALL[success]))):
        return "both"
    if word in _WHOLE and _DESCRIBES.match(rest):
        return None
    if "part" in lower and _HEDGED.search(rest[:_LONGEST_HEDGE]):
        return "partial"
    return "success" if success else "failure"


def openly(line: object, *, alone: bool = False) -> Said | None:
    """What a line that need not be a verdict says of success in so many words.

    Args:
        line: the line; what is not text says nothing.
        alone: whether it says nothing if further words follow.
    """
    match = _OPENLY.match(line[:_LONGEST]) if isinstance(line, str) else None
    if match is None or not isinstance(line, str) or (alone and _WORD.search(line, match.end())):
        return None
    return said_by(line)


def plainly(text: str, *, alone: bool = False) -> Plain | None:
    """The verdict at the beginning of a text, if it is in words that hardly say anything else.

    Args:
        text: the text.
        alone: whether it gives none if further words follow.
    """
    match = _PLAINLY.match(text)
    said = said_by(text) if match and not (alone and _WORD.search(text, match.end())) else None
    return said if said == "success" or said == "failure" else None


def rest_of(line: str) -> str:
    """What follows the verdict on its line."""
    match = _VALUE.match(line[:_LONGEST])
    return match["rest"].strip(" \t*_`\"'.:;,-–—()") if match else ""


def concludes(before: str, after: str) -> bool:
    """Whether a word is the conclusion of its sentence, or corrects one.

    Args:
        before: what stands before the word in its sentence.
        after: what stands after the word.
    """
    if not _CLAUSE_END.match(after):
        return False
    near = before[-_LONGEST_CLAUSE:]
    return bool((_TURNED.search(near) and _CORRECTED.search(near)) or _CONCLUDED.search(near))


def _is_marked(text: str, success: bool) -> bool:
    """Whether the pictures in a line say nothing but the opposite."""
    signs = "" if text.isascii() else "".join(_SIGNS.findall(text))
    return bool(signs) and not signs.strip(_CROSS if success else _CHECK)


def _is_denied(word: str, rest: str, success: bool, opposed: bool) -> bool:
    """Whether what follows a word denies it: corrects it, is a clause of the opposite, or, where the word is loose, says the opposite.

    Args:
        word: the word.
        rest: what follows it.
        success: whether it stands for a success.
        opposed: whether words of the opposite may follow.
    """
    loose = word in _ANSWERS or (word not in _SURE and word != "not" and _LOOSELY.match(rest) is not None)
    if loose and _LIMITS[success].search(rest):
        return True
    if not opposed:
        return False
    turned = _TURNED.search(rest) is not None
    loose = loose or _EQUATES[success].match(rest) is not None
    for found in _AGAINST[success].finditer(rest):
        before, after = rest[max(0, found.start() - _LONGEST_CLAUSE) : found.start()], rest[found.end() :]
        if loose and not _EXCUSED.search(before):
            return True
        if (turned and _CORRECTED.search(before)) or (_CLAUSE_END.match(after) and _BARE.search(before)):
            return True
    return False
