"""A scripted user's lines, worked out from the instruction that a model-driven user would get.

Instructions speak to the user in the second person ("You want to return the lamp."). The lines say the same in the first
person, wish by wish: an opening, who is speaking, the remaining wishes, and a consent.
"""

from __future__ import annotations

import re

OPENING_LIMIT = 240
"""Characters of the opening."""

CONSENT = "Yes, please go ahead."
THANKS = "All right, thank you."

_SENTENCE_END = re.compile(
    r"(?<=[.!?])\s+(?=[A-Z(\"'#])|(?<=;)\s+(?=(?:Cancel|Return|Exchange|Modify|Change|For)\b)|\n+"
)
_ASIDE = re.compile(r"\s*\([^()]*\b(?:reveal|mention|do not|don't)\b[^()]*\)")
_IDENTITY = re.compile(
    r"^(?:your name is|you name is|your user id is|your id is|you are (?:[A-Z]\w+\b|user\b|\w+_\w+_\d+)|you are an? [\w ]+ called)",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(?:[Yy]our? name is|[Yy]ou are(?: an? [\w ]+ called)?)\s+((?:[A-Z][a-z]+)(?:\s[A-Z][a-z]+)?)\b")
_JOINT = re.compile(
    r"[,;]?\s+(?:and|but)\s+(?=(?:you\s+|you'd\s+)?(?:want|need|would|wish|like|just|recently|have an?|had|will|are contacting"
    r"|ordered|received|currently|booked)\b)"
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ZIP = re.compile(r"(?<![\w#])\d{5}\b")
_USER_ID = re.compile(r"\b[a-z]+_[a-z]+_\d{4}\b")
_WISH = re.compile(
    r"\b(?:want|wish|need|would like|'d like|like to (?:return|exchange|cancel|change|modify|book|get)|wonder|prefer|ordered|received"
    r"|order|return|exchange|cancel|modify|change|refund|book|upgrade|add|remove|check|deliver|pay|switch|inquire|know)\w*\b",
    re.IGNORECASE,
)
_CHARACTER = re.compile(
    r"^(?:you are|you're|you like|you sound|you prefer to (?:say|talk)|be|try|make|do not|don't|please|sound|mention|always|under no"
    r"|provide|insist|you do not want to reveal|you don't want to reveal|you want to (?:talk|make the agent)|it is urgent)\b",
    re.IGNORECASE,
)
_ABOUT_SPEECH = re.compile(
    r"\b(?:reveal|reactive|paraphras\w*|conversation|at the same time|one thing at a time|together|instruction|persistent|personalit\w*"
    r"|not asked|everything is addressed|few words|in one go|not good at|upfront|beginning|typos|jokes|take no for)\b",
    re.IGNORECASE,
)
_STATE = re.compile(r"^(?:you are|you're|you like)\b", re.IGNORECASE)
_ACT = re.compile(
    r"\b(?:ordered|received|return|exchange|cancel|modify|change|refund|book|upgrade|add|remove|check|deliver|pay|switch|willing"
    r"|travel|contacting)\w*\b",
    re.IGNORECASE,
)
_STAGE_DIRECTION = re.compile(
    r"^(?:(?:insist|mention|say)(?: (?:explicitly|that))*|make sure (?:to|you) mention that|tell the agent that)\s+(?=you|it|the|your)",
    re.IGNORECASE,
)
_ASKING = re.compile(r"\b(ask) the agent( explicitly)? (to|for|if|whether)\b", re.IGNORECASE)
_CONDITION = re.compile(r"^(?:but\s+)?(?:if|when|once|after|even if|otherwise|unless|in case)\b", re.IGNORECASE)
_AGENT_CONDITION = re.compile(
    r"^(?:but\s+)?(?:if|when|once|if and only if)\b[^,]*\bagent\b[^,]*,\s*(?:then\s+)?"
    r"(?:you(?:'d)?\s+(?:say|mention|tell[^,]*?)\s+(?:that\s+)?)?",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"^(For #\w+, )?(return|exchange|cancel|modify|change)\b", re.IGNORECASE)
_OPTIONS = re.compile(r"\{([^{}]*)\}")


def user_lines(instruction: str, *, consents: bool) -> tuple[str, ...]:
    """The lines of a scripted user, opening first; two to four of them.

    Args:
        instruction: what a model-driven user would be told.
        consents: whether the user agrees to a change in the end, or just takes leave.
    """
    facts, wishes, conditions = _sort(instruction)
    opening, rest = _open(wishes or [_spoken(sentence) for sentence in conditions] or ["I need some help."])
    lines = [f"Hi! {opening}"]
    if facts:
        lines.append(facts)
    further = " ".join([*rest, *(_spoken(sentence) for sentence in conditions if wishes)])
    if further:
        lines.append(further)
    return (*lines, CONSENT if consents else THANKS)


def first_person(text: str) -> str:
    """Turn a text that speaks to the user into one that the user speaks to the agent."""
    text = re.sub(r"\b(?:the|this)(?: service| customer service)? agent's\b", "\0r", text, flags=re.IGNORECASE)
    text = re.sub(
        r"\b(?:the|this)(?: service| customer service)? agent\s+(\w+)", _agent_verb, text, flags=re.IGNORECASE
    )
    text = re.sub(r"\b(?:the|this)(?: service| customer service)? agent\b", "\0", text, flags=re.IGNORECASE)
    for pattern, replacement in _PRONOUNS:
        text = pattern.sub(replacement, text)
    text = text.replace("\0r", "your").replace("\0", "you").strip()
    return text[:1].upper() + text[1:]


_OBJECT_BEFORE = (
    "to|for|with|from|of|about|ask|asks|asked|give|gives|tell|tells|told|let|lets|help|helps|refund|refunds|charge|charges|inform|informs"
    "|offer|offers|allow|allows|remind|reminds|transfer|transfers|deny|denies|upgrade|between|by|than|at|cost|costs|makes|assists?|show"
)
_PRONOUNS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\b[Yy]ou (name|mind)\b", r"my \1"),
        (r"\b[Yy]ourself\b", "myself"),
        (r"\b[Yy]ours\b", "mine"),
        (r"\b[Yy]our\b", "my"),
        (r"\b[Yy]ou(?:'re| are)\b", "I am"),
        (r"\b[Aa]re you\b", "am I"),
        (r"\b[Yy]ou were\b", "I was"),
        (r"\b[Yy]ou('ve|'d|'ll)", r"I\1"),
        (
            rf"\b({_OBJECT_BEFORE}) [Yy]ou\b(?! (?:want|would|have|had|can|could|do|did|need|will|received|ordered"
            r"|bought|booked|paid|just))",
            r"\1 me",
        ),
        (r"\b[Yy]ou(?=\s*[.,;:!?)]|\s*$|\s+(?:to|if|for|with|because|that|which|in|on|several|the|a|an)\b)", "me"),
        (r"\b[Yy]ou\b", "I"),
    )
)


def _agent_verb(match: re.Match[str]) -> str:
    verb = match.group(1)
    irregular = {"is": "are", "has": "have", "does": "do", "was": "were", "asks": "ask", "says": "say", "this": "this"}
    if verb not in irregular and verb.endswith("s") and not verb.endswith("ss"):
        verb = verb[:-2] if verb.endswith(("sses", "shes", "ches")) else verb[:-1]
    return f"\0 {irregular.get(verb, verb)}"


def _sort(instruction: str) -> tuple[str, list[str], list[str]]:
    """Who is speaking (one line, or ``""``), the wishes in the first person, and the conditional sentences as they are."""
    wishes: list[str] = []
    conditions: list[str] = []
    identity: list[str] = []
    for sentence in _sentences(instruction):
        if not wishes and _IDENTITY.match(sentence):
            who, joint, wish = _cut_identity(sentence)
            identity.append(who)
            if joint:
                wishes.append(_wish(wish))
        elif _CONDITION.match(sentence):
            conditions.append(sentence)
        elif not _is_character(sentence):
            wishes.append(_wish(sentence))
    return _identification(" ".join(identity) or instruction), wishes, conditions


def _sentences(instruction: str) -> list[str]:
    text = _ASIDE.sub("", instruction)
    return [sentence.strip() for sentence in _SENTENCE_END.split(text) if sentence and sentence.strip()]


def _cut_identity(sentence: str) -> tuple[str, bool, str]:
    joint = _JOINT.search(sentence)
    if joint is None:
        comma = re.search(r",\s+(?=you (?:want|need|would|wish)\b)", sentence)
        if comma is None:
            return sentence, False, ""
        joint = comma
    wish = sentence[joint.end() :]
    return sentence[: joint.start()], True, wish if wish.lower().startswith("you") else f"you {wish}"


def _is_character(sentence: str) -> bool:
    """Whether a sentence says how the user talks and not what it wants."""
    if _ABOUT_SPEECH.search(sentence):
        return True
    if _STATE.match(sentence):
        return not _ACT.search(sentence)
    return bool(_CHARACTER.match(sentence)) and not _WISH.search(sentence)


def _identification(text: str) -> str:
    name, email, zip_code, user_id = (pattern.search(text) for pattern in (_NAMED, _EMAIL, _ZIP, _USER_ID))
    parts = [f"I am {name.group(1)}"] if name and "_" not in text[name.end() : name.end() + 1] else []
    for label, match in (("user id", user_id), ("email", email), ("zip code", zip_code)):
        if match:
            parts.append(f"my {label} is {match.group(0).rstrip('.')}")
    line = ", ".join(parts)
    return f"{line[:1].upper()}{line[1:]}." if line else ""


def _wish(sentence: str) -> str:
    sentence = _STAGE_DIRECTION.sub("", _OPTIONS.sub(_plain_options, sentence))
    sentence = _COMMAND.sub(lambda match: f"{match.group(1) or ''}please {match.group(2).lower()}", sentence)
    sentence = _ASKING.sub(_request, sentence)
    text = first_person(sentence).rstrip(";, ")
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _request(match: re.Match[str]) -> str:
    words = {"to": "please", "for": "please see to", "if": "please tell me if", "whether": "please tell me whether"}
    return words[match.group(3).lower()]


def _plain_options(match: re.Match[str]) -> str:
    text = match.group(1).replace("'", "").strip()
    return f"({text})" if text else "the same one"


def _spoken(sentence: str) -> str:
    """A conditional sentence as a wish; a condition on the agent's question falls away, since here it has been asked."""
    return _wish(_AGENT_CONDITION.sub("", sentence) or sentence)


def _open(wishes: list[str]) -> tuple[str, list[str]]:
    """The opening, at most two sentences, and the wishes that are left."""
    first, rest = wishes[0], wishes[1:]
    if len(first) > OPENING_LIMIT:
        cut = max(first.rfind(mark, 60, OPENING_LIMIT) for mark in (", ", "; ", " and ", " but "))
        cut = cut if cut > 0 else first.rfind(" ", 0, OPENING_LIMIT)
        remainder = re.sub(r"^(?:[,;]|and|but)\s+", "", first[cut:].strip())
        return first[:cut].rstrip(",; ") + ".", [remainder[:1].upper() + remainder[1:], *rest]
    if rest and len(first) + 1 + len(rest[0]) <= OPENING_LIMIT:
        return f"{first} {rest[0]}", rest[1:]
    return first, rest
