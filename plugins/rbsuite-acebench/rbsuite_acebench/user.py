"""The simulated user of ACEBench: a model that plays the person the item describes."""

from __future__ import annotations

from rbsuite.environments.users import LlmUser


class AceUser(LlmUser):
    """A model in the user's place, with our own prompt. It ends the conversation by saying ``finish conversation``."""

    template = "user/acebench.j2"
