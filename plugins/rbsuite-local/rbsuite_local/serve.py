"""The server's process: ``python -m rbsuite_local.serve`` with its settings as one line of JSON on standard input.

It writes one line of JSON to standard output when it is ready, and ends as soon as its standard input ends or its parent is gone: so it
never outlives its parent, however that ended. The log of llama.cpp goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

LOOK = 1.0
"""Seconds between two checks that the parent is still there."""


def main() -> None:
    """Serve until the parent is gone."""
    parent = os.getppid()
    settings = json.loads(sys.stdin.readline())
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    server = _start(settings)
    print(json.dumps({"url": server.listening_address}), flush=True)  # noqa: T201
    sys.stdin.read()  # ends when the parent closes it or dies
    os._exit(0)  # there is nothing to save, and llama.cpp takes its time


def _start(settings: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = settings["slots"]
    params.n_ctx = settings["slots"] * settings["context"]
    params.n_predict = settings["max_tokens"]
    params.kv_unified = False  # every slot has its own context
    params.ui = False
    if settings["threads"]:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    return xllamacpp.Server(params)


def _watch(parent: int) -> None:
    """End if the parent is gone but another process holds its end of the pipe open."""
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(0)


if __name__ == "__main__":
    main()
