"""Imports WebArena's task file from what the user has: a checkout, libwebarena's package, webarena-verified's, or ReasoningBank's copy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rbsuite.data.checkout import SourceTree, read_commit
from rbsuite.data.packs import Archive, PackFacts
from rbsuite.errors import DataError
from rbsuite_webarena.environment import HARD_IDS, PACK, TASKS, VERIFIED
from rbsuite_webarena.records import CHANGED, DOMAINS, asks_model, checked, domain_of, variant

RAW = "test.raw.json"
_PLACES = (
    "",
    "config_files/",
    "webarena/",
    "third_party/webarena/",
    "assets/dataset/",
    "webarena_verified/assets/dataset/",
)
_HARD = "subsets/webarena-verified-hard.json"
_REMEDY = f"Give a directory with {RAW}: a checkout of WebArena, or the package of libwebarena or webarena-verified."


class WebArenaImporter:
    """Turns a task file into a pack; see :class:`rbsuite.data.packs.PackImporter`."""

    name = PACK
    pinned: Archive | None = None
    single_files = False

    def recognise(self, source: Path) -> str:
        """``pack`` or ``checkout``.

        Raises:
            DataError: it is neither.
        """
        if (source / TASKS).is_file():
            return "pack"
        if any((source / f"{place}{RAW}").is_file() for place in _PLACES):
            return "checkout"
        raise DataError(f"{str(source)!r} contains no task file of WebArena.", _REMEDY)

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        """See :meth:`rbsuite.data.packs.PackImporter.build`."""
        kind = self.recognise(source)
        tree = SourceTree(source, _REMEDY)
        place = "" if kind == "pack" else next(one for one in _PLACES if tree.has(f"{one}{RAW}"))
        name = TASKS if kind == "pack" else f"{place}{RAW}"
        rows = []
        for number, row in enumerate(_list(tree, name)):
            try:
                rows.append(checked(row))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                tree.fail(f"{name}: task number {number + 1} is malformed ({type(error).__name__}: {error})")
        if len({row["task_id"] for row in rows}) < len(rows):
            tree.fail(f"{name}: a task_id occurs twice")
        _write(target / TASKS, rows)
        others = (VERIFIED, HARD_IDS) if kind == "pack" else (f"{place}webarena-verified.json", f"{place}{_HARD}")
        for ours, theirs in zip((VERIFIED, HARD_IDS), others, strict=True):
            if tree.has(theirs):
                found = tree.read_json(theirs)
                found = found.get("task_ids") if isinstance(found, dict) else found
                if not isinstance(found, list):
                    tree.fail(f"{theirs} does not hold a list of tasks")
                _write(target / ours, found)
        which = variant(rows)
        counts = [("tasks", len(rows)), *((one, sum(domain_of(row) == one for row in rows)) for one in DOMAINS)]
        counts.append(("tasks that a model grades", sum(map(asks_model, rows))))
        notes = [f"The task file is {which}."]
        if which == "reasoningbank":
            notes.append(
                f"It answers {len(CHANGED)} tasks differently from libwebarena's: {', '.join(map(str, CHANGED))}."
            )
        return PackFacts(
            kind, commit or read_commit(source), "", "Apache-2.0, WebArena's authors", tuple(counts), tuple(notes)
        )


IMPORTER = WebArenaImporter()
"""What the environment's spec names as its importer; it has no state."""


def _list(tree: SourceTree, name: str) -> list[Any]:
    found = tree.read_json(name)
    if not isinstance(found, list) or not found:
        tree.fail(f"{name} does not hold a list of tasks")
    return found


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, allow_nan=False), "ascii")
