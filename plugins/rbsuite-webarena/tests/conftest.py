"""A site that can misbehave, served as the user's own, with a task file for it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rbsuite_web import doctor
from rbsuite_webarena.sample import rows
from rbsuite_webarena.stub import ACCOUNTS, Faults, StubSite


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser where there is none; ``RBSUITE_REQUIRE_BROWSER`` makes that a failure."""
    if not doctor.missing() or os.environ.get("RBSUITE_REQUIRE_BROWSER"):
        return
    for item in items:
        if "served" in getattr(item, "fixturenames", ()) or item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=doctor.missing()))


class Served:
    """A site at the addresses that the environment variables name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        self.faults = Faults()
        self.site = StubSite(self.faults)
        for name, url in self.site.sites.urls.items():
            monkeypatch.setenv(f"WA_{name.upper()}", url)
            monkeypatch.setenv(f"WA_{name.upper()}_USERNAME", ACCOUNTS[name][0])
            monkeypatch.setenv(f"WA_{name.upper()}_PASSWORD", ACCOUNTS[name][1])
        monkeypatch.setenv("WA_FULL_RESET", f"{self.site.base}/shop/rest/default/V1/integration/admin/token")
        self.data = home
        (home / "tasks.json").write_text(json.dumps(rows()))


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Served]:
    made = Served(monkeypatch, tmp_path)
    yield made
    made.site.close()
