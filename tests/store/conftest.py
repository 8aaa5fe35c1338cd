from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from rbsuite.store import ExperimentStore


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    """The builders of ``samples.py``, which a process outside pytest uses too."""
    spec = importlib.util.spec_from_file_location("rbsuite_store_samples", Path(__file__).with_name("samples.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def store(tmp_path: Path, samples: ModuleType) -> Iterator[ExperimentStore]:
    """A store for two runs of 10 tasks, with nothing committed."""
    with ExperimentStore.create(tmp_path / "experiment", samples.manifest(10)) as made:
        yield made


@pytest.fixture
def filled(store: ExperimentStore, samples: ModuleType) -> ExperimentStore:
    """The same with 5 tasks of the run with a memory."""
    for record in samples.records(5):
        store.commit(samples.RUN, record)
    return store
