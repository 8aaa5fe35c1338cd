"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from rbsuite import Check, EnvironmentSpec, Split, hookimpl


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """The levels of BabyAI that need only one room."""
    return [
        EnvironmentSpec(
            "minigrid",
            "BabyAI: instructions in a small grid world, seen as text",
            "rbsuite_minigrid.environment:BabyAI",
            aliases=("babyai",),
            version="1",
            splits=(
                Split("sample", "5 seeds of each level", bundled=True),
                Split("test", "50 other seeds of each level", bundled=True),
            ),
            domains=("GoToRedBall", "GoToLocal", "PickupDist", "GoToDoor", "UnlockLocal", "OpenTwoDoors"),
            action_mode="choice",
            max_steps=64,
            needs=(Check("the package minigrid", "rbsuite_minigrid.plugin:missing"),),
            citation="Chevalier-Boisvert et al., BabyAI, ICLR 2019 (arXiv 1810.08272)",
            homepage="https://minigrid.farama.org",
            notes=(
                "Observations are this plugin's own texts; they say what the agent's view of 7 x 7 cells contains.",
            ),
        )
    ]


def missing() -> str:
    """What is missing and how to get it; empty if nothing is."""
    return "" if find_spec("minigrid") else "minigrid is not installed. Run: pip install minigrid"
