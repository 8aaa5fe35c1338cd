from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rbsuite.errors import UnknownNameError, UsageError
from rbsuite_questions.readers import READERS, get_reader


def test_ids_carry_a_version() -> None:
    for name, info in READERS.items():
        assert info.id == f"{name}/{info.version}"
        assert info.kinds
        assert "\n" not in info.summary
        if not info.requires:
            assert get_reader(name).id == get_reader(info.id).id == info.id


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown reader 'simple-eval'\. Did you mean 'simple-evals'"):
        get_reader("simple-eval")


def test_another_version_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no reader 'rbsuite/99'.*has rbsuite/\d"):
        get_reader("rbsuite/99")


def test_a_reader_refuses_a_kind_it_does_not_read() -> None:
    with pytest.raises(UsageError, match="'mmlu-pro' does not read integer answers"):
        get_reader("mmlu-pro").read_integer("204")


@pytest.mark.parametrize("n_choices", [0, -1, 27])
def test_a_number_of_options_out_of_range_is_refused(n_choices: int) -> None:
    for name, info in READERS.items():
        if "choice" in info.kinds:
            with pytest.raises(UsageError, match="1 to 26"):
                get_reader(name).read_choice("Answer: A", n_choices)


def test_math_verify_absent_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rbsuite_questions.readers.math_verify_reader.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"rbsuite-questions\[math\]"):
        get_reader("math-verify")


def test_listing_imports_nothing_heavy() -> None:
    code = "import sys, rbsuite_questions.readers; print(sorted({'sympy', 'math_verify', 'numpy', 'datasets'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_scripts_of_mmlu_pro_differ() -> None:
    output = "The answer is **B**. Option C is not."
    values = {
        name: get_reader(name).read_choice(output, 4).value for name in ("mmlu-pro", "mmlu-pro-api", "mmlu-pro-apix")
    }
    assert values == {"mmlu-pro": "C", "mmlu-pro-api": "B", "mmlu-pro-apix": "C"}
    twice = "I first thought the answer is (A), but the answer is (B)"
    assert get_reader("mmlu-pro").read_choice(twice, 4).value == "A"
    assert get_reader("mmlu-pro-apix").read_choice(twice, 4).value == "B"


@pytest.mark.parametrize("name", [name for name, info in READERS.items() if "choice" in info.kinds])
def test_nothing_is_guessed(name: str) -> None:
    assert get_reader(name).read_choice("there is no letter here", 10).value is None


def test_lm_eval_compares_strings() -> None:
    reader = get_reader("lm-eval")
    assert not reader.is_right(reader.read_integer(r"\boxed{025}"), "25", "integer")
    assert reader.is_right(reader.read_integer(r"\boxed{25}"), "25", "integer")


def test_inspect_compares_five_digits() -> None:
    reader = get_reader("inspect")
    assert reader.is_right(reader.read_integer("ANSWER: 100000.4"), "100000", "integer")
    assert not reader.is_right(reader.read_integer("204 (out of 999)"), "204", "integer")
    assert reader.is_right(reader.read_integer("ANSWER: 二百四"), "204", "integer")


def test_every_reader_is_documented() -> None:
    page = (Path(__file__).resolve().parents[4] / "docs" / "answers.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| ([^|]+) \|", page, re.MULTILINE))
    assert list(rows) == list(READERS)
    for name, reads in rows.items():
        assert {kind for kind in ("integer", "choice") if kind in reads} == set(READERS[name].kinds)
    for info in READERS.values():
        assert not info.revision or re.split(r"[ ]", info.revision)[0][:8] in page
