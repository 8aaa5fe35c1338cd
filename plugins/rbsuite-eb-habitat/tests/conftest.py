"""What the tests share: episodes made up for them, and upstream's data where it is at hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rbsuite.task import TaskSet
from rbsuite_eb_habitat.environment import EbHabitat
from rbsuite_eb_habitat.household import Household, build_household
from rbsuite_eb_habitat.nearness import reach
from rbsuite_eb_habitat.pack import Episode, Item, Standpoints, parse_predicate
from rbsuite_eb_habitat.vocab import NAMES

PACKS = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).parents[4] / "shared" / "packs")
BY_NAME = {name: place for place, name in NAMES.items()}

MakeHousehold = Callable[..., Household]


@pytest.fixture(scope="session")
def upstream() -> Path:
    """Upstream's data; tests that need it are skipped without."""
    path = PACKS / "embodied"
    if not (path / "eb_habitat").is_dir():
        pytest.skip("upstream's data (an EB-Habitat pack) is not here")
    return path


@pytest.fixture(scope="session")
def upstream_env(upstream: Path) -> EbHabitat:
    """The environment over upstream's data, once :func:`upstream_tasks` has read it."""
    return EbHabitat()


@pytest.fixture(scope="session")
def upstream_tasks(upstream: Path, upstream_env: EbHabitat) -> TaskSet:
    return upstream_env.tasks("test", data=str(upstream))


@pytest.fixture(scope="session")
def sample_env() -> EbHabitat:
    """The environment over the sample, once :func:`sample_tasks` has read it."""
    return EbHabitat()


@pytest.fixture(scope="session")
def sample_tasks(sample_env: EbHabitat) -> TaskSet:
    return sample_env.tasks("sample")


def _episode(
    things: Mapping[str, str],
    goal: Mapping[str, Any] | None = None,
    start: Sequence[str] = (),
    subgoals: Sequence[Sequence[str]] = (),
    instruction: str = "Tidy up.",
) -> Episode:
    """An episode; ``things`` gives for each instance (``plum_0``) the receptacle by the name that actions use."""
    items = tuple(
        Item(instance, instance.rpartition("_")[0].replace("_", " "), BY_NAME[on]) for instance, on in things.items()
    )
    read = [[parse_predicate(text) for text in texts] for texts in (start, *subgoals)]
    return Episode(
        index=0,
        scene="made_up_00",
        instruction=instruction,
        goal=goal or {"expr_type": "OR", "sub_exprs": []},
        start=tuple(found for found in read[0] if found),
        subgoals=tuple(tuple(found for found in texts if found) for texts in read[1:]),
        items=items,
    )


@pytest.fixture(scope="session")
def make_episode() -> Callable[..., Episode]:
    return _episode


@pytest.fixture(scope="session")
def make_household() -> MakeHousehold:
    def make(*args: Any, standpoints: Standpoints = (), **kwargs: Any) -> Household:
        return build_household(_episode(*args, **kwargs), reach(standpoints))

    return make
