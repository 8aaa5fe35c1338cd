"""A browser where there is one."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def browser() -> None:
    """Skip where there is no browser, unless ``RBSUITE_REQUIRE_BROWSER`` says that there must be one."""
    from rbsuite_web import doctor

    missing = doctor.missing()
    assert not (missing and os.environ.get("RBSUITE_REQUIRE_BROWSER")), missing
    if missing:
        pytest.skip(missing)
