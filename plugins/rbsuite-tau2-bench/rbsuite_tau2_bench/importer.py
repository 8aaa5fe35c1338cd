"""Imports tau2-bench's data as a pack: from a checkout of the upstream repository, or from another pack.

The pack has one directory per domain: byte copies of databases, policies and splits; the tasks (for telecom, one file each for the splits
``base`` and ``small`` and for the rest, so that a run reads no more than it needs); and ``tools.json``. It also has ``LICENSE`` and
``SOURCE.md``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rbsuite.data.checkout import SourceTree
from rbsuite.data.importing import DirectoryImporter, commit_of_source
from rbsuite.data.packs import PackFacts
from rbsuite.files import parse_toml
from rbsuite_tau2_bench import pinned
from rbsuite_tau2_bench.domains import DOMAINS, Domain, Part
from rbsuite_tau2_bench.pack import RECONSTRUCTED, TASK_FILES, Pack, function_name
from rbsuite_tau2_bench.resources import NAME, sample_directory
from rbsuite_tau2_bench.scenario import Malformed, read_scenario
from rbsuite_tau2_bench.upstream_tools import described

LICENCE = "MIT, Copyright (c) 2025 Sierra Research"

_DATA = "data/tau2/domains"
_LICENCE_NAME = "LICENSE"
_DROPPED = ("issues", "required_documents")
_FILES: Mapping[str, tuple[str, ...]] = {
    "retail": ("db.json", "policy.md", "split_tasks.json"),
    "airline": ("policy.md", "split_tasks.json"),
    "telecom": (
        "db.toml",
        "user_db.toml",
        "main_policy.md",
        "main_policy_solo.md",
        "tech_support_manual.md",
        "tech_support_workflow.md",
        "tech_support_workflow_solo.md",
        "split_tasks.json",
    ),
    "mock": ("db.json", "user_db.json", "policy.md", "policy_solo.md", "split_tasks.json"),
}
_NEEDED_SPLITS: Mapping[str, tuple[str, ...]] = {
    "retail": ("base", "train", "test"),
    "airline": ("base", "train", "test"),
    "telecom": ("base", "train", "test", "small", "full"),
    "mock": ("base",),
}
_WHERE_TOOLS = {"assistant": "tools.py", "user": "user_tools.py"}


class Tau2BenchImporter(DirectoryImporter):
    """The importer of the pack ``tau2-bench``; see :class:`rbsuite.data.packs.PackImporter`."""

    name = NAME
    title = NAME
    repository = pinned.REPOSITORY
    checkout_marks = (_DATA,)
    pack_marks = ("retail/tools.json",)

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        """Read everything, check it, then write the pack.

        Raises:
            DataError: the source lacks a file, or a file is malformed; the message names it.
        """
        kind = self.recognise(source)
        tree = SourceTree(source)
        commit = commit or commit_of_source(source, kind)
        counts: list[tuple[str, int]] = []
        notes: list[str] = []
        tasks: dict[str, tuple[str, ...]] = {}
        for domain in DOMAINS.values():
            reader = _Reader(tree, domain, kind == "checkout")
            (target / domain.name).mkdir()
            for name, content in reader.files().items():
                (target / domain.name / name).write_bytes(content)
            tasks[domain.name] = reader.tasks
            counts += [(f"{domain.name} tasks", len(reader.tasks)), (f"{domain.name} tools", reader.tools)]
            notes += reader.notes
        tree.copy(_LICENCE_NAME, target)
        (target / "SOURCE.md").write_text(_source_text(commit, notes), "utf-8", newline="\n")
        self._try_out(target, tasks)
        equals = pinned.COMMIT if kind == "checkout" and _is_pinned(tree) else None
        return PackFacts(kind, commit, equals, LICENCE, tuple(counts), tuple(notes))

    def _try_out(self, target: Path, tasks: Mapping[str, Sequence[str]]) -> None:
        """Set up every task once: what cannot be set up cannot be played.

        Raises:
            DataError: one cannot be set up.
        """
        pack = Pack(target)
        for name, ids in tasks.items():
            for task in ids:
                pack.initial(name, task, "upstream")


class _Reader:
    """Reads and checks one domain of a source."""

    def __init__(self, tree: SourceTree, domain: Domain, checkout: bool) -> None:
        self._tree = tree
        self._domain = domain
        self._checkout = checkout
        self._folder = f"{_DATA}/{domain.name}" if checkout else domain.name
        self.tasks: tuple[str, ...] = ()
        self.tools = 0
        self.notes: list[str] = []

    def files(self) -> dict[str, bytes]:
        """The files of the domain's directory in the pack."""
        files = {name: self._tree.read_bytes(self._at(name)) for name in _FILES[self._domain.name]}
        for name in files:
            if name.endswith(".md") and not self._tree.read_text(self._at(name)).strip():
                self._tree.fail(f"{self._at(name)} is empty")
        if self._domain.name == "airline":
            files |= self._airline()
        self._check_databases(files)
        files["tools.json"] = _json(self._schemas())
        return files | self._tasks(self._splits())

    def _at(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def _airline(self) -> dict[str, bytes]:
        """The airline database, under a name that distinguishes upstream's own from the reconstruction."""
        rebuilt = not self._checkout and self._tree.has(self._at(RECONSTRUCTED))
        content = self._tree.read_bytes(self._at(RECONSTRUCTED if rebuilt else "db.json"))
        if hashlib.sha256(content).hexdigest() == pinned.RECONSTRUCTED_SHA256:
            self.notes.append("The airline database is the one rebuilt from tau-bench's data, not upstream's own.")
            return {RECONSTRUCTED: content}
        if _blob(content) != pinned.BLOBS[pinned.AIRLINE_DATABASE]:
            self.notes.append(
                f"The airline database is neither that of commit {pinned.COMMIT[:12]} nor the rebuilt one."
            )
        return {"db.json": content}

    def _check_databases(self, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            part = self._domain.user if name.startswith("user_db") else self._domain.agent
            if "db" in name and part is not None:
                self._check_database(part, self._at(name), content)

    def _check_database(self, part: Part, file: str, content: bytes) -> None:
        try:
            if file.endswith(".toml"):
                part.database(parse_toml(content))
            else:
                part.database(self._tree.parse_json(content, file))
        except (ValueError, RecursionError) as error:  # of TOML, UTF-8 and the tables
            self._tree.fail(f"{file}: {error}")

    def _schemas(self) -> dict[str, Any]:
        known = Pack(sample_directory()).tools(self._domain.name)
        found: dict[str, Any]
        if not self._checkout:
            tools = self._tree.read_json(self._at("tools.json"))
            found = {side: tools.get(side) if isinstance(tools, dict) else None for side in known}
            for side, entries in found.items():
                names = [function_name(entry) for entry in entries] if isinstance(entries, list) else []
                if sorted(names) != sorted(map(function_name, known[side])):
                    self._tree.fail(f"{self._at('tools.json')}: not the tools of {side}")
        else:
            folder = f"src/tau2/domains/{self._domain.name}"
            found = {side: described(self._tree, f"{folder}/{_WHERE_TOOLS[side]}", known[side]) for side in known}
        self.tools = sum(map(len, found.values()))
        return found

    def _splits(self) -> Mapping[str, list[str]]:
        file = self._at("split_tasks.json")
        splits = self._tree.read_json(file)
        for split in _NEEDED_SPLITS[self._domain.name]:
            ids = splits.get(split) if isinstance(splits, dict) else None
            if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
                self._tree.fail(f"{file}: there is no list of ids for split {split!r}")
        return dict(splits)

    def _tasks(self, splits: Mapping[str, list[str]]) -> dict[str, bytes]:
        entries = self._entries()
        for split in _NEEDED_SPLITS[self._domain.name]:
            missing = [one for one in splits[split] if one not in entries]
            if missing and (split != "full" or self._checkout):  # a pack need not have telecom's other tasks
                self._tree.fail(f"{self._folder}: task {missing[0]!r} of split {split!r} is missing")
        self.tasks = tuple(entries)
        if self._domain.name != "telecom":
            return {"tasks.json": _lines(list(entries.values()))}
        base, small = set(splits["base"]), set(splits["small"])
        rest = [entry for one, entry in entries.items() if one not in base and one not in small]
        files = {
            "tasks_base.json": _lines([entry for one, entry in entries.items() if one in base]),
            "tasks_small.json": _lines([entry for one, entry in entries.items() if one in small and one not in base]),
        }
        return {**files, "tasks_full.json": _lines(rest)} if rest else files

    def _entries(self) -> dict[str, dict[str, Any]]:
        present = [name for name in TASK_FILES if self._tree.has(self._at(name))]
        if self._checkout or not present:
            present = ["tasks.json"]
        entries: dict[str, dict[str, Any]] = {}
        for name in present:
            file = self._at(name)
            found = self._tree.read_json(file)
            if not isinstance(found, list):
                self._tree.fail(f"{file}: not a list of tasks")
            for place, entry in enumerate(found):
                self._check_task(entry, f"{file}: task {place}")
                kept = {key: value for key, value in entry.items() if key not in _DROPPED and value is not None}
                entries.setdefault(entry["id"], kept)
        return entries

    def _check_task(self, entry: Any, where: str) -> None:
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
            self._tree.fail(f"{where} has no id")
        try:
            scenario = read_scenario(entry)
        except Malformed as error:
            self._tree.fail(f"{where}: {error}")
        for action in scenario.actions or ():
            if action.name not in self._domain.kinds:
                self._tree.fail(f"{where}: there is no tool {action.name!r}")


def _is_pinned(tree: SourceTree) -> bool:
    """Whether every file that is read is as it was at the pinned commit."""
    return all(_blob(tree.read_bytes(path)) == blob for path, blob in pinned.BLOBS.items())


def _blob(content: bytes) -> str:
    """git's id of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _lines(entries: Sequence[Any]) -> bytes:
    """A JSON list with one entry per line."""
    return ("[\n" + ",\n".join(map(json.dumps, entries)) + "\n]\n").encode()


def _source_text(commit: str | None, notes: Sequence[str]) -> str:
    said = "".join(f"- {note}\n" for note in notes)
    return f"""# tau2-bench data, imported by rbsuite

- Origin: the repository {pinned.REPOSITORY}, commit {commit or "unknown"}. rbsuite was tested with commit {pinned.COMMIT}.
- Licence: {LICENCE}. The notice stays with any copy.
{said}
| file | what it holds |
|---|---|
| `<domain>/db.*`, `<domain>/user_db.*` | byte copies of the databases |
| `<domain>/*.md`, `<domain>/split_tasks.json` | byte copies of policies and splits |
| `<domain>/tasks.json`, `telecom/tasks_<split>.json` | the tasks without the fields `issues` and `required_documents` |
| `<domain>/tools.json` | function schemas of the tools of both sides |
| `pack.json` | provenance for programs: commit, counts, sha256 of every file |
"""


IMPORTER = Tau2BenchImporter()
"""What the environment's spec names as its importer; it has no state."""
