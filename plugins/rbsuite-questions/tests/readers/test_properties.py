"""What holds of every reader on every text: it ends soon, does not raise, and gives no letter that is no option."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbsuite_questions.readers import READERS, Reading, get_reader
from rbsuite_questions.readers.base import option_letters
from speed import cpu_seconds

NAMES = [name for name, info in READERS.items() if not info.requires]
INTEGERS = [name for name in NAMES if "integer" in READERS[name].kinds]
CHOICES = [name for name in NAMES if "choice" in READERS[name].kinds]

PIECES = [
    *(
        "A ",
        "A",
        "a",
        "1",
        "9 ",
        "1.",
        "5x ",
        " ",
        "\n",
        "\t",
        "$",
        "$ ",
        "$a ",
        "**",
        "** ",
        "**a ",
        "{",
        "}",
        "{}",
        "\\",
        "=",
        "x=",
        "/",
    ),
    *(
        "\\boxed",
        "\\boxed{",
        "\\boxed ",
        "\\boxed{1}",
        "\\fbox{",
        "\\text{",
        "\\text{ ",
        "option ",
        "alpha ",
    ),
    *(
        "answer",
        "answer ",
        "answer is (",
        "answer is ",
        "Answer:",
        "Answer: A",
        "answer: ",
        "ANSWER:",
        "ANSWER:\n",
        "ANSWER: A B, ",
    ),
    *(
        "ANSWER: A_",
        "\nANSWER: A ",
        "The answer is ",
        "The answer is \n",
        ":",
        ": ",
        "(A",
        "(A)",
        ":(A)",
        "(",
        "A, ",
        "A or ",
    ),
    *("五", "五½½ ", "½", "²", "1²", "--", "'", "1'", "é", "İ", "答案", "답", "Ответ: ", "答案是 "),
    *("wrong answer: ", "wrong answer: A\n", "the answer is not B. ", "not ", "if the answer is ", "The student's "),
    *(
        "answer to the problem ",
        "\\boxed{1} is wrong ",
        "B is the answer. ",
        "\\boxed{}",
        "1 = ",
        "1 + ",
        "1 or ",
        " , ",
        "-\n",
    ),
]
MARKS = ("<think>", "</think>", "[THINK]", "<|channel|>")
"""Told apart by :mod:`rbsuite.models.reasoning`, whose own tests time it; a quarter of the size here."""
STARTS = ("ANSWER:", "$a", "**a", "\\boxed{", "answer is ")


def texts(size: int) -> dict[str, str]:
    """Texts of so many characters that may take a reader long."""
    made = {f"{piece!r}...": (piece * (size // len(piece) + 1))[:size] for piece in PIECES}
    made["boxes that one long text follows"] = "\\boxed{1 " * 100 + "x" * size
    made |= {f"{mark!r}...": mark * (size // 4 // len(mark)) for mark in MARKS}
    return made | {f"{start!r} spaces": start + " " * size + "!" for start in STARTS}


TOKENS = st.sampled_from(
    [
        *PIECES,
        "Answer: B",
        "\\boxed{204}",
        "204",
        "025",
        "B",
        "J",
        ".",
        ",",
        "-",
        "x",
        "&",
        "I",
        "１",
        "ſ",
        "\u00a0",
        "e",
        "\x00",
        "_",
    ]
)
OUTPUTS = st.one_of(st.text(max_size=60), st.lists(TOKENS, max_size=12).map("".join))


LIMIT_S = 0.2
"""CPU for a megabyte."""
PART = 250_000
WHOLE = 1_000_000


def seconds(name: str, kind: str, text: str) -> float:
    """CPU time for a megabyte of such a text."""
    reader, part = get_reader(name), min(1.0, len(text) / WHOLE)
    if kind == "integer":
        return cpu_seconds(lambda: reader.read_integer(text), LIMIT_S * part) / part
    return cpu_seconds(lambda: reader.read_choice(text, 10, ("alpha", "beta", "gamma")), LIMIT_S * part) / part


@pytest.mark.parametrize("size", [PART, pytest.param(WHOLE, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NAMES)
def test_a_megabyte_takes_a_fifth_of_a_second(name: str, size: int) -> None:
    spent = {
        (label, kind): seconds(name, kind, text) for label, text in texts(size).items() for kind in READERS[name].kinds
    }
    assert {where: round(best, 2) for where, best in spent.items() if best > LIMIT_S} == {}


@given(pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=4), last=st.sampled_from(PIECES))
@settings(max_examples=40, deadline=None)
def test_the_strict_reader_is_quick_on_any_repeated_pattern(pieces: list[str], last: str) -> None:
    unit = "".join(pieces)
    text = unit * (PART // len(unit)) + last
    for kind in ("integer", "choice"):
        # The fastest of a few tries: what else runs on the machine makes it slower, and never faster.
        assert any(seconds("rbsuite", kind, text) <= LIMIT_S for _ in range(5))


def check(reading: Reading) -> None:
    assert (reading.value is None) == (reading.how == "none") == (not reading.parsed)


@given(output=OUTPUTS)
@settings(max_examples=300, deadline=None)
def test_reading_an_integer_never_raises(output: str) -> None:
    for name in INTEGERS:
        reader = get_reader(name)
        reading = reader.read_integer(output)
        check(reading)
        assert reading == reader.read_integer(output)
        assert isinstance(reader.is_right(reading, "25", "integer"), bool)


@given(output=OUTPUTS, n_choices=st.integers(1, 26), options=st.lists(st.text(max_size=6), max_size=4))
@settings(max_examples=300, deadline=None)
def test_no_letter_beyond_the_options(output: str, n_choices: int, options: list[str]) -> None:
    for name in CHOICES:
        reader = get_reader(name)
        reading = reader.read_choice(output, n_choices, options)
        check(reading)
        assert reading.value is None or reading.value in option_letters(n_choices)
        assert [one for one in option_letters(n_choices) if reader.is_right(reading, one, "choice")] == (
            [reading.value] if reading.value else []
        )


@given(output=OUTPUTS)
@settings(max_examples=300, deadline=None)
def test_strict_integers_are_in_range_and_written_in_the_output(output: str) -> None:
    value = get_reader("rbsuite").read_integer(output).value
    if value is not None:
        assert value == str(int(value))
        assert 0 <= int(value) <= 999
        assert any(one.isdecimal() for one in output)


@given(number=st.integers(0, 999), before=st.text(max_size=40))
def test_a_plain_final_box_is_always_read(number: int, before: str) -> None:
    reading = get_reader("rbsuite").read_integer(f"{before.replace('<', '')}\n\\boxed{{{number}}}")
    assert (reading.value, reading.how) == (str(number), "boxed")


@given(output=OUTPUTS)
@settings(max_examples=500, deadline=None)
def test_the_linear_form_of_the_mmlu_pro_patterns(output: str) -> None:
    stages = (r"answer is \(?([A-J])\)?", r".*[aA]nswer:\s*([A-J])", r"(?s)\b([A-J])\b(?!.*\b[A-J]\b)")
    first = next((found[1] for stage in stages if (found := re.search(stage, output))), None)
    assert get_reader("mmlu-pro").read_choice(output, 10).value == first
    every = (r"answer is \(?([A-J])\)?", r"[aA]nswer:\s*([A-J])", r"\b[A-J]\b")
    last = next((letters[-1] for stage in every if (letters := re.findall(stage, output))), None)
    assert get_reader("mmlu-pro-apix").read_choice(output, 10).value == last
