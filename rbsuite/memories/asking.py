"""Asking a memory's model for a reply of a given form: once more when it cannot be read, then not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rbsuite.errors import ModelError
from rbsuite.memories.base import BankView
from rbsuite.trajectory import Message

ASKED = 2

T = TypeVar("T")


class Unreadable(Exception):
    """A reply that does not keep to its form. Its text says what is wrong, in words that go back to the model."""


async def ask(
    prompt: str,
    view: BankView,
    *,
    temperature: float,
    read: Callable[[str], T],
    retry: str = "memory/retry.j2",
    **words: Any,
) -> T | None:
    """Ask the memory's model, and read its reply.

    A reply that cannot be read is asked for once more. Counts ``extraction_malformed`` (a reply that could not be read) and
    ``extraction_failed`` (nothing came of it, for that reason or because the model failed).

    Args:
        prompt: what is asked.
        view: gives the model, the templates and the counts.
        temperature: of the model.
        read: gives what the reply says, or raises :class:`Unreadable`.
        retry: template of the second request; it gets ``problem`` and ``words``.
        words: further variables of that template.

    Returns:
        What was read; ``None`` if nothing could be.
    """
    messages = [Message("user", prompt)]
    for _ in range(ASKED):
        try:
            reply = (await view.complete(messages, temperature=temperature)).text
        except ModelError:
            break
        try:
            return read(reply)
        except Unreadable as problem:
            view.count("extraction_malformed")
            again = view.render(retry, problem=str(problem), **words)
            messages += [Message("assistant", reply), Message("user", again)]
    view.count("extraction_failed")
    return None
