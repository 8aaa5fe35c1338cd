from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rbsuite.data.archives import UnpackLimits, extract
from rbsuite.errors import DataError

OUTSIDE = ["/abs", "../up", "a/../../up", "C:/x", "a\\..\\b", "..", "a\nb", "a\x1b[31m", "x" * 2000]


def unpack(tmp_path: Path, content: bytes, limits: UnpackLimits | None = None) -> str | None:
    archive, target = tmp_path / "archive", tmp_path / "out"
    archive.write_bytes(content)
    target.mkdir(exist_ok=True)
    return extract(archive, target, limits)


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def zip_of(*entries: tuple[str | zipfile.ZipInfo, bytes], comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in entries:
            zipped.writestr(name, content)
        zipped.comment = comment
    return out.getvalue()


def test_tar_and_zip_unpack_and_tell_their_commit(tmp_path: Path, kit: Any) -> None:
    assert unpack(tmp_path, kit.tar_gz({"a/b": b"1"}, comment=kit.COMMIT)) == kit.COMMIT
    assert (tmp_path / "out/toy-main/a/b").read_bytes() == b"1"
    assert unpack(tmp_path, zip_of(("z/", b""), ("z/c", b"2"), comment=kit.COMMIT.encode())) == kit.COMMIT
    assert (tmp_path / "out/z/c").read_bytes() == b"2"
    assert unpack(tmp_path, zip_of(("d", b""), comment=b"hello")) is None


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_paths_that_lead_out_are_refused(tmp_path: Path, name: str, kind: str) -> None:
    content = tar_of((tarfile.TarInfo(name), b"x")) if kind == "tar" else zip_of((name, b"x"))
    with pytest.raises(DataError, match="path that is not allowed") as caught:
        unpack(tmp_path, content)
    assert "\x1b" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "out"]
    assert not any((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("odd")
    info.type, info.linkname = kind, "/etc/passwd"
    with pytest.raises(DataError, match=r"link, device or sparse|damaged"):
        unpack(tmp_path, tar_of((info, b"")))


def test_links_and_encrypted_files_in_a_zip_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with pytest.raises(DataError, match="link or device"):
        unpack(tmp_path, zip_of((link, b"/etc/passwd")))
    content = bytearray(zip_of(("secret", b"x")))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DataError, match="encrypted"):
        unpack(tmp_path, bytes(content))


def test_bombs_are_stopped_at_the_limit(tmp_path: Path) -> None:
    limits = UnpackLimits(total_bytes=1 << 20, files=100)
    zeros = b"\0" * (4 << 20)
    for content in (
        tar_of((tarfile.TarInfo("bomb"), zeros)),
        zip_of(("bomb", zeros)),
        gzip.compress(b"\0" * (64 << 20)),
    ):
        assert len(content) < 200_000
        with pytest.raises(DataError, match=r"more than|damaged"):
            unpack(tmp_path, content, limits)
        (tmp_path / "out/bomb").unlink(missing_ok=True)
    many = [(tarfile.TarInfo(str(number)), b"") for number in range(101)]
    with pytest.raises(DataError, match="more than 100 entries"):
        unpack(tmp_path, tar_of(*many), limits)


def test_a_huge_header_is_not_read_whole(tmp_path: Path) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    content = gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + b"a" * (16 << 20))
    with pytest.raises(DataError, match="unpacks to more than 1 MiB"):
        unpack(tmp_path, content, UnpackLimits(total_bytes=1 << 20, files=1))


def test_the_same_path_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="twice"):
        unpack(tmp_path, tar_of((tarfile.TarInfo("a"), b"1"), (tarfile.TarInfo("./a"), b"2")))
    (tmp_path / "out/a").unlink()
    with pytest.raises(DataError, match="twice"):
        unpack(tmp_path, tar_of((tarfile.TarInfo("a"), b"1"), (tarfile.TarInfo("a/b"), b"2")))


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"PK", b"\x1f\x8b", b"\x1f\x8b" + b"x" * 50, b"PK\x03\x04" + b"x" * 50]
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"neither|damaged"):
        unpack(tmp_path, content)


def test_a_cut_or_flipped_tar_is_damaged(tmp_path: Path) -> None:
    content = tar_of((tarfile.TarInfo("a"), random.Random(1).randbytes(50_000)))
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 0xFF
    for broken in (content[:-4], content[: len(content) // 2], bytes(flipped)):
        with pytest.raises(DataError, match="damaged"):
            unpack(tmp_path, broken)
        (tmp_path / "out/a").unlink()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["tar", "zip"]),
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_damage_never_gives_another_error_nor_a_file_outside(
    tmp_path_factory: pytest.TempPathFactory, kind: str, changes: list[tuple[int, int]]
) -> None:
    base = tmp_path_factory.mktemp("damage")
    whole = tar_of((tarfile.TarInfo("d/a"), b"abc")) if kind == "tar" else zip_of(("d/a", b"abc"), ("d/b", b"xyz"))
    content = bytearray(gzip.decompress(whole) if kind == "tar" else whole)
    for place, value in changes:
        content[place % len(content)] = value
    damaged = gzip.compress(bytes(content)) if kind == "tar" else bytes(content)
    with suppress(DataError):
        unpack(base, damaged)
    assert {path.name for path in base.iterdir()} == {"archive", "out"}
