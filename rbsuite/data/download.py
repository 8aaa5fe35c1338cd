"""A resumable, bounded download over HTTPS that uses only the standard library.

What has arrived is in a ``.part`` file. The next call continues from there if the server still has the same content
(``Range`` with ``If-Range``), and starts over if it does not or cannot resume. URLs are shown without credentials and
without their query.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import http.client
import ipaddress
import json
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from rbsuite import __version__
from rbsuite.data.packs import file_hash
from rbsuite.errors import DataError, UsageError
from rbsuite.options import whole_number

Progress = Callable[[int, int | None], None]
"""Called with the number of bytes that have arrived and the size, which is ``None`` if the server does not report it."""

_BLOCK = 1 << 16
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_NETWORK_ERRORS = (URLError, http.client.HTTPException, OSError)


@dataclass(frozen=True, slots=True)
class DownloadOptions:
    """How to download.

    Attributes:
        timeout: seconds to wait for a connection, and for each read.
        max_bytes: largest size that is accepted.
        progress: told how much has arrived.
    """

    timeout: float = 30.0
    max_bytes: int = 256 << 20
    progress: Progress | None = None


def check_url(url: str) -> SplitResult:
    """Check that a URL may be fetched: ``https``, or ``http`` to a loopback address.

    Raises:
        UsageError: it may not be; the message shows neither credentials nor query.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError("the URL is malformed.", "Give a URL such as https://host/path.tar.gz.") from None
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError("the URL is malformed.", "Give a URL such as https://host/path.tar.gz.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise UsageError(
            f"{shown_url(url)!r} is not fetched: only https is supported.",
            "Use an https URL (http is allowed for this machine only).",
        )
    return parts


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def shown_url(url: str) -> str:
    """A URL as it may be shown: without user, password, query and fragment, any of which may contain a secret."""
    try:
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        return "(malformed URL)"


def download(url: str, target: Path, options: DownloadOptions | None = None) -> str:
    """Download a URL to a file, continuing from what an interrupted call left next to it.

    Args:
        url: ``https``, or ``http`` to a loopback address; redirects must follow the same rule.
        target: the file to write; it appears only when complete. Its directory must exist.
        options: bounds and progress.

    Returns:
        sha256 (hex) of the file.

    Raises:
        UsageError: the URL may not be fetched.
        DataError: the server cannot be reached, refuses, breaks off or sends too much. What arrived of a broken-off
            transfer is kept for the next call; after any other error, nothing is kept.
    """
    check_url(url)
    with _Part.opened(target, url) as part:
        _Transfer(url, part, options or DownloadOptions()).run()
        part.finish(target)
    return file_hash(target)


class _Part:
    """The ``.part`` file of a download, along with what is needed to resume: the server's validator for the
    content.
    """

    def __init__(self, target: Path, url: str, file: IO[bytes]) -> None:
        self._path = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.json")
        self._url_hash = hashlib.sha256(url.encode()).hexdigest()
        self._file = file

    @classmethod
    @contextmanager
    def opened(cls, target: Path, url: str) -> Iterator[_Part]:
        """Open and lock the part file; an empty one is removed at the end."""
        path = target.with_name(target.name + ".part")
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise DataError("another download of the same file is running.", "Wait for it to end.") from error
            part = cls(target, url, file)
            try:
                yield part
            finally:
                if not part.size:
                    part.discard()

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        return self._file.tell()

    def validator(self) -> str:
        """The strong ETag or date that the part's content had, or ``""`` if it cannot be resumed."""
        try:
            note = json.loads(self._note.read_text("utf-8"))
            return str(note["validator"]) if note["url"] == self._url_hash else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def restart(self, validator: str) -> None:
        """Start over, with content that has this validator (``""``: none, so that it cannot be resumed)."""
        self._file.truncate(0)
        self._file.seek(0)
        self._note.write_text(json.dumps({"url": self._url_hash, "validator": validator}), "utf-8")

    def write(self, block: bytes) -> None:
        """Append what arrived."""
        self._file.write(block)

    def finish(self, target: Path) -> None:
        """Give the file its name, now that the download is complete."""
        self._file.flush()
        self._path.replace(target)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove what arrived."""
        self._file.truncate(0)
        self._file.seek(0)
        self._path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


class _Transfer:
    """One download: the request, the server's response, and the bytes."""

    def __init__(self, url: str, part: _Part, options: DownloadOptions) -> None:
        self._url = url
        self._part = part
        self._options = options

    def run(self) -> None:
        validator = self._part.validator()
        if self._part.size and not validator:
            self._part.restart("")
        try:
            response = self._open(validator)
        except HTTPError as error:
            error.close()
            if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE or not self._part.size:
                raise self._refused(error) from None
            if _total(error.headers) == self._part.size:
                return  # Everything has already arrived; only the last step of the previous call is missing.
            response = self._reopen()
        if response.status == http.client.PARTIAL_CONTENT and _validator(response.headers) not in ("", validator):
            response.close()  # A server that does not know If-Range sent a part of something else.
            response = self._reopen()
        with response:
            self._receive(response)

    def _reopen(self) -> Any:
        """Request everything again."""
        self._part.restart("")
        try:
            return self._open("")
        except HTTPError as error:
            error.close()
            raise self._refused(error) from None

    def _open(self, validator: str) -> Any:
        parts = check_url(self._url)
        request = Request(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))
        request.add_header("User-Agent", f"rbsuite/{__version__}")
        request.add_header("Accept-Encoding", "identity")
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            # Unredirected: another host never sees it.
            request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode("ascii"))
        if self._part.size:
            request.add_header("Range", f"bytes={self._part.size}-")
            request.add_header("If-Range", validator)
        try:
            return _opener(is_loopback(parts.hostname or "")).open(request, timeout=self._options.timeout)
        except HTTPError:
            raise
        except _NETWORK_ERRORS as error:
            raise DataError(
                f"cannot fetch {shown_url(self._url)}: {_reason(error)}.", _connection_remedy(self._part.size)
            ) from None

    def _receive(self, response: Any) -> None:
        size = self._begin(response)
        if size is not None and size > self._options.max_bytes:
            raise self._too_large()
        try:
            while block := response.read1(_BLOCK):
                self._part.write(block)
                if self._part.size > self._options.max_bytes:
                    raise self._too_large()
                if self._options.progress is not None:
                    self._options.progress(self._part.size, size)
        except _NETWORK_ERRORS as error:
            raise self._broken_off(size, _reason(error)) from None
        if size is not None and self._part.size < size:
            raise self._broken_off(size, "the connection was closed")
        if size is not None and self._part.size > size:
            self._part.discard()
            raise DataError(
                f"{shown_url(self._url)} sent more than it announced.", "Fetch it again, or from another location."
            )

    def _begin(self, response: Any) -> int | None:
        """Set the part file to where the response begins; returns the whole size if the server reports it."""
        if response.status == http.client.PARTIAL_CONTENT:
            match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if match is None or match[1] != str(self._part.size):
                self._part.discard()
                raise DataError(
                    f"{shown_url(self._url)} sent a different part from the one requested.", "Fetch it again."
                )
            return _total(response.headers)
        self._part.restart(_validator(response.headers))
        return whole_number(response.headers.get("Content-Length", ""))

    def _refused(self, error: HTTPError) -> DataError:
        self._part.discard()
        if error.code in (301, 302, 303, 307, 308):
            return DataError(f"{shown_url(self._url)} redirects in a way that is not supported.", "Check the URL.")
        phrase = http.client.responses.get(error.code, "no reason given")
        return DataError(
            f"{shown_url(self._url)} answered {error.code} ({phrase}).", "Check the URL, or try again later."
        )

    def _too_large(self) -> DataError:
        self._part.discard()
        limit = self._options.max_bytes / 2**20
        return DataError(f"{shown_url(self._url)} is larger than the limit of {limit:,.1f} MiB.", "Check the URL.")

    def _broken_off(self, size: int | None, reason: str) -> DataError:
        of = "" if size is None else f" of {size:,}"
        message = f"the download of {shown_url(self._url)} broke off after {self._part.size:,}{of} bytes: {reason}."
        return DataError(message, _connection_remedy(self._part.size))


class _SafeRedirects(HTTPRedirectHandler):
    """Follows redirects that stay on https; http to this machine only if the first request went there."""

    max_redirections = 5

    def __init__(self, from_loopback: bool) -> None:
        self._from_loopback = from_loopback

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        try:
            parts = check_url(newurl)
            if is_loopback(parts.hostname or "") and not self._from_loopback:
                raise DataError(f"{shown_url(req.full_url)} redirects to this machine.", "Check the URL.")
            if parts.username is not None:
                raise DataError(f"{shown_url(req.full_url)} redirects to a URL with credentials.", "Check the URL.")
        except Exception:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(loopback: bool) -> OpenerDirector:
    """An opener for http and https only: no files, no ftp, no cookies; proxies from the environment, never for this
    machine.
    """
    opener = OpenerDirector()
    for handler in (
        ProxyHandler({} if loopback else None),
        HTTPHandler(),
        HTTPSHandler(context=ssl.create_default_context()),
        HTTPDefaultErrorHandler(),
        HTTPErrorProcessor(),
        _SafeRedirects(loopback),
    ):
        opener.add_handler(handler)
    return opener


def _validator(headers: Message) -> str:
    """What ``If-Range`` may contain: a strong ETag, else the date of the last change."""
    tag = headers.get("ETag", "")
    return tag if tag.startswith('"') else headers.get("Last-Modified", "")


def _total(headers: Message) -> int | None:
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    return whole_number(match[3]) if match is not None else None


def _reason(error: BaseException) -> str:
    """One phrase for a network error, free of URLs."""
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return "it took too long"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed ({cause.reason or type(cause).__name__})"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(cause).__name__ if isinstance(cause, Exception) else "unreachable"


def _connection_remedy(arrived: int) -> str:
    return (
        "Run the same command again to continue from there."
        if arrived
        else "Check the network and the URL, then try again."
    )
