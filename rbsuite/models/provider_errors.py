"""What a failed call to a provider means for rbsuite: try again, record an outcome, or stop with advice."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Literal

from rbsuite.errors import UsageError
from rbsuite.models.retry import read_retry_after
from rbsuite.redact import check_keys, redact

FailureKind = Literal[
    "transient",
    "context_overflow",
    "content_filter",
    "quota",
    "authentication",
    "permission",
    "not_found",
    "redirect",
    "parameters",
    "request",
]

OPTIONAL = ("temperature", "seed", "name", "response_format")
"""What a request can do without; ``name`` is a field of its messages."""
_OTHER_NAMES = {"response_format": r"response_format|json_schema|structured[ _]outputs?|additionalproperties"}

WANT_REASONING = frozenset({"deepseek", "moonshot"})
"""Providers that want a model's reasoning sent back with the conversation; others are recognized by what they refuse."""

_LONGEST_DETAIL = 240
_LABELS: Mapping[FailureKind, str] = {
    "quota": "no credit left",
    "authentication": "not authenticated",
    "permission": "not permitted",
    "not_found": "not found",
    "parameters": "option refused",
    "request": "request refused",
}

# Subclasses before their bases: litellm counts overflow and refusal as bad requests.
_BY_CLASS: tuple[tuple[str, FailureKind], ...] = (
    ("ContextWindowExceededError", "context_overflow"),
    ("ContentPolicyViolationError", "content_filter"),
    ("AuthenticationError", "authentication"),
    ("PermissionDeniedError", "permission"),
    ("NotFoundError", "not_found"),
    ("UnsupportedParamsError", "parameters"),
    ("BudgetExceededError", "quota"),
    ("PaymentRequiredError", "quota"),
    ("RateLimitError", "transient"),
    ("Timeout", "transient"),
    ("APIConnectionError", "transient"),
    ("InternalServerError", "transient"),
    ("ServiceUnavailableError", "transient"),
    ("BadGatewayError", "transient"),
    ("BadRequestError", "request"),
)
_BY_STATUS: Mapping[int, FailureKind] = {
    401: "authentication",
    402: "quota",
    403: "permission",
    404: "not_found",
    408: "transient",
    409: "transient",
    425: "transient",
    429: "transient",
}
_OVERLOAD = frozenset({429, 503, 529})
# litellm reports some failures in a class that says "try again" although no retry can succeed.
_QUOTA = re.compile(r"insufficient_quota|exceeded your current quota|credit balance is too low", re.IGNORECASE)
_NO_CREDENTIALS = re.compile(r"missing credentials|api_key client option must be set|no api key", re.IGNORECASE)
# Servers that litellm does not know use their own words for these.
_OVERFLOW = re.compile(
    r"context[ _-]?(?:length|size|window|limit|shift)|context_length_exceeded|exceed_context_size|request too large"
    r"|(?:prompt|input|request|messages?|conversation)(?: tokens?| length)?(?: is| are| was)? (?:too (?:long|large|big)|longer than)"
    r"|(?:exceed|larger than|greater than|longer than|beyond|over)\w*[^.]{0,60}"
    r"(?:max(?:imum)?[\w ]{0,20}(?:tokens|length|context|input)|tokens? limit|model_max_length|max_model_len|context|model's limit)"
    r"|too many (?:input )?tokens|too many total text bytes|content[^.]{0,20}string too long|reduce the length of"
    r"|maximum prompt length|token count[^.]{0,60}(?:exceeds|only supports)|input_tokens[^.]{0,60}must be"
    r"|inputs?`? tokens \+ `?max_(?:new_)?tokens`? must|must have less than \d+ tokens|max_tokens must be at least 1, got -"
    r"|range of input length|(?:input )?tokens? limit exceeded|length is \d+ while limit|超长",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"content_policy|content[_ ]filter|content management policy|safety system|moderation|\bflagged\b"
    r"|responsible ?ai|safety (?:settings|filter|reasons)|prohibited[_ ]content|data_inspection_failed|sensitive content",
    re.IGNORECASE,
)
_UNSUPPORTED = re.compile(
    r"unsupported|not (?:be )?support|unknown (?:parameter|field|name)|unrecognized (?:request )?(?:argument|parameter)"
    r"|extra (?:inputs|fields)|not permitted|not allowed|deprecated|only (?:the default|1|one)\b"
    r"|must be (?:1|unset|omitted)|invalid temperature"
    r"|additional propert|does not (?:take|accept)|cannot be (?:set|used|specified)|unexpected (?:keyword|field|parameter)",
    re.IGNORECASE,
)
_WAIT = re.compile(
    r"(?:retry|try again)\D{0,12}?(\d+(?:\.\d+)?) ?(ms|milliseconds|s\b|sec|minutes?|m\b)", re.IGNORECASE
)
_REASONING_DUE = re.compile(
    r"(?:miss|requir|must|need|expect|without)[^.]{0,80}reasoning_content|reasoning_content[^.]{0,120}(?:miss|requir|must be|need|absent)",
    re.IGNORECASE,
)
_IMAGES = re.compile(r"\bimages?\b|image_url|multi-?modal|\bvision\b", re.IGNORECASE)
# litellm's own words around the provider's, e.g. "litellm.BadRequestError: BadRequestError: OpenAIException - ".
_PREFIX = re.compile(r"^(?:(?:litellm\.)?\w+(?:Error|Exception|Timeout)\s*(?::|-)\s*)+", re.IGNORECASE)


class EmptyReply(Exception):
    """A reply of the right form with nothing in it, not even an empty message; or one that its provider broke off."""


class NotCompletion(ValueError):
    """An answer in a form other than the one that was asked for."""


def classify(error: Exception, litellm: Any) -> FailureKind:
    """The kind of a failure.

    Args:
        error: what the call raised, or ``TimeoutError``.
        litellm: the module; ``None``: the call was not made through it, and only the status tells.
    """
    text = str(error)
    if _NO_CREDENTIALS.search(text):
        return "authentication"
    if _QUOTA.search(text):
        # Some providers use these words for a per-minute limit, and say when it is over.
        return "transient" if retry_after(error) is not None else "quota"
    if isinstance(error, TimeoutError | ConnectionError):
        return "transient"
    if getattr(error, "status_code", None) == 413:
        return "context_overflow"
    kind = "transient" if isinstance(error, EmptyReply) else _by_class(error, litellm) or _by_status(error)
    if kind == "permission" and _REFUSAL.search(text):
        return "content_filter"  # for this request alone
    if kind not in ("request", "transient"):
        return kind
    # Some servers answer 500 to a prompt that is too long; no retry makes it shorter. Nor does one help if it exceeds a per-minute limit.
    if _OVERFLOW.search(text) and (not _rate_limited(error) or "request too large" in text.lower()):
        return "context_overflow"
    return "content_filter" if kind == "request" and _REFUSAL.search(text) else kind


def _by_class(error: Exception, litellm: Any) -> FailureKind | None:
    for name, kind in _BY_CLASS:
        known = getattr(litellm, name, None)
        if isinstance(known, type) and isinstance(error, known):
            return kind
    return None


def _by_status(error: Exception) -> FailureKind:
    """What the HTTP status says; litellm gives some failures no class of their own."""
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        return "request"
    if 300 <= status < 400:
        return "redirect"
    return "transient" if status >= 500 else _BY_STATUS.get(status, "request")


def retry_after(error: Exception) -> float | None:
    """Seconds that the provider asked the client to wait, if it did."""
    response = getattr(error, "response", None)
    for headers in (getattr(error, "litellm_response_headers", None), getattr(response, "headers", None)):
        wait = read_retry_after(headers) if isinstance(headers, Mapping) else None
        if wait is not None:
            return wait
    if _rate_limited(error) and (told := _WAIT.search(str(error))):
        unit = told[2].lower()
        return float(told[1]) * (0.001 if unit in ("ms", "milliseconds") else 60.0 if unit.startswith("m") else 1.0)
    return None


def rejected_parameter(error: Exception, sent: Mapping[str, Any]) -> str:
    """Which optional part of the request the provider says it does not accept; ``""`` if none.

    Returns:
        ``temperature``, ``seed``, ``response_format``, or ``name`` for the messages' names.
    """
    text = str(error)
    if not _UNSUPPORTED.search(text) and not ("response_format" in sent and "response_format" in text):
        return ""
    named = {**sent, **dict.fromkeys(key for message in sent.get("messages", ()) for key in message)}
    return next(
        (
            part
            for part in OPTIONAL
            if part in named
            and re.search(rf"(?<![a-z])(?:{_OTHER_NAMES.get(part, part)})(?![a-z])", text, re.IGNORECASE)
        ),
        "",
    )


def asks_for_reasoning(error: Exception) -> bool:
    """Whether the provider refused a conversation because it lacks the model's reasoning."""
    return bool(_REASONING_DUE.search(str(error)))


def rejects_images(error: Exception) -> bool:
    """Whether the provider says that the model takes no images. Servers word this differently, but all name what they were sent."""
    return bool(_IMAGES.search(str(error)))


def overloads(error: Exception) -> bool:
    """Whether the provider says that it is overloaded, so that fewer concurrent calls would fare better."""
    return getattr(error, "status_code", None) in _OVERLOAD


def headline(kind: FailureKind, error: Exception) -> str:
    """What happened: the kind in words and the provider's own words."""
    label = "rate limited" if _rate_limited(error) and kind == "transient" else _LABELS.get(kind)
    return f"{label}: {detail(error)}" if label else detail(error)


def _rate_limited(error: Exception | None) -> bool:
    return getattr(error, "status_code", None) == 429


def detail(error: Exception) -> str:
    """The provider's own words: one short line without secrets."""
    line = " ".join(redact(str(error)).split())
    line = _PREFIX.sub("", line.partition("Traceback (most recent call last)")[0]).strip()
    line = line or type(error).__name__
    return line if len(line) <= _LONGEST_DETAIL else f"{line[:_LONGEST_DETAIL].rstrip()}..."


def advice(kind: FailureKind, model: str, litellm: Any, error: Exception | None = None) -> str:
    """What the user can do, in one line."""
    provider = model.partition("/")[0]
    if kind == "authentication":
        names = key_variables(model, litellm)
        unset = [name for name in names if not os.environ.get(name)]
        if unset:
            return f"Set the environment variable {' or '.join(unset)}."
        return f"Check the value of {' or '.join(names)}."
    if kind == "transient" and _rate_limited(error):
        return "Lower --concurrency; the same command, run again, continues where this one stopped."
    if kind == "not_found":
        return f"Check the model name after {provider!r} and the base URL of the server."
    return {
        "quota": "The account's credit or quota is used up: raise it at the provider, or choose another --model.",
        "permission": "The key may not use this model: choose another --model, or a key that may.",
        "redirect": "Change the base URL if that is where the model is.",
        "parameters": "The provider does not accept an option of this request: choose another --model, or leave the option out.",
        "transient": "Check the connection and the base URL; the same command, run again, continues where this one stopped.",
    }.get(kind, "Check --model (PROVIDER/MODEL) and the request's options.")


def require_sendable_keys(provider: str) -> None:
    """Check that a provider's keys can be sent, before any call is made.

    Raises:
        UsageError: one cannot; its variable is named.
    """
    try:
        check_keys(provider)
    except ValueError as error:
        raise UsageError(f"{error}.", "Set it again: a key is one word.") from None


def key_variables(model: str, litellm: Any) -> list[str]:
    """Names of the environment variables that hold the provider's key; the conventional name if litellm knows none."""
    provider = model.partition("/")[0]
    conventional = f"{re.sub('[^A-Z0-9]', '_', provider.upper())}_API_KEY"
    if os.environ.get(conventional):
        return [conventional]
    try:
        missing = litellm.validate_environment(model=model).get("missing_keys") or []
    except Exception:
        missing = []
    keys = [name for name in missing if name.endswith(("_KEY", "_TOKEN", "_KEY_ID"))]
    return keys or [conventional]
