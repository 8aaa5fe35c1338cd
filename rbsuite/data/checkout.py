"""A source directory that the user names, read as data: its files, its JSON, its commit. Nothing in it is run, and
git is not needed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NoReturn

from rbsuite.data.literals import parse_source
from rbsuite.errors import DataError
from rbsuite.files import MAX_BYTES, Unusable, parse_json, read_file

MAX_FILE_BYTES = MAX_BYTES
_MOST_GIT_BYTES = 16 * 1024 * 1024
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def is_commit(text: str) -> bool:
    """Whether a text is a full commit id: 40 or 64 lower-case hexadecimal digits."""
    return bool(_COMMIT.fullmatch(text))


class SourceTree:
    """Reads files below one directory. File names are relative to it, use ``/``, and are part of every message.

    Args:
        root: the directory.
        remedy: what to do when a file is missing or broken; ends every message.

    Raises:
        DataError: ``root`` is not a directory.
    """

    def __init__(self, root: Path, remedy: str = "Restore the file, or get a fresh copy of the source.") -> None:
        if not root.exists():
            raise DataError(f"{str(root)!r} does not exist.", "Name the directory that contains the source.")
        if not root.is_dir():
            raise DataError(
                f"{str(root)!r} is a file, not a directory.", "Name the directory that contains the source."
            )
        self.root = root
        self._remedy = remedy

    def has(self, name: str) -> bool:
        """Whether there is a file or directory with that name."""
        return (self.root / name).exists()

    def read_bytes(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            DataError: it is missing, not a regular file, not readable, too large, or a link that leads out of the
                directory.
        """
        try:
            return read_file(self.root / name, most=MAX_FILE_BYTES, within=self.root)
        except FileNotFoundError:
            self.fail(f"{name} is missing")
        except Unusable as error:
            self.fail(f"{name} is {error}")
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            self.fail(f"{name} cannot be read ({getattr(error, 'strerror', None) or type(error).__name__})")

    def copy(self, name: str, target: Path) -> bool:
        """Copy a file, if it exists, into a directory under its base name; returns whether it exists.

        Raises:
            DataError: as for :meth:`read_bytes`.
        """
        if there := self.has(name):
            (target / name.rpartition("/")[2]).write_bytes(self.read_bytes(name))
        return there

    def read_text(self, name: str) -> str:
        """The text of a UTF-8 file, with every line ending in ``\\n`` (as Python's text mode reads it).

        Raises:
            DataError: as for :meth:`read_bytes`, or the file is not UTF-8.
        """
        return self._decode(self.read_bytes(name), name).replace("\r\n", "\n").replace("\r", "\n")

    def read_json(self, name: str) -> Any:
        """The value of a JSON file.

        Raises:
            DataError: as for :meth:`read_text`, or the file is not JSON; the message names the line.
        """
        return self.parse_json(self.read_bytes(name), name)

    def read_json_lines(self, name: str) -> list[Any]:
        """The values of a file with one JSON value per line; empty lines are skipped.

        Raises:
            DataError: as for :meth:`read_json`.
        """
        lines = self.read_text(name).split("\n")
        return [self._parse(line, name, number) for number, line in enumerate(lines, start=1) if line.strip()]

    def parse_json(self, content: bytes, name: str) -> Any:
        """The value of JSON bytes that were read from the file ``name``; raises what :meth:`read_json` raises."""
        return self._parse(self._decode(content, name), name, 1)

    def read_module(self, name: str) -> Any:
        """The syntax tree of a Python file (an :class:`ast.Module`).

        Raises:
            DataError: as for :meth:`read_bytes`, or the file is not Python.
        """
        return parse_source(self.read_bytes(name), name)

    def fail(self, what: str) -> NoReturn:
        """Raise a DataError about the source."""
        raise DataError(f"{what}.", self._remedy)

    def _decode(self, content: bytes, name: str) -> str:
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self.fail(f"{name}:{line}: not UTF-8 text")

    def _parse(self, text: str, name: str, first_line: int) -> Any:
        try:
            return parse_json(text)
        except Unusable as error:
            self.fail(f"{name}:{first_line + max(error.line - 1, 0)}: not valid JSON: {error}")


def read_commit(root: Path) -> str | None:
    """The commit that a git checkout is at, read from its ``.git`` alone; ``None`` if that cannot be determined.

    Handles plain checkouts, worktrees and submodules (``.git`` is a file), detached heads, loose and packed references.
    Whether files were changed since is not checked.
    """
    try:
        git = root / ".git"
        if git.is_file():  # in a worktree or a submodule
            kind, _, place = _first_line(git).partition(" ")
            git = root / place if kind == "gitdir:" else git
        head = _first_line(git / "HEAD")
        if is_commit(head):
            return head
        kind, _, reference = head.partition(" ")
        if kind != "ref:" or not reference.startswith("refs/") or ".." in reference.split("/"):
            return None
        common = git / _first_line(git / "commondir") if (git / "commondir").is_file() else git
        return _resolve(reference, git, common)
    except (OSError, ValueError):  # ValueError: undecodable text, or a NUL in a path.
        return None


def _resolve(reference: str, git: Path, common: Path) -> str | None:
    for directory in (git, common):
        loose = directory / reference
        if loose.is_file():
            commit = _first_line(loose)
            return commit if is_commit(commit) else None
    packed = common / "packed-refs"
    for line in read_file(packed, most=_MOST_GIT_BYTES).decode().splitlines() if packed.is_file() else ():
        commit, _, name = line.partition(" ")
        if name == reference and is_commit(commit):
            return commit
    return None


def _first_line(path: Path) -> str:
    return read_file(path, most=_MOST_GIT_BYTES).decode().partition("\n")[0].strip()
