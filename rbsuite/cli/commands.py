"""What all commands have in common: options given only once, suggestions, their own standard output, and the plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rbsuite.cli.output import own_stdout

if TYPE_CHECKING:
    from rbsuite.plugins import Plugins


class Command(click.Command):
    """A command that refuses an option given twice, and is the only one to write to standard output while it runs."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments.

        Raises:
            click.UsageError: an option that takes one value is given more than once: all but the last would be ignored.
        """
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for option in given:
            if not isinstance(option, click.Option) or given.count(option) == 1:
                continue
            may_repeat = option.multiple or (option.is_flag and not option.secondary_opts)
            if not may_repeat:
                raise click.UsageError(f"{option.opts[0]} is given more than once, but takes one value.", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what anything else prints meanwhile goes to standard error."""
        with own_stdout(ctx):
            return super().invoke(ctx)


class CommandGroup(click.Group):
    """A group of such commands. For an unknown command the nearest one is suggested."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command.

        Raises:
            click.UsageError: there is no command with that name.
        """
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1, cutoff=0.5)
            guess = f"Did you mean {near[0]!r}?" if near else f"Commands: {', '.join(known)}."
            ctx.fail(f"No such command {name!r}. {guess}")
        return super().resolve_command(ctx, args)


def find_plugins() -> Plugins:
    """The plugins: those passed to the command line, or else the installed ones, which are looked up on first use."""
    root = click.get_current_context().find_root()
    if root.obj is None:
        from rbsuite.plugins import load_plugins

        root.obj = load_plugins()
    found: Plugins = root.obj
    return found


def usage_line(error: click.ClickException) -> str:
    """An error found by click, as one line in the style of rbsuite's own errors."""
    message = " ".join(error.format_message().split())
    if isinstance(error, click.NoSuchOption):
        message = f"No such option {error.option_name!r}."
        if error.possibilities:
            message += f" Did you mean {' or '.join(map(repr, error.possibilities[:2]))}?"
    if not message.endswith((".", "?")):
        message += "."
    context = getattr(error, "ctx", None)
    return f"{message} See: {context.command_path} --help" if context is not None else message


class GivenPath(click.Path):
    """A path as the user gave it; an address, or what is too long for a path, is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the path.

        Raises:
            UsageError: it cannot be one.
        """
        if isinstance(value, str):
            from rbsuite.errors import UsageError, shortened
            from rbsuite.files import Unusable, check_path

            try:
                check_path(value)
            except Unusable as error:
                named = param.get_error_hint(ctx).strip("'") if param is not None and ctx is not None else "path"
                raise UsageError(f"{named} {shortened(value)!r} is {error}.", "Name a file or directory.") from error
        return super().convert(value, param, ctx)


data_option = click.option(
    "--data",
    type=GivenPath(path_type=str),
    default="",
    metavar="DIR",
    help="A pack to read instead of the imported one.",
)
"""For commands that read an environment's tasks."""


class Number(click.FloatRange):
    """A number in a range; click's own type lets ``nan`` through, which is in no range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the number."""
        number = super().convert(value, param, ctx)
        if number != number:
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number
