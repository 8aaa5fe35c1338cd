"""What a rule of the contract kit is, and the runner that checks rules on a subject.

A subject is one thing that a plugin declares (an environment, a memory, ...), or the plugin itself. A rule examines it and either passes,
or raises :class:`Broken` with what it found, or :class:`NotTried` with why it could not be checked. Any other exception was raised by the
subject, and breaks the rule.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from rbsuite.errors import RbsuiteError, is_failure, told
from rbsuite.report.text import one_line

S = TypeVar("S")

Outcome = Literal["kept", "broken", "not tried"]

SECONDS = 120.0
"""The time limit of one rule. A subject that blocks cannot be stopped; one that waits can."""
LONGEST_DETAIL = 300
"""Number of characters of a rule's finding that are shown."""


class Broken(Exception):
    """A rule is broken; the text says what was found, in one line."""


class NotTried(Exception):
    """A rule could not be checked on a subject; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Rule(Generic[S]):
    """One rule of a contract.

    Attributes:
        id: its id, unique among the rules of its kind; words joined by ``-``.
        kind: what the rule is for: ``environment``, ``memory``, ..., ``plugin``.
        requires: what must hold, one sentence.
        remedy: what to do if it does not hold, one sentence.
        check: examines a subject.
        after: ids of rules that must not be broken for this one to be meaningful.
    """

    id: str
    kind: str
    requires: str
    remedy: str
    check: Callable[[S], Awaitable[None]]
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one rule on one subject.

    Attributes:
        kind, subject: what was examined, e.g. ``memory`` and ``reasoningbank:k=2``.
        rule: the id of the rule.
        outcome: ``kept``, ``broken`` or ``not tried``.
        detail: what was found, or why the rule was not tried; empty if it is kept.
        requires, remedy: as in the rule.
    """

    kind: str
    subject: str
    rule: str
    outcome: Outcome
    detail: str
    requires: str
    remedy: str


def rule(
    kind: str, id: str, remedy: str, *, after: Sequence[str] = ()
) -> Callable[[Callable[[S], Awaitable[None]]], Rule[S]]:
    """Make a rule from the decorated function, whose docstring is what the rule requires. See :class:`Rule` for the arguments."""

    def made(check: Callable[[S], Awaitable[None]]) -> Rule[S]:
        return Rule(id, kind, " ".join((check.__doc__ or "").split()), remedy, check, tuple(after))

    return made


async def try_rules(rules: Sequence[Rule[S]], subject: S, name: str) -> list[Finding]:
    """Check rules on a subject, in order. No rule stops another, except that a rule is not tried if one that it depends on is broken.

    Args:
        rules: the rules.
        subject: what is examined.
        name: the subject's name.
    """
    found: dict[str, Finding] = {}
    groundless: set[str] = set()
    for one in rules:
        ground = next((id for id in one.after if id in groundless), None)
        outcome: Outcome = "not tried"
        detail = f"it needs the rule {ground!r} to hold"
        if ground is None:
            outcome, detail = await _try(one, subject)
        if ground is not None or outcome == "broken":
            groundless.add(one.id)
        found[one.id] = Finding(one.kind, name, one.id, outcome, detail, one.requires, one.remedy)
    return list(found.values())


async def _try(one: Rule[S], subject: S) -> tuple[Outcome, str]:
    try:
        async with asyncio.timeout(SECONDS):
            await one.check(subject)
    except NotTried as why:
        return "not tried", _short(str(why))
    except Broken as what:
        return "broken", _short(str(what))
    except TimeoutError:
        return "broken", f"it took more than {SECONDS:g} seconds"
    except BaseException as error:
        if not is_failure(error):
            raise
        return "broken", _short(str(error) if isinstance(error, RbsuiteError) else raised(error))
    return "kept", ""


def raised(error: BaseException) -> str:
    """What the subject raised, in words."""
    return one_line(f"it raised {told(error)}").rstrip(": ")


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= LONGEST_DETAIL else f"{line[:LONGEST_DETAIL]}..."


def require(holds: object, found: str) -> None:
    """Break the rule unless a condition holds.

    Raises:
        Broken: it does not.
    """
    if not holds:
        raise Broken(found)
