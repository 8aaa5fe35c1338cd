"""One task: the browser at its first page, the tools, and the grade at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from rbsuite import Action
from rbsuite.environments.base import Episode, EpisodeServices
from rbsuite.environments.hosting import CallThread
from rbsuite.environments.tools import tool
from rbsuite.errors import EnvironmentFailure
from rbsuite.trajectory import EndReason, Grade, Message, Observation
from rbsuite_web.episode import NavigationTools, PageTools, TabTools, WebEpisode
from rbsuite_web.pool import Lease
from rbsuite_webarena import stock, verified
from rbsuite_webarena.network import NetworkTrace
from rbsuite_webarena.sites import Sites

RULES = (
    "You are logged in. Stay on the sites of the task: to leave them ends it. If the task asks for information, answer with that alone; "
    "if it asks for a page, leave it open; then call answer. If it cannot be done, call infeasible."
)
LEFT = "You have left the sites of the task, which ends it."
_QUIET = 0.05
_QUIET_MOST = 3.0


@dataclass(frozen=True, slots=True)
class Setting:
    """How a task is played and graded.

    Attributes:
        sites: the sites.
        grader: ``stock`` or ``verified``.
        asks: whether a model is asked about what the stock grader cannot compare; otherwise such an answer is wrong.
        settle: seconds to wait after a page opened for grading has loaded.
        shown: the addresses shown in place of those of a server whose port changes, by the real address.
        setups: how many times the sites were set up for the task.
    """

    sites: Sites
    grader: str
    asks: bool
    settle: float
    shown: Mapping[str, str]
    setups: int = 1


@dataclass(frozen=True, slots=True)
class Graded:
    """A grade, except for the questions that only a model can answer."""

    grade: Grade
    questions: tuple[stock.Question, ...] = ()


class WebArenaEpisode(PageTools, NavigationTools, TabTools, WebEpisode):
    """A task in a browser.

    Args:
        lease: the browser, at the first page.
        row: the task.
        setting: how it is played and graded.
    """

    def __init__(self, lease: Lease, row: Mapping[str, Any], *, setting: Setting, images: bool) -> None:
        self._row = row
        self._setting = setting
        self._strayed = False
        self._trace = NetworkTrace(lease.browser) if setting.grader == "verified" else None
        rules = f"{RULES} {verified.RULES}" if setting.grader == "verified" else RULES
        super().__init__(lease, str(row["intent"]), rules, images=images)

    @property
    def intent(self) -> str:
        """What the task asks."""
        return str(self._row["intent"])

    def permitted(self, url: str) -> bool:
        """Whether an address is on one of the sites."""
        return self._setting.sites.holds(url)

    def left(self, url: str) -> str:
        """Leaving the sites ends the task, with a score of 0."""
        if url.startswith("chrome-error:"):
            # A page that does not load may be a host that does not resolve, or a server of ours that does not answer.
            url = str(self.browser.script("return location.href"))
        self._strayed = True
        self.finish()
        return LEFT

    def act(self, action: Action) -> Observation:
        """See :class:`rbsuite_web.episode.WebEpisode`; an agent that has left the sites is told why the task ends."""
        observation = super().act(action)
        return Observation(LEFT, "over", "tool") if self._strayed else observation

    def settle(self) -> None:
        """Wait, up to a limit, until the page has loaded what it still requests."""
        if self._trace is not None:
            self._trace.look()
        deadline, known = time.monotonic() + _QUIET_MOST, -1
        script = "return document.readyState === 'complete' ? performance.getEntriesByType('resource').length : -1"
        while time.monotonic() < deadline:
            found = int(self.browser.script(script))
            if found == known >= 0:
                return
            known = found
            time.sleep(_QUIET)

    def told(self, url: str) -> str:
        """An address as it is shown."""
        for real, shown in self._setting.shown.items():
            url = url.replace(real, shown)
        return url

    def meant(self, url: str) -> str:
        """The address that is meant."""
        for real, shown in self._setting.shown.items():
            url = url.replace(shown, real)
        return url

    @tool
    def infeasible(self, reason: Annotated[str, "why, in a sentence"] = "") -> str:
        """End the task as one that cannot be done."""
        return self.answer(stock.NOT_POSSIBLE)

    def closes(self, action: Action) -> bool:
        """Whether the action is the answer, or says that there is none."""
        return super().closes(action) or any(call.name == "infeasible" for call in action.calls)

    def graded(self, end: EndReason) -> Graded:
        """The grade, as far as no model is needed.

        Raises:
            EnvironmentFailure: a site or the browser prevents grading.
        """
        truth: dict[str, Any] = {"answered": self.answered, "setups": self._setting.setups, "strayed": self._strayed}
        if self._strayed:
            return Graded(Grade(0.0, truth=truth))
        answer = self.answered or ""
        if self._trace is not None:
            number = int(self._row["task_id"])
            found = verified.evaluate(number, answer, self._trace.entries(), self._setting.sites)
            return Graded(Grade(found.score, truth={**truth, "status": found.status, "grader": found.version}))
        grader = stock.Grader(self.browser, self._setting.sites, settle=self._setting.settle)
        outcome = grader.evaluate(self._row, answer, self.page.url)
        truth["parts"] = dict(outcome.parts)
        if outcome.questions and not self._setting.asks:
            return Graded(Grade(0.0, truth={**truth, "not_asked": len(outcome.questions)}))
        return Graded(Grade(outcome.score, truth=truth), outcome.questions)

    def grade(self, end: EndReason) -> Grade:
        """See :class:`rbsuite.SyncEpisode`."""
        return self.graded(end).grade

    def close(self) -> None:
        """Return the browser."""
        if self._trace is not None:
            self._trace.close()
        super().close()


class ThreadedEpisode(Episode):
    """A :class:`WebArenaEpisode` in its own thread, whose grade may await a model.

    Args:
        thread: the thread in which it was made.
        world: the episode.
        services: provides the grading model.
    """

    def __init__(self, thread: CallThread, world: WebArenaEpisode, services: EpisodeServices) -> None:
        self._thread = thread
        self._world = world
        self._services = services
        self.observation = world.observation

    async def act(self, action: Action) -> Observation:
        """See :class:`rbsuite.Episode`."""
        return await self._thread.call(self._act, action)

    def _act(self, action: Action) -> Observation:
        self._world.observation = self._world.act(action)
        return self._world.observation

    async def grade(self, end: EndReason) -> Grade:
        """See :class:`rbsuite.Episode`. The model is asked only if everything else is right."""
        found = await self._thread.call(self._world.graded, end)
        answer = self._world.answered or ""
        said = list[str]()
        right = found.grade.score
        for prompt, wanted in stock.questions_text(found.questions, self._world.intent, answer):
            completion = await self._services.complete([Message("user", prompt)], temperature=0.0)
            said.append(completion.text.strip()[:80])
            right *= agrees(completion.text, wanted)
        return Grade(right, found.grade.measures, {**found.grade.truth, "said": said}) if said else found.grade

    def closes(self, action: Action) -> bool:
        """See :class:`rbsuite.Episode`."""
        return self._world.closes(action)

    async def aclose(self) -> None:
        """See :class:`rbsuite.Episode`."""
        await self._thread.end(self._world.close)


def agrees(reply: str, wanted: str) -> bool:
    """Whether a grading model's reply says yes: the word itself, and none that takes it back.

    Raises:
        EnvironmentFailure: it says neither yes nor no, so nothing is known about the answer.
    """
    text = reply.lower()
    no: Sequence[str] = ("incorrect", "partially", "partly", "not correct", "different", "not the same")
    if any(one in text for one in no):
        return False
    if wanted in text:
        return True
    raise EnvironmentFailure(f"the grading model's reply is not a verdict: {reply.strip()[:60]!r}.")
