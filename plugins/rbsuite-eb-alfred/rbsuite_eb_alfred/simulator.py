"""EB-ALFRED on the user's own EmbodiedBench, with AI2-THOR."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rbsuite_eb_alfred.environment import PROMPTS, EbAlfred
from rbsuite_embodied.environment import EmbodiedEnvironment
from rbsuite_embodied.simulator import SimulatorEnvironment


class EbAlfredSimulator(SimulatorEnvironment):
    """See :class:`rbsuite_embodied.simulator.SimulatorEnvironment`."""

    name: ClassVar[str] = "eb-alfred[simulator]"
    upstream: ClassVar[str] = "eb-alfred"
    symbolic: ClassVar[type[EmbodiedEnvironment]] = EbAlfred
    tells_view: ClassVar[bool] = True
    prompt_directory: ClassVar[Path | None] = PROMPTS
