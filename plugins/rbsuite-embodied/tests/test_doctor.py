"""What ``rbsuite doctor`` says of the simulators."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from rbsuite_embodied.bridge.settings import HOME, PYTHON
from rbsuite_embodied.simulator import check_alfred, check_habitat

CHECKS = [check_alfred, check_habitat]


@pytest.mark.parametrize("check", CHECKS)
def test_all_is_well_and_no_simulator_was_started(stub: Any, check: Any) -> None:
    assert check() == ""
    assert stub.children == []


@pytest.mark.parametrize("check", CHECKS)
def test_python_is_not_named(stub: Any, check: Any) -> None:
    stub.monkeypatch.delenv(PYTHON)
    assert check() == (
        f"{PYTHON} is not set, so there is no EmbodiedBench to use. "
        "Set it to the Python of the environment in which EmbodiedBench is installed."
    )


def test_embodiedbench_is_not_installed(stub: Any) -> None:
    stub.monkeypatch.delenv(HOME)
    assert check_habitat().startswith(f"EmbodiedBench (eb-habitat) is not installed for {sys.executable!r}.")


def test_something_that_it_imports_is_missing(stub: Any, tmp_path: Path) -> None:
    module = tmp_path / "embodiedbench/envs/eb_alfred/EBAlfEnv.py"
    module.parent.mkdir(parents=True)
    module.write_text("import a_module_that_nobody_has\n")
    stub.monkeypatch.setenv(HOME, str(tmp_path))
    assert check_alfred() == (
        "EmbodiedBench (eb-alfred) cannot be imported: ModuleNotFoundError: No module named 'a_module_that_nobody_has'. "
        "Install what is missing into its Python."
    )
