"""``rbsuite serve-model``: simulated models behind a provider-like API."""

from __future__ import annotations

import asyncio

import click

from rbsuite.cli.commands import Command, find_plugins
from rbsuite.cli.output import echo

EPILOG = """Examples:

\b
  rbsuite serve-model --model sim/learner --port 8000
  rbsuite eval --env tau-bench --model sim/learner:server=http://127.0.0.1:8000/v1
  rbsuite serve-model --model sim/learner --port 8000 --fault transient:0.2
"""


@click.command("serve-model", cls=Command, epilog=EPILOG)
@click.option("--model", "models", required=True, metavar="NAME,...", multiple=True, help="The models to serve.")
@click.option("--env", "environment", default="", metavar="NAME", help="Whose tasks are played [default: as asked].")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0: any free port.")
@click.option("--fault", "shares", multiple=True, metavar="KIND:SHARE", help="Share of replies with such a fault.")
@click.option("--script", default="", metavar="KIND,...", help="Faults of the first replies, in order; ok: none.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the faults.")
def command(
    models: tuple[str, ...], environment: str, host: str, port: int, shares: tuple[str, ...], script: str, seed: int
) -> None:
    """Serve models over OpenAI's chat completions (with streaming), and an embedding model, until Ctrl-C.

    Prints the base URL. A simulated model plays the tasks of environments, so it only answers rbsuite itself, whose option server= sends
    along which task is played. The kinds of faults are in docs/models.md; transient: those that a client retries.
    """
    from rbsuite.cli.evaluate import split_references
    from rbsuite.cli.interrupts import Interrupts
    from rbsuite.errors import UsageError
    from rbsuite.serve.faults import Faults, read_shares
    from rbsuite.serve.http import HttpServer
    from rbsuite.serve.server import ModelServer

    if not host:
        raise UsageError("--host is empty.", "Write 127.0.0.1, or 0.0.0.0 for all networks.")
    names = [name for text in models for name in split_references(text)]
    faults = Faults(read_shares(shares), [kind.strip() for kind in script.split(",") if kind.strip()], seed)
    offered = ModelServer(names, find_plugins(), environment, faults)

    async def run() -> None:
        try:
            async with HttpServer(offered.handle, host, port) as server:
                echo(server.url)
                await asyncio.Event().wait()  # until Ctrl-C
        finally:
            await offered.aclose()

    try:
        with Interrupts() as interrupts:
            interrupts.run(run())
    except (OSError, UnicodeError) as error:
        why = "it is not a host" if isinstance(error, UnicodeError) else error.strerror or error
        raise UsageError(f"cannot listen on {host}:{port}: {why}.", "Choose another --host or --port.") from None
