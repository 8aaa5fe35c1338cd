"""Experiments with a known truth: the reported interval covers it, and nothing is found where there is nothing.

The whole calibration is ``benchmarks/calibration.py``; here are 60 experiments of each kind, always the same ones.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
EXPERIMENTS = 60
LOWEST = 0.95 - 3 * (0.95 * 0.05 / EXPERIMENTS) ** 0.5
"""Three standard errors below what is aimed at."""


def load(name: str) -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location(f"{name}_of_statistics", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # the environment in it is found by its module's name
    spec.loader.exec_module(module)
    yield module
    del sys.modules[module.__name__]


@pytest.fixture(scope="module")
def calibration() -> Iterator[ModuleType]:
    yield from load("calibration")


@pytest.fixture(scope="module")
def grid() -> Iterator[ModuleType]:
    yield from load("calibration_grid")


@pytest.mark.parametrize("common", [False, True])
@pytest.mark.parametrize(("tasks", "orders"), [(30, 3), (115, 3), (115, 5)])
@pytest.mark.parametrize(("deviation", "effect"), [(0.0, 0.05), (0.18, 0.0), (0.36, 0.05), (0.72, 0.1)])
def test_differences_are_covered(
    grid: ModuleType, tasks: int, orders: int, deviation: float, effect: float, common: bool
) -> None:
    """500 experiments of a kind: no less than 91 % and no more than 99.5 % (two and a half standard errors beyond 93 to 98 %)."""
    found = grid.measure(grid.Kind(tasks, orders, deviation, effect, common), 500, methods={"now": grid.reported})
    assert 0.91 <= found["now"].coverage <= 0.995


def test_intervals_are_narrower_than_those_of_version_0_1(grid: ModuleType) -> None:
    for kind in (grid.Kind(115, 3, nothing=True), grid.Kind(115, 3, 0.18, 0.05)):
        found = grid.measure(kind, 500)
        assert found["now"].width <= 0.81 * found["0.1"].width
    shared = grid.measure(grid.Kind(115, 3, 0.18, 0.05, common=True), 500)
    assert shared["now"].width <= 0.95 * shared["0.1"].width


def test_nothing_is_found_where_memory_does_nothing(grid: ModuleType) -> None:
    for common in (False, True):
        kind = grid.Kind(115, 3, nothing=True, common=common)
        found = grid.measure(kind, 1000, methods={"now": grid.reported})
        assert found["now"].rejected <= 0.055
    declared, at_each, after_every_order = grid.looked(grid.Kind(50, 10, nothing=True), (3, 5, 10), 600)
    assert declared <= 0.055
    assert declared < at_each <= after_every_order
    assert grid.looked(grid.Kind(50, 10, 0.72), (3, 5, 10), 600)[0] <= 0.06, "nor where orders differ"


@pytest.mark.parametrize("deviation", [0.0, 0.36, 0.72])
def test_differences_with_missing_cells_are_covered(grid: ModuleType, deviation: float) -> None:
    kind = grid.Kind(115, 3, deviation, 0.05, missing=0.1)
    assert grid.measure(kind, 400, methods={"now": grid.reported})["now"].coverage >= 0.92


@pytest.mark.parametrize(
    "world",
    [
        {"tasks": 25, "orders": 3, "skills": 6},
        {"tasks": 60, "orders": 3, "luck": 0.6},
        {"tasks": 60, "orders": 5, "skills": 3, "learning": 0.1},
    ],
    ids=str,
)
def test_generated_experiments_are_covered(calibration: ModuleType, world: dict[str, float]) -> None:
    tally = calibration.measure(calibration.drawn("test", calibration.World(**world)), EXPERIMENTS, resamples=0)
    share, width = tally.covered["reported"]
    assert 0.05 < tally.truth < 0.25
    assert share >= LOWEST
    assert width < 0.6


@pytest.mark.parametrize("orders", [1, 3])
def test_nothing_is_found_where_there_is_nothing(calibration: ModuleType, orders: int) -> None:
    world = calibration.World(gain=0.0, memories=4, orders=orders)
    tally = calibration.measure(calibration.drawn("same", world), 2 * EXPERIMENTS, resamples=0)
    assert tally.truth == 0.0
    assert tally.rejected <= 0.06
    assert tally.covered["reported"][0] >= LOWEST


@pytest.mark.slow
def test_real_experiments_with_the_simulated_learner_are_covered(
    calibration: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration.Album, "count", 20)
    monkeypatch.setattr(calibration, "SETS", 1)
    monkeypatch.setattr(calibration, "TRUTH_ORDERS", 100)
    tally = calibration.measure(calibration.learner("test", 3), EXPERIMENTS, resamples=0)
    assert tally.truth > 0.05
    assert tally.covered["reported"][0] >= LOWEST
    assert tally.covered["reported"][1] < 0.5


def test_memory_off_does_not_differ_from_itself(calibration: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration.Album, "count", 12)
    tally = calibration.measure(calibration.learner_same(), EXPERIMENTS, resamples=0)
    assert tally.rejected <= 0.06
