"""The error of a failed check. The rules that both generations of a domain share leave its wording to the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias


class Refusal(ValueError):
    """A failed check of a tool; its text follows ``Error: `` in the observation."""


Refuse: TypeAlias = Callable[[str], Refusal]
"""Makes the error of a failed check from tau-bench's text for it."""


def capitalised(text: str) -> Refusal:
    """The error in tau2-bench's wording: tau-bench's, capitalised."""
    return Refusal(text[:1].upper() + text[1:])
