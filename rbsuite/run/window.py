"""How far a stream runs ahead of what is committed."""

from __future__ import annotations

from typing import Protocol

from rbsuite.errors import UsageError, shortened
from rbsuite.options import whole_number

AUTO_SHARE = 0.08
"""Calls that ``auto`` may spend on tries that are thrown away, as a share of the calls that counted."""

LARGEST = 64
"""Maximum number of tries that ``auto`` has under way."""


class Window(Protocol):
    """Says how many tries may run ahead, and learns what became of them."""

    def size(self) -> int:
        """Tries that may be under way besides the one whose turn it is."""

    def committed(self, calls: int) -> None:
        """A task was committed at a cost of ``calls`` calls."""

    def ahead(self, *, stood: bool, calls: int) -> None:
        """A try that had run ahead was committed (``stood``) or thrown away; ``calls`` of its calls were wasted.

        One that stands only because nothing has changed meanwhile is not reported: it says nothing about what the next change will do.
        """


class FixedWindow:
    """Always the same size; 0 means one task at a time."""

    def __init__(self, size: int) -> None:
        self._size = size

    def size(self) -> int:
        """See :class:`Window`."""
        return self._size

    def committed(self, calls: int) -> None:
        """Nothing to learn."""

    def ahead(self, *, stood: bool, calls: int) -> None:
        """Nothing to learn."""


class AutoWindow:
    """As many tries as lose less than a set share of the calls.

    The unspent part of the share must cover one more loss before any try runs ahead. While it does, one try may, and one more for every
    try that stood; every try that is thrown away halves the window. So it opens wide if tries stand, and is closed most of the time if
    memory changes every prompt. If memory first changes late, little is under way by then.

    A loss is expected to cost ``(w + t) / (n + 2)`` calls, if ``n`` tries ahead have lost ``w`` so far and a task takes ``t`` (Laplace's
    rule: two more tries, one of them lost).

    Args:
        share: calls that may be wasted, as a share of those that counted.
    """

    def __init__(self, share: float = AUTO_SHARE) -> None:
        self._share = share
        self._size = 0.0
        self._calls = 0
        self._tasks = 0
        self._wasted = 0
        self._started = 0

    def size(self) -> int:
        """See :class:`Window`."""
        return max(1, int(self._size)) if self._may_lose() else 0

    def committed(self, calls: int) -> None:
        """See :class:`Window`."""
        self._tasks += 1
        self._calls += calls

    def ahead(self, *, stood: bool, calls: int) -> None:
        """See :class:`Window`."""
        self._started += 1
        self._wasted += calls
        self._size = min(LARGEST, self._size + 1) if stood else self._size / 2

    def _may_lose(self) -> bool:
        if not self._tasks:
            return False
        loss = (self._wasted + self._calls / self._tasks) / (self._started + 2)
        return self._share * self._calls - self._wasted >= loss


def make_window(text: str) -> Window:
    """The window that ``--speculate`` names: ``off``, ``auto`` or a number.

    Raises:
        UsageError: it is none of these.
    """
    if text == "auto":
        return AutoWindow()
    if text == "off":
        return FixedWindow(0)
    number = whole_number(text, 99_999)
    if number is not None:
        return FixedWindow(number)
    raise UsageError(f"--speculate {shortened(text)!r} is not valid.", "Use off, auto or a number of tasks.")
