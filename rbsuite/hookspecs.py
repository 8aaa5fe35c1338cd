"""Every hook of rbsuite, in one place.

A plugin is a module (or object) registered under the entry-point group ``rbsuite`` that implements some of these with
``@rbsuite.hookimpl``. Hooks that declare something return lists of specs; hooks that observe return nothing. An implementation may take
fewer arguments than are given here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from rbsuite.events import Event
    from rbsuite.record import RunInfo, TaskRecord
    from rbsuite.specs import (
        AgentSpec,
        EmbedderSpec,
        EnvironmentSpec,
        JudgeSpec,
        MemorySpec,
        ModelSpec,
        ScalingSpec,
        SelectorSpec,
        UserSpec,
    )

PROJECT = "rbsuite"
API_VERSION = 1
"""Version of the hooks and of what passes through them. It changes when plugins must change.

A plugin that sets ``api_version`` to a different one is not loaded; one that sets none is assumed to fit.
"""

_F = TypeVar("_F", bound="Callable[..., Any]")
_spec_marker = pluggy.HookspecMarker(PROJECT)
_impl_marker = pluggy.HookimplMarker(PROJECT)


def hookspec(function: _F) -> _F:
    """Mark a function as the specification of a hook."""
    return _spec_marker(function)


def hookimpl(function: _F) -> _F:
    """Mark a plugin's function as the implementation of the hook of the same name."""
    return _impl_marker(function)


@hookspec
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """Declare environments (benchmarks).

    :return: one spec per environment. .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def rbsuite_memories() -> Sequence[MemorySpec]:
    """Declare memory mechanisms.

    :return: one spec per memory. .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def rbsuite_judges() -> Sequence[JudgeSpec]:
    """Declare judges.

    :return: one spec per judge. .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def rbsuite_agents() -> Sequence[AgentSpec]:
    """Declare agents.

    :return: one spec per agent. .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def rbsuite_users() -> Sequence[UserSpec]:
    """Declare simulated users.

    :return: one spec per user. .. versionadded:: 0.2
    """
    raise NotImplementedError


@hookspec
def rbsuite_scalings() -> Sequence[ScalingSpec]:
    """Declare ways to spend several rollouts on a task.

    :return: one spec per scaling. .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def rbsuite_selectors() -> Sequence[SelectorSpec]:
    """Declare ways to choose one of several rollouts.

    :return: one spec per selector. .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def rbsuite_models() -> Sequence[ModelSpec]:
    """Declare in-process models. Every other model name is a provider's.

    :return: one spec per model. .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def rbsuite_embedders() -> Sequence[EmbedderSpec]:
    """Declare embedders for retrieval.

    :return: one spec per embedder. .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def rbsuite_prompt_dirs() -> Sequence[Path]:
    """Declare directories of Jinja2 templates; they come before the core's and after ``--prompts``.

    :return: existing directories, laid out by role (``agent/``, ``judge/``, ``memory/``, ...). .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def rbsuite_run_started(run: RunInfo, resumed_at: int) -> None:
    """Observe that a run starts.

    :param run: what identifies the run.
    :param resumed_at: number of tasks that an earlier process had committed; 0 for a fresh run. .. versionadded:: 0.1
    """


@hookspec
def rbsuite_event(event: Event) -> None:
    """Observe everything as it happens: turns, model calls, rollouts, tasks, runs; see :mod:`rbsuite.events`.

    What ran ahead is reported too, and taken back by an event of its own if it is thrown away. Observers report, they never feed back: each
    plugin is called from a thread of its own, and a slow one slows nothing down. A plugin with an attribute ``event_types`` is told only
    events of those types; if nobody wants single turns and calls, those events are not even created.

    :param event: what happened. .. versionadded:: 0.2
    """


@hookspec
def rbsuite_task_committed(run: RunInfo, record: TaskRecord) -> None:
    """Observe that a task's result and memory operations were committed.

    :param run: what identifies the run.
    :param record: all that was committed for the task. .. versionadded:: 0.1
    """


@hookspec
def rbsuite_run_finished(run: RunInfo) -> None:
    """Observe that every task of a run is committed.

    :param run: what identifies the run. .. versionadded:: 0.1
    """
