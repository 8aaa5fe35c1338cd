from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.errors import DataError
from rbsuite_eb_habitat import unpickle
from rbsuite_eb_habitat.unpickle import read_pickle

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=4),
    max_leaves=20,
)
TYPES = ["?", "<i1", "<u2", "<i4", ">i4", "<i8", ">u8", "<f2", "<f4", ">f4", "<f8"]


@given(PLAIN, st.sampled_from([3, 4, 5]))
def test_plain_data_comes_back(value: Any, protocol: int) -> None:
    assert read_pickle(pickle.dumps(value, protocol), "x") == value


@given(st.sampled_from(TYPES), st.sampled_from([(), (0,), (3,), (2, 3), (0, 4), (2, 1, 3)]), st.sampled_from([3, 4]))
def test_arrays_become_lists_of_the_same_numbers(dtype: str, shape: tuple[int, ...], protocol: int) -> None:
    count = int(np.prod(shape))
    array = (np.arange(count) % 7).reshape(shape).astype(dtype)
    found = read_pickle(pickle.dumps({"array": array}, protocol), "x")["array"]
    assert np.array_equal(np.array(found, dtype=dtype).reshape(shape), array)
    if count:
        assert found == array.tolist()


@pytest.mark.parametrize("number", [np.float32(0.1), np.int64(-3), np.float64(2.5), np.bool_(True)])
def test_numbers_of_numpy_become_plain(number: Any) -> None:
    found = read_pickle(pickle.dumps([number], 4), "x")
    assert found == [number.item()]
    assert type(found[0]) is type(number.item())


def test_both_homes_of_numpys_functions_are_known() -> None:
    content = pickle.dumps(np.arange(3), 3)
    content = content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    assert b"cnumpy.core.multiarray\n" in content
    assert read_pickle(content, "x") == [0, 1, 2]
    content = content.replace(b"cnumpy.core.multiarray\n", b"cnumpy._core.multiarray\n")
    assert read_pickle(content, "x") == [0, 1, 2]


class Reduced:
    """Pickles as a call."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.reduced = (call, arguments)

    def __reduce__(self) -> Any:
        return self.reduced


def named(module: str, name: str, *arguments: Any) -> bytes:
    """A pickle, protocol 4, that calls what it names; the name need not exist."""
    parts = (b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name))
    return b"\x80\x04" + b"".join(parts) + b"\x93" + pickle.dumps(arguments, 2)[2:-1] + b"R."


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_payload_is_refused_by_name_and_does_not_run(tmp_path: Path, protocol: int) -> None:
    marker = tmp_path / "ran"
    content = pickle.dumps({"all_eps": [Reduced(os.system, f"touch {marker}")]}, protocol)
    program = "import pickle, sys; pickle.load(sys.stdin.buffer)"
    subprocess.run([sys.executable, "-c", program], input=content, check=True)
    assert marker.exists(), "the payload is one: unpickled, it runs"
    marker.unlink()
    with pytest.raises(DataError, match=r"base\.pickle is rejected.*nothing in it was run.*posix\.system") as caught:
        read_pickle(content, "base.pickle")
    assert "\n" not in str(caught.value)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("numpy", "load"),
        ("numpy", "ndarray.tofile"),
        ("numpy.core.multiarray", "_reconstruct.__globals__"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy.core.multiarray.x", "y"),
        ("numpy.core.numeric", "_frombuffer"),
        ("numpy", "core.multiarray._reconstruct"),
        ("rbsuite_eb_habitat.unpickle", "read_pickle"),
        ("", ""),
    ],
)
def test_only_four_names_may_be_used(module: str, name: str) -> None:
    with pytest.raises(DataError, match="is rejected") as caught:
        read_pickle(named(module, name, 1), "x")
    assert f"it names {module}.{name}." in str(caught.value)
    with pytest.raises(DataError, match="is rejected"):
        read_pickle(b"c" + f"{module}\n{name}\n.".encode(), "x")


@pytest.mark.parametrize(
    "content",
    [
        b"(i__main__\nThing\n.",
        b"\x80\x02\x82\x01.",  # an extension's code
        b"\x80\x02Pname\n.",
        b"\x80\x05\x97.",  # a buffer from outside
        b"\x80\x02cnumpy\nndarray\n)\x81.",  # makes an instance without a call
        b"\x80\x02]2\x86.",  # DUP
        b"\x80\x05\x8f.",  # a set
    ],
)
def test_opcodes_that_make_no_plain_data_are_refused(content: bytes) -> None:
    with pytest.raises(DataError, match=r"is rejected.*(opcode|names)"):
        read_pickle(content, "x")


NUMPY = "numpy.core.multiarray"


@pytest.mark.parametrize(
    "content",
    [
        named("numpy", "ndarray", (5,)),
        named(NUMPY, "_reconstruct", 1, (0,), b"b"),
        named("numpy", "dtype", "O8", False, True),
        named("numpy", "dtype", "V8", False, True),
        named(NUMPY, "scalar", 1, b"12345678"),
        # The state of a function that a name stands for.
        b"\x80\x04\x8c\x05numpy\x8c\x05dtype\x93}\x8c\x01x\x8c\x01ysb.",
        b"\x80\x04\x8c\x05numpy\x8c\x07ndarray\x93N}\x8c\x01x\x8c\x01ys\x86b.",
    ],
)
def test_numpys_names_have_one_use(content: bytes) -> None:
    with pytest.raises(DataError, match=r"rejected|damaged"):
        read_pickle(content, "x")


def test_the_stand_ins_keep_no_state_of_a_file() -> None:
    before = {name: dict(vars(value)) for name, value in vars(unpickle).items() if isinstance(value, type)}
    test_numpys_names_have_one_use(b"\x80\x04\x8c\x05numpy\x8c\x05dtype\x93N}\x8c\x01x\x8c\x01ys\x86b.")
    assert before == {name: dict(vars(value)) for name, value in vars(unpickle).items() if isinstance(value, type)}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (np.array([{}, None], dtype=object), "not numbers"),
        (np.array(["text"]), "not numbers"),
        (np.zeros(2, dtype=[("a", "f4")]), "not numbers"),
        (np.asfortranarray(np.ones((2, 3))), "column order"),
        (np.array([1.0, np.nan]), "the number nan"),
        (float("inf"), "the number inf"),
        ({(1, 2): 3}, "neither text nor a whole number"),
        (b"bytes", "of type bytes"),
        ([np.dtype("f4")], "of type dtype"),
    ],
)
def test_what_is_not_plain_data_is_refused(value: Any, why: str) -> None:
    with pytest.raises(DataError, match=f"rejected.*{why}"):
        read_pickle(pickle.dumps(value, 4), "x")


@pytest.mark.parametrize("value", [OrderedDict(a=1), Path("x"), 1j, {1}, frozenset()])
def test_other_types_are_refused(value: Any) -> None:
    with pytest.raises(DataError, match="is rejected"):
        read_pickle(pickle.dumps(value, 4), "x")


def forged(array: Any, old: bytes, new: bytes) -> bytes:
    content = pickle.dumps(array, 3)
    assert content.count(old) == 1
    return content.replace(old, new)


def test_an_array_of_another_size_than_it_says_is_refused() -> None:
    longer = forged(np.arange(3, dtype="<i4"), b"K\x03\x85", b"J\x00\x00\x00\x7f\x85")
    with pytest.raises(DataError, match="rejected"):
        read_pickle(longer, "x")
    with pytest.raises(DataError, match=r"rejected.*size is not the one"):
        read_pickle(forged(np.arange(3, dtype="<i4"), b"K\x03\x85", b"K\x04\x85"), "x")


def test_a_bomb_of_shared_lists_is_refused() -> None:
    bomb: Any = [0] * 10
    for _ in range(12):
        bomb = [bomb] * 10
    content = pickle.dumps(bomb, 4)
    assert len(content) < 2000
    with pytest.raises(DataError, match="unfolds to more than"):
        read_pickle(content, "x")


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(DataError, match="unfolds to more than"):
        read_pickle(b"\x80\x02" + b"]" * 5000 + b"a" * 4999 + b".", "x")
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(DataError, match="unfolds to more than"):
        read_pickle(pickle.dumps(endless, 4), "x")


def test_a_memo_larger_than_the_file_is_refused() -> None:
    with pytest.raises(DataError, match="memo larger than itself"):
        read_pickle(b"\x80\x02]r\xff\xff\xff\xff.", "x")


def test_a_large_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpickle, "MAX_BYTES", 2**20)
    with pytest.raises(DataError, match="x is larger than 1 MiB"):
        read_pickle(b"\x80\x02" + b"0" * 2**20, "x")


def message(content: bytes) -> str:
    """What is said of a file; nothing if it can be read."""
    try:
        read_pickle(content, "x")
    except DataError as error:
        return str(error)
    return ""


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_one_line(content: bytes) -> None:
    assert "\n" not in message(content)


@given(st.data())
def test_damage_gives_a_value_or_one_line(data: st.DataObject) -> None:
    content = bytearray(pickle.dumps({"a": [np.arange(4.0), "text", {1: None}]}, 4))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert "\n" not in message(bytes(content))


@pytest.mark.parametrize("content", [b"", b".", b"\x80\x04", b"version https://git-lfs", b"\x80\x04\x8c\x05abc"])
def test_what_is_no_pickle_is_called_damaged(content: bytes) -> None:
    with pytest.raises(DataError, match=r"x is a damaged pickle|rejected"):
        read_pickle(content, "x")
