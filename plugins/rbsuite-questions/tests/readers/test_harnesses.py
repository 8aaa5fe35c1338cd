"""Each reader agrees with the harness it names, on every pair and every real output of the packs."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from rbsuite_questions.readers import READERS, get_reader
from rbsuite_questions.readers.base import option_letters

OPTIONS = ("alpha", "beta", "gamma", "delta")

CHOICES = {
    "simple_evals": ("simple-evals", 4),
    "inspect4": ("inspect", 4),
    "inspect10": ("inspect", 10),
    "lm_gpqa_strict": ("lm-eval-strict", 4),
    "lm_gpqa_flex": ("lm-eval-flex", 4),
    "lm_mmlupro": ("lm-eval", 10),
    "mmlupro_local": ("mmlu-pro", 10),
    "mmlupro_apiX": ("mmlu-pro-apix", 10),
}
"""Key of the verdicts: reader, number of options."""

REAL = {
    "tiger_local": "mmlu-pro",
    "tiger_apiX": "mmlu-pro-apix",
    "lm_eval": "lm-eval",
    "simple_evals_AJ": "simple-evals",
    "inspect": "inspect",
}

Pairs = list[dict[str, Any]]


def of_kind(verdicts: Pairs, kind: str) -> Pairs:
    found = [pair for pair in verdicts if pair["kind"] == kind]
    assert len(found) >= 19
    return found


@pytest.mark.parametrize("key", CHOICES)
def test_choices_of_the_pairs(verdicts: Pairs, key: str) -> None:
    name, n_choices = CHOICES[key]
    reader = get_reader(name)
    pairs = [pair for pair in of_kind(verdicts, "mc") if pair[key] is not None]
    assert len(pairs) >= 18
    for pair in pairs:
        reading = reader.read_choice(pair["output"], n_choices, OPTIONS if n_choices == 4 else ())
        assert reader.is_right(reading, pair["gold"], "choice") is pair[key], pair["label"]
        extract = pair.get(f"{key}_extract")
        if f"{key}_extract" in pair:
            assert (reading.text or None) == (None if extract == "[invalid]" else extract), pair["label"]


@pytest.mark.parametrize("key", ["lm_eval", "inspect"])
def test_verdicts_on_integers(verdicts: Pairs, key: str) -> None:
    reader = get_reader({"lm_eval": "lm-eval"}.get(key, key))
    for pair in of_kind(verdicts, "aime"):
        reading = reader.read_integer(pair["output"])
        assert reader.is_right(reading, pair["gold"], "integer") is pair[key], pair["label"]


def test_numbers_extracted_by_inspect(verdicts: Pairs) -> None:
    reader = get_reader("inspect")
    for pair in of_kind(verdicts, "aime"):
        assert (reader.read_integer(pair["output"]).value or "") == pair["inspect_extract"], pair["label"]


def test_lines_extracted_by_simple_evals(verdicts: Pairs) -> None:
    reader = get_reader("simple-evals")
    for pair in of_kind(verdicts, "aime"):
        assert (reader.read_integer(pair["output"]).text or None) == pair["simple_evals_extract"], pair["label"]


@pytest.mark.skipif(
    importlib.util.find_spec("math_verify") is None, reason="math-verify is not installed (extra [math])"
)
def test_math_verify(verdicts: Pairs) -> None:
    reader = get_reader("math-verify")
    for pair in of_kind(verdicts, "aime"):
        reading = reader.read_integer(pair["output"])
        assert (reading.text or None) == pair["math_verify_extract"], pair["label"]
        assert reader.is_right(reading, pair["gold"], "integer") is pair["math_verify"], pair["label"]


def test_every_key_of_the_verdicts_has_a_test(verdicts: Pairs) -> None:
    keys = {key.removesuffix("_extract") for pair in verdicts for key in pair} - {"kind", "label", "output", "gold"}
    assert keys == {*CHOICES, "lm_eval", "inspect", "simple_evals", "math_verify"}


@pytest.mark.parametrize("key", REAL)
def test_real_outputs(real_outputs: Pairs, key: str) -> None:
    reader = get_reader(REAL[key])
    assert len(real_outputs) > 100
    for row in real_outputs:
        expected = row["extracted"][key]
        assert reader.read_choice(row["output"], 10).value == expected, row["question_id"]
        possible = expected if expected and expected in option_letters(row["n_options"]) else None
        value = reader.read_choice(row["output"], row["n_options"]).value
        # simple-evals looks for the letters of the question, so it may find one where it found another before.
        assert value == possible or (key == "simple_evals_AJ" and expected != possible)


def test_the_first_stage_on_real_outputs(real_outputs: Pairs) -> None:
    reader = get_reader("mmlu-pro")
    for row in real_outputs:
        reading = reader.read_choice(row["output"], 10)
        assert (reading.value if reading.how == "phrase" else None) == row["extracted"]["tiger_l1"]


def test_the_strict_reader_reads_less_and_never_a_letter_beyond_the_options(real_outputs: Pairs) -> None:
    strict, loose = get_reader("rbsuite"), get_reader("mmlu-pro")
    parsed = {
        name: sum(reader.read_choice(row["output"], row["n_options"]).parsed for row in real_outputs)
        for name, reader in (("strict", strict), ("loose", loose))
    }
    assert 0 < parsed["strict"] < parsed["loose"] <= len(real_outputs)


def test_readers_that_follow_a_harness_say_which() -> None:
    for name, info in READERS.items():
        assert (info.harness == "rbsuite") is (name == "rbsuite")
        assert name == "rbsuite" or (info.revision and info.files)
