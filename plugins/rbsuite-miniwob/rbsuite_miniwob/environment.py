"""The tasks of MiniWoB++: each of our tasks is one of upstream's tasks with one seed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from rbsuite import Solution, Task, TaskSet
from rbsuite.environments.base import EpisodeServices
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.task import once
from rbsuite.trajectory import Action
from rbsuite_miniwob.catalogue import DOMAINS, NONDETERMINISTIC, domains
from rbsuite_miniwob.episode import MiniWobEpisode, start
from rbsuite_miniwob.plugin import missing
from rbsuite_web.browser import Browser
from rbsuite_web.environment import WebEnvironment
from rbsuite_web.pool import BrowserPool, Lease

SAMPLE = (
    "click-button",
    "click-checkboxes",
    "click-option",
    "click-tab-2",
    "email-inbox-delete",
    "enter-date",
    "enter-text",
    "focus-text-2",
    "login-user",
    "navigate-tree",
    "read-table",
    "simple-arithmetic",
)
SEEDS = 5
SPLITS = ("sample", "reference", "test")


class MiniWob(WebEnvironment):
    """All tasks of MiniWoB++ in one environment; their groups are its domains.

    Args:
        images: whether every observation includes a screenshot.
        browsers: number of concurrent browsers.
    """

    def __init__(self, *, images: bool = False, browsers: int = 2) -> None:
        super().__init__(browsers)
        self._images = images
        self._solutions: dict[str, Solution | None] = {}
        self._solving = threading.Lock()
        self._own: BrowserPool | None = None

    def browser(self) -> Browser:
        """A browser in which no host name resolves, with a window of upstream's size."""
        return Browser((), size=(500, 440))

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`; ``data`` is not used."""
        if split not in SPLITS:
            raise UnknownNameError("split of miniwob", split, SPLITS)
        if domain and domain not in DOMAINS:
            raise UnknownNameError("domain of miniwob", domain, DOMAINS)
        if data:
            raise DataError("miniwob reads its pages from the package miniwob, not from a pack.", "Omit --data.")
        chosen = tuple(task for task in _tasks(split) if domain in ("", task.domain))
        return TaskSet("miniwob", split, chosen, {"miniwob": _version()})

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> MiniWobEpisode:
        """The task's page in a browser. Its world depends only on the task's seed."""
        return self._opened(self.lend(), task)

    def solution(self, task: Task) -> Solution | None:
        """What the reference script does on the task, determined by playing it once in a separate browser."""
        from rbsuite_miniwob.scripts import SCRIPTS

        if task.group not in SCRIPTS:
            return None
        return once(self._solutions, task.id, lambda: Solution(tuple(self._played(task))))

    async def aclose(self) -> None:
        """Close the browsers."""
        with self._solving:
            own, self._own = self._own, None
        if own is not None:
            own.close()
        await super().aclose()

    def _played(self, task: Task) -> Sequence[Action]:
        from rbsuite_miniwob.scripts import SCRIPTS, Hand

        with self._solving:
            # Not one of the episodes' own: those may all be waiting for the caller.
            if self._own is None:
                self._own = BrowserPool(self.browser, 1)
            episode = self._opened(self._own.lend(), task)
            try:
                hand = Hand(episode)
                SCRIPTS[task.group](hand)
                return hand.actions
            finally:
                episode.close()

    def _opened(self, lease: Lease, task: Task) -> MiniWobEpisode:
        try:
            said = start(lease, (_pages() / f"{task.group}.html").as_uri(), int(task.payload["seed"]))
            wild = task.group in NONDETERMINISTIC
            return MiniWobEpisode(lease, said, nondeterministic=wild, images=self._images)
        except BaseException:
            lease.end()
            raise


def _tasks(split: str) -> Iterator[Task]:
    from rbsuite_miniwob.scripts import SCRIPTS

    seeds = range(2) if split == "sample" else range(SEEDS)
    chosen = {"sample": SAMPLE, "reference": tuple(sorted(SCRIPTS)), "test": tuple(sorted(domains()))}[split]
    for name in chosen:
        for seed in seeds:
            domain = domains()[name]
            yield Task(f"{name}/{seed}", name, domain, "", {"seed": seed}, float(DOMAINS.index(domain)))


@cache
def _pages() -> Path:
    """Where the package keeps its pages."""
    # The package is not imported: that would load gymnasium and register environments.
    package = find_spec("miniwob")
    if package is None or not package.submodule_search_locations:
        raise DataError(missing())
    pages = Path(package.submodule_search_locations[0]) / "html" / "miniwob"
    if not pages.is_dir():
        raise DataError("the package miniwob has no pages.", "Run: pip install --force-reinstall miniwob")
    return pages


def _version() -> str:
    try:
        return version("miniwob")
    except PackageNotFoundError:
        return ""
