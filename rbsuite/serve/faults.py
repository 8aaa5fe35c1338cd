"""What a server can do wrong, kind by kind, as known from public reports; and when it does so.

Some faults come instead of an answer (:data:`FAILURES`), others spoil one (:data:`SPOILT`). docs/models.md says what each leads to.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rbsuite.errors import UnknownNameError, UsageError
from rbsuite.seeds import unit
from rbsuite.serve.http import Answer, Manner
from rbsuite.serve.wire import stream

NONE = "ok"
"""Stands in a script for an answer without a fault."""
HUGE = 5_000_000
"""Characters of a reply of the kind ``huge``."""


def failure(status: int, message: str, code: str | None = None, **headers: str) -> Answer:
    """An error in OpenAI's form."""
    return Answer.of({"error": {"message": message, "type": "error", "param": None, "code": code}}, status, **headers)


FAILURES: Mapping[str, Callable[[], Answer]] = {
    "429": lambda: failure(429, "Rate limit reached for requests", "rate_limit_exceeded"),
    "429-retry-after": lambda: failure(429, "Rate limit reached", "rate_limit_exceeded", **{"Retry-After": "1"}),
    "500": lambda: failure(500, "The server had an error while processing your request"),
    "502": lambda: Answer(502, b"<html><h1>502 Bad Gateway</h1></html>", content_type="text/html"),
    "503": lambda: failure(503, "The engine is currently overloaded"),
    "reset": lambda: Answer(200, b"", manner="reset"),
    "hang": lambda: Answer(200, b"", manner="hang"),
    "invalid-json": lambda: Answer(200, b'{"id": "x", "choices": [{'),
    "refused-moderation": lambda: failure(403, "Your input requires moderation and was flagged", "moderation"),
    "context-overflow": lambda: failure(
        400, "This model's maximum context length is 4096 tokens.", "context_length_exceeded"
    ),
    "model-not-found": lambda: failure(404, "The model does not exist", "model_not_found"),
    "bad-key": lambda: failure(401, "Incorrect API key provided", "invalid_api_key"),
    "no-credit": lambda: failure(429, "You exceeded your current quota, please check your plan", "insufficient_quota"),
}
"""Faults that come instead of an answer."""


def _content(text: str | None, finish: str = "stop") -> Callable[[dict[str, Any]], None]:
    def spoil(document: dict[str, Any]) -> None:
        document["choices"][0] |= {"message": {"role": "assistant", "content": text}, "finish_reason": finish}

    return spoil


def _arguments(spoilt: Callable[[str], str | None]) -> Callable[[dict[str, Any]], None]:
    """Spoil the arguments of every call; a reply without one stays as it is."""

    def spoil(document: dict[str, Any]) -> None:
        for call in document["choices"][0]["message"].get("tool_calls", ()):
            call["function"]["arguments"] = spoilt(call["function"]["arguments"])

    return spoil


def _calls(change: Callable[[list[dict[str, Any]]], None]) -> Callable[[dict[str, Any]], None]:
    def spoil(document: dict[str, Any]) -> None:
        if calls := document["choices"][0]["message"].get("tool_calls"):
            change(calls)

    return spoil


def _beside(document: dict[str, Any]) -> None:
    if document["choices"][0]["message"].get("tool_calls"):
        document["choices"][0]["message"]["content"] = "Let me look that up."


def _cut(document: dict[str, Any]) -> None:
    message = document["choices"][0]["message"]
    message.pop("tool_calls", None)
    message["content"] = (message["content"] or "I would")[:20]
    document["choices"][0]["finish_reason"] = "length"


def _unknown_tool(calls: list[dict[str, Any]]) -> None:
    calls[0]["function"]["name"] = "no_such_tool"


def _several(calls: list[dict[str, Any]]) -> None:
    calls.append({**copy.deepcopy(calls[0]), "id": f"{calls[0]['id']}-again"})


def _no_ids(calls: list[dict[str, Any]]) -> None:
    for call in calls:
        call["id"] = None


def _finish(reason: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["choices"][0].update(finish_reason=reason)


def _legacy(document: dict[str, Any]) -> None:
    choice = document["choices"][0]
    if calls := choice["message"].pop("tool_calls", None):
        choice["message"]["function_call"] = calls[0]["function"]
        choice["finish_reason"] = "function_call"


def _thinking(document: dict[str, Any]) -> None:
    """As from a server whose template opens the block: only the closing tag is left, and nothing else separates thought and answer."""
    message = document["choices"][0]["message"]
    message["content"] = f"I could say ###STOP### now, or not.\n</think>\n\n{message['content'] or ''}"


def _refusal(document: dict[str, Any]) -> None:
    _content(None)(document)
    document["choices"][0]["message"]["refusal"] = "I'm sorry, I can't help with that."


SPOILT: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "no-choices": lambda document: document.update(choices=[]),
    "null-content": _content(None),
    "finish-error": _finish("error"),
    "function-call": _legacy,
    "thinking": _thinking,
    "no-usage": lambda document: document.update(usage=None),
    "impossible-usage": lambda document: document.update(usage={"prompt_tokens": 10**30, "completion_tokens": 3}),
    "bad-arguments": _arguments(lambda text: text[:-1] or "{"),
    "empty-arguments": _arguments(lambda text: ""),
    "null-arguments": _arguments(lambda text: None),
    "list-arguments": _arguments(lambda text: f"[{text}]"),
    "doubly-encoded-arguments": _arguments(json.dumps),
    "loose-arguments": _arguments(lambda text: "```json\n" + text[:-1].replace('"', "'") + ",}\n```"),
    "unknown-tool": _calls(_unknown_tool),
    "several-calls": _calls(_several),
    "call-beside-text": _beside,
    "no-ids": _calls(_no_ids),
    "refusal": _refusal,
    "content-filter": _content("", "content_filter"),
    "length": _cut,
    "length-in-call": _finish("length"),
    "huge": _content("word " * (HUGE // 5)),
    "nul": _content("a\x00b"),
    "surrogates": _content("a\ud800b"),
}
"""Faults that spoil an answer: what each does to the ``chat.completion``."""

MANNERS: Mapping[str, Manner] = {"drip": "drip", "truncated": "cut"}
"""Faults in how a good answer is sent."""

KINDS = (*FAILURES, *SPOILT, *MANNERS)
"""All kinds."""

TRANSIENT = (
    "429",
    "429-retry-after",
    "500",
    "502",
    "503",
    "reset",
    "invalid-json",
    "no-choices",
    "finish-error",
    "truncated",
)
"""Faults that a retry of the same request need not meet: a client that retries loses nothing."""


class Faults:
    """When a server fails, and how.

    Args:
        shares: the share of answers that a kind affects; ``transient``: all of :data:`TRANSIENT` together.
        script: kinds in the order of the requests, :data:`NONE` for none; when it is used up, the shares apply.
        seed: determines which answers; the same request meets the same faults in the same order, whatever else is asked.

    Raises:
        UsageError: there is no such kind, or the shares are not valid.
    """

    def __init__(self, shares: Mapping[str, float] | None = None, script: Sequence[str] = (), seed: int = 0) -> None:
        self._shares: list[tuple[str, float]] = []
        for kind, share in (shares or {}).items():
            kinds = TRANSIENT if kind == "transient" else (kind,)
            self._shares += [(one, share / len(kinds)) for one in kinds]
        for kind in [*script, *(kind for kind, _ in self._shares)]:
            if kind not in (*KINDS, NONE):
                raise UnknownNameError("fault", kind, [*KINDS, "transient"])
        if not 0 <= sum(share for _, share in self._shares) <= 1 or any(share < 0 for _, share in self._shares):
            raise UsageError(
                "the shares of faults are not shares.", "Give numbers from 0 to 1 that add up to at most 1."
            )
        self._script = list(script)
        self._seed = seed
        self._tries: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        """How often each kind was met, and :data:`NONE` for good answers."""

    def next(self, request: str) -> str:
        """The kind for the next answer to a request, or :data:`NONE`.

        Args:
            request: what distinguishes the request from others.
        """
        kind = self._script.pop(0) if self._script else self._drawn(request)
        self.met[kind] += 1
        return kind

    def end(self) -> None:
        """Stop all faults."""
        self._script, self._shares = [], []

    def _drawn(self, request: str) -> str:
        self._tries[request] += 1
        draw = unit(self._seed, "fault", request, self._tries[request])
        for kind, share in self._shares:
            if draw < share:
                return kind
            draw -= share
        return NONE


def spoilt(kind: str, document: Mapping[str, Any], *, streaming: bool) -> Answer:
    """The answer with a ``chat.completion``, spoiled by a fault of a kind that does not replace it.

    Args:
        kind: a kind, or :data:`NONE`.
        document: the ``chat.completion``.
        streaming: whether it is sent as events.
    """
    made = copy.deepcopy(dict(document))
    if kind in SPOILT:
        SPOILT[kind](made)
    answer = Answer(200, stream(made), content_type="text/event-stream") if streaming else Answer.of(made)
    return replace(answer, manner=MANNERS.get(kind, "whole"))


def read_shares(texts: Sequence[str]) -> dict[str, float]:
    """Shares from texts such as ``429:0.1``.

    Raises:
        UsageError: a text is not of that form.
    """
    shares: dict[str, float] = {}
    for text in texts:
        kind, _, share = text.partition(":")
        try:
            shares[kind] = float(share)
        except ValueError:
            raise UsageError(f"{text!r} is not a fault with its share.", "Write KIND:SHARE, e.g. 429:0.1.") from None
    return shares
