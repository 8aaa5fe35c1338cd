"""What holds for all tests, of the core and of the plugins."""

from __future__ import annotations

import gc

from hypothesis import settings

# Property tests say what is true, not how fast it is: the machine may be busy with others.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end; the garbage collector need not walk through them after each one."""
    gc.collect()
    gc.freeze()
