"""A directory of EB-ALFRED data: splits, trials and scenes, read at first use.

Layout: ``splits.json`` (set: list of task, repeat_idx, instruction), ``trials.json`` (what a trial's scene contains, and its goal) and
``scenes.json`` (receptacles, toggleables and reachable points by scene number). Files are read as JSON; nothing in them is executed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from rbsuite.data.reading import PackFiles

SETS: tuple[str, ...] = (
    "base",
    "common_sense",
    "complex_instruction",
    "long_horizon",
    "spatial",
    "visual_appearance",
)
"""The sets of tasks, in upstream's order."""

FILES: tuple[str, ...] = ("splits.json", "trials.json", "scenes.json")
FOLDER = "eb_alfred"
"""Where the files may be within a directory that contains several packs."""

_REMEDY = "Name a directory that holds EB-ALFRED's imported data, or import it again."
_Check = Callable[[Any], bool]


class Pack:
    """The data of one directory. What its members return is shared: treat it as immutable.

    Args:
        path: the directory, or one that contains it under the name ``eb_alfred``.

    Raises:
        DataError: there is no such directory; or, from any member, a file is missing or malformed.
    """

    def __init__(self, path: str | Path) -> None:
        self._files = PackFiles(path, "EB-ALFRED", _REMEDY, FOLDER)
        self.path = self._files.path

    def __repr__(self) -> str:
        return f"Pack({str(self.path)!r})"

    @cached_property
    def splits(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """The tasks of each set: task (the trial's name), repeat_idx, instruction. The index is part of a task's id."""
        value = self._files.read_json("splits.json")
        if not isinstance(value, dict):
            raise self._files.malformed("splits.json", "not a JSON object of sets")
        for name, entries in value.items():
            if name not in SETS or not isinstance(entries, list):
                raise self._files.malformed("splits.json", f"malformed: {name!r} is not a set of tasks")
            for index, entry in enumerate(entries):
                self._check("splits.json", f"{name}[{index}]", entry, _TASK)
        return value

    @cached_property
    def trials(self) -> Mapping[str, Mapping[str, Any]]:
        """The trials by name: the goal, the scene's number, where everything is at the start, what is on, where the agent stands."""
        value = self._files.read_json("trials.json")
        if not isinstance(value, dict):
            raise self._files.malformed("trials.json", "not a JSON object of trials")
        for name, trial in value.items():
            self._check("trials.json", name, trial, _TRIAL)
            if len(trial["objects"]) != len(trial["derived_initial"]):
                raise self._files.malformed("trials.json", f"malformed: {name} places other objects than it lists")
        return value

    @cached_property
    def scenes(self) -> Mapping[str, Mapping[str, Any]]:
        """The scenes by number, as text: receptacles, toggleables, reachable points (x, z in metres)."""
        value = self._files.read_json("scenes.json")
        if not isinstance(value, dict):
            raise self._files.malformed("scenes.json", "not a JSON object of scenes")
        for number, scene in value.items():
            self._check("scenes.json", number, scene, _SCENE)
        return value

    @cached_property
    def content_hash(self) -> str:
        """sha256 (64 hex digits) over the names and bytes of the files, in a fixed order."""
        return self._files.content_hash(FILES)

    def _check(self, file: str, where: str, value: Any, fields: Mapping[str, _Check]) -> None:
        if not isinstance(value, dict):
            raise self._files.malformed(file, f"malformed: {where} is not a JSON object")
        for field, fits in fields.items():
            if field not in value or not fits(value[field]):
                raise self._files.malformed(file, f"malformed: {field} of {where} is missing or of the wrong form")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_point(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(_is_number(part) for part in value)


def _is_ground(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_is_number(part) for part in value)


def _is_placed_id(value: Any) -> bool:
    """An id that says where its object is: ``Type|x|y|z``, or with a fifth part, as in ``Sink|x|y|z|SinkBasin``."""
    parts = value.split("|") if isinstance(value, str) else []
    return len(parts) in (4, 5) and all(parts) and all(_reads_as_number(part) for part in parts[1:4])


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _records(**fields: _Check) -> _Check:
    def fits(value: Any) -> bool:
        return isinstance(value, list) and all(
            isinstance(entry, dict) and all(name in entry and check(entry[name]) for name, check in fields.items())
            for entry in value
        )

    return fits


def _record(**fields: _Check) -> _Check:
    def fits(value: Any) -> bool:
        return isinstance(value, dict) and all(name in value and check(value[name]) for name, check in fields.items())

    return fits


def _list_of(check: _Check) -> _Check:
    return lambda value: isinstance(value, list) and all(check(entry) for entry in value)


def _is_text_or_nothing(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


_TASK: Mapping[str, _Check] = {"task": _is_text, "repeat_idx": _is_count, "instruction": _is_text}
_TRIAL: Mapping[str, _Check] = {
    "task_type": _is_text,
    "pddl_params": _record(
        object_target=_is_text,
        parent_target=_is_text_or_nothing,
        mrecep_target=_is_text_or_nothing,
        toggle_target=_is_text_or_nothing,
        object_sliced=_is_flag,
    ),
    "scene_num": _is_count,
    "object_toggles": _records(objectType=_is_text, isOn=_is_flag),
    "init_action": _record(x=_is_number, z=_is_number, rotation=_is_number),
    "objects": _records(name=_is_text, pos=_is_point),
    "derived_initial": _records(id=_is_placed_id, type=_is_text, **{"in": _is_text_or_nothing}),
    "high_pddl": _records(action=_is_text),
}
_SCENE: Mapping[str, _Check] = {
    "receptacles": _records(id=_is_placed_id, type=_is_text, pos=_is_point),
    "toggleables": _list_of(_is_placed_id),
    "reachable_xz": _list_of(_is_ground),
}
