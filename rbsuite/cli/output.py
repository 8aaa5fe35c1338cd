"""How commands print JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

import click

_STDOUT = f"{__name__}.stdout"


def stdout() -> TextIO:
    """Where the command that runs prints its result."""
    context = click.get_current_context(silent=True)
    own = None if context is None else cast(TextIO | None, context.meta.get(_STDOUT))
    return own or sys.stdout


def echo(text: str = "", *, nl: bool = True) -> None:
    """Print text to the command's own standard output."""
    click.echo(text, file=stdout(), nl=nl)


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
