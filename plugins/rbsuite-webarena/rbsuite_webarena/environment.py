"""WebArena as an environment: the user's task file and servers, or this project's sample on its own site."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rbsuite.data.reading import PackFiles, find_pack
from rbsuite.environments.base import Environment, Episode, EpisodeServices
from rbsuite.environments.hosting import CallThread
from rbsuite.environments.solution import Solution
from rbsuite.errors import DataError, EnvironmentFailure, UnknownNameError
from rbsuite.jsonable import digest
from rbsuite.task import Task, TaskSet
from rbsuite_webarena import records

if TYPE_CHECKING:
    from rbsuite_web.pool import BrowserPool
    from rbsuite_webarena.episode import Setting, WebArenaEpisode
    from rbsuite_webarena.sites import Sites

NAME = PACK = "webarena"
SAMPLE, ALL, NO_MAP, HARD = "sample", "test", "no-map", "hard"
TASKS, VERIFIED, HARD_IDS = "tasks.json", "verified.json", "hard.json"
"""The files of a pack."""
REMEDY = "Run: rbsuite data import webarena --from DIR, where DIR holds test.raw.json: a checkout, or the package's directory."
_WINDOW = (1280, 720)
_BROWSERS = 2


class WebArena(Environment):
    """Tasks on sites that the user serves.

    Args:
        grader: ``stock``: upstream's evaluators; ``verified``: webarena-verified, with its own wording of the tasks.
        fuzzy: for the stock grader: ``skip`` leaves out tasks whose answer only a model can grade, ``model`` asks the grading model.
        reset: when the servers are reset: ``never``, once at the ``start``, or before every ``task``.
        setup_tries: how often a login, a reset or a first page is tried before the rollout breaks.
        page_seconds: how long a page may take to load.
        settle: seconds to wait after a page opened for grading has loaded.
        images: whether observations include a screenshot of the page.
    """

    def __init__(
        self,
        *,
        grader: str = "stock",
        fuzzy: str = "skip",
        reset: str = "never",
        setup_tries: int = 2,
        page_seconds: int = 30,
        settle: float = 3.0,
        images: bool = False,
    ) -> None:
        self._grader = grader
        self._fuzzy = fuzzy
        self._reset = reset
        self._tries = setup_tries
        self._page_seconds = page_seconds
        self._settle = settle
        self._images = images
        self._rows: Mapping[str, Mapping[str, Any]] = {}
        self._needed: set[str] = set()
        self._own = False
        self._variant = ""
        self._lock = threading.Lock()
        self._pool: BrowserPool | None = None
        self._was_reset = False

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`."""
        if split not in (SAMPLE, ALL, NO_MAP, HARD):
            raise UnknownNameError(f"split of {NAME}", split, (SAMPLE, ALL, NO_MAP, HARD))
        if domain and domain not in records.DOMAINS:
            raise UnknownNameError(f"domain of {NAME}", domain, records.DOMAINS)
        self._own = split == SAMPLE and not data
        rows, source = self._sample() if self._own else self._imported(split, data)
        if split == NO_MAP:
            rows = [row for row in rows if "map" not in row["sites"]]
        if self._grader == "stock" and self._fuzzy == "skip":
            rows = [row for row in rows if not records.asks_model(row)]
        self._rows = {str(row["task_id"]): row for row in rows}
        rows = [row for row in rows if domain in ("", records.domain_of(row))]
        self._needed = {str(site) for row in rows for site in row["sites"]}
        tasks = tuple(_task(split, row) for row in rows)
        whole = digest([rows, self._grader])
        return TaskSet(NAME, split, tasks, {**source, "sha256": whole}, whole, asks=lambda task: task.query)

    async def open(self, task: Task, *, seed: int, services: EpisodeServices) -> Episode:
        """An episode in its own thread, since a browser blocks; its grade may await a model."""
        from rbsuite_webarena.episode import ThreadedEpisode  # it needs selenium, which only a run does

        thread = CallThread(f"episode of {task.id}")
        opened: list[WebArenaEpisode] = []

        def begin() -> WebArenaEpisode:
            opened.append(self._begun(task))
            return opened[0]

        try:
            return ThreadedEpisode(thread, await thread.call(begin), services)
        except BaseException:
            await asyncio.shield(thread.end(lambda: opened[0].close() if opened else None))
            raise

    def solution(self, task: Task) -> Solution | None:
        """How the sample's tasks are solved; there are no references for the others."""
        if not self._own:
            return None
        from rbsuite_webarena.sample import solution

        return solution(int(_number(task)))

    def facts(self) -> Mapping[str, Any]:
        """Which task file and which grader are used."""
        return {"task_file": self._variant, "grader": f"{self._grader}@1"}

    async def aclose(self) -> None:
        """Close the browsers."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.close)

    def _begun(self, task: Task) -> WebArenaEpisode:
        """The first page of a task. Failures are retried with a fresh profile, as often as the option says."""
        if self._grader == "verified":
            from rbsuite_webarena import verified

            verified.interpreter()
        for number in range(1, self._tries + 1):
            try:
                return self._set_up(task, number)
            except EnvironmentFailure:
                if number == self._tries:
                    raise
        raise AssertionError("it returns or raises")

    def _set_up(self, task: Task, number: int) -> WebArenaEpisode:
        from rbsuite_webarena.episode import Setting

        row = self._rows[_number(task)]
        if self._own:
            from rbsuite_webarena.stub import OwnEpisode, StubSite

            site = StubSite()
            try:
                setting = Setting(site.sites, self._grader, self._fuzzy == "model", 0.0, site.shown, number)
                return self._first_page(row, setting, site.sites.hosts, kind=OwnEpisode(site))
            except BaseException:
                site.close()
                raise
        sites = self._served(row["sites"])
        self._reset_servers()
        setting = Setting(sites, self._grader, self._fuzzy == "model", self._settle, {}, number)
        return self._first_page(row, setting, sites.hosts)

    def _first_page(
        self,
        row: Mapping[str, Any],
        setting: Setting,
        hosts: Sequence[str],
        kind: Any = None,
    ) -> WebArenaEpisode:
        from rbsuite_webarena.episode import WebArenaEpisode
        from rbsuite_webarena.sites import log_in, visit

        lease = self._browsers(hosts).lend()
        try:
            for site in row["sites"]:
                log_in(lease.browser, setting.sites, site)
            first, *others = (setting.sites.filled(url) for url in _start_urls(row))
            visit(lease.browser, first)
            for url in others:
                with lease.browser.failing("cannot open a tab"):
                    known = lease.browser.tabs()
                    lease.browser.open_tab()
                    lease.browser.driver.switch_to.window(lease.browser.tabs()[len(known)])
                visit(lease.browser, url)
            made: WebArenaEpisode = (kind or WebArenaEpisode)(lease, row, setting=setting, images=self._images)
            return made
        except BaseException:
            lease.end()
            raise

    def _browsers(self, hosts: Sequence[str]) -> BrowserPool:
        from rbsuite_web.browser import Browser
        from rbsuite_web.pool import BrowserPool

        def make() -> Browser:
            return Browser(hosts, size=_WINDOW, page_seconds=float(self._page_seconds))

        with self._lock:
            if self._pool is None:
                self._pool = BrowserPool(make, _BROWSERS)
            return self._pool

    def _served(self, here: Sequence[str]) -> Sites:
        """The servers; those of all tasks must be named before the first task starts."""
        from rbsuite_webarena.sites import Sites

        needed = self._needed.union(here)
        return Sites.of_environment([site for site in records.SITES if site in needed])

    def _reset_servers(self) -> None:
        with self._lock:
            if self._reset == "task" or (self._reset == "start" and not self._was_reset):
                from rbsuite_webarena.sites import full_reset

                full_reset()
                self._was_reset = True

    def _sample(self) -> tuple[list[Mapping[str, Any]], Mapping[str, str]]:
        from rbsuite_webarena.sample import rows

        if self._grader == "verified":
            raise DataError("webarena: the sample is not among webarena-verified's tasks.", "Use grader=stock for it.")
        self._variant = "sample"
        return list(rows()), {"pack": "sample", "commit": ""}

    def _imported(self, split: str, data: str) -> tuple[list[Mapping[str, Any]], Mapping[str, str]]:
        if split == SAMPLE:
            raise DataError("webarena: the sample takes no --data.", f"Name the split too: --split {ALL}.")
        path, source = find_pack(PACK, "WebArena", data=data, sample=None, remedy=REMEDY)
        files = PackFiles(Path(path), "WebArena", REMEDY)
        rows = self._read(files, TASKS)
        self._variant = records.variant(rows)
        if self._grader == "verified":
            texts = {int(row["task_id"]): row for row in self._listed(files, VERIFIED)}
            rows = [{**row, **_verified_text(texts[row["task_id"]])} for row in rows if row["task_id"] in texts]
        if split == HARD:
            hard = set(self._listed(files, HARD_IDS))
            rows = [row for row in rows if row["task_id"] in hard]
        return rows, source

    def _read(self, files: PackFiles, name: str) -> list[Mapping[str, Any]]:
        rows = self._listed(files, name)
        try:
            return [records.checked(row) for row in rows]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise files.malformed(name, f"malformed ({type(error).__name__}: {error})") from error

    def _listed(self, files: PackFiles, name: str) -> list[Any]:
        if not (files.path / name).is_file():
            raise DataError(
                f"webarena: the imported data has no {name}.",
                "Import the directory of webarena-verified's package, which has it: rbsuite data import webarena --from DIR.",
            )
        found = files.read_json(name)
        if not isinstance(found, list):
            raise files.malformed(name, "not a list")
        return found


def _task(split: str, row: Mapping[str, Any]) -> Task:
    number = str(row["task_id"])
    template = f"template-{row.get('intent_template_id', number)}"
    return Task(f"{split}/{number}", template, records.domain_of(row), str(row["intent"]))


def _number(task: Task) -> str:
    return task.id.rpartition("/")[2]


def _start_urls(row: Mapping[str, Any]) -> list[str]:
    return [url.strip() for url in str(row["start_url"]).split("|AND|")]


def _verified_text(row: Any) -> Mapping[str, Any]:
    """What webarena-verified says differently about a task: its wording, and where it starts."""
    return {"intent": str(row["intent"]), "start_url": " |AND| ".join(map(str, row["start_urls"]))}
