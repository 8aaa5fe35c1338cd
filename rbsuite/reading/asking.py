"""Asking a model for a reply in a given form: if it cannot be read, once more with the fault named, then no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from rbsuite.models.base import Completion
from rbsuite.models.services import ModelServices
from rbsuite.models.usable import CUT, FINAL, fault_of, message_of
from rbsuite.reading.layers import Unreadable
from rbsuite.trajectory import Message

RETRY = "reading/retry.j2"
ASKED = 2

T = TypeVar("T")


async def ask_for(
    services: ModelServices,
    prompt: str,
    *,
    temperature: float | None,
    read: Callable[[str], T],
    unread: Callable[[], None] | None = None,
    retry: str = RETRY,
    **words: Any,
) -> T:
    """Ask a model and read its reply. A reply that cannot be read, is empty or was cut off goes back once, with what is wrong with it.

    Args:
        services: provide the model and the templates.
        prompt: what is asked.
        temperature: of the model.
        read: returns what the reply says, or raises :class:`~rbsuite.reading.layers.Unreadable`.
        unread: called for every reply that cannot be read.
        retry: template of the second request; it gets ``problem`` and ``words``.
        words: further variables of that template.

    Raises:
        Unreadable: neither reply could be read, or the first was withheld or did not fit the model's context.
        ModelError: the model failed.
    """
    messages = [Message("user", prompt)]
    for asked in range(1, ASKED + 1):
        completion = await services.complete(messages, temperature=temperature)
        try:
            if fault := fault_of(completion):
                raise Unreadable(fault)
            return read(completion.text)
        except Unreadable as problem:
            if unread is not None:
                unread()
            if asked == ASKED or completion.finish_reason in FINAL:
                raise
            told = told_fault(str(problem), completion)
            messages += [*reply_of(completion), Message("user", services.render(retry, problem=told, **words))]
    raise AssertionError("the loop returns or raises")


def told_fault(problem: str, completion: Completion) -> str:
    """What is wrong with a reply, and that it was cut off, if it was."""
    return problem if completion.finish_reason != "length" or CUT in problem else f"{problem}; {CUT}"


def reply_of(completion: Completion) -> list[Message]:
    """The reply as a message of the conversation; none if it says nothing, since many providers refuse an empty message."""
    return [replace(message_of(completion), tool_calls=())] if completion.text.strip() else []
