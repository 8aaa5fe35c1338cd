"""Limits with a provider between: what is counted, what is sent, and that an experiment that was stopped comes to the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import rbsuite
from rbsuite.errors import LimitReached, UsageError
from rbsuite.plugins import Plugins, load_plugins
from rbsuite.run.config import Execution
from rbsuite.serve.faults import NONE, Faults

from .conftest import Serve

# litellm and pydantic warn about litellm's own code.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return load_plugins()


def test_calls_are_limited_through_faults_and_the_result_is_the_undisturbed_one(
    serve: Serve, plugins: Plugins, tmp_path: Path
) -> None:
    pytest.importorskip("rbsuite_tau_bench")
    url, faults = serve(["sim/learner"], plugins, Faults({"no-usage": 0.3}, seed=1))
    options: dict[str, Any] = {"env": "tau-bench", "plugins": plugins, "limit": 2, "orders": 1, "domain": "airline"}
    with rbsuite.evaluate(out=tmp_path / "calm", **options) as experiment:
        wanted = experiment.digest
    served = {**options, "model": f"sim/learner:server={url}", "out": tmp_path / "x"}
    with pytest.raises(LimitReached, match="--max-calls is reached"):
        rbsuite.evaluate(execution=Execution(max_calls=30), **served)
    assert faults.met.total() == 30
    with rbsuite.evaluate(execution=Execution(max_calls=1000), **served) as experiment:
        assert experiment.digest == wanted
        spent = experiment.store.spent()
    assert spent.calls == faults.met.total()
    assert faults.met[NONE] < spent.calls
    assert spent.tokens > 40 * spent.calls, "calls without a count are estimated"
    assert spent.unpriced == spent.calls


def test_where_the_price_is_unknown_money_cannot_be_limited(serve: Serve, plugins: Plugins, tmp_path: Path) -> None:
    url, faults = serve(["sim/learner"], plugins)
    options: dict[str, Any] = {"env": "tau-bench", "plugins": plugins, "limit": 2, "orders": 1, "memory": ["none"]}
    model = f"sim/learner:server={url}"
    with pytest.raises(UsageError, match="--max-cost cannot be enforced"):
        rbsuite.evaluate(out=tmp_path / "x", model=model, execution=Execution(concurrency=2, max_cost=1.0), **options)
    assert faults.met.total() <= 2
