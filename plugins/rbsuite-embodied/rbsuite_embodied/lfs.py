"""Git LFS pointers: the small text files that stand in for large ones if git's LFS filter did not run.

Format after the Git LFS specification, version 1: lines of a key, a space and a value; ``version`` first, then ``oid
sha256:HEX`` and ``size BYTES`` among the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from rbsuite.data.checkout import SourceTree
from rbsuite.errors import DataError

MAX_POINTER_BYTES = 1024
"""Maximum size of a pointer, by the specification."""

_VERSIONS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")
_OID = re.compile(r"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)
_SIZE = re.compile(r"^size ([0-9]{1,18})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a pointer file says.

    Attributes:
        oid: sha256 (hex) of the file that it stands for.
        size: that file's size in bytes.
    """

    oid: str
    size: int


def read_pointer(content: bytes) -> Pointer | None:
    """The pointer in a file's bytes; ``None`` if they are not one."""
    if len(content) > MAX_POINTER_BYTES or not content.startswith(_VERSIONS):
        return None
    text = content.decode("utf-8", "replace")
    oid, size = _OID.search(text), _SIZE.search(text)
    return Pointer(oid[1], int(size[1])) if oid and size else None


def read_file(tree: SourceTree, name: str) -> bytes:
    """The bytes of a file of a checkout.

    Raises:
        DataError: it is missing or cannot be read, or is a pointer.
    """
    content = tree.read_bytes(name)
    if pointer := read_pointer(content):
        _refuse({name: pointer})
    return content


def refuse_pointers(tree: SourceTree, names: Iterable[str], elsewhere: str = "") -> None:
    """Check that files of a checkout are real files, not pointers; missing ones are left for their reader to report.

    Args:
        tree: the checkout.
        names: the files.
        elsewhere: a repository that is known to have them outside of Git LFS.

    Raises:
        DataError: some are pointers; the message names them all, with the oid of each.
    """
    found = {name: pointer for name in names if tree.has(name) and (pointer := read_pointer(tree.read_bytes(name)))}
    if found:
        _refuse(found, elsewhere)


def _refuse(found: Mapping[str, Pointer], elsewhere: str = "") -> NoReturn:
    what = "1 file is a Git LFS pointer" if len(found) == 1 else f"{len(found)} files are Git LFS pointers"
    listing = ", ".join(f"{name} (oid sha256:{pointer.oid}, {pointer.size:,} bytes)" for name, pointer in found.items())
    other = f"a checkout of {elsewhere}" if elsewhere else "another checkout"
    raise DataError(
        f"{what}, not the data: {listing}.",
        f"Run 'git lfs pull' in the checkout, or name {other}, which has the files themselves.",
    )
