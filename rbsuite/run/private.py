"""Task sets that may not leave this machine: what is checked before anything is sent, and what is kept out of stores, logs and errors.

A task set says ``private=True`` (:attr:`rbsuite.task.TaskSet.private`). Then an experiment on it, and one that starts with the banks of
such an experiment, is *confined*: every model and embedder that takes part must be on this machine, or the user must say that the data
may be shared. What runs in this process counts as on this machine, and so does a server at a loopback address that is not reached through
a proxy.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from rbsuite.errors import (
    ConfinedError,
    DataError,
    Interrupted,
    LimitReached,
    Outage,
    PluginError,
    RbsuiteError,
    StoreError,
    TemplateError,
    UsageError,
    is_mistake,
)
from rbsuite.events import Event, ModelWaiting, RolloutEnded, StepTaken, TaskCommitted, TaskOpened
from rbsuite.models.factory import find_spec
from rbsuite.models.provider import BASE_URL_VARIABLES, PREFIX
from rbsuite.models.settings import ModelSettings
from rbsuite.options import PartReference
from rbsuite.plugins import Plugins
from rbsuite.run.config import Execution, ExperimentConfig, executor_kind, model_references
from rbsuite.run.names import look_up
from rbsuite.run.warm import parse_source
from rbsuite.scrub import scrub_text
from rbsuite.store import ExperimentStore
from rbsuite.store.redaction import hidden, hide_record, is_confined, left_out

CONSENT = "--i-may-share-this-data"
SERVERS = frozenset(
    [
        *("openai", "ollama", "ollama_chat", "hosted_vllm", "lm_studio", "llamafile", "xinference", "infinity"),
        *("text-completion-openai", "custom_openai", "litellm_proxy"),
    ]
)
"""Providers that are called at the given address and nowhere else; others may have an address of their own for some calls."""
_LONGEST_ARGUMENT = 40
"""Log message arguments that are longer, or have more than one word, are left out: names are kept, sentences are not."""
_TELLING = (UsageError, DataError, StoreError, TemplateError, LimitReached, Interrupted)
"""Errors whose texts are rbsuite's own; the others may repeat what a model or an environment said."""


def check_confined(config: ExperimentConfig, plugins: Plugins, execution: Execution) -> None:
    """Check that nothing of a confined experiment leaves this machine, unless the user said that it may.

    Raises:
        ConfinedError: a model or an embedder is elsewhere, or replies are to be kept in a cache.
    """
    if execution.cache and not execution.reveal:
        raise ConfinedError(
            "these tasks are private, and --cache keeps what is said.", "Leave it out, or give --reveal."
        )
    if execution.share:
        return
    if executor_kind(execution.executor)[0] == "ray":
        raise ConfinedError(
            "these tasks are private, and --executor ray takes them to other machines: nothing was sent.",
            f"Use local or processes:N, or give {CONSENT} if the data's terms allow it.",
        )
    names = {name for model in config.model for name in model_references(config, model).values()}
    found = [("model", name) for name in sorted(names) if is_elsewhere(name, plugins)]
    found += [("embedder", name) for name in config.embedder if embeds_elsewhere(name, plugins)]
    for kind, name in found[:1]:
        raise refusal(kind, name)


def refusal(kind: str, name: str) -> ConfinedError:
    """The error for a model or an embedder that is not on this machine."""
    return ConfinedError(
        f"these tasks are private, and the {kind} {scrub_text(name)!r} is not on this machine: nothing was sent.",
        f"Name one with api_base=http://127.0.0.1:PORT/v1, or give {CONSENT} if the data's terms allow it.",
    )


def is_elsewhere(reference: str, plugins: Plugins) -> bool:
    """Whether requests to a model leave this machine.

    A plugin's model is in this process, unless its spec says that it is remote or one of its options is an address elsewhere. A
    provider's is elsewhere unless its address is given and is on this machine, and the provider is one of :data:`SERVERS`.
    """
    spec = find_spec(reference, plugins)
    if spec is not None:
        values = PartReference.parse(reference).values("model", spec.options)
        return spec.remote or any(_leads_elsewhere(value) for value in values.values())
    settings = ModelSettings.parse(reference)
    given = str(settings.options.get("api_base", ""))
    named = [os.environ.get(name, "") for name in BASE_URL_VARIABLES] if settings.model.startswith(PREFIX) else []
    return not _is_server_here(settings.model, [given] if given else [*filter(None, named)])


def embeds_elsewhere(reference: str, plugins: Plugins) -> bool:
    """Whether the texts given to an embedder leave this machine."""
    part = look_up(plugins, "embedder", reference)
    if getattr(part.spec, "remote", False):
        return not _is_server_here(str(part.values.get("model", "")), [str(part.values.get("api_base", ""))])
    return any(_leads_elsewhere(value) for value in part.values.values())


def _is_server_here(model: str, addresses: Sequence[str]) -> bool:
    return model.partition("/")[0] in SERVERS and bool(addresses) and all(map(is_here, addresses))


def is_here(address: str) -> bool:
    """Whether a URL is on this machine: its host is a loopback address, and no proxy is in between."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
    proxies = getproxies()
    proxied = (proxies.get(parts.scheme) or proxies.get("all")) and not proxy_bypass(host)
    return loopback and parts.scheme in ("http", "https") and not proxied


def _leads_elsewhere(value: Any) -> bool:
    return isinstance(value, str) and "://" in value and not is_here(value)


def starts_confined(warm_start: str) -> bool:
    """Whether the experiment that supplies the starting banks is confined: what was learned from private tasks is private too.

    Raises:
        UsageError, StoreError: there is no such experiment.
    """
    if not warm_start:
        return False
    with ExperimentStore.open(parse_source(warm_start)[0], readonly=True) as store:
        return is_confined(store)


def hide_event(event: Event) -> Event:
    """An event without what was said."""
    match event:
        case TaskOpened():
            return replace(event, query=left_out(event.query))
        case StepTaken():
            return replace(event, step=hidden(event.step))
        case ModelWaiting():
            return replace(event, reason=left_out(event.reason))
        case RolloutEnded():
            return replace(event, trajectory=hidden(event.trajectory), verdict=hidden(event.verdict))
        case TaskCommitted():
            return replace(event, record=hide_record(event.record))
    return event


@contextmanager
def unheard(hides: bool, remedy: str = "Give --reveal to see it.") -> Iterator[None]:
    """Keep what a model or an environment may have said out of errors and the log.

    Args:
        hides: whether to do so.
        remedy: what to do to see what an error says.
    """
    if not hides:
        yield
        return
    usual = logging.getLogRecordFactory()

    def made(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = usual(*args, **kwargs)
        if record.name.partition(".")[0] == "rbsuite" and isinstance(record.args, tuple):
            record.args = tuple(_short(one) for one in record.args)
        return record

    logging.setLogRecordFactory(made)
    try:
        yield
    except _TELLING:
        raise
    except Outage as outage:
        raise Outage(
            "a task had no answer to any model call; why is left out, as the tasks are private.", outage.remedy
        ) from None
    except RbsuiteError as error:
        owner = getattr(error, "owner", "")
        raise PluginError(
            f"{owner or 'a plugin'} failed ({type(error).__name__}); what it says is left out, as the tasks are private.",
            remedy,
        ) from None
    except BaseException as error:
        if not is_mistake(error):
            raise
        raise PluginError(
            f"the run failed ({type(error).__name__}); what it says is left out, as the tasks are private.",
            remedy,
        ) from None
    finally:
        logging.setLogRecordFactory(usual)


def _short(value: object) -> object:
    if isinstance(value, int | float):
        return value
    text = str(value)
    is_name = len(text) <= _LONGEST_ARGUMENT and not any(map(str.isspace, text))
    return text if is_name and not isinstance(value, BaseException) else left_out(text)
