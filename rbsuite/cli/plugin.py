"""``rbsuite plugin``: for plugin authors."""

from __future__ import annotations

import click

from rbsuite.cli import Lazy, LazyGroup

COMMANDS = {
    "new": Lazy("rbsuite.cli.plugin_new", "Write a distribution with a plugin, ready to install, test and run."),
    "check": Lazy("rbsuite.cli.plugin_check", "Check plugins against the rules of the contract."),
}
"""The commands, in the order of the help."""


@click.group("plugin", cls=LazyGroup, lazy=COMMANDS)
def command() -> None:
    """Write plugins and check them."""
