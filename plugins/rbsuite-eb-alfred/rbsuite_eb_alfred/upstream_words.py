"""Reads EB-ALFRED's lists of words from Python files of a checkout: literals are read, nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from rbsuite.data.checkout import SourceTree
from rbsuite.data.literals import LiteralReader
from rbsuite.jsonable import Json
from rbsuite_eb_alfred.upstream import FOLDER

CONSTANTS = f"{FOLDER}/gen/constants.py"
UTILS = f"{FOLDER}/utils.py"

_CONSTANTS = ("MOVABLE_RECEPTACLES", "VAL_RECEPTACLE_OBJECTS", "VAL_ACTION_OBJECTS", "OPENABLE_CLASS_LIST")
_WORDS = (
    "alfred_objs",
    "alfred_pick_obj",
    "alfred_open_obj",
    "alfred_slice_obj",
    "alfred_toggle_obj",
    "alfred_recep",
)


def read_constants(tree: SourceTree) -> dict[str, Json]:
    """ALFRED's lists of what fits where, as stored in ``alfred_constants.json``; sets become sorted lists.

    Raises:
        DataError: the file is missing, or a list in it is not made of literals.
    """
    return _literals(tree, CONSTANTS, _CONSTANTS)


def read_words(tree: SourceTree) -> dict[str, Json]:
    """EB-ALFRED's lists of object types, as stored in ``skill_vocab.json``.

    Raises:
        DataError: the file is missing, or a list in it is not made of literals.
    """
    return _literals(tree, UTILS, _WORDS)


def base_skills(words: dict[str, Json]) -> list[Json]:
    """The base actions that follow from the lists, as stored in ``skills_base.json`` (``utils.py``, ``EBAlfEnv.py``)."""
    names = [f"find a {word}" for word in words["alfred_objs"]]
    names += [f"pick up the {word}" for word in words["alfred_pick_obj"]]
    names += ["put down the object in hand", "drop the object in hand"]
    names += [f"{verb} the {word}" for word in words["alfred_open_obj"] for verb in ("open", "close")]
    names += [f"turn {state} the {word}" for word in words["alfred_toggle_obj"] for state in ("on", "off")]
    names += [f"slice the {word}" for word in words["alfred_slice_obj"]]
    return [{"action_id": number, "action_name": name} for number, name in enumerate(names)]


def _literals(tree: SourceTree, file: str, names: Sequence[str]) -> dict[str, Json]:
    """The first values that a module assigns to names; its other statements are ignored."""
    reader = LiteralReader(file)
    found: dict[str, Json] = {}
    for statement in tree.read_module(file).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in names and name not in found:
                found[name] = _value(reader, value)
    for name in names:
        if not found.get(name):
            tree.fail(f"{file}: it does not assign {name}")
        if not _is_words(found[name]):
            tree.fail(f"{file}: {name} is not made of lists of words")
    return {name: found[name] for name in names}


def _value(reader: LiteralReader, node: ast.expr) -> Json:
    """A literal, with sets, which JSON does not have, turned into sorted lists."""
    match node:
        case ast.Set(elts=items):
            values = [reader.value(item) for item in items]
            if not all(isinstance(value, str) for value in values):
                reader.refuse(node, "a set of anything but words is not data")
            return sorted(set(values))
        case ast.Dict(keys=keys, values=items) if all(key is not None for key in keys):
            names = [reader.value(key) for key in keys if key is not None]
            return {str(name): _value(reader, item) for name, item in zip(names, items, strict=True)}
    return reader.value(node)


def _is_words(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_words(item) for item in value.values())
    return isinstance(value, list) and all(isinstance(word, str) for word in value)
