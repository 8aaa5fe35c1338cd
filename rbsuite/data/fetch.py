"""Fetch a pack: download its archive, unpack it, check its contents, import it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rbsuite.data.archives import UnpackLimits, extract
from rbsuite.data.checkout import SourceTree
from rbsuite.data.directory import pack_directory
from rbsuite.data.download import DownloadOptions, check_url, download, shown_url
from rbsuite.data.packs import Archive, ImportReport, PackImporter, build_pack, file_hash, pack_stage
from rbsuite.data.staging import existing
from rbsuite.errors import DataError, UsageError

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What to fetch, if it is not the importer's pinned archive.

    Attributes:
        url: another location of the archive; ``""``: the pinned one.
        sha256: hash (hex) that the archive must have; ``""``: not checked. With a ``url``, this hash vouches for the
            archive; without it, the archive's contents must be those of the pinned commit.
    """

    url: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """Bounds of a fetch.

    Attributes:
        download: for the transfer.
        limits: for what the archive may unpack to.
    """

    download: DownloadOptions = DownloadOptions()
    limits: UnpackLimits = UnpackLimits()


def fetch_pack(
    importer: PackImporter, data_dir: Path, request: FetchRequest | None = None, options: FetchOptions | None = None
) -> ImportReport:
    """Download an archive of the upstream repository and import it as a pack.

    A transfer that breaks off is kept in ``data_dir/downloads`` and resumed by the next call; a failure leaves nothing
    else behind, and an existing pack stays.

    Raises:
        UsageError: there is nothing to fetch, or the URL or hash cannot be used.
        DataError: the transfer failed, or the archive is not what it should be.
        Interrupted: a termination signal came during the import.
    """
    plan = _plan(importer, request or FetchRequest())
    settings = options or FetchOptions()
    archive = data_dir / "downloads" / f"{importer.name}-{hashlib.sha256(plan.url.encode()).hexdigest()[:16]}"
    with _download_directory(archive.parent):
        digest = download(plan.url, archive, settings.download)
        try:
            if plan.sha256 and digest != plan.sha256:
                raise DataError(
                    f"the archive's sha256 is {digest}, not {plan.sha256}; it was removed.",
                    "Check the URL and the hash.",
                )
            return _import_archive(importer, archive, data_dir, plan, settings.limits)
        finally:
            archive.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is fetched and what it is checked against: the archive's ``sha256``, the pinned commit's ``contents``."""

    url: str
    sha256: str
    strip_prefix: str
    contents: Archive | None


def _plan(importer: PackImporter, request: FetchRequest) -> _Plan:
    pack_directory(importer.name)  # Its name becomes a file name.
    pinned = importer.pinned
    sha256 = request.sha256.strip().lower()
    if sha256 and not _SHA256.fullmatch(sha256):
        raise UsageError("--sha256 is not 64 hexadecimal digits.", "Give the sha256 of the archive.")
    if request.url:
        check_url(request.url)
        if pinned is None and not sha256:
            raise UsageError("an archive from this URL cannot be verified.", "Give its hash with --sha256.")
        return _Plan(request.url, sha256, "", None if sha256 else pinned)
    if pinned is None:
        raise UsageError(
            f"the pack {importer.name!r} has no archive to fetch.", "Give --url and --sha256, or import a checkout."
        )
    check_url(pinned.url)
    return _Plan(pinned.url, sha256 or pinned.sha256, pinned.strip_prefix, pinned)


@contextmanager
def _download_directory(directory: Path) -> Iterator[None]:
    try:
        with existing(directory):
            try:
                yield
            finally:
                with suppress(OSError):  # Not empty: it contains what a broken-off transfer left.
                    directory.rmdir()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(
            f"cannot download to {str(directory)!r}: {reason}.", "Make it writable, or set RBSUITE_DATA."
        ) from error


def _import_archive(
    importer: PackImporter, archive: Path, data_dir: Path, plan: _Plan, limits: UnpackLimits
) -> ImportReport:
    with pack_stage(importer.name, data_dir) as stage:
        commit = extract(archive, stage.scratch, limits)
        root = _source_root(stage.scratch, plan.strip_prefix)
        if plan.contents is not None:
            check_contents(root, plan.contents, archive, plan.url)
            commit = plan.contents.commit
        importer.recognise(root)
        return build_pack(importer, root, stage, archive=True, commit=commit)


def _source_root(unpacked: Path, prefix: str) -> Path:
    """The repository's root in an unpacked archive: below its top directory, whatever that is called."""
    if prefix and (unpacked / prefix).is_dir():
        return unpacked / prefix
    entries = list(unpacked.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else unpacked


def check_contents(root: Path, pinned: Archive, archive: Path, url: str) -> None:
    """Check the files of an unpacked archive against the pinned hashes.

    Raises:
        DataError: a file is missing or differs; the message names it.
    """
    tree = SourceTree(root)
    for name, expected in pinned.files.items():
        if tree.has(name) and hashlib.sha256(tree.read_bytes(name)).hexdigest() == expected:
            continue
        what = "differs from" if tree.has(name) else "is missing, unlike in"
        raise DataError(
            f"{shown_url(url)}: {name} {what} commit {pinned.commit[:12]}.",
            f"If you trust this archive anyway, add: --url URL --sha256 {file_hash(archive)}",
        )
