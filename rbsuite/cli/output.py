"""How commands print: everything that is written to a terminal or a pipe goes through here, and is inert (:mod:`rbsuite.inert`)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

import click

from rbsuite.inert import inert

_STDOUT = f"{__name__}.stdout"


def stdout() -> TextIO:
    """Where the command that runs prints its result."""
    context = click.get_current_context(silent=True)
    own = None if context is None else cast(TextIO | None, context.meta.get(_STDOUT))
    return own or sys.stdout


def echo(text: str = "", *, nl: bool = True) -> None:
    """Print text to the command's own standard output."""
    click.echo(inert(text), file=stdout(), nl=nl)


def tell(text: str = "") -> None:
    """Print text to standard error."""
    click.echo(inert(text), err=True)


class InertStream:
    """Stands before a text stream and makes what is written to it inert: log lines, warnings, tracebacks, what a plugin prints.

    Args:
        stream: where to write; it does all else.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text; gives its length."""
        self.stream.write(inert(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def guard(stream: TextIO) -> TextIO:
    """A stream that everything may be written to."""
    return cast(TextIO, InertStream(stream))


def bare(stream: TextIO) -> TextIO:
    """The stream behind :func:`guard`, for who draws on a terminal; what is foreign in that must be made inert first."""
    return bare(stream.stream) if isinstance(stream, InertStream) else stream


def echo_json(value: Any) -> None:
    """Print a value as indented JSON."""
    from rbsuite.jsonable import plain

    echo(json.dumps(plain(value), indent=2))


@contextmanager
def own_stdout(context: click.Context) -> Iterator[None]:
    """Keep standard output for :func:`echo`: what plugins, libraries and child processes write to it goes to standard error.

    So one JSON document stays one, whatever else is printed. The file descriptor is taken too, where standard output has one.
    """
    before = sys.stdout
    own = _taken(before)
    context.meta[_STDOUT] = own or before
    sys.stdout = sys.stderr
    try:
        yield
        stdout().flush()
    finally:
        sys.stdout = before
        del context.meta[_STDOUT]
        if own is not None:
            before.flush()
            os.dup2(own.fileno(), before.fileno())
            with suppress(OSError):  # the reader has gone, which the flush above has told
                own.close()


def _taken(stream: TextIO) -> TextIO | None:
    """A stream to where ``stream`` leads, whose own descriptor then leads to standard error; ``None`` if it has no descriptor."""
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
