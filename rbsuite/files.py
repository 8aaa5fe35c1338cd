"""Files that users name: foreign ones read within limits, own ones written whole or not at all.

What is read must be a regular file of bounded size. JSON is taken strictly: one key once, numbers that are numbers, no deeper than
:data:`MAX_DEPTH`. What is written never replaces a thing that is no regular file.
"""

from __future__ import annotations

import errno
import json
import math
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NoReturn, TextIO

MAX_BYTES = 128 * 1024 * 1024
"""Size of the largest file of data that is read."""

MAX_DEPTH = 100
"""Levels of lists and objects that JSON and TOML may have."""

_DIRECTLY = ("/dev/", "/proc/")
"""Below these a name may stand for what is open already (``/dev/stdout``); a new file in its place would be another thing."""


class Unusable(ValueError):
    """Foreign content that is refused.

    Attributes:
        line: where it stands, from 1; 0 where that is not known.
    """

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(what)
        self.line = line


def read_file(path: Path, *, most: int = MAX_BYTES, within: Path | None = None) -> bytes:
    """The bytes of a regular file. A FIFO, a device or a socket is not so much as waited for.

    Args:
        path: the file.
        most: bytes that it may have.
        within: the directory that it must lie in once links are followed; ``None``: anywhere.

    Raises:
        Unusable: it is no regular file, too large, or lies elsewhere.
        OSError: it cannot be read.
    """
    if within is not None and not resolved(path).is_relative_to(resolved(within)):
        raise Unusable("a link that points outside the directory")
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Unusable("not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(most + 1) if found.st_size <= most else b""
    finally:
        os.close(descriptor)
    if found.st_size > most or len(content) > most:
        raise Unusable(f"larger than {most / 2**20:g} MiB")
    return content


def resolved(path: Path) -> Path:
    """A path without links.

    Raises:
        OSError: there is nothing, or a loop of links.
    """
    try:
        return path.resolve(strict=True)
    except RuntimeError as error:  # what a loop of links raises before Python 3.13
        raise OSError(errno.ELOOP, "Too many levels of symbolic links") from error


def parse_json(text: str) -> Any:
    """The value of JSON text.

    Raises:
        Unusable: it is not JSON, has a key twice in one object, a number that is none or is out of range, or too many levels.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_no_number, parse_int=_integer
        )
    except json.JSONDecodeError as error:
        raise Unusable(f"{error.msg} (column {error.colno})", error.lineno) from error
    except RecursionError as error:
        raise _too_deep() from error
    check_depth(value)
    return value


def parquet_rows(content: bytes) -> list[dict[str, Any]]:
    """The rows of a parquet file.

    Read without arrow's threads: one that still holds what Python gave it aborts a process that ends just then (apache/arrow 45214), with
    what it printed.

    Raises:
        ImportError: pyarrow is not installed.
        Unusable: it is no parquet file, or a broken one.
    """
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    try:
        file = parquet.ParquetFile(arrow.BufferReader(content), pre_buffer=False)
        rows: list[dict[str, Any]] = file.read(use_threads=False).to_pylist()
    except arrow.ArrowException as error:
        raise Unusable(" ".join(str(error).split())[:200]) from error
    return rows


def check_depth(value: Any) -> None:
    """Refuse lists and mappings nested more than :data:`MAX_DEPTH` deep.

    Raises:
        Unusable: they are.
    """
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        nested = [one for one in level if isinstance(one, dict | list)]
        if not nested:
            return
        level = [child for one in nested for child in (one.values() if isinstance(one, dict) else one)]
    raise _too_deep()


def _too_deep() -> Unusable:
    return Unusable(f"nested more than {MAX_DEPTH} levels deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise Unusable(f"the key {next(name for name in made if names.count(name) > 1)!r} occurs twice in one object")
    return made


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Unusable(f"{_short(text)} is beyond floating point")
    return number


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Unusable(f"a number of {len(text)} digits") from None


def _no_number(text: str) -> NoReturn:
    raise Unusable(f"{text} is not a JSON number")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."


@contextmanager
def written(path: Path, encoding: str = "ascii") -> Iterator[TextIO]:
    """A text stream to write a file with, which takes its place once all is written, and keeps its permissions.

    A link is followed. A FIFO that somebody reads and a device are written to; nothing takes their place.

    Args:
        path: the file.
        encoding: of the text; line ends are ``\\n``.

    Raises:
        OSError: it cannot be written, or is a directory, a disk, a socket, or a FIFO that nobody reads; what is there stays as it is.
    """
    real, shown = Path(os.path.realpath(path)), os.path.realpath(path.parent)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = 0
    if (mode and not stat.S_ISREG(mode)) or (path.is_symlink() and f"{shown}/".startswith(_DIRECTLY)):
        with open_special(path, "w", encoding) as stream:
            yield stream
        return
    draft = real.with_name(f".rbsuite-{os.getpid()}-{threading.get_ident():x}.part")
    try:
        with suppress(FileNotFoundError):
            draft.unlink()  # of a process that was killed, or a link that somebody put there
        with draft.open("x", encoding=encoding, newline="\n") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            if mode:
                os.fchmod(stream.fileno(), stat.S_IMODE(mode))
        draft.replace(real)
    finally:
        with suppress(OSError):
            draft.unlink()


def sync_directory(directory: Path) -> None:
    """Make the names in a directory, of new and of renamed files, last through a power failure.

    Raises:
        OSError: it cannot be done.
    """
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_special(path: Path, mode: Literal["w", "a"], encoding: str) -> TextIO:
    """Open for writing what may be there without being a file; never waits.

    Args:
        path: what to open; where there is nothing, a file is made.
        mode: ``w`` or ``a``.
        encoding: of the text.

    Raises:
        OSError: it is a directory, a disk, a socket, or a FIFO that nobody reads.
    """

    def opener(name: str, flags: int) -> int:
        try:
            descriptor = os.open(name, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, 0o666)
        except OSError as error:
            if error.errno == errno.ENXIO:
                raise OSError(error.errno, "nobody reads from it, or it is a socket") from error
            raise
        if stat.S_ISBLK(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "it is a disk")
        os.set_blocking(descriptor, True)
        return descriptor

    return open(path, mode, encoding=encoding, newline="\n", opener=opener)
