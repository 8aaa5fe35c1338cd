"""How far a stream runs ahead of what is committed."""

from __future__ import annotations

from typing import Protocol

from rbsuite.errors import UsageError

AUTO_SHARE = 0.08
"""Calls that ``auto`` may spend on attempts that are thrown away, as a share of the calls that counted."""

LARGEST = 64
"""Attempts that ``auto`` has under way at most."""


class Window(Protocol):
    """Says how many attempts may run ahead, and learns what became of them."""

    def size(self) -> int:
        """Attempts that may be under way beside the one whose turn it is."""

    def committed(self, calls: int) -> None:
        """A task was committed at the cost of so many calls."""

    def ahead(self, *, stood: bool, calls: int) -> None:
        """An attempt that had run ahead was committed (``stood``), or was thrown away after so many calls."""


class FixedWindow:
    """Always the same; 0 is one task at a time."""

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
    """As many as can be expected to waste less than a set share of the calls.

    With ``m`` of ``n`` attempts thrown away so far, each attempt under way is expected to waste ``(m + 1) / (n + 2)`` of the calls of a
    task (Laplace's rule). So it starts one at a time, opens while attempts stand, and closes where memory changes every prompt.

    Args:
        share: calls that may be wasted, as a share of those that counted.
    """

    def __init__(self, share: float = AUTO_SHARE) -> None:
        self._share = share
        self._calls = 0
        self._tasks = 0
        self._wasted = 0
        self._started = 0
        self._failed = 0

    def size(self) -> int:
        """See :class:`Window`."""
        if not self._tasks:
            return 0
        allowance = self._share * self._calls - self._wasted
        miss = (self._failed + 1) / (self._started + 2)
        return max(0, min(LARGEST, int(allowance / (miss * self._calls / self._tasks))))

    def committed(self, calls: int) -> None:
        """See :class:`Window`."""
        self._tasks += 1
        self._calls += calls

    def ahead(self, *, stood: bool, calls: int) -> None:
        """See :class:`Window`."""
        self._started += 1
        if not stood:
            self._failed += 1
            self._wasted += calls


def make_window(text: str) -> Window:
    """The window that ``--speculate`` names: ``off``, ``auto`` or a number.

    Raises:
        UsageError: it is none of these.
    """
    if text == "auto":
        return AutoWindow()
    if text == "off":
        return FixedWindow(0)
    if text.isdecimal() and len(text) < 6:
        return FixedWindow(int(text))
    raise UsageError(f"--speculate {text!r} is not a window.", "Use off, auto or a number of tasks.")
