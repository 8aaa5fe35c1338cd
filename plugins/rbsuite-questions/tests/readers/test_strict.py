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


OWN_CHOICES: list[tuple[str, str | None]] = [
    ("Incorrect answer: B", None),
    ("We can rule out answer (A).", None),
    ("Answer: C\nNote that a common wrong answer is B.", "C"),
    ("Answer: C. A common wrong answer is B", "C"),
    ("The student's answer is B", None),
    ("Answer: D\nJohn's answer: B", "D"),
    ('The student wrote: "The answer is B".\nThe answer is C.', "C"),
    ("Some might say the answer is B, but the answer is C.", "C"),
    ("The answer is not B", None),
    ("The answer isn't B. Answer: D", "D"),
    ("I do not think the answer is B.", None),
    ("If the answer is B, then x>0.", None),
    ("Is the answer B?", None),
    ("The answer is either B or C.", None),
    ("Answer: C\nThe answer is either A or B.", None),
    ("The answer is B, not A.", "B"),
    ("Answer: (D) cannot be determined", "D"),
    ("The answer is (B) is not a function", "B"),
    ("Since A is wrong the answer is B.", "B"),
    ("A is not right so the answer is B.", "B"),
    ("The correct option is B.", "B"),
    ("The best choice is (C).", "C"),
    ("Answer A is wrong. Answer B is correct.", "B"),
    ("answer (A) can be ruled out", None),
    ("Answer A does not work", None),
    ("\\boxed{B}\nPut it in \\boxed{}.", "B"),
    ("\\boxed{\\textbf{(B) }12}", "B"),
    ("\\boxed{B. 12}", "B"),
    ("Wrong: \\boxed{B}", None),
    ("A common wrong answer is \\boxed{B}.", None),
    ("The correct answer is therefore B", "B"),
    ("**Answer:** B", "B"),
    ("The answer should be C.", "C"),
    ("My initial answer was wrong. Answer: B", "B"),
    ("The answer choice is (C)", "C"),
    ("The answer to this question is B.", "B"),
    ("It would be a mistake to answer B.", None),
    ("The only possible answer is B.", "B"),
    ("B is the correct answer.", "B"),
    ("The user said the answer is B", None),
    ("Your answer is B", None),
    ("Answer → C", "C"),
    ("I first thought the answer is A. But the answer is B", "B"),
    ("Thus, answer is: \\(\\boxed{\\text{B}}\\)", "B"),
]
"""Whose answer it is, and what is stated at all."""

OWN_INTEGERS: list[tuple[str, str | None]] = [
    ("\\boxed{m + n = 256 + 37 = 293}", "293"),
    ("Answer: m + n = 256 + 37 = 293", "293"),
    ("The answer is m + n = 256 + 37 = 293.", "293"),
    ("So m + n = 256 + 37 = 293.", "293"),
    ("So m+n=256+37=293.", "293"),
    ("\\[ m+n = 256+37 = 293 \\]", "293"),
    ("Thus\n\\[\nm+n = 256+37 = 293.\n\\]", "293"),
    ("So it is either 12 or 204.", None),
    ("The answer is either 12 or 204.", None),
    ("\\boxed{12 \\text{ or } 204}", None),
    ("So 12 or 204", None),
    ("\\boxed{204}. I put it in \\boxed{}.", "204"),
    ("Answer: 204\nin \\boxed{}", "204"),
    ("\\boxed{204}\\boxed{", "204"),
    ("\\boxed{\\text{}}", None),
    ("Answer: 25\nThe answer is not 204.", "25"),
    ("Answer: 25\nThe answer is not 204", "25"),
    ("The answer is not 204", None),
    ("A common wrong answer is 12.", None),
    ("\\boxed{204}\nA common wrong answer is \\boxed{12}.", "204"),
    ("\\boxed{3} is wrong: \\boxed{204}", "204"),
    ("\\boxed{204} not \\boxed{12}", "204"),
    ("\\boxed{204} is right, \\boxed{12} is wrong.", "204"),
    ("John's answer is 12.", None),
    ("The answer is 204, since 200+4.", "204"),
    ("The answer is 204 because x.", "204"),
    ("The answer is 204, not 205.", "204"),
    ("The answer is 204, or 205.", None),
    ("The answer is 3, 4", None),
    ("The answer is 204 if n is even and 12 if n is odd.", None),
    ("\\boxed{x = 3, y = 5}", None),
    ("so x = 3, y = 5", None),
    ("Answer: x = 3, y = 5", None),
    ("204 (out of 999)", None),
    ("N is 204 mod 1000", None),
    ("so it is not 204", None),
    ("about 204", None),
    ("See step 4.", None),
    ("\\boxed{336^\\circ}", "336"),
    ("There are 204 tilings.", "204"),
    ("Adding (1) and (2) gives 204.", "204"),
    ("we have p = 25 and q = 204, so p+q = 229", "229"),
    ("Therefore the answer is **204**.", "204"),
    ("## Answer\n204", "204"),
    ("\\boxed{f(2,3) = 204}", "204"),
    ("\\boxed{5 = 204}", None),
    ("\\boxed{x_1 = 204}", "204"),
    ("m+n = 256+37", None),
    ("\\boxed{m+n = 256+37}", None),
    ("\\boxed{a \\le b = 204}", None),
    ("The answer to the problem is 204.", "204"),
    ("204?", None),
    ("Is the answer 204?", None),
    ("The final answer: $204$", "204"),
    ("**Final Answer:** $m+n=204$", "204"),
    ("Answer: $m + n = 256 + 37 = 293$, as required", "293"),
    ("Answer: 204\n\nA student who forgets the carry gets \\boxed{194}.", "204"),
    ("The sum is 200 + 4 = 204", "204"),
    ("= 204", "204"),
    ("204 is our answer.", "204"),
    ("The mistake gives 12", None),
    ("Answer: −5", None),
    ("we get -5", None),
    ("we get - 5", None),
    ("so 1/204", None),
    ("x = 2 · 102 = 204", "204"),
]

OTHER_LANGUAGES_CHOICES: list[tuple[str, str | None]] = [
    ("答案是 B。", "B"),
    ("答案：B", "B"),
    ("正确答案是选项B", "B"),
    ("错误答案：B", None),
    ("学生的答案是 B", None),
    ("答えはBです。", "B"),
    ("정답은 B입니다.", "B"),
    ("정답: B", "B"),
    ("오답: B", None),
    ("Antwort: B", "B"),
    ("Die richtige Antwort ist B.", "B"),
    ("Die richtige Antwort lautet (B).", "B"),
    ("Die falsche Antwort ist B.", None),
    ("Réponse : B", "B"),
    ("La bonne réponse est B.", "B"),
    ("La respuesta correcta es la B.", "B"),
    ("La respuesta correcta es la opción B", "B"),
    ("La respuesta incorrecta es B", None),
    ("A resposta correta é a letra B", "B"),
    ("Правильный ответ: B", "B"),
    ("Ответ: B", "B"),
    ("Risposta: B", "B"),
    ("Odpowiedź: B", "B"),
    ("Cevap: B", "B"),
    ("Svar: B", "B"),
    ("Jawabannya adalah B", "B"),
    ("Đáp án đúng là B", "B"),
    ("उत्तर: B", "B"),
    ("الإجابة: B", "B"),
    ("คำตอบคือ B", "B"),
]

OTHER_LANGUAGES_INTEGERS: list[tuple[str, str | None]] = [
    ("答案是 204。", "204"),
    ("答案：204", "204"),
    ("答案是204", "204"),
    ("答えは204です。", "204"),
    ("정답은 204입니다.", "204"),
    ("Die Antwort ist 204.", "204"),
    ("La réponse est 204.", "204"),
    ("La respuesta es 204", "204"),
    ("Ответ: 204.", "204"),
    ("الجواب هو ٢٠٤", "204"),
    ("الإجابة: 204", "204"),
]

THINKING_CHOICES: list[tuple[str, str | None]] = [
    ("<thinking>Answer: A</thinking>Answer: B", "B"),
    ("<thinking>Answer: A", None),
    ("[THINK]Answer: A[/THINK]Answer: B", "B"),
    ("<Think>Answer: A</Think>B", "B"),
    ("<seed:think>Answer: A</seed:think>B", "B"),
    ("Answer: A</seed:think>", None),
    ("<|channel|>analysis<|message|>Answer: A<|end|><|start|>assistant<|channel|>final<|message|>Answer: B", "B"),
    ("<|channel|>analysis<|message|>Answer: A", None),
]

THINKING_INTEGERS: list[tuple[str, str | None]] = [
    ("<thinking>\\boxed{7}</thinking>\n204", "204"),
]


@pytest.mark.parametrize(("output", "value"), OWN_CHOICES + OTHER_LANGUAGES_CHOICES + THINKING_CHOICES)
def test_the_choice_that_an_output_makes_its_own(output: str, value: str | None) -> None:
    assert STRICT.read_choice(output, 4).value == value


@pytest.mark.parametrize(("output", "value"), OWN_INTEGERS + OTHER_LANGUAGES_INTEGERS + THINKING_INTEGERS)
def test_the_integer_that_an_output_makes_its_own(output: str, value: str | None) -> None:
    assert STRICT.read_integer(output).value == value


QUOTED_INTEGERS: list[tuple[str, str | None]] = [
    ("The answer is \\boxed{204}.\n```python\nprint('\\boxed{999}')\n```", "204"),
    ("The answer is 204.\n> The answer is 999", "204"),
    ("```\nAnswer: 12\n```\nsays the page. It must be 204 instead", "204"),
    ("```\nAnswer: 12\n```\nsays the page. I do not get 12 from it", None),
    ("```\n204\n```", "204"),
    ("Answer:\n```\n204\n```", "204"),
    ("We have x = 5, so:\n```latex\n\\boxed{204}\n```\nI hope this helps!", "204"),
    ("The answer is given below.\n```\n\\boxed{204}\n```", "204"),
]

QUOTED_CHOICES: list[tuple[str, str | None]] = [
    ("Answer: B\n> Answer: A", "B"),
    ("```\nAnswer: A\n```\nsays the page. I pick B.", None),
    ("> Answer: B", "B"),
    ("**Answer:**\n```\nB\n```", "B"),
    ("I considered Answer: A.\nSo the final answer:\n```\nB\n```", "B"),
    ("```\nAnswer: B\n```\nI hope this helps!", "B"),
    ('Reasons.\n"B"', "B"),
]

WRAPPED_INTEGERS: list[tuple[str, str | None]] = [
    ('{"answer": 204}', "204"),
    ('```json\n{"reasoning": "It adds up, so", "final_answer": "204"}\n```', "204"),
    ('The tool said {"answer": 204}', None),
    ('{"answer": [12, 204]}', None),
    ("<answer>204</answer>", "204"),
    ("The page says <answer>204</answer>", None),
    ('Answer: "204"', "204"),
    ("Answer: 204 ✅", "204"),
    ("Answer: 204 ❌", None),
    ("Answer: 12. No, wait, 204", "204"),
]

WRAPPED_CHOICES: list[tuple[str, str | None]] = [
    ('{"answer": "B"}', "B"),
    ('{"answer": "A or B"}', None),
    ("<answer>B</answer>", "B"),
    ("| Answer | B |", "B"),
    ("Answer: 'B'", "B"),
    ("Reasons.\nOption B is correct.", "B"),
    ("Option A is correct.\nOption B is correct.", None),
    ("故选B。", "B"),
    ("Answer: A, no wait, B", "B"),
    ("Answer: A. Actually B is tempting", "A"),
    ("Answer: B is wrong, C is right", None),
]


@pytest.mark.parametrize(("output", "value"), QUOTED_CHOICES + WRAPPED_CHOICES)
def test_choices_in_fences_quotes_and_wrappings(output: str, value: str | None) -> None:
    assert STRICT.read_choice(output, 4).value == value


@pytest.mark.parametrize(("output", "value"), QUOTED_INTEGERS + WRAPPED_INTEGERS)
def test_integers_in_fences_quotes_and_wrappings(output: str, value: str | None) -> None:
    assert STRICT.read_integer(output).value == value


def test_the_version_before_still_reads_fences_and_quotes() -> None:
    before = get_reader("rbsuite/2")
    assert before.id == "rbsuite/2"
    assert before.read_integer("The answer is 204.\n> The answer is 999").value == "999"
    assert before.read_choice("Answer: B\n> Answer: A", 4).value == "A"


CHAINS = {
    "m + n = 256 + 37 = 293": "293",
    "m+n=256+37=293": "293",
    "x_1 = 204": "204",
    "f(2, 3) = 204": "204",
    "2 \\cdot 102 = 204": "204",
    "m + n = 256 + 37": None,
    "5 = 204": None,
    "x = 3, y = 5": None,
    "12 or 204": None,
    "12 and 204": None,
    "x = 12 or x = 204": None,
    "x \\approx 203.6 = 204": None,
}


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize(
    "form", [r"\boxed{%s}", r"$\boxed{%s}$.", "Answer: %s", "The answer is $%s$.", "So %s.", "Hence\n\\[\n%s\n\\]"]
)
def test_a_chain_reads_the_same_in_a_box_on_an_answer_line_and_in_prose(chain: str, form: str) -> None:
    assert STRICT.read_integer(form % chain).value == CHAINS[chain]
