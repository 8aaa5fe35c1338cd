"""Remembers what was already recomputed, so that a page of hundreds of submissions is built in seconds.

A receipt says that a submission, byte for byte, passed every check of this version against its board, byte for byte. It is kept in the
keeper's own data directory and not beside the submission, where a submitter could place one.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from rbsuite import __version__
from rbsuite.data.directory import data_directory
from rbsuite.files import Unusable, read_file
from rbsuite.leaderboard.boards import BoardPlace
from rbsuite.leaderboard.submission import FILE, MOST_BYTES, from_plain, read_value
from rbsuite.leaderboard.validating import Checked, check_submission, file_faults

_CHECKS = 2
"""Incremented when the checks change."""


def receipts_directory() -> Path:
    """Where receipts are kept by default: beside the data packs."""
    return data_directory() / "receipts"


def checked(directory: Path, place: BoardPlace, receipts: Path) -> Checked:
    """Check a submission unless a receipt says it was already checked. Its files are hashed in any case.

    Args:
        directory: the submission's directory.
        place: its board.
        receipts: where receipts are kept.
    """
    key = _key(directory, place)
    if key and (receipts / key).is_file():
        submission = from_plain(read_value(directory / FILE))  # its form was already checked
        return Checked(tuple(file_faults(directory, submission)), submission)
    found = check_submission(directory, place)
    if key and not found.faults:
        with suppress(OSError):  # a cache that cannot be written only costs time
            receipts.mkdir(parents=True, exist_ok=True)
            (receipts / key).write_bytes(b"")
    return found


def _key(directory: Path, place: BoardPlace) -> str:
    try:
        text = read_file(directory / FILE, most=MOST_BYTES, within=directory)
    except (OSError, Unusable):
        return ""
    state = hashlib.sha256(f"{_CHECKS}\n{__version__}\n{place.name}\n".encode())
    for part in (place.text, text):
        state.update(hashlib.sha256(part).digest())
    return state.hexdigest()
