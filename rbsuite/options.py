"""References such as ``noisy:0.7`` or ``reasoningbank:k=2``: a name and the options its spec declares.

Syntax: ``NAME``, or ``NAME:VALUE,KEY=VALUE,...``. Values without a key go to the declared options in their order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from rbsuite.errors import UnknownNameError, UsageError
from rbsuite.redact import MASK
from rbsuite.scrub import names_secret

OptionType = Literal["int", "float", "str", "bool"]
OptionValue = int | float | str | bool


@dataclass(frozen=True, slots=True)
class Option:
    """An option that a memory, judge, agent, model, ... declares.

    Attributes:
        name: keyword argument of the factory.
        type: how its text is read.
        default: its value when not given.
        help: one line.
        minimum, maximum: bounds of a number, inclusive; ``None``: unbounded.
        choices: the allowed values, if there are few.
        always: whether it is shown even when it has its default, since the name says little without it (``parallel:3``).
    """

    name: str
    type: OptionType
    default: OptionValue
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    always: bool = False

    def read(self, text: str, owner: str) -> OptionValue:
        """The value that ``text`` stands for.

        Raises:
            UsageError: the text is not of the option's type, or out of its bounds.
        """
        value = self._convert(text, owner)
        if self.choices and str(value) not in self.choices:
            raise UsageError(f"{owner}: option {self.name}={text!r}.", f"Use one of: {', '.join(self.choices)}.")
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._check_bounds(value, owner)
        return value

    def _convert(self, text: str, owner: str) -> OptionValue:
        if self.type == "str":
            return text
        if self.type == "bool":
            truth = {
                "true": True,
                "yes": True,
                "on": True,
                "1": True,
                "false": False,
                "no": False,
                "off": False,
                "0": False,
            }
            if text.lower() in truth:
                return truth[text.lower()]
        elif text.isascii() and "_" not in text:
            try:
                return int(text) if self.type == "int" else float(text)
            except ValueError:
                pass
        kinds = {"int": "a whole number", "float": "a number", "bool": "true or false"}
        raise UsageError(f"{owner}: option {self.name}={text!r} is not {kinds[self.type]}.", f"{self.help}.")

    def _check_bounds(self, value: float, owner: str) -> None:
        low, high = self.minimum, self.maximum
        if value != value or (low is not None and value < low) or (high is not None and value > high):
            bounds = f"{'' if low is None else f'>= {low:g}'}{' and ' if None not in (low, high) else ''}"
            bounds += "" if high is None else f"<= {high:g}"
            raise UsageError(
                f"{owner}: option {self.name}={_show(value)} is out of range.", f"It must be {bounds or 'a number'}."
            )


@dataclass(frozen=True, slots=True)
class PartReference:
    """A name with the texts of its options, as the user wrote them."""

    name: str
    positional: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> PartReference:
        """Read ``NAME[:VALUE,KEY=VALUE,...]``.

        Raises:
            UsageError: there is no name, an option is given twice, or one is a provider's key.
        """
        refuse_keys(text)
        name, _, rest = text.strip().partition(":")
        if not name:
            raise UsageError(f"{text!r} has no name.", "Write NAME or NAME:OPTION=VALUE,...")
        positional: list[str] = []
        named: dict[str, str] = {}
        for part in filter(None, (piece.strip() for piece in rest.split(","))):
            key, equals, value = part.partition("=")
            if not equals:
                positional.append(part)
            elif key.strip() in named:
                raise UsageError(f"{text!r} gives the option {key.strip()!r} twice.", "Give it once.")
            else:
                named[key.strip()] = value.strip()
        return cls(name, tuple(positional), tuple(named.items()))

    def values(self, kind: str, options: Sequence[Option]) -> Mapping[str, OptionValue]:
        """The value of every declared option.

        Raises:
            UsageError: an unknown option (the nearest name is suggested), a bad value, or too many values.
        """
        owner = f"{kind} {self.name!r}"
        declared = {option.name: option for option in options}
        values: dict[str, OptionValue] = {option.name: option.default for option in options}
        if self.named and not options:
            raise UsageError(f"{owner} takes no options, but was given {self.named[0][0]!r}.", "Leave it out.")
        if len(self.positional) > len(options):
            takes = f"It takes {len(options)}: {', '.join(declared)}." if options else "It takes no options."
            raise UsageError(f"{owner} was given {len(self.positional)} values.", takes)
        given = [(option.name, text) for option, text in zip(options, self.positional, strict=False)]
        twice = [name for name, _ in given if name in dict(self.named)]
        if twice:
            raise UsageError(f"{owner} was given the option {twice[0]!r} twice.", "Give it once.")
        for name, text in [*given, *self.named]:
            if name not in declared:
                raise UnknownNameError(f"option of {owner}", name, declared)
            values[name] = declared[name].read(text, owner)
        return values


def whole_number(text: str, most: int = 2**63 - 1) -> int | None:
    """The whole number that a text of the digits 0 to 9 stands for; ``None`` if it is no such text, or larger than ``most``."""
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(most)):
        return None
    return value if (value := int(text)) <= most else None


def split_pieces(text: str) -> list[str]:
    """Split at commas outside brackets and double quotes; white space around the pieces is dropped, and so are empty pieces.

    A text in which a bracket or quote is not closed is split at every comma.
    """
    pieces, depth, quoted, escaped, start = [], 0, False, False, 0
    for place, character in enumerate(text):
        if escaped or (quoted and character == "\\"):
            escaped = not escaped
        elif character == '"':
            quoted = not quoted
        elif not quoted and character in "[{":
            depth += 1
        elif not quoted and character in "]}":
            depth -= 1
        elif character == "," and not quoted and depth == 0:
            pieces.append(text[start:place])
            start = place + 1
    pieces = text.split(",") if quoted or depth else [*pieces, text[start:]]
    return [piece.strip() for piece in pieces if piece.strip()]


_USER = re.compile(r"://([^\s/?#@=]*+)@")
"""The user in an address, up to an option that a comma begins."""


def refuse_keys(text: str) -> None:
    """Refuse references with a provider's key in them, since options are shown, or with a password that a comma would cut in two.

    Raises:
        UsageError: there is one. The message does not repeat it.
    """
    if any("," in user[1] for user in _USER.finditer(text)):
        raise UsageError(
            "an address has a comma in its user name or password, where a comma begins the next option.",
            "Write it as %2C.",
        )
    for named in re.finditer(r"(?<![\w.-])([\w.-]{1,80})\s*=", text):
        if names_secret(named):
            # What a plugin's model or a service reads is not known here.
            provider = re.search(r"(?:^|[:=,])(?!sim/)([A-Za-z][\w-]*)/(?!/)", text)
            variable = (
                f"the environment variable {re.sub('[^A-Z0-9]', '_', provider[1].upper())}_API_KEY"
                if provider
                else "its environment variable, see docs/configuration.md"
            )
            raise UsageError(
                f"{text.partition(':')[0].strip()!r} is given the option {named[1]!r}, but keys are not options.",
                f"Set {variable}; it is neither stored nor shown.",
            )


def is_server(text: str) -> bool:
    """Whether a text is the address of a server: ``http`` or ``https``, a host, and perhaps a user, a port, a path and a query."""
    try:
        parts = urlsplit(text)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is not a number, a bracket that is not closed
        return False
    return named and text.isprintable() and " " not in text


def without_user(text: str) -> str:
    """What a user gave as an address, or a part of one, for a message: what may be a password is masked."""
    user, _, place = text.rpartition("@")
    if user:
        return f"{MASK}@{place}"
    scheme, begun, rest = text.partition("://")
    half = begun and not rest.partition("/")[0].rpartition(":")[2].isdecimal()  # it may be cut within a password
    return f"{scheme}://{MASK}" if half and ":" in rest else text


def require_server(owner: str, address: str, example: str) -> None:
    """Check the address of a server.

    Args:
        owner: whose address it is; begins the message.
        address: what was given.
        example: what to write.

    Raises:
        UsageError: it is not one. The message does not repeat its user and password.
    """
    if not is_server(address):
        raise UsageError(f"{owner}{without_user(address)!r} is not a URL.", f"Write {example}.")


def canonical_reference(name: str, values: Mapping[str, OptionValue], options: Sequence[Option]) -> str:
    """The one way to write a reference: options in declared order, defaults left out unless they are always shown.

    A condition is named by this text, so ``x:k=1`` and ``x`` are the same condition when 1 is the default.
    """
    parts: list[str] = []
    for place, option in enumerate(options):
        text = _show(values[option.name])
        if option.always:
            parts.append(text if place == len(parts) else f"{option.name}={text}")
        elif values[option.name] != option.default:
            parts.append(f"{option.name}={text}")
    return f"{name}:{','.join(parts)}" if parts else name


def _show(value: OptionValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)  # a condition is run from this text, so it must be exact
    return str(value)
