"""Small curves at the end of a command's output, if the terminal can draw them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from rbsuite.cli.output import echo, stdout

if TYPE_CHECKING:
    from rbsuite.statistics.summary import Summary


def draw_curves(summary: Summary) -> None:
    """Draw success along the stream; nothing in a pipe, or if the terminal lacks the characters."""
    stream = stdout()
    if not stream.isatty():
        return
    from rbsuite.report.sparks import curves, drawable

    if drawable(stream.encoding) and (text := curves(summary, shutil.get_terminal_size().columns)):
        echo(f"\n{text}")
