"""What the server replies, checked and typed; see the protocol in :mod:`rbsuite_embodied.bridge.server`."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Reply = Mapping[str, Any]
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Hello:
    """Who answers.

    Attributes:
        python: version of its Python.
        packages: versions of relevant packages, if they are installed.
        folder: the directory that ``embodiedbench`` would be imported from; ``""``: it is not installed.
    """

    python: str
    packages: Mapping[str, str]
    folder: str


@dataclass(frozen=True, slots=True)
class Start:
    """An episode before its first action.

    Attributes:
        instruction: what is to be done.
        names: the named actions.
        visible: types in view, sorted.
        image: what the robot's camera shows, as a PNG in base64; ``""``: nobody asked.
    """

    instruction: str
    names: tuple[str, ...]
    visible: tuple[str, ...]
    image: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What an action led to.

    Attributes:
        feedback: upstream's words.
        reward: upstream's reward.
        done: whether upstream's episode has ended.
        stopped: whether it has, for a reason other than success, steps or invalid actions.
        success: whether the goal holds.
        progress: share of the goal conditions or subgoals that are met, in [0, 1].
        valid: whether the action was carried out.
        visible: types in view, sorted.
        steps: actions so far.
        invalid: invalid ones among them, plus unreadable replies.
        elapsed: seconds since the episode began.
        states: ids of objects by what was done to them, sorted.
        image: what the robot's camera shows, as a PNG in base64; ``""``: nobody asked.
    """

    feedback: str
    reward: float
    done: bool
    stopped: bool
    success: bool
    progress: float
    valid: bool
    visible: tuple[str, ...]
    steps: int
    invalid: int
    elapsed: float
    states: Mapping[str, tuple[str, ...]]
    image: str


def read_hello(reply: Reply) -> Hello:
    """See :class:`Hello`.

    Raises:
        ValueError: a field is missing or of the wrong type; the text says which.
    """
    packages = _typed(reply, "packages", dict)
    return Hello(_text(reply, "python"), {name: _text(packages, name) for name in packages}, _text(reply, "folder"))


def read_start(reply: Reply) -> Start:
    """See :class:`Start`.

    Raises:
        ValueError: a field is missing or of the wrong type; the text says which.
    """
    start = Start(_text(reply, "instruction"), _texts(reply, "names"), _texts(reply, "visible"), _image(reply))
    if not start.names:
        raise ValueError("no names")
    return start


def read_moved(reply: Reply) -> Moved:
    """See :class:`Moved`.

    Raises:
        ValueError: a field is missing or of the wrong type; the text says which.
    """
    progress, states = _number(reply, "progress"), _typed(reply, "states", dict)
    if not 0.0 <= progress <= 1.0:
        raise ValueError(f"progress={progress!r}, not from 0 to 1")
    return Moved(
        feedback=_text(reply, "feedback"),
        reward=_number(reply, "reward"),
        done=_truth(reply, "done"),
        stopped=_truth(reply, "stopped"),
        success=_truth(reply, "success"),
        progress=progress,
        valid=_truth(reply, "valid"),
        visible=_texts(reply, "visible"),
        steps=_integer(reply, "steps"),
        invalid=_integer(reply, "invalid"),
        elapsed=_number(reply, "elapsed"),
        states={name: _texts(states, name) for name in states},
        image=_image(reply),
    )


def _typed(reply: Reply, name: str, kind: type[Any]) -> Any:
    value = reply.get(name)
    if type(value) is not kind:
        said = "no " + name if name not in reply else f"{name}={value!r}"
        raise ValueError(f"{said[:120]}, not of the type {kind.__name__}")
    return value


def _text(reply: Reply, name: str) -> str:
    return str(_typed(reply, name, str))


def _truth(reply: Reply, name: str) -> bool:
    return bool(_typed(reply, name, bool))


def _integer(reply: Reply, name: str) -> int:
    return int(_typed(reply, name, int))


def _number(reply: Reply, name: str) -> float:
    value = reply.get(name)
    return float(value) if type(value) is int else float(_typed(reply, name, float))


def _image(reply: Reply) -> str:
    image = _text(reply, "image")
    if image and not base64.b64decode(image, validate=True).startswith(_PNG):
        raise ValueError("image that is not a PNG")
    return image


def _texts(reply: Reply, name: str) -> tuple[str, ...]:
    values = _typed(reply, name, list)
    if not all(isinstance(value, str) for value in values):
        raise ValueError(f"{name} with something other than strings")
    return tuple(values)
