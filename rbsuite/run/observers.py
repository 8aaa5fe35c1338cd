"""Observers: plugins that are told what happens, each on its own thread, so that a slow one never slows a run.

If a hook of an observer raises, this is reported once, in one line, and the hook is not called again; results do not depend on it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rbsuite.errors import told
from rbsuite.events import Event, ModelCalled, RunFinished, RunStarted, StepTaken, TaskCommitted
from rbsuite.plugins import Plugins

MOST_WAITING = 10_000
"""Events that may wait for a slow observer before further steps and calls are dropped."""
LAST_SECONDS = 5.0
"""How long to wait for observers at the end."""

_log = logging.getLogger(__name__)

_ARGUMENTS: Mapping[str, Callable[[Any], Mapping[str, Any] | None]] = {
    "rbsuite_event": lambda event: {"event": event},
    "rbsuite_run_started": lambda event: (
        {"run": event.run, "resumed_at": event.resumed_at} if isinstance(event, RunStarted) else None
    ),
    "rbsuite_task_committed": lambda event: (
        {"run": event.run, "record": event.record} if isinstance(event, TaskCommitted) else None
    ),
    "rbsuite_run_finished": lambda event: {"run": event.run} if isinstance(event, RunFinished) else None,
}
"""The arguments that each observing hook gets for an event; ``None`` if the event is not for it."""


@dataclass(frozen=True, slots=True)
class _Hook:
    name: str
    takes: tuple[str, ...]
    function: Callable[..., object]
    event_types: tuple[type, ...]

    def wants(self, kind: type) -> bool:
        """Whether ``rbsuite_event`` wants events of a type: all of them, unless its plugin names some in ``event_types``."""
        return self.name == "rbsuite_event" and (not self.event_types or kind in self.event_types)


class Observers:
    """The observers of one experiment. Close it at the end.

    Args:
        plugins: the plugins whose hooks are called.
    """

    def __init__(self, plugins: Plugins) -> None:
        hooks: dict[str, list[_Hook]] = {}
        for name in _ARGUMENTS:
            for implementation in getattr(plugins.hook, name).get_hookimpls():
                wanted = getattr(implementation.plugin, "event_types", ()) if name == "rbsuite_event" else ()
                hook = _Hook(name, tuple(implementation.argnames), implementation.function, tuple(wanted))
                hooks.setdefault(implementation.plugin_name, []).append(hook)
        self._observers = [_Observer(plugin, found) for plugin, found in hooks.items()]
        self.watched = any(
            hook.wants(StepTaken) or hook.wants(ModelCalled) for found in hooks.values() for hook in found
        )

    def emit(self, event: Event) -> None:
        """Pass an event on. Returns at once."""
        for observer in self._observers:
            observer.put(event)

    def close(self) -> None:
        """Let observers catch up, for at most :data:`LAST_SECONDS`."""
        deadline = time.monotonic() + LAST_SECONDS
        for observer in self._observers:
            observer.close(deadline - time.monotonic())


class _Observer:
    """One plugin's observing hooks, called in order from a thread."""

    def __init__(self, plugin: str, hooks: list[_Hook]) -> None:
        self._plugin = plugin
        self._hooks = hooks
        self._waiting: deque[Event] = deque()
        self._turn = threading.Condition()
        self._closing = False
        self._left_out = 0
        self._thread = threading.Thread(target=self._run, name=f"observer {plugin}", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        with self._turn:
            if len(self._waiting) >= MOST_WAITING and isinstance(event, StepTaken | ModelCalled):
                self._left_out += 1
            else:
                self._waiting.append(event)
                self._turn.notify()

    def close(self, seconds: float) -> None:
        with self._turn:
            self._closing = True
            self._turn.notify()
        self._thread.join(max(0.0, seconds))
        left = len(self._waiting) if self._thread.is_alive() else 0
        if left or self._left_out:
            _log.warning("observer %s is too slow: it missed %d events", self._plugin, left + self._left_out)

    def _run(self) -> None:
        while True:
            with self._turn:
                while not self._waiting and not self._closing:
                    self._turn.wait()
                if not self._waiting:
                    return
                event = self._waiting.popleft()
            self._tell(event)

    def _tell(self, event: Event) -> None:
        for hook in list(self._hooks):
            arguments = _ARGUMENTS[hook.name](event)
            if arguments is None or (hook.name == "rbsuite_event" and not hook.wants(type(event))):
                continue
            try:
                hook.function(**{name: arguments[name] for name in hook.takes})
            except BaseException as error:  # sys.exit() too: it would end only this thread
                self._hooks.remove(hook)
                _log.warning(
                    "plugin %s: its hook %s raised %s. It is not called again; results do not depend on it.",
                    self._plugin,
                    hook.name,
                    " ".join(told(error).split()),
                )
