"""Reads packs when tasks are loaded: finds the directory of a split's data, and its files, and reports problems in one clear line."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from rbsuite.errors import DataError
from rbsuite.files import Unusable, parse_json, read_file

_T = TypeVar("_T")

INFO_NAME = "pack.json"


class PackFiles:
    """The files of a pack's directory, read as data.

    Args:
        path: the directory, or one that contains it under the name ``folder``.
        title: what the data is called in messages.
        remedy: what to do when a file is missing or malformed.
        folder: name of the pack in a directory that contains several; ``""``: none.

    Attributes:
        path: the directory.

    Raises:
        DataError: there is no such directory.
    """

    def __init__(self, path: str | Path, title: str, remedy: str, folder: str = "") -> None:
        self._root = Path(path)
        self.path = inner(self._root, folder)
        self._title = title
        self._remedy = remedy
        self._lock = threading.RLock()
        self._known: dict[tuple[str, ...], object] = {}
        if not self.path.is_dir():
            raise DataError(f"{title} data: there is no directory {str(self.path)!r}.", remedy)

    def read_bytes(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            DataError: it cannot be read, is not a regular file, is too large, or is a link that leads out of the directory.
        """
        try:
            return read_file(self.path / name, within=self._root)
        except Unusable as error:
            raise self.malformed(name, str(error)) from error
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            why = getattr(error, "strerror", None) or str(error)
            raise DataError(
                f"{self._title} data: cannot read {str(self.path / name)!r}: {why}.", self._remedy
            ) from error

    def read_text(self, name: str) -> str:
        """The text of a file.

        Raises:
            DataError: it cannot be read, or is not UTF-8.
        """
        try:
            return self.read_bytes(name).decode()
        except UnicodeDecodeError as error:
            raise self.malformed(name, f"not UTF-8 text ({error})") from error

    def read_json(self, name: str) -> Any:
        """The value in a JSON file.

        Raises:
            DataError: it cannot be read, or is not JSON that :func:`rbsuite.files.parse_json` accepts.
        """
        try:
            return parse_json(self.read_text(name))
        except Unusable as error:
            where = f", line {error.line}" if error.line else ""
            raise self.malformed(name, f"not JSON ({error}{where})") from error

    def once(self, key: tuple[str, ...], read: Callable[[], _T]) -> _T:
        """What ``read`` makes of the files, cached under a key and shared by all callers; concurrent threads do not read twice."""
        found = self._known.get(key)
        if found is None:
            with self._lock:
                if key not in self._known:
                    self._known[key] = read()
                found = self._known[key]
        return cast(_T, found)

    def malformed(self, name: str, what: str) -> DataError:
        """The error for a file that is ``what``, for the caller to raise."""
        return DataError(f"{self._title} data: {str(self.path / name)!r} is {what}.", self._remedy)

    def content_hash(self, names: Iterable[str]) -> str:
        """sha256 (64 hex digits) over the names and bytes of files, in the order given."""
        hasher = hashlib.sha256()
        for name in names:
            content = self.read_bytes(name)
            hasher.update(f"{name}\0{len(content)}\0".encode())
            hasher.update(content)
        return hasher.hexdigest()


def find_pack(
    pack: str, title: str, *, data: str, sample: Path | None, remedy: str, folder: str = ""
) -> tuple[Path, Mapping[str, str]]:
    """The directory of a split's data, and where the data comes from, for :attr:`rbsuite.task.TaskSet.source`.

    Args:
        pack: the pack's name.
        title: what the data is called in messages.
        data: a directory named by the user, which takes precedence; ``""``: none.
        sample: the bundled directory, if the split is bundled; ``None``: it is in the imported pack.
        remedy: how to get the pack.
        folder: name of the pack in a directory that contains several, which the user may name too; ``""``: none.

    Raises:
        DataError: there is no such directory.
    """
    if data:
        if not Path(data).is_dir():
            raise DataError(f"{title}: --data {data!r} is not a directory.", f"Name a directory with {title}'s data.")
        path = inner(Path(data), folder)
        return path, {"pack": pack, "commit": commit_of(path)}
    if sample is not None:
        return sample, {"pack": "sample", "commit": ""}
    # Only imported data needs the data directory and the modules that find it.
    from rbsuite.data.directory import pack_directory

    path = pack_directory(pack)
    if not path.is_dir():
        raise DataError(f"{title}: this split needs upstream's data, which is not imported.", remedy)
    refuse_edited(path)
    return path, {"pack": pack, "commit": commit_of(path, verified=True)}


def refuse_edited(path: Path) -> None:
    """Refuse an imported pack whose files are not those of the import.

    Raises:
        DataError: a file was changed or is missing; a directory without a ``pack.json`` was not imported, and passes.
    """
    if (path / INFO_NAME).is_file():
        from rbsuite.data.packs import verify_pack

        verify_pack(path)


def inner(path: Path, folder: str) -> Path:
    """The directory ``folder`` within ``path`` if there is one, else ``path``."""
    return path / folder if folder and (path / folder).is_dir() else path


def commit_of(path: Path, *, verified: bool = False) -> str:
    """The commit that a pack was proved equal to, or else says it comes from; ``""`` if it says nothing, or was changed since.

    Args:
        path: its directory.
        verified: whether its files are already known to be those of the import.
    """
    if not (path / INFO_NAME).is_file():
        return ""
    from rbsuite.data.packs import load_pack_info, verify_pack

    try:
        info = load_pack_info(path) if verified else verify_pack(path)
    except DataError:
        return ""
    return info.equals_commit or info.commit or ""
