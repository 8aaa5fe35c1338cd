"""Which values are taken for secrets."""

from __future__ import annotations

import pytest

from rbsuite.store import scrub


@pytest.mark.parametrize(
    "name",
    ["api_key", "API_KEY", "apiKey", "openai-api-key", "apikey", "token", "AUTH_TOKEN", "accessToken", "password", "Authorization",
     "proxy-authorization", "client_secret", "secrets", "aws_secret_access_key", "credentials", "x.private.key"],
)  # fmt: skip
def test_secret_names(name: str) -> None:
    assert scrub({name: "s3cr3t"}) == {name: "***"}
    assert scrub({"deep": [{name: ["s3cr3t"]}]}) == {"deep": [{name: "***"}]}
    assert scrub({name: None}) == {name: None}
    assert scrub({name: ""}) == {name: ""}


@pytest.mark.parametrize(
    "name",
    [
        "max_tokens",
        "tokens",
        "input_tokens",
        "token_budget",
        "tokenizer",
        "key",
        "keys",
        "sort_key",
        "monkey",
        "author",
        "secretary",
        "",
    ],
)
def test_other_names(name: str) -> None:
    assert scrub({name: "value", "n": 1}) == {name: "value", "n": 1}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("openai/x[api_key=abc,temperature=0]", "openai/x[api_key=***,temperature=0]"),
        ("https://me:abc@host:8000/v1?token=abc&n=1", "https://***@host:8000/v1?token=***&n=1"),
        ("Authorization: Bearer abc", "Authorization: ***"),
        ("base=https://h/v1?token=abc;x=api_key='abc'", "base=https://h/v1?token=***;x=api_key='***'"),
        ('{"api_key": "abc", "n": 1}', '{"api_key": "***", "n": 1}'),
        ("http:url=http://me:a bc@host:9", "http:url=http://***@host:9"),
        ("http:url=http://me:a/bc@host:9", "http:url=http://***@host:9"),
        ("http:url=http://me:a@bc@host:9,mail=a@b", "http:url=http://***@host:9,mail=a@b"),
        ("http:url=//me:abc@host:9", "http:url=//***@host:9"),
        ("x // comment of a@b", "x // comment of a@b"),
        ("http://localhost:8000/@scope", "http://localhost:8000/@scope"),
        ("http://host:80 is of me@x", "http://host:80 is of me@x"),
        ("http:url=https://h/?key=abc&n=1", "http:url=https://h/?key=***&n=1"),
        ("https://h/v1?n=1&KEY=abc&sig=def", "https://h/v1?n=1&KEY=***&sig=***"),
        ("x:key=abc,sort=key", "x:key=abc,sort=key"),
        ("key=abc?", "key=abc?"),
        ("noisy[accuracy=0.8]", "noisy[accuracy=0.8]"),
        ("http:/me:abc@host/v1", "http:/***@host/v1"),
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("memory:reasoningbank", "memory:reasoningbank"),
    ],
)
def test_secrets_inside_text(text: str, clean: str) -> None:
    assert scrub({"model": text, "list": (text,)}) == {"model": clean, "list": (clean,)}


def test_argument_is_not_changed() -> None:
    config = {"model": {"api_key": "abc"}}
    scrub(config)
    assert config == {"model": {"api_key": "abc"}}
