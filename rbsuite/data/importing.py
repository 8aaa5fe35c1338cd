"""The base of importers that read a directory: a checkout of an upstream repository, or a pack."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from rbsuite.data.checkout import read_commit
from rbsuite.data.packs import Archive, PackFacts, verify_pack
from rbsuite.data.reading import INFO_NAME
from rbsuite.errors import DataError


class DirectoryImporter(ABC):
    """Tells a checkout from a pack by what each contains; see :class:`rbsuite.data.packs.PackImporter`.

    Attributes:
        name: the pack's name.
        title: what the data is called in messages.
        repository: the upstream repository, as messages name it.
        checkout_marks: paths in a checkout, any of which shows that it is one.
        pack_marks: the same for a pack.
        pinned: the download that ``rbsuite data fetch`` uses by default; ``None``: there is none.
        single_files: whether a source may be one file.
    """

    name: str
    title: str
    repository: str
    checkout_marks: tuple[str, ...]
    pack_marks: tuple[str, ...]
    pinned: Archive | None = None
    single_files: bool = False

    def recognise(self, source: Path) -> str:
        """``checkout`` or ``pack``.

        Raises:
            DataError: the directory is neither.
        """
        for kind, marks in (("checkout", self.checkout_marks), ("pack", self.pack_marks)):
            if any((source / mark).exists() for mark in marks):
                return kind
        raise DataError(
            f"{str(source)!r} is neither a checkout with {self.title} (no {' or '.join(self.checkout_marks)}) nor a pack of it "
            f"(no {' or '.join(self.pack_marks)}).",
            f"Name the top directory of a checkout of {self.repository}.",
        )

    @abstractmethod
    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        """Read everything, check it, then write the pack; see :meth:`rbsuite.data.packs.PackImporter.build`.

        Raises:
            DataError: the source lacks a file, or a file is malformed; the message names it.
        """


def commit_of_source(source: Path, kind: str) -> str | None:
    """The commit that a checkout is at, or that an imported pack says it comes from; ``None`` if that cannot be determined.

    Raises:
        DataError: the pack was changed since its import.
    """
    if kind == "checkout":
        return read_commit(source)
    return verify_pack(source).commit if (source / INFO_NAME).exists() else None
