"""A tiny importer and a real HTTP server that misbehaves on demand."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rbsuite.data.checkout import SourceTree, read_commit
from rbsuite.data.packs import Archive, PackFacts, write_json
from rbsuite.errors import DataError

COMMIT = "ab" * 20


class ToyImporter:
    """Imports ``riddles.json``, a list, as the pack ``toy``."""

    def __init__(self, pinned: Archive | None = None, fail: BaseException | None = None) -> None:
        self._pinned = pinned
        self._fail = fail

    @property
    def name(self) -> str:
        return "toy"

    @property
    def pinned(self) -> Archive | None:
        return self._pinned

    single_files = False

    def recognise(self, source: Path) -> str:
        if not (source / "riddles.json").exists():
            raise DataError("not a source of riddles.", "Name one.")
        return "checkout"

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        riddles = SourceTree(source).read_json("riddles.json")
        write_json(target / "deep" / "riddles.json", riddles)
        if self._fail is not None:
            raise self._fail
        return PackFacts("checkout", commit or read_commit(source), None, "CC0", (("riddles", len(riddles)),))


class JointToyImporter(ToyImporter):
    """Imports the riddles of one directory, with those of another if it is given."""

    sources = ("RIDDLES", "MORE")

    def build_jointly(self, sources: Sequence[Path], target: Path, commit: str | None = None) -> PackFacts:
        riddles = [riddle for source in sources for riddle in SourceTree(source).read_json("riddles.json")]
        write_json(target / "riddles.json", sorted(riddles))
        if self._fail is not None:
            raise self._fail
        return PackFacts("checkout", commit, None, "CC0", (("riddles", len(riddles)),), ("Mind the riddles.",))


@pytest.fixture
def toy_source(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    (source / "riddles.json").write_text('["what has keys but no locks?"]')
    return source


def tar_gz(files: Mapping[str, bytes], top: str = "toy-main/", comment: str = "") -> bytes:
    """An archive as a forge makes it: everything below one directory, the commit in a header."""
    out = io.BytesIO()
    headers = {"comment": comment} if comment else {}
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT, pax_headers=headers) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(top + name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def tree(directory: Path) -> list[str]:
    """Everything below a directory, hidden files included."""
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*"))


@dataclass
class Site:
    """What the server serves, how it misbehaves, and what it was asked."""

    content: bytes = b""
    etag: str = '"v1"'
    ranges: bool = True
    if_range: bool = True
    cut_after: int | None = None
    chunked: bool = False
    status: int = 200
    redirects: dict[str, str] = field(default_factory=dict)
    requests: list[dict[str, str]] = field(default_factory=list)
    origin: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        site: Site = self.server.site
        path = self.path.partition("?")[0]
        site.requests.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
        self.close_connection = True
        if path in site.redirects:
            self._head(302, {"Location": site.redirects[path], "Content-Length": "0"})
        elif site.status != 200:
            self._head(site.status, {"Content-Length": "0"})
        else:
            self._serve(site)

    def _serve(self, site: Site) -> None:
        asked = self.headers.get("Range", "")
        current = self.headers.get("If-Range", site.etag) == site.etag or not site.if_range
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and site.ranges and current else 0
        if begin >= len(site.content) and begin:
            self._head(416, {"Content-Range": f"bytes */{len(site.content)}", "Content-Length": "0"})
            return
        body = site.content[begin:]
        headers = {"ETag": site.etag} if site.etag else {}
        headers |= {"Transfer-Encoding": "chunked"} if site.chunked else {"Content-Length": str(len(body))}
        if begin:
            headers["Content-Range"] = f"bytes {begin}-{len(site.content) - 1}/{len(site.content)}"
        self._head(206 if begin else 200, headers)
        sent = body if site.cut_after is None else body[: site.cut_after]
        self.wfile.write(b"%x\r\n%s\r\n" % (len(sent), sent) if site.chunked else sent)
        if site.chunked and site.cut_after is None:
            self.wfile.write(b"0\r\n\r\n")

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()


@pytest.fixture
def site() -> Iterator[Site]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    served = Site(origin=f"http://127.0.0.1:{server.server_address[1]}")
    server.site = served  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def kit() -> Any:
    """The helpers of this module, which tests cannot import by name."""
    return SimpleNamespace(
        ToyImporter=ToyImporter, JointToyImporter=JointToyImporter, COMMIT=COMMIT, tar_gz=tar_gz, tree=tree
    )
