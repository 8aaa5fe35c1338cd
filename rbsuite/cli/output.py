"""How commands print JSON."""

from __future__ import annotations

import json
from typing import Any

import click


def echo_json(value: Any) -> None:
    """Print a value as indented JSON."""
    from rbsuite.jsonable import plain

    click.echo(json.dumps(plain(value), indent=2))
