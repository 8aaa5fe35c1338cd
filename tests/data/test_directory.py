from __future__ import annotations

from pathlib import Path

import pytest

from rbsuite.data.directory import data_directory, pack_directory
from rbsuite.errors import UsageError
from rbsuite.store.sealing import keys_directory


def test_variable_names_the_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path))
    assert data_directory() == tmp_path
    assert pack_directory("tau-bench") == tmp_path / "packs" / "tau-bench"


@pytest.mark.parametrize("value", [None, ""])
def test_platform_directory_is_the_default(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("RBSUITE_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("RBSUITE_DATA", value)
    assert data_directory().is_absolute()
    assert data_directory().name == "rbsuite"


def test_relative_variable_becomes_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBSUITE_DATA", "some/where")
    assert data_directory() == Path.cwd() / "some" / "where"


@pytest.mark.parametrize("name", ["", "..", "a/b", "/a", "A", ".a", "a b", "a\n"])
def test_a_name_that_is_no_directory_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a pack"):
        pack_directory(name)


@pytest.mark.parametrize("place", ["http://user:hunter2@h/x", "x" * 5_000])
def test_a_variable_that_is_no_path_is_refused(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, directory in (("RBSUITE_DATA", data_directory), ("RBSUITE_KEYS", keys_directory)):
        monkeypatch.setenv(variable, place)
        with pytest.raises(UsageError, match=f"{variable}: .*(an address, not|too long for) a path") as caught:
            directory()
        assert "hunter2" not in str(caught.value)
