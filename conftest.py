"""What holds for all tests, of the core and of the plugins."""

from __future__ import annotations

import sqlite3
import sys
import warnings
from functools import partial
from typing import Any

from hypothesis import settings

# Property tests say what is true, not how fast it is: the machine may be busy with others.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


class Watched(sqlite3.Connection):
    """A connection that warns where it is left open, as every connection does from Python 3.13 on."""

    left_open = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.left_open = True

    def close(self) -> None:
        super().close()
        self.left_open = False

    def __del__(self) -> None:
        if self.left_open:
            warnings.warn(f"unclosed database in {self!r}", ResourceWarning, stacklevel=2, source=self)


if sys.version_info < (3, 13):
    sqlite3.connect = partial(sqlite3.connect, factory=Watched)  # type: ignore[assignment]
