"""How commands that show texts open an experiment: texts of private tasks are left out unless requested."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rbsuite.cli.output import tell

if TYPE_CHECKING:
    from rbsuite.store import ExperimentStore

reveal_option = click.option(
    "--reveal", is_flag=True, help="Include text of private tasks, and what was learned from it."
)


def open_shown(experiment: Path, *, reveal: bool) -> ExperimentStore:
    """Open an experiment for reading, and say if texts are left out.

    Args:
        experiment: its directory.
        reveal: whether the texts of private tasks are requested.

    Raises:
        StoreError: there is no experiment, or its texts are requested but sealed under a key that is not on this machine.
    """
    from rbsuite.store import ExperimentStore

    store = ExperimentStore.open(experiment, readonly=True)
    try:
        if reveal:
            return store.revealed()
        say_what_is_left_out(store)
    except BaseException:
        store.close()
        raise
    return store


def say_what_is_left_out(store: ExperimentStore) -> None:
    """Say on one line that texts are left out, if they are."""
    say_without_key(store)
    if store.confined and store.can_reveal:
        tell("The tasks are private, so their text is left out (see --reveal).")


def say_without_key(*stores: ExperimentStore) -> None:
    """Say for which experiments the texts cannot be read here, one line each."""
    for store in stores:
        if not store.can_reveal:
            tell(f"{store.directory}: its text is sealed, and the key is not on this machine: it is left out.")
