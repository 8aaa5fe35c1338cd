"""A log of an experiment as data: one line of JSON per event, as it happens."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from rbsuite.errors import UsageError
from rbsuite.events import Event
from rbsuite.files import open_special
from rbsuite.hookspecs import hookimpl
from rbsuite.jsonable import plain


class EventLog:
    """An observer that appends events to a file. Used as a context manager.

    A line is an object with ``event``, the name of its type in :mod:`rbsuite.events`, and the fields of that type. The log
    contains ground truth: it is for people and programs that watch, never for anything that takes part.

    Args:
        path: the file; its existing content is kept.

    Raises:
        UsageError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = open_special(path, "a", "ascii")
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}.", "Give --log another file.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(OSError):  # a failed write was reported when it happened
            self._file.close()

    @hookimpl
    def rbsuite_event(self, event: Event) -> None:
        """Write a line."""
        self._file.write(json.dumps({"event": type(event).__name__, **plain(event)}, ensure_ascii=True) + "\n")
        self._file.flush()
