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

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "calibration.py"
EXPERIMENTS = 60
LOWEST = 0.95 - 3 * (0.95 * 0.05 / EXPERIMENTS) ** 0.5
"""Three standard errors below what is aimed at."""


@pytest.fixture(scope="module")
def calibration() -> Iterator[ModuleType]:
    name = "calibration_of_statistics"
    spec = importlib.util.spec_from_file_location(name, BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # the environment in it is found by its module's name
    spec.loader.exec_module(module)
    yield module
    del sys.modules[name]


@pytest.mark.parametrize(
    "world",
    [
        {"tasks": 60, "orders": 3},
        {"tasks": 60, "orders": 5},
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


def test_intervals_over_tasks_alone_cover_too_little_where_orders_differ(calibration: ModuleType) -> None:
    world = calibration.World(tasks=150, luck=0.8)
    tally = calibration.measure(calibration.drawn("test", world), 2 * EXPERIMENTS, resamples=0)
    assert tally.covered["t tasks"][0] < 0.85
    assert tally.covered["reported"][0] >= LOWEST


@pytest.mark.parametrize("memories", [1, 4])
@pytest.mark.parametrize("orders", [1, 3])
def test_nothing_is_found_where_there_is_nothing(calibration: ModuleType, memories: int, orders: int) -> None:
    world = calibration.World(gain=0.0, memories=memories, orders=orders)
    tally = calibration.measure(calibration.drawn("same", world), 2 * EXPERIMENTS, resamples=0)
    assert tally.truth == 0.0
    assert tally.rejected <= 0.06
    assert tally.covered["reported"][0] >= LOWEST


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
