"""Repositories with one commit, made on this machine from texts that this machine knows; never from what an agent left behind."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from rbsuite.errors import EnvironmentFailure

_WHO = ("NAME", "base"), ("EMAIL", "base@example.org"), ("DATE", "2026-01-01T00:00:00Z")
_VARIABLES = {
    "PATH": os.defpath,
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    **{f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in _WHO},
}
_STEPS = (
    ["init", "-q", "-b", "main", "--template="],
    ["add", "-A", "-f"],
    ["commit", "-q", "-m", "The state before the change", "--no-gpg-sign"],
)


def make_repository(files: Mapping[str, str], place: Path) -> None:
    """Write files into a new directory, and commit them once.

    Args:
        files: texts by path.
        place: the directory; it must not exist.

    Raises:
        EnvironmentFailure: git is missing or fails.
    """
    for name, text in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    for step in _STEPS:
        try:
            done = subprocess.run(["git", *step], cwd=place, env=_VARIABLES, capture_output=True, check=False)
        except FileNotFoundError:
            raise EnvironmentFailure("git is not installed.", "Install git.") from None
        if done.returncode:
            told = " ".join(done.stderr.decode("utf-8", "replace").split())[:200]
            raise EnvironmentFailure(f"git {step[0]} failed: {told}.", "Check the installation of git.")


ONE_COMMIT = """set -e
cd -- "$1"
git ls-files -z > /tmp/tracked
rm -rf .git
git init -q
git add -f --pathspec-from-file=/tmp/tracked --pathspec-file-nul
git commit -q --no-gpg-sign -m "The state before the change"
"""
"""Bash that reduces a repository in an image to what its commit tracks, as one commit: no history, branch, tag, remote or reflog can reveal
the fix."""
