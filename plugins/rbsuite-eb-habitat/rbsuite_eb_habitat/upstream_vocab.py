"""Derives EB-Habitat's vocabulary and its 70 named actions from the YAML files of a checkout.

Order and names follow ``utils.py:get_pddl`` (the domain's constants come first, then the receptacles of the data set) and
``EBHabEnv.py:transform_action_to_natural_language`` (EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04,
embodiedbench/envs/eb_habitat).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from rbsuite.errors import DataError
from rbsuite.jsonable import Json
from rbsuite_eb_habitat.upstream import DATASET, DOMAIN

_CABINET_TYPE, _FRIDGE_TYPE, _PLACE_TYPE = "cab_type", "fridge_type", "place_receptacle"
_CLUTTER = "CLUTTER_OBJECTS"  # the union of all categories, not one of them
_NUMBERED = re.compile(r"_(table|chair)_0(\d+)$")
_NAMED = {
    "frl_apartment_refrigerator": "refrigerator",
    "drawer_right": "right drawer of the kitchen counter",
    "drawer_left": "left drawer of the kitchen counter",
    "tvstand": "TV stand",
    "counter_left": "left counter in the kitchen",
    "counter_right": "right counter in the kitchen",
    "sink": "sink in the kitchen",
    "sofa": "sofa",
}
"""What a part of a receptacle's id says about its name; the first that matches counts."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The entities and words of the domain, each list in upstream's order.

    Attributes:
        categories: the categories of objects.
        receptacles: the places where objects can lie.
        assets: the category of each asset.
        cabinets: the cabinets.
        fridge: the refrigerator's door.
    """

    categories: Sequence[str]
    receptacles: Sequence[str]
    assets: Mapping[str, str]
    cabinets: Sequence[str]
    fridge: str

    def table(self) -> Json:
        """As ``vocab.json`` of a pack."""
        names = {place: place_name(place) for place in (*self.receptacles, self.fridge, *self.cabinets)}
        return {
            "categories": list(self.categories),
            "receptacles": list(self.receptacles),
            "natural_names": names,
            "asset_to_category": dict(self.assets),
            "cabinets": list(self.cabinets),
            "fridge": self.fridge,
            "type_tree": {
                _PLACE_TYPE: list(self.receptacles),
                _CABINET_TYPE: list(self.cabinets),
                _FRIDGE_TYPE: [self.fridge],
            },
        }

    def actions(self) -> list[Json]:
        """As ``actions.json`` of a pack."""
        return [
            {"action_id": number, "action_name": name, "pddl": call} for number, (name, call) in enumerate(self._all())
        ]

    def _all(self) -> Iterator[tuple[str, str]]:
        for place in (*self.cabinets, self.fridge, *self.receptacles):
            yield f"navigate to the {place_name(place)}", f"nav({place})"
        for category in self.categories:
            yield f"pick up the {category}", f"pick_{category}()"
        for place in self.receptacles:
            yield f"place at the {place_name(place)}", f"place({place})"
        for verb in ("open", "close"):
            yield f"{verb} the refrigerator", f"{verb}_fridge({self.fridge})"
        for verb in ("open", "close"):
            for cabinet in self.cabinets:
                yield f"{verb} the {place_name(cabinet)}", f"{verb}_cab({cabinet})"


def place_name(place: str) -> str:
    """What actions call a place.

    Raises:
        DataError: upstream has no name for it.
    """
    if place.startswith("cab_"):
        return f"cabinet {place.rpartition('_')[2]}"
    if place.startswith("fridge"):
        return "refrigerator push point"
    if found := _NUMBERED.search(place):
        return f"{found[1]} {found[2]}"
    for part, name in _NAMED.items():
        if part in place:
            return name
    raise DataError(
        f"{DATASET}: the receptacle {place!r} is unknown.", "Name a checkout of a version that rbsuite knows."
    )


def read_vocabulary(dataset: Mapping[str, Any], domain: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary in the two files.

    Args:
        dataset: content of ``dataset.yaml``.
        domain: content of ``pddl_domain_replica_cad.yaml``.

    Raises:
        DataError: one of them is malformed.
    """
    categories = _texts(DATASET, "all_cats", _at(dataset, "category_groups", "all_cats", "included"))
    receptacles = _texts(
        DATASET, "receptacle_sets", _at(dataset, "receptacle_sets", 0, "included_receptacle_substrings")
    )
    constants = _constants(domain.get("constants"))
    fridges = [name for name, kind in constants if kind == _FRIDGE_TYPE]
    if len(fridges) != 1:
        _refuse(DOMAIN, f"it has {len(fridges)} constants of the type {_FRIDGE_TYPE}, not one")
    cabinets = [name for name, kind in constants if kind == _CABINET_TYPE]
    return Vocabulary(categories, receptacles, _assets(dataset, categories), cabinets, fridges[0])


def _assets(dataset: Mapping[str, Any], categories: Sequence[str]) -> dict[str, str]:
    sets = dataset.get("object_sets")
    if not isinstance(sets, list):
        _refuse(DATASET, "object_sets is not a list")
    assets: dict[str, str] = {}
    for entry in sets:
        name = entry.get("name") if isinstance(entry, dict) else None
        if name == _CLUTTER:
            continue
        if not isinstance(name, str) or name not in categories:
            _refuse(DATASET, f"the object set {name!r} is not a category")
        for asset in _texts(DATASET, f"the object set {name!r}", entry.get("included_substrings")):
            if assets.setdefault(asset, name) != name:
                _refuse(DATASET, f"{asset} is in two categories")
    return assets


def _constants(value: Any) -> list[tuple[str, str]]:
    """(name, type) of each constant."""
    if not isinstance(value, list):
        _refuse(DOMAIN, "constants is not a list")
    found: list[tuple[str, str]] = []
    for entry in value:
        match entry:
            case {"name": str() as name, "expr_type": str() as kind}:
                found.append((name, kind))
            case _:
                _refuse(DOMAIN, "a constant has no name or no type")
    return found


def _at(value: Any, *path: str | int) -> Any:
    """The value at a path of keys and indices, or None."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and len(value) > step else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _texts(file: str, what: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):
        _refuse(file, f"{what} is not a list of names")
    return value


def _refuse(file: str, what: str) -> NoReturn:
    raise DataError(f"{file}: {what}.", "Restore the file, or get a fresh copy of the source.")
