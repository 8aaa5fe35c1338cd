"""EB-Habitat on the user's own EmbodiedBench, with Habitat."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rbsuite_eb_habitat.environment import PROMPTS, EbHabitat
from rbsuite_embodied.environment import EmbodiedEnvironment
from rbsuite_embodied.simulator import SimulatorEnvironment


class EbHabitatSimulator(SimulatorEnvironment):
    """See :class:`rbsuite_embodied.simulator.SimulatorEnvironment`."""

    name: ClassVar[str] = "eb-habitat[simulator]"
    upstream: ClassVar[str] = "eb-habitat"
    symbolic: ClassVar[type[EmbodiedEnvironment]] = EbHabitat
    tells_view: ClassVar[bool] = False
    prompt_directory: ClassVar[Path | None] = PROMPTS
