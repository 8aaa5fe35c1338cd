"""Files that users name: foreign ones are read within limits, our own are written whole or not at all.

Only regular files of bounded size are read. JSON is read strictly: no key twice in an object, only finite numbers, no deeper than
:data:`MAX_DEPTH`. Writing never replaces anything that is not a regular file.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NoReturn, TextIO

MAX_BYTES = 128 * 1024 * 1024
"""Size of the largest data file that is read."""

MAX_DEPTH = 100
"""Levels of lists and objects that JSON and TOML may have."""

_MOST_BITS = 14_000
"""The longest whole number that TOML may have: about as long as Python converts to and from decimal digits."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
_LONGEST_PATH, _LONGEST_NAME = 4095, 255

_DIRECTLY = ("/dev/", "/proc/")
_STDOUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
own_stdout: dict[str, int] = {}
"""The ``descriptor`` of the command's own standard output, while descriptor 1 leads elsewhere."""
"""Names below these may stand for something that is already open (``/dev/stdout``), which a new file must not replace."""


class Unusable(ValueError):
    """Foreign content that is refused.

    Attributes:
        line: the line it is on, from 1; 0 if unknown.
    """

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(what)
        self.line = line


def read_file(path: Path, *, most: int = MAX_BYTES, within: Path | None = None) -> bytes:
    """The bytes of a regular file. A FIFO, a device or a socket is refused without waiting for it.

    Args:
        path: the file.
        most: how many bytes it may have.
        within: the directory that it must be in once links are followed; ``None``: anywhere.

    Raises:
        Unusable: it is not a regular file, is too large, or is elsewhere.
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


def is_address(text: str) -> bool:
    """Whether a text begins like an address (``http://``), not like a path."""
    return _ADDRESS.match(text) is not None


def check_path(text: str) -> None:
    """Refuse a text that names no file or directory: before it is turned into a path, which takes the slashes out of an address.

    Raises:
        Unusable: it is an address, is too long, or has a character that no path has.
    """
    if is_address(text):
        raise Unusable("an address, not a path")
    try:
        name = os.fsencode(text)
    except UnicodeEncodeError:
        raise Unusable("not a path: it has half of a surrogate pair") from None
    if len(name) > _LONGEST_PATH or any(len(part) > _LONGEST_NAME for part in name.split(b"/")):
        raise Unusable("too long for a path")
    if b"\0" in name:
        raise Unusable("not a path: it has a NUL character")


def resolved(path: Path) -> Path:
    """A path without links.

    Raises:
        OSError: it does not exist, or its links form a loop.
    """
    try:
        return path.resolve(strict=True)
    except RuntimeError as error:  # what a loop of links raises before Python 3.13
        raise OSError(errno.ELOOP, "Too many levels of symbolic links") from error


def parse_json(text: str) -> Any:
    """The value of JSON text.

    Raises:
        Unusable: it is not JSON, or has a key twice in one object, a number that is not finite or is out of range, or too many levels.
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


def parse_toml(content: bytes) -> dict[str, Any]:
    """The table of a TOML document.

    Raises:
        Unusable: it is not TOML, or has a number of thousands of digits or too many levels.
    """
    try:
        table = tomllib.loads(content.decode())
    except RecursionError as error:
        raise Unusable("not valid TOML: nested too deeply") from error
    except ValueError as error:  # of UTF-8, of the syntax, or of a number with thousands of digits
        raise Unusable(f"not valid TOML: {str(error).partition(';')[0]}") from error
    check_depth(table)
    _check_numbers(table)
    return table


def _check_numbers(value: Any) -> None:
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise Unusable("not valid TOML: a number of thousands of digits")
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            _check_numbers(one)


def parquet_rows(content: bytes) -> list[dict[str, Any]]:
    """The rows of a parquet file.

    Read without Arrow's threads: if the process ends while one of them still holds a Python object, it aborts, and what it printed is lost
    (apache/arrow 45214).

    Raises:
        ImportError: pyarrow is not installed.
        Unusable: it is not a parquet file, or is a broken one.
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
    """A text stream for writing a file, which is replaced once everything is written and keeps its permissions.

    Links are followed. A device, or a FIFO that somebody reads, is written to and never replaced.

    Args:
        path: the file.
        encoding: of the text; line ends are ``\\n``.

    Raises:
        OSError: it cannot be written, or is a directory, a disk, a socket, or a FIFO that nobody reads; what is there is left unchanged.
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
            draft.unlink()  # left by a process that was killed, or a link that somebody put there
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
    """Make the names of new and renamed files in a directory survive a power failure.

    Raises:
        OSError: it cannot be done.
    """
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_special(path: Path, mode: Literal["w", "a"], encoding: str) -> TextIO:
    """Open something for writing that need not be a regular file; never waits.

    Args:
        path: what to open; if it does not exist, a file is created.
        mode: ``w`` or ``a``.
        encoding: of the text.

    Raises:
        OSError: it is a directory, a disk, a socket, or a FIFO that nobody reads.
    """

    def opener(name: str, flags: int) -> int:
        if str(path) in _STDOUT and "descriptor" in own_stdout:
            return os.dup(own_stdout["descriptor"])
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
