"""A directory of tau2-bench data: databases, tasks, tool schemas and policies, read at first use.

Layout: one directory per domain with ``db.json`` or ``db.toml``, ``user_db.json`` or ``user_db.toml``, ``tasks.json`` or
``tasks_<split>.json``, ``split_tasks.json``, ``tools.json`` and the policies as Markdown. Files are read as JSON, TOML or text; nothing in
them is executed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rbsuite.data.reading import PackFiles
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.files import Unusable, parse_toml
from rbsuite_dialogue.database import Database
from rbsuite_tau2_bench.domains import DOMAINS, Part, domain
from rbsuite_tau2_bench.scenario import Malformed, Scenario, read_scenario
from rbsuite_tau2_bench.world import World

T = TypeVar("T")

TITLE = "tau2-bench"
REMEDY = "Name a directory that holds tau2-bench's imported data, or import it again."
RECONSTRUCTED = "db_reconstructed.json"
"""The airline database of a pack that was rebuilt from tau-bench's, because upstream's was unavailable."""
SOLO_POLICY = "policy_solo.md"
_DATABASES = {"agent": ("db.json", "db.toml", RECONSTRUCTED), "user": ("user_db.json", "user_db.toml")}
TASK_FILES = ("tasks.json", "tasks_base.json", "tasks_small.json", "tasks_full.json")
"""Where tasks are; for telecom, each file contains those that the files before it do not."""
_SPLIT_FILES = {"small": TASK_FILES[:3], "full": TASK_FILES}
_POLICIES: Mapping[str, tuple[str, str]] = {
    "manual": ("main_policy.md", "tech_support_manual.md"),
    "workflow": ("main_policy.md", "tech_support_workflow.md"),
    "manual solo": ("main_policy_solo.md", "tech_support_manual.md"),
    "workflow solo": ("main_policy_solo.md", "tech_support_workflow_solo.md"),
}


class Pack:
    """The data of one directory. What its methods return is shared: treat it as immutable.

    Args:
        path: the directory.

    Raises:
        DataError: there is no such directory; or, from any method, a file is missing or malformed.
    """

    def __init__(self, path: str | Path) -> None:
        self._source = PackFiles(path, TITLE, REMEDY)
        self.path = self._source.path

    def __repr__(self) -> str:
        return f"Pack({str(self.path)!r})"

    def domains(self) -> tuple[str, ...]:
        """The domains that exist here."""
        return tuple(name for name in DOMAINS if (self.path / name).is_dir())

    def databases(self, name: str) -> tuple[Database, Database | None]:
        """The databases of a domain, the agent's and the user's, parsed once and shared by all worlds over them."""
        return self._source.once(("databases", domain(name).name), lambda: self._read_databases(name))

    def task_ids(self, name: str, split: str) -> tuple[str, ...]:
        """The ids of the tasks of a split, in upstream's order."""
        return self._source.once(("split", domain(name).name, split), lambda: self._read_split(name, split))

    def task(self, name: str, task: str) -> Scenario:
        """A task of a domain.

        Raises:
            UnknownNameError: there is none with this id.
        """
        return self._source.once(("task", domain(name).name, task), lambda: self._read_task(name, task))

    def entry(self, name: str, task: str) -> Mapping[str, Any]:
        """A task of a domain as upstream writes it.

        Raises:
            UnknownNameError: there is none with this id.
        """
        return self._entry(domain(name).name, task)

    def initial(self, name: str, task: str, fidelity: str) -> World:
        """The world at the start of a task; to be forked, never changed."""
        scenario = self.task(name, task)
        return self._source.once(("initial", name, task, fidelity), lambda: self._begun(name, scenario, fidelity))

    def tools(self, name: str) -> Mapping[str, list[dict[str, Any]]]:
        """The schemas of a domain's tools by side, as OpenAI functions, in upstream's order."""
        return self._source.once(("tools", domain(name).name), lambda: self._read_tools(name))

    def policy(self, name: str, *, solo: bool = False, variant: str = "manual") -> str:
        """The policy of a domain, which is an agent's system prompt.

        Args:
            name: the domain.
            solo: the one for an agent without a user.
            variant: for telecom, ``manual`` or ``workflow``.
        """
        key = ("policy", domain(name).name, str(solo), variant)
        return self._source.once(key, lambda: self._read_policy(name, solo, variant))

    def content_hash(self, name: str, split: str) -> str:
        """sha256 (64 hex digits) over the names and bytes of the files that a split of a domain depends on, in a fixed order."""
        return self._source.content_hash(self._files(name, split))

    def file_hash(self, name: str) -> str:
        """sha256 of a file of the pack: 64 hex digits."""
        return self._source.content_hash([name])

    def database_file(self, name: str, side: str = "agent") -> str:
        """The path of a database in the pack."""
        for file in _DATABASES[side]:
            if (self.path / name / file).is_file():
                return f"{name}/{file}"
        return f"{name}/{_DATABASES[side][0]}"

    def _files(self, name: str, split: str) -> Iterator[str]:
        files = _SPLIT_FILES.get(split, TASK_FILES[:2])
        yield self.database_file(name)
        if DOMAINS[name].user is not None:
            yield self.database_file(name, "user")
        yield from (f"{name}/{file}" for file in sorted(self._present(name, "*.md")))
        yield from (f"{name}/{file}" for file in ("split_tasks.json", "tools.json"))
        yield from (f"{name}/{file}" for file in files if (self.path / name / file).is_file())

    def _present(self, name: str, pattern: str) -> list[str]:
        return [file.name for file in (self.path / name).glob(pattern)]

    def _read_databases(self, name: str) -> tuple[Database, Database | None]:
        known = DOMAINS[name]
        agent = self._read_database(known.agent, self.database_file(name))
        user = None if known.user is None else self._read_database(known.user, self.database_file(name, "user"))
        return agent, user

    def _read_database(self, part: Part, file: str) -> Database:
        try:
            return part.database(self._read_toml(file) if file.endswith(".toml") else self._source.read_json(file))
        except ValueError as error:
            raise self._source.malformed(file, str(error)) from error

    def _read_toml(self, file: str) -> Any:
        try:
            return parse_toml(self._source.read_text(file).encode())
        except Unusable as error:
            raise self._source.malformed(file, str(error)) from error

    def _entries(self, name: str, split: str) -> Mapping[str, dict[str, Any]]:
        """The tasks by id from the files that contain a split."""
        files = _SPLIT_FILES.get(split, TASK_FILES[:2])
        present = [file for file in files if (self.path / name / file).is_file()] or [TASK_FILES[0]]
        found: dict[str, dict[str, Any]] = {}
        for file in present:
            known = self._source.once(("file", name, file), partial(self._read_tasks, name, file))
            for key, entry in known.items():
                found.setdefault(key, entry)
        return found

    def _read_tasks(self, name: str, file: str) -> Mapping[str, dict[str, Any]]:
        entries = self._source.read_json(f"{name}/{file}")
        if not isinstance(entries, list):
            raise self._source.malformed(f"{name}/{file}", "not a JSON list")
        found: dict[str, dict[str, Any]] = {}
        for place, entry in enumerate(entries):
            if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
                raise self._source.malformed(f"{name}/{file}", f"task {place} has no id")
            found[entry["id"]] = entry
        return found

    def _entry(self, name: str, task: str) -> dict[str, Any]:
        for split in ("base", "small", "full"):
            entries = self._entries(name, split)
            if task in entries:
                return entries[task]
        raise UnknownNameError(f"task of {TITLE}'s {name}", task, entries)

    def _read_split(self, name: str, split: str) -> tuple[str, ...]:
        file = f"{name}/split_tasks.json"
        splits = self._source.read_json(file)
        if not isinstance(splits, dict) or not all(isinstance(ids, list) for ids in splits.values()):
            raise self._source.malformed(file, "not a JSON object of lists")
        if split not in splits:
            raise DataError(f"{TITLE}: {name} has no split {split!r}.", f"It has: {', '.join(sorted(splits))}.")
        wanted = set(map(str, splits[split]))
        found = tuple(one for one in self._entries(name, split) if one in wanted)
        if len(found) < len(wanted):
            raise DataError(
                f"{TITLE}: {len(wanted) - len(found)} of the {len(wanted)} tasks of {name}, split {split!r}, are not in "
                f"{str(self.path)!r}.",
                "Import them from a checkout: rbsuite data import tau2-bench --from CHECKOUT.",
            )
        return found

    def _read_task(self, name: str, task: str) -> Scenario:
        entry = self._entry(name, task)
        try:
            return read_scenario(entry)
        except Malformed as error:
            raise DataError(f"{TITLE} data: task {task!r} of {name}: {error} ({self.path}).", REMEDY) from error

    def _begun(self, name: str, scenario: Scenario, fidelity: str) -> World:
        try:
            return World.begun(name, self.databases(name), scenario, fidelity)
        except (UnknownNameError, DataError):
            raise
        except Exception as error:
            raise DataError(
                f"{TITLE} data: the initial state of task {scenario.id!r} of {name} cannot be set up: {error}.", REMEDY
            ) from error

    def _read_tools(self, name: str) -> Mapping[str, list[dict[str, Any]]]:
        file = f"{name}/tools.json"
        tools = self._source.read_json(file)
        known = DOMAINS[name]
        sides = {"assistant": known.agent, **({"user": known.user} if known.user else {})}
        found: dict[str, list[dict[str, Any]]] = {}
        for side, part in sides.items():
            entries = tools.get(side) if isinstance(tools, dict) else None
            names = [function_name(entry) for entry in entries] if isinstance(entries, list) else []
            if not entries or sorted(names) != sorted(part.toolkit.kinds):
                raise self._source.malformed(file, f"not the tools of {side}")
            found[side] = entries
        return found

    def _read_policy(self, name: str, solo: bool, variant: str) -> str:
        if name != "telecom":
            return self._source.read_text(f"{name}/{SOLO_POLICY if solo else 'policy.md'}")
        main, support = _POLICIES[f"{variant} solo" if solo else variant]
        texts = [self._source.read_text(f"{name}/{file}") for file in (main, support)]
        return f"<main_policy>\n{texts[0]}\n</main_policy>\n<tech_support_policy>\n{texts[1]}\n</tech_support_policy>"


def function_name(entry: Any) -> str:
    """The name in a tool's schema; empty if it has none."""
    function = entry.get("function") if isinstance(entry, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else ""
