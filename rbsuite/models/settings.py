"""What a user sets for a provider's model: ``PROVIDER/MODEL:max_tokens=2000,temperature=1,body.top_k=20``.

The options begin at the first ``:`` that is followed by a name and ``=``, so names with colons are kept as they are
(``ollama/llama3:8b``, ``ollama/llama3:8b:temperature=1``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rbsuite.errors import UnknownNameError, UsageError
from rbsuite.options import (
    Option,
    OptionValue,
    canonical_reference,
    refuse_keys,
    require_server,
    split_pieces,
    without_user,
)
from rbsuite.trajectory import Usage

OPTIONS: tuple[Option, ...] = (
    Option("max_tokens", "int", 0, "most tokens of a reply, in place of --reply-tokens", minimum=1),
    Option("temperature", "float", -1.0, "sent with every call, in place of the one that is asked for", minimum=0.0),
    Option("top_p", "float", -1.0, "sent with every call", minimum=0.0, maximum=1.0),
    Option("reasoning_effort", "str", "", "sent with every call, e.g. low"),
    Option("api_base", "str", "", "address of the server, e.g. http://127.0.0.1:8000/v1"),
    Option("timeout", "float", 0.0, "seconds that one call may take, in place of --call-time", minimum=0.001),
    Option("retries", "int", -1, "how often a call is retried after a transient failure", minimum=0),
    Option("input_price", "float", -1.0, "US dollars per million input tokens", minimum=0.0),
    Option("output_price", "float", -1.0, "US dollars per million output tokens", minimum=0.0),
    Option("omit", "str", "", "fields that are never sent, joined by +: temperature+seed"),
)
"""The options of every provider's model."""

EXPLICIT = ("max_tokens", "temperature", "top_p", "reasoning_effort")
"""The options that are fields of a request."""

OMITTABLE = ("temperature", "seed", "name", "max_tokens")
BODY = "body."
_TAIL = re.compile(r":(?=\s*[A-Za-z_][\w.\-]*\s*=)")
_OWN = frozenset(["model", "messages", "tools", "stream", "n", *(option.name for option in OPTIONS)])


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A provider's model and its settings.

    Attributes:
        model: ``PROVIDER/MODEL``.
        options: the options that were given.
        body: further fields of every request, as they are sent.
    """

    model: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> ModelSettings:
        """Read a reference.

        Raises:
            UsageError: an option has a bad value, is given twice, or is a key.
            UnknownNameError: there is no such option; the nearest is suggested.
        """
        refuse_keys(text)
        text = text.strip()
        begin = _TAIL.search(text)
        if begin is None:
            return cls(text)
        model, declared = text[: begin.start()].strip(), {option.name: option for option in OPTIONS}
        options: dict[str, OptionValue] = {}
        body: dict[str, Any] = {}
        given: set[str] = set()
        for piece in split_pieces(text[begin.end() :]):
            key, equals, value = (part.strip() for part in piece.partition("="))
            owner = f"model {model!r}"
            if not equals:
                raise UsageError(f"{owner}: {without_user(piece)!r} is not an option.", "Write OPTION=VALUE.")
            if key in given:
                raise UsageError(f"{owner} was given the option {key!r} twice.", "Give it once.")
            given.add(key)
            if key.startswith(BODY):
                _put(body, key.removeprefix(BODY), value, owner)
            elif key not in declared:
                raise UnknownNameError(f"option of {owner}", key, [*declared, f"{BODY}FIELD"], "docs/models.md")
            else:
                options[key] = declared[key].read(value, owner)
        made = cls(model, options, body)
        made._check()
        return made

    def _check(self) -> None:
        if base := str(self.options.get("api_base", "")):
            require_server(f"model {self.model!r}: api_base=", base, "api_base=http://127.0.0.1:8000/v1")
        for name in self.omitted:
            if name not in OMITTABLE:
                raise UnknownNameError("field to omit", name, OMITTABLE)
            if name in self.options:
                raise UsageError(f"model {self.model!r}: {name} is set and omitted.", "Leave out one of the two.")
        if ("input_price" in self.options) != ("output_price" in self.options):
            raise UsageError(f"model {self.model!r} has only one price.", "Give input_price and output_price.")

    @property
    def reference(self) -> str:
        """Its canonical form."""
        values = {option.name: self.options.get(option.name, option.default) for option in OPTIONS}
        written = canonical_reference(self.model, values, OPTIONS)
        extra = [f"{BODY}{path}={_text(value)}" for path, value in sorted(_leaves(self.body))]
        return "".join([written, ":" if written == self.model else ",", ",".join(extra)]) if extra else written

    @property
    def omitted(self) -> tuple[str, ...]:
        """Fields that are never sent."""
        return tuple(filter(None, str(self.options.get("omit", "")).split("+")))

    @property
    def temperature(self) -> float | None:
        """The temperature of every call; ``None``: the one that is asked for."""
        found = self.options.get("temperature")
        return None if found is None else float(found)

    def applied(self, request: dict[str, Any]) -> dict[str, Any]:
        """A request's fields, replaced by the settings where there are any; further fields go under ``extra_body``, as in OpenAI's client.

        Args:
            request: as :func:`rbsuite.models.wire.request_body` returns it.
        """
        fields = {**request, **{name: self.options[name] for name in EXPLICIT if name in self.options}}
        for name in self.omitted:
            fields.pop(name, None)
        if "name" in self.omitted:
            fields["messages"] = [
                {part: value for part, value in message.items() if part != "name"} for message in request["messages"]
            ]
        return {**fields, "extra_body": dict(self.body)} if self.body else fields

    def price(self, usage: Usage) -> float | None:
        """What a call costs at the prices that are set; ``None`` if none are set, or no tokens were counted."""
        if "input_price" not in self.options or not usage.tokens:
            return None
        paid_in = usage.input_tokens * float(self.options["input_price"])
        return (paid_in + usage.output_tokens * float(self.options["output_price"])) / 1e6


def from_table(table: Mapping[str, Any]) -> str:
    """The reference that a TOML table stands for: ``{name = "openai/gpt-x", max_tokens = 2000, body = {top_k = 20}}``.

    Raises:
        UsageError: it has no name, or a value that no option can have.
    """
    name = table.get("name")
    if not isinstance(name, str) or not name:
        raise UsageError("a table that stands for a model has no name.", 'Write {name = "PROVIDER/MODEL", ...}.')
    pieces = []
    for key, value in table.items():
        if key == "body" and isinstance(value, Mapping):
            pieces += [f"{BODY}{path}={_text(leaf)}" for path, leaf in _leaves(value)]
        elif isinstance(value, str | int | float):
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            pieces += [] if key == "name" else [f"{key.replace('-', '_')}={shown}"]
        else:
            raise UsageError(
                f"the model {name!r}: {key} is neither text nor a number.", "Put further fields under body."
            )
    return f"{name}{',' if _TAIL.search(name) else ':'}{','.join(pieces)}" if pieces else name


def _put(body: dict[str, Any], path: str, text: str, owner: str) -> None:
    """Set a field, given by its path: ``chat_template_kwargs.enable_thinking``. The text is read as JSON if it is valid JSON."""
    *parents, last = path.split(".")
    if not all((*parents, last)) or (path in _OWN):
        raise UsageError(
            f"{owner}: body.{path} cannot be set.",
            "Name a field that is neither an option nor part of rbsuite's request.",
        )
    place = body
    for name in parents:
        place = place.setdefault(name, {})
        if not isinstance(place, dict):
            raise UsageError(f"{owner}: body.{path} is inside a field that is set as well.", "Set one of the two.")
    if last in place:
        raise UsageError(f"{owner}: body.{path} is set twice.", "Set it once.")
    try:
        place[last] = json.loads(text, parse_constant=lambda constant: constant)
    except (ValueError, RecursionError):
        place[last] = text


def _leaves(body: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in body.items():
        inside = isinstance(value, Mapping) and value and not any("." in key or "=" in key for key in value)
        found += _leaves(value, f"{prefix}{name}.") if inside else [(f"{prefix}{name}", value)]
    return found


def _text(value: Any) -> str:
    """A value as it is written: JSON, or the text itself if it does not read as other JSON and contains no comma, quote or bracket."""
    if isinstance(value, str) and value == value.strip() and not re.search(r'[,"\[\]{}]', value):
        try:
            json.loads(value)
        except ValueError:
            return value
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
