"""``rbsuite plugin``: what authors of plugins use."""

from __future__ import annotations

import click

from rbsuite.cli import plugin_new
from rbsuite.cli.commands import CommandGroup


@click.group("plugin", cls=CommandGroup)
def command() -> None:
    """Write a plugin."""


command.add_command(plugin_new.command)
