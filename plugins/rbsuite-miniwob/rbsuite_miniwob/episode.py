"""One rollout of a MiniWoB++ task."""

from __future__ import annotations

import time
from typing import Annotated, Any

from rbsuite import EndReason, EnvironmentFailure, Grade
from rbsuite.environments.tools import ToolError, tool
from rbsuite_web.episode import PageTools, PointerTools, WebEpisode
from rbsuite_web.page import View
from rbsuite_web.pool import Lease

RULES = (
    "The page is one small task. It ends by itself as soon as you have done what decides it, right or wrong, and it cannot be taken back. "
    "Elements are shown with their place and size in pixels (at LEFT,TOP WIDTHxHEIGHT) and with colours other than white and black."
)
VIEW = View(every=True, without="#reward-display, #sync-task-cover, #click-canvas, #query")
"""Everything but the instruction and what belongs to upstream's own frame."""
_LONGEST_WAIT = 5
TIME = 2_000_000_000
"""Milliseconds of an episode, instead of 10,000; about the maximum that a browser's timer accepts."""

_START = """
core.EPISODE_MAX_TIME = arguments[1];
core.endEpisode(0);
Math.seedrandom(arguments[0]);
core.startEpisodeReal();
const said = core.getUtterance();
return said.utterance || said;
"""
_BUSY = """
const moves = () => !WOB_TASK_READY || (window.jQuery && jQuery(":animated").length > 0);
const busy = () => moves() || [...document.images].some(one => !one.complete);
"""
"""Whether the page is still changing; an image that has not loaded has no size, and would not be shown."""
_STATE = f"{_BUSY} return [WOB_DONE_GLOBAL, WOB_RAW_REWARD_GLOBAL, WOB_REWARD_REASON, busy()];"
_SETTLING = f"""
{_BUSY}
const done = arguments[0], until = Date.now() + 4000;
(function look() {{
  busy() && !WOB_DONE_GLOBAL && Date.now() < until ? setTimeout(look, 20) : done(true);
}})();
"""


class MiniWobEpisode(PageTools, PointerTools, WebEpisode):
    """One rollout. The page is at a task whose world was started by :func:`start`.

    Args:
        lease: the browser.
        utterance: what the page asks for.
        nondeterministic: whether upstream calls the task nondeterministic.
        images: see :class:`rbsuite_web.episode.WebEpisode`.
    """

    goal_alone = True
    loads_pages = False

    def __init__(self, lease: Lease, utterance: str, *, nondeterministic: bool, images: bool) -> None:
        self.raw = 0.0
        self._reason: Any = None
        self._nondeterministic = nondeterministic
        super().__init__(lease, utterance, RULES, view=VIEW, images=images)

    def permitted(self, url: str) -> bool:
        """Whether it is a page from a directory; the tasks' links lead nowhere else."""
        return url.startswith("file:")

    def settle(self) -> None:
        """Wait until whatever the page animates has come to rest, and check whether the episode is over."""
        state = self.browser.script(_STATE)
        if state[3] and not state[0]:
            with self.browser.failing("does not come to rest"):
                self.browser.driver.execute_async_script(_SETTLING)
            state = self.browser.script(_STATE)
        done, raw, self._reason, _ = state
        if done:
            self.raw = float(raw)
            self.reward = max(self.raw, 0.0)
            self.finish()

    @tool
    def wait(self, seconds: Annotated[int, "1 to 5"] = 1) -> str:
        """Let time pass on the page."""
        if not 1 <= seconds <= _LONGEST_WAIT:
            raise ToolError(f"seconds must be 1 to {_LONGEST_WAIT}.")
        time.sleep(seconds)
        return f"Waited {seconds} s."

    def _heads(self) -> list[str]:
        return []

    def grade(self, end: EndReason) -> Grade:
        """Success is a raw reward of 1."""
        reward = min(max(self.raw, 0.0), 1.0)
        truth = {"raw_reward": self.raw, "reason": self._reason, "nondeterministic": self._nondeterministic}
        return Grade(float(self.raw >= 1.0), {"reward": reward}, truth)


def start(lease: Lease, url: str, seed: int) -> str:
    """Open a task and start its world; returns what it asks for.

    Raises:
        EnvironmentFailure: the page does not load.
    """
    browser = lease.browser
    browser.get(url)
    said = browser.script(_START, str(seed), TIME)
    if not isinstance(said, str) or not said:
        raise EnvironmentFailure(f"the page {url.rpartition('/')[2]} asks for nothing.")
    return said
