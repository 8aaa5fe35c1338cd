"""The viewer's page in a browser: it follows an experiment that runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from browsers import look, requests, until
from experiments import SURE, core_plugins, prepare
from experiments import run as run_plan
from rbsuite.cli import run
from rbsuite.run.directory import open_experiment
from toy import ToyPlugin

OPTIONS: dict[str, Any] = {"memory": ("none", "reasoningbank"), "orders": 2, "model": (f"sim/learner:{SURE}",)}


def test_a_page_follows_an_experiment_that_runs(home: Path, address: str, browser: Any, capsys: Any) -> None:
    plan = prepare(ToyPlugin(), **OPTIONS, limit=8)
    open_experiment(plan, home / "live").close()
    look(browser)
    requests(browser)
    browser.get(f"{address}e/live/")
    until(lambda: "0 of 32 tasks" in browser.find_element("id", "state").text)
    run_plan(plan, home / "live").close()
    until(lambda: "32 of 32 tasks" in browser.find_element("id", "state").text)
    until(lambda: len(browser.find_elements("css selector", "#list tr.row")) == 16)
    sections = until(lambda: browser.find_elements("css selector", "#learning .chart"))
    assert sections
    capsys.readouterr()
    assert run(["compare", str(home / "live"), "--json"], core_plugins(ToyPlugin())) == 0
    printed = json.loads(capsys.readouterr().out)["comparisons"][0]["difference"]
    shown = "return document.querySelector('[data-from=\"/comparisons/0/difference\"]')?.textContent"
    until(lambda: browser.execute_script(shown) == f"{100 * printed:+.1f}")
    browser.execute_script("document.querySelector('#list tr.row').click()")
    until(lambda: browser.find_elements("css selector", "tr.details .steps"))
    browser.execute_script("document.getElementById('deep').checked = true")
    browser.execute_script(
        "const one = document.getElementById('find'); one.value = 'picture 1'; one.dispatchEvent(new Event('input'))"
    )
    until(lambda: "of 16 pairs" in (text := browser.find_element("id", "count").text) and not text.startswith("16"))
    assert {urlsplit(url).netloc for url in requests(browser) if not url.startswith("data:")} == {
        urlsplit(address).netloc
    }
    assert [one for one in browser.get_log("browser") if one["level"] == "SEVERE"] == []
    browser.get("about:blank")  # it asks no more
