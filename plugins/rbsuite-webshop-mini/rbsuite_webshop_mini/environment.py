"""The shop as an environment: every episode has its own shop, on its own port, and a fresh browser profile."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from rbsuite import Solution, Task, TaskSet
from rbsuite.environments.base import EpisodeServices
from rbsuite.environments.solution import Lesson, Mistake
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.jsonable import digest
from rbsuite.seeds import derive_seed
from rbsuite_web.environment import WebEnvironment
from rbsuite_webshop_mini.catalogue import catalogue
from rbsuite_webshop_mini.episode import ShopEpisode
from rbsuite_webshop_mini.goals import SHOP, STAFF, TEMPLATES, mistakes_of
from rbsuite_webshop_mini.lessons import LESSONS
from rbsuite_webshop_mini.server import ShopServer
from rbsuite_webshop_mini.shop import Shop

SPLITS: Mapping[str, int] = {"sample": 2, "test": 6}
"""By split, the number of goals per template."""


class WebshopMini(WebEnvironment):
    """A small shop in a browser.

    Args:
        images: whether every observation includes a screenshot.
        browsers: number of concurrent browsers.
    """

    def __init__(self, *, images: bool = False, browsers: int = 2) -> None:
        super().__init__(browsers)
        self._images = images

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`; ``data`` is not used."""
        if split not in SPLITS:
            raise UnknownNameError("split of webshop-mini", split, SPLITS)
        if domain not in ("", SHOP, STAFF):
            raise UnknownNameError("domain of webshop-mini", domain, (SHOP, STAFF))
        if data:
            raise DataError("webshop-mini generates its own goals and reads no pack.", "Omit --data.")
        chosen = tuple(task for task in _tasks(split) if domain in ("", task.domain))
        return TaskSet("webshop-mini", split, chosen, {"written by": "rbsuite"}, digest([list(catalogue())]))

    def shop(self, task: Task) -> Shop:
        """The shop at the start of a task."""
        return TEMPLATES[task.group].world(task.payload)

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> ShopEpisode:
        """A shop and a browser at its first page."""
        template, wanted = TEMPLATES[task.group], self.shop(task)
        template.reach(wanted, task.payload)
        server = ShopServer(self.shop(task))
        try:
            lease = self.lend()
            try:
                lease.browser.get(f"{server.origin}/")
                goal = wanted.lasting(), template.answer(task.payload)
                return ShopEpisode(lease, server, task.query, goal, images=self._images)
            except BaseException:
                lease.end()
                raise
        except BaseException:
            server.close()
            raise

    def solution(self, task: Task) -> Solution:
        """The template's own steps."""
        return Solution(tuple(TEMPLATES[task.group].steps(task.payload)))

    def mistakes(self, task: Task) -> Sequence[Mistake]:
        """What goes wrong for lack of the shop's rules."""
        return tuple(mistakes_of(TEMPLATES[task.group], task.payload))

    def lessons(self) -> Mapping[str, Lesson]:
        """The shop's rules in words."""
        return LESSONS


def _tasks(split: str) -> Iterator[Task]:
    for number in range(SPLITS[split]):
        for name, template in TEMPLATES.items():
            v = template.draw(random.Random(derive_seed("webshop-mini", split, name, number)))
            yield Task(f"{name}/{split}/{number}", name, template.domain, template.text(v), v, template.difficulty)
