"""Removes secrets from texts before they reach a message, a log or the store."""

from __future__ import annotations

import base64
import os
import re
from urllib.parse import quote, unquote

MASK = "[redacted]"

_SECRET_NAME = re.compile(r"(?:(?:^|_)(?:KEY|TOKEN|SECRET)|PASSWORD|PASSWD)$", re.IGNORECASE)
# Shorter values are words such as "on" or "1" far more often than secrets, and masking them would spoil every message. So would masking
# the placeholders that are given as keys to self-hosted servers that need none.
_SHORTEST = 4
_TOKEN_LENGTH = 16
PLACEHOLDERS = frozenset(
    ["none", "null", "empty", "true", "false", "dummy", "fake", "test", "local", "token", "secret", "placeholder"]
)
"""Values that are not secrets, in lower case."""

# Each pattern comes with words, in lower case, at least one of which any match contains: looking for these costs next to nothing.
_PATTERNS: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    # user:password@ (or token@) of a URL; the last @ before the path counts, as a password may contain one.
    (("@",), re.compile(r"(?<=://)(?!\*\*\*@)[^\s/?#'\"]+(?=@)"), MASK),
    # A password may also contain what ends a host; a number after the colon is a port.
    (
        ("@",),
        re.compile(r"(?<=://)(?!\*\*\*@)[^\s/?#'\"@:]{1,200}+:(?!\d{1,5}(?:[/?#]|$))[^\n'@]{1,200}+(?=@)"),
        MASK,
    ),
    # The same once it was taken for a path, which has no two slashes in a row.
    (("http:/", "https:/"), re.compile(r"(?i)\b(https?:/)(?!/|\*\*\*@)[^\s/?#'\"]+(?=@)"), rf"\1{MASK}"),
    # A scheme before the credentials stays readable: "Authorization: Bearer [redacted]".
    (("bearer", "basic"), re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/*=-]{6,}"), rf"\1 {MASK}"),
    (
        ("authorization", "api-key"),
        re.compile(
            r"(?i)\b((?:authorization|x-api-key|api-key|x-goog-api-key)['\"]?\s*[:=]\s*['\"]?)"
            r"(?!bearer\b|basic\b|\[redacted)(?:(?:token|digest|negotiate|apikey|hmac)\s+)?[^\s'\",;}]+"
        ),
        rf"\1{MASK}",
    ),
    (
        ("key=", "token=", "sig=", "signature=", "password="),
        re.compile(r"(?i)([?&](?:key|api[_-]?key|(?:access[_-]?)?token|sig(?:nature)?|password)=)[^&\s'\"#]+"),
        rf"\1{MASK}",
    ),
    (
        ("key", "password", "passwd", "secret", "token"),
        re.compile(
            r"(?i)\b((?:\w{0,40}[_-])?(?:api[_-]?key|password|passwd|secret|(?:access|auth)[_-]?token)"
            r"(?:=['\"]?|['\"]\s*:\s*['\"]))(?!\*\*\*|\[redacted)[^\s,;&'\")\]}]+"
        ),
        rf"\1{MASK}",
    ),
    # Keys by the look of them: OpenAI, Anthropic (also half masked by the provider), Google, Hugging Face, Groq, xAI, GitHub, AWS.
    (("sk-", "pk-", "rk-"), re.compile(r"\b(?:sk|pk|rk)-[\w*.-]{6,}"), MASK),
    (
        ("aiza", "hf_", "gsk_", "ghp_", "gho_", "ghs_", "github_pat_", "r8_", "xai-", "akia", "asia"),
        re.compile(
            r"\bAIza[\w-]{10,}|\b(?:hf|gsk|ghp|gho|ghs|github_pat|r8)_\w{10,}|\bxai-\w{10,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}"
        ),
        MASK,
    ),
)


def secret_variables() -> list[str]:
    """The names of the environment variables whose values are secrets."""
    return [name for name in os.environ if _SECRET_NAME.search(name)]


def redact(text: str) -> str:
    """The text with every secret replaced by ``[redacted]``.

    Secrets are: values (of four or more characters, and not in :data:`PLACEHOLDERS`) of environment variables whose names end in
    ``_KEY``, ``_TOKEN``, ``_SECRET`` or ``PASSWORD``; the credentials in environment variables that are addresses; strings that look like
    a provider's key; bearer tokens and authorization headers; credentials in URLs.
    """
    for value in _environment_secrets():
        text = text.replace(value, MASK)
    return redact_shapes(text)


def redact_shapes(text: str) -> str:
    """The text without anything that looks like a secret, regardless of the environment: fast enough for every error that is created."""
    lower = text.lower()
    for words, pattern, replacement in _PATTERNS:
        if any(word in lower for word in words):
            text = pattern.sub(replacement, text)
    return text


_KEYS = (
    r"\b(?:sk|pk|rk)-(?=[\w-]{0,80}\d)[\w-]{20,200}|\bAIza[\w-]{30,}|\b(?:hf|gsk|ghp|gho|ghs|github_pat|r8)_\w{20,}"
    r"|\bxai-\w{20,}|\b(?:AKIA|ASIA)[A-Z0-9]{16,}"
)
"""What is a provider's key beyond doubt: where there is any doubt, a reply is taken as it is."""


def reply_secrets() -> re.Pattern[str]:
    """What is masked in the replies of models: values of secret variables of eight or more characters, and providers' keys."""
    values = [re.escape(value) for value in _environment_secrets(least=8)]
    return re.compile("|".join([*values, _KEYS]))


def check_keys(provider: str) -> None:
    """Check that the keys of a provider can be sent.

    Args:
        provider: its name as in ``PROVIDER/MODEL``.

    Raises:
        ValueError: one has a line break, a blank or a character that is not ASCII; the message names its variable.
    """
    bare = re.sub("[^A-Z0-9]", "", provider.upper())  # TOGETHERAI_API_KEY is that of together_ai
    owners = (bare, *(["GOOGLE"] if bare in ("GEMINI", "VERTEXAI") else []))
    for name in sorted(os.environ):
        if name.endswith(("_KEY", "_TOKEN")) and name.replace("_", "").startswith(owners):
            check_key(name)


def check_key(variable: str) -> None:
    """Check that the key in an environment variable, if there is one, can be sent. Raises as :func:`check_keys`."""
    value = os.environ.get(variable, "")
    if not re.fullmatch(r"[!-~]*", value):
        blank = "a blank, a line break or a control character"
        raise ValueError(f"the value of {variable} has {blank if value.isascii() else 'a character that is not ASCII'}")


def _of_address(address: str) -> tuple[str, ...]:
    """The secrets in an address with a user: the password, or a name as long as a token, and the header value made from the user part."""
    user = unquote(address.partition("://")[2].partition("/")[0].rpartition("@")[0])
    name, _, password = user.partition(":")
    secret = password or (name if len(name) >= _TOKEN_LENGTH else "")
    return (secret, base64.b64encode(user.encode("utf-8", "replace")).decode()) if secret else ()


def _environment_secrets(least: int = _SHORTEST) -> list[str]:
    """Secret values of the environment and the forms they take in URLs, longest first: one may be part of another."""
    values = {value.strip() for name, value in os.environ.items() if _SECRET_NAME.search(name)}
    values.update(*(_of_address(value) for value in os.environ.values() if "://" in value and "@" in value))
    secret = [value for value in values if len(value) >= least and value.lower() not in PLACEHOLDERS]
    forms = {form for value in secret for form in (value, quote(value, safe=""))}
    return sorted(forms, key=lambda form: (-len(form), form))
