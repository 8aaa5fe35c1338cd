"""Imports ACEBench's data as a pack: from a checkout of the upstream repository, or from another pack.

The pack: ``data_<language>/data_<category>.json`` and ``data_<language>/possible_answer/data_<category>.json`` (byte copies), and
``agent_world.json`` with the start values of the worlds. Upstream has these as literals in its code; they are read with ``ast``, and
nothing is run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rbsuite.data.checkout import SourceTree
from rbsuite.data.importing import DirectoryImporter, commit_of_source
from rbsuite.data.packs import Archive, PackFacts, file_hashes, write_json
from rbsuite.jsonable import Json, digest
from rbsuite.twins import find_twins
from rbsuite_acebench import pinned
from rbsuite_acebench.cases import CATEGORIES, DOMAINS
from rbsuite_acebench.pack import WORLD_NAME, answer_file, data_file, fault_of, world_fault
from rbsuite_acebench.worlds import LANGUAGES

LICENCE = "MIT text, Copyright (c) Microsoft Corporation, as upstream's licence file says"
_LICENCE_NAME = "LICENSE.md"
_DATA = "data_all"
_SCENARIOS = "model_inference/multi_turn/scenarios{language}"
_MODULES: Mapping[str, str] = {
    "BaseApi": "phone_platform/base_api.py",
    "MessageApi": "phone_platform/message.py",
    "ReminderApi": "phone_platform/reminder.py",
    "FoodPlatform": "phone_platform/food_services.py",
    "Travel": "travel.py",
}
_ARCHIVE = Archive(
    url=f"https://codeload.github.com/{pinned.REPOSITORY}/tar.gz/{pinned.COMMIT}",
    commit=pinned.COMMIT,
    files=pinned.FILES,
    strip_prefix=f"ACEBench-{pinned.COMMIT}",
)


@dataclass(frozen=True, slots=True)
class _Rows:
    """A category of a language: the bytes of both files, and their rows."""

    language: str
    category: str
    data: bytes
    answers: bytes
    entries: Sequence[Mapping[str, Any]]
    truths: Sequence[Mapping[str, Any]]


class AceBenchImporter(DirectoryImporter):
    """The importer of the pack ``acebench``; see :class:`rbsuite.data.packs.PackImporter`."""

    name = "acebench"
    title = "ACEBench"
    repository = pinned.REPOSITORY
    checkout_marks = (_DATA,)
    pack_marks = (WORLD_NAME,)
    pinned = _ARCHIVE

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        """Read everything, check it, then write the pack.

        Raises:
            DataError: the source lacks a file, or a file is malformed; the message names it, and the line if possible.
        """
        kind = self.recognise(source)
        tree = SourceTree(source)
        commit = commit or commit_of_source(source, kind)
        prefix = f"{_DATA}/" if kind == "checkout" else ""
        rows = [_read_rows(tree, prefix, language, name) for language in LANGUAGES for name in CATEGORIES]
        worlds = _read_worlds(tree) if kind == "checkout" else _checked_worlds(tree)
        for one in rows:
            _write(target / data_file(one.language, one.category), one.data)
            _write(target / answer_file(one.language, one.category), one.answers)
        write_json(target / WORLD_NAME, worlds)
        equals = pinned.PACKS.get(content_digest(target))
        tree.copy(_LICENCE_NAME, target)
        changes = tuple(_later_changes(rows))
        (target / "SOURCE.md").write_text(_source_text(commit, equals, changes), "utf-8", newline="\n")
        asked = {f"{one.language}/{entry['id']}": str(entry["question"]) for one in rows for entry in one.entries}
        notes = (*_told(changes), *find_twins(asked).said("items"))
        return PackFacts(kind, commit, equals, LICENCE, _counts(rows), notes)


def content_digest(pack: Path) -> str:
    """Digest of a pack's items, answers and worlds: equal content, equal digest."""
    content = {name: value for name, value in file_hashes(pack).items() if name.startswith("data_")}
    return digest({**content, WORLD_NAME: digest(SourceTree(pack).read_json(WORLD_NAME))})


def _read_rows(tree: SourceTree, prefix: str, language: str, category: str) -> _Rows:
    names = [prefix + file(language, category) for file in (data_file, answer_file)]
    entries, truths = (_objects(tree, name) for name in names)
    fault = fault_of(category, entries, truths)
    if fault is not None:
        tree.fail(f"{names[fault.in_answers]} is {fault.what}")
    data, answers = (tree.read_bytes(name) for name in names)
    return _Rows(language, category, data, answers, entries, truths)


def _objects(tree: SourceTree, name: str) -> list[Mapping[str, Any]]:
    rows = tree.read_json_lines(name)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            tree.fail(f"{name}: item {number} is not an object")
    return rows


def _read_worlds(tree: SourceTree) -> Json:
    """The start values of the worlds in upstream's code, by language and class."""
    worlds: dict[str, Any] = {}
    for language in LANGUAGES:
        folder = _SCENARIOS.format(language=language)
        starts: dict[str, dict[str, Any]] = {}
        for name, module in _MODULES.items():
            starts[name] = _read_start(tree, f"{folder}/{module}", name, starts.get("BaseApi", {}))
        worlds[language] = starts
    return worlds


def _read_start(tree: SourceTree, file: str, name: str, base: Mapping[str, Any]) -> dict[str, Any]:
    """What a class's ``__init__`` sets: assignments of literals to attributes, possibly after a call to that of its base."""
    classes = [node for node in tree.read_module(file).body if isinstance(node, ast.ClassDef) and node.name == name]
    methods = [
        method
        for node in classes
        for method in node.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
    ]
    if len(methods) != 1:
        tree.fail(f"{file}: class {name} with one __init__ is missing")
    values: dict[str, Any] = {}
    for statement in methods[0].body:
        match statement:
            case ast.Expr(value=ast.Constant(value=str())):
                continue
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Call(func=ast.Name(id="super"), args=[]), attr="__init__"), args=[]
                )
            ):
                values |= base
            case (
                ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=attribute)], value=value)
                | ast.AnnAssign(
                    target=ast.Attribute(value=ast.Name(id="self"), attr=attribute), value=ast.expr() as value
                )
            ):
                values[attribute] = _literal(tree, file, value)
            case _:
                tree.fail(f"{file}:{statement.lineno}: a statement that is not data; the file is read, never run")
    return values


def _literal(tree: SourceTree, file: str, node: ast.expr) -> Json:
    try:
        return _jsonable(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        tree.fail(f"{file}:{node.lineno}: a value that is not data; the file is read, never run")


def _jsonable(value: Any) -> Json:
    """A literal as JSON has it; numeric keys become strings."""
    if isinstance(value, dict):
        if not all(type(key) in (str, int) for key in value):
            raise ValueError("a key that JSON does not allow")
        return {str(key): _jsonable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(one) for one in value]
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise ValueError("a value that JSON does not allow")


def _checked_worlds(tree: SourceTree) -> Json:
    worlds = tree.read_json(WORLD_NAME)
    for language in LANGUAGES:
        fault = world_fault(worlds.get(language) if isinstance(worlds, dict) else None)
        if fault:
            tree.fail(f"{WORLD_NAME} is {fault} ({language})")
    return worlds


def _later_changes(rows: Sequence[_Rows]) -> Iterator[str]:
    """The answers that upstream corrected after the pinned commit and that appear corrected here."""
    for one in rows:
        for truth in one.truths:
            name = f"{one.language}/{truth['id']}"
            if pinned.CORRECTIONS.get(name) == digest(truth["ground_truth"]):
                yield name


def _told(changes: Sequence[str]) -> Iterator[str]:
    if changes:
        yield (
            f"These answers, which upstream corrected after {pinned.COMMIT[:12]}, are corrected here too: "
            f"{', '.join(changes)}. Figures for them differ from those of that commit."
        )


def _counts(rows: Sequence[_Rows]) -> tuple[tuple[str, int], ...]:
    return tuple(
        (
            f"{language} {domain} items",
            sum(len(one.entries) for one in rows if one.language == language and one.category in names),
        )
        for language in LANGUAGES
        for domain, names in DOMAINS.items()
    )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _source_text(commit: str | None, equals: str | None, changes: Sequence[str]) -> str:
    if equals:
        content = f"Its items, answers and worlds are equal, by hash, to those of commit {equals}."
    else:
        content = f"Its content is not that of the commit rbsuite was tested with ({pinned.COMMIT})."
    corrected = "".join(f"- {line}\n" for line in _told(changes))
    return f"""# ACEBench data, imported by rbsuite

- Origin: the repository {pinned.REPOSITORY}, commit {commit or "unknown"}. {content}
- Licence: {LICENCE}. The notice stays with any copy.
{corrected}
| file | what it holds |
|---|---|
| `data_<language>/data_<category>.json` | byte copies of the items, a JSON object a line |
| `data_<language>/possible_answer/data_<category>.json` | byte copies of the answers |
| `{WORLD_NAME}` | start values of the worlds, by language and class |
| `pack.json` | provenance for programs: commit, counts, sha256 of every file |
"""


IMPORTER = AceBenchImporter()
"""What the environment's spec names as its importer; it has no state."""
