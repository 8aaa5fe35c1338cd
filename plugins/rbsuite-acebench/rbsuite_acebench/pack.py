"""A directory of ACEBench data, read at first use.

Layout: ``data_<language>/data_<category>.json`` and ``data_<language>/possible_answer/data_<category>.json`` (JSON Lines), as upstream has
them, and ``agent_world.json`` with the start values of the worlds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rbsuite.data.reading import PackFiles
from rbsuite.files import Unusable, parse_json
from rbsuite_acebench.cases import AGENT, CATEGORIES, Item
from rbsuite_acebench.worlds import CLASSES, LANGUAGES, Language

WORLD_NAME = "agent_world.json"
_REMEDY = "Name a directory that holds ACEBench's imported data, or import it again."
_FIELDS: Mapping[str, type | tuple[type, ...]] = {"id": str, "question": str, "function": list}
_AGENT_FIELDS: Mapping[str, type | tuple[type, ...]] = {"initial_config": dict, "involved_classes": list}


class Pack:
    """The data of one directory. What its methods return is shared: treat it as immutable.

    Args:
        path: the directory.

    Raises:
        DataError: there is no such directory; or, from any method, a file is missing or malformed.
    """

    def __init__(self, path: str | Path) -> None:
        self._source = PackFiles(path, "ACEBench", _REMEDY)
        self.path = self._source.path
        self._items: dict[tuple[Language, str], tuple[Item, ...]] = {}
        self._by_id: dict[tuple[Language, str], dict[str, Item]] = {}

    def languages(self) -> tuple[Language, ...]:
        """The languages that exist here."""
        return tuple(language for language in LANGUAGES if (self.path / f"data_{language}").is_dir())

    def categories(self, language: Language) -> tuple[str, ...]:
        """The categories of a language that exist here, in upstream's order."""
        return tuple(name for name in CATEGORIES if (self.path / data_file(language, name)).is_file())

    def items(self, language: Language, category: str) -> tuple[Item, ...]:
        """The items of a category with their answers, in upstream's order."""
        key = (language, category)
        if key not in self._items:
            self._items[key] = self._read_items(language, category)
        return self._items[key]

    def item(self, language: Language, name: str) -> Item:
        """The item with an id.

        Raises:
            KeyError: there is none.
        """
        category = next((one for one in CATEGORIES if name.startswith(f"{one}_")), "")
        if (language, category) not in self._by_id:
            items = self.items(language, category) if category in self.categories(language) else ()
            self._by_id[language, category] = {item.id: item for item in items}
        return self._by_id[language, category][name]

    def starts(self, language: Language) -> Mapping[str, Mapping[str, Any]]:
        """The start values of the worlds, by class."""
        return self._worlds[language]

    def content_hash(self, language: Language, categories: tuple[str, ...]) -> str:
        """sha256 (64 hex digits) over the files of the categories, and over the worlds if there are agent items."""
        files = [file for name in categories for file in (data_file(language, name), answer_file(language, name))]
        worlds = [WORLD_NAME] if any(name in AGENT for name in categories) else []
        return self._source.content_hash([*files, *worlds])

    @cached_property
    def _worlds(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        worlds = self._source.read_json(WORLD_NAME)
        if not isinstance(worlds, dict):
            raise self._source.malformed(WORLD_NAME, "not an object of worlds by language")
        for language in LANGUAGES:
            fault = world_fault(worlds[language]) if language in worlds else ""
            if fault:
                raise self._source.malformed(WORLD_NAME, f"{fault} ({language})")
        return worlds

    def _read_items(self, language: Language, category: str) -> tuple[Item, ...]:
        rows = self._rows(data_file(language, category))
        answers = self._rows(answer_file(language, category))
        fault = fault_of(category, rows, answers)
        if fault is not None:
            raise self._source.malformed((data_file, answer_file)[fault.in_answers](language, category), fault.what)
        return tuple(Item(category, language, row, answer) for row, answer in zip(rows, answers, strict=True))

    def _rows(self, name: str) -> list[dict[str, Any]]:
        rows = []
        for number, line in enumerate(self._source.read_text(name).split("\n"), start=1):
            if not line.strip():
                continue
            try:
                row = parse_json(line)
            except Unusable as error:
                raise self._source.malformed(name, f"not valid JSON in line {number} ({error})") from error
            if not isinstance(row, dict):
                raise self._source.malformed(name, f"not an object in line {number}")
            rows.append(row)
        return rows


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the rows of a category.

    Attributes:
        in_answers: whether it is in the answer file rather than in the data file.
        what: what it is, after "is".
    """

    in_answers: bool
    what: str


def fault_of(category: str, rows: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]]) -> Fault | None:
    """The first thing wrong with the rows of a data file and of its answers."""
    if not rows:
        return Fault(False, "missing items")
    if [row.get("id") for row in rows] != [answer.get("id") for answer in answers]:
        return Fault(True, "not a list of answers to the items of its data file, in their order")
    agent = category in AGENT
    wanted = {**_FIELDS, **(_AGENT_FIELDS if agent else {})}
    for number, (row, answer) in enumerate(zip(rows, answers, strict=True), start=1):
        missing = [field for field, kind in wanted.items() if not isinstance(row.get(field), kind)]
        if missing:
            return Fault(False, f"missing a valid {missing[0]!r} in line {number}")
        if not all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in row["function"]):
            return Fault(False, f"missing the name of a function in line {number}")
        if agent and not all(isinstance(one, dict) for one in row["initial_config"].values()):
            return Fault(False, f"missing a valid 'initial_config' in line {number}")
        unknown = [name for name in row.get("involved_classes", ()) if name not in CLASSES]
        if unknown:
            return Fault(False, f"malformed: the class {unknown[0]!r} in line {number} is unknown")
        if not _answers(category, answer):
            return Fault(True, f"missing a valid answer in line {number}")
    return None


def world_fault(starts: Any) -> str:
    """What is wrong with the start values of a language's worlds, after "is"; empty if nothing is."""
    if not isinstance(starts, dict):
        return "missing worlds"
    for name in CLASSES:
        if not isinstance(starts.get(name), dict):
            return f"missing the start values of {name}"
        for listed in ("inbox", "reminder_list"):
            if not all(key.isdecimal() for key in starts[name].get(listed, {})):
                return f"malformed: an id in {listed} is not a number"
    return ""


def _answers(category: str, answer: Mapping[str, Any]) -> bool:
    """Whether an answer has the form that its category's checks expect."""
    truth = answer.get("ground_truth")
    if category == "special_irrelevant":
        return isinstance(truth, str)
    if category.startswith("special"):
        return isinstance(truth, dict) and all(_texts(one) for one in truth.values())
    choices = truth if isinstance(truth, list) else [truth]
    if not choices or not all(
        isinstance(one, dict) and all(isinstance(part, dict) for part in one.values()) for one in choices
    ):
        return False
    if category not in AGENT:
        return True
    stones = answer.get("mile_stone")
    return all(choices) and isinstance(stones, list) and (_texts(stones) or all(_texts(one) for one in stones))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def data_file(language: str, category: str) -> str:
    """The path of a category's items in a pack."""
    return f"data_{language}/data_{category}.json"


def answer_file(language: str, category: str) -> str:
    """The path of a category's answers in a pack."""
    return f"data_{language}/possible_answer/data_{category}.json"
