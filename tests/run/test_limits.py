"""Limits of an experiment stop it so that it goes on to the same result; those of a rollout end it, and it is graded and judged."""

from __future__ import annotations

import asyncio
import math
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from calls import calls_at
from counters import CountersPlugin
from experiments import measure, prepare, records_of
from rbsuite.errors import LimitReached, UsageError
from rbsuite.hookspecs import hookimpl
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.models.client import Ledger
from rbsuite.models.limits import Limits
from rbsuite.models.meter import Counts, Meter
from rbsuite.plugins import load_plugins
from rbsuite.run.config import Execution, make_config
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import Plan, make_plan
from rbsuite.specs import ModelSpec
from rbsuite.store import ExperimentStore, experiment_digest
from rbsuite.store.checking import check_experiment
from rbsuite.trajectory import Message, Usage


class Spender:
    """``test/spender``: says the same for everything, at a price."""

    name = "test/spender"
    usage: ClassVar[Usage] = Usage(1, 60, 40, 0.25)
    calls: ClassVar[int] = 0

    async def complete(self, request: ModelRequest) -> Completion:
        type(self).calls += 1
        await asyncio.sleep(0.002)
        return Completion("Reasoning: so it seems.\nVerdict: success", usage=self.usage)

    async def aclose(self) -> None:
        """Nothing to give back."""


class SpenderPlugin:
    @hookimpl
    def rbsuite_models(self) -> list[ModelSpec]:
        return [ModelSpec("test/spender", "spends", f"{__name__}:Spender", simulated=True)]


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    before = Spender.usage
    Spender.calls = 0
    yield
    Spender.usage = before


def plan(**config: Any) -> Plan:
    options = {"env": "counted", "model": "test/spender", "memory": ("none", "reasoningbank"), "limit": 4}
    return prepare(CountersPlugin(), SpenderPlugin(), **{**options, **config})


def go_on(planned: Plan, directory: Path, **execution: Any) -> ExperimentStore:
    with open_experiment(planned, directory) as store:
        asyncio.run(run_experiment(planned, store, Execution(**{"concurrency": 4, **execution})))
    return ExperimentStore.open(directory, readonly=True)


def spent(directory: Path) -> Any:
    with ExperimentStore.open(directory, readonly=True) as store:
        return store.spent()


@pytest.mark.parametrize("speculate", ["off", "auto"])
@pytest.mark.parametrize("scaling", ["single", "parallel:3"])
def test_an_experiment_goes_on_from_limit_to_limit_to_the_undisturbed_result(
    tmp_path: Path, scaling: str, speculate: str
) -> None:
    planned = prepare(scaling=scaling, limit=6)
    with go_on(planned, tmp_path / "calm") as store:
        wanted, used = experiment_digest(store), store.spent()
    for number in range(1, 5):
        calls = number * used.calls // 5
        with pytest.raises(LimitReached, match=rf"--max-calls is reached \({calls:,} calls\)"):
            go_on(planned, tmp_path / "x", max_calls=calls, speculate=speculate)
        assert spent(tmp_path / "x").calls == calls, "they are counted when they begin, so that none is too many"
    with go_on(planned, tmp_path / "x", max_calls=10 * used.calls, speculate=speculate) as store:
        assert experiment_digest(store) == wanted
    assert check_experiment(tmp_path / "x").findings == ()
    assert spent(tmp_path / "x").calls >= used.calls


@pytest.mark.parametrize(
    ("limit", "allowed"), [({"max_tokens": 1000}, 1000), ({"max_cost": 2.5}, 1000), ({"max_calls": 10}, 1000)]
)
def test_no_more_is_spent_than_the_calls_under_way(tmp_path: Path, limit: dict[str, Any], allowed: int) -> None:
    planned = plan()
    with pytest.raises(LimitReached, match=next(iter(limit)).replace("_", "-")):
        go_on(planned, tmp_path / "x", **limit)
    found = spent(tmp_path / "x")
    assert allowed <= found.tokens < allowed + 100 * 4
    assert found.cost == pytest.approx(found.tokens * 0.0025)
    assert found.calls == Spender.calls
    before = Spender.calls
    with pytest.raises(LimitReached):
        go_on(planned, tmp_path / "x", **limit)
    assert Spender.calls == before, "what earlier sessions spent counts"


def test_time_is_limited_over_all_sessions(tmp_path: Path) -> None:
    planned = plan(model="test/saying:latency=0.02", limit=8, env="counted:turns=4")
    with pytest.raises(LimitReached, match="--max-time is reached"):
        go_on(planned, tmp_path / "x", concurrency=1, max_time=0.5)
    assert 0.5 <= spent(tmp_path / "x").seconds < 5
    calls = spent(tmp_path / "x").calls
    with pytest.raises(LimitReached):
        go_on(planned, tmp_path / "x", concurrency=1, max_time=0.5)
    assert spent(tmp_path / "x").calls == calls


@pytest.mark.parametrize(
    ("called", "executor"), [("model", "local"), ("model", "processes:2"), ("memory service", "local")]
)
def test_a_call_is_not_tried_again_when_the_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, called: str, executor: str
) -> None:
    pytest.importorskip("rbsuite_tau_bench")
    with socket.socket() as bound:  # nobody listens
        bound.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{bound.getsockname()[1]}"
        monkeypatch.setenv("OPENAI_BASE_URL", f"{nobody}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "a-key-for-nobody")
        model = "sim/oracle" if called == "memory service" else "openai/nobody"
        memory = f"http:url={nobody},retries=9" if called == "memory service" else "reasoningbank"
        options = {"env": "tau-bench", "split": "sample", "limit": 2, "orders": 1, "model": model}
        planned = make_plan(make_config(options, {"memory": ("none", memory)}), load_plugins())
        started = time.monotonic()
        with pytest.raises(LimitReached, match="--max-time is reached"):
            go_on(planned, tmp_path / "x", executor=executor, max_time=1.0)
    assert time.monotonic() - started < 20, "all tries of a call take a minute"


def test_several_processes_share_a_limit(tmp_path: Path) -> None:
    pytest.importorskip("rbsuite_tau_bench")
    options = {"env": "tau-bench", "split": "sample", "domain": "retail", "limit": 2, "orders": 2}
    planned = make_plan(make_config(options, {"memory": ("none", "reasoningbank")}), load_plugins())
    with go_on(planned, tmp_path / "calm") as store:
        wanted = experiment_digest(store)
    processes = {"executor": "processes:2"}
    with pytest.raises(LimitReached, match="--max-calls is reached"):
        go_on(planned, tmp_path / "x", max_calls=40, **processes)
    assert 40 <= spent(tmp_path / "x").calls <= 44
    with go_on(planned, tmp_path / "x", **processes) as store:
        assert experiment_digest(store) == wanted


@pytest.mark.parametrize(
    "usage",
    [
        Usage(1, 10**30, 5, 0.1),
        Usage(1, -7, 5, 0.1),
        Usage(1, 3, 2, -0.5),
        Usage(1, 3, 2, math.nan),
        Usage(1, 3, 2, math.inf),
        Usage(10**30, 3, 2, 0.0),
    ],
)
def test_an_impossible_usage_is_an_unknown_one(tmp_path: Path, usage: Usage) -> None:
    Spender.usage = usage
    with go_on(plan(rollout_max_tokens=10_000), tmp_path / "x", max_tokens=10**6) as store:
        for _, record in records_of(store, "reasoningbank"):
            for rollout in record.rollouts:
                assert rollout.trajectory.end == "finished"
                found = rollout.usage["agent"]
                assert found.calls == 2
                assert found.tokens <= 10
                assert found.cost is None or found.cost == 0
        assert store.spent().tokens < 10_000


def test_where_no_price_is_known_money_cannot_be_limited(tmp_path: Path) -> None:
    Spender.usage = replace(Spender.usage, cost=None)
    with pytest.raises(UsageError, match=r"price of a model call is not known, so --max-cost cannot be enforced"):
        go_on(plan(), tmp_path / "x", max_cost=5.0)
    with pytest.raises(UsageError, match=r"--rollout-max-cost cannot be enforced"):
        go_on(plan(rollout_max_cost=5.0), tmp_path / "y")
    assert Spender.calls <= 8


@pytest.mark.parametrize(
    ("limit", "calls"),
    [
        ({"rollout_max_calls": 2}, 2),
        ({"rollout_max_tokens": 150}, 2),
        ({"rollout_max_tokens": 100}, 1),
        ({"rollout_max_cost": 0.75}, 3),
    ],
)
def test_a_rollouts_limit_ends_it_with_its_reason_and_it_is_graded_and_judged(
    tmp_path: Path, limit: dict[str, Any], calls: int
) -> None:
    with go_on(plan(env="counted:turns=4", **limit), tmp_path / "x") as store:
        for _, record in records_of(store, "none"):
            [rollout] = record.rollouts
            assert (rollout.trajectory.end, rollout.trajectory.score) == ("budget", calls / 4)
            [name] = limit
            assert f"--{name.replace('_', '-')}" in rollout.trajectory.error
            assert rollout.verdict is not None
            assert rollout.usage["agent"].calls == calls
            assert rollout.usage["judge"].calls == 1


def test_an_environments_limit_of_money_holds_where_none_is_given_and_prices_are_known(tmp_path: Path) -> None:
    def ends(place: str, **given: Any) -> set[str]:
        with go_on(plan(env="counted-limited:turns=4", **given), tmp_path / place) as store:
            return {record.rollouts[0].trajectory.end for _, record in records_of(store, "none")}

    assert ends("x") == {"budget"}
    assert ends("y", rollout_max_cost=5.0) == {"finished"}
    Spender.usage = replace(Spender.usage, cost=None)
    assert ends("z") == {"finished"}


def test_limits_of_rollouts_are_part_of_an_experiment_and_those_of_the_experiment_are_not(tmp_path: Path) -> None:
    names: list[Callable[[], Plan]] = [plan, lambda: plan(rollout_max_calls=3), lambda: plan(rollout_max_tokens=3)]
    assert len({str(made().manifest.config) for made in names}) == 3
    assert not {"max_cost", "max_tokens", "max_calls", "max_time"} & plan().manifest.config.keys()


def test_whoever_goes_on_without_an_answer_cannot_hide_that_a_call_was_refused(tmp_path: Path) -> None:
    """A judge that takes any failure for a verdict of its own."""
    from rbsuite.specs import JudgeSpec

    class Plugin:
        @hookimpl
        def rbsuite_judges(self) -> list[JudgeSpec]:
            return [JudgeSpec("careless", "takes failures", f"{__name__}:Careless")]

    planned = prepare(
        CountersPlugin(), SpenderPlugin(), Plugin(), env="counted", model="test/spender", judge="careless"
    )
    with pytest.raises(LimitReached):
        go_on(planned, tmp_path / "x", concurrency=1, max_calls=11)
    with ExperimentStore.open(tmp_path / "x", readonly=True) as store:
        verdicts = [one.verdict for run in store.manifest.runs for r in store.records(run.id) for one in r.rollouts]
    assert {one.rationale for one in verdicts if one is not None} == {"asked"}


class Careless:
    """A judge that goes on whatever comes."""

    async def judge(self, request: Any, services: Any) -> Any:
        from rbsuite.trajectory import Message
        from rbsuite.verdict import Verdict

        try:
            await services.complete([Message("user", "?")])
        except Exception:
            return Verdict("failure", None, "not asked", "careless")
        return Verdict("success", None, "asked", "careless")


def test_earlier_rollouts_are_measured_as_before(tmp_path: Path) -> None:
    """Without limits nothing changes."""
    with measure(tmp_path / "a") as one, go_on(prepare(), tmp_path / "b", max_calls=10**6) as two:
        assert experiment_digest(one) == experiment_digest(two)


def test_a_call_that_is_cut_off_is_counted_by_an_estimate() -> None:
    counts = Counts.for_processes(0)
    meter = Meter(Limits(), counts)
    asked = ModelRequest((Message("user", "x" * 4000),), "agent")

    async def cut() -> None:
        answered = await calls_at(meter=meter).complete(Spender(), asked, Ledger())
        assert answered.usage == Spender.usage
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await calls_at(meter=meter).complete(Spender(), asked, Ledger())

    asyncio.run(cut())
    assert (counts.total.calls, counts.total.tokens, counts.total.unpriced) == (2, 100 + 1000, 0)
    assert counts.total.cost == pytest.approx(1100 * 0.0025), "at the price of the calls before"
