"""Where rbsuite keeps the data that users import."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rbsuite.errors import UsageError, shortened
from rbsuite.files import Unusable, check_path

DATA_VARIABLE = "RBSUITE_DATA"
_PACK_NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")


def data_directory() -> Path:
    """The directory in ``$RBSUITE_DATA`` if that is set, else the platform's user data directory. It need not exist.

    Raises:
        UsageError: the variable is not a path.
    """
    named = directory_in(DATA_VARIABLE)
    if named is not None:
        return named
    # Imported here: most machines without a home directory have only the variable.
    from platformdirs import user_data_path

    return user_data_path("rbsuite", appauthor=False)


def directory_in(variable: str) -> Path | None:
    """The directory that an environment variable names; ``None`` if it is not set.

    Raises:
        UsageError: it is not a path.
    """
    named = os.environ.get(variable, "")
    if not named:
        return None
    try:
        check_path(named)
    except Unusable as error:
        raise UsageError(f"{variable}: {shortened(named)!r} is {error}.", "Set it to a directory.") from error
    return Path(named).expanduser().absolute()


def packs_directory(data_dir: Path | None = None) -> Path:
    """The directory that contains every pack, in ``data_dir`` (default: :func:`data_directory`)."""
    return (data_directory() if data_dir is None else data_dir) / "packs"


def pack_directory(name: str, data_dir: Path | None = None) -> Path:
    """The directory of the pack ``name``. It need not exist.

    Raises:
        UsageError: the name is not lower-case words joined by ``-``, ``_`` or ``.`` (it becomes a directory name).
    """
    if not _PACK_NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a pack.", "Use lower-case words joined by '-'.")
    return packs_directory(data_dir) / name
