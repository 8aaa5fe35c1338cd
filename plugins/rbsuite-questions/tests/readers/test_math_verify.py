"""The optional reader: in threads, within its time, and tidy afterwards."""

from __future__ import annotations

import importlib.util
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rbsuite_questions.readers import get_reader
from rbsuite_questions.readers.math_verify_reader import MathVerifyReader

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("math_verify") is None, reason="math-verify is not installed (extra [math])"
)


def test_it_reads_what_is_mathematically_equal() -> None:
    reader = get_reader("math-verify")
    for output in (r"$\boxed{200+4}$", r"$\boxed{\frac{408}{2}}$", r"\boxed{n=204}", "Answer: 204.0"):
        assert reader.read_integer(output).value == "204", output
    for output in ("", "two hundred four", r"\boxed{204.5}", r"\boxed{\sqrt{2}}"):
        assert reader.read_integer(output).value is None, output


EQUAL_TO_204 = (
    r"\boxed{\text{204}}",
    r"\boxed{\textbf{204}}",
    r"\boxed{n = 204%}",
    r"\boxed{204\%}",
    r"\boxed{\{204\}}",
    r"\boxed{x \in \{204\}}",
    r"\boxed{204, 204}",
    r"\boxed{m + n = 200 + 4 = 204}",
    r"\boxed{a = b = 204}",
    r"\boxed{n = 200 + 4}",
    r"\boxed{\sqrt{41616}}",
)
EQUAL_TO_NO_INTEGER = (
    r"\boxed{\{3, 204\}}",
    r"\boxed{204 = n}",
    r"\boxed{n \ge 204}",
    r"\boxed{204!}",
    r"\boxed{\text{n = 204}}",
)


def test_it_takes_what_the_library_takes() -> None:
    library, reader = importlib.import_module("math_verify"), get_reader("math-verify")
    for output in (*EQUAL_TO_204, *EQUAL_TO_NO_INTEGER, r"\boxed{-5}", r"\boxed{200\%}", r"\boxed{2.04 \times 10^2}"):
        parsed, reading = library.parse(output, parsing_timeout=None), reader.read_integer(output)
        assert (reading.value == "204") is (output in EQUAL_TO_204 or "times" in output), output
        for gold in ("204", "3", "-5", "200"):
            equal = library.verify(library.parse(gold, parsing_timeout=None), parsed, timeout_seconds=None)
            assert reader.is_right(reading, gold, "integer") is (equal and not gold.startswith("-")), (output, gold)


def test_it_works_in_threads() -> None:
    reader = get_reader("math-verify")
    with ThreadPoolExecutor(4) as pool:
        values = list(pool.map(lambda number: reader.read_integer(rf"\boxed{{{number}}}").value, range(20)))
    assert values == [str(number) for number in range(20)]


def test_a_long_computation_is_stopped_and_the_next_output_is_read() -> None:
    reader = MathVerifyReader(seconds=3.0)
    assert reader.read_integer(r"\boxed{1}").value == "1"
    start = time.monotonic()
    assert reader.read_integer(r"$\boxed{9^{9^{9^{9}}}}$").value is None
    assert time.monotonic() - start < 15
    assert reader.read_integer(r"\boxed{2}").value == "2"


def test_a_megabyte_is_read_in_time() -> None:
    reader = get_reader("math-verify")
    assert reader.read_integer("answer = 1 " * 90_000 + r"\boxed{204}").value == "204"
