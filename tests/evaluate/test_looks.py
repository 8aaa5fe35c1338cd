"""Looking early, through the command: to a look, on to the next, and beyond what was declared."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import altered
from experiments import core_plugins, measure, prepare
from rbsuite import api
from rbsuite.cli import command
from rbsuite.errors import StoreError, UsageError
from rbsuite.run.config import Execution
from rbsuite.statistics.looks import levels
from rbsuite.store import ExperimentStore, experiment_digest, run_digest
from rbsuite.store.checking import check_experiment
from rbsuite.store.codec import pack, unpack
from rbsuite.store.experiment import FILE_NAME
from rbsuite.store.looks import stage
from toy import ToyPlugin

TOY = ("--env", "toy", "--limit", "6", "--quiet", "--out", "e")


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def invoke(*arguments: str) -> Result:
    plugins = core_plugins(ToyPlugin(models=[altered.recording()]))
    return CliRunner().invoke(command, list(arguments), obj=plugins)


def document(*arguments: str) -> dict[str, Any]:
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def finished() -> list[str]:
    with ExperimentStore.open("e", readonly=True) as store:
        return [run.id for run in store.manifest.runs if store.run_finished(run.id)]


def test_a_look_is_reached_shown_and_gone_on_from() -> None:
    first = document("eval", *TOY, "--looks", "2,3,4")
    assert first["looks"] == {"declared": [2, 3, 4], "number": 1, "orders": 2, "finished": True, "undeclared_orders": 0}
    assert [condition["orders"] for condition in first["conditions"]] == [2, 2]
    [comparison] = first["comparisons"]
    look = comparison["look"]
    assert comparison["finished"]
    assert (look["number"], look["level"], look["spent"]) == (1, levels((2, 3, 4))[0], pytest.approx(0.008))
    assert look["interval"][0] < comparison["ci95"][0]
    assert look["finding"] == (comparison["p_value"] <= look["level"])
    again = invoke("eval", *TOY, "--looks", "2,3,4").stdout
    assert "6 tasks, 2 of 4 orders" in again
    assert "look: 1 of 3 (2 of 4 orders): 0.8 of 5 % spent, a finding at p <=" in again
    assert "rbsuite eval --from e --to-look next" in again
    assert len(finished()) == 4
    assert document("eval", "--from", "e", "--to-look", "next")["comparisons"][0]["look"]["number"] == 2
    assert document("eval", "--from", "e")["looks"]["number"] == 2
    shown = " ".join(invoke("compare", "e").output.split())
    assert "look 2 of 3 (3 of 4 orders)" in shown
    assert "not finished" not in shown
    assert document("eval", "--from", "e", "--to-look", "last")["comparisons"][0]["look"]["number"] == 3
    assert "--to-look" not in invoke("eval", "--from", "e", "--to-look", "next").stdout
    refused = invoke("eval", "--from", "e", "--to-look", "1")
    assert isinstance(refused.exception, UsageError)
    assert "past it, at look 3" in str(refused.exception)


def test_stops_change_nothing_about_the_runs(tmp_path: Path) -> None:
    """The same digest as without stops; and the same runs as of an experiment without looks."""
    options: dict[str, Any] = {
        "plugins": core_plugins(ToyPlugin()),
        "limit": 6,
        "looks": (1, 2, 4),
        "baseline_orders": 6,
    }
    counts = []
    for to_look in ("", "next", "next"):
        with api.evaluate("toy", out="stops", execution=Execution(to_look=to_look), **options) as stops:
            counts.append(sum(stops.store.run_finished(run.id) for run in stops.runs))
            digest = stops.digest
    assert counts == [1 + 2, 2 + 3, 4 + 6]
    with api.evaluate("toy", out="whole", execution=Execution(to_look="last"), **options) as whole:
        assert whole.digest == digest
        assert whole.manifest.config["orders"] == 4
        with measure(tmp_path / "plain", limit=6, orders=4, baseline_orders=6) as plain:
            assert [run_digest(plain, run.id) for run in plain.manifest.runs] == [
                run_digest(whole.store, run.id) for run in whole.runs
            ]


def test_a_look_that_was_stopped_is_finished_before_the_next() -> None:
    document("eval", *TOY, "--looks", "1,2,3")
    document("eval", "--from", "e", "--to-look", "2")
    with ExperimentStore.open("e") as store:
        store.rewind("reasoningbank/single/order-1", 2)
        assert not stage(store).finished
    shown = " ".join(invoke("compare", "e").output.split())
    assert "declared after 1, 2 and 3 orders, which are not all finished: nothing may be concluded yet" in shown
    assert document("eval", "--from", "e", "--to-look", "next")["looks"]["number"] == 2


def test_orders_beyond_the_declared_ones_are_marked_wherever_they_are_shown(tmp_path: Path) -> None:
    early = document("eval", *TOY, "--looks", "1,2")
    refused = invoke("eval", "--from", "e", "--orders", "3")
    assert isinstance(refused.exception, StoreError)
    assert "--to-look last" in str(refused.exception)
    declared = document("eval", "--from", "e", "--to-look", "next")["comparisons"][0]
    document("eval", "--from", "e", "--orders", "3")
    found = document("eval", "--from", "e", "--orders", "4")
    assert found["experiment"] == early["experiment"]
    assert found["looks"]["undeclared_orders"] == 2
    assert [condition["undeclared_orders"] for condition in found["conditions"]] == [2, 2]
    look = found["comparisons"][0]["look"]
    assert (look["number"], look["undeclared_orders"]) == (None, 2)
    assert look["declared_alone"] == {"difference": declared["difference"], "ci95": declared["ci95"]}
    compared = document("compare", "e")
    assert compared["experiments"][0]["looks"]["undeclared_orders"] == 2
    assert compared["comparisons"][0]["look"] == look
    for output in (invoke("eval", "--from", "e").stdout, invoke("compare", "e").output):
        assert "UNDECLARED" in output
        assert "2 undeclared" in output
    assert "was added after the declared runs had finished" in invoke("check", "e").stdout
    with closing(sqlite3.connect(Path("e", FILE_NAME))) as connection:
        assert connection.execute("SELECT order_index, declared FROM v_runs WHERE memory = 'none'").fetchall() == [
            (0, 1),
            (1, 1),
            (2, 0),
            (3, 0),
        ]
    with measure(tmp_path / "plain", limit=6, orders=4) as plain, ExperimentStore.open("e", readonly=True) as store:
        for run in plain.manifest.runs:
            assert run_digest(plain, run.id) == run_digest(store, run.id)
        assert experiment_digest(plain) != experiment_digest(store)


@pytest.mark.parametrize("mark", ["act", "declared", "all"])
def test_the_mark_cannot_be_taken_off(mark: str) -> None:
    document("eval", *TOY, "--orders", "1")
    document("eval", "--from", "e", "--orders", "2")
    with closing(sqlite3.connect(Path("e", FILE_NAME))) as connection, connection:
        (added,) = connection.execute("SELECT value FROM meta WHERE key = 'added_1'").fetchone()
        if mark != "declared":
            connection.execute("DELETE FROM act")
        if mark != "act":
            text = unpack(added).replace('"declared":false', '"declared":true')
            assert text != unpack(added)
            connection.execute("UPDATE meta SET value = ? WHERE key = 'added_1'", (pack(text),))
    assert check_experiment("e").findings


def test_orders_of_several_experiments_together_were_not_declared(tmp_path: Path) -> None:
    for seed in (1, 2):
        measure(tmp_path / f"{seed}", limit=6, orders=2, seed=seed).close()
    found = document("compare", "1", "2")["comparisons"][0]["look"]
    assert (found["number"], found["experiments"]) == (None, 2)
    assert "orders of 2 experiments pooled" in " ".join(invoke("compare", "1", "2").output.split())


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"looks": (3, 2)}, "--looks 3,2 does not increase"),
        ({"looks": (2, 2, 3)}, "--looks 2,2,3 does not increase"),
        ({"looks": (2, 3), "orders": 4}, "the last of --looks is 3 and --orders is 4"),
    ],
)
def test_looks_that_cannot_be_are_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        prepare(**{"orders": config["looks"][-1], **config})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--looks", "2.5,3"), "'2.5' is not a whole number"),
        (("--looks", "0,3"), "looks = 0 is too small"),
        (("--to-look", "next"), "--to-look needs an experiment that declares looks"),
        *((("--looks", "2,3", "--to-look", look), "is not a look") for look in ("4", "9" * 5_000, "\u0663")),
    ],
)
def test_a_refused_look_leaves_nothing_behind(arguments: tuple[str, ...], words: str) -> None:
    refused = invoke("eval", *TOY, *arguments)
    assert isinstance(refused.exception, UsageError)
    assert words in str(refused.exception)
    assert not Path("e").exists()
