"""Applies a model's patch to a repository, using the methods that the official harness tries one after the other."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

WAYS = (
    "git apply --verbose",
    "git apply --verbose --3way",
    "git apply --verbose --reject",
    "patch --batch --forward --fuzz=5 -p1 -i",
)
FAILED = ">>>>> Patch Apply Failed"
"""What is printed if none works."""


def applied(path: str) -> str:
    """Bash that applies a patch, starting each method from a clean tree; if none works it says so and exits with 1."""
    first, *others = (f"{way} {shlex.quote(path)}" for way in WAYS)
    tries = [f"{{ {first}; }}", *(f"{{ git checkout -q -- . ; git clean -qfd; {one}; }}" for one in others)]
    check = f"git apply --check --reverse {shlex.quote(path)}"
    return f"{' || '.join(tries)} || {check} || {{ echo '{FAILED}'; exit 1; }}"


def reset(paths: Sequence[str]) -> str:
    """Bash that restores files to the state of the commit; those that are not in it are removed."""
    return "\n".join(
        f"rm -rf -- {name}; git cat-file -e HEAD:{name} 2>/dev/null && git checkout -q HEAD -- {name}"
        for name in map(shlex.quote, paths)
    )
