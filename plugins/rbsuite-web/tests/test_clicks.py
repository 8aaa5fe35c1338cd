"""Clicks: a plain one goes straight to its place in the window, any other is ChromeDriver's, and both are what a user's would be."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

import rbsuite

pytest.importorskip(
    "rbsuite_web", reason="rbsuite-web is not installed (uv run --group web pytest plugins/rbsuite-web)"
)

PAGE = """
<style>
#far {margin-top: 3000px}
#shade {position: absolute; left: 0; top: 0; width: 300px; height: 40px}
#box {height: 30px; overflow: auto}
</style>
<button id=covered style="position: absolute; left: 10px; top: 10px">Covered</button><div id=shade></div>
<p style="margin-top: 60px"><button>Plain</button><a href="#x" style="display: inline-block; width: 40px">two lines</a></p>
<div id=box><p style="height: 90px">Above</p><button>Inside</button></div>
<button id=far>Far</button>
<script>
window.heard = [];
for (const kind of ["click", "dblclick"])
  addEventListener(kind, event => heard.push([kind, event.target.textContent, event.isTrusted, event.detail, event.button]), true);
</script>
"""


@pytest.fixture
def episode(browser: None) -> Iterator[Any]:
    web = importlib.import_module("rbsuite_web.episode")
    pool = importlib.import_module("rbsuite_web.pool")
    chromium = importlib.import_module("rbsuite_web.browser").Browser

    class Clicks(web.PageTools, web.WebEpisode):  # type: ignore[misc, name-defined]
        def grade(self, end: rbsuite.EndReason) -> rbsuite.Grade:
            return rbsuite.Grade(1.0)

    browsers = pool.BrowserPool(chromium, 1)
    lease = browsers.lend()
    lease.browser.get(f"data:text/html,{quote(PAGE)}")
    yield Clicks(lease, "Click.")
    browsers.close()


def test_what_is_clicked_hears_one_click_of_a_user(episode: Any) -> None:
    reference = importlib.import_module("rbsuite_web.page").reference
    driver = episode.browser.driver
    straight: list[bool] = []
    plain_click = episode.browser.click
    episode.browser.click = lambda x, y: straight.append(True) or plain_click(x, y)
    for role, name, fast in (
        ("button", "Plain", True),
        ("button", "Plain", True),
        ("link", "two lines", True),
        ("button", "Inside", False),
        ("button", "Far", False),
    ):
        driver.execute_script("heard.length = 0")
        straight.clear()
        episode.act(rbsuite.Action.call("click", {"ref": reference(role, name)}))
        assert driver.execute_script("return heard") == [["click", name, True, 1, 0]], name
        assert straight == ([True] if fast else []), name
    driver.execute_script("scrollTo(0, 0)")
    said = episode.act(rbsuite.Action.call("click", {"ref": reference("button", "Covered")})).results[0].text
    assert said.startswith("Error: another element covers it."), json.dumps(said)
