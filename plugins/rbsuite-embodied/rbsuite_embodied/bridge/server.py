"""Drives an installed EmbodiedBench for rbsuite: JSON lines in, JSON lines out.

It runs in the user's Python, not in rbsuite's (``THEIR_PYTHON -u server.py``): so it imports only the standard library, and nothing that
Python 3.8 lacks. EmbodiedBench writes into the current directory; run it in a disposable one.

**Protocol, version 2.** A request is one JSON object on a line of standard input, a reply is one on a line of standard output. Anything
else written to standard output, from Python or from C, goes to standard error instead. Requests have ``cmd`` and ``id``:

========  =====================================  ==============================================================================
command   takes                                  gives
========  =====================================  ==============================================================================
hello     protocol, environment                  protocol, python, packages, folder
load      environment                            nothing; imports EmbodiedBench without starting a simulator
init      environment, eval_set, index, images   episodes; starts the simulator unless it runs, and chooses an episode
reset                                            names, instruction, visible, steps, invalid, image
step      action                                 feedback, reward, done, stopped, success, progress, valid, visible, steps, invalid,
                                                 elapsed, states, image
refuse                                           steps, invalid; counts a reply that named no action, as the evaluators do
close                                            nothing; the process then ends
========  =====================================  ==============================================================================

``environment`` is ``eb-alfred`` or ``eb-habitat``, ``index`` counts from 0 in the set's own list. ``folder`` is where EmbodiedBench would
be imported from, empty if it is not installed. ``visible`` are types in view (empty if upstream does not report them). ``done`` is
upstream's; ``stopped`` says that it has a reason other than success, steps or invalid actions. ``elapsed`` is in seconds, ``states``
contains upstream's sets of object ids as sorted lists. ``image`` is what upstream's agents are shown, ``head_rgb``, as a PNG in base64;
empty unless ``images`` is true.

A reply repeats ``id``. ``{"id": 3, "ok": true, ...}`` answers; ``{"id": 3, "ok": false, "kind": ..., "error": ...}`` says in one line what
went wrong; ``{"id": 3, "busy": ...}`` only shows that the answer is still being worked on. Kinds: ``protocol`` (not understood),
``missing`` (cannot be imported), ``episode`` (there is no such episode), ``state`` (not now), ``contract`` (EmbodiedBench does not return
what it is known to return), ``upstream`` (EmbodiedBench raised). After the end of standard input the simulator is closed and the process
ends with its group.

Follows EBAlfEnv.py, EBHabEnv.py and evaluator/*.py (EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04).
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import importlib.util
import inspect
import json
import math
import os
import platform
import queue
import signal
import struct
import sys
import threading
import time
import traceback
import zlib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

PROTOCOL = 2
GRACE = 5.0  # seconds left for closing the simulator once nobody listens

ALFRED, HABITAT = "eb-alfred", "eb-habitat"
FOLDERS = {ALFRED: "eb_alfred", HABITAT: "eb_habitat"}
CLASSES = {ALFRED: "EBAlfEnv", HABITAT: "EBHabEnv"}
PACKAGES = {ALFRED: ("gym", "numpy", "ai2thor"), HABITAT: ("gym", "numpy", "habitat-sim", "habitat-lab")}


class Refusal(Exception):
    """A request that is answered with an error, of one of the kinds listed in the module docstring."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def describe(environment: str) -> dict[str, Any]:
    """What ``hello`` returns besides the protocol; nothing of EmbodiedBench is imported for it."""
    spec = importlib.util.find_spec("embodiedbench")
    places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec is not None else []
    holding = [place for place in places if (place / "envs" / FOLDERS[environment]).is_dir()]
    versions = {}
    for name in PACKAGES[environment]:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    folder = str(next(iter(holding or places), ""))
    return {"python": platform.python_version(), "packages": versions, "folder": folder}


def load(environment: str) -> Any:
    """Import upstream's module of an environment."""
    name = f"embodiedbench.envs.{FOLDERS[environment]}.{CLASSES[environment]}"
    try:
        return importlib.import_module(name)
    except ImportError as error:
        traceback.print_exc()
        raise Refusal("missing", line_of(error)) from error


def line_of(error: BaseException) -> str:
    """An exception as one line."""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")


def png(pixels: Any) -> bytes:
    """An array of 8-bit RGB or RGBA pixels as a PNG; needs no image library.

    Raises:
        ValueError: it is not such an array.
    """
    shape = tuple(getattr(pixels, "shape", ()))
    if str(getattr(pixels, "dtype", "")) != "uint8" or len(shape) != 3 or shape[2] not in (3, 4) or 0 in shape:
        raise ValueError("no image")
    height, width, channels = shape
    data, row = pixels.tobytes(), width * channels
    lines = b"".join(b"\0" + data[start : start + row] for start in range(0, height * row, row))
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 6, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


class Adapter:
    """An environment of EmbodiedBench, alive from one episode to the next.

    Args:
        eval_set: one of upstream's sets.
        busy: told now and then what is going on.
    """

    environment = ""

    def __init__(self, eval_set: str, busy: Callable[[str], None]) -> None:
        module = load(self.environment)
        sets = list(getattr(module, "ValidEvalSets", ()))
        if sets and eval_set not in sets:
            raise Refusal("episode", "there is no set {!r}; there are {}".format(eval_set, ", ".join(sets)))
        build = getattr(module, CLASSES[self.environment])
        known = inspect.signature(build).parameters
        options = {"eval_set": eval_set, "recording": False}
        self.env = build(**{name: value for name, value in options.items() if name in known})
        self.eval_set = eval_set
        self.episodes = int(self._attribute("number_of_episodes"))
        self.playing = False
        self.images = False
        self._busy = busy

    def open(self, index: int) -> Any:
        """Begin the episode with this index in the set's own list; returns upstream's observation."""
        raise NotImplementedError

    def visible(self) -> list[str]:
        """Types of what is in view before the first action."""
        return []

    def reset(self, index: int) -> dict[str, Any]:
        """See the protocol."""
        observation = self.open(index)
        self.playing = True
        names = [str(name) for name in self._attribute("language_skill_set")]  # they change with a reset
        instruction = str(self._attribute("episode_language_instruction"))
        told = {"names": names, "instruction": instruction, "visible": self.visible()}
        return {**told, "image": self._image("reset", observation), **self._counts()}

    def step(self, action: int) -> dict[str, Any]:
        """See the protocol."""
        result = self.env.step(action)
        if not isinstance(result, tuple) or len(result) != 4 or not isinstance(result[3], dict):
            raise Refusal("contract", f"{CLASSES[self.environment]}.step did not give four values with a dict")
        observation, reward, done, info = result
        if not isinstance(info.get("env_feedback"), str):
            raise Refusal("contract", f"{CLASSES[self.environment]}.step gives no text as env_feedback")
        success, counts = bool(self._number(info, "task_success")), self._counts()
        most = self._attribute("_max_episode_steps"), self._attribute("_max_invalid_actions")
        limited = counts["steps"] >= most[0] or counts["invalid"] >= most[1]
        self.playing = not done
        objects = info.get("object_states") or {}
        return {
            "feedback": info["env_feedback"],
            "reward": self._number({"reward": reward}, "reward"),
            "done": bool(done),
            "stopped": bool(done) and not success and not limited,
            "success": success,
            "progress": self._number(info, "task_progress"),
            "valid": bool(self._number(info, "last_action_success")),
            "visible": sorted({str(name) for name in objects.get("visible_objs", ())}),
            "elapsed": self._number({"episode_elapsed_seconds": 0.0, **info}, "episode_elapsed_seconds"),
            "states": {str(name): sorted(map(str, ids)) for name, ids in objects.items() if isinstance(ids, set)},
            "image": self._image("step", observation),
            **counts,
        }

    def refuse(self) -> dict[str, Any]:
        """See the protocol."""
        self.env._cur_invalid_actions += 1
        return self._counts()

    def _image(self, method: str, observation: Any) -> str:
        if not self.images:
            return ""
        try:
            pixels = observation["head_rgb"]
            if hasattr(pixels, "cpu"):  # habitat-sim may leave it on the GPU
                pixels = pixels.cpu().numpy()
            return base64.b64encode(png(pixels)).decode("ascii")
        except (KeyError, TypeError, ValueError):
            name = f"{CLASSES[self.environment]}.{method}"
            raise Refusal("contract", f"{name} gives no image of 8-bit pixels as head_rgb") from None

    def _attribute(self, name: str) -> Any:
        try:
            return getattr(self.env, name)
        except AttributeError:
            raise Refusal("contract", f"{CLASSES[self.environment]} has no {name}") from None

    def _counts(self) -> dict[str, int]:
        return {"steps": int(self._attribute("_current_step")), "invalid": int(self._attribute("_cur_invalid_actions"))}

    def _number(self, values: dict[str, Any], name: str) -> float:
        value: Any = values.get(name)
        if isinstance(value, tuple) and len(value) == 1:  # EB-Habitat's seconds
            value = value[0]
        if getattr(value, "shape", None) == ():  # a numpy number
            value = value.item()
        if not isinstance(value, (bool, int, float)) or not math.isfinite(value):
            raise Refusal("contract", f"{CLASSES[self.environment]}.step gives {name}={value!r}, not a number")
        return float(value)


class Alfred(Adapter):
    """EB-ALFRED. It serves its list in order, from ``_current_episode_num`` on."""

    environment = ALFRED

    def open(self, index: int) -> Any:
        """See :meth:`Adapter.open`. Upstream's connector carries these two over to the next episode; here every episode begins alike."""
        connector = getattr(self.env, "env", None)
        for name, fresh in (("sliced", False), ("put_count_dict", {})):
            if hasattr(connector, name):
                setattr(connector, name, fresh)
        self.env._current_episode_num = index
        return self.env.reset()

    def visible(self) -> list[str]:
        """See :meth:`Adapter.visible`; computed as upstream does after an action."""
        event = getattr(getattr(self.env, "env", None), "last_event", None)
        objects = getattr(event, "metadata", {}).get("objects", ())
        return sorted({str(thing["objectType"]) for thing in objects if thing["visible"]})


class Habitat(Adapter):
    """EB-Habitat. Its iterator may shuffle, and shuffles again after each pass; an episode's id is its index in the set's own list."""

    environment = HABITAT

    def open(self, index: int) -> Any:
        """See :meth:`Adapter.open`. Skips episodes as upstream does: reset until the right one comes up."""
        # If it came late in one pass, it may come last in the next.
        for tried in range(2 * self.episodes + 1):
            if self._attribute("_current_episode_num") >= self.episodes:
                self.env._current_episode_num = 0
            observation = self.env.reset()
            if str(self.env.current_episode().episode_id) == str(index):
                return observation
            self._busy(f"reset {tried + 1}")
        raise Refusal("episode", f"no reset led to episode {index} of {self.eval_set}")


ADAPTERS = {ALFRED: Alfred, HABITAT: Habitat}
COMMANDS = ("hello", "load", "init", "reset", "step", "refuse", "close")


class Session:
    """Answers requests, one after the other; ``busy`` is told now and then what is going on."""

    def __init__(self, busy: Callable[[str], None]) -> None:
        self._busy = busy
        self._adapter: Adapter | None = None
        self._index = -1

    def answer(self, request: Any) -> dict[str, Any]:
        """The body of the reply."""
        if not isinstance(request, dict) or request.get("cmd") not in COMMANDS:
            raise Refusal("protocol", "the request has no known command")
        return dict(getattr(self, "_" + request["cmd"])(request))

    def end(self) -> None:
        """Close the simulator, if there is one."""
        if self._adapter is not None:
            adapter, self._adapter = self._adapter, None
            adapter.env.close()

    def _hello(self, request: dict[str, Any]) -> dict[str, Any]:
        if request.get("protocol") != PROTOCOL:
            raise Refusal("protocol", f"version {PROTOCOL}")
        return {"protocol": PROTOCOL, **describe(_environment(request))}

    def _load(self, request: dict[str, Any]) -> dict[str, Any]:
        load(_environment(request))
        return {}

    def _init(self, request: dict[str, Any]) -> dict[str, Any]:
        environment, eval_set, index = _environment(request), request.get("eval_set"), _integer(request, "index")
        if not isinstance(eval_set, str):
            raise Refusal("protocol", "eval_set is not a string")
        if not isinstance(request.get("images", False), bool):
            raise Refusal("protocol", "images is neither true nor false")
        adapter = self._adapter
        if adapter is None or (adapter.environment, adapter.eval_set) != (environment, eval_set):
            self.end()  # as upstream's evaluators do between two sets
            adapter = self._adapter = ADAPTERS[environment](eval_set, self._busy)
        if not 0 <= index < adapter.episodes:
            raise Refusal("episode", f"{eval_set} has {adapter.episodes} episodes, none with index {index}")
        self._index = index
        adapter.playing, adapter.images = False, request.get("images", False)
        return {"episodes": adapter.episodes}

    def _reset(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._adapter is None:
            raise Refusal("state", "reset before init")
        return self._adapter.reset(self._index)

    def _step(self, request: dict[str, Any]) -> dict[str, Any]:
        adapter, action = self._in_episode(), _integer(request, "action")
        if not 0 <= action < len(adapter.env.language_skill_set):
            raise Refusal("protocol", f"there is no action {action}")
        return adapter.step(action)

    def _refuse(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._in_episode().refuse()

    def _close(self, request: dict[str, Any]) -> dict[str, Any]:
        self.end()
        return {}

    def _in_episode(self) -> Adapter:
        if self._adapter is None or not self._adapter.playing:
            raise Refusal("state", "no episode is under way")
        return self._adapter


def _environment(request: dict[str, Any]) -> str:
    if request.get("environment") not in ADAPTERS:
        raise Refusal("protocol", "there is no such environment")
    return str(request["environment"])


def _integer(request: dict[str, Any], name: str) -> int:
    value = request.get(name)
    if type(value) is not int:  # a bool does not count
        raise Refusal("protocol", f"{name}={value!r} is not an integer")
    return value


class Channel:
    """Requests and replies, out of everybody else's reach: standard output becomes standard error, standard input is empty."""

    def __init__(self) -> None:
        # Unbuffered: the listening thread would hold a buffer's lock when the process ends.
        self._requests = os.fdopen(os.dup(0), "rb", 0)
        self._replies = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._number: Any = None
        threading.Thread(target=self._listen, daemon=True).start()

    def receive(self) -> Any:
        """The next request, or ``None`` at the end of the input."""
        line = self._lines.get()
        if not line:
            return None
        try:
            request = json.loads(line) or {}
        except ValueError:
            request = {}
        self._number = request.get("id") if isinstance(request, dict) else None
        return request

    def send(self, **reply: Any) -> None:
        """Reply to the last request."""
        line = json.dumps({"id": self._number, **reply}, allow_nan=False)
        try:
            self._replies.write(line.encode("ascii") + b"\n")
            self._replies.flush()
        except BrokenPipeError:
            end_group()

    def _listen(self) -> None:
        for line in self._requests:
            self._lines.put(line)
        self._lines.put(b"")
        time.sleep(GRACE)  # nobody listens any more; by now the simulator is closed, or it hangs
        end_group()


def end_group() -> None:
    """End the process at once, with everything it started that is still in its group."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def respond(session: Session, channel: Channel, request: Any) -> None:
    """Answer one request."""
    try:
        reply = {"ok": True, **session.answer(request)}
    except Refusal as refusal:
        reply = {"ok": False, "kind": refusal.kind, "error": str(refusal)}
    except Exception as error:  # whatever EmbodiedBench raises is the answer
        traceback.print_exc()
        reply = {"ok": False, "kind": "upstream", "error": line_of(error)}
    channel.send(**reply)


def main() -> None:
    """Answer until ``close`` or the end of the input."""
    here = str(Path(__file__).resolve().parent)
    # Python puts the script's directory first; EmbodiedBench must not import anything from there.
    sys.path[:] = [place for place in sys.path if place != here]
    channel = Channel()
    session = Session(lambda note: channel.send(busy=note))
    request = channel.receive()
    while request is not None:
        respond(session, channel, request)
        if isinstance(request, dict) and request.get("cmd") == "close":
            return
        request = channel.receive()
    try:
        session.end()
    finally:
        end_group()


if __name__ == "__main__":
    main()
