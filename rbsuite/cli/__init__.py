"""The ``rbsuite`` command. A command's module is imported only when that command runs, so ``rbsuite --help`` is fast."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

from rbsuite import __version__
from rbsuite.cli.commands import CommandGroup, usage_line
from rbsuite.cli.interrupts import Interrupts, exit_code
from rbsuite.cli.output import OutputLost, guard, tell

if TYPE_CHECKING:
    from rbsuite.plugins import Plugins

_LONG = re.compile(r"\S{400,}")
_BEGINNING = 100
"""How much of a word is shown that is longer than any name: an argument or value that somebody pasted."""

EXIT_OUTPUT_LOST = 74
"""Standard output is closed, its disk is full, or its terminal is gone (EX_IOERR of sysexits.h)."""

EXIT_BROKEN_PIPE = 141
"""The exit code that a shell sees when a program's reader went away (128 + SIGPIPE)."""


class Lazy(NamedTuple):
    """A command that has not been imported yet.

    Attributes:
        module: its module, which defines it as ``command``.
        help: the line that ``rbsuite --help`` shows.
    """

    module: str
    help: str


COMMANDS: Mapping[str, Lazy] = {
    "eval": Lazy("rbsuite.cli.evaluate", "Measure a memory: on against off, same tasks, same order."),
    "list": Lazy("rbsuite.cli.listing", "List environments, memories, judges, agents, models and other plugins."),
    "compare": Lazy("rbsuite.cli.compare", "Compare conditions: intervals, tests, cost, judge, memory, learning."),
    "show": Lazy("rbsuite.cli.show", "Show one task with memory and without it, side by side."),
    "diff": Lazy("rbsuite.cli.diff", "Show how two experiments differ and what came of it."),
    "report": Lazy("rbsuite.cli.report", "Write experiments as a page: figures, charts, rollouts side by side."),
    "view": Lazy("rbsuite.cli.view", "View experiments in a browser while they run."),
    "export": Lazy("rbsuite.cli.export", "Write an experiment as CSV, JSON lines, Parquet, inspect logs or ATIF."),
    "attribute": Lazy("rbsuite.cli.attribute", "Leave memory items out and rerun their tasks: what did each cause?"),
    "check": Lazy("rbsuite.cli.check", "Check that an experiment's file is still as it was written."),
    "rescore": Lazy("rbsuite.cli.rescore", "Grade an experiment again under another convention."),
    "plan": Lazy("rbsuite.cli.plan", "Say how many tasks, orders and rollouts a comparison needs."),
    "env": Lazy("rbsuite.cli.environment", "Show an environment: splits, tasks, data, licence, floor."),
    "data": Lazy("rbsuite.cli.data", "Import, fetch and list the upstream data of environments."),
    "verify": Lazy("rbsuite.cli.verify", "Replay an environment's reference solutions and compare the scores."),
    "memory": Lazy("rbsuite.cli.memory", "Inspect the memory banks of an experiment."),
    "leaderboard": Lazy("rbsuite.cli.leaderboard", "Submit experiments to boards, check submissions, build pages."),
    "cache": Lazy("rbsuite.cli.cache", "Say why model calls missed a cache of replies."),
    "serve-model": Lazy(
        "rbsuite.cli.serve_model", "Serve simulated models the way providers serve theirs, faults included."
    ),
    "prompts": Lazy("rbsuite.cli.prompts", "List, show and render the prompt templates."),
    "plugins": Lazy("rbsuite.cli.plugins", "List the plugins, and any problems with them."),
    "plugin": Lazy("rbsuite.cli.plugin", "Write plugins and check them."),
    "doctor": Lazy("rbsuite.cli.doctor", "Check this installation and say how to fix it."),
}
"""The commands, in the order of ``rbsuite --help``."""


class LazyGroup(CommandGroup):
    """A group whose commands are imported when they run.

    Args:
        lazy: the commands by name, in display order.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; ``None``: there is no such command.

        Raises:
            PluginError: its module is missing or cannot be imported.
        """
        entry = self._lazy.get(cmd_name)
        if entry is None:
            return None
        try:
            command: click.Command = import_module(entry.module).command
        except ImportError as error:
            from rbsuite.errors import PluginError

            remedy = "Reinstall rbsuite."
            raise PluginError(f"the command {cmd_name!r} cannot be loaded: {error}.", remedy) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands and their help lines without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self._lazy.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. An interrupt and a closed pipe bypass click, which would print its own message."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            from rbsuite.errors import Interrupted

            raise Interrupted("interrupted.", exit_code=exit_code(stop)) from None
        except BrokenPipeError as error:
            raise _ReaderGone from error


class _ReaderGone(Exception):
    """The reader of our output has closed it."""


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="rbsuite", message="%(prog)s %(version)s")
def command() -> None:
    """Does a memory make this agent better, by how much, at what cost, and how sure are we?

    Start with: rbsuite eval --env tau-bench
    """


def main(arguments: Sequence[str] | None = None, plugins: Plugins | None = None) -> NoReturn:
    """Run the command line and exit.

    Exit codes: 0 success, 1 a check failed or every rollout of a condition did, 2 a usage or rbsuite error, 3 the experiment is not
    complete, 74 standard output cannot be written, 130 interrupted, 143 terminated (SIGTERM), 129 the terminal is gone (SIGHUP), 141 the
    reader of the output is gone.

    Args:
        arguments: the arguments after the program's name; ``None``: those of the process.
        plugins: the plugins; ``None``: the installed ones, found when they are needed.
    """
    closed = _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a character the terminal lacks must not end a run
    sys.stdout, sys.stderr = guard(sys.stdout), guard(sys.stderr, lossy=True)
    Interrupts().install()
    if closed:
        sys.exit(_complain("standard output is closed. Send it somewhere, if only to /dev/null.", EXIT_OUTPUT_LOST))
    try:
        code = run(arguments, plugins)
    except Exception as error:
        code = _crashed(error)
    _flush_or_drop()
    sys.exit(code)


def _crashed(error: Exception) -> int:
    """Show a traceback, as Python does, but without keys: an error message may contain the values it was given."""
    import traceback

    from rbsuite.redact import redact

    tell(redact("".join(traceback.format_exception(error)).rstrip()))
    return 1


def _open_what_is_closed() -> bool:
    """Replace standard streams that are closed, so that a newly opened file does not take their number.

    Returns:
        Whether standard output was closed.
    """
    closed = sys.stdout is None
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    return closed


def _flush_or_drop() -> None:
    """Flush or discard the streams, so that the interpreter does not fail at exit, with its own exit code, over unread output."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            getattr(stream, "stream", stream).flush()
        except OSError:
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, number)


def run(arguments: Sequence[str] | None = None, plugins: Plugins | None = None) -> int:
    """Run the command line; every error is one line on stderr. See :func:`main` for the arguments.

    Returns:
        The exit code.
    """
    if not _somewhere():
        return _complain("the current directory no longer exists. Change to one that does.", 2)
    try:
        result = command.main(
            args=None if arguments is None else list(arguments),
            prog_name="rbsuite",
            standalone_mode=False,
            obj=plugins,
        )
        sys.stdout.flush()
    except (_ReaderGone, BrokenPipeError):
        return _quiet_exit()
    except click.Abort:
        return _complain("interrupted.", 130)
    except click.exceptions.NoArgsIsHelpError as error:  # no command was given: the help is the answer
        error.show()
        return error.exit_code
    except click.ClickException as error:
        from rbsuite.redact import redact

        return _complain(redact(usage_line(error)), 2)
    except OSError as error:
        if error.filename is not None:
            raise
        lost = OutputLost(error)  # in printing help, which click does
        return _complain(str(lost), lost.exit_code)
    except Exception as error:
        from rbsuite.errors import RbsuiteError, exit_code_of, words_of

        if not isinstance(error, RbsuiteError):
            raise
        return _complain(words_of(error), exit_code_of(error))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # only a plugin raises such a thing
        from rbsuite.errors import PluginError

        return _complain(str(PluginError.of("a plugin", error, "Fix it, or leave it out.")), 2)
    return result if isinstance(result, int) else 0


def _somewhere() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _complain(message: str, code: int) -> int:
    said = _LONG.sub(lambda word: f"{word[0][:_BEGINNING]}...", message)
    tell(f"rbsuite: error: {said}")  # if the terminal is gone, the exit code still says it
    return code


def _quiet_exit() -> int:
    """Redirect stdout to nowhere, so that the interpreter's last flush does not complain."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    return EXIT_BROKEN_PIPE
