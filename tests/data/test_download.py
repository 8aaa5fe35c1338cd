from __future__ import annotations

import base64
import hashlib
import random
import socket
from pathlib import Path
from typing import Any

import pytest

from rbsuite.data.download import DownloadOptions, check_url, download, shown_url
from rbsuite.errors import DataError, UsageError

CONTENT = random.Random(7).randbytes(300_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "file"


def names(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def break_off(site: Any, target: Path, after: int = 100_000) -> None:
    site.content, site.cut_after = CONTENT, after
    with pytest.raises(DataError, match=r"broke off after [\d,]+.*again to continue"):
        download(site.origin + "/f", target)
    assert (target.parent / "file.part").stat().st_size == after
    assert not target.exists()
    site.cut_after = None


@pytest.mark.parametrize("chunked", [False, True])
def test_a_download_arrives_whole(site: Any, target: Path, chunked: bool) -> None:
    site.content, site.chunked = CONTENT, chunked
    seen: list[tuple[int, int | None]] = []
    assert download(site.origin + "/f", target, DownloadOptions(progress=lambda *step: seen.append(step))) == DIGEST
    assert target.read_bytes() == CONTENT
    assert names(target) == ["file"]
    assert seen[-1] == (len(CONTENT), None if chunked else len(CONTENT))
    assert [step[0] for step in seen] == sorted(step[0] for step in seen)


def test_an_interrupted_download_is_resumed(site: Any, target: Path) -> None:
    break_off(site, target)
    assert download(site.origin + "/f", target) == DIGEST
    assert site.requests[-1]["range"] == "bytes=100000-"
    assert site.requests[-1]["if-range"] == '"v1"'
    assert names(target) == ["file"]


def test_a_cut_chunked_download_is_resumed(site: Any, target: Path) -> None:
    site.chunked = True
    break_off(site, target)
    site.chunked = False
    assert download(site.origin + "/f", target) == DIGEST
    assert "range" in site.requests[-1]


def test_an_interrupt_keeps_what_arrived(site: Any, target: Path) -> None:
    site.content = CONTENT

    def interrupt(arrived: int, _size: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(site.origin + "/f", target, DownloadOptions(progress=interrupt))
    arrived = (target.parent / "file.part").stat().st_size
    assert arrived > 0
    assert download(site.origin + "/f", target) == DIGEST
    assert site.requests[-1]["range"] == f"bytes={arrived}-"


def test_a_server_without_ranges_starts_anew(site: Any, target: Path) -> None:
    break_off(site, target)
    site.ranges = False
    assert download(site.origin + "/f", target) == DIGEST


@pytest.mark.parametrize("if_range", [True, False])
def test_changed_content_starts_anew(site: Any, target: Path, if_range: bool) -> None:
    break_off(site, target)
    site.content, site.etag, site.if_range = CONTENT[::-1], '"v2"', if_range
    assert download(site.origin + "/f", target) == hashlib.sha256(CONTENT[::-1]).hexdigest()


@pytest.mark.parametrize("etag", ["", 'W/"v1"'])
def test_without_a_strong_validator_nothing_is_resumed(site: Any, target: Path, etag: str) -> None:
    site.etag = etag
    break_off(site, target)
    assert download(site.origin + "/f", target) == DIGEST
    assert "range" not in site.requests[-1]


def test_another_url_never_continues_this_part(site: Any, target: Path) -> None:
    break_off(site, target)
    assert download(site.origin + "/other", target) == DIGEST
    assert "range" not in site.requests[-1]


def test_a_part_that_is_already_whole_is_taken(site: Any, target: Path) -> None:
    break_off(site, target)
    (target.parent / "file.part").write_bytes(CONTENT)
    assert download(site.origin + "/f", target) == DIGEST
    (target.parent / "file.part").write_bytes(CONTENT + b"more")
    assert download(site.origin + "/f", target) == DIGEST


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_a_refusal_names_its_status_and_leaves_nothing(site: Any, target: Path, status: int) -> None:
    site.status = status
    with pytest.raises(DataError, match=f"answered {status}"):
        download(site.origin + "/f?token=hush", target)
    assert names(target) == []


def test_a_server_that_is_not_there(target: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DataError, match=r"cannot fetch .*refused"):
        download(f"http://127.0.0.1:{port}/f", target)
    assert names(target) == []


def test_a_silent_server_times_out(target: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DataError, match="took too long"):
        download(f"http://127.0.0.1:{silent.getsockname()[1]}/f", target, DownloadOptions(timeout=0.2))
    assert names(target) == []


def test_a_server_that_does_not_speak_http(target: Path) -> None:
    import threading

    def babble(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"hello\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=babble, args=(server,), daemon=True)
        thread.start()
        with pytest.raises(DataError, match="cannot fetch"):
            download(f"http://127.0.0.1:{server.getsockname()[1]}/f", target)
        thread.join(5)


@pytest.mark.parametrize("chunked", [False, True])
def test_the_size_limit_holds(site: Any, target: Path, chunked: bool) -> None:
    site.content, site.chunked = CONTENT, chunked
    with pytest.raises(DataError, match="larger than the limit"):
        download(site.origin + "/f", target, DownloadOptions(max_bytes=1000))
    assert names(target) == []


def test_redirects_are_followed(site: Any, target: Path) -> None:
    site.content, site.redirects = CONTENT, {"/a": "/b", "/b": "/f"}
    assert download(site.origin + "/a", target) == DIGEST


@pytest.mark.parametrize(
    "place",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/f",
        "http://192.0.2.1/f",
        "http://example.invalid/f?token=hush",
        "//",
        "/loop",
        "https://u:hush@127.0.0.1/f",
    ],
)
def test_redirects_elsewhere_are_refused(site: Any, target: Path, place: str) -> None:
    site.redirects = {"/f": place, "/loop": "/loop"}
    with pytest.raises((DataError, UsageError)) as caught:
        download(site.origin + "/f", target)
    assert "hush" not in str(caught.value)
    assert names(target) == []


def test_credentials_are_sent_to_their_host_alone_and_never_shown(site: Any, target: Path) -> None:
    site.content = CONTENT
    site.redirects = {"/a": site.origin.replace("127.0.0.1", "localhost") + "/f"}
    url = site.origin.replace("//", "//user:hu%20sh@") + "/a"
    assert download(url, target) == DIGEST
    assert site.requests[0]["authorization"] == "Basic " + base64.b64encode(b"user:hu sh").decode()
    assert "authorization" not in site.requests[1]
    site.status = 404
    with pytest.raises(DataError) as caught:
        download(url, target)
    assert "hu" not in str(caught.value).replace("http", "")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/f",
        "http://u:hush@192.168.0.1/f?k=hush",
        "ftp://h/f",
        "file:///f",
        "f",
        "",
        "https://",
        "https://h:x/f",
        "https://h/a b",
        "https://h/\n",
        "https://[::1",
        "http://127.0.0.1.example.org/f",
    ],
)
def test_only_https_or_this_machine(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_url(url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://example.org/f", "http://localhost:1/f", "http://127.0.0.1/f", "http://[::1]:8/f"]
)
def test_allowed_urls(url: str) -> None:
    assert check_url(url).geturl() == url


def test_shown_urls_hold_no_secret() -> None:
    assert shown_url("https://user:pw@host:1/path?token=x#y") == "https://host:1/path"


def test_a_proxy_is_never_asked_for_this_machine(site: Any, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    site.content = CONTENT
    assert download(site.origin + "/f", target) == DIGEST
