"""A site that can misbehave, served as the user's own, with a task file for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

# Where the plugin is not installed, test_declared.py says so.
collect_ignore = [] if find_spec("rbsuite_web") else ["test_contract.py", "test_kit.py", "test_stock.py"]


class Served:
    """A site at the addresses that the environment variables name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        from rbsuite_webarena.sample import rows
        from rbsuite_webarena.stub import ACCOUNTS, Faults, StubSite

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
def served(browser: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    made = Served(monkeypatch, tmp_path)
    yield made
    made.site.close()
