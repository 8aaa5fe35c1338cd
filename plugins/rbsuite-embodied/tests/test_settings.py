"""What the environment variables say, and what is handed on of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.errors import EnvironmentFailure
from rbsuite_embodied.bridge.settings import DEFAULT_TIMEOUT, HOME, PYTHON, SIMULATORS, TIMEOUT, Settings


def test_python_alone_is_enough() -> None:
    assert Settings.read({PYTHON: sys.executable}) == Settings(sys.executable, "", DEFAULT_TIMEOUT)


def test_links_to_an_interpreter_are_kept(tmp_path: Path) -> None:
    """A virtual environment is known by its link."""
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    assert Settings.read({PYTHON: str(link)}).python == str(link)


def test_name_alone_is_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "their-python").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Settings.read({PYTHON: "their-python"}).python == str(tmp_path / "their-python")


def test_relative_paths_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process has another current directory."""
    (tmp_path / "python").symlink_to(sys.executable)
    (tmp_path / "checkout" / "embodiedbench").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    settings = Settings.read({PYTHON: "./python", HOME: "checkout", TIMEOUT: "2.5", SIMULATORS: "3"})
    assert settings == Settings(str(tmp_path / "python"), str(tmp_path / "checkout"), 2.5, 3)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, f"{PYTHON} is not set, so there is no EmbodiedBench to use."),
        ({PYTHON: "  "}, f"{PYTHON} is not set, so there is no EmbodiedBench to use."),
        ({PYTHON: "/nowhere/python"}, f"{PYTHON} names '/nowhere/python', which is not a program."),
        ({PYTHON: __file__}, f"{PYTHON} names {__file__!r}, which is not a program."),
        ({HOME: "/nowhere"}, f"{HOME} names '/nowhere', which contains no directory embodiedbench."),
        ({TIMEOUT: "soon"}, f"{TIMEOUT}='soon' is not a number of seconds."),
        ({TIMEOUT: "0"}, f"{TIMEOUT}='0' is not a number of seconds."),
        ({TIMEOUT: "inf"}, f"{TIMEOUT}='inf' is not a number of seconds."),
        ({SIMULATORS: "0"}, f"{SIMULATORS}='0' is not a valid number of simulators."),
        ({SIMULATORS: "two"}, f"{SIMULATORS}='two' is not a valid number of simulators."),
        ({SIMULATORS: "65"}, f"{SIMULATORS}='65' is not a valid number of simulators."),
        ({TIMEOUT: "nan"}, f"{TIMEOUT}='nan' is not a number of seconds."),
    ],
)
def test_bad_settings_are_one_line(variables: dict[str, str], said: str) -> None:
    if PYTHON not in variables and variables:
        variables = {PYTHON: sys.executable, **variables}
    with pytest.raises(EnvironmentFailure) as failure:
        Settings.read(variables)
    assert failure.value.message == said
    assert failure.value.remedy


def test_home_comes_first_on_the_module_path() -> None:
    settings = Settings(sys.executable, "/checkout")
    assert settings.child_variables({})["PYTHONPATH"] == "/checkout"
    assert settings.child_variables({"PYTHONPATH": "/theirs"})["PYTHONPATH"] == f"/checkout{os.pathsep}/theirs"
    assert "PYTHONPATH" not in Settings(sys.executable).child_variables({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", "x"),
        ("openai_api_key", "x"),
        ("SOME_APIKEY", "x"),
        ("HF_TOKEN", "x"),
        ("HF_TOKEN_READ", "x"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "file"),
        ("MYSQL_PASSWORD", "x"),
        ("SSH_AUTH_SOCK", "x"),
        ("HTTPS_PROXY", "http://user:word@proxy.test"),
        ("PIP_INDEX_URL", "https://token@host.test/simple"),
        ("PYTHONHOME", "/usr"),
    ],
)
def test_secrets_stay_here(name: str, value: str) -> None:
    assert Settings(sys.executable).child_variables({name: value}) == {}


@pytest.mark.parametrize(
    "name",
    ["PATH", "HOME", "DISPLAY", "XAUTHORITY", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "CONDA_PREFIX", "KEYBOARD"],
)
def test_what_a_simulator_needs_is_handed_on(name: str) -> None:
    assert Settings(sys.executable).child_variables({name: "x"}) == {name: "x"}


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_nothing_is_added_or_changed(variables: dict[str, str]) -> None:
    assert Settings(sys.executable).child_variables(variables).items() <= variables.items()
