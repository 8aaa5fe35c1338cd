"""Experiments that somebody else may be writing: what is committed, and its figures, computed alongside the requests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from rbsuite.errors import RbsuiteError, StoreError
from rbsuite.inert import inert
from rbsuite.jsonable import Json
from rbsuite.memories.folded import folded_items
from rbsuite.report.html.page import frame, json_text, page, report_document, sections_part, waiting_part
from rbsuite.report.html.sections import Figures
from rbsuite.report.rollouts import Runs, Shower, rows
from rbsuite.store import ExperimentStore
from rbsuite.store.experiment import FILE_NAME

if TYPE_CHECKING:
    from rbsuite.plugins import Plugins
    from rbsuite.record import RunInfo

PAUSE = 2.0
"""The pause before the figures are computed again, as a multiple of the time that they took."""
LEAST_PAUSE = 2.0
"""The shortest such pause, in seconds."""
AT_ONCE = 256
"""How many rows are sent, or tasks searched, at once."""


def experiments(home: Path) -> dict[str, Path]:
    """The experiments at a place by name: the place itself if it is one, or those that it contains.

    Raises:
        OSError: it cannot be read.
    """
    if (home / FILE_NAME).is_file():
        return {home.resolve().name: home}
    return {one.name: one for one in sorted(home.iterdir()) if (one / FILE_NAME).is_file()}


@dataclass(frozen=True, slots=True)
class _Made:
    """The figures as of some state of an experiment."""

    version: str
    html: str
    comparisons: Json


class Watched:
    """One experiment.

    Args:
        directory: of the experiment.
        plugins: where agents are looked up.
        reveal: whether the texts of a private benchmark are shown.

    Attributes:
        directory: that of the experiment.

    Raises:
        StoreError: it cannot be read.
    """

    def __init__(self, directory: Path, plugins: Plugins, *, reveal: bool) -> None:
        self.directory = directory
        self._reveal = reveal
        self._store = ExperimentStore.open(directory, readonly=True)
        self._shower = Shower(self._store, plugins, reveal=reveal)
        self._lock = threading.Lock()
        self._computing = False
        self._next = 0.0
        self._made = _Made("", waiting_part(""), [])
        self._error = ""

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def page(self, up: str) -> tuple[str, str]:
        """The page, and its policy.

        Args:
            up: link to all experiments; empty: there is only this one.
        """
        runs = Runs.of([self._store], None)
        head = {**runs.plain([""] * len(runs.pairs)), "live": True}
        values = {**frame([self._store], None), "live": True, "up": up, "head": Markup(json_text(head)), "canary": ""}
        return page("report.html", values, connect="'self'")

    def state(self) -> Json:
        """How far it is; starts computing the figures if they are those of another state."""
        committed = self._committed()
        version = _version(committed)
        self._compute(version)
        return {
            "committed": committed,
            "version": self._made.version,
            "settled": self._made.version == version,
            "error": self._error,
        }

    def sections(self) -> Json:
        """The newest figures."""
        made = self._made
        return {"html": made.html, "version": made.version, "comparisons": made.comparisons}

    def rows(self, run: int, start: int) -> Iterator[str]:
        """The rows of a run from a position on, as lines of JSON, many at once."""
        found = rows(self._store, self._run(run).id, start)
        while some := list(islice(found, AT_ONCE)):
            yield "".join(f"{json.dumps(row, separators=(',', ':'))}\n" for row in some)

    async def record(self, run: int, position: int) -> Json:
        """A task with its rollouts.

        Raises:
            StoreError: there is none.
        """
        info = self._run(run)
        record = self._store.record(info.id, position)
        return await self._shower.one(info, record, folded_items(self._store, info.id, record.version).ever)

    async def search(self, run: int, words: str, start: int) -> tuple[list[int], int | None]:
        """The positions, from ``start`` on, of tasks whose rollouts contain the words; and where to continue, ``None`` at the end."""
        info, found, position = self._run(run), [], start
        wanted = json.dumps(words.lower(), ensure_ascii=False)[1:-1]
        for record in self._store.records(info.id, start, stop=start + AT_ONCE):
            text = json.dumps(await self._shower.one(info, record, {}), ensure_ascii=False).lower()
            if wanted in text:
                found.append(record.position)
            position = record.position + 1
        return found, position if position == start + AT_ONCE else None

    def _run(self, run: int) -> RunInfo:
        runs = self._store.manifest.runs
        if run >= len(runs):
            raise StoreError(f"{self.directory.name} has no run {run}.", f"It has {len(runs)}, from 0.")
        return runs[run]

    def _committed(self) -> list[int]:
        return [self._store.committed(info.id) for info in self._store.manifest.runs]

    def _compute(self, version: str) -> None:
        """Compute the figures in a separate thread, which does not keep the process alive."""
        with self._lock:
            if self._computing or version == self._made.version or time.monotonic() < self._next:
                return
            self._computing = True
        threading.Thread(target=self._figures, args=(version,), daemon=True).start()

    def _figures(self, version: str) -> None:
        begun = time.monotonic()
        try:
            self._made = self._make(version)
            self._error = ""
        except RbsuiteError as error:
            self._made = _Made(version, waiting_part(error.message), [])
        except Exception as error:  # in a separate thread nobody else would hear of it
            self._error = f"the figures cannot be computed: {type(error).__name__}"
            raise
        finally:
            took = time.monotonic() - begun
            with self._lock:
                self._computing = False
                self._next = time.monotonic() + max(LEAST_PAUSE, PAUSE * took)

    def _make(self, version: str) -> _Made:
        from rbsuite.report.comparison import gather

        if not any(json.loads(version)):
            return _Made(version, waiting_part("No task is committed yet."), [])
        with ExperimentStore.open(self.directory, readonly=True) as store:
            compared = gather([store])
            figures = Figures.of(report_document(compared, reveal=self._reveal))
            runs = Runs.of([store], compared.summary)
            names = [figures.versus(number) for number in range(len(figures.pairs))] or ["all"]
            pairs = [{"name": inert(name), "pairs": list(found)} for name, found in zip(names, runs.pairs, strict=True)]
            return _Made(version, sections_part(figures, compared), pairs)


def _version(committed: Sequence[int]) -> str:
    return json.dumps(committed, separators=(",", ":"))


def listed(name: str, directory: Path) -> Json:
    """What the list says about an experiment."""
    try:
        with ExperimentStore.open(directory, readonly=True) as store:
            config, runs = store.manifest.config, store.manifest.runs
            return {
                "name": name,
                "link": f"e/{name}/",
                "error": "",
                "place": " ".join(filter(None, (config["env"], config["split"], config["domain"]))),
                "memories": ", ".join(dict.fromkeys(info.condition.memory for info in runs)),
                "models": ", ".join(dict.fromkeys(info.condition.model for info in runs)),
                "simulated": bool(store.manifest.facts["simulated"]),
                "done": sum(store.committed(info.id) for info in runs),
                "all": sum(len(info.tasks) for info in runs),
            }
    except RbsuiteError as error:
        return {"name": name, "error": error.message}
