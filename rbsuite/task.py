"""Tasks and task sets: the problems of an environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from rbsuite.errors import PLUGIN_REMEDY, DataError, PluginError, blamed_on, in_words
from rbsuite.jsonable import digest
from rbsuite.twins import find_twins

_K = TypeVar("_K")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Task:
    """One problem of an environment.

    Attributes:
        id: unique within its task set and stable between versions, e.g. ``"retail/test/17"``.
        group: tasks that share a template, user or scene; the cluster of the statistics.
        domain: part of the environment the task belongs to, e.g. ``"retail"``; memory may be partitioned by it.
        query: what memory is searched with if the task itself states it (the question). Empty if a simulated user opens the
            conversation: then the opening message is the query.
        payload: what only the environment may see (instruction of the user, reference answer, checks). Never shown to agent, memory
            or self-judge.
        difficulty: a rank for easy-to-hard orders, larger is harder; ``None`` if it is not known.
    """

    id: str
    group: str
    domain: str
    # A task's text may be a patient's record, and objects are printed in notebooks, errors and logs: it is left out there.
    query: str = field(default="", repr=False)
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False)
    difficulty: float | None = None


@dataclass(frozen=True)
class TaskSet:
    """An ordered set of tasks of one split, with the hash that goes into every result.

    Attributes:
        environment: name of the environment.
        split: name of the split.
        tasks: the tasks in native order.
        source: where the data comes from (pack or sample, its version and hash), for the manifest. Not part of the hash: the same content
            is the same task set, however it got here.
        content: hash of what else belongs to the tasks (databases, policies, worked examples); empty if nothing does.
        asks: what a task asks, in words, by which its twins are found; ``None``: twins are not looked for.
        private: the tasks contain what may not leave this machine, such as patients' records. An experiment on them uses no model, embedder
            or observer elsewhere unless the user says so (:mod:`rbsuite.run.private`), and what is shown of it is redacted.
    """

    environment: str
    split: str
    tasks: tuple[Task, ...]
    source: Mapping[str, str] = field(default_factory=dict)
    content: str = ""
    asks: Callable[[Task], str] | None = None
    private: bool = False

    def __post_init__(self) -> None:
        """Refuse two tasks with the same id.

        Raises:
            DataError: there are two.
        """
        if len(self.by_id) < len(self.tasks):
            ids = [task.id for task in self.tasks]
            twice = next(name for name in ids if ids.count(name) > 1)
            raise DataError(
                f"{self.environment}, split {self.split}: two tasks have the id {twice!r}.",
                "Give each an id of its own.",
            )

    def __len__(self) -> int:
        return len(self.tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)

    @cached_property
    def by_id(self) -> Mapping[str, Task]:
        """The tasks by id."""
        return {task.id: task for task in self.tasks}

    @cached_property
    def twins(self) -> Mapping[str, tuple[str, ...]]:
        """By task id, the tasks that ask the same or nearly the same (:func:`rbsuite.twins.find_twins`), for tasks that have any.

        What was learned on a task's twin is kept out of its recall, like what was learned on the task itself. Finding twins takes time, so
        they are looked for when they are first asked for.
        """
        return {} if self.asks is None else find_twins({task.id: self._asked(task) for task in self.tasks}).of

    def _asked(self, task: Task) -> str:
        assert self.asks is not None
        owner = f"environment {self.environment!r} on task {task.id!r}"
        with blamed_on(f"asks of {owner}"):
            asked: object = self.asks(task)
        if not isinstance(asked, str):
            raise PluginError(f"asks must return a str, not {in_words(asked)}.", PLUGIN_REMEDY, owner=owner)
        return asked

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of environment, split, tasks and what belongs to them.

        Raises:
            PluginError: a task has a value without a JSON form.
        """
        try:
            return digest([self.environment, self.split, self.content, list(self.tasks)])
        except TypeError as error:
            raise self._without_json() from error

    def _without_json(self) -> PluginError:
        """The error for the first value that has no JSON form."""
        parts = ((f"task {task.id!r}", task) for task in self.tasks)
        for name, value in (*parts, ("its task set", [self.environment, self.split, self.content])):
            try:
                digest(value)
            except TypeError as error:
                return PluginError(f"{name}: {error}.", PLUGIN_REMEDY, owner=f"environment {self.environment!r}")
        raise AssertionError("every part has a JSON form, but the whole has none")


def once(known: MutableMapping[_K, _T], key: _K, build: Callable[[], _T]) -> _T:
    """What ``build`` returns for a key, kept from the first call on; for what an environment works out only when asked.

    Two threads may build the same value; the first one is kept.
    """
    if key not in known:
        known.setdefault(key, build())
    return known[key]
