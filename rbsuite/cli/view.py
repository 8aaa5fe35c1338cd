"""``rbsuite view``: a local server that shows experiments while they run."""

from __future__ import annotations

from pathlib import Path

import click

from rbsuite.cli.commands import Command, GivenPath, find_plugins
from rbsuite.cli.output import echo, tell

EPILOG = """Examples:

\b
  rbsuite view
  rbsuite view experiments/tau-bench-sample-0123456789 --port 8000
"""


@click.command("view", cls=Command, epilog=EPILOG)
@click.argument("place", default="experiments", type=GivenPath(path_type=Path), metavar="[EXPERIMENT|DIR]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0: any free port.")
@click.option("--reveal", is_flag=True, help="Include text that the benchmark's authors ask not to make public.")
def command(place: Path, port: int, reveal: bool) -> None:
    """Show an EXPERIMENT, or all in DIR [default: experiments], in a browser, until Ctrl-C.

    Prints the address, which contains a token: only requests with it are answered, and only from this machine. Figures and rollouts are
    those of the report and follow a running experiment. Nothing is written.
    """
    import secrets
    import signal
    import socket

    from rbsuite.cli.interrupts import Interrupts, Stopped
    from rbsuite.errors import UsageError

    try:
        from rbsuite.view.server import HOST, Viewer, serve
    except ImportError as error:
        raise UsageError(f"the viewer needs {error.name}.", "Run: pip install 'rbsuite[view]'") from error
    from rbsuite.store import ExperimentStore
    from rbsuite.view.watching import experiments

    try:
        found = experiments(place)
    except OSError as error:
        raise UsageError(f"{place} cannot be read: {error.strerror}.", "Name an experiment, or a directory.") from error
    for directory in found.values() if place in found.values() else ():
        ExperimentStore.open(directory, readonly=True).close()  # this reports what is wrong with it
    if not found:
        tell(f"There are no experiments in {place} yet.")
    token = secrets.token_urlsafe(24)
    with socket.socket() as listening:
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((HOST, port))
            listening.listen()  # readers of the address below may connect immediately
        except OSError as error:
            raise UsageError(f"cannot listen on {HOST}:{port}: {error.strerror}.", "Choose another --port.") from error
        echo(f"http://{HOST}:{listening.getsockname()[1]}/{token}/")
        try:
            with Interrupts() as interrupts:
                interrupts.run(serve(Viewer(place, token, find_plugins(), reveal=reveal), listening))
        except Stopped as stop:
            if stop.signal != signal.SIGINT:
                raise
            tell("Stopped.")
