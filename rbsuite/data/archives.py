"""Unpacks untrusted ``.tar.gz`` and ``.zip`` archives: nothing outside the target, no links, no devices, bounded
in size and count.
"""

from __future__ import annotations

import errno
import gzip
import io
import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rbsuite.data.checkout import is_commit
from rbsuite.errors import DataError

_BLOCK = 1 << 20
_DRIVE = re.compile(r"[A-Za-z]:")
_REMEDY = "Do not use this archive; fetch it from its original source."


@dataclass(frozen=True, slots=True)
class UnpackLimits:
    """Bounds on what an archive may unpack to, against decompression bombs.

    Attributes:
        total_bytes: size of all files together.
        files: number of entries.
        path_length: characters of one name.
    """

    total_bytes: int = 1 << 29
    files: int = 20_000
    path_length: int = 1_000


def extract(archive: Path, target: Path, limits: UnpackLimits | None = None) -> str | None:
    """Unpack an archive into an existing, empty directory. Its kind is recognized by its first bytes, not by its name.

    Returns:
        the commit that a forge wrote into the archive (``git archive`` does), or ``None``.

    Raises:
        DataError: it is not such an archive, is damaged, exceeds a limit, or contains a name or an entry that is not allowed.
            The caller must remove what was unpacked until then.
    """
    bounds = limits or UnpackLimits()
    with _readable():
        with archive.open("rb") as file:
            magic = file.read(4)
        if magic.startswith(b"\x1f\x8b"):
            return _extract_tar(archive, _Unpacker(target, bounds))
        if magic.startswith(b"PK"):
            return _extract_zip(archive, _Unpacker(target, bounds))
    raise DataError(
        "the download is neither a .tar.gz nor a .zip archive.", "Check the URL: it may point to a web page."
    )


@contextmanager
def _readable() -> Iterator[None]:
    """Turn the many ways in which a damaged archive fails into one error.

    The standard library's readers react to damage with almost any exception (IndexError for an empty name, struct.error,
    ...), so everything except a file system error counts as damage.
    """
    try:
        yield
    except DataError:
        raise
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise DataError("the archive contains the same path twice.", _REMEDY) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        what = type(error).__name__
        raise DataError(f"the archive is damaged or incomplete ({what}).", "Fetch it again.") from error


@dataclass(slots=True)
class _Unpacker:
    """Writes entries below a target and counts them and their bytes."""

    target: Path
    limits: UnpackLimits
    entries: int = field(default=0, init=False)
    written: int = field(default=0, init=False)

    def place(self, name: str) -> Path:
        """Where an entry belongs.

        Raises:
            DataError: its name is not allowed, or there are too many entries.
        """
        self.entries += 1
        if self.entries > self.limits.files:
            raise DataError(f"the archive contains more than {self.limits.files:,} entries.", _REMEDY)
        parts = [part for part in name.split("/") if part not in ("", ".")]
        outside = name.startswith("/") or ".." in parts or "\\" in name or _DRIVE.match(name)
        if outside or not name.isprintable() or len(name) > self.limits.path_length:
            raise DataError(f"the archive contains a path that is not allowed: {name[:200]!r}.", _REMEDY)
        return self.target.joinpath(*parts)

    def directory(self, name: str) -> None:
        """Create a directory."""
        self.place(name).mkdir(parents=True, exist_ok=True)

    def file(self, name: str, content: IO[bytes]) -> None:
        """Write a file that does not exist yet.

        Raises:
            DataError: the archive unpacks to too many bytes.
        """
        path = self.place(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as out:
            while block := content.read(_BLOCK):
                self.written += len(block)
                if self.written > self.limits.total_bytes:
                    raise too_large(self.limits.total_bytes)
                out.write(block)

    def refuse(self, name: str, what: str) -> DataError:
        """The error for an entry that is neither a file nor a directory."""
        return DataError(f"the archive contains {what}: {name[:200]!r}.", _REMEDY)


def too_large(limit: int) -> DataError:
    """The error for an archive that unpacks to more than ``limit`` bytes."""
    return DataError(f"the archive unpacks to more than {limit / 2**20:,.0f} MiB.", _REMEDY)


class _Bounded(io.RawIOBase):
    """A stream that fails once more than ``limit`` bytes have been read: tar headers and padding count as well."""

    def __init__(self, stream: gzip.GzipFile, limit: int) -> None:
        self._stream = stream
        self._left = limit
        self._limit = limit

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        # One byte more than is left is enough to see that there is too much, whatever size a header claims.
        block = self._stream.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(block)
        if self._left < 0:
            raise too_large(self._limit)
        return block


def _extract_tar(archive: Path, unpacker: _Unpacker) -> str | None:
    overhead = unpacker.limits.files * 4 * tarfile.BLOCKSIZE
    with gzip.open(archive, "rb") as unzipped:
        # A stream ("r|") is read once, front to back: no seeking that would unpack it again.
        bounded = _Bounded(unzipped, unpacker.limits.total_bytes + overhead)
        with tarfile.open(fileobj=bounded, mode="r|") as tar:
            for member in tar:
                if member.isdir():
                    unpacker.directory(member.name)
                elif member.isreg() and not member.issparse():
                    content = tar.extractfile(member)
                    assert content is not None  # A regular file always has content.
                    with content:
                        unpacker.file(member.name, content)
                else:
                    raise unpacker.refuse(member.name, "a link, device or sparse file")
            comment = tar.pax_headers.get("comment", "")
        # tarfile takes a broken header for the end; reading on to the real end lets gzip verify its checksum over everything.
        while bounded.read(_BLOCK):
            pass
    return comment if is_commit(comment) else None


def _extract_zip(archive: Path, unpacker: _Unpacker) -> str | None:
    with zipfile.ZipFile(archive) as zipped:
        for entry in zipped.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise unpacker.refuse(entry.filename, "a link or device")
            if entry.flag_bits & 0x1:
                raise unpacker.refuse(entry.filename, "an encrypted file")
            if entry.is_dir():
                unpacker.directory(entry.filename)
            else:
                with zipped.open(entry) as content:
                    unpacker.file(entry.filename, content)
        comment = zipped.comment.decode("ascii", "replace")
    return comment if is_commit(comment) else None
