"""Asking a memory's model for a reply in a given form, with the counts that the report shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rbsuite.errors import ModelError
from rbsuite.memories.base import BankView
from rbsuite.reading.asking import RETRY, ask_for
from rbsuite.reading.layers import Unreadable

T = TypeVar("T")


async def ask(
    prompt: str,
    view: BankView,
    *,
    temperature: float,
    read: Callable[[str], T],
    retry: str = RETRY,
    **words: Any,
) -> T | None:
    """Ask the memory's model, and read its reply; see :func:`rbsuite.reading.asking.ask_for`.

    Counts ``extraction_malformed`` (a reply that could not be read) and ``extraction_failed`` (no reply could be used, for that reason or
    because the model failed).

    Returns:
        What was read; ``None`` if nothing could be.
    """

    def unread() -> None:
        view.count("extraction_malformed")

    try:
        return await ask_for(view, prompt, temperature=temperature, read=read, unread=unread, retry=retry, **words)
    except (ModelError, Unreadable):
        view.count("extraction_failed")
        return None
