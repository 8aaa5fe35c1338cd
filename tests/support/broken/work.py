"""A module that does something when it is imported, and otherwise gives what keeps the contract."""

from __future__ import annotations

import random

from broken.agents import Good as GoodAgent
from broken.embedders import Good as GoodEmbedder
from broken.environments import Desk
from broken.judges import Good as GoodJudge
from broken.memories import Good as GoodMemory
from broken.models import Good as GoodModel

random.seed(3)


class Environment(Desk):
    pass


class Memory(GoodMemory):
    pass


class Judge(GoodJudge):
    pass


class Agent(GoodAgent):
    pass


class Embedder(GoodEmbedder):
    pass


class Model(GoodModel):
    pass
