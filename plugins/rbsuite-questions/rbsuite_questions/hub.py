"""The ``datasets`` library, kept at arm's length: imported only when needed, silent, each of its errors reduced to one line."""

from __future__ import annotations

import csv
import errno
import logging
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rbsuite.errors import DataError
from rbsuite.files import MAX_BYTES, Unusable, parquet_rows, parse_json, read_file, resolved

if TYPE_CHECKING:
    from rbsuite_questions.rows import HubSource, Row

_ENDPOINT = "https://huggingface.co"
_MOST_TEXT = 4 * 1024 * 1024
_WITHIN = "Name a directory that holds its data itself."
_ALIAS = re.compile(r"(?<![^\s\[{,:])\*[\w-]")
_MOST_ALIASES = 20
_HEAD = re.compile(r"\s*---[\r\n]+([\S\s]*?)[\r\n]+---")
_READERS = ("json", "csv", "parquet", "arrow", "text")
_GATED = "Accept the conditions on its page on the hub and run `hf auth login`"


def load_pinned(hub: HubSource, option: str) -> Sequence[Row]:
    """The rows of a data set at its pinned revision.

    Raises:
        DataError: it is unavailable.
    """
    _look_before()
    datasets = _datasets()
    with _explained(f"{hub.repository} at {hub.revision[:12]}", f"--env {option} --data PATH", hub):
        name, pinned = hub.config or None, {"revision": hub.revision}
        settings = datasets.load_dataset_builder(hub.repository, name, **pinned).config
        text = {"keep_default_na": False} if hasattr(settings, "keep_default_na") else {}
        loaded = datasets.load_dataset(hub.repository, name, split=hub.split, **pinned, **text)
        return [dict(row) for row in loaded]


def load_directory(path: Path, hub: HubSource, check: Callable[[Path], object]) -> Sequence[Row]:
    """The rows of a directory laid out as on the hub, or written by ``save_to_disk``.

    Args:
        path: the directory.
        hub: names the configuration and the split.
        check: raises :class:`DataError` for a file of JSON that is not as strict as one that is named itself; the library is lenient.

    Raises:
        DataError: it contains no such data.
    """
    _look_through(path)
    datasets = _datasets()
    _look_at_names(path)
    with _explained(str(path), "--data with a directory laid out as on the hub"):
        if (path / "dataset_info.json").is_file() and (path / "state.json").is_file():
            saved = datasets.load_from_disk(str(path))
            _refuse_media(path, saved.features)
            return [dict(row) for row in saved]
        # Streamed, with a separate cache: none of the user's files are copied, and the usual cache may be read-only.
        with tempfile.TemporaryDirectory() as cache:
            config = _config(datasets, path, hub, cache)
            builder = datasets.load_dataset_builder(str(path), config, cache_dir=cache)
            settings = builder.config
            _look_at(path, builder)
            files = [Path(name) for name in (settings.data_files or {}).get(hub.split, ())]
            if files and all(file.suffix == ".parquet" and file.is_file() for file in files):
                return [row for file in files for row in parquet_rows(file.read_bytes())]
            for file in files:
                if file.suffix in (".json", ".jsonl"):
                    check(file)
            extra = _text_as_it_is(datasets, settings, files)
            loaded = datasets.load_dataset(str(path), config, split=hub.split, streaming=True, cache_dir=cache, **extra)
            _refuse_media(path, loaded.features)
            return [dict(row) for row in loaded]


def load_parquet(name: str, content: bytes) -> Sequence[Row]:
    """The rows of a parquet file's bytes; the library's own cache is not touched.

    Raises:
        DataError: it cannot be read.
    """
    _datasets()
    with _explained(name, "a fresh copy"):
        return parquet_rows(content)


def _look_through(path: Path) -> None:
    """Check that a directory contains everything that will be read: the library follows links.

    Raises:
        DataError: a link leads outside; or a file is not a regular file, or is too large.
    """
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        try:
            if not resolved(file).is_relative_to(resolved(path)):
                raise Unusable("a link that points outside the directory")
            found = file.stat()
        except (Unusable, OSError) as error:
            what = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else f"is {error}"
            raise DataError(f"{path}: {name} {what}.", _WITHIN) from error
        if not stat.S_ISDIR(found.st_mode) and (not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES):
            what = f"larger than {MAX_BYTES // 2**20} MiB" if stat.S_ISREG(found.st_mode) else "not a regular file"
            raise DataError(f"{path}: {name} is {what}.", _WITHIN)


def _look_at_names(path: Path) -> None:
    """Check that the configurations of a directory name no files outside it.

    Raises:
        DataError: one does.
    """
    for name in _named_files(path):
        beyond = "://" in name or "::" in name or ".." in name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\", "~")) or beyond:
            raise _outside(path, name)


def _look_at(path: Path, builder: Any) -> None:
    """Check what the library is about to read: its data files are in the directory, and of a kind that names no others.

    Raises:
        DataError: they are not.
    """
    kind = type(builder).__module__.rpartition(".")[2]
    if kind not in _READERS:
        raise DataError(f"{path} holds data of the kind {kind}.", f"Name a directory of {', '.join(_READERS)} files.")
    for files in (builder.config.data_files or {}).values():
        for file in map(str, files):
            if "://" in file or "::" in file or not resolved(path / file).is_relative_to(resolved(path)):
                raise _outside(path, file)
    _refuse_media(path, builder.info.features)


def _refuse_media(path: Path, features: Any) -> None:
    """Refuse columns of images, sounds and the like, whose values name further files.

    Raises:
        DataError: there are some.
    """
    waiting = [features]
    while waiting:
        one = waiting.pop()
        if hasattr(one, "decode"):
            raise DataError(f"{path} has a column of the kind {type(one).__name__}.", "Name data of texts and numbers.")
        if isinstance(one, Mapping | list):
            waiting.extend(one.values() if isinstance(one, Mapping) else one)
        elif hasattr(one, "feature"):
            waiting.append(one.feature)


def _outside(path: Path, name: str) -> DataError:
    return DataError(f"{path}: it names a file outside the directory: {name[:200]!r}.", _WITHIN)


def _named_files(path: Path) -> Iterator[str]:
    """What the configurations of a directory may name as files: every text in them. They are parsed as the library does."""
    import yaml
    from huggingface_hub import DatasetCard

    parsers: Mapping[str, Callable[[str], Any]] = {
        "README.md": lambda text: DatasetCard(text).data.get("configs"),
        ".huggingface.yaml": lambda text: (yaml.safe_load(text) or {}).get("configs"),
        "state.json": parse_json,
    }
    waiting: list[Any] = []
    for name, parse in parsers.items():
        if (path / name).is_file():
            try:
                text = read_file(path / name, most=_MOST_TEXT).decode("utf-8")
                if not name.endswith(".json") and len(_ALIAS.findall(_yaml_of(name, text))) > _MOST_ALIASES:
                    raise ValueError("it repeats its parts too often")  # together they may stand for millions
                waiting.append(parse(text))
            except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
                what = " ".join(str(error).split())[:200]
                raise DataError(f"{path}: {name} cannot be read: {what}.", "Get a fresh copy.") from error
    seen: set[int] = set()  # YAML may refer to the same object from many places
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(value.values() if isinstance(value, dict) else value)


def _yaml_of(name: str, text: str) -> str:
    """The YAML in a file: the whole, or what a README begins with."""
    if not name.endswith(".md"):
        return text
    head = _HEAD.match(text)
    return head[1] if head else ""


def _config(datasets: ModuleType, path: Path, hub: HubSource, cache: str) -> str | None:
    """The configuration to read: the pinned one if it exists, else the only or the default one."""
    there: Sequence[str] = datasets.get_dataset_config_names(str(path), cache_dir=cache)
    if hub.config in there:
        return hub.config
    if len(there) > 1 and datasets.get_dataset_default_config_name(str(path), cache_dir=cache) is None:
        wanted = f", and none is {hub.config}" if hub.config else ""
        raise DataError(
            f"{path} holds several configurations ({', '.join(there)}){wanted}.",
            "Name the file of one of them with --data.",
        )
    return None


def _text_as_it_is(datasets: ModuleType, settings: Any, files: Sequence[Path]) -> Mapping[str, Any]:
    """Options that keep "NA", "None" and "025" in CSV files as they are; none for other files."""
    if not hasattr(settings, "keep_default_na"):
        return {}
    if not files or not files[0].is_file() or settings.sep != ",":
        return {"keep_default_na": False}
    with files[0].open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    return {"keep_default_na": False, "features": datasets.Features({one: datasets.Value("string") for one in header})}


def _look_before() -> None:
    """Go offline if the hub's name cannot be resolved: the library would retry for half a minute, even for what is in its cache."""
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
    """Turns whatever ``datasets`` raises into one line with a remedy; its errors are of many kinds, some without a message."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        raise _explain(error, name, elsewhere, hub) from error


def _explain(error: Exception, name: str, elsewhere: str, hub: HubSource | None) -> DataError:
    kinds = {type(one).__name__ for one in _chain(error)}
    text = " ".join(str(one) for one in _chain(error))
    barred = next((one for one in _chain(error) if isinstance(one, OSError) and one.errno in _BARRED), None)
    if barred is not None:
        return DataError(
            f"{name} cannot be read: {barred.filename or 'the cache of datasets'}: {barred.strerror}.",
            f"Set HF_HOME to a writable directory, or use {elsewhere}.",
        )
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


_BARRED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT})
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
