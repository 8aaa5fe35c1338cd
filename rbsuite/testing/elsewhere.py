"""Jobs of the kit that need their own process: what a fresh interpreter does when it imports a module, lists tasks or embeds texts.

``python -m rbsuite.testing.elsewhere`` reads a job as JSON and writes the answer as JSON. At module level it imports almost nothing, so
that whatever a job imports is due to the plugin.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

SECONDS = 60.0
"""The time limit of a job."""
HEAVY = ("datasets", "gymnasium", "jinja2", "litellm", "numpy", "openai", "pandas", "scipy", "torch", "transformers")
"""Packages that take long to import and are not needed to list what is installed."""
_WORK = {
    "os.exec": "starts a program",
    "os.fork": "starts a process",
    "os.forkpty": "starts a process",
    "os.mkdir": "makes a directory",
    "os.posix_spawn": "starts a program",
    "os.putenv": "changes the environment's variables",
    "os.remove": "deletes a file",
    "os.rename": "renames a file",
    "os.rmdir": "deletes a directory",
    "os.system": "starts a program",
    "os.unsetenv": "changes the environment's variables",
    "socket.connect": "opens a connection",
    "socket.getaddrinfo": "asks the network for an address",
    "subprocess.Popen": "starts a program",
}
"""Audit events that count as work, in words."""


class Elsewhere(Exception):
    """A job failed; the text says how, in one line."""


async def elsewhere(job: str, *, hash_seed: int = 0, **arguments: Any) -> Any:
    """Run a job in another process, which finds the same modules as this one.

    Args:
        job: the name of the job, see :data:`JOBS`.
        hash_seed: how texts are hashed there.
        arguments: the job's arguments, as plain data.

    Raises:
        Elsewhere: it failed.
    """
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", __name__]
    asked = json.dumps([job, arguments])
    try:
        done = await asyncio.to_thread(
            subprocess.run, command, input=asked, env=variables, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Elsewhere(f"in a process of its own, it took more than {SECONDS:g} seconds") from None
    if done.returncode or not done.stdout:
        last = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise Elsewhere(f"in a process of its own, it failed: {last}")
    return json.loads(done.stdout)


def _imported(module: str) -> Any:
    """What importing a module does besides defining things, in words."""
    import random
    import threading
    from importlib import import_module

    seen: list[str] = []
    watching = True
    own = module.partition(".")[0]

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if not watching or not (event == "open" or event in _WORK) or not _by(own):
            return
        if event in _WORK:
            seen.append(_WORK[event])
        elif event == "open" and _writes(arguments):
            seen.append(f"opens {arguments[0]} for writing")

    state, threads = random.getstate(), set(threading.enumerate())
    written = _Written()
    sys.stdout = written
    sys.addaudithook(watch)
    try:
        import_module(module)
    finally:
        watching = False
        sys.stdout = sys.__stdout__
    if random.getstate() != state:
        seen.append("draws from or seeds the global random generator")
    if set(threading.enumerate()) - threads:
        seen.append("starts a thread")
    if written.any:
        seen.append("prints")
    return list(dict.fromkeys(seen))


def _by(package: str) -> bool:
    """Whether a package itself is running, not a library that it imports."""
    frame = sys._getframe(2)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if name not in sys.stdlib_module_names and name not in ("", "__main__"):
            return name == package
        frame = frame.f_back  # type: ignore[assignment]
    return False


class _Written:
    """A standard output that only notes that it was used."""

    any = False
    encoding = "utf-8"

    def write(self, text: str) -> int:
        self.any = True
        return len(text)

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False


def _writes(arguments: tuple[Any, ...]) -> bool:
    path, mode, flags = arguments
    if path == os.devnull or isinstance(path, int):
        return False
    return bool(set(mode or "") & set("wax+")) or bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _declared(entry: str) -> Any:
    """The cost of listing a plugin: seconds, excluding those spent waiting for a processor, and the heavy packages imported for it."""
    from importlib import import_module

    import rbsuite.plugins  # noqa: F401 - the core's own share

    module, _, attribute = entry.partition(":")
    started = time.perf_counter() - _queued()
    plugin: Any = import_module(module)
    for name in filter(None, attribute.split(".")):
        plugin = getattr(plugin, name)
    for name in dir(plugin):
        if name.startswith("rbsuite_") and hasattr(getattr(plugin, name), "rbsuite_impl") and _declares(name):
            getattr(plugin, name)()
    queued = _queued()  # first: a wait between the two readings must not be taken off without having been counted
    return {"seconds": time.perf_counter() - queued - started, "heavy": sorted(set(HEAVY) & set(sys.modules))}


def _queued() -> float:
    """Seconds for which this thread could have run but did not get a processor; 0 if the system does not report it (not Linux)."""
    from pathlib import Path

    try:
        return int(Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _declares(hook: str) -> bool:
    import inspect

    from rbsuite import hookspecs

    spec = getattr(hookspecs, hook, None)
    return spec is not None and not inspect.signature(spec).parameters


def _tasks(factory: str, options: Mapping[str, Any], split: str, domain: str, data: str) -> Any:
    """The content hash of an environment's tasks."""
    from rbsuite.environments.hosting import Recipe

    recipe = Recipe(factory, "the environment", options, split, domain, data)
    return recipe.tasks(recipe.environment()).content_hash


def _embedded(factory: str, options: Mapping[str, Any], texts: list[str]) -> Any:
    """An embedder's id and its vectors in hexadecimal."""
    import numpy as np

    from rbsuite.specs import load_object

    embedder = load_object(factory, "the embedder")(**options)
    vectors = np.asarray(asyncio.run(embedder.embed(texts)), dtype=np.float32)
    return [embedder.id, vectors.tobytes().hex()]


JOBS: Mapping[str, Callable[..., Any]] = {
    "import": _imported,
    "declare": _declared,
    "tasks": _tasks,
    "embed": _embedded,
}
"""The jobs by name."""


def main() -> None:
    """Run the job given on standard input. What the plugin prints goes to standard error."""
    answers = os.dup(1)
    os.dup2(2, 1)
    job, arguments = json.load(sys.stdin)
    answer = JOBS[job](**arguments)
    with os.fdopen(answers, "w", encoding="ascii") as out:
        json.dump(answer, out)


if __name__ == "__main__":
    main()
