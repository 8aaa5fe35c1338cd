"""What both environments of the stand-in share; nothing of it is upstream's."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

_calls = Counter()


def recorded(eval_set):
    """The episodes of a set."""
    return json.loads(Path(os.environ["EB_STUB_RECORDING"]).read_text("utf-8"))[eval_set]


def picture(shade):
    """What the camera shows: two rows of three pixels, the first of which says which picture it is."""
    kind = os.environ.get("EB_STUB_PICTURE", "uint8")
    pixels = np.zeros((2, 3, 3), dtype=kind)
    pixels[0, 0] = (shade, 1, 2)
    pixels[1, 2] = (250, 251, 252)
    return pixels


class Tensor:
    """An array on a GPU, as habitat-sim may give it."""

    def __init__(self, pixels):
        self._pixels = pixels

    def cpu(self):
        return self

    def numpy(self):
        return self._pixels


def log(line):
    """Note what happened, for the tests."""
    if "EB_STUB_LOG" in os.environ:
        with Path(os.environ["EB_STUB_LOG"]).open("a") as stream:
            stream.write(line + "\n")


def simulator():
    """A process that stays until it is ended, as Unity does."""
    child = subprocess.Popen(["sleep", "600"])
    if "EB_STUB_CHILDREN" in os.environ:
        with Path(os.environ["EB_STUB_CHILDREN"]).open("a") as stream:
            stream.write(f"{child.pid}\n")
    return child


def noise(where):
    """Write to standard output in every way a library may."""
    print(f"noise of {where}")
    print(json.dumps({"id": 1, "ok": True, "noise": where}))
    os.write(1, b"noise on descriptor 1\n")
    ctypes.CDLL(None).puts(b"noise from C")
    ctypes.CDLL(None).fflush(None)
    subprocess.run(["echo", "noise of a child"], check=True)
    assert sys.stdin.read() == "", "standard input is not its own"


def fault(where):
    """Break if the tests want it here."""
    _calls[where] += 1
    wanted = json.loads(os.environ.get("EB_STUB_FAULT", "{}"))
    if wanted.get("at") != where or _calls[where] != wanted.get("nth", 1):
        return
    print("about to break", file=sys.stderr, flush=True)
    do = wanted["do"]
    if do == "exit":
        print("Unity has left the building", file=sys.stderr, flush=True)
        os._exit(3)
    if do == "sys.exit":
        sys.exit(4)
    if do == "raise":
        raise RuntimeError("the scene could not be\nrestored")
    if do == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if do == "hang":
        log("hang")
        time.sleep(600)
    raise AssertionError(do)
