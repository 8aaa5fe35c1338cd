"""Canonical JSON, hashes and seeds: the same on every machine."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.jsonable import canonical, digest, plain, text_digest
from rbsuite.seeds import derive_seed, rng, unit
from rbsuite.trajectory import Action, Message, Usage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_canonical_is_json_of_the_same_value(value: Any) -> None:
    text = canonical(value)
    assert json.loads(text) == value == plain(value)
    assert text.isascii()
    assert canonical(json.loads(text)) == text


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_order_of_keys_does_not_count(value: dict[str, Any]) -> None:
    turned = dict(reversed(list(value.items())))
    assert canonical(turned) == canonical(value)
    assert digest(turned) == digest(value)


@given(JSON, JSON)
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    assert (digest(one) == digest(other)) == (canonical(one) == canonical(other))


def test_canonical_form() -> None:
    assert canonical({"b": (1, 2.5, None), "a": "ä\n"}) == '{"a":"\\u00e4\\n","b":[1,2.5,null]}'
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@dataclass(frozen=True)
class _Pair:
    left: Any
    right: tuple[int, ...] = ()


def test_records_keep_every_field() -> None:
    assert plain(_Pair(Usage())) == {
        "left": {"calls": 0, "input_tokens": 0, "output_tokens": 0, "cost": 0.0},
        "right": [],
    }
    assert plain(MappingProxyType({1: frozenset({"b", "a"})})) == {"1": ["a", "b"]}
    assert plain(Message("user", "hi"))["tool_calls"] == []
    assert set(plain(Action())) == {"text", "calls", "index", "thought"}


@pytest.mark.parametrize("value", [object(), b"bytes", {"a": [object()]}, _Pair, 1j])
def test_what_has_no_json_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="has no JSON form"):
        canonical(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_numbers_that_json_lacks_are_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical(value)


def test_text_digest_bears_lone_surrogates() -> None:
    assert text_digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert text_digest("\ud800") != text_digest("\ud801")


GOLDEN: dict[tuple[str | int, ...], int] = {
    ("a", "bc"): 4832715245225987468,
    ("ab", "c"): 1995006081939499821,
    (1,): 6512307321720703913,
    ("1",): 7113259943041818258,
    (): 8238016292129134938,
}


def test_seeds_are_those_of_every_machine() -> None:
    assert {parts: derive_seed(*parts) for parts in GOLDEN} == GOLDEN


def test_seeds_do_not_depend_on_the_process() -> None:
    script = "from rbsuite.seeds import *; print(derive_seed('a', 'bc'), unit('x', 3), rng(7).random())"
    for hash_seed in ("0", "1"):
        out = subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert [int(out[0]), float(out[1]), float(out[2])] == [derive_seed("a", "bc"), unit("x", 3), rng(7).random()]


PARTS = st.lists(st.text(max_size=4) | st.integers(-5, 5), max_size=4).map(tuple)


@given(PARTS, PARTS)
def test_other_parts_give_another_seed(one: tuple[str | int, ...], other: tuple[str | int, ...]) -> None:
    assert (derive_seed(*one) == derive_seed(*other)) == (one == other)


@given(PARTS)
def test_seeds_and_units_are_in_range(parts: tuple[str | int, ...]) -> None:
    assert 0 <= derive_seed(*parts) < 1 << 63
    assert 0.0 <= unit(*parts) < 1.0
    assert rng(*parts).random() == rng(*parts).random()


def test_units_are_uniform() -> None:
    draws = [unit("uniform", number) for number in range(4000)]
    assert abs(sum(draws) / 4000 - 0.5) < 0.02
    assert 0.08 < sum(draw < 0.1 for draw in draws) / 4000 < 0.12
