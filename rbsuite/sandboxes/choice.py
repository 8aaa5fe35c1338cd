"""Which backend an experiment gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rbsuite.errors import UsageError
from rbsuite.sandboxes.base import Backend
from rbsuite.sandboxes.bwrap import Bwrap
from rbsuite.sandboxes.containers import Engine
from rbsuite.sandboxes.local import Local

AUTO = "auto"
BACKENDS: Mapping[str, Backend] = {
    "bwrap": Bwrap(),
    "podman": Engine("podman"),
    "docker": Engine("docker"),
    "local": Local(),
}
"""All of them, in the order in which they are preferred."""
NAMES: tuple[str, ...] = (AUTO, *BACKENDS)
UNSAFE = (
    "How far it isolates models' commands depends on this machine; `rbsuite doctor` tells. "
    "Add --unsafe-local if that is what you want."
)


def told(backend: Backend) -> str:
    """The backend as recorded in results: its name, and which rules it does not keep."""
    gaps = backend.gaps()
    return f"{backend.name} ({gaps})" if gaps else backend.name


def choose(name: str, *, unsafe_local: bool, offered: Sequence[str] = tuple(BACKENDS)) -> Backend:
    """The backend with a name; ``auto``: the first one that works here and isolates.

    Args:
        name: one of :data:`NAMES`.
        unsafe_local: whether the user accepts ``local``.
        offered: those that the environment can use.

    Raises:
        UsageError: it does not work here, none does, or ``local`` was not accepted.
    """
    if name == AUTO:
        if unsafe_local:
            return BACKENDS["local"]
        tried = {one: BACKENDS[one].missing() for one in offered if BACKENDS[one].isolates}
        for one, missing in tried.items():
            if not missing:
                return BACKENDS[one]
        first, missing = next(iter(tried.items()))
        others = [one for one in tried if one != first]
        more = f" Or get {' or '.join(others)}; `rbsuite doctor` tells how." if others else ""
        raise UsageError(f"no sandbox can run here: {missing}.", more.strip())
    if name not in offered:
        raise UsageError(f"sandbox {name!r} cannot be used here.", f"Use one of: {', '.join((AUTO, *offered))}.")
    backend = BACKENDS[name]
    if not backend.isolates and not unsafe_local:
        raise UsageError(f"{name!r} is not a sandbox.", UNSAFE)
    if missing := backend.missing():
        raise UsageError(f"sandbox {name!r} cannot run here: {missing}.", "Run: rbsuite doctor")
    return backend
