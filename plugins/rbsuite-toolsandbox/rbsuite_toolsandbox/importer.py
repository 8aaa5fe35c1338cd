"""Imports ToolSandbox's scenarios as a pack: from another pack, or from a checkout whose code is run by the user's own interpreter.

The pack: ``scenarios.jsonl``, ``augmented.jsonl``, ``states.json``, ``tools.json``, ``fixtures.json`` and ``LICENSE`` if the source has
them, and ``SOURCE.md``.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from rbsuite.data.checkout import SourceTree
from rbsuite.data.importing import DirectoryImporter, commit_of_source
from rbsuite.data.packs import PackFacts
from rbsuite.errors import DataError
from rbsuite.jsonable import digest
from rbsuite_toolsandbox.pack import FILES, FIXTURES, SCENARIOS, STATES, Pack
from rbsuite_toolsandbox.scenario import GUARDRAIL

REPOSITORY = "apple/ToolSandbox"
COMMIT = "165848b9a78cead7ca7fe7c89c688b58e6501219"
CONTENT = "182ca5918a69a15c886b6833d5a817e8f4407f7bd065b0a05c010d723f091f38"
"""Digest of the scenarios, worlds and schemas of the pinned commit, built with the script's clock and seed."""

LICENCE = "Apple's sample code licence, (c) 2024 Apple"
_LICENCE_NAME = "LICENSE"
_SOURCE_NAME = "SOURCE.md"
_MINUTES = 15


class ToolSandboxImporter(DirectoryImporter):
    """The importer of the pack ``toolsandbox``; see :class:`rbsuite.data.packs.ExportingImporter`."""

    name = "toolsandbox"
    title = "ToolSandbox"
    repository = REPOSITORY
    checkout_marks = ("tool_sandbox/scenarios",)
    pack_marks = (SCENARIOS,)

    @property
    def script(self) -> Path:
        """The script that exports a checkout."""
        return Path(__file__).with_name("export_upstream.py")

    @property
    def script_summary(self) -> str:
        """What the script does, in one line."""
        return "imports tool_sandbox from the checkout, in UTC, with the clock at 2025-01-01 12:00:00 and seed 0, and writes JSON"

    def export(self, source: Path, python: Path, target: Path) -> None:
        """Run the script on a checkout.

        Raises:
            DataError: it failed; the message has its last line.
        """
        given = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        fixed = {"TZ": "UTC", "PYTHONHASHSEED": "0", "POLARS_MAX_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [str(python), str(self.script), str(source.resolve()), str(target)]
        try:
            done = subprocess.run(
                command, env={**given, **fixed}, capture_output=True, text=True, timeout=_MINUTES * 60, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            why = getattr(error, "strerror", None) or f"it took longer than {_MINUTES} minutes"
            raise DataError(f"{str(python)!r} could not export the scenarios: {why}.", _PYTHON_REMEDY) from error
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
            raise DataError(f"the export of the scenarios failed: {said[:300]}.", _PYTHON_REMEDY)
        SourceTree(source).copy(_LICENCE_NAME, target)

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        """Check every scenario of a pack, then copy its files.

        Raises:
            DataError: something is missing or malformed, or names an unknown function; or the source is a checkout.
        """
        if self.recognise(source) == "checkout":
            raise DataError(
                "ToolSandbox's scenarios are Python objects, which only upstream's own code can build.", _PYTHON_REMEDY
            )
        pack = Pack(source)
        checked = [pack.scenario(name) for name in (*pack.base, *pack.augmented)]
        for scenario in checked:
            pack.state(scenario)
        commit = commit or commit_of_source(source, "pack")
        equals = COMMIT if content_digest(pack) == CONTENT else None
        tree = SourceTree(source)
        for name in (*FILES, FIXTURES, _LICENCE_NAME):
            tree.copy(name, target)
        (target / _SOURCE_NAME).write_text(_source_text(commit or equals), "utf-8", newline="\n")
        counts = (
            ("scenarios", len(pack.base)),
            ("scenarios with other tools", len(pack.augmented)),
            ("worlds", len(pack.states)),
            ("recorded answers of web services", len(pack.fixtures)),
        )
        return PackFacts("pack", commit or equals, equals, LICENCE, counts)


_PYTHON_REMEDY = (
    "Name the interpreter of an environment that has upstream's dependencies: --python PATH. It runs upstream's code."
)


def content_digest(pack: Pack) -> str:
    """Digest of scenarios, worlds and schemas, independent of the worlds' names and of the order of guardrails."""
    states = SourceTree(pack.path).read_json(STATES)
    worlds = {key: digest(world) for key, world in states["states"].items()}
    base = [_canonical(entry, worlds) for entry in pack.base.values()]
    own = ("name", "base", "categories", "tool_allow_list", "tool_deny_list", "tool_augmentation_list")
    augmented = [{key: entry.get(key) for key in own} for entry in pack.augmented.values()]
    return digest([base, augmented, sorted(worlds.values()), states["frozen_now_posix"], dict(pack.schemas)])


def _canonical(entry: Any, worlds: dict[str, str]) -> Any:
    copied = json.loads(json.dumps(entry))
    copied["starting_state"] = worlds.get(copied["starting_state"])
    for graph in (copied["milestones"], copied["minefields"]):
        for milestone in graph["milestones"]:
            constraints = milestone["snapshot_constraints"]
            for constraint in constraints:
                constraint.setdefault("column_similarity_overrides", {})
            guards = [one for one in constraints if one["constraint"]["name"] == GUARDRAIL]
            guards.sort(key=lambda one: (one["reference_milestone_node_index"], one["database_namespace"]))
            milestone["snapshot_constraints"] = [one for one in constraints if one not in guards] + guards
    return copied


def _source_text(commit: str | None) -> str:
    return (
        f"# ToolSandbox data\n\n- Repository: https://github.com/{REPOSITORY}, commit {commit or 'unknown'}.\n"
        f"- Licence: {LICENCE}\n- Built by upstream's code from its Python scenarios, and checked by rbsuite.\n"
    )


IMPORTER = ToolSandboxImporter()
"""What the plugin's spec names as its importer."""
