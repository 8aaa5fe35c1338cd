"""The worked example's pages: the same bytes each time, hostile names inert in every form, and a page that a browser drives."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from boards import EXAMPLE, HOSTILE, LEADERBOARDS, Command, Example
from browsers import look


def test_everything_is_built_the_same_again(rbsuite: Command, example: Example, tmp_path: Path) -> None:
    # In another directory, without receipts: everything is computed again.
    shutil.copytree(example.root, tmp_path / "boards")
    options = ("--root", tmp_path / "boards", "--out", tmp_path / "out", "--receipts", tmp_path / "r")
    said = rbsuite("leaderboard", "build", *options)
    assert said.out.splitlines()[0] == f"{EXAMPLE}: 6 rows of 2 submissions"
    for path in example.pages.iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_documents_say_what_was_measured(example: Example) -> None:
    document = json.loads((example.pages / f"{EXAMPLE}.json").read_text())
    with (example.pages / f"{EXAMPLE}.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert document["simulated"] is True
    assert [row["rank"] for row in rows] == [row["rank"] for row in document["rows"]]
    best, last = document["rows"][0], document["rows"][-1]
    assert best["headline"] > last["headline"]
    assert {row["verified"] for row in rows} == {"yes"}
    for row in document["rows"]:
        gained = row["gain"]
        assert (gained is None) == row["baseline"]
        own = next(one for one in document["rows"] if one["system"] == row["system"] and one["baseline"])
        assert gained is None or gained == pytest.approx(row["headline"] - own["headline"])
    assert {row["differs: seeds"] for row in rows} != {""}
    hostile = next(row for row in rows if row["system"] == HOSTILE)
    assert hostile["organization"].startswith("'=")  # no formula for a spreadsheet
    text = (example.pages / f"{EXAMPLE}.md").read_text()
    assert "SIMULATED" in text
    assert "<script" not in text.replace("\\<script", "")
    assert "=1+1\\|\\`x\\`" in text


def test_published_figures_stand_apart_and_are_not_ranked(example: Example) -> None:
    page = (example.pages / "index.html").read_text()
    assert page.count("<td>no</td></tr>") == 67
    document = json.loads((example.pages / f"{EXAMPLE}.json").read_text())
    assert document["published"] == []


def test_a_refused_submission_stops_the_build(rbsuite: Command, example: Example, tmp_path: Path) -> None:
    shutil.copytree(example.root, tmp_path / "boards")
    shutil.copy(LEADERBOARDS / "reference.toml", tmp_path / "boards" / EXAMPLE / "submissions" / "hostile" / "x.toml")
    options = ("--root", tmp_path / "boards", "--out", tmp_path / "out", "--receipts", tmp_path / "r")
    said = rbsuite("leaderboard", "build", *options)
    assert said.code == 1
    assert f"{EXAMPLE}/hostile: 'x.toml' is not part of a submission" in said.out
    assert not (tmp_path / "out").exists()


def test_an_export_has_the_shape_that_tau2_bench_takes(rbsuite: Command, example: Example) -> None:
    name = "plain-learner_example-lab_2026-11-01"
    given = json.loads(rbsuite("leaderboard", "export", EXAMPLE, name, "--root", example.root).out)
    assert given["submission_type"] == "custom"
    assert given["methodology"]["verification"]["modified_prompts"] is True
    # The worked example is simulated, and on other tasks than tau2-bench's own; its date of evaluation was not told.
    assert given["methodology"]["verification"]["omitted_questions"] is True
    assert given["methodology"]["notes"].startswith("SIMULATED")
    assert "evaluation_date" not in given["methodology"]
    assert given["references"][0]["url"] == "https://example.org/s"
    scores = given["results"]["retail"]
    assert 100 >= scores["pass_1"] >= scores["pass_2"] >= scores["pass_3"] >= 0
    assert scores["pass_4"] is None
    assert "measured" not in given
    refused = rbsuite("leaderboard", "export", EXAMPLE, "hostile", "--root", example.root)
    assert (refused.code, "link to the implementation" in refused.err) == (2, True)


@pytest.fixture
def page(browser: Any, example: Example) -> Any:
    look(browser)
    browser.get((example.pages / f"{EXAMPLE}.html").as_uri())
    return browser


def column(page: Any, number: int) -> list[str]:
    script = f"return [...document.querySelectorAll('tr.row')].filter(r => !r.hidden).map(r => r.cells[{number}].textContent)"
    return list(page.execute_script(script))


def test_the_page_needs_nothing_and_hostile_names_do_nothing(page: Any) -> None:
    assert page.title == "tau-bench sample, retail: worked example of simulated runs"
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert HOSTILE in column(page, 2)
    assert page.execute_script("return document.querySelectorAll('[onmouseover], table script').length") == 0
    assert [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"] == []
    assert "Simulated" in page.find_element("css selector", ".mark").text


def test_rows_are_sorted_and_filtered(page: Any) -> None:
    success = next(head for head in page.find_elements("css selector", "thead button") if head.text == "success %")
    success.click()
    means = [float(text.split()[0]) for text in column(page, 6)]
    assert means == sorted(means, reverse=True)
    success.click()
    assert [float(text.split()[0]) for text in column(page, 6)] == sorted(means)
    assert success.find_element("xpath", "..").get_attribute("aria-sort") == "ascending"
    page.find_element("id", "find").send_keys("plain awm")
    assert column(page, 4) == ["awm"]
    assert page.find_element("id", "count").text == "1 of 6 rows"
    assert len(page.find_elements("css selector", ".point.off")) == 5


def test_keys_alone_open_a_row(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    page.find_element("tag name", "body").send_keys("/")
    assert page.switch_to.active_element.get_attribute("id") == "find"
    button = page.find_element("css selector", "#row-1 .open button")
    button.send_keys(Keys.ENTER)
    details = page.find_element("id", "details-1")
    assert details.is_displayed()
    assert button.get_attribute("aria-expanded") == "true"
    for wanted in ("What was checked", "Every number was recomputed", "Against the rows next to it", "temperature"):
        assert wanted in details.text
    point = page.find_element("css selector", '.point[data-row="0"]')
    assert " %, " in page.execute_script("return document.querySelector('.cost .point title').textContent")
    page.execute_script("arguments[0].focus()", point)
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert page.find_element("id", "details-0").is_displayed()
    report = page.find_elements("css selector", "a.report")
    assert {link.get_attribute("href") for link in report} == {"https://example.org/report.html"}
    assert page.find_elements("css selector", "svg.curve .serie-1 .line")


def test_dark_and_phone(page: Any) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    look(page)
    light = page.execute_script(ground)
    look(page, scheme="dark")
    assert page.execute_script(ground) != light
    look(page, width=390)
    page.find_element("css selector", "#row-0 .open button").click()
    assert page.execute_script("return document.documentElement.scrollWidth") <= 390
    inner = page.find_element("css selector", "#details-0 .inner").rect
    assert inner["x"] >= 0
    assert inner["x"] + inner["width"] <= 390
