"""What a user sets of a provider's model is read one way, written one way, and sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import prepare
from rbsuite.cli.evaluate import split_references
from rbsuite.errors import UnknownNameError, UsageError
from rbsuite.models.factory import make_model
from rbsuite.models.per_purpose import REPLY_TOKENS, call_seconds, reply_tokens
from rbsuite.models.reply_limit import fitting, other_name
from rbsuite.models.settings import ModelSettings, from_table
from rbsuite.options import PartReference, refuse_keys
from rbsuite.plugins import load_plugins
from rbsuite.trajectory import Usage


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("openai/gpt-x", "openai/gpt-x"),
        ("ollama/llama3:8b", "ollama/llama3:8b"),
        ("ollama/llama3:8b:temperature=1", "ollama/llama3:8b"),
        ("openrouter/meta/llama-3:free:max_tokens=5", "openrouter/meta/llama-3:free"),
        ("huggingface/a/b:c,d=e", "huggingface/a/b:c,d=e"),
    ],
)
def test_options_begin_where_a_name_and_an_equals_sign_follow_a_colon(text: str, model: str) -> None:
    assert ModelSettings.parse(text).model == model


def test_everything_that_is_set_is_sent() -> None:
    text = (
        "openai/x:max_tokens=2000,temperature=0.3,top_p=0.9,reasoning_effort=low,omit=seed+name,"
        'body.top_k=20,body.chat.thinking=false,body.stop=["a,b","c"],body.tier=flex'
    )
    asked = {
        "messages": [{"role": "user", "content": "q", "name": "n"}],
        "seed": 3,
        "max_tokens": 8192,
        "temperature": 0.0,
    }
    assert ModelSettings.parse(text).applied(asked) == {
        "messages": [{"role": "user", "content": "q"}],
        "max_tokens": 2000,
        "temperature": 0.3,
        "top_p": 0.9,
        "reasoning_effort": "low",
        "extra_body": {"top_k": 20, "chat": {"thinking": False}, "stop": ["a,b", "c"], "tier": "flex"},
    }


LEAVES = st.none() | st.booleans() | st.integers(-5, 10**9) | st.floats(0, 9) | st.text("ab ,=.:[]\"'{\\", max_size=6)
NAMES = st.text("abc_", min_size=1, max_size=4)
BODIES = st.dictionaries(
    NAMES, LEAVES | st.lists(LEAVES, max_size=3) | st.dictionaries(NAMES, LEAVES, min_size=1, max_size=2), max_size=3
)


@given(st.integers(1, 10**6), st.floats(0, 2), BODIES)
def test_a_table_of_toml_and_the_canonical_reference_mean_the_same(
    limit: int, heat: float, body: dict[str, Any]
) -> None:
    read = ModelSettings.parse(
        from_table({"name": "openai/x:1b", "max-tokens": limit, "temperature": heat, "body": body})
    )
    assert (read.model, read.options, read.body) == ("openai/x:1b", {"max_tokens": limit, "temperature": heat}, body)
    assert ModelSettings.parse(read.reference) == read
    assert ModelSettings.parse(read.reference).reference == read.reference


@pytest.mark.parametrize(
    ("reference", "kind", "words"),
    [
        ("openai/x:max_tokns=5", UnknownNameError, ["'max_tokens'"]),
        ("openai/x:max_tokens=0", UsageError, ["max_tokens=0", ">= 1"]),
        ("openai/x:top_p=2", UsageError, ["top_p=2"]),
        ("openai/x:max_tokens=5,max_tokens=6", UsageError, ["twice"]),
        ("openai/x:max_tokens=5,low", UsageError, ["'low'", "OPTION=VALUE"]),
        ("openai/x:api_base=localhost", UsageError, ["not a URL"]),
        ("openai/x:omit=seat", UnknownNameError, ["'seed'"]),
        ("openai/x:temperature=1,omit=temperature", UsageError, ["temperature"]),
        ("openai/x:input_price=1", UsageError, ["output_price"]),
        ("openai/x:body.messages=1", UsageError, ["body.messages"]),
        ("openai/x:body.a=1,body.a.b=2", UsageError, ["body.a.b"]),
        ("openai/x:api_key=abc123", UsageError, ["OPENAI_API_KEY"]),
        ("openai/x:api_base=http://127.0.0.1:9/v1?key=abc123", UsageError, ["OPENAI_API_KEY"]),
        ("openai/x:body.api_key=abc123", UsageError, ["OPENAI_API_KEY"]),
    ],
)
def test_what_cannot_be_set_is_told_in_one_line_without_keys(
    reference: str, kind: type[Exception], words: list[str]
) -> None:
    with pytest.raises(kind) as caught:
        prepare(model=reference)
    message = str(caught.value)
    assert [word for word in words if word not in message] == []
    assert "\n" not in message
    assert "abc123" not in message


def test_a_model_has_one_name_as_a_condition() -> None:
    plan = prepare(model=("openai/x:temperature=0.5,max_tokens=7", "openai/y:omit=temperature"))
    assert plan.config.model == ("openai/x:max_tokens=7,temperature=0.5", "openai/y:omit=temperature")
    assert {one.model: one.temperature for one in plan.conditions} == {
        plan.config.model[0]: "0.5",
        plan.config.model[1]: "",
    }
    with pytest.raises(UsageError, match="twice"):
        prepare(model=("openai/x:temperature=1,max_tokens=7", "openai/x:max_tokens=7,temperature=1.0"))
    with pytest.raises(UsageError, match="--temperature names several"):
        prepare(model="openai/x:temperature=1", temperature=(0.0, 1.0))


def test_prices_that_are_set_are_the_cost() -> None:
    priced = ModelSettings.parse("openai/x:input_price=2,output_price=10")
    assert priced.price(Usage(1, 1000, 100)) == pytest.approx(0.003)
    assert priced.price(Usage(1, 0, 0, None)) is None


def test_limits_by_purpose_are_told_where_a_real_model_takes_part() -> None:
    assert reply_tokens("") == REPLY_TOKENS
    assert reply_tokens("500, judge=20")["judge"] == 20
    assert reply_tokens("500")["memory"] == 500
    assert call_seconds("user=1.5")["user"] == 1.5
    assert prepare(model="openai/x", reply_tokens="agent=8192,judge=20").config.reply_tokens == "judge=20"
    assert prepare(model="openai/x", reply_tokens="20").manifest.facts["reply_tokens"]["agent"] == 20
    assert "reply_tokens" not in prepare().manifest.facts
    with pytest.raises(UnknownNameError, match="'judge'"):
        reply_tokens("jugde=5")
    for wrong in ("-1", "0", "x", "1.5", "nan", "inf", "agent="):
        with pytest.raises(UsageError, match="--reply-tokens"):
            reply_tokens(wrong)
    with pytest.raises(UsageError, match="--call-time"):
        call_seconds("0")


@pytest.mark.parametrize(
    ("text", "sent", "limit"),
    [
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 8192. This model's maximum context length is 4096 tokens and your "
            "request has 312 input tokens (8192 > 4096 - 312).",
            8192,
            (3784, False),
        ),
        (
            "This model's maximum context length is 4096 tokens. However, you requested 8504 tokens (312 in the messages, 8192 in the "
            "completion). Please reduce the length of the messages or completion.",
            8192,
            (3784, False),
        ),
        ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", 20000, (10000, False)),
        ("max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens for m-3", 8192, (4096, True)),
        ("max_tokens is too large: 99999. This model supports at most 16384 completion tokens", 99999, (16384, True)),
        ("`max_tokens` must be less than or equal to `8192`", 32000, (8192, True)),
        ("Range of max_tokens should be [1, 2048]", 8192, (2048, True)),
        (
            "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens.",
            8192,
            None,
        ),
        ("maximum context length is 4096 tokens and your request has 5000 input tokens; max_tokens", 8192, None),
        ("Unsupported parameter: 'max_tokens' is not supported with this model.", 8192, None),
        ("Rate limit reached: 8000 tokens per minute", 8192, None),
    ],
)
def test_a_limit_that_is_too_high_is_lowered_to_what_the_provider_takes(
    text: str, sent: int, limit: tuple[int, bool] | None
) -> None:
    assert fitting(text, sent) == limit


def test_the_other_name_of_the_limit_is_understood() -> None:
    said = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    assert other_name(said, "max_tokens") == "max_completion_tokens"
    assert other_name(said, "max_completion_tokens") == ""
    assert other_name("'max_tokens' or 'max_completion_tokens' is too large: 8192.", "max_tokens") == ""


@pytest.mark.parametrize(
    "address",
    ["u:s3cr3tw@h:9", "//u:s3cr3tw@h", r"http:\\u:s3cr3tw@h", "http://u:p s3cr3tw@h:9", "http://u:s3cr3tw/v@h", "http://[::bad/v1", "ftp://h"],
)  # fmt: skip
@pytest.mark.parametrize("variable", ["", "OPENAI_BASE_URL", "OPENAI_API_BASE", "MISTRAL_API_BASE"])
def test_what_is_not_the_address_of_a_server_is_refused_at_once_and_its_password_is_masked(
    address: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = "mistral/x" if variable.startswith("MISTRAL") else "openai/x"
    if variable:
        monkeypatch.setenv(variable, address)
    else:
        reference += f":api_base={address}"
    with pytest.raises(UsageError, match="is not a URL") as caught:
        make_model(reference, load_plugins(), transport="direct" if reference[0] == "o" else "auto")
    assert (variable or "api_base") in str(caught.value)
    assert "s3cr3tw" not in str(caught.value)


@pytest.mark.parametrize("read", [refuse_keys, PartReference.parse, ModelSettings.parse, split_references])
@pytest.mark.parametrize(
    "reference", ["http:k=3,url=http://u:s3cr,3tw@h:9", "openai/x:api_base=https://u:s3cr,3tw@h/v1"]
)
def test_a_comma_in_a_password_is_refused_before_it_cuts_it(read: Callable[[str], object], reference: str) -> None:
    with pytest.raises(UsageError, match="Write it as %2C") as caught:
        read(reference)
    assert "s3cr" not in str(caught.value)
    assert "3tw" not in str(caught.value)


def test_a_comma_in_a_password_may_be_written_otherwise() -> None:
    made = ModelSettings.parse("openai/x:api_base=https://u:s3cr%2C3tw@h/v1,temperature=0")
    assert made.options["api_base"] == "https://u:s3cr%2C3tw@h/v1"


@pytest.mark.parametrize("value", ["s3cr3tw\nx", "s3cr3tw é"])
@pytest.mark.parametrize(
    ("variable", "model"),
    [("OPENAI_API_KEY", "openai/x"), ("TOGETHERAI_API_KEY", "together_ai/x"), ("GOOGLE_API_KEY", "gemini/x")],
)
def test_a_key_that_cannot_be_sent_is_named_at_once(
    variable: str, model: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match=f"the value of {variable} has a") as caught:
        make_model(model, load_plugins())
    assert "s3cr3tw" not in str(caught.value)


def test_half_a_password_is_masked() -> None:
    with pytest.raises(UsageError, match=r"api_base='http://\[redacted\]' is not a URL"):
        ModelSettings.parse("openai/x:api_base=http://u:s3cr,temperature=0")


def test_the_scheme_of_an_address_may_be_in_capitals() -> None:
    assert ModelSettings.parse("openai/x:api_base=HTTP://127.0.0.1:9/v1").options


@pytest.mark.parametrize(
    "reference", ["http:url=http://127.0.0.1:9/?token=x", "sim/learner:server=http://127.0.0.1:9/v1?api_key=x"]
)
def test_no_variable_that_nothing_reads_is_advised(reference: str) -> None:
    with pytest.raises(UsageError, match="keys are not options") as caught:
        refuse_keys(reference)
    assert "_API_KEY" not in str(caught.value)
