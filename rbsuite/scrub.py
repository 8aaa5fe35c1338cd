"""Removes secrets from a configuration before it is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

MASK = "***"
"""What replaces a secret."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = frozenset(
    {
        "apikey",
        "apikeys",
        "authorization",
        "credential",
        "credentials",
        "passphrase",
        "passwd",
        "password",
        "passwords",
        "secret",
        "secrets",
        "token",
    }
)
_KEY_OWNERS = frozenset({"access", "api", "auth", "private", "secret", "subscription"})
_QUERY_SECRETS = frozenset({"key", "sig", "signature"})
"""Names that are secret in the query of an address only."""
# A password may have blanks; a number before one is a port.
_USER = r"(?:[^/@\s]+(?:@[^/@\s,;]+)*|[^/@\s:]{1,200}+:(?!\d{1,5}(?:[/?#\s]|$))(?:[^/@\n]{1,200}+|[^@\n:]{1,200}+))@"
_USERS = ((re.compile(f"://{_USER}"), f"://{MASK}@"), (re.compile(f"(https?:/)(?!/){_USER}"), rf"\1{MASK}@"))
_BARE_USER = re.compile(r"(?<![\w:/])//[^/@\s]+@")
_NAME = re.compile(r"""(?<![\w.-])([\w.-]++)["']?\s*[=:]\s*["']?""")
_VALUE = re.compile(r"""(?:(?:Bearer|Basic) )?[^\s&,;\]})"']+""")


@lru_cache(maxsize=4096)
def looks_secret(name: str) -> bool:
    """Whether a key is named like a secret: ``api_key``, ``AUTH_TOKEN``, ``clientSecret``; not ``max_tokens`` or ``token_budget``."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words:
        return False
    if words[-1] in {"key", "keys"}:
        return len(words) > 1 and words[-2] in _KEY_OWNERS
    return words[-1] in _SECRET_WORDS


def names_secret(name: re.Match[str]) -> bool:
    """Whether a name that was found in a text, as the match's first group, looks secret there: ``?key=`` does, a mere ``key=`` does not."""
    word = name[1]
    if word.lower() not in _QUERY_SECRETS:
        return looks_secret(word)
    return name.string[name.start() - 1 : name.start()] in ("?", "&")


def scrub(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a configuration in which secrets are replaced by :data:`MASK`.

    Secrets are the values of keys that :func:`looks_secret`, at any depth (``None``, ``""`` and booleans are kept: they show that there is
    none); inside a text, what follows such a name and ``=`` or ``:``, a key in the query of an address, and the user part of
    an address.
    """
    return {scrub_text(str(key)): _masked(str(key), value) for key, value in config.items()}


def scrub_text(text: str) -> str:
    """A text without secrets: see :func:`scrub`."""
    if "@" in text and ":/" in text:
        for user, masked in _USERS:
            text = user.sub(masked, text)
    if "@" in text and text.count("//") > text.count("://"):  # an address without its scheme
        text = _BARE_USER.sub(f"//{MASK}@", text)
    parts: list[str] = []
    done = at = 0
    while name := _NAME.search(text, at):
        at = name.end()
        if names_secret(name) and (value := _VALUE.match(text, at)):
            parts += [text[done:at], MASK]
            done = at = value.end()
    return "".join((*parts, text[done:]))


def _masked(name: str, value: Any) -> Any:
    if looks_secret(name) and not (value is None or value == "" or isinstance(value, bool)):
        return MASK
    return _scrubbed(value)


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, Mapping):
        return scrub(value)
    if isinstance(value, list):
        return [_scrubbed(item) for item in value]
    if isinstance(value, tuple):
        return tuple(_scrubbed(item) for item in value)
    return value
