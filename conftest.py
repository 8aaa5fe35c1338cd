"""What holds for all tests, of the core and of the plugins."""

from __future__ import annotations

from hypothesis import settings

# Property tests say what is true, not how fast it is: the machine may be busy with others.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")
