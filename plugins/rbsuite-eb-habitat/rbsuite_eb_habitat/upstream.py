"""Reads EB-Habitat's episodes and vocabulary from a checkout, in the form a pack has; nothing in it is run.

Layout after EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04, ``embodiedbench/envs/eb_habitat``:
``datasets/<set>.pickle``, ``dataset/configs/dataset.yaml`` (categories, assets, receptacles) and
``config/task/pddl_domain_replica_cad.yaml`` (types and constants of the domain).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from rbsuite.data.checkout import SourceTree
from rbsuite.errors import DataError
from rbsuite.jsonable import Json
from rbsuite_eb_habitat.unpickle import read_pickle
from rbsuite_eb_habitat.vocab import SETS

FOLDER = "embodiedbench/envs/eb_habitat"
DATASET = f"{FOLDER}/dataset/configs/dataset.yaml"
DOMAIN = f"{FOLDER}/config/task/pddl_domain_replica_cad.yaml"
PICKLES: Mapping[str, str] = {name: f"{FOLDER}/datasets/{name}.pickle" for name in SETS}
"""The file of each set."""

_ASSET_END = ".object_config.json"
_SCENE_END = ".scene_instance.json"
_REMEDY = "Restore the file, or get a fresh copy of the source."
_MOST_YAML_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class EpisodeSet:
    """The episodes of a set in the form a pack has, and the sha256 (hex) of the file they come from."""

    episodes: list[Json]
    sha256: str


def read_set(tree: SourceTree, name: str) -> EpisodeSet:
    """The episodes of a set.

    Raises:
        DataError: the file is missing, refused (see :mod:`.unpickle`) or malformed.
    """
    file = PICKLES[name]
    content = tree.read_bytes(file)
    return EpisodeSet(read_episodes(read_pickle(content, file), file), hashlib.sha256(content).hexdigest())


def read_episodes(value: Any, file: str) -> list[Json]:
    """The episodes in the contents of a pickle: ``all_eps``, with indices into ``idx_to_name`` and ``all_transforms``.

    Args:
        value: the unpickled value.
        file: its name in messages.

    Raises:
        DataError: it is malformed.
    """
    table = _Table(file, value)
    return [table.episode(index, entry) for index, entry in enumerate(table.entries)]


class _Table:
    """A set's file: episodes whose names and poses are in separate lists."""

    def __init__(self, file: str, value: Any) -> None:
        self._where = file
        fields = self._dict(value, "its content")
        self._names = self._dict(fields.get("idx_to_name"), "idx_to_name")
        self._poses = self._list(fields.get("all_transforms"), "all_transforms")
        self._file = file
        self.entries = self._list(fields.get("all_eps"), "all_eps")

    def episode(self, index: int, entry: Any) -> Json:
        """An episode in the form a pack has."""
        self._where = f"{self._file}: episode {index}"
        fields = self._dict(entry, "it")
        return {
            "index": index,
            "episode_id": str(index),
            "source_episode_id": str(fields.get("episode_id")),
            "scene_id": _stem(self._text(fields.get("scene_id"), "scene_id"), _SCENE_END),
            "instruction": self._text(fields.get("instruction"), "instruction"),
            "instruct_id": self._text(fields.get("instruct_id"), "instruct_id"),
            "sampled_entities": {
                self._text(key, "sampled_entities"): self._text(text, "sampled_entities")
                for key, text in self._dict(fields.get("sampled_entities"), "sampled_entities").items()
            },
            "start_preds": self._predicates(fields.get("start_preds"), "start_preds"),
            "goal_preds": self._dict(fields.get("goal_preds"), "goal_preds"),
            "subgoals": [
                self._predicates(subgoal, "subgoals") for subgoal in self._list(fields.get("subgoals"), "subgoals")
            ],
            "articulation": self._articulation(fields.get("ao_states")),
            "objects": list(self._objects(fields)),
        }

    def _articulation(self, value: Any) -> Json:
        """The joints of each articulated object, by number."""
        return {
            self._name(index): {
                str(joint): float(self._number(position, "ao_states"))
                for joint, position in self._dict(joints, "ao_states").items()
            }
            for index, joints in self._dict(value, "ao_states").items()
        }

    def _objects(self, fields: Mapping[str, Any]) -> Iterator[Json]:
        """The objects in the order of the file, which numbers the instances of an asset."""
        places = dict(self._pair(pair, "name_to_receptacle") for pair in self._pairs(fields, "name_to_receptacle"))
        receptacles = {self._name(thing): self._name(place) for thing, place in places.items()}
        numbers: dict[str, int] = {}
        for pair in self._pairs(fields, "rigid_objs"):
            name, pose = self._pair(pair, "rigid_objs")
            asset = _stem(self._name(name), _ASSET_END)
            numbers[asset] = numbers.get(asset, -1) + 1
            instance = f"{asset}_:{numbers[asset]:04d}"
            if instance not in receptacles:
                self._refuse(f"{instance} is not on any receptacle")
            yield {
                "instance": instance,
                "asset": asset,
                "position": self._position(pose),
                "receptacle": receptacles[instance].rpartition("|")[2],
            }

    def _position(self, pose: int) -> list[float]:
        """The last column of a pose's matrix, in metres to four places."""
        matrix = self._poses[pose] if 0 <= pose < len(self._poses) else None
        match matrix:
            case [[_, _, _, x], [_, _, _, y], [_, _, _, z], _]:
                return [round(self._number(each, "all_transforms"), 4) for each in (x, y, z)]
        self._refuse(f"pose {pose} is not a matrix of 4 x 4 numbers")

    def _pairs(self, fields: Mapping[str, Any], field: str) -> list[Any]:
        return self._list(fields.get(field), field)

    def _pair(self, value: Any, field: str) -> tuple[int, int]:
        match value:
            case [int() as first, int() as second]:
                return first, second
        self._refuse(f"{field} is not a list of pairs of indices")

    def _name(self, index: Any) -> str:
        name = self._names.get(index)
        return name if isinstance(name, str) else self._refuse(f"there is no name {index!r}")

    def _predicates(self, value: Any, field: str) -> list[str]:
        return [self._text(text, field) for text in self._list(value, field)]

    def _number(self, value: Any, field: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(f"{field} holds something other than numbers")
        return value

    def _text(self, value: Any, field: str) -> str:
        return value if isinstance(value, str) else self._refuse(f"{field} is not text")

    def _list(self, value: Any, field: str) -> list[Any]:
        return value if isinstance(value, list) else self._refuse(f"{field} is not a list")

    def _dict(self, value: Any, field: str) -> dict[Any, Any]:
        return value if isinstance(value, dict) else self._refuse(f"{field} is not a dict")

    def _refuse(self, what: str) -> NoReturn:
        raise DataError(f"{self._where}: {what}.", _REMEDY)


def _stem(path: str, end: str) -> str:
    return path.rpartition("/")[2].removesuffix(end)


def read_yaml(tree: SourceTree, file: str) -> Mapping[str, Any]:
    """The mapping in a YAML file, of plain values only.

    Raises:
        DataError: the file is missing, too large, or not such a file.
    """
    import yaml  # Only imports from a checkout need it.

    content = tree.read_bytes(file)
    if len(content) > _MOST_YAML_BYTES:
        raise DataError(f"{file} is larger than {_MOST_YAML_BYTES // 2**20} MiB.", _REMEDY)
    try:
        value = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        what = " ".join(str(error).split())
        raise DataError(f"{file}: not valid YAML: {what}.", _REMEDY) from error
    if not isinstance(value, dict):
        raise DataError(f"{file}: not a mapping.", _REMEDY)
    return value
