"""How commands print: everything written to a terminal or a pipe goes through here, and is made inert (:mod:`rbsuite.inert`)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

import click

from rbsuite import files
from rbsuite.errors import RbsuiteError
from rbsuite.inert import inert

_STDOUT = f"{__name__}.stdout"


def stdout() -> TextIO:
    """Where the running command prints its result."""
    context = click.get_current_context(silent=True)
    own = None if context is None else cast(TextIO | None, context.meta.get(_STDOUT))
    return own or sys.stdout


class OutputLost(RbsuiteError):
    """Standard output cannot be written: the disk is full, or the terminal is gone."""

    exit_code = 74  # EX_IOERR of sysexits.h

    def __init__(self, error: OSError) -> None:
        remedy = "What was computed is kept; make room, or send the output elsewhere."
        super().__init__(f"standard output cannot be written: {error.strerror or error}.", remedy)


@contextmanager
def writing() -> Iterator[None]:
    """Report the loss of standard output. A reader that has gone (a closed pipe) is a different matter.

    Raises:
        OutputLost: it is lost.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputLost(error) from error


def echo(text: str = "", *, nl: bool = True) -> None:
    """Print text to the command's own standard output.

    Raises:
        OutputLost: standard output cannot be written.
    """
    with writing():
        click.echo(inert(text), file=stdout(), nl=nl)


def tell(text: str = "") -> None:
    """Print text to standard error, if there is one: a terminal that is gone stops nothing."""
    with suppress(OSError):
        click.echo(inert(text), err=True)


class InertStream:
    """Wraps a text stream and makes everything written to it inert: log lines, warnings, tracebacks, plugins' output.

    Args:
        stream: the stream to write to, which does everything else.
        lossy: whether text that cannot be written is dropped.
        drawn: whether control sequences are allowed: the code that draws has already made foreign text inert.
    """

    def __init__(self, stream: TextIO, *, lossy: bool = False, drawn: bool = False) -> None:
        self.stream = stream
        self._lost: tuple[type[OSError], ...] = (OSError,) if lossy else ()
        self._drawn = drawn

    def write(self, text: str) -> int:
        """Write a text and return its length."""
        with suppress(*self._lost):
            self.stream.write(text if self._drawn else inert(text))
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        with suppress(*self._lost):
            self.stream.flush()

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def guard(stream: TextIO, *, lossy: bool = False) -> TextIO:
    """A stream to which anything may be written; see :class:`InertStream`."""
    return cast(TextIO, InertStream(stream, lossy=lossy))


def canvas(stream: TextIO) -> TextIO:
    """The stream behind :func:`guard`, for code that draws on a terminal; foreign text must be made inert first."""
    while isinstance(stream, InertStream):
        stream = stream.stream
    return cast(TextIO, InertStream(stream, lossy=True, drawn=True))


def echo_json(value: Any) -> None:
    """Print a value as indented JSON."""
    from rbsuite.jsonable import plain

    echo(json.dumps(plain(value), indent=2))


@contextmanager
def own_stdout(context: click.Context) -> Iterator[None]:
    """Reserve standard output for :func:`echo`: what plugins, libraries and child processes write to it goes to standard error.

    So one JSON document remains one, whatever else is printed. The file descriptor is redirected too if standard output has one.
    """
    before = sys.stdout
    own = _taken(before)
    context.meta[_STDOUT] = own or before
    if own is not None:
        files.own_stdout["descriptor"] = own.fileno()
    sys.stdout = sys.stderr
    try:
        yield
        with writing():
            stdout().flush()
    finally:
        sys.stdout = before
        del context.meta[_STDOUT]
        files.own_stdout.clear()
        if own is not None:
            with suppress(OSError):
                before.flush()
            os.dup2(own.fileno(), before.fileno())
            with suppress(OSError):  # the reader has gone, which the flush above already reported
                own.close()


def _taken(stream: TextIO) -> TextIO | None:
    """A new stream to the target of ``stream``, whose own descriptor then leads to standard error; ``None`` if it has none."""
    try:
        stream.flush()
        descriptor = stream.fileno()
        if descriptor != 1:
            return None
        own = os.fdopen(os.dup(descriptor), "w", encoding=stream.encoding, errors=stream.errors)
    except (OSError, ValueError, AttributeError):
        return None
    with suppress(OSError):  # there is no standard error
        os.dup2(2, descriptor)
    return own
