"""A directory of EB-Habitat data: the episodes of each set, read and checked at first use.

Layout: ``<set>.json`` (episodes), ``vocab.json`` (the category of each asset) and ``standpoint_sets.json`` (what lies within reach
together). Files are read as JSON; nothing in them is executed. Other files in the directory are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rbsuite.data.reading import PackFiles
from rbsuite.errors import DataError
from rbsuite_eb_habitat.vocab import CATEGORIES, PLACE_NUMBER, RECEPTACLES, SETS

T = TypeVar("T")

FOLDER = "eb_habitat"
"""A directory that contains a folder of this name with the data is accepted too."""
VOCAB, STANDPOINTS = "vocab.json", "standpoint_sets.json"

_REMEDY = "Name a directory that holds EB-Habitat's imported data, or import it again."
_EPISODE_FIELDS: Mapping[str, type] = {
    "index": int,
    "scene_id": str,
    "instruction": str,
    "goal_preds": dict,
    "start_preds": list,
    "subgoals": list,
    "objects": list,
}
_PREDICATE = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*")

Predicate = tuple[str, tuple[str, ...]]
"""Name and arguments."""


@dataclass(frozen=True, slots=True)
class Item:
    """An object of an episode: its instance name, its category, and the receptacle it lies on at the start."""

    instance: str
    category: str
    receptacle: str


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode as its file states it.

    Attributes:
        index: position in the set's list.
        scene: id of the scene, e.g. ``v3_sc3_staging_02``.
        instruction: what the robot is told.
        goal: the goal's tree; see :mod:`rbsuite_eb_habitat.goals`.
        start: predicates that are made true at the start.
        subgoals: for each subgoal, its predicates.
        items: the objects in the order of the file, which is the order of entities.
    """

    index: int
    scene: str
    instruction: str
    goal: Mapping[str, Any]
    start: tuple[Predicate, ...]
    subgoals: tuple[tuple[Predicate, ...], ...]
    items: tuple[Item, ...]


Standpoints = Sequence[tuple[frozenset[str], int]]
"""Sets of places that were within reach together, each with its count."""


class Pack:
    """The data of one directory. What its methods return is shared and immutable.

    Args:
        path: the directory, or one that contains it as ``eb_habitat``.

    Raises:
        DataError: there is no such directory; or, from any method, a file is missing or malformed.
    """

    def __init__(self, path: str | Path) -> None:
        self._files = PackFiles(path, "EB-Habitat", _REMEDY, FOLDER)
        self.path = self._files.path

    def __repr__(self) -> str:
        return f"Pack({str(self.path)!r})"

    def episodes(self, name: str) -> Sequence[Episode]:
        """The episodes of a set, in the order of its file."""
        return self._files.once((name,), lambda: self._read_episodes(name))

    def standpoints(self, scene: str) -> Standpoints:
        """What lies within reach together in a scene's apartment: the one with the longest name that the scene's id begins with."""
        every = self._files.once((STANDPOINTS,), self._read_standpoints)
        names = [name for name in every if scene == name or scene.startswith(f"{name}_")]
        return every[max(names, key=len)] if names else ()

    def content_hash(self, sets: Sequence[str] = SETS) -> str:
        """sha256 (64 hex digits) over the names and bytes of the files that these sets need, in a fixed order."""
        return self._files.content_hash([VOCAB, STANDPOINTS, *(f"{name}.json" for name in sets)])

    def _read_episodes(self, name: str) -> Sequence[Episode]:
        file = f"{name}.json"
        entries = self._files.read_json(file)
        if not isinstance(entries, list):
            raise self._files.malformed(file, "not a JSON list of episodes")
        categories = self._files.once((VOCAB,), self._read_categories)
        return tuple(
            self._episode(entry, place, _Reader(file, place, categories, self._files.malformed))
            for place, entry in enumerate(entries)
        )

    def _episode(self, entry: Any, place: int, reader: _Reader) -> Episode:
        reader.check_fields(entry)
        if entry["index"] != place:
            raise reader.malformed(f"has the index {entry['index']}")
        reader.check_joints(entry.get("articulation", {}))
        return Episode(
            index=place,
            scene=entry["scene_id"],
            instruction=entry["instruction"],
            goal=entry["goal_preds"],
            start=tuple(reader.predicate(text) for text in entry["start_preds"]),
            subgoals=tuple(reader.subgoals(entry["subgoals"])),
            items=tuple(reader.items(entry["objects"])),
        )

    def _read_categories(self) -> Mapping[str, str]:
        vocab = self._files.read_json(VOCAB)
        categories = vocab.get("asset_to_category") if isinstance(vocab, dict) else None
        if not isinstance(categories, dict):
            raise self._files.malformed(VOCAB, "missing an object asset_to_category")
        for asset, category in categories.items():
            if category not in CATEGORIES:
                raise self._files.malformed(VOCAB, f"malformed: it has an unknown category {category!r} of {asset!r}")
        return categories

    def _read_standpoints(self) -> Mapping[str, Standpoints]:
        apartments = self._files.read_json(STANDPOINTS)
        if not isinstance(apartments, dict):
            raise self._files.malformed(STANDPOINTS, "not a JSON object of apartments")
        for name, sets in apartments.items():
            if not isinstance(sets, list):
                raise self._files.malformed(STANDPOINTS, f"malformed at {name!r}: not a list")
        return {name: tuple(self._standpoint(name, entry) for entry in sets) for name, sets in apartments.items()}

    def _standpoint(self, apartment: str, entry: Any) -> tuple[frozenset[str], int]:
        well = isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], list) and type(entry[1]) is int
        if not well or entry[1] < 1 or not all(isinstance(name, str) and name in PLACE_NUMBER for name in entry[0]):
            raise self._files.malformed(STANDPOINTS, f"malformed at {apartment!r}: not [places, a count above 0]")
        return frozenset(entry[0]), entry[1]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Checks the parts of one episode."""

    file: str
    place: int
    categories: Mapping[str, str]
    refuse: Callable[[str, str], DataError]

    def malformed(self, what: str) -> DataError:
        return self.refuse(self.file, f"malformed: episode {self.place} {what}")

    def check_fields(self, entry: Any) -> None:
        if not isinstance(entry, dict):
            raise self.malformed("is not an object")
        for field, kind in _EPISODE_FIELDS.items():
            if type(entry.get(field)) is not kind:
                raise self.malformed(f"has no {field} of type {kind.__name__}")

    def check_joints(self, articulation: Any) -> None:
        """All joints are at 0 in upstream's episodes; predicates say what is open."""
        joints = list(articulation.values()) if isinstance(articulation, dict) else [None]
        values = [value for joint in joints for value in (joint.values() if isinstance(joint, dict) else [None])]
        if any(value != 0 for value in values):
            raise self.malformed("has a joint that is not at 0; start_preds must say what is open")

    def items(self, entries: Sequence[Any]) -> Iterator[Item]:
        seen: set[str] = set()
        for entry in entries:
            known = isinstance(entry, dict)
            instance, asset, on = (entry.get(key) if known else None for key in ("instance", "asset", "receptacle"))
            if not isinstance(instance, str) or instance in seen:
                raise self.malformed(f"has an object without a unique name: {instance!r}")
            if not isinstance(asset, str) or asset not in self.categories:
                raise self.malformed(f"has an object of an unknown asset {asset!r}")
            if not isinstance(on, str) or on not in RECEPTACLES:
                raise self.malformed(f"has an object on an unknown receptacle {on!r}")
            seen.add(instance)
            yield Item(instance, self.categories[asset], on)

    def subgoals(self, entries: Sequence[Any]) -> Iterator[tuple[Predicate, ...]]:
        for entry in entries:
            if not isinstance(entry, list):
                raise self.malformed("has a subgoal that is not a list")
            yield tuple(self.predicate(text) for text in entry)

    def predicate(self, text: Any) -> Predicate:
        found = parse_predicate(text) if isinstance(text, str) else None
        if found is None:
            raise self.malformed(f"has a predicate that cannot be read: {text!r}")
        return found


def parse_predicate(text: str) -> Predicate | None:
    """Name and arguments of a predicate such as ``on_top(X, receptacle)``; ``None`` if it is not one."""
    found = _PREDICATE.fullmatch(text)
    if found is None:
        return None
    inside = found.group(2).strip()
    return found.group(1), tuple(part.strip() for part in inside.split(",")) if inside else ()
