"""The ``datasets`` library, kept at arm's length: imported when called, silent, its errors in one line each."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rbsuite.errors import DataError

if TYPE_CHECKING:
    from rbsuite_questions.rows import HubSource, Row

_ENDPOINT = "https://huggingface.co"
_GATED = "Accept the conditions on its page on the hub and run `hf auth login`"


def load_pinned(hub: HubSource, option: str) -> Sequence[Row]:
    """The rows of a data set at its pinned revision.

    Raises:
        DataError: it cannot be had.
    """
    _look_before()
    datasets = _datasets()
    with _explained(f"{hub.repository} at {hub.revision[:12]}", f"--env {option} --data PATH", hub):
        loaded = datasets.load_dataset(hub.repository, hub.config or None, split=hub.split, revision=hub.revision)
        return [dict(row) for row in loaded]


def load_directory(path: Path, hub: HubSource) -> Sequence[Row]:
    """The rows of a directory laid out as on the hub, or written by ``save_to_disk``.

    Raises:
        DataError: it holds no such data.
    """
    datasets = _datasets()
    with _explained(str(path), "--data with a directory laid out as on the hub"):
        if (path / "dataset_info.json").is_file() and (path / "state.json").is_file():
            return [dict(row) for row in datasets.load_from_disk(str(path))]
        config = hub.config if hub.config in datasets.get_dataset_config_names(str(path)) else None
        # Streamed: nothing of the user's files is copied into the cache.
        return [dict(row) for row in datasets.load_dataset(str(path), config, split=hub.split, streaming=True)]


def load_file(path: Path, builder: str, text_columns: Sequence[str]) -> Sequence[Row]:
    """The rows of a parquet or CSV file.

    Args:
        path: the file.
        builder: ``parquet`` or ``csv``.
        text_columns: columns of a CSV file to keep as the text they are.

    Raises:
        DataError: it cannot be read.
    """
    datasets = _datasets()
    extra: dict[str, Any] = {}
    if builder == "csv":
        # Without this "025" is read as 25 and an empty column as numbers.
        header = _header(path)
        extra["features"] = datasets.Features({name: datasets.Value("string") for name in header})
        if not set(header) & set(text_columns) and text_columns:
            raise DataError(f"{path.name} has none of the columns {', '.join(text_columns)}.", "Give the header line.")
    with _explained(path.name, "a fresh copy"):
        loaded = datasets.load_dataset(builder, data_files={"rows": str(path)}, split="rows", streaming=True, **extra)
        return [dict(row) for row in loaded]


def _header(path: Path) -> list[str]:
    import csv

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name} is not CSV in UTF-8: {error}.", "Get a fresh copy of the data.") from error


def _look_before() -> None:
    """Go offline where the hub's name cannot be found: the library would try for half a minute, also for what is in its cache."""
    import socket
    import sys
    from urllib.parse import urlsplit
    from urllib.request import getproxies

    if "HF_HUB_OFFLINE" in os.environ or "huggingface_hub" in sys.modules or getproxies():
        return
    host = urlsplit(os.environ.get("HF_ENDPOINT", _ENDPOINT)).hostname
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        os.environ["HF_HUB_OFFLINE"] = "1"


def _datasets() -> ModuleType:
    """The library, without progress bars and telemetry.

    Raises:
        DataError: it is not installed.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            "reading this data needs the library datasets, which is not installed.",
            "Install it (`pip install datasets`), or give JSON lines with --data FILE.jsonl.",
        ) from error
    from huggingface_hub.utils import logging as hub_logging

    hub_logging.set_verbosity(logging.CRITICAL)
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    module: ModuleType = datasets
    return module


@contextmanager
def _explained(name: str, elsewhere: str, hub: HubSource | None = None) -> Iterator[None]:
    """Turns whatever ``datasets`` raises into one line with a remedy; its errors are of many kinds, some of them bare."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        raise _explain(error, name, elsewhere, hub) from error


def _explain(error: Exception, name: str, elsewhere: str, hub: HubSource | None) -> DataError:
    kinds = {type(one).__name__ for one in _chain(error)}
    text = " ".join(str(one) for one in _chain(error))
    if isinstance(error, StopIteration) or "EmptyDatasetError" in kinds or "EmptyDataError" in kinds:
        return DataError(f"{name} is empty.", f"Use {elsewhere}.")
    if hub is not None and (kinds & {"GatedRepoError"} or "gated" in text.lower()):
        return DataError(
            f"{name} is gated: its authors ask you to accept conditions.", f"{_GATED}, or use {elsewhere}."
        )
    if hub is not None and (kinds & _OFFLINE or "Couldn't reach" in text or "OfflineModeIsEnabled" in text):
        gate = f" It is gated: {_GATED[0].lower()}{_GATED[1:]} first." if hub.gated else ""
        return DataError(
            f"{name} is not in the cache, and the hub cannot be reached.", f"Connect, or use {elsewhere}.{gate}"
        )
    if hub is not None and (kinds & {"RevisionNotFoundError"} or "revision" in text.lower()):
        return DataError(f"{name}: the pinned revision is no longer on the hub.", f"Use {elsewhere}.")
    if hub is not None and kinds & {"DatasetNotFoundError", "RepositoryNotFoundError"}:
        gate = f", or it is gated: {_GATED[0].lower()}{_GATED[1:]}" if hub.gated else ""
        return DataError(f"{name} was not found on the hub{gate}.", f"Or use {elsewhere}.")
    if "Bad split" in text or "Unknown split" in text:
        found = text.partition("split")[2].partition("\n")[0]
        return DataError(f"{name} lacks a split:{found.removeprefix(':')}", "Name a copy that has it, or one file.")
    first = next(iter(" ".join(text.split()).split(". ")), "")[:200] or type(error).__name__
    return DataError(f"{name} cannot be read: {first.rstrip('.')}.", f"Use {elsewhere}.")


_OFFLINE = frozenset(
    {
        "ConnectionError",
        "OfflineModeIsEnabled",
        "LocalEntryNotFoundError",
        "ConnectError",
        "ConnectTimeout",
        "ReadTimeout",
    }
)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__
