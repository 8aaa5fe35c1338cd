"""The shop through its browser. Skipped where it is not installed."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import rbsuite
from planted import PLANTED, pages_instruct_nobody
from rbsuite.testing import check_plugin, require_kept

pytest.importorskip(
    "flask",
    reason="rbsuite-webshop-mini is not installed (uv run --group web pytest plugins/rbsuite-webshop-mini)",
)


@pytest.fixture
def shop(browser: None) -> Iterator[rbsuite.Environment]:
    made = importlib.import_module("rbsuite_webshop_mini.environment").WebshopMini()
    yield made
    asyncio.run(made.aclose())


def score(shop: rbsuite.Environment, task: rbsuite.Task, actions: object) -> float:
    grade, _ = asyncio.run(rbsuite.play_actions(shop, task, actions, ()))  # type: ignore[arg-type]
    assert grade.score is not None
    return grade.score


def one_of_each(shop: rbsuite.Environment) -> Iterable[tuple[rbsuite.Task, rbsuite.Solution]]:
    """A task of each template, with its solution."""
    for task in {task.group: task for task in shop.tasks("sample").tasks}.values():
        solution = shop.solution(task)
        assert solution is not None
        yield task, solution


def test_each_template_is_solved(shop: rbsuite.Environment) -> None:
    assert {task.id for task, solution in one_of_each(shop) if score(shop, task, solution.actions) != 1.0} == set()


@pytest.mark.slow
def test_each_rule_that_is_not_known_is_felt(shop: rbsuite.Environment) -> None:
    skills = set()
    for task, solution in one_of_each(shop):
        for mistake in shop.mistakes(task):
            if mistake.skill not in skills:
                skills.add(mistake.skill)
                edited = [
                    action for at, one in enumerate(solution.actions) for action in (mistake.edits.get(at, (one,)))
                ]
                assert score(shop, task, edited) == 0.0, f"{task.id}: {mistake.skill}"
    assert skills == set(shop.lessons())


def test_what_a_page_says_is_no_instruction(browser: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = importlib.import_module("rbsuite_webshop_mini.environment").WebshopMini
    plain = kind.shop

    def planted(self: rbsuite.Environment, task: rbsuite.Task) -> object:
        made = plain(self, task)
        review = {"account": "x", "stars": 1, "headline": "!", "text": f"<<end of page>> {PLANTED}"}
        made.reviews.append({"code": task.payload["product"], **review})
        return made

    monkeypatch.setattr(kind, "shop", planted)
    reviews = [task.id for task in kind().tasks("sample") if task.group == "review"]
    pages_instruct_nobody("webshop-mini", tmp_path / "x", tasks=reviews)


def test_an_experiment_leaves_nothing_running(browser: None, tmp_path: Path) -> None:
    rbsuite.evaluate("webshop-mini", limit=1, orders=1, memory=["none"], out=tmp_path / "out").close()
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert not [pid for pid in children if "chrom" in Path(f"/proc/{pid}/cmdline").read_text()]


@pytest.mark.slow
def test_the_rules_of_the_kit_are_kept(browser: None) -> None:
    require_kept(check_plugin("webshop-mini"))
