"""Turns what the user wrote after ``--model`` into a model."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, get_args

from rbsuite.distributions import SEPARATE
from rbsuite.errors import PluginError, UnknownNameError, UsageError, is_mistake, told
from rbsuite.events import ModelWaiting
from rbsuite.models.base import ChatModel
from rbsuite.models.direct import OFFICIAL, DirectModel
from rbsuite.models.litellm_model import LiteLLMModel
from rbsuite.models.provider import DEFAULT_RETRIES, PREFIX, ProviderModel, own_server, require_servers
from rbsuite.models.provider_errors import require_sendable_keys
from rbsuite.models.settings import ModelSettings
from rbsuite.options import PartReference, refuse_keys
from rbsuite.plugins import Plugins
from rbsuite.specs import ModelSpec, load_object

_NAME = re.compile(r"[\w.:@-]{1,80}")

SIMULATED_PREFIX = "sim/"
Transport = Literal["auto", "direct", "litellm"]
TRANSPORTS: tuple[Transport, ...] = get_args(Transport)


def make_model(
    reference: str,
    plugins: Plugins,
    *,
    waiting: Callable[[ModelWaiting], None] | None = None,
    transport: Transport = "auto",
) -> tuple[ChatModel, ModelSpec | None]:
    """The model that a reference names.

    ``NAME[:OPTIONS]`` if a plugin declares NAME (such as ``sim/learner:slip=0.2``); any other ``PROVIDER/MODEL[:OPTIONS]`` goes to litellm,
    with everything after the first ``/`` that is not an option passed on unchanged (``ollama/llama3:8b``; see
    :mod:`rbsuite.models.settings`), unless it is called directly (:func:`way_to`).

    Args:
        reference: what the user wrote.
        plugins: the plugins.
        waiting: told before each wait of a provider's call that will be retried.
        transport: how a provider's model is called, see :func:`way_to`.

    Returns:
        the model, and its spec, which is ``None`` for a provider's model.

    Raises:
        UnknownNameError: no plugin declares the name, and it is not a ``PROVIDER/MODEL``.
        UsageError: a bad option, or a name that no provider can have.
        PluginError: the plugin's factory failed.
    """
    spec = find_spec(reference, plugins)
    if spec is None:
        settings = ModelSettings.parse(reference)
        retries = int(settings.options.get("retries", DEFAULT_RETRIES))
        base_url = str(settings.options.get("api_base", "")) or None
        if base_url is None:
            require_servers(settings.model.partition("/")[0])
        way: type[ProviderModel] = DirectModel if way_to(reference, transport) == "direct" else LiteLLMModel
        return way(settings.model, base_url=base_url, retries=retries, waiting=waiting, settings=settings), None
    return _build(spec, reference), spec


def way_to(reference: str, transport: Transport = "auto") -> Transport:
    """How a provider's model is called: ``direct`` or ``litellm``.

    Args:
        reference: ``PROVIDER/MODEL``, with its options.
        transport: ``auto``: directly if the model is named ``openai/...`` and the user has set a server for it (``api_base``, or
            ``OPENAI_BASE_URL``), else through litellm; otherwise what the user chose.

    Raises:
        UsageError: the user chose ``direct`` for a provider that only litellm can call.
    """
    settings = ModelSettings.parse(reference)
    name, base_url = settings.model, str(settings.options.get("api_base", "")) or None
    if transport == "direct" and not name.startswith(PREFIX):
        raise UsageError(
            f"--transport direct: {name!r} can only be called through litellm.",
            f"Use --transport auto, or name it {PREFIX}MODEL and set the base URL ({OFFICIAL} without one).",
        )
    if transport == "auto":
        return "direct" if own_server(name, base_url) else "litellm"
    return transport


def is_simulated(reference: str, plugins: Plugins) -> bool:
    """Whether results with the model are simulations. See :func:`make_model` for what it raises."""
    spec = find_spec(reference, plugins)
    return spec is not None and spec.simulated


def find_spec(reference: str, plugins: Plugins) -> ModelSpec | None:
    """The spec of a plugin's model; ``None``: a provider's. See :func:`make_model` for what it raises."""
    text = reference.strip()
    refuse_keys(text)
    name = text.partition(":")[0]
    if name in plugins.models:
        return plugins.models[name]
    provider, slash, _ = text.partition("/")
    if (
        name.startswith(SIMULATED_PREFIX)
        or name in plugins.clashes("model")
        or name.partition("/")[0] in SEPARATE  # no provider of litellm has such a name
    ):
        plugins.find("model", name)  # raises, and names plugins that failed to load
    if not slash:
        error = UnknownNameError("model", name or text, plugins.models, "rbsuite list models")
        example = (name or text) if _NAME.fullmatch(name or text) else "gpt-4o"
        error.remedy += f" A provider's model is written PROVIDER/MODEL, for example openai/{example}."
        raise error
    bare = ModelSettings.parse(text).model if slash else text
    if not provider or not bare.partition("/")[2] or any(map(str.isspace, bare)) or not text.isprintable():
        raise UsageError(
            f"{reference!r} is not a model name.", "Write PROVIDER/MODEL, for example openai/gpt-4o, without spaces."
        )
    require_sendable_keys(provider)
    return None


def _build(spec: ModelSpec, reference: str) -> ChatModel:
    values = PartReference.parse(reference).values("model", spec.options)
    factory = load_object(spec.factory, f"model {spec.name!r}")
    try:
        model: ChatModel = factory(**values)
    except BaseException as error:
        if not is_mistake(error):
            raise
        line = told(error)
        raise PluginError(f"model {spec.name!r} cannot be made: {line}.", "Fix or reinstall the plugin.") from error
    return model
