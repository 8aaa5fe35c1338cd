"""EB-ALFRED on the user's own EmbodiedBench, with AI2-THOR."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rbsuite.environments.base import Environment
from rbsuite_eb_alfred.environment import PROMPTS, EbAlfred
from rbsuite_embodied.simulator import SimulatorEnvironment


class EbAlfredSimulator(SimulatorEnvironment):
    """See :class:`rbsuite_embodied.simulator.SimulatorEnvironment`."""

    name: ClassVar[str] = "eb-alfred[simulator]"
    upstream: ClassVar[str] = "eb-alfred"
    symbolic: ClassVar[type[Environment]] = EbAlfred
    tells_view: ClassVar[bool] = True
    template: ClassVar[str] = EbAlfred.template
    most_actions: ClassVar[int] = EbAlfred.most_actions
    prompt_directory: ClassVar[Path | None] = PROMPTS
