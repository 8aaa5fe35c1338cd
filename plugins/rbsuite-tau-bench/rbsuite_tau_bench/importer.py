"""Imports tau-bench's data as a pack: from a checkout of the upstream repository, or from another pack.

The pack: ``<domain>_db/*.json`` (byte copies), ``<domain>_<split>_tasks.json`` (list index = upstream task id),
``<domain>_tools.json`` (function schemas in upstream's order), ``<domain>_wiki.md``, ``<domain>_rules.json``,
``few_shot.jsonl`` and ``LICENSE`` if the source has them, and ``SOURCE.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rbsuite.data.checkout import SourceTree
from rbsuite.data.importing import DirectoryImporter, commit_of_source
from rbsuite.data.packs import Archive, PackFacts, file_hashes, write_json
from rbsuite.data.reading import INFO_NAME
from rbsuite.jsonable import Json, digest
from rbsuite.twins import find_twins
from rbsuite_tau_bench import pinned
from rbsuite_tau_bench.resources import asked
from rbsuite_tau_bench.upstream import FEW_SHOT_NAME, LAYOUTS, CheckoutSource, Layout, PackSource, Source
from rbsuite_tau_bench.upstream_checks import (
    check_database,
    check_display,
    check_rules,
    check_tasks,
    check_tools,
    check_wiki,
    tool_names,
)

LICENCE = "MIT, Copyright (c) 2024 Sierra"
_LICENCE_NAME = "LICENSE"
_SOURCE_NAME = "SOURCE.md"
_NOT_CONTENT = frozenset({FEW_SHOT_NAME, _LICENCE_NAME, _SOURCE_NAME, INFO_NAME})
_ARCHIVE = Archive(
    url=f"https://codeload.github.com/{pinned.REPOSITORY}/tar.gz/{pinned.COMMIT}",
    commit=pinned.COMMIT,
    files=pinned.FILES,
    strip_prefix=f"tau-bench-{pinned.COMMIT}",
)


@dataclass(frozen=True, slots=True)
class _Domain:
    """A domain's data, checked."""

    layout: Layout
    databases: Mapping[str, bytes]
    records: Mapping[str, int]
    tasks: Mapping[str, list[Json]]
    tools: list[Json]
    wiki: str
    rules: list[str]


class TauBenchImporter(DirectoryImporter):
    """The importer of the pack ``tau-bench``; see :class:`rbsuite.data.packs.PackImporter`."""

    name = "tau-bench"
    title = "tau-bench"
    repository = pinned.REPOSITORY
    checkout_marks = ("tau_bench/envs",)
    pack_marks = tuple(f"{layout.domain}_db" for layout in LAYOUTS)
    pinned = _ARCHIVE

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        """Read everything, check it, then write the pack.

        Raises:
            DataError: the source lacks a file, or a file is malformed; the message names it, and the line if possible.
        """
        kind = self.recognise(source)
        tree = SourceTree(source)
        reader: Source = CheckoutSource(tree) if kind == "checkout" else PackSource(tree)
        commit = commit or commit_of_source(source, kind)
        domains = [_read_domain(reader, layout) for layout in LAYOUTS]
        displays = [check_display(display) for display in reader.few_shot(LAYOUTS)]
        for domain in domains:
            _write_domain(domain, target)
        if displays:
            lines = (json.dumps(display) + "\n" for display in displays)
            (target / FEW_SHOT_NAME).write_text("".join(lines), "ascii", newline="\n")
        tree.copy(_LICENCE_NAME, target)
        equals = pinned.COMMIT if content_digest(target) == pinned.PACK_DIGEST else None
        (target / _SOURCE_NAME).write_text(_source_text(commit, equals), "utf-8", newline="\n")
        asked_of = {
            f"{domain.layout.domain}/{split}/{index}": asked(entry)
            for domain in domains
            for split, entries in domain.tasks.items()
            for index, entry in enumerate(entries)
        }
        return PackFacts(kind, commit, equals, LICENCE, _counts(domains, displays), find_twins(asked_of).said("tasks"))


def content_digest(pack: Path) -> str:
    """Digest of a pack's content, excluding few-shot displays, licence and provenance: equal content, equal digest."""
    return digest({name: value for name, value in file_hashes(pack).items() if name not in _NOT_CONTENT})


def _read_domain(reader: Source, layout: Layout) -> _Domain:
    databases = {name: reader.database(layout, name) for name in layout.records}
    records = {name: check_database(databases[name], name, fields) for name, fields in layout.records.items()}
    tools = check_tools(reader.tools(layout))
    names = tool_names(tools)
    return _Domain(
        layout=layout,
        databases={name: database.content for name, database in databases.items()},
        records={name: len(found) for name, found in records.items()},
        tasks={
            split: check_tasks(reader.tasks(layout, split), names, records["users"].keys())
            for split in layout.task_lists
        },
        tools=tools,
        wiki=check_wiki(f"{layout.domain} wiki", reader.wiki(layout)),
        rules=check_rules(reader.rules(layout)),
    )


def _write_domain(domain: _Domain, target: Path) -> None:
    name = domain.layout.domain
    (target / f"{name}_db").mkdir()
    for database, content in domain.databases.items():
        (target / f"{name}_db" / f"{database}.json").write_bytes(content)
    for split, tasks in domain.tasks.items():
        write_json(target / f"{name}_{split}_tasks.json", tasks)
    write_json(target / f"{name}_tools.json", domain.tools)
    write_json(target / f"{name}_rules.json", domain.rules)
    (target / f"{name}_wiki.md").write_text(domain.wiki, "utf-8", newline="\n")


def _counts(domains: list[_Domain], displays: list[Json]) -> tuple[tuple[str, int], ...]:
    counts: list[tuple[str, int]] = []
    for domain in domains:
        name = domain.layout.domain
        counts += [(f"{name} {split} tasks", len(tasks)) for split, tasks in domain.tasks.items()]
        counts.append((f"{name} tools", len(domain.tools)))
        counts += [(f"{name} {database}", number) for database, number in domain.records.items()]
    return (*counts, ("few-shot displays", len(displays)))


def _source_text(commit: str | None, equals: str | None) -> str:
    if equals:
        content = f"Its databases, tasks, tools, wikis and rules are equal, by hash, to those of commit {equals}."
    else:
        content = f"Its content is not that of the commit rbsuite was tested with ({pinned.COMMIT})."
    return f"""# tau-bench data, imported by rbsuite

- Origin: the repository {pinned.REPOSITORY}, commit {commit or "unknown"}. {content}
- Licence: {LICENCE}. The notice stays with any copy.

| file | what it holds |
|---|---|
| `<domain>_db/*.json` | byte copies of `tau_bench/envs/<domain>/data/*.json` |
| `<domain>_<split>_tasks.json` | the tasks without the field `annotator`; list index = upstream task id |
| `<domain>_tools.json` | the function schemas of the tools, in upstream's order |
| `<domain>_wiki.md`, `<domain>_rules.json` | policy text and rules |
| `few_shot.jsonl` | the few-shot displays, if the source had them |
| `pack.json` | provenance for programs: commit, counts, sha256 of every file |
"""


IMPORTER = TauBenchImporter()
"""What the environment's spec names as its importer; it has no state."""
