"""Providers' chat models, called through litellm, which is imported at the first call because that takes seconds."""

from __future__ import annotations

import base64
import os
import sys
import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from rbsuite.errors import ModelError
from rbsuite.models.provider import PREFIX, ProviderModel, own_server
from rbsuite.models.settings import EXPLICIT

# Before litellm's import: no fetch of its price list, no reading of .env files, no debug handler.
_ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR"}


class LiteLLMModel(ProviderModel):
    """A model called through litellm; its name is passed on as it is. See :class:`rbsuite.models.provider.ProviderModel`."""

    _switches: dict[str, bool] | None = None

    async def aclose(self) -> None:
        """Close litellm's connections.

        litellm keeps them in one cache per process, so this is for when all calls are over; a later call opens new ones.
        """
        litellm = sys.modules.get("litellm")
        if litellm is not None:
            await litellm.close_litellm_async_clients()
            litellm.in_memory_llm_clients_cache.flush_cache()

    async def _send(self, body: dict[str, Any], headers: Mapping[str, str], seconds: float) -> Any:
        if "tools" in body and self._switches is None:
            self._switches = _tool_switches()
        connection = self._connection()
        told = {**headers, **connection.pop("extra_headers", {})}
        return await load_litellm().acompletion(
            model=self._name,
            **body,
            **({"extra_headers": told} if told else {}),
            **connection,
            timeout=seconds,
            num_retries=0,
            max_retries=0,
            drop_params=True,
            # litellm leaves out options that it does not know a model to have; what the user has set is sent.
            allowed_openai_params=[name for name in EXPLICIT if name in self._settings.options],
            **(self._switches or {}),
        )

    def _connection(self) -> dict[str, Any]:
        """Where to connect, and the key for a server of one's own.

        Such a server often wants none, but litellm refuses to call without one, and takes a placeholder such as ``true`` for a boolean.
        """
        options: dict[str, Any] = {} if self._base_url is None else {"base_url": self._base_url}
        address = self._base_url or own_server(self._name)
        if address and "@" in address:
            # litellm's client refuses credentials in an address together with a key.
            plain, basic = without_credentials(address)
            options = {"base_url": plain, "extra_headers": {"Authorization": basic}}
        if address and self._name.startswith(PREFIX):
            options["api_key"] = os.environ.get("OPENAI_API_KEY") or "none"
        return options

    def _cost(self, response: Any) -> float | None:
        hidden = getattr(response, "_hidden_params", None) or {}
        if (
            "response_cost" in hidden
        ):  # litellm has already worked it out; doing it again would cost more than all the rest here
            known = hidden["response_cost"]
            return float(known) if isinstance(known, int | float) else None
        try:
            return float(load_litellm().completion_cost(completion_response=response, model=self._name))
        except Exception:  # litellm knows no price for it
            return None

    def _library(self) -> Any:
        return load_litellm()


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
    # Warnings about litellm's own code, at its import and at its first call, are not something that a user could fix.
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

    It first passes them to its MCP gateway, a module that needs packages which litellm installs only as extras (seen in 1.106.2). If
    that module exists but cannot be imported, litellm is told to skip it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module("litellm.responses.mcp.chat_completions_handler")
    except ImportError as error:
        own = (error.name or "").partition(".")[0] == "litellm"  # a litellm without the gateway knows no such switch
        return {} if own else {"_skip_mcp_handler": True}
    return {}
