"""Small curves at the end of what commands print, where the terminal can draw them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from rbsuite.cli.output import echo, stdout

if TYPE_CHECKING:
    from rbsuite.statistics.summary import Summary


def draw_curves(summary: Summary) -> None:
    """Draw how success went along the stream; nothing in a pipe, or where the terminal lacks the characters."""
    stream = stdout()
    if not stream.isatty():
        return
    from rbsuite.report.sparks import curves, drawable

    if drawable(stream.encoding) and (text := curves(summary, shutil.get_terminal_size().columns)):
        echo(f"\n{text}")
