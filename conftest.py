"""What holds for all tests, of the core and of the plugins."""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import settings

# Property tests say what is true, not how fast it is: the machine may be busy with others.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end; the garbage collector need not walk through them after each one."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def browser() -> None:
    """For web environments: skip where there is no browser, unless ``RBSUITE_REQUIRE_BROWSER`` says that there must be one."""
    from rbsuite_web import doctor

    missing = doctor.missing()
    assert not (missing and os.environ.get("RBSUITE_REQUIRE_BROWSER")), missing
    if missing:
        pytest.skip(missing)
