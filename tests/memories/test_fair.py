"""No baseline is starved: with the same tasks, verdicts and model each stores, recalls and puts before the agent what it could have learnt.

The figures are those of ``benchmarks/memories.py``, on 20 tasks whose solutions take several skills.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from experiments import SURE

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "memories.py"
STARVED = "awm:workflows=1"
ALL = ("reasoningbank", "dynamic-cheatsheet", "dynamic-cheatsheet:variant=rs", "ace", "exprag", "remem")
"""Learn from every task."""
SUCCESSES = ("awm", "synapse", "awm-original")
FAILURES = ("reflexion",)
ENOUGH = 0.85
"""Share of what ReasoningBank puts before the agent that every other memory does as well."""


@pytest.fixture(scope="module")
def fares(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Any]]:
    """The figures by memory."""
    pytest.importorskip("rbsuite_tau_bench")
    spec = importlib.util.spec_from_file_location("benchmark_of_memories", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    options = {
        "memory": [*ALL, *SUCCESSES, *FAILURES, STARVED],
        "model": [f"sim/learner:known=0.5,{SURE}"],
        "judge": ["ground-truth"],
        "orders": 2,
        "limit": 20,
    }
    yield module.measure("tau-bench", tmp_path_factory.mktemp("fair") / "e", **options)
    del sys.modules[module.__name__]


@pytest.mark.parametrize("memory", [*ALL[1:], *SUCCESSES, *FAILURES])
def test_a_baseline_is_not_starved(fares: Mapping[str, Any], memory: str) -> None:
    fare, measure = fares[memory], fares["reasoningbank"]
    assert fare.empty_after_first == 0
    assert fare.characters > 0
    assert fare.tokens >= ENOUGH * measure.tokens
    assert fare.lessons >= ENOUGH * measure.lessons


@pytest.mark.parametrize(
    ("memory", "sign", "base"), [*((one, 1, 0) for one in SUCCESSES), *((one, -1, 1) for one in FAILURES)]
)
def test_each_learns_from_all_that_it_may(fares: Mapping[str, Any], memory: str, sign: int, base: int) -> None:
    fare = fares[memory]
    assert fare.learnt_from == pytest.approx(base + sign * fare.success)


def test_one_that_may_keep_too_little_is_found(fares: Mapping[str, Any]) -> None:
    assert fares[STARVED].lessons < ENOUGH * fares["reasoningbank"].lessons
