"""What all providers' models have in common, however they are reached: retries, what a provider refuses, outcomes, helpful errors."""

from __future__ import annotations

import logging
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rbsuite.errors import ModelError, ModelUnusable, RbsuiteError
from rbsuite.events import ModelWaiting
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.models.gate import Pace
from rbsuite.models.provider_errors import (
    WANT_REASONING,
    FailureKind,
    NotCompletion,
    advice,
    asks_for_reasoning,
    detail,
    headline,
    rejected_parameter,
    rejects_images,
)
from rbsuite.models.reply_limit import ReplyLimit
from rbsuite.models.retry import DEFAULT_BACKOFF, Backoff
from rbsuite.models.settings import ModelSettings
from rbsuite.models.tries import Failed, Tries
from rbsuite.models.wire import completion_from_wire, has_images, request_body, require_whole
from rbsuite.options import require_server
from rbsuite.scrub import scrub_text
from rbsuite.trajectory import Usage

PREFIX = "openai/"
BASE_URL_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
DEFAULT_TIMEOUT = 300.0
DEFAULT_RETRIES = 6

_log = logging.getLogger(__name__)

_UNUSABLE: frozenset[FailureKind] = frozenset({"authentication", "permission", "not_found", "redirect", "quota"})
"""Failures that every further call would meet too."""


def own_server(name: str, base_url: str | None = None) -> str | None:
    """The address of the user's own server on which a model is called; ``None``: it is called at its provider.

    Args:
        name: ``PROVIDER/MODEL``.
        base_url: the address that was given.
    """
    if not name.startswith(PREFIX):
        return None
    return base_url or next(filter(None, map(os.environ.get, BASE_URL_VARIABLES)), None)


def require_servers(provider: str) -> None:
    """Check the addresses that the environment sets for a provider's models.

    Args:
        provider: its name as in ``PROVIDER/MODEL``.

    Raises:
        UsageError: one is not a URL; its variable is named.
    """
    prefix = re.sub("[^A-Z0-9]", "_", provider.upper())
    for name in (f"{prefix}_BASE_URL", f"{prefix}_API_BASE"):
        if address := os.environ.get(name):
            require_server(f"{name}=", address, f"{name}=http://127.0.0.1:8000/v1")


class ProviderModel(ABC):
    """A model of a provider, or of any server that speaks OpenAI's chat completions.

    Transient failures (rate limits, timeouts, broken connections, server errors) are retried; a context overflow and a refusal are
    outcomes; everything else is a :class:`ModelError` that says what to do. No message contains a key.

    Args:
        name: ``PROVIDER/MODEL``.
        base_url: the server's address; ``None``: the provider's, or its environment variable (``OPENAI_BASE_URL``, ...).
        timeout: seconds that one call may take.
        retries: how often a call is retried after a transient failure.
        backoff: the waits in between.
        waiting: told before each wait.
        label: what messages call it; empty: its name.
        headers: returns headers that go with a request.
        pace: how many of its calls may be under way, if shared with others.
        settings: what the user sets for the model.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        retries: int = DEFAULT_RETRIES,
        backoff: Backoff = DEFAULT_BACKOFF,
        waiting: Callable[[ModelWaiting], None] | None = None,
        label: str = "",
        headers: Callable[[ModelRequest], Mapping[str, str]] | None = None,
        pace: Pace | None = None,
        settings: ModelSettings | None = None,
    ) -> None:
        self._name = name
        self._label = label or name
        self._base_url = base_url
        self._headers = headers
        self._tries = Tries(self._label, timeout, retries, backoff, waiting, pace)
        self._refused: set[str] = set()
        self._settings = settings or ModelSettings(name)
        self._reply_limit = ReplyLimit()
        self._takes_images = True
        self._wants_reasoning = name.partition("/")[0] in WANT_REASONING

    @property
    def name(self) -> str:
        """``PROVIDER/MODEL``."""
        return self._name

    @property
    def server(self) -> str:
        """Where it is called, without credentials; empty: at its provider."""
        return scrub_text(own_server(self._name, self._base_url) or self._base_url or "")

    @property
    def pace(self) -> Pace:
        """How many of its calls may be under way."""
        return self._tries.pace

    async def complete(self, request: ModelRequest) -> Completion:
        """Answer a request.

        Raises:
            ModelError: the call failed for good, or still failed after all retries.
            ModelUnusable: no call can succeed: there is no key, no credit, no access or no such model.
        """
        library = self._library()
        headers = {} if self._headers is None else dict(self._headers(request))
        shown, reasons = self._takes_images and has_images(request), self._wants_reasoning
        seconds = float(self._settings.options.get("timeout") or request.seconds or self._tries.timeout)
        body = self._body(request, shown, reasons)

        async def send() -> Any:
            response = await self._send(body, headers, seconds)
            require_whole(response)
            return response

        def mend(error: Exception, kind: FailureKind) -> bool:
            nonlocal body, shown, reasons
            if kind in ("request", "parameters", "context_overflow") and (fitted := self._fit_reply(error, body)):
                body = self._sendable(fitted)
                return True
            if kind in ("request", "parameters") and self._drop_refused(error, body):
                body = self._sendable(body)
                return True
            if kind == "request" and shown and rejects_images(error):
                self._describe_images()
                shown = False
            elif kind == "request" and not reasons and asks_for_reasoning(error):
                self._wants_reasoning = reasons = True
            else:
                return False
            body = self._body(request, shown, reasons)
            return True

        try:
            response = await self._tries.answer(send, request.seed, library, seconds, mend)
        except Failed as failed:
            if failed.kind in ("context_overflow", "content_filter"):
                return Completion("", usage=Usage(calls=1), finish_reason=failed.kind)
            if isinstance(failed.error, NotCompletion):
                raise self._not_completion(failed.error) from None
            raise self._failure(failed, library, seconds) from None
        return self._read(response, request)

    @abstractmethod
    async def aclose(self) -> None:
        """Close its connections; a later call opens new ones."""

    @abstractmethod
    async def _send(self, body: dict[str, Any], headers: Mapping[str, str], seconds: float) -> Any:
        """Make one call, limited to ``seconds``; the result has the form that :func:`rbsuite.models.wire.completion_from_wire` takes."""

    @abstractmethod
    def _cost(self, response: Any) -> float | None:
        """Its price in US dollars; ``None``: unknown."""

    def _library(self) -> Any:
        """The module whose error classes tell what a failure means; ``None``: none.

        Raises:
            ModelError: it cannot be loaded.
        """
        return None

    def _body(self, request: ModelRequest, images: bool, reasoning: bool) -> dict[str, Any]:
        return self._sendable(self._settings.applied(request_body(request, images=images, reasoning=reasoning)))

    def _sendable(self, body: dict[str, Any]) -> dict[str, Any]:
        """The request in the form the provider is known to accept."""
        return self._reply_limit.applied(self._without_refused(body))

    def _fit_reply(self, error: Exception, body: dict[str, Any]) -> dict[str, Any] | None:
        """The request with a reply limit that the provider accepts; ``None`` if that is not what it complains about."""
        fitted = self._reply_limit.fitted(str(error), body)
        if fitted is not None and (told := self._reply_limit.told):
            _log.warning("%s: %s", self._label, told, extra={"model": self._label})
        return fitted

    def _without_refused(self, body: dict[str, Any]) -> dict[str, Any]:
        """The request without the parts that the provider has refused."""
        if not self._refused:
            return body
        kept = {part: value for part, value in body.items() if part not in self._refused}
        if "name" in self._refused:
            kept["messages"] = [
                {part: value for part, value in message.items() if part != "name"} for message in body["messages"]
            ]
        return kept

    def _drop_refused(self, error: Exception, body: dict[str, Any]) -> bool:
        """Whether the provider refused an optional part of the request, which is then left out of this and all later calls."""
        parameter = rejected_parameter(error, body)
        if parameter and parameter not in self._refused:
            self._refused.add(parameter)
            _log.warning("%s does not support %s: it is left out", self._label, parameter, extra={"model": self._label})
        return bool(parameter)

    def _describe_images(self) -> None:
        """The provider refused a request because of its images: their descriptions are sent in this and all later calls."""
        if self._takes_images:
            self._takes_images = False
            _log.warning(
                "%s does not accept images: their descriptions are sent instead",
                self._label,
                extra={"model": self._label},
            )

    def _failure(self, failed: Failed, library: Any, seconds: float) -> RbsuiteError:
        """The error to raise."""
        error, kind = failed.error, failed.kind
        what = f"no answer within {seconds:g} s" if isinstance(error, TimeoutError) else headline(kind, error)
        tried = f" (tried {failed.failures} times)" if failed.failures > 1 else ""
        raised = ModelUnusable if kind in _UNUSABLE else ModelError
        return raised(f"model {self._label!r}: {what.rstrip('.')}{tried}.", advice(kind, self._name, library, error))

    def _read(self, response: Any, request: ModelRequest) -> Completion:
        try:
            completion = completion_from_wire(response, self._cost(response), request.tools)
            priced = self._settings.price(completion.usage)
            return completion if priced is None else replace(completion, usage=replace(completion.usage, cost=priced))
        except RecursionError:
            raise self._not_completion(NotCompletion("it is nested too deeply")) from None
        except (ValueError, AttributeError, TypeError) as error:
            raise self._not_completion(error) from None

    def _not_completion(self, error: Exception) -> ModelError:
        return ModelError(
            f"model {self._label!r}: the reply is not a chat completion: {detail(error)}.",
            "Check that the base URL is that of a chat-completions server.",
        )
