"""Where the tables of question-answering benchmarks are looked for, and how they are imported as a pack."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rbsuite.data.checkout import SourceTree, is_commit
from rbsuite.data.directory import pack_directory
from rbsuite.data.packs import Archive, PackFacts
from rbsuite.data.reading import refuse_edited
from rbsuite.environments.solution import Lesson
from rbsuite.errors import DataError
from rbsuite.jsonable import plain, text_digest
from rbsuite.twins import find_twins
from rbsuite_questions.question import Question, asked
from rbsuite_questions.rows import HUB, SUFFIXES, HubSource, Row, Table, file_sha256, named_file, read_hub, read_path

SOURCE_NAME = "SOURCE.md"
_OTHER = "Choose the split that it belongs to with --split, or name other data."


@dataclass(frozen=True, slots=True)
class Collection:
    """One table of a benchmark.

    Attributes:
        name: its file in a pack, without ``.jsonl``; it ends in ``_`` and the environment's split.
        hub: where it is on the hub.
        content: digests of its questions and answers (see :func:`content_digest`) or of a file with them, as far as known, with what they
            belong to: a repository with its commit, or a file.
    """

    name: str
    hub: HubSource
    content: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A question-answering benchmark.

    Attributes:
        name: name of the environment and of its pack.
        collections: its tables.
        read: the questions of a table; raises :class:`rbsuite.errors.DataError` if the table does not have the benchmark's schema.
        licence: licence of the data.
        text_columns: columns that a CSV copy must have.
        told_apart: whether tables laid out as on the hub are distinguished by their split; otherwise an import goes by file names alone.
    """

    name: str
    collections: tuple[Collection, ...]
    read: Callable[[Table, Collection], Sequence[Question]]
    licence: str
    text_columns: tuple[str, ...] = ()
    told_apart: bool = False

    def collection(self, name: str) -> Collection:
        """The table with that name."""
        return next(one for one in self.collections if one.name == name)

    def at_hand(self, names: Iterable[str], data: str) -> bool:
        """Whether the tables can be read without the network."""
        if data and data != HUB:
            return True
        return data != HUB and all(self._packed(name) is not None for name in names)

    def present(self, data: str) -> frozenset[str]:
        """Names of the tables found under their own names at the path ``data`` or, if none is given, in the imported pack."""
        place = pack_directory(self.name) if not data else Path(data).expanduser()
        if data == HUB:
            return frozenset()
        names = [one.name for one in self.collections]
        return frozenset(name for name in names if named_file(place, name) is not None)

    def table(self, name: str, data: str) -> Table:
        """A table: at the path ``data`` or, if none is given, from the imported pack, or else from the hub.

        Raises:
            DataError: it is unavailable.
        """
        collection = self.collection(name)
        if data and data != HUB:
            return read_path(Path(data).expanduser(), collection.hub, [name], csv_columns=self.text_columns)
        packed = self._packed(name)
        if packed is not None and data != HUB:
            refuse_edited(packed.parent)
            return read_path(packed, collection.hub)
        return read_hub(collection.hub, self.name)

    def _packed(self, name: str) -> Path | None:
        path = pack_directory(self.name) / f"{name}.jsonl"
        return path if path.is_file() else None

    def questions(self, name: str, table: Table) -> Sequence[Question]:
        """The questions of a table, with unique ids.

        Raises:
            DataError: the table does not have the benchmark's schema, or its name, number of rows or content show that it is another table
                of the benchmark.
        """
        self._check_name(name, table)
        questions = self.read(table, self.collection(name))
        seen: set[str] = set()
        for number, question in enumerate(questions, start=1):
            if question.id in seen:
                raise DataError(f"{table.name}, row {number}: the id {question.id} occurs twice.", "Fix the data.")
            seen.add(question.id)
        self._check_content(name, table, questions)
        return questions

    def _check_name(self, name: str, table: Table) -> None:
        other = Path(table.name).stem
        if other != name and Path(table.name).suffix and any(one.name == other for one in self.collections):
            raise DataError(f"{table.name} is {other}, going by its name, not {name}.", _OTHER)

    def _check_content(self, name: str, table: Table, questions: Sequence[Question]) -> None:
        """Reject a table with too many rows, or one known to be a different one."""
        own, count = self.collection(name), len(questions)
        known = {table.source.get("sha256", ""), content_digest(questions)}
        for other in self.collections:
            if other.name != name and known & (other.content.keys() - own.content.keys()):
                raise DataError(f"{table.name} holds the questions of {other.name}, not of {name}.", _OTHER)
        if own.hub.rows and count > own.hub.rows:
            same = next(
                (f", which is the number of {one.name}" for one in self.collections if one.hub.rows == count), ""
            )
            raise DataError(f"{table.name} has {count} questions{same}; {name} has {own.hub.rows}.", _OTHER)

    def source(self, name: str, table: Table, questions: Sequence[Question]) -> dict[str, str]:
        """What the manifest says about a table: where it comes from, and what its content is known to be."""
        content = self.collection(name).content
        known = content and (content.get(table.source.get("sha256", "")) or content.get(content_digest(questions)))
        rows = self.collection(name).hub.rows
        part = {"part": f"{len(questions)} of {rows} questions"} if len(questions) < rows else {}
        return {**table.source, **part, **({"equals": known} if known else {})}


def content_digest(questions: Iterable[Question]) -> str:
    """Digest of questions, choices and answers in order, ignoring ids and the spelling of answers: equal content, equal digest."""
    content = [[question.text, question.choices, question.answer] for question in questions]
    # The canonical JSON of such lists, without copying them: there are 12,032 questions in MMLU-Pro.
    return text_digest(json.dumps(content, separators=(",", ":")))


def read_sample(path: Path) -> Table:
    """The rows of a bundled file of JSON lines."""
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return Table(rows, path.name, {"pack": "sample", "sha256": file_sha256(path)})


def sample_lessons(rows: Iterable[Row], prefix: str) -> Mapping[str, Lesson]:
    """A lesson for each family of a sample: its technique, with its mistake as the symptom."""
    return {
        f"{prefix}/{row['family']}": Lesson(
            str(row["family"]).replace("-", " ").capitalize(), str(row["technique"]), str(row["mistake"])
        )
        for row in rows
    }


class QuestionImporter:
    """Imports a benchmark's tables as a pack of JSON lines; see :class:`rbsuite.data.packs.PackImporter`.

    Args:
        benchmark: the benchmark.
    """

    def __init__(self, benchmark: Benchmark) -> None:
        self._benchmark = benchmark

    @property
    def name(self) -> str:
        """The pack's name."""
        return self._benchmark.name

    @property
    def pinned(self) -> Archive | None:
        """There is no archive: what has not been imported is read from the hub at its pinned revision."""
        return None

    @property
    def single_files(self) -> bool:
        """A table may come alone."""
        return True

    def recognise(self, source: Path) -> str:
        """``pack`` for a directory with the pack's files, else ``checkout``: a directory laid out as on the hub.

        Raises:
            DataError: it contains no data.
        """
        if self._named(source):
            return "pack"
        if any(path.suffix in (*SUFFIXES, ".arrow") for path in source.rglob("*")):
            return "checkout"
        raise DataError(f"{str(source)!r} contains no {self.name} data.", self._remedy())

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        """Read every table that is present, check it, and write it.

        Raises:
            DataError: none is present, or one is malformed.
        """
        kind = self.recognise(source)
        counts: list[tuple[str, int]] = []
        splits: list[str] = []
        known: list[str] = []
        notes: list[str] = []
        for collection in self._named(source) or self._laid_out(source):
            table = self._benchmark.table(collection.name, str(source.absolute()))
            questions = self._benchmark.questions(collection.name, table)
            _write(table, source, target / f"{collection.name}.jsonl")
            counts.append((f"questions of {collection.name}", len(questions)))
            splits.append(collection.name.rpartition("_")[2])
            notes += find_twins({one.id: asked(one.text, one.choices) for one in questions}).said(
                f"questions of {collection.name}"
            )
            known.append(self._benchmark.source(collection.name, table, questions).get("equals", ""))
        lines = "".join(f"- {label}: {count}\n" for label, count in counts)
        (target / SOURCE_NAME).write_text(
            f"# Pack {self.name}\n\nImported by rbsuite; licence of the data: {self._benchmark.licence}.\n\n{lines}",
            "utf-8",
            newline="\n",
        )
        commits = {text.rpartition(" ")[2] for text in known}
        equal = commits.pop() if len(commits) == 1 and all(map(is_commit, commits)) else None
        return PackFacts(
            kind, commit or equal, equal, self._benchmark.licence, tuple(counts), tuple(notes), tuple(splits)
        )

    def _named(self, source: Path) -> Sequence[Collection]:
        """The tables found in a directory under their own names."""
        return [one for one in self._benchmark.collections if named_file(source, one.name) is not None]

    def _laid_out(self, source: Path) -> Sequence[Collection]:
        """The tables of a directory laid out as one data set of the hub."""
        if not self._benchmark.told_apart:
            raise DataError(f"the files in {str(source)!r} do not say which {self.name} data they are.", self._remedy())
        found = []
        problems: list[DataError] = []
        for collection in self._benchmark.collections:
            try:
                table = self._benchmark.table(collection.name, str(source.absolute()))
                self._benchmark.questions(collection.name, table)
                found.append(collection)
            except DataError as error:
                problems.append(error)
        if not found:
            raise DataError(problems[0].message, self._remedy())
        return found

    def _remedy(self) -> str:
        names = " or ".join(f"{one.name}.jsonl" for one in self._benchmark.collections)
        layout = ", or laid out as on the hub" if self._benchmark.told_apart else " (or .parquet or .csv)"
        return f"Name a file {names}, or a directory with such files{layout}."


def _write(table: Table, source: Path, target: Path) -> None:
    same = source / target.name
    if same.is_file():
        shutil.copyfile(SourceTree(source).root / target.name, target)
        return
    with target.open("w", encoding="utf-8", newline="\n") as file:
        for row in table.rows:
            file.write(json.dumps(_json(row), ensure_ascii=False) + "\n")


def _json(row: Mapping[str, Any]) -> Any:
    try:
        return plain(row)
    except TypeError:
        return {key: value if _is_json(value) else str(value) for key, value in row.items()}


def _is_json(value: Any) -> bool:
    try:
        plain(value)
    except TypeError:
        return False
    return True
