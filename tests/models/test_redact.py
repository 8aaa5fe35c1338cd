"""No secret survives redaction, and other text does."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rbsuite.redact import MASK, PLACEHOLDERS, redact


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Incorrect API key provided: sk-proj-abc_DEF-12345.", "abc_DEF"),
        ("key sk-ant-api03-AAAA1111bbbb is wrong", "AAAA1111"),
        ("Authorization: Bearer abc.def-123456", "abc.def"),
        ("{'Authorization': 'Bearer tok_1234567890'}", "tok_1234567890"),
        ("{'x-api-key': 'plainvalue99'}", "plainvalue99"),
        ("authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("POST https://me:pa55@word@host.example/v1 failed", "pa55"),
        ("cannot open http:/me:pa55word@host.example/v1", "pa55"),
        ("GET https://token123@host.example/v1", "token123"),
        ("https://h.example/v1beta?alt=sse&key=AbCdEf123&x=1", "AbCdEf123"),
        ("AIzaSyA1234567890abcdef is not valid", "SyA1234567890"),
        ("POST https://me:what?is#this/pa55@host.example/v1 failed", "pa55"),
        ("Authorization: Token abcdef99", "abcdef99"),
        ("OPENAI_API_KEY='abcd99'", "abcd99"),
        ('{"api_key": "abcd99"}', "abcd99"),
        ("hf_abcdefghijklmnop and AKIAABCDEFGHIJKLMNOP", "abcdefghijklmnop"),
    ],
)
def test_looks_like_a_secret(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert MASK in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "task-oriented dialogue, risk-averse, ask-me-anything",
        "model 'openai/gpt-4o': rate limit reached, try again in 7 s",
        "see https://host.example/v1/chat/completions?model=x",
        "the token count is 512; max_tokens=9",
        "GET http://localhost:8000/@scope/package and http://host:80?mail=a@b failed",
        "azure: api-key=[redacted], password=[redacted]",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("name", ["SOME_API_KEY", "some_token", "MY_SECRET", "DB_PASSWORD", "PGPASSWORD", "KEY"])
def test_values_of_secret_variables(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "opensesame/1")
    assert redact("said opensesame/1 and opensesame%2F1") == f"said {MASK} and {MASK}"


def test_other_variables_and_short_values_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBSUITE_COLOUR", "turquoise")
    monkeypatch.setenv("RBSUITE_MONKEY", "mandrill")
    monkeypatch.setenv("TINY_KEY", "1")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("TEST_API_KEY", "EMPTY")
    assert redact("turquoise mandrill 1 memory none EMPTY") == "turquoise mandrill 1 memory none EMPTY"


@given(
    st.text(st.characters(categories=["L", "N"]), min_size=4, max_size=20), st.text(max_size=20), st.text(max_size=20)
)
def test_no_environment_secret_survives(value: str, before: str, after: str) -> None:
    assume(value.lower() not in PLACEHOLDERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPOTHESIS_API_KEY", value)
        assert value not in redact(f"{before}{value}{after}").replace(MASK, "\0")
