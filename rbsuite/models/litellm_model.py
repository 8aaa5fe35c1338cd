"""Chat models of providers, through litellm, which is imported at the first call: that takes seconds."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from rbsuite.errors import ModelError, ModelUnusable, RbsuiteError
from rbsuite.events import ModelWaiting
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.models.provider_errors import (
    WANT_REASONING,
    FailureKind,
    advice,
    asks_for_reasoning,
    classify,
    detail,
    headline,
    rejected_parameter,
    rejects_images,
    retry_after,
)
from rbsuite.models.reply_limit import ReplyLimit
from rbsuite.models.retry import DEFAULT_BACKOFF, Backoff
from rbsuite.models.settings import EXPLICIT, ModelSettings
from rbsuite.models.wire import completion_from_wire, has_images, request_body, require_whole
from rbsuite.trajectory import Usage

DEFAULT_TIMEOUT = 300.0
DEFAULT_RETRIES = 6

_log = logging.getLogger(__name__)

# Before litellm's import: no fetch of its price list, no reading of .env files, no debug handler.
_ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR"}
_BASE_URL_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")

_UNUSABLE: frozenset[FailureKind] = frozenset({"authentication", "permission", "not_found", "quota"})
"""Failures that every further call would meet too."""


class LiteLLMModel:
    """A model of a provider, or of any server that speaks OpenAI's chat completions.

    What is transient (rate limits, time-outs, broken connections, server errors) is retried; a context overflow and a refusal are
    outcomes; everything else is a :class:`ModelError` that says what to do. No message holds a key.

    Args:
        name: ``PROVIDER/MODEL``, passed on as it is.
        base_url: the server's address; ``None``: the provider's, or its environment variable (``OPENAI_BASE_URL``, ...).
        timeout: seconds that one call may take.
        retries: how often a transient failure is tried again.
        backoff: the waits between.
        waiting: told before each wait.
        label: what messages call it; empty: its name.
        headers: gives headers that go with a request.
        settings: what the user sets of the model.
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
        settings: ModelSettings | None = None,
    ) -> None:
        self._name = name
        self._label = label or name
        self._headers = headers
        self._base_url = base_url
        self._timeout = timeout
        self._retries = retries
        self._backoff = backoff
        self._waiting = waiting
        self._refused: set[str] = set()
        self._settings = settings or ModelSettings(name)
        self._reply_limit = ReplyLimit()
        self._takes_images = True
        self._wants_reasoning = name.partition("/")[0] in WANT_REASONING
        self._switches: dict[str, bool] | None = None

    @property
    def name(self) -> str:
        """``PROVIDER/MODEL``."""
        return self._name

    async def complete(self, request: ModelRequest) -> Completion:
        """Answer a request.

        Raises:
            ModelError: the call failed for good, or still failed after all retries.
            ModelUnusable: no call can succeed: there is no key, no credit, no access or no such model.
        """
        litellm = load_litellm()
        headers = {} if self._headers is None else {"extra_headers": dict(self._headers(request))}
        body = self._body(request)
        seconds = float(self._settings.options.get("timeout") or request.seconds or self._timeout)
        failures = 0
        while True:
            body = self._reply_limit.applied(self._without_refused(body))
            try:
                response = await self._call(litellm, body | headers, seconds)
                require_whole(response)
            except Exception as error:
                kind = classify(error, litellm)
                if kind in ("request", "parameters", "context_overflow") and (fitted := self._fit_reply(error, body)):
                    body = fitted
                    continue
                if kind in ("request", "parameters") and self._drop_refused(error, body):
                    continue
                if kind == "request" and self._describe_images(error, request):
                    body = self._body(request)
                    continue
                if kind == "request" and not self._wants_reasoning and asks_for_reasoning(error):
                    self._wants_reasoning = True
                    body = self._body(request)
                    continue
                failures += 1
                if kind in ("context_overflow", "content_filter"):
                    return Completion("", usage=Usage(calls=1), finish_reason=kind)
                if kind != "transient" or failures > self._retries:
                    raise self._failure(error, kind, litellm, failures, seconds) from None
                await self._wait(error, failures, request.seed)
            else:
                return self._read(litellm, response, request)

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        body = request_body(request, images=self._takes_images, reasoning=self._wants_reasoning)
        return self._settings.applied(body)

    async def aclose(self) -> None:
        """Close litellm's connections.

        litellm keeps them in one cache of the process, so this is for when all calls are over; a later call opens new ones.
        """
        litellm = sys.modules.get("litellm")
        if litellm is not None:
            await litellm.close_litellm_async_clients()
            litellm.in_memory_llm_clients_cache.flush_cache()

    async def _call(self, litellm: Any, body: dict[str, Any], seconds: float) -> Any:
        """One call. The outer limit also ends a reply that trickles in, which litellm's own does not."""
        if "tools" in body and self._switches is None:
            self._switches = _tool_switches()
        connection = self._connection()
        if "extra_headers" in connection:
            connection["extra_headers"] = {**body.get("extra_headers", {}), **connection["extra_headers"]}
        async with asyncio.timeout(seconds):
            return await litellm.acompletion(
                model=self._name,
                **(body | connection),
                timeout=seconds,
                num_retries=0,
                max_retries=0,
                drop_params=True,
                # litellm leaves out what it does not know of a model; what the user has set is sent.
                allowed_openai_params=[name for name in EXPLICIT if name in self._settings.options],
                **(self._switches or {}),
            )

    def _connection(self) -> dict[str, Any]:
        """Where to connect, and for a server of one's own the key.

        Such a server often wants none, but litellm refuses to call without one, and takes a placeholder such as ``true`` for a boolean.
        """
        ours = self._name.startswith("openai/")
        named = next(filter(None, map(os.environ.get, _BASE_URL_VARIABLES)), None) if ours else None
        options: dict[str, Any] = {} if self._base_url is None else {"base_url": self._base_url}
        address = self._base_url or named
        if address and "@" in address:
            # litellm's client refuses credentials in an address beside a key.
            plain, basic = without_credentials(address)
            options = {"base_url": plain, "extra_headers": {"Authorization": basic}}
        if address and ours:
            options["api_key"] = os.environ.get("OPENAI_API_KEY") or "none"
        return options

    def _without_refused(self, body: dict[str, Any]) -> dict[str, Any]:
        """The request without what the provider has refused."""
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
        if parameter:
            self._refused.add(parameter)
            _log.warning("%s does not support %s: it is left out", self._label, parameter, extra={"model": self._label})
        return bool(parameter)

    def _fit_reply(self, error: Exception, body: dict[str, Any]) -> dict[str, Any] | None:
        """The request with a limit on the reply that the provider takes; ``None`` where that is not what it complains of."""
        fitted = self._reply_limit.fitted(str(error), body)
        if fitted is not None and (told := self._reply_limit.told):
            _log.warning("%s: %s", self._label, told, extra={"model": self._label})
        return fitted

    def _describe_images(self, error: Exception, request: ModelRequest) -> bool:
        """Whether the provider refused the request for its images, whose descriptions are then sent in this and all later calls."""
        if not self._takes_images or not has_images(request) or not rejects_images(error):
            return False
        self._takes_images = False
        _log.warning(
            "%s takes no images: their descriptions are sent instead", self._label, extra={"model": self._label}
        )
        return True

    def _failure(
        self, error: Exception, kind: FailureKind, litellm: Any, failures: int, seconds: float
    ) -> RbsuiteError:
        """The error to raise. It is raised without the provider's own, which may hold headers and addresses."""
        what = f"no answer within {seconds:g} s" if isinstance(error, TimeoutError) else headline(kind, error)
        tried = f" (tried {failures} times)" if failures > 1 else ""
        raised = ModelUnusable if kind in _UNUSABLE else ModelError
        return raised(f"model {self._label!r}: {what.rstrip('.')}{tried}.", advice(kind, self._name, litellm, error))

    async def _wait(self, error: Exception, failures: int, seed: int) -> None:
        delay = self._backoff.delay(failures, seed, retry_after(error))
        _log.info(
            "%s: %s; call %d follows in %.1f s",
            self._label,
            detail(error),
            failures + 1,
            delay,
            extra={"model": self._label, "call": failures + 1, "delay": delay},
        )
        if self._waiting is not None:
            self._waiting(ModelWaiting(self._label, detail(error), failures, delay))
        await asyncio.sleep(delay)

    def _read(self, litellm: Any, response: Any, request: ModelRequest) -> Completion:
        try:
            cost: float | None = float(litellm.completion_cost(completion_response=response, model=self._name))
        except Exception:  # litellm knows no price for it
            cost = None
        try:
            completion = completion_from_wire(response, cost, request.tools)
            priced = self._settings.price(completion.usage)
            return completion if priced is None else replace(completion, usage=replace(completion.usage, cost=priced))
        except (ValueError, AttributeError, TypeError) as error:
            raise ModelError(
                f"model {self._label!r}: the reply is not a chat completion: {detail(error)}.",
                "Check that the base URL is that of a chat-completions server.",
            ) from None


def without_credentials(address: str) -> tuple[str, str]:
    """An address without the user's name and password in it, and the value of the header ``Authorization`` that stands for them."""
    parts = urlsplit(address)
    user, _, place = parts.netloc.rpartition("@")
    coded = base64.b64encode(unquote(user).encode()).decode()
    return urlunsplit(parts._replace(netloc=place)), f"Basic {coded}"


def load_litellm() -> Any:
    """The litellm module: silent, offline at import, reading no ``.env`` file.

    Raises:
        ModelError: it is not installed, or its import fails.
    """
    loaded = sys.modules.get("litellm")
    return _import_litellm() if loaded is None else loaded


def _import_litellm() -> Any:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Warnings about litellm's own code, at its import and at its first call, are nothing that a user could fix.
    warnings.filterwarnings("ignore", module=r"(litellm|pydantic)\b")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            litellm: Any = import_module("litellm")
    except ImportError as error:
        remedy = "Install rbsuite's dependencies, or use a sim/ model."
        raise ModelError(f"litellm cannot be imported: {error}.", remedy) from error
    litellm.suppress_debug_info = True
    return litellm


def _tool_switches() -> dict[str, bool]:
    """What litellm must be told so that it takes tools.

    It first shows them to its MCP gateway, a module that needs packages which litellm installs only as extras (seen in 1.106.2). Where
    that module is there and cannot be imported, litellm is told to pass it by.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module("litellm.responses.mcp.chat_completions_handler")
    except ImportError as error:
        own = (error.name or "").partition(".")[0] == "litellm"  # a litellm without the gateway knows no such switch
        return {} if own else {"_skip_mcp_handler": True}
    return {}
