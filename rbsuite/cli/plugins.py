"""``rbsuite plugins``: the plugins, and what is wrong with them. ``rbsuite list plugins`` is an alias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from rbsuite.cli.commands import Command, find_plugins
from rbsuite.cli.output import echo, echo_json, tell
from rbsuite.report.text import table

if TYPE_CHECKING:
    from rbsuite.plugins import PluginInfo, Plugins


@click.command("plugins", cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the plugins: distribution and version, version of the hooks they are built for, what they provide, what went wrong."""
    show_plugins(find_plugins(), as_json)


def show_plugins(plugins: Plugins, as_json: bool) -> None:
    """Print the list; each plugin that failed or is slow also gets a line on standard error that says what to do."""
    from rbsuite.distributions import strays

    infos = plugins.infos
    if as_json:
        echo_json(infos)
    else:
        heads = ("plugin", "distribution", "api", "status", "seconds", "provides", "error")
        echo(table([heads, *(_row(info) for info in infos)]))
    for info in infos:
        if info.status == "failed":
            tell(f"{info.name} ({info.distribution}) failed: {info.error}. {info.remedy}")
        elif info.slow:
            tell(f"{info.name} ({info.distribution}) takes {info.seconds:.1f} s to load. {info.remedy}")
    for name in strays():
        tell(
            f"{name} is installed but declares no plugin. Add an entry point in the group rbsuite to its pyproject.toml."
        )


def _row(info: PluginInfo) -> Sequence[str]:
    return (
        info.name,
        info.distribution,
        info.api or "-",
        info.status,
        f"{info.seconds:.2f}",
        _provided(info.provides),
        info.error,
    )


def _provided(provides: Mapping[str, tuple[str, ...]]) -> str:
    """What a plugin declares: names if there are few, else how many."""
    parts = []
    for kind, names in provides.items():
        if kind == "prompt_dirs":
            parts.append("prompts")
        elif len(names) > 2:
            parts.append(f"{len(names)} {kind}")
        else:
            parts.append(f"{kind}: {', '.join(names)}")
    return "; ".join(parts) or "-"
