"""The ``rbsuite`` convention, point by point."""

from __future__ import annotations

import pytest

from rbsuite_questions.readers import get_reader

STRICT = get_reader("rbsuite")


@pytest.mark.parametrize(
    ("output", "value", "how"),
    [
        (r"So $\boxed{204}$ and no more, 7 times.", "204", "boxed"),
        (r"\boxed{3} is wrong: \boxed{204}", "204", "boxed"),
        (r"\fbox{204}", "204", "boxed"),
        (r"we get $\boxed 204$", "204", "boxed"),
        (r"\boxed{\text{204}}", "204", "boxed"),
        (r"\boxed{{204}}", "204", "boxed"),
        (r"\boxed{72^\circ}", "72", "boxed"),
        (r"\boxed{72^{\circ}}", "72", "boxed"),
        (r"\boxed{50\%}", "50", "boxed"),
        (r"\boxed{\!204\!}", "204", "boxed"),
        (r"\boxed{204\text{ cm}^2}", "204", "boxed"),
        (r"\boxed{n=204}", "204", "boxed"),
        (r"\boxed{m + n = 204}", "204", "boxed"),
        (r"\boxed{025}", "25", "boxed"),
        (r"\boxed{0}", "0", "boxed"),
        (r"\boxed{000}", "0", "boxed"),
        (r"\boxed{２０４}", "204", "boxed"),
        (r"\boxed{204.0}", "204", "boxed"),
        ("ANSWER: 204", "204", "answer_line"),
        ("**Answer:** 204", "204", "answer_line"),
        ("Final answer：２０４", "204", "answer_line"),
        ("Answer: 3\nNo.\nAnswer: 204\nDone.", "204", "answer_line"),
        ("The answer is $204$.", "204", "answer_line"),
        ("The answer is 204. Check: 200 + 4.", "204", "answer_line"),
        ("Answer:\n204", "204", "answer_line"),
        ("ANSWER: 204 degrees", "204", "answer_line"),
        ("3 and then\n\nwe get 204\n\n", "204", "last_number"),
        ("hence x = $204$.", "204", "last_number"),
        ("<think>Answer: 7</think>\n204", "204", "last_number"),
        ("it was opened before: Answer: 7</think>204", "204", "last_number"),
    ],
)
def test_integers_that_are_read(output: str, value: str, how: str) -> None:
    reading = STRICT.read_integer(output)
    assert (reading.value, reading.how) == (value, how)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "no number at all",
        r"\boxed{1,204}",
        r"\boxed{1204}",
        r"\boxed{-5}",
        r"\boxed{\frac{408}{2}}",
        r"\boxed{200+4}",
        r"\boxed{2**4}",
        r"\boxed{14²}",
        r"\boxed{\frac12}",
        r"\boxed{2.04e2}",
        r"\boxed{204.5}",
        r"\boxed{3, 4}",
        r"\boxed{20\,4}",
        r"\boxed{x \neq 204}",
        r"\boxed{x \geq 204}",
        r"\boxed{204",
        r"\boxed{}",
        "Answer: two hundred four",
        "Answer: 204 or 205",
        "The answer is not 204",
        "so it is 3/4",
        "so it is 3 + 4",
        "so it is 3 + x",
        "about 5 million",
        "the year 2024",
        "<think>\\boxed{204}",
    ],
)
def test_integers_that_are_not_read(output: str) -> None:
    reading = STRICT.read_integer(output)
    assert reading.value is None
    assert reading.how == "none"
    assert not STRICT.is_right(reading, "204", "integer")


@pytest.mark.parametrize(
    "output",
    ["\\boxed{x}\nThe answer is 204", "\\boxed{204\nThe answer is 204", "The answer is x\n204"],
)
def test_the_first_kind_that_is_present_decides(output: str) -> None:
    assert STRICT.read_integer(output).value is None


@pytest.mark.parametrize(
    ("output", "value", "how"),
    [
        ("The answer is B.", "B", "answer_line"),
        ("The answer is (B) beta.", "B", "answer_line"),
        ("the answer is (b)", "B", "answer_line"),
        ("Answer: b", "B", "answer_line"),
        ("**Answer: B**", "B", "answer_line"),
        ("**Final Answer**\n\nB", "B", "answer_line"),
        ("Answer：Ｂ", "B", "answer_line"),
        ("Answer: $B$", "B", "answer_line"),
        (r"The final answer is $\boxed{\text{B}}$", "B", "answer_line"),
        (r"final answer: \(\boxed{B}\)", "B", "answer_line"),
        ("The correct answer is option B.", "B", "answer_line"),
        ("Answer: $LETTER\nAnswer: B", "B", "answer_line"),
        ("Answer: B\nOn reflection, Answer: A", "A", "answer_line"),
        ("The answer is A because it floats", "A", "answer_line"),
        ("The answer is B. The answer is a good one.", "B", "answer_line"),
        (r"so \boxed{B} it is", "B", "boxed"),
        (r"so \boxed{\text{(B)}} it is", "B", "boxed"),
        ("Reasons.\n\n(B)\n", "B", "last_line"),
        ("Reasons.\n**B**.", "B", "last_line"),
        ("<think>Answer: A</think>B", "B", "last_line"),
    ],
)
def test_choices_that_are_read(output: str, value: str, how: str) -> None:
    reading = STRICT.read_choice(output, 4)
    assert (reading.value, reading.how) == (value, how)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "Answer: A, B",
        "Answer: A/B",
        "Answer: A & B",
        "Answer: (A) or (B)",
        "Answer: None",
        "Answer: Because of symmetry, B",
        "Answer: I think so",
        "The answer is a good one",
        "The answer is A good one",
        "The answer is not B",
        "B is right. A good result",
        "I think",
        "(A) alpha is wrong; (B) beta is right",
        "Answer: E",
        "Answer: H",
        r"\boxed{BC}",
        r"\boxed{7}",
    ],
)
def test_choices_that_are_not_read(output: str) -> None:
    reading = STRICT.read_choice(output, 4)
    assert reading.value is None
    assert not STRICT.is_right(reading, "B", "choice")


def test_equality_of_integers_is_numeric() -> None:
    reading = STRICT.read_integer("025")
    assert STRICT.is_right(reading, "25", "integer")
    assert STRICT.is_right(reading, "025", "integer")
    assert not STRICT.is_right(reading, "26", "integer")
