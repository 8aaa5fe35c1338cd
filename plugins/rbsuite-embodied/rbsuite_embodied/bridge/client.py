"""rbsuite's side of the bridge: starts the server in the user's Python, sends it requests, and says in one line what went wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from rbsuite.errors import EnvironmentFailure
from rbsuite.redact import redact
from rbsuite_embodied.bridge.messages import Hello, Moved, Reply, Start, read_hello, read_moved, read_start
from rbsuite_embodied.bridge.process import Gone, LineProcess, Silence
from rbsuite_embodied.bridge.settings import PYTHON, TIMEOUT, Settings

PROTOCOL = 2
"""The version of the protocol spoken here."""

SERVER = Path(__file__).with_name("server.py")
_CLOSING = 20.0
"""Maximum number of seconds that an orderly shutdown may take."""
_LONGEST = 300
"""Characters of a foreign line that a message quotes."""

_T = TypeVar("_T")


class Bridge:
    """An EmbodiedBench in its own process, with at most one live environment.

    Its methods block on the other side, so call them in a separate thread if something else has to continue; :meth:`kill` may be called
    from any other thread meanwhile. After a failure its process is gone and it cannot be used again.

    Args:
        environment: ``eb-alfred`` or ``eb-habitat``.
        settings: where EmbodiedBench is.
        server: the program to run there.

    Attributes:
        hello: who answers, once asked.
        timeout: seconds that a command may take without a sign of life.
        eval_set: the set whose simulator is running; ``""``: none.
        alive: whether it can be used.

    Raises:
        EnvironmentFailure: it cannot be started.
    """

    def __init__(self, environment: str, settings: Settings, server: Path = SERVER) -> None:
        self._name = f"EmbodiedBench ({environment})"
        self._environment = environment
        self.timeout = settings.timeout
        self._number = 0
        self.eval_set = ""
        command = [settings.python, "-u", str(server)]
        try:
            self._process = LineProcess(command, settings.child_variables(os.environ))
        except OSError as error:
            raise EnvironmentFailure(
                f"{self._name} cannot be started with {settings.python!r}: {error.strerror or error}.",
                f"Set {PYTHON} to the Python of the environment in which EmbodiedBench is installed.",
            ) from error
        self.alive = True
        self.hello: Hello | None = None
        self._python = settings.python

    @property
    def pid(self) -> int:
        """The id of its process, which is that of its process group too."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process has ended, even if nothing has been requested since."""
        return not self.alive or self._process.ended

    def greet(self) -> Hello:
        """Ask who answers; to be called first.

        Raises:
            EnvironmentFailure: it speaks another protocol or has no EmbodiedBench, or the other side failed.
        """
        self.hello = hello = self._ask("hello", self._read_hello, protocol=PROTOCOL, environment=self._environment)
        if not hello.folder:
            self._fail(
                f"{self._name} is not installed for {self._python!r}.",
                f"Install it there, set {PYTHON} to another Python, or name a checkout.",
            )
        return hello

    def load(self) -> None:
        """Import EmbodiedBench without starting a simulator.

        Raises:
            EnvironmentFailure: it cannot be imported, or the other side failed.
        """
        self._ask("load", _nothing, environment=self._environment)

    def start(self, eval_set: str, index: int, *, images: bool = False) -> Start:
        """Begin an episode. The simulator is started unless the last episode was from the same set.

        Args:
            eval_set: upstream's name of the set.
            index: the episode's position in the set's own list, from 0.
            images: whether to return what the robot's camera shows.

        Raises:
            EnvironmentFailure: there is no such episode, or the other side failed.
        """
        self._ask("init", _nothing, environment=self._environment, eval_set=eval_set, index=index, images=images)
        self.eval_set = eval_set
        return self._ask("reset", read_start)

    def step(self, action: int) -> Moved:
        """Carry out a named action.

        Raises:
            EnvironmentFailure: no episode is under way, or the other side failed.
        """
        return self._ask("step", read_moved, action=action)

    def refuse(self) -> None:
        """Count a reply that named no action.

        Raises:
            EnvironmentFailure: no episode is under way, or the other side failed.
        """
        self._ask("refuse", _nothing)

    def kill(self) -> None:
        """End the process at once, from any thread; a method waiting in another thread fails."""
        self.alive = False
        self._process.kill()

    def close(self) -> None:
        """Close the simulator and end the process, whether or not it is still alive."""
        if self.alive:
            self.timeout = min(self.timeout, _CLOSING)
            try:
                self._ask("close", _nothing)
                self._process.wait(self.timeout)
            except EnvironmentFailure:
                pass  # it is gone all the same, and nothing was left to do
        self._end()

    def _end(self) -> None:
        self.alive = False
        self._process.end()

    def _ask(self, command: str, read: Callable[[Reply], _T], **fields: Any) -> _T:
        """Send a request and read the answer. Whatever interrupts this leaves no half-read answer behind."""
        if not self.alive:
            raise EnvironmentFailure(f"{self._name} has ended, so {command!r} cannot be sent.")
        try:
            return self._exchange(command, read, fields)
        except BaseException:
            self._end()
            raise

    def _exchange(self, command: str, read: Callable[[Reply], _T], fields: dict[str, Any]) -> _T:
        self._number += 1
        line = b""
        try:
            self._process.send(json.dumps({"id": self._number, "cmd": command, **fields}).encode("ascii"))
            reply: dict[str, Any] = {"busy": ""}
            while "busy" in reply:
                line = self._process.receive(self.timeout)
                reply = self._reply(line)
            if reply["ok"]:
                return read(reply)
        except Silence:
            self._fail(
                f"{self._name} did not answer {command!r} within {self.timeout:g} s.",
                f"Set {TIMEOUT} to more seconds if that is too short.",
            )
        except Gone as gone:
            self._end()  # then all of its last words have arrived
            words = self._process.last_words()
            self._fail(f"{self._name} {gone} during {command!r}{f': {_quoted(words)}' if words else ''}.")
        except (ValueError, RecursionError) as problem:
            said = problem if line.startswith(b"{") else "it is not JSON"
            excerpt = _quoted(line[:_LONGEST].decode("utf-8", "replace"))
            self._fail(f"{self._name} answered {command!r} with {excerpt!r}, which is not a reply: {said}.")
        error, kind = _quoted(str(reply.get("error"))), reply.get("kind")
        if kind == "missing":
            self._fail(f"{self._name} cannot be imported: {error}.", "Install what is missing into its Python.")
        if kind == "protocol" and command == "hello":
            self._other_protocol(error)
        self._fail(f"{self._name} failed at {command!r}: {error}.")

    def _reply(self, line: bytes) -> dict[str, Any]:
        """A reply to the request at hand.

        Raises:
            ValueError: it is not a reply.
        """
        reply = json.loads(line)
        if not isinstance(reply, dict) or not (isinstance(reply.get("ok"), bool) or "busy" in reply):
            raise ValueError("it has no 'ok'")
        if reply.get("id") != self._number:
            raise ValueError("it is not a reply to the request")
        return reply

    def _read_hello(self, reply: Reply) -> Hello:
        if reply.get("protocol") != PROTOCOL:
            self._other_protocol(f"version {reply.get('protocol')}")
        return read_hello(reply)

    def _other_protocol(self, spoken: str) -> NoReturn:
        said = f"{self._name} and rbsuite do not speak the same protocol: {spoken} there, version {PROTOCOL} here."
        self._fail(said, "Reinstall rbsuite-embodied.")

    def _fail(self, message: str, remedy: str = "") -> NoReturn:
        self._end()
        raise EnvironmentFailure(message, remedy)


def _nothing(reply: Reply) -> None:
    """The content of the reply does not matter."""


def _quoted(text: str) -> str:
    """A foreign line as part of a message: without secrets, and not too long."""
    line = redact(" ".join(text.split())).rstrip(".")
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."
