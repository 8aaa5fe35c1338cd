"""The selector ``mean``: no rollout is chosen, the mean score of all counts; and the same figures beside what another selector chose."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from experiments import core_plugins, measure
from rbsuite.cli import command
from rbsuite.record import ALL
from rbsuite.run.checks import check_index
from rbsuite.statistics.differences import against_control
from rbsuite.statistics.power import Components, Design, components, outlook, within_variance
from rbsuite.statistics.summary import summarise
from toy import ToyPlugin

K = 3
MATTS: dict[str, Any] = {"scaling": (f"parallel:{K}",), "orders": 3, "limit": 16, "model": "sim/learner:known=0.5"}


def document(*arguments: object) -> dict[str, Any]:
    result = CliRunner().invoke(command, [*map(str, arguments), "--json"], obj=core_plugins(ToyPlugin()))
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def test_the_mean_counts_and_stands_beside_what_is_chosen(tmp_path: Path) -> None:
    with measure(tmp_path / "mean", selector="mean", **MATTS) as store:
        records = [record for run in store.manifest.runs for record in store.records(run.id)]
        path = store.path
    assert {record.selected for record in records} == {ALL}
    assert any(0 < record.score < 1 for record in records)
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT avg(coalesce(score, 0)) FROM v_results WHERE selected").fetchall()
    assert rows[0][0] == pytest.approx(sum(record.score for record in records) / len(records))
    measure(tmp_path / "chosen", selector="random", **MATTS).close()
    mean, chosen = (document("compare", tmp_path / name) for name in ("mean", "chosen"))
    for one, other in zip(mean["conditions"], chosen["conditions"], strict=True):
        assert (one["score_is"], other["score_is"]) == ("mean of rollouts", "selected rollout")
        assert one["mean"] == pytest.approx(other["all_rollouts"]["avg@k"]["mean"])
        assert [pass_["k"] for pass_ in one["passes_over_orders"]] == []
    [counted], [beside] = mean["comparisons"], chosen["comparisons"]
    assert counted["mean_of_rollouts"] is None
    assert beside["mean_of_rollouts"]["difference"] == pytest.approx(counted["difference"])
    assert beside["mean_of_rollouts"]["standard_error"] == pytest.approx(counted["standard_error"])
    assert beside["difference"] != pytest.approx(counted["difference"])
    shown = CliRunner().invoke(command, ["compare", str(tmp_path / "chosen")], obj=core_plugins(ToyPlugin())).stdout
    assert "mean of all rollouts  " in shown


def test_its_standard_error_is_that_of_the_plan(tmp_path: Path) -> None:
    """What ``rbsuite plan --from`` expects of the design that was run is what was found, where gains differ between tasks."""
    measure(
        tmp_path / "e", selector="mean", scaling=(f"parallel:{K}",), orders=3, seed=1, model="sim/learner:slip=0.3"
    ).close()
    parts = document("plan", "--from", tmp_path / "e")["pilot"]["parts"]
    assert parts["tasks"] > 0, "an estimate below 0 is taken for 0, and the plan for more than it is"
    [found] = document("compare", tmp_path / "e")["comparisons"]
    error = outlook(Components(**parts), Design(found["n_tasks"], found["orders"], K)).error
    assert found["standard_error"] == pytest.approx(error, rel=0.1)


def test_plans_foretell_the_error_of_mean_scores() -> None:
    """From pilots with 4 rollouts a task to experiments with 2, in the mean over simulated ones."""
    rng = np.random.default_rng(3)

    def scores(n: int, orders: int, k: int) -> list[Any]:
        ability = rng.beta(0.54, 0.354, n).clip(1e-9, 1 - 1e-9)
        logit = np.log(ability / (1 - ability)) + rng.normal(0.8, 0.5, n)
        on = 1 / (1 + np.exp(-(logit[:, None] + rng.normal(0, 0.15, orders))))
        return [rng.random((n, orders, k)) < p[:, :, None] for p in (on, np.tile(ability[:, None], orders))]

    planned, found = [], []
    for _ in range(40):
        a, b = (cells.astype(float) for cells in scores(115, 5, 4))
        within = [within_variance(list(cells.reshape(-1, 4))) for cells in (a, b)]
        pilot = components(a.mean(2), b.mean(2), sum(one or 0.0 for one in within), 4)
        planned.append(outlook(pilot.parts, Design(60, 5, 2)).error ** 2)
        a, b = (cells.mean(axis=2) for cells in scores(60, 5, 2))
        found.append((against_control(a, b, range(5)).error or 0.0) ** 2)
    assert np.mean(planned) ** 0.5 == pytest.approx(np.mean(found) ** 0.5, rel=0.1)


def test_where_rounds_build_on_each_other_the_last_word_counts(tmp_path: Path) -> None:
    with measure(tmp_path / "e", selector="mean", scaling=("sequential:2",), limit=3) as store:
        assert {record.selected for run in store.manifest.runs for record in store.records(run.id)} == {0}
        [comparison] = summarise(store).comparisons
        assert comparison.of_means is None


def test_only_a_selector_that_says_so_may_let_all_count() -> None:
    assert check_index(ALL, 3, averages=True) == ALL
    with pytest.raises(Exception, match="select must return the index"):
        check_index(ALL, 3)
