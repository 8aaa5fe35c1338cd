"""A directory of tau-bench data: databases, tasks, tool schemas and policies, read at first use.

Layout: ``<domain>_db/<table>.json``, ``<domain>_<split>_tasks.json``, ``<domain>_tools.json``, ``<domain>_wiki.md`` and
``<domain>_rules.json``. Files are read as JSON or text; nothing in them is executed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from rbsuite.data.reading import PackFiles
from rbsuite.errors import DataError
from rbsuite_dialogue.database import Database
from rbsuite_tau_bench.domains import DOMAINS, domain
from rbsuite_tau_bench.hashing import database

T = TypeVar("T")

_REMEDY = "Name a directory that holds tau-bench's imported data, or import it again."
_TASK_FIELDS = {"user_id": str, "actions": list, "instruction": str, "outputs": list}


class Pack:
    """The data of one directory. What its methods return is shared: treat it as immutable.

    Args:
        path: the directory.

    Raises:
        DataError: there is no such directory; or, from any method, a file is missing or malformed.
    """

    def __init__(self, path: str | Path) -> None:
        self._source = PackFiles(path, "tau-bench", _REMEDY)
        self.path = self._source.path

    def __repr__(self) -> str:
        return f"Pack({str(self.path)!r})"

    def domains(self) -> tuple[str, ...]:
        """The domains whose database exists here."""
        return tuple(name for name in DOMAINS if (self.path / f"{name}_db").is_dir())

    def splits(self, domain_name: str) -> tuple[str, ...]:
        """The splits of a domain that have tasks here, sorted."""
        start, end = f"{domain(domain_name).name}_", "_tasks.json"
        files = self.path.glob(f"{start}*{end}")
        return tuple(sorted(file.name[len(start) : -len(end)] for file in files))

    def database(self, domain_name: str) -> Database:
        """The database of a domain, parsed once and shared by all worlds over it."""
        return self._source.once(("database", domain_name), lambda: self._read_database(domain_name))

    def tasks(self, domain_name: str, split: str) -> list[dict[str, Any]]:
        """The tasks of a split: user_id, actions (name, kwargs), instruction, outputs. The index is upstream's task id."""
        return self._source.once(("tasks", domain_name, split), lambda: self._read_tasks(domain_name, split))

    def tools(self, domain_name: str) -> list[dict[str, Any]]:
        """The schemas of a domain's tools, as OpenAI functions, in upstream's order."""
        return self._json_list(f"{domain(domain_name).name}_tools.json", dict)

    def rules(self, domain_name: str) -> list[str]:
        """The rules of a domain; upstream never shows them to an agent."""
        return self._json_list(f"{domain(domain_name).name}_rules.json", str)

    def wiki(self, domain_name: str) -> str:
        """The policy of a domain, which is an agent's system prompt."""
        name = f"{domain(domain_name).name}_wiki.md"
        return self._source.once(("wiki", name), lambda: self._source.read_text(name))

    def content_hash(self, domain_name: str | None = None, split: str | None = None) -> str:
        """sha256 (64 hex digits) over the names and bytes of the files, in a fixed order.

        Args:
            domain_name: this domain's files; those of every domain if not given.
            split: only this split's tasks; those of every split if not given.
        """
        domains = self.domains() if domain_name is None else (domain_name,)
        return self._source.content_hash(file for name in domains for file in self._files(name, split))

    def _files(self, domain_name: str, split: str | None) -> Iterator[str]:
        for table in domain(domain_name).tables:
            yield f"{domain_name}_db/{table}.json"
        yield f"{domain_name}_tools.json"
        yield f"{domain_name}_wiki.md"
        yield f"{domain_name}_rules.json"
        for known in self.splits(domain_name) if split is None else (split,):
            yield f"{domain_name}_{known}_tasks.json"

    def _read_database(self, domain_name: str) -> Database:
        tables = {}
        for table in domain(domain_name).tables:
            file = f"{domain_name}_db/{table}.json"
            records = self._source.read_json(file)
            if not isinstance(records, dict) or not all(isinstance(record, dict) for record in records.values()):
                raise self._source.malformed(file, "not a JSON object of records")
            tables[table] = records
        return database(tables)

    def _read_tasks(self, domain_name: str, split: str) -> list[dict[str, Any]]:
        file = f"{domain(domain_name).name}_{split}_tasks.json"
        if split not in self.splits(domain_name):
            known = ", ".join(self.splits(domain_name)) or "none"
            raise DataError(
                f"tau-bench data: no split {split!r} of {domain_name} in {str(self.path)!r}.", f"Known: {known}."
            )
        tasks = self._json_list(file, dict)
        for index, task in enumerate(tasks):
            for field, kind in _TASK_FIELDS.items():
                if not isinstance(task.get(field), kind):
                    raise self._source.malformed(file, f"task {index} has no {field} of type {kind.__name__}")
        return tasks

    def _json_list(self, name: str, kind: type[T]) -> list[T]:
        def read() -> list[T]:
            entries = self._source.read_json(name)
            if not isinstance(entries, list) or not all(isinstance(entry, kind) for entry in entries):
                raise self._source.malformed(name, f"not a JSON list of {kind.__name__}")
            return entries

        return self._source.once(("list", name), read)
