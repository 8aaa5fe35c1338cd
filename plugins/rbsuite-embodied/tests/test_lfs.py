from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.data.checkout import SourceTree
from rbsuite.errors import DataError
from rbsuite_embodied.lfs import Pointer, read_file, read_pointer, refuse_pointers

OID = "0123456789abcdef" * 4


def pointer(oid: str = OID, size: int = 1234, more: str = "") -> bytes:
    return f"version https://git-lfs.github.com/spec/v1\n{more}oid sha256:{oid}\nsize {size}\n".encode()


@given(st.binary(min_size=32, max_size=32), st.integers(0, 10**15))
def test_a_pointer_is_read(oid: bytes, size: int) -> None:
    assert read_pointer(pointer(oid.hex(), size)) == Pointer(oid.hex(), size)


def test_a_pointer_may_have_further_keys() -> None:
    assert read_pointer(pointer(more="ext-0-foo sha256:00\n")) == Pointer(OID, 1234)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04}.",
        b"version https://git-lfs.github.com/spec/v1\n",
        pointer(oid="xyz"),
        pointer(more="x" * 2000),
        b"version 2\n" + pointer(),
        pointer().replace(b"size 1234", b"size -1"),
    ],
)
def test_other_files_are_no_pointers(content: bytes) -> None:
    assert read_pointer(content) is None


@given(st.binary(max_size=2000))
def test_any_bytes_can_be_asked(content: bytes) -> None:
    assert read_pointer(content) is None


def test_the_message_names_every_pointer_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(pointer())
    (tmp_path / "b.bin").write_bytes(b"data")
    (tmp_path / "c.bin").write_bytes(pointer(oid="f" * 64, size=5_000_000))
    with pytest.raises(DataError) as caught:
        refuse_pointers(SourceTree(tmp_path), ["a.bin", "b.bin", "c.bin", "missing.bin"])
    message = str(caught.value)
    assert "\n" not in message
    assert "2 files are Git LFS pointers" in message
    assert f"a.bin (oid sha256:{OID}, 1,234 bytes)" in message
    assert f"c.bin (oid sha256:{'f' * 64}, 5,000,000 bytes)" in message
    assert "b.bin" not in message
    assert "git lfs pull" in message


def test_one_pointer_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(pointer())
    with pytest.raises(DataError, match="1 file is a Git LFS pointer, not the data"):
        refuse_pointers(SourceTree(tmp_path), ["a.bin"])


def test_files_that_are_themselves_pass(tmp_path: Path) -> None:
    (tmp_path / "b.bin").write_bytes(b"data")
    refuse_pointers(SourceTree(tmp_path), ["b.bin", "missing.bin"])


def test_a_file_is_read_unless_it_is_a_pointer(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(pointer())
    (tmp_path / "b.bin").write_bytes(b"data")
    assert read_file(SourceTree(tmp_path), "b.bin") == b"data"
    with pytest.raises(DataError, match=r"1 file is a Git LFS pointer, not the data: a\.bin"):
        read_file(SourceTree(tmp_path), "a.bin")
    with pytest.raises(DataError, match=r"c\.bin is missing"):
        read_file(SourceTree(tmp_path), "c.bin")
