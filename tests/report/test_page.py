"""The report: its figures are those that other commands print, hostile content in it does nothing, and a browser drives it."""

from __future__ import annotations

import asyncio
import base64
import csv
import json
import math
import re
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest

from browsers import look, requests, until
from experiments import SURE, core_plugins, measure, prepare
from rbsuite.api import Experiment
from rbsuite.cli import run
from rbsuite.environments.solution import Lesson
from rbsuite.hookspecs import hookimpl
from rbsuite.reading.layers import clean
from rbsuite.run.directory import open_experiment
from rbsuite.specs import EnvironmentSpec
from rbsuite.store import ExperimentStore
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Observation
from toy import TOY, Toy, ToyEpisode, ToyPlugin

HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"><svg onload=\"document.title='owned'\">"
    "</script></td></table><style>body{display:none}</style><a href=\"javascript:document.title='owned'\">\u202egnp\u2066\x1b[2J"
    '"\'><iframe src="http://example.invalid/">'
)
LINE = "x" * 1_000_000


class Wild(Toy):
    """Says what would run if a page let it."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        found = super().tasks(split, domain=domain, data=data)
        tasks = [replace(task, id=f'{task.id}"<b>', query=f"{task.query} {HOSTILE}") for task in found]
        return replace(found, tasks=tuple(tasks))

    def begin(self, task: Task, *, seed: int, services: Any) -> ToyEpisode:
        made = WildEpisode(task)
        made.task = task
        return made

    def lessons(self) -> Mapping[str, Lesson]:
        return {
            name: Lesson(f'{one.title} <i>"', f"{one.lesson} {clean(HOSTILE)}", one.symptom)
            for name, one in super().lessons().items()
        }


class WildEpisode(ToyEpisode):
    task: Task

    def act(self, action: Action) -> Observation:
        return replace(super().act(action), text=f"{HOSTILE} {LINE if 'apples/1' in self.task.id else ''}")

    def grade(self, end: EndReason) -> Grade:
        found = super().grade(end)
        return replace(found, truth={"answer": HOSTILE})


class WildPlugin(ToyPlugin):
    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        return [replace(TOY, factory=f"{__name__}:Wild")]


class Made(NamedTuple):
    """A report, and what other commands print of the same experiment."""

    path: Path
    store: Path
    compare: Mapping[str, Any]
    helped: Sequence[Mapping[str, Any]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    home = tmp_path_factory.mktemp("report")
    plugins = core_plugins(WildPlugin())
    options: dict[str, Any] = {"memory": ("none", "reasoningbank"), "scaling": ("single", "parallel:2"), "orders": 3}
    options["model"] = (f"sim/learner:{SURE}",)
    measure(home / "e", WildPlugin(), **options, limit=12, probe=2).close()
    assert run(["report", str(home / "e"), "-o", str(home / "r.html")], plugins) == 0
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr("rbsuite.cli.output.click.echo", lambda text="", **_: printed.append(text))
        assert run(["compare", str(home / "e"), "--flips", "--json"], plugins) == 0
        assert run(["memory", "helped", str(home / "e"), "--items", "0", "--json"], plugins) == 0
    return Made(home / "r.html", home / "e", json.loads(printed[0]), json.loads(printed[1])["conditions"])


@dataclass
class Shown(HTMLParser):
    """The figures of a page, and the text around them."""

    figures: list[tuple[str, str, str]] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)
    """Cells and sentences whose text names no source."""
    points: list[str] = field(default_factory=list)
    """Texts of the points of charts."""

    def __post_init__(self) -> None:
        super().__init__()
        self._stack: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "input"):
            self._stack.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self._stack and self._stack.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._stack or not data.strip():
            return
        tag, attributes = self._stack[-1]
        classes = [attributes.get("class") or "" for _, attributes in self._stack]
        if "data-from" in attributes:
            self.figures.append((str(attributes["data-from"]), str(attributes["data-form"]), data))
        elif tag == "title" and any(name == "svg" for name, _ in self._stack):
            self.points.append(data)
        elif (tag == "td" and "n" in classes) or (tag == "p" and any(text.startswith("answer ") for text in classes)):
            self.bare.append(data)


def shown(value: Any, form: str) -> str:
    """A figure as it is to be written, by rules of this test's own."""

    def bounds(low: float, high: float, text: Callable[[float], str]) -> str:
        return f"[{text(low)}, {text(high)}]"

    def signed(number: float) -> str:
        return f"{100 * number:+.1f}"

    def cut(number: float) -> str:
        return f"{100 * min(1.0, max(0.0, number)):.1f}"

    if form == "share":
        mean, found = value["mean"], value["ci95"]
        return f"{'-' if mean is None else f'{100 * mean:.1f}'} {'-' if found is None else bounds(*found, cut)}"
    if form == "change":
        mean, found = value.get("mean", value.get("difference")), value["ci95"]
        return ("-" if mean is None else signed(mean)) + ("" if found is None else f" {bounds(*found, signed)}")
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "unknown" if form == "dollars" else "-"
    plain: dict[str, Callable[[], str]] = {
        "percent": lambda: f"{100 * value:.1f}",
        "points": lambda: signed(value),
        "deviation": lambda: f"{100 * value:.1f}",
        "decimal": lambda: f"{value:.1f}",
        "count": lambda: f"{value:,.0f}",
        "dollars": lambda: f"{value:.4f}",
        "p": lambda: "< 0.001" if value < 0.001 else f"{value:.3f}",
        "bounds": lambda: bounds(*value, cut),
        "point bounds": lambda: bounds(*value, signed),
        "name": lambda: str(value),
        "k": lambda: value.partition(":")[2] or "1",
    }
    return plain[form]()


def at(document: Any, pointer: str) -> Any:
    for word in pointer.split("/")[1:]:
        name = word.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def test_every_figure_is_one_that_other_commands_print(made: Made) -> None:
    page = Shown()
    page.feed(made.path.read_text(encoding="utf-8"))
    document = {**made.compare, "helped": made.helped}
    assert len(page.figures) > 500
    wrong = [(source, form, text) for source, form, text in page.figures if shown(at(document, source), form) != text]
    assert wrong == []
    # Nothing with a digit stands in a cell of figures or in the answer but from there; the level and the power are words.
    loose = [text for text in page.bare if re.search(r"\d", re.sub("95 % interval|80 % power", "", text))]
    assert loose == []
    texts = {text for _, _, text in page.figures}
    assert page.points
    assert [point for point in page.points if point.rpartition(": ")[2] not in texts] == []
    sections = (
        "difference",
        "learning_curve",
        "cumulative_curve",
        "orders_spread",
        "domains",
        "other_intervals",
        "helped",
        "growth",
    )
    sections += (
        "cost_of",
        "verdicts",
        "memory_use",
        "passes",
        "ends",
        "second_half_gain",
        "final_bank_gain_on_early_tasks",
        "scaling",
    )
    assert {name for name in sections if not any(name in source for source, _, _ in page.figures)} == set()


def test_it_is_made_the_same_again_and_its_refusals_are_one_line(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plugins = core_plugins(WildPlugin())
    monkeypatch.setattr("rbsuite.plugins.load_plugins", lambda: plugins)

    async def in_a_notebook() -> Path:
        with Experiment.open(made.store) as experiment:
            return experiment.report(tmp_path / "library.html")

    assert asyncio.run(in_a_notebook()).read_bytes() == made.path.read_bytes()
    open_experiment(prepare(WildPlugin(), memory=("none", "reasoningbank")), tmp_path / "begun").close()
    assert run(["report", str(tmp_path / "begun"), "-o", str(tmp_path / "begun.html")], plugins) == 0
    assert "not finished, nothing may be concluded yet" in (tmp_path / "begun.html").read_text(encoding="utf-8")
    capsys.readouterr()
    for arguments, said in (
        ([made.store, "-o", tmp_path / "nowhere" / "no.html"], "cannot be written"),
        ([made.store, "--baseline", "nosuch"], "nosuch"),
        ([made.store, made.store], "named twice"),
    ):
        assert run(["report", *map(str, arguments)], plugins) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
    assert not list(tmp_path.glob("no*"))


def test_private_texts_are_left_out_unless_revealed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Asked(ToyPlugin):
        @hookimpl
        def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
            return [replace(TOY, private=True)]

    measure(tmp_path / "e", Asked(), memory=("none", "reasoningbank"), limit=6).close()
    plugins = core_plugins(Asked())
    assert run(["report", str(tmp_path / "e"), "-o", str(tmp_path / "whole.html"), "--reveal"], plugins) == 0
    revealed = everything(tmp_path / "whole.html")
    assert "album" in revealed
    assert "a second time" in revealed
    capsys.readouterr()
    assert run(["report", str(tmp_path / "e"), "-o", str(tmp_path / "r.html")], plugins) == 0
    assert "left out" in capsys.readouterr().err
    text = everything(tmp_path / "r.html")
    assert "album" not in text
    assert "a second time" not in text
    assert "rbsuite canary" in text
    assert "Private benchmark" in text


def everything(path: Path) -> str:
    """The text of a report with what is packed in it."""
    text = path.read_text(encoding="utf-8")
    packed = re.findall(r"^(?:<script[^>]*>)?(eN[\w+/=]+)", text, re.MULTILINE)
    assert packed
    return text + "".join(zlib.decompress(base64.b64decode(one)).decode() for one in packed)


@pytest.fixture
def page(browser: Any, made: Made) -> Any:
    look(browser)
    requests(browser)
    browser.get("about:blank")
    browser.get(made.path.as_uri())
    until(lambda: browser.execute_script("return document.documentElement.dataset.ready"))
    return browser


ROWS = "return [...document.querySelectorAll('#list tr.row')].map(row => [...row.cells].map(cell => cell.textContent))"


def choose(page: Any, name: str, value: str) -> None:
    script = "const one = document.getElementById(arguments[0]); one.value = arguments[1]; one.dispatchEvent(new Event('input'))"
    page.execute_script(script, name, value)


def test_rollouts_side_by_side(page: Any, made: Made) -> None:
    from selenium.webdriver.common.keys import Keys

    with ExperimentStore.open(made.store, readonly=True) as store:
        scores = {
            (info.condition.label, info.order, record.task_id): record.score
            for info in store.manifest.runs
            for record in store.records(info.id, trajectories=False, stop=12)
        }
    change = Counter(
        math.copysign(1, score - other) if score != (other := scores["none x single", order, task]) else 0
        for (label, order, task), score in scores.items()
        if label == "reasoningbank x single"
    )
    assert len(page.execute_script(ROWS)) == 36
    for name, wanted in (("gained", change[1]), ("lost", change[-1]), ("same", change[0])):
        choose(page, "outcome", name)
        assert len(page.execute_script(ROWS)) == wanted, name
        assert page.find_element("id", "count").text == f"{wanted} of 36 pairs"
    assert change[1], "a test of what memory gained needs a gain"
    choose(page, "outcome", "")
    choose(page, "domain", "apples")
    assert {row[3] for row in page.execute_script(ROWS)} == {"apples"}
    choose(page, "domain", "")

    # Keys alone: find, go to the row, open it; its address opens it again.
    page.find_element("tag name", "body").send_keys("/")
    assert page.switch_to.active_element.get_attribute("id") == "find"
    page.switch_to.active_element.send_keys("apples/1 gained")
    until(lambda: len(page.execute_script(ROWS)) < 36)
    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.find_element("tag name", "body").send_keys("j")
    page.switch_to.active_element.send_keys(Keys.ENTER)
    until(lambda: page.find_elements("css selector", "tr.details .steps"))
    address = page.current_url
    assert "#rollout/0/" in address
    page.get("about:blank")
    page.get(address)
    until(lambda: page.find_elements("css selector", "tr.details .steps"))
    details = page.find_element("css selector", "tr.details")
    for wanted in (
        "What came of it",
        "Step by step",
        "Verdict against truth",
        "What the bank learned from it",
        "none x single",
    ):
        assert wanted in details.text
    sides = page.execute_script("return document.querySelector('.steps').children.length")
    assert sides % 2 == 0
    assert details.find_elements("css selector", ".turn.differs, .turn.same")
    page.find_element("tag name", "body").send_keys(Keys.ESCAPE)
    assert not page.find_elements("css selector", "tr.details")

    # What was recalled, with its score, and where it stood in the prompt.
    page.execute_script(
        "[...document.querySelectorAll('tr.row')].find(row => row.cells[10].textContent !== '0').click()"
    )
    until(lambda: page.find_elements("css selector", "tr.details .item"))
    text = page.execute_script("return document.querySelector('tr.details').textContent")
    assert re.search(r"score \d\.\d{3}", text)
    assert re.search(r"In the prompt: message 1 of \d+ \(system\), from character [\d,]+ of [\d,]+", text)

    # A search through all that was said.
    page.execute_script("document.getElementById('deep').checked = true")
    choose(page, "find", "picture 2 of the clouds album")
    until(lambda: {row[2].partition('"')[0] for row in page.execute_script(ROWS)} == {"clouds/2"})


def test_hostile_content_does_nothing_and_the_layout_holds(page: Any) -> None:
    for width in (1300, 390):
        look(page, width=width)
        page.execute_script(
            "[...document.querySelectorAll('#list tr.row')].find(row => row.cells[2].textContent.startsWith('apples/1')).click()"
        )
        until(lambda: page.find_elements("css selector", "tr.details .steps"))
        page.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
        longest = page.execute_script(
            "return Math.max(...[...document.querySelectorAll('.text')].map(one => one.textContent.length))"
        )
        assert longest < 5000
        whole = page.find_element("css selector", ".steps button")
        assert "more" in whole.text
        page.execute_script("arguments[0].click()", whole)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        page.find_element("css selector", "#list tr.row .open button[aria-expanded=true]").click()
    assert page.title == "toy all: does memory help?"
    strange = "main :is(img, iframe, style, [onload], [onerror], a[href^=java])"
    assert not page.find_elements("css selector", strange)
    assert page.execute_script("return document.body.textContent.includes('\\u202e')") is False
    assert [url for url in requests(page) if not url.startswith(("file:", "data:", "about:", "blob:"))] == []
    assert [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_tables_and_charts_are_saved_and_everything_is_printed(page: Any, tmp_path: Path) -> None:
    page.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.execute_script("document.querySelector('[data-csv=conditions]').click()")
    until(lambda: [one for one in tmp_path.glob("conditions.csv") if one.stat().st_size])  # it is empty at first
    with (tmp_path / "conditions.csv").open(encoding="utf-8") as file:
        saved = list(csv.reader(file))
    table = "return [...document.querySelectorAll('#table-conditions tr')].map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    assert saved == page.execute_script(table)
    page.execute_script("document.querySelector('[data-svg^=learning-curve]').click()")
    until(lambda: [one for one in tmp_path.glob("learning-curve*.svg") if one.stat().st_size])
    drawn = ElementTree.parse(next(tmp_path.glob("*.svg"))).getroot()
    assert {one.get("fill") for one in drawn.iter()} - {None, "none", "rgb(0, 0, 0)"}
    for scheme in ("light", "dark"):
        look(page, scheme=scheme)
        ground, ink = page.execute_script(
            "const look = getComputedStyle(document.body); return [look.backgroundColor, look.color]"
        )
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
        assert ground != ink
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert not page.find_elements("css selector", "#sections details:not([open])")


@pytest.mark.slow
def test_a_thousand_rollouts_of_tau_bench_are_quick(browser: Any, tmp_path: Path) -> None:
    options = ["--env", "tau-bench", "--memory", "none,reasoningbank", "--orders", "10", "--quiet"]
    assert run(["eval", *options, "--out", str(tmp_path / "e")]) == 0
    begun = time.process_time()
    assert run(["report", str(tmp_path / "e"), "-o", str(tmp_path / "r.html")]) == 0
    took = time.process_time() - begun
    size = (tmp_path / "r.html").stat().st_size / 2**20
    look(browser)
    begun = time.monotonic()
    browser.get((tmp_path / "r.html").as_uri())
    until(lambda: browser.execute_script("return document.documentElement.dataset.ready"))
    ready = time.monotonic() - begun
    paint = "return performance.getEntriesByName('first-contentful-paint')[0].startTime"
    painted = browser.execute_script(paint) / 1000
    print(
        f"1,100 rollouts: {size:.1f} MiB, made in {took:.1f} s, painted after {painted:.2f} s, ready after {ready:.2f} s"
    )
    assert size <= 12
    assert took <= 10
    assert painted <= 1
    assert ready <= 2
