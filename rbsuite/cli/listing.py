"""``rbsuite list``: what the plugins provide, and the plugins themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from rbsuite.cli.commands import Command, find_plugins
from rbsuite.cli.output import echo, echo_json, tell
from rbsuite.report.text import table

if TYPE_CHECKING:
    from rbsuite.options import Option
    from rbsuite.plugins import PluginInfo, Plugins
    from rbsuite.specs import Spec

PLUGINS = "plugins"
SINGULAR = {
    "environments": "environment",
    "memories": "memory",
    "judges": "judge",
    "agents": "agent",
    "users": "user",
    "models": "model",
    "embedders": "embedder",
    "scalings": "scaling",
    "selectors": "selector",
}
KINDS = (*SINGULAR, PLUGINS)
_MARKS = {
    "control": "control",
    "external": "state outside the bank",
    "ground_truth": "sees the ground truth",
    "simulated": "simulated",
    "stateful_server": "shares a server",
}


@click.command("list", cls=Command)
@click.argument("kind", required=False, metavar=f"[{'|'.join(KINDS)}]")
@click.option("-v", "--verbose", is_flag=True, help="Also show the options: type, default, bounds, meaning.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(kind: str | None, verbose: bool, as_json: bool) -> None:
    """List what is installed; without a KIND, the names of all kinds.

    Options are appended to a name as NAME:OPTION=VALUE,..., for example noisy:accuracy=0.7.
    """
    chosen = None if kind is None else read_kind(kind)
    found = find_plugins()
    if chosen is None:
        _show_all(found, as_json)
    elif chosen == PLUGINS:
        from rbsuite.cli.plugins import show_plugins

        show_plugins(found, as_json)
    else:
        _show_specs(specs_of(found, chosen), found.clashes(SINGULAR[chosen]), verbose, as_json)
        _warn_of_failures(found.infos)


def read_kind(text: str) -> str:
    """The kind that a user means; the singular is accepted.

    Raises:
        UnknownNameError: there is no such kind; the nearest is suggested.
    """
    word = text.strip().lower()
    for kind in KINDS:
        if word in (kind, SINGULAR.get(kind, "plugin")):
            return kind
    from rbsuite.errors import UnknownNameError

    raise UnknownNameError("kind", text, KINDS)


def specs_of(plugins: Plugins, kind: str) -> Mapping[str, Spec]:
    """The declared specs of a kind other than ``plugins``, by name."""
    specs: Mapping[str, Spec] = getattr(plugins, kind)
    return specs


def describe_options(options: Sequence[Option]) -> list[tuple[str, str, str, str, str]]:
    """Rows of name, type, default, bounds and meaning."""
    return [(option.name, option.type, _default(option), bounds(option), option.help) for option in options]


def bounds(option: Option) -> str:
    """The allowed values of an option in short form: ``0..1``, ``>= 1``, ``a|b``; empty if there is no limit."""
    low = None if option.minimum is None else f"{option.minimum:.12g}"
    high = None if option.maximum is None else f"{option.maximum:.12g}"
    if option.choices:
        return "|".join(option.choices)
    if low is not None and high is not None:
        return f"{low}..{high}"
    return f">= {low}" if low is not None else f"<= {high}" if high is not None else ""


def _default(option: Option) -> str:
    if isinstance(option.default, bool):
        return "true" if option.default else "false"
    return str(option.default) or '""'


def _show_all(plugins: Plugins, as_json: bool) -> None:
    names = {kind: list(specs_of(plugins, kind)) for kind in KINDS if kind != PLUGINS}
    names[PLUGINS] = [info.name for info in plugins.infos if info.status == "loaded"]
    if as_json:
        echo_json(names)
        return
    builtin = {info.name for info in plugins.infos if info.distribution == "built in"}
    names[PLUGINS] = [name for name in names[PLUGINS] if name not in builtin]
    echo(table([(kind, ", ".join(listed) or "-") for kind, listed in names.items()]))
    for singular in SINGULAR.values():
        _warn_of_clashes(singular, plugins.clashes(singular))
    _warn_of_failures(plugins.infos)
    echo("\nMore: rbsuite list KIND -v")


def _show_specs(specs: Mapping[str, Spec], clashes: Mapping[str, str], verbose: bool, as_json: bool) -> None:
    if as_json:
        echo_json(list(specs.values()))
    elif not specs:
        echo("None is installed.")
    elif not verbose:
        echo(table([(name, _summary(spec)) for name, spec in specs.items()]))
    else:
        echo("\n\n".join(_details(spec) for spec in specs.values()))
    _warn_of_clashes("name", clashes)


def _details(spec: Spec) -> str:
    if not spec.options:
        return f"{spec.name}: {_summary(spec)}\n  no options"
    heads = ("option", "type", "default", "allowed", "meaning")
    return f"{spec.name}: {_summary(spec)}\n{table([heads, *describe_options(spec.options)], indent=2)}"


def _summary(spec: Spec) -> str:
    marks = [mark for attribute, mark in _MARKS.items() if getattr(spec, attribute, False)]
    marks = [mark for mark in marks if mark not in spec.summary]
    return f"{spec.summary} ({', '.join(marks)})" if marks else spec.summary


def _warn_of_clashes(kind: str, clashes: Mapping[str, str]) -> None:
    for name, who in clashes.items():
        tell(f"The {kind} {name!r} cannot be used: it is {who}.")


def _warn_of_failures(infos: Sequence[PluginInfo]) -> None:
    failed = [info.name for info in infos if info.status == "failed"]
    if failed:
        tell(f"Failed to load: {', '.join(failed)}. See: rbsuite plugins")
