"""The lines of a scripted user, derived from the instruction that a model-driven user would get.

Instructions speak to the user in the second person ("You want to return the lamp."). The lines say the same in the first person, bit by
bit: an opening, who is speaking, the other wishes, and consent.
"""

from __future__ import annotations

import re

OPENING_LIMIT = 240
"""Characters of the opening."""

CONSENT = "Yes, please go ahead."
THANKS = "All right, thank you."

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z(\"'#])|\n+")
_ASIDE = re.compile(r"\s*\([^()]*\b(?:reveal|mention|do not|don't)\b[^()]*\)")
_IDENTITY = re.compile(
    r"^(?:[Yy]our? (?:user )?(?:name|id) is|[Yy]ou are (?:[A-Z]\w|user\b|\w+_\w+_\d))"
    r".*?(?:$|(?:,|[,;]? and|[,;]? but) (?=you\b(?! live)|want|wish|need|would|have|received|ordered))"
)
_WISH = re.compile(
    r"\b(?:want|wish|need|would|'d like|prefer|order|recei|return|chang|cancel|modif|refund|book|add\b|remov|pay|fly)",
    re.I,
)
_MANNER = re.compile(r"^(?:you are|you're|you like|be|try|make|do not|don't|please|sound|always|insist)\b", re.I)
_ABOUT_SPEECH = re.compile(
    r"\b(?:reveal|reactive|paraphras|conversation|at the same time|instruction|personalit)", re.I
)
_DIRECTION = re.compile(
    r"^(?:but )?(?:if|when|once)\b[^,]*\bagent\b[^,]*, (?:then )?(?:you (?:say|mention|tell [^,]*?) (?:that )?)?"
    r"|^(?:insist|mention|say|complain)(?: explicitly)? that ",
    re.I,
)
_FACTS = (
    ("I am", re.compile(r"(?:[Yy]our? name is|[Yy]ou are) ([A-Z][a-z]+(?: [A-Z][a-z]+)?)\b(?!_)")),
    ("my user id is", re.compile(r"\b([a-z]+_[a-z]+_\d{4})\b")),
    ("my email is", re.compile(r"([\w.+-]+@[\w-]+(?:\.[\w-]+)+)")),
    ("my zip code is", re.compile(r"(?<![\w#])(\d{5})\b")),
)
_OBJECT = "to|for|with|from|of|about|ask|tell|told|let|help|give|charge|inform|offer|allow|refund|by|than|at|cost"
_AGENT = r"\b(?:[Tt]he|[Tt]his)(?: customer)?(?: service)? agent"
_FIRST_PERSON = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (rf"{_AGENT}'s\b", "\0r"),  # a NUL stands for the agent's "you" until the user's own are replaced
        (rf"{_AGENT} is\b", "\0 are"),
        (rf"{_AGENT} has\b", "\0 have"),
        (rf"{_AGENT} does\b", "\0 do"),
        (rf"{_AGENT} (\w+[^s\W])s\b", "\0 \\1"),
        (_AGENT, "\0"),
        (r"\b[Yy]ourself\b", "myself"),
        (r"\b[Yy]ours\b", "mine"),
        (r"\b[Yy]our\b", "my"),
        (r"\b[Yy]ou(?:'re| are)\b", "I am"),
        (r"\b[Aa]re you\b", "am I"),
        (r"\b[Yy]ou were\b", "I was"),
        (rf"\b((?:{_OBJECT})s?) [Yy]ou\b(?! (?:want|w[oi]|ha[vd]|can|could|d|need|recei|order|just))", r"\1 me"),
        (r"\b[Yy]ou(?=\s*[.,;:!?)]|\s*$|\s+(?:to|if|for|with|because|that|which|in|on|the|a|an)\b)", "me"),
        (r"\b[Yy]ou\b", "I"),
        ("\0", "you"),
    )
)


def user_lines(instruction: str, *, consents: bool) -> tuple[str, ...]:
    """The lines of a scripted user, opening first; two to four of them.

    Args:
        instruction: what a model-driven user would be told.
        consents: whether the user agrees to a change at the end, or just says goodbye.
    """
    opening, rest = _open(" ".join(first_person(wish) for wish in _wishes(instruction)) or "I need some help.")
    found = ((label, fact.search(instruction)) for label, fact in _FACTS)
    facts = ", ".join(f"{label} {match.group(1)}" for label, match in found if match)
    lines = [f"Hi! {opening}", facts and f"{facts[0].upper()}{facts[1:]}.", rest, CONSENT if consents else THANKS]
    return tuple(line for line in lines if line)


def first_person(text: str) -> str:
    """Turn a text addressed to the user into one that the user addresses to the agent."""
    for pattern, replacement in _FIRST_PERSON:
        text = pattern.sub(replacement, text)
    text = text.strip()
    return text[:1].upper() + text[1:]


def _wishes(instruction: str) -> list[str]:
    """The sentences that say what the user wants, without those about who the user is and how the user talks."""
    sentences = (sentence.strip(" ;") for sentence in _SENTENCE_END.split(_ASIDE.sub("", instruction)))
    said = (_DIRECTION.sub("", _IDENTITY.sub("", sentence)) for sentence in sentences)
    return [
        sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
        for sentence in said
        if sentence and not _ABOUT_SPEECH.search(sentence) and (_WISH.search(sentence) or not _MANNER.match(sentence))
    ]


def _open(text: str) -> tuple[str, str]:
    """The opening, and what is left for later: cut after a sentence if possible, otherwise after a clause or a word."""
    if len(text) <= OPENING_LIMIT:
        return text, ""
    cuts = (max(text.rfind(mark, 40, OPENING_LIMIT) for mark in marks) for marks in ((". ", "! ", "? "), (", ", " ")))
    cut = next((cut for cut in cuts if cut > 0), OPENING_LIMIT) + 1
    rest = re.sub(r"^(?:and|but)\s+", "", text[cut:].strip())
    return text[:cut].rstrip(",;. ") + ".", rest[:1].upper() + rest[1:]
