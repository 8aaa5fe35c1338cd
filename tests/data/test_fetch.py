from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from rbsuite.data.archives import UnpackLimits
from rbsuite.data.fetch import FetchOptions, FetchRequest, fetch_pack
from rbsuite.data.packs import Archive, import_pack, verify_pack
from rbsuite.errors import DataError, UsageError

RIDDLES = b'["what has keys but no locks?"]'


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def pinned(site: Any, kit: Any) -> Archive:
    site.content = kit.tar_gz({"riddles.json": RIDDLES, "code.py": b"print('never run')"}, top="toy-1/")
    return Archive(
        url=site.origin + "/toy.tar.gz",
        commit=kit.COMMIT,
        files={"riddles.json": sha256(RIDDLES)},
        strip_prefix="toy-1",
    )


def test_the_pinned_archive_is_fetched_and_imported(data_dir: Path, pinned: Archive, kit: Any) -> None:
    report = fetch_pack(kit.ToyImporter(pinned), data_dir)
    info = verify_pack(data_dir / "packs/toy")
    assert report.info == info
    assert (info.source, info.commit, info.counts) == ("archive", kit.COMMIT, {"riddles": 1})
    assert kit.tree(data_dir) == [
        "packs",
        "packs/toy",
        "packs/toy/deep",
        "packs/toy/deep/riddles.json",
        "packs/toy/pack.json",
    ]


def test_a_broken_off_fetch_goes_on(data_dir: Path, pinned: Archive, site: Any, kit: Any) -> None:
    site.cut_after = 50
    with pytest.raises(DataError, match="broke off after 50"):
        fetch_pack(kit.ToyImporter(pinned), data_dir)
    assert not (data_dir / "packs").exists()
    site.cut_after = None
    fetch_pack(kit.ToyImporter(pinned), data_dir)
    assert site.requests[-1]["range"] == "bytes=50-"
    assert not (data_dir / "downloads").exists()


def test_contents_that_differ_from_the_pinned_commit_are_refused(
    data_dir: Path, pinned: Archive, site: Any, kit: Any
) -> None:
    site.content = kit.tar_gz({"riddles.json": b"[]"}, top="toy-1/")
    with pytest.raises(DataError, match=r"riddles\.json differs from commit abab.*--sha256 " + sha256(site.content)):
        fetch_pack(kit.ToyImporter(pinned), data_dir)
    site.content = kit.tar_gz({"other": b""}, top="toy-1/")
    with pytest.raises(DataError, match=r"riddles\.json is missing"):
        fetch_pack(kit.ToyImporter(pinned), data_dir, FetchRequest(url=site.origin + "/mirror"))
    assert not data_dir.exists()


def test_a_users_archive_is_vouched_for_by_its_hash(data_dir: Path, pinned: Archive, site: Any, kit: Any) -> None:
    site.content = kit.tar_gz({"riddles.json": b"[]"}, comment="cd" * 20)
    request = FetchRequest(url=site.origin + "/mine", sha256=sha256(site.content).upper())
    assert fetch_pack(kit.ToyImporter(pinned), data_dir, request).info.commit == "cd" * 20
    assert fetch_pack(kit.ToyImporter(None), data_dir, request).replaced


def test_a_zip_without_a_top_directory_works(data_dir: Path, site: Any, kit: Any) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        zipped.writestr("riddles.json", RIDDLES)
        zipped.writestr("readme", b"")
    site.content = out.getvalue()
    report = fetch_pack(kit.ToyImporter(), data_dir, FetchRequest(site.origin + "/z", sha256(site.content)))
    assert report.info.counts == {"riddles": 1}


def test_a_wrong_hash_leaves_nothing(data_dir: Path, pinned: Archive, kit: Any) -> None:
    with pytest.raises(DataError, match=f"sha256 is .*, not {'0' * 64}"):
        fetch_pack(kit.ToyImporter(pinned), data_dir, FetchRequest(sha256="0" * 64))
    assert not data_dir.exists()


@pytest.mark.parametrize("case", ["slip", "link", "bomb", "count", "page", "foreign", "malformed"])
def test_hostile_and_wrong_archives_leave_nothing_and_keep_the_old_pack(
    data_dir: Path, site: Any, kit: Any, toy_source: Path, case: str
) -> None:
    link = tarfile.TarInfo("toy/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        tar.addfile(link)
    site.content = {
        "slip": kit.tar_gz({"../../../escaped": b"x"}),
        "link": out.getvalue(),
        "bomb": kit.tar_gz({"riddles.json": b"\0" * (2 << 20)}),
        "count": kit.tar_gz({str(number): b"" for number in range(60)}),
        "page": b"<!doctype html>",
        "foreign": kit.tar_gz({"readme": b""}),
        "malformed": kit.tar_gz({"riddles.json": b"[1,"}),
    }[case]
    options = FetchOptions(limits=UnpackLimits(total_bytes=1 << 20, files=50))
    request = FetchRequest(site.origin + "/f", sha256(site.content))
    with pytest.raises(DataError):
        fetch_pack(kit.ToyImporter(), data_dir, request, options)
    assert not data_dir.exists()
    import_pack(kit.ToyImporter(), toy_source, data_dir)
    before = kit.tree(data_dir.parent)
    with pytest.raises(DataError):
        fetch_pack(kit.ToyImporter(), data_dir, request, options)
    assert kit.tree(data_dir.parent) == before


def test_a_refused_download_leaves_nothing(data_dir: Path, pinned: Archive, site: Any, kit: Any) -> None:
    site.status = 404
    with pytest.raises(DataError, match="404"):
        fetch_pack(kit.ToyImporter(pinned), data_dir)
    assert not data_dir.exists()


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (FetchRequest(), "no archive to fetch"),
        (FetchRequest(url="https://example.org/x"), "--sha256"),
        (FetchRequest(url="https://example.org/x", sha256="12"), "64 hexadecimal"),
        (FetchRequest(url="http://example.org/x", sha256="0" * 64), "only https"),
    ],
)
def test_requests_that_cannot_be_met(data_dir: Path, kit: Any, request_: FetchRequest, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        fetch_pack(kit.ToyImporter(), data_dir, request_)
    assert not data_dir.exists()


def test_a_data_directory_that_is_a_file(data_dir: Path, pinned: Archive, kit: Any) -> None:
    data_dir.write_text("mine")
    with pytest.raises(DataError, match="cannot download to"):
        fetch_pack(kit.ToyImporter(pinned), data_dir)
