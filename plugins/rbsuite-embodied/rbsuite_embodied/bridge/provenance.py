"""Which EmbodiedBench this is: the commit of its checkout, and the hashes of the files that determine an episode."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_FILES: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "eb-alfred": (
        "eb_alfred",
        ("EBAlfEnv.py", "thor_connector.py", "env/thor_env.py", "env/tasks.py"),
        "data/splits/splits.json",
    ),
    "eb-habitat": (
        "eb_habitat",
        ("EBHabEnv.py", "actions.py", "measures.py", "predicate_task.py"),
        "datasets/*.pickle",
    ),
}
"""By environment: its folder in ``embodiedbench/envs``, the files that determine its behaviour, and its episodes."""


def describe_package(folder: Path, environment: str) -> Mapping[str, Any]:
    """What is known about a package ``embodiedbench``: ``commit``, and SHA-256 by file name in ``sources`` and ``data``.

    It contains no paths of the machine. A checkout may have been modified; that shows in the hashes.

    Args:
        folder: the package's directory.
        environment: ``eb-alfred`` or ``eb-habitat``.
    """
    name, sources, data = _FILES[environment]
    place = folder / "envs" / name
    return {
        "commit": commit_of(folder.parent),
        "sources": _hashes(place / source for source in sources),
        "data": _hashes(sorted(place.glob(data))),
    }


def commit_of(checkout: Path) -> str:
    """The commit that is checked out in a directory; ``""`` if it is not a checkout, or the commit cannot be determined."""
    try:
        git = checkout / ".git"
        if git.is_file():  # for a worktree or a submodule
            git = checkout / git.read_text(encoding="utf-8").partition("gitdir:")[2].strip()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if head.startswith("ref:"):
            head = _reference(git, head.removeprefix("ref:").strip())
    except (OSError, UnicodeDecodeError):
        return ""
    return head if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", head) else ""


def _reference(git: Path, name: str) -> str:
    common = git / "commondir"
    shared = git / common.read_text(encoding="utf-8").strip() if common.is_file() else git
    for place in (git / name, shared / name):
        if place.is_file():
            return place.read_text(encoding="utf-8").strip()
    packed = shared / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((line.partition(" ")[0] for line in lines if line.endswith(f" {name}")), "")


def _hashes(files: Iterable[Path]) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}
