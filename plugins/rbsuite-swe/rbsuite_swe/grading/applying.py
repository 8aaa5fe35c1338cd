"""Puts a model's patch into a repository, by the ways that the official harness tries one after the other."""

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
"""What is printed where none works."""


def applied(path: str) -> str:
    """Bash that applies a patch, from a clean tree for every way; where none works it says so and ends with 1."""
    first, *others = (f"{way} {shlex.quote(path)}" for way in WAYS)
    tries = [f"{{ {first}; }}", *(f"{{ git checkout -q -- . ; git clean -qfd; {one}; }}" for one in others)]
    check = f"git apply --check --reverse {shlex.quote(path)}"
    return f"{' || '.join(tries)} || {check} || {{ echo '{FAILED}'; exit 1; }}"


def reset(paths: Sequence[str]) -> str:
    """Bash that brings files back to what the commit has; those that it has not are removed."""
    return "\n".join(
        f"rm -rf -- {name}; git cat-file -e HEAD:{name} 2>/dev/null && git checkout -q HEAD -- {name}"
        for name in map(shlex.quote, paths)
    )
