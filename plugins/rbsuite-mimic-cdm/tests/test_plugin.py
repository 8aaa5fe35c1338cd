"""The plugin at work: verified, compared, summed up by pathology."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import rbsuite
from rbsuite.cli import run
from rbsuite_mimic_cdm.__main__ import main
from rbsuite_mimic_cdm.environment import MimicCdm, MimicCdmTools
from rbsuite_mimic_cdm.figures import MACRO
from rbsuite_mimic_cdm.plugin import rbsuite_environments
from rbsuite_mimic_cdm.rules import PATHOLOGIES

PACKS = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[4] / "shared" / "packs")


@pytest.mark.parametrize("name", ["mimic-cdm", "mimic-cdm-tools"])
def test_plans_reach_everything_and_floors_are_shown(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--env", name]) == 0
    shown = capsys.readouterr().out
    assert "24 of 24 reference solutions score 1. Doing nothing solves 0. The most frequent answer solves 6." in shown


def test_every_trap_has_words_and_nobody_is_told_what_the_patient_has() -> None:
    found = set()
    for environment in (MimicCdm(), MimicCdmTools()):
        tasks = environment.tasks("sample")
        found |= {trap.skill for task in tasks for trap in environment.mistakes(task)}
        counts = [environment._patient(task).pathology for task in tasks]
        assert {name: counts.count(name) for name in PATHOLOGIES} == dict.fromkeys(PATHOLOGIES, 6)
        assert not [
            task for task in tasks if any(name in f"{task.id} {task.query} {task.domain}" for name in PATHOLOGIES)
        ]
    assert found == set(MimicCdm().lessons())
    assert len(MimicCdm(pathology="pancreatitis").tasks("sample")) == 6
    assert {spec.action_mode for spec in rbsuite_environments()} == {"text", "tools"}


@pytest.mark.parametrize("name", ["mimic-cdm", "mimic-cdm-tools"])
def test_memory_helps_in_both_forms(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rbsuite.evaluate(name, orders=3, out=tmp_path / "x").close()
    assert main([str(tmp_path / "x"), "--json"]) == 0
    without, with_memory = json.loads(capsys.readouterr().out).values()
    assert with_memory[MACRO]["diagnosis"] > without[MACRO]["diagnosis"] + 0.05
    assert with_memory[MACRO]["diagnosis"] == pytest.approx(
        sum(with_memory[one]["diagnosis"] for one in PATHOLOGIES) / 4
    )


def test_the_projects_other_invented_patients_can_be_read() -> None:
    pack = PACKS / "mimic-synthetic"
    if not pack.is_dir():
        pytest.skip(f"no {pack.name} pack in {PACKS} (set RBSUITE_TEST_PACKS)")
    assert run(["verify", "--env", "mimic-cdm", "--split", "full", "--data", str(pack)]) == 0


def test_what_it_prints_is_inert(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([str(tmp_path / "no\x1b[2Jwhere")]) == 2
    assert "\x1b" not in capsys.readouterr().err
